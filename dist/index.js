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
const L=[`bake`,`skip`,`fail`],R=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`candidate`],[`regions`],[`max-age-days`],[`critical-fix-days`],[`tags`],[`working-directory`],[`output-file`]],z=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],B=[...R.map(([e])=>e),...z];async function V(){(0,external_runner_js_namespaceObject.p)(B);let e=(0,external_runner_js_namespaceObject.m)(`image`);return e===``?H():await W(e)}function H(){let e=U(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:Y};return{outputFile:e,read:()=>G({settings:(0,external_look_up_js_namespaceObject.p)(K(q),t),file:void 0,prefix:t.prefix},e)}}function U(){let e=(0,external_runner_js_namespaceObject.m)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.H)(e);let t=q(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${Y(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.H)(t);return external_node_path_default().join(ue(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}async function W(e){let t=await (0,external_look_up_js_namespaceObject.l)();(0,external_look_up_js_namespaceObject.c)(t,e,`image`);let n=K(e=>J(e)),i=(0,external_runner_js_namespaceObject.H)((0,external_runner_js_namespaceObject.m)(`output-file`)||t.settings(e).outputFile),a=r=>(0,external_look_up_js_namespaceObject.h)(n.get(r)??``)?`${r}: `:t.prefix(e,r);return{outputFile:i,read:()=>G({settings:t.settingsWith(e,n),file:t,prefix:a},i)}}function G(e,t){let n={...e,resolved:(0,external_look_up_js_namespaceObject.R)((0,external_runner_js_namespaceObject.m)(`resolved`)),onMiss:(0,external_runner_js_namespaceObject.h)(`on-miss`,L),forceBake:X(`force-bake`,`strict`)??!1,waitForOtherBakes:X(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.m)(`github-token`)||void 0};return le(t),n}function K(e){return new Map(R.map(([t,...n])=>[t,e(t,...n)]))}function q(e,...n){return J(e)||(n.map(external_runner_js_namespaceObject.B).find(e=>e!==void 0)??``)}function J(e){return (0,external_runner_js_namespaceObject.m)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function Y(e){let[,...t]=R.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function X(e,t){try{return (0,external_look_up_js_namespaceObject.f)(t,(0,external_runner_js_namespaceObject.m)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.P)(t)}`,{cause:t})}}function le(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.P)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function ue(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function de(e){(0,external_runner_js_namespaceObject.x)();let{outputFile:t,read:n}=await V();(0,external_look_up_js_namespaceObject.y)(t);let r=n();try{await fe(r,t,e)}catch(e){throw (0,external_look_up_js_namespaceObject.D)(e,r.prefix)}}async function fe(e,t,n){let{settings:r,prefix:i,forceBake:a}=e,o=(0,external_look_up_js_namespaceObject.Nt)(r.region,external_runner_js_namespaceObject.O),c=await pe(e);(0,external_look_up_js_namespaceObject.E)(c,i),await n.definition(c);let l=a?performance.timeOrigin:void 0,u={...(0,external_look_up_js_namespaceObject.x)(c),newerThan:l},d=await (0,external_look_up_js_namespaceObject.z)(o,r.regions,u),{found:f}=d;if(f&&me(f,r))return await n.outcome(f,t);let{completeImage:p}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await n.outcome(await p(d,{ec2:o,inputs:e,image:c,lookUp:u,report:n}),t)}async function pe({settings:e,file:t,resolved:n}){let r=(0,external_look_up_js_namespaceObject.L)(n),{parent:i}=e,a=i!==void 0&&t?await (0,external_look_up_js_namespaceObject.S)(t,r).define(i):void 0;return await (0,external_look_up_js_namespaceObject.C)(e,a,r)}function me({ids:e},{regions:t,candidate:n}){return n||t.every(({name:t})=>e.has(t))}function he(){let e,t=[],n=[];async function r(t){e=t;for(let e of (0,external_look_up_js_namespaceObject.w)(t))await Z(e);(0,external_look_up_js_namespaceObject.s)({ami_config_checksum:t.checksum.value,last_ami_id:``})}function i(e,t,r){n.push([`Parent ${(0,external_look_up_js_namespaceObject.i)((0,external_look_up_js_namespaceObject.T)(e))}`,`<code>${t}</code> ${r}`])}function a(e,n){t=e.map(external_look_up_js_namespaceObject.r),(0,external_runner_js_namespaceObject.N)(t),n&&(0,external_look_up_js_namespaceObject.s)({last_ami_id:n})}async function s(t,n){await d(t.how===`skipped`?be():_e(t,e?.settings,n),[])}async function l(e){let t=(0,external_look_up_js_namespaceObject.D)(e);(0,external_runner_js_namespaceObject.j)(t);try{(0,external_look_up_js_namespaceObject.s)({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.N)((0,external_runner_js_namespaceObject.P)(e))}await d(xe(t),Se(t))}async function d(r,i){let a=e?[...n,...Ce(e)]:[],o=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_look_up_js_namespaceObject.a)([...r,...a,o],[...i,(0,external_runner_js_namespaceObject.s)(),t])}return{definition:r,parent:i,miss:a,outcome:s,failure:l}}async function Z({settings:t,checksum:n}){let{value:r,files:i,ingredients:s}=n,c=t.name===void 0?``:` of ${t.name}`;if(await (0,external_runner_js_namespaceObject.M)(`Definition${c}: ${Q(i,`file`)}`,()=>ge(i)),s.length>0){let t=s.map(({kind:t,title:n,digest:r})=>`${r}  ${t}: ${(0,external_runner_js_namespaceObject.A)(n)}`);await (0,external_runner_js_namespaceObject.M)(`Further ingredients${c}: ${s.length}`,()=>(0,external_runner_js_namespaceObject.N)(t))}let l=s.length>0?` and ${Q(s,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.N)(`Checksum ${r}${c} of ${Q(i,`file`)}${l}`)}async function ge(e){for(let t=0;t<e.length;t+=500)(0,external_runner_js_namespaceObject.N)(e.slice(t,t+500).map(({digest:e,path:t})=>`${e}  ${(0,external_look_up_js_namespaceObject.I)(t)}`)),await (0,external_runner_js_namespaceObject.T)(external_runner_js_namespaceObject.O,(0,external_runner_js_namespaceObject.I)())}function _e(e,t,n){try{return ve(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function ve(t,n,r){let{how:i,state:a,image:s,ids:c}=t,l=n?.region??``,u=(0,external_runner_js_namespaceObject.A)(s.name),d=a===`candidate`?`, a candidate that is not published yet`:``;(0,external_runner_js_namespaceObject.N)(`${i===`hit`?`Hit`:`Baked`}: ${s.id} (${u}, ${s.creationDate}) in ${l}${d}`),(0,external_look_up_js_namespaceObject.b)(r,`{"ami_id": "${s.id}"}`),(0,external_look_up_js_namespaceObject.s)({ami_ids:JSON.stringify(Object.fromEntries(c)),ami_name:s.name,ami_creation_date:s.creationDate,state:a,cache_hit:String(i===`hit`),ami_id:s.id});let f=ye(t,n),p=[...c].filter(([e])=>e!==l);p.length>0&&(0,external_runner_js_namespaceObject.N)(`Copies: ${p.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let m=p.map(([e,n])=>[e,`<code>${n}</code> ${t.copied?.has(e)?`copied`:i}`]);return[[`Image`,`<code>${s.id}</code> ${(0,external_look_up_js_namespaceObject.i)(u)}`],[`Result`,a===`candidate`?`${i} (candidate, not published)`:i],...f,...m]}function ye({how:t,image:n},r){if(t===`baked`||!n.scan&&r?.criticalFixDays===void 0)return[];let i=(0,external_runner_js_namespaceObject.A)((0,external_look_up_js_namespaceObject.At)(n.scan));return (0,external_runner_js_namespaceObject.N)(i),[[`Vulnerabilities`,(0,external_look_up_js_namespaceObject.i)(i)]]}function be(){return (0,external_runner_js_namespaceObject.N)(`No image found; skipped because on-miss is skip.`),(0,external_look_up_js_namespaceObject.s)({ami_id:``,state:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function xe(e){let{diagnosis:t}=(0,external_runner_js_namespaceObject.f)(e)??{},n=(0,external_runner_js_namespaceObject.u)();return[[`Result`,`failed`],...n?[[`Phase`,n]]:[],...t?[[`Diagnosis`,(0,external_look_up_js_namespaceObject.i)(t.replace(/^Diagnosis: /,``))]]:[]]}function Se(t){let{diagnosis:n,excerpts:r=[]}=(0,external_runner_js_namespaceObject.f)(t)??{},i=(0,external_runner_js_namespaceObject.P)(t).split(`
`).filter(e=>e!==n),a=r.filter(({lines:e})=>e.length>0).map(({title:e,lines:t})=>[`${e}:`,``,...t]);return[i.slice(0,50),...a].map(t=>t.map(external_runner_js_namespaceObject.A))}function Ce({checksum:t,settings:n}){let{region:r,template:i}=n;return[[`Region`,r],[`Template`,(0,external_look_up_js_namespaceObject.i)((0,external_runner_js_namespaceObject.A)(i.name))],[`Checksum`,`<code>${t.value}</code>`],[`Ingredients`,we(t)]]}function we(e){let t=[...(0,external_look_up_js_namespaceObject.N)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,r=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${r})`}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=he();(0,external_runner_js_namespaceObject.E)({main:()=>de($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;