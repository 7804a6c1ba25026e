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
const R=[`bake`,`skip`,`fail`],z=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`candidate`],[`regions`],[`max-age-days`],[`critical-fix-days`],[`tags`],[`working-directory`],[`output-file`]],B=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],V=[...z.map(([e])=>e),...B];async function H(){(0,external_runner_js_namespaceObject.m)(V);let e=(0,external_runner_js_namespaceObject.h)(`image`);return e===``?U():await W(e)}function U(){let e=ce(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:Y};return{outputFile:e,read:()=>G({settings:(0,external_look_up_js_namespaceObject.h)(K(q),t),file:void 0,prefix:t.prefix},e)}}function ce(){let e=(0,external_runner_js_namespaceObject.h)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.W)(e);let t=q(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${Y(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.W)(t);return external_node_path_default().join(ue(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}async function W(e){let t=await (0,external_look_up_js_namespaceObject.d)();(0,external_look_up_js_namespaceObject.u)(t,e,`image`);let n=K(e=>J(e)),r=(0,external_runner_js_namespaceObject.W)((0,external_runner_js_namespaceObject.h)(`output-file`)||t.settings(e).outputFile),i=r=>(0,external_look_up_js_namespaceObject._)(n.get(r)??``)?`${r}: `:t.prefix(e,r);return{outputFile:r,read:()=>G({settings:t.settingsWith(e,n),file:t,prefix:i},r)}}function G(e,t){let n={...e,resolved:(0,external_look_up_js_namespaceObject.B)((0,external_runner_js_namespaceObject.h)(`resolved`)),onMiss:(0,external_runner_js_namespaceObject.g)(`on-miss`,R),forceBake:X(`force-bake`,`strict`)??!1,waitForOtherBakes:X(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.h)(`github-token`)||void 0};return le(t),n}function K(e){return new Map(z.map(([t,...n])=>[t,e(t,...n)]))}function q(e,...t){return J(e)||(t.map(external_runner_js_namespaceObject.H).find(e=>e!==void 0)??``)}function J(e){return (0,external_runner_js_namespaceObject.h)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function Y(e){let[,...t]=z.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function X(e,t){try{return (0,external_look_up_js_namespaceObject.m)(t,(0,external_runner_js_namespaceObject.h)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.I)(t)}`,{cause:t})}}function le(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.I)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function ue(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function de(e){(0,external_runner_js_namespaceObject.S)();let{outputFile:t,read:n}=await H();(0,external_look_up_js_namespaceObject.x)(t);let r=n();try{await fe(r,t,e)}catch(e){throw (0,external_look_up_js_namespaceObject.k)(e,r.prefix)}}async function fe(t,n,r){let{settings:i,prefix:a,forceBake:o}=t,s=(0,external_look_up_js_namespaceObject.Ht)(i.region,external_runner_js_namespaceObject.A),c=await pe(t);(0,external_look_up_js_namespaceObject.O)(c,a),await r.definition(c);let l=o?performance.timeOrigin:void 0,u={...(0,external_look_up_js_namespaceObject.C)(c),newerThan:l},d=await (0,external_look_up_js_namespaceObject.V)(s,i.regions,u),{found:f}=d;if(f&&me(f,i))return await r.outcome(f,n);let{completeImage:p}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await r.outcome(await p(d,{ec2:s,inputs:t,image:c,lookUp:u,report:r}),n)}async function pe({settings:e,file:t,resolved:n}){let r=(0,external_look_up_js_namespaceObject.z)(n),{parent:i}=e,a=i!==void 0&&t?await (0,external_look_up_js_namespaceObject.w)(t,r).define(i):void 0;return await (0,external_look_up_js_namespaceObject.T)(e,a,r)}function me({ids:e},{regions:t,candidate:n}){return n||t.every(({name:t})=>e.has(t))}function he(){let e,t=[],r=!1,a=[];async function s(t){e=t;for(let e of (0,external_look_up_js_namespaceObject.E)(t))await Z(e);(0,external_look_up_js_namespaceObject.c)({ami_config_checksum:t.checksum.value,last_ami_id:``})}function c(e,t,n){r||=n===`baked`,a.push([`Parent ${(0,external_look_up_js_namespaceObject.a)((0,external_look_up_js_namespaceObject.D)(e))}`,`<code>${t}</code> ${n}`])}function l(e,r){t=e.map(external_look_up_js_namespaceObject.i),(0,external_runner_js_namespaceObject.F)(t),r&&(0,external_look_up_js_namespaceObject.c)({last_ami_id:r})}async function u(t,n){let i=t.how===`hit`&&r?{...t,how:`baked`}:t;await p(i.how===`skipped`?be():_e(i,e?.settings,n),[])}async function d(e){let t=(0,external_look_up_js_namespaceObject.k)(e);(0,external_runner_js_namespaceObject.N)(t);try{(0,external_look_up_js_namespaceObject.c)({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.F)((0,external_runner_js_namespaceObject.I)(e))}await p(xe(t),Se(t))}async function p(n,r){let i=e?[...a,...Ce(e)]:[],o=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_look_up_js_namespaceObject.o)([...n,...i,o],[...r,(0,external_runner_js_namespaceObject.s)(),t])}return{definition:s,parent:c,miss:l,outcome:u,failure:d}}async function Z({settings:e,checksum:t}){let{value:r,files:i,ingredients:o}=t,s=e.name===void 0?``:` of ${e.name}`;if(await (0,external_runner_js_namespaceObject.P)(`Definition${s}: ${Q(i,`file`)}`,()=>ge(i)),o.length>0){let e=o.map(({kind:e,title:t,digest:n})=>`${n}  ${e}: ${(0,external_runner_js_namespaceObject.M)(t)}`);await (0,external_runner_js_namespaceObject.P)(`Further ingredients${s}: ${o.length}`,()=>(0,external_runner_js_namespaceObject.F)(e))}let l=o.length>0?` and ${Q(o,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.F)(`Checksum ${r}${s} of ${Q(i,`file`)}${l}`)}async function ge(r){for(let i=0;i<r.length;i+=500)(0,external_runner_js_namespaceObject.F)(r.slice(i,i+500).map(({digest:e,path:t})=>`${e}  ${(0,external_look_up_js_namespaceObject.R)(t)}`)),await (0,external_runner_js_namespaceObject.D)(external_runner_js_namespaceObject.A,(0,external_runner_js_namespaceObject.R)())}function _e(e,t,n){try{return ve(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function ve(e,t,r){let{how:i,state:o,image:s,ids:c}=e,l=t?.region??``,u=(0,external_runner_js_namespaceObject.M)(s.name),d=o===`candidate`?`, a candidate that is not published yet`:``;(0,external_runner_js_namespaceObject.F)(`${i===`hit`?`Hit`:`Baked`}: ${s.id} (${u}, ${s.creationDate}) in ${l}${d}`),(0,external_look_up_js_namespaceObject.S)(r,`{"ami_id": "${s.id}"}`),(0,external_look_up_js_namespaceObject.c)({ami_ids:JSON.stringify(Object.fromEntries(c)),ami_name:s.name,ami_creation_date:s.creationDate,state:o,cache_hit:String(i===`hit`),ami_id:s.id});let f=ye(e,t),p=[...c].filter(([e])=>e!==l);p.length>0&&(0,external_runner_js_namespaceObject.F)(`Copies: ${p.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let m=p.map(([t,n])=>[t,`<code>${n}</code> ${e.copied?.has(t)?`copied`:i}`]);return[[`Image`,`<code>${s.id}</code> ${(0,external_look_up_js_namespaceObject.a)(u)}`],[`Result`,o===`candidate`?`${i} (candidate, not published)`:i],...f,...m]}function ye({how:e,image:t},r){if(e===`baked`||!t.scan&&r?.criticalFixDays===void 0)return[];let i=(0,external_runner_js_namespaceObject.M)((0,external_look_up_js_namespaceObject.zt)(t.scan));return (0,external_runner_js_namespaceObject.F)(i),[[`Vulnerabilities`,(0,external_look_up_js_namespaceObject.a)(i)]]}function be(){return (0,external_runner_js_namespaceObject.F)(`No image found; skipped because on-miss is skip.`),(0,external_look_up_js_namespaceObject.c)({ami_id:``,state:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function xe(e){let{diagnosis:t}=(0,external_runner_js_namespaceObject.p)(e)??{},n=(0,external_runner_js_namespaceObject.d)();return[[`Result`,`failed`],...n?[[`Phase`,n]]:[],...t?[[`Diagnosis`,(0,external_look_up_js_namespaceObject.a)(t.replace(/^Diagnosis: /,``))]]:[]]}function Se(e){let{diagnosis:t,excerpts:n=[]}=(0,external_runner_js_namespaceObject.p)(e)??{},r=(0,external_runner_js_namespaceObject.I)(e).split(`
`).filter(e=>e!==t),o=n.filter(({lines:e})=>e.length>0).map(({title:e,lines:t})=>[`${e}:`,``,...t]);return[r.slice(0,50),...o].map(e=>e.map(external_runner_js_namespaceObject.M))}function Ce({checksum:e,settings:t}){let{region:n,template:r}=t;return[[`Region`,n],[`Template`,(0,external_look_up_js_namespaceObject.a)((0,external_runner_js_namespaceObject.M)(r.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,we(e)]]}function we(e){let t=[...(0,external_look_up_js_namespaceObject.F)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,r=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${r})`}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=he();(0,external_runner_js_namespaceObject.O)({main:()=>de($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;