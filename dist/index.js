/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 229:
/***/ ((module) => {

module.exports = require("./on-miss.js");

/***/ })

/******/ 	});
/************************************************************************/
/******/ 	// The module cache
/******/ 	var __webpack_module_cache__ = {};
/******/ 	
/******/ 	// The require function
/******/ 	function __nccwpck_require__(moduleId) {
/******/ 		// Check if module is in cache
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		// Create a new module (and put it into the cache)
/******/ 		var module = __webpack_module_cache__[moduleId] = {
/******/ 			// no module.id needed
/******/ 			// no module.loaded needed
/******/ 			exports: {}
/******/ 		};
/******/ 	
/******/ 		// Execute the module function
/******/ 		var threw = true;
/******/ 		try {
/******/ 			__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 			threw = false;
/******/ 		} finally {
/******/ 			if(threw) delete __webpack_module_cache__[moduleId];
/******/ 		}
/******/ 	
/******/ 		// Return the exports of the module
/******/ 		return module.exports;
/******/ 	}
/******/ 	
/************************************************************************/
/******/ 	/* webpack/runtime/asset-relocator-loader */
/******/ 	if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + "/";
/******/ 	
/******/ 	/* webpack/runtime/compat get default export */
/******/ 	(() => {
/******/ 		// getDefaultExport function for compatibility with non-harmony modules
/******/ 		__nccwpck_require__.n = (module) => {
/******/ 			var getter = module && module.__esModule ?
/******/ 				() => (module['default']) :
/******/ 				() => (module);
/******/ 			__nccwpck_require__.d(getter, { a: getter });
/******/ 			return getter;
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/create fake namespace object */
/******/ 	(() => {
/******/ 		var getProto = Object.getPrototypeOf ? (obj) => (Object.getPrototypeOf(obj)) : (obj) => (obj.__proto__);
/******/ 		var leafPrototypes;
/******/ 		// create a fake namespace object
/******/ 		// mode & 1: value is a module id, require it
/******/ 		// mode & 2: merge all properties of value into the ns
/******/ 		// mode & 4: return value when already ns object
/******/ 		// mode & 16: return value when it's Promise-like
/******/ 		// mode & 8|1: behave like require
/******/ 		__nccwpck_require__.t = function(value, mode) {
/******/ 			if(mode & 1) value = this(value);
/******/ 			if(mode & 8) return value;
/******/ 			if(typeof value === 'object' && value) {
/******/ 				if((mode & 4) && value.__esModule) return value;
/******/ 				if((mode & 16) && typeof value.then === 'function') return value;
/******/ 			}
/******/ 			var ns = Object.create(null);
/******/ 			__nccwpck_require__.r(ns);
/******/ 			var def = {};
/******/ 			leafPrototypes = leafPrototypes || [null, getProto({}), getProto([]), getProto(getProto)];
/******/ 			for(var current = mode & 2 && value; typeof current == 'object' && !~leafPrototypes.indexOf(current); current = getProto(current)) {
/******/ 				Object.getOwnPropertyNames(current).forEach((key) => (def[key] = () => (value[key])));
/******/ 			}
/******/ 			def['default'] = () => (value);
/******/ 			__nccwpck_require__.d(ns, def);
/******/ 			return ns;
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/define property getters */
/******/ 	(() => {
/******/ 		// define getter functions for harmony exports
/******/ 		__nccwpck_require__.d = (exports, definition) => {
/******/ 			for(var key in definition) {
/******/ 				if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 					Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 				}
/******/ 			}
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/hasOwnProperty shorthand */
/******/ 	(() => {
/******/ 		__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/make namespace object */
/******/ 	(() => {
/******/ 		// define __esModule on exports
/******/ 		__nccwpck_require__.r = (exports) => {
/******/ 			if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
/******/ 				Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
/******/ 			}
/******/ 			Object.defineProperty(exports, '__esModule', { value: true });
/******/ 		};
/******/ 	})();
/******/ 	
/************************************************************************/
var __webpack_exports__ = {};

;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
var external_node_path_default = /*#__PURE__*/__nccwpck_require__.n(external_node_path_namespaceObject);
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_namespaceObject);
;// CONCATENATED MODULE: ./.tools/bundle/index.js
const R=[`bake`,`skip`,`fail`],z=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`candidate`],[`regions`],[`max-age-days`],[`critical-fix-days`],[`tags`],[`working-directory`],[`output-file`]],B=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],V=[...z.map(([e])=>e),...B];async function H(){(0,external_runner_js_namespaceObject.u)(V);let e=(0,external_runner_js_namespaceObject.d)(`image`);return e===``?U():await W(e)}function U(){let e=oe(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:Y};return{outputFile:e,read:()=>G({settings:(0,external_look_up_js_namespaceObject.p)(K(q),t),file:void 0,prefix:t.prefix},e)}}function oe(){let e=(0,external_runner_js_namespaceObject.d)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.L)(e);let t=q(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${Y(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.L)(t);return external_node_path_default().join(ce(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}async function W(e){let t=await (0,external_look_up_js_namespaceObject.l)();(0,external_look_up_js_namespaceObject.c)(t,e,`image`);let n=K(e=>J(e)),r=(0,external_runner_js_namespaceObject.L)((0,external_runner_js_namespaceObject.d)(`output-file`)||t.settings(e).outputFile),a=r=>(0,external_look_up_js_namespaceObject.h)(n.get(r)??``)?`${r}: `:t.prefix(e,r);return{outputFile:r,read:()=>G({settings:t.settingsWith(e,n),file:t,prefix:a},r)}}function G(e,t){let n={...e,resolved:(0,external_look_up_js_namespaceObject.R)((0,external_runner_js_namespaceObject.d)(`resolved`)),onMiss:(0,external_runner_js_namespaceObject.f)(`on-miss`,R),forceBake:X(`force-bake`,`strict`)??!1,waitForOtherBakes:X(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.d)(`github-token`)||void 0};return se(t),n}function K(e){return new Map(z.map(([t,...n])=>[t,e(t,...n)]))}function q(e,...t){return J(e)||(t.map(external_runner_js_namespaceObject.F).find(e=>e!==void 0)??``)}function J(e){return (0,external_runner_js_namespaceObject.d)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function Y(e){let[,...t]=z.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function X(e,t){try{return (0,external_look_up_js_namespaceObject.f)(t,(0,external_runner_js_namespaceObject.d)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.j)(t)}`,{cause:t})}}function se(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.j)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function ce(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function le(e){(0,external_runner_js_namespaceObject.v)();let{outputFile:t,read:n}=await H();(0,external_look_up_js_namespaceObject.y)(t);let r=n();try{await ue(r,t,e)}catch(e){throw (0,external_look_up_js_namespaceObject.D)(e,r.prefix)}}async function ue(e,t,n){let{settings:r,prefix:i,forceBake:a}=e,o=(0,external_look_up_js_namespaceObject.St)(r.region,external_runner_js_namespaceObject.T),s=await de(e);(0,external_look_up_js_namespaceObject.E)(s,i),await n.definition(s);let l=a?performance.timeOrigin:void 0,u={...(0,external_look_up_js_namespaceObject.x)(s),newerThan:l},d=await (0,external_look_up_js_namespaceObject.z)(o,r.regions,u),{found:f}=d;if(f&&fe(f,r))return await n.outcome(f,t);let{completeImage:p}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await n.outcome(await p(d,{ec2:o,inputs:e,image:s,lookUp:u,report:n}),t)}async function de({settings:e,file:t,resolved:n}){let r=(0,external_look_up_js_namespaceObject.L)(n),{parent:i}=e,a=i!==void 0&&t?await (0,external_look_up_js_namespaceObject.S)(t,r).define(i):void 0;return await (0,external_look_up_js_namespaceObject.C)(e,a,r)}function fe({ids:e},{regions:t,candidate:n}){return n||t.every(({name:t})=>e.has(t))}function pe(){let t,n=[],r=[];async function i(e){t=e;for(let t of (0,external_look_up_js_namespaceObject.w)(e))await me(t);(0,external_look_up_js_namespaceObject.s)({ami_config_checksum:e.checksum.value,last_ami_id:``})}function a(e,t,n){r.push([`Parent ${(0,external_look_up_js_namespaceObject.i)((0,external_look_up_js_namespaceObject.T)(e))}`,`<code>${t}</code> ${n}`])}function s(t,r){n=t.map(external_look_up_js_namespaceObject.r),(0,external_runner_js_namespaceObject.A)(n),r&&(0,external_look_up_js_namespaceObject.s)({last_ami_id:r})}async function c(e,n){await d(e.how===`skipped`?ve():Z(e,t?.settings,n),[])}async function u(t){let n=(0,external_look_up_js_namespaceObject.D)(t);(0,external_runner_js_namespaceObject.O)(n);try{(0,external_look_up_js_namespaceObject.s)({cache_hit:`false`})}catch(t){(0,external_runner_js_namespaceObject.A)((0,external_runner_js_namespaceObject.j)(t))}await d([[`Result`,`failed`]],xe((0,external_runner_js_namespaceObject.j)(n)))}async function d(e,i){let a=t?[...r,...ye(t)]:[],o=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_look_up_js_namespaceObject.a)([...e,...a,o],[i,(0,external_runner_js_namespaceObject.s)(),n])}return{definition:i,parent:a,miss:s,outcome:c,failure:u}}async function me({settings:t,checksum:r}){let{value:i,files:a,ingredients:o}=r,s=t.name===void 0?``:` of ${t.name}`;if(await (0,external_runner_js_namespaceObject.k)(`Definition${s}: ${Q(a,`file`)}`,()=>he(a)),o.length>0){let t=o.map(({kind:e,title:t,digest:r})=>`${r}  ${e}: ${(0,external_runner_js_namespaceObject.D)(t)}`);await (0,external_runner_js_namespaceObject.k)(`Further ingredients${s}: ${o.length}`,()=>(0,external_runner_js_namespaceObject.A)(t))}let c=o.length>0?` and ${Q(o,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.A)(`Checksum ${i}${s} of ${Q(a,`file`)}${c}`)}async function he(t){for(let n=0;n<t.length;n+=500)(0,external_runner_js_namespaceObject.A)(t.slice(n,n+500).map(({digest:e,path:t})=>`${e}  ${(0,external_look_up_js_namespaceObject.I)(t)}`)),await (0,external_runner_js_namespaceObject.S)(external_runner_js_namespaceObject.T,(0,external_runner_js_namespaceObject.N)())}function Z(e,t,n){try{return ge(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function ge(t,r,i){let{how:a,state:o,image:s,ids:c}=t,l=r?.region??``,u=(0,external_runner_js_namespaceObject.D)(s.name),d=o===`candidate`?`, a candidate that is not published yet`:``;(0,external_runner_js_namespaceObject.A)(`${a===`hit`?`Hit`:`Baked`}: ${s.id} (${u}, ${s.creationDate}) in ${l}${d}`),(0,external_look_up_js_namespaceObject.b)(i,`{"ami_id": "${s.id}"}`),(0,external_look_up_js_namespaceObject.s)({ami_ids:JSON.stringify(Object.fromEntries(c)),ami_name:s.name,ami_creation_date:s.creationDate,state:o,cache_hit:String(a===`hit`),ami_id:s.id});let f=_e(t,r),p=[...c].filter(([e])=>e!==l);p.length>0&&(0,external_runner_js_namespaceObject.A)(`Copies: ${p.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let m=p.map(([e,n])=>[e,`<code>${n}</code> ${t.copied?.has(e)?`copied`:a}`]);return[[`Image`,`<code>${s.id}</code> ${(0,external_look_up_js_namespaceObject.i)(u)}`],[`Result`,o===`candidate`?`${a} (candidate, not published)`:a],...f,...m]}function _e({how:t,image:r},i){if(t===`baked`||!r.scan&&i?.criticalFixDays===void 0)return[];let a=(0,external_runner_js_namespaceObject.D)((0,external_look_up_js_namespaceObject.bt)(r.scan));return (0,external_runner_js_namespaceObject.A)(a),[[`Vulnerabilities`,(0,external_look_up_js_namespaceObject.i)(a)]]}function ve(){return (0,external_runner_js_namespaceObject.A)(`No image found; skipped because on-miss is skip.`),(0,external_look_up_js_namespaceObject.s)({ami_id:``,state:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function ye({checksum:e,settings:t}){let{region:r,template:i}=t;return[[`Region`,r],[`Template`,(0,external_look_up_js_namespaceObject.i)((0,external_runner_js_namespaceObject.D)(i.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,be(e)]]}function be(e){let t=[...(0,external_look_up_js_namespaceObject.N)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,r=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${r})`}function xe(e){return e.split(`
`).slice(0,50).map(external_runner_js_namespaceObject.D)}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=pe();(0,external_runner_js_namespaceObject.C)({main:()=>le($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;