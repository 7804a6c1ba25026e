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
const z=[`bake`,`skip`,`fail`],B=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`candidate`],[`regions`],[`max-age-days`],[`critical-fix-days`],[`tags`],[`working-directory`],[`output-file`]],V=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],H=[...B.map(([e])=>e),...V];async function U(){(0,external_runner_js_namespaceObject.m)(H);let e=(0,external_runner_js_namespaceObject.h)(`image`);return e===``?se():await G(e)}function se(){let e=W(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:X};return{outputFile:e,read:()=>K({settings:(0,external_look_up_js_namespaceObject.x)(q(J),t),file:void 0,prefix:t.prefix},e)}}function W(){let e=(0,external_runner_js_namespaceObject.h)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.G)(e);let n=J(`packer-template`,`PACKER_JSON_PATH`);if(!n)throw Error(`packer-template: is required. ${X(`packer-template`)}`);let r=(0,external_runner_js_namespaceObject.G)(n);return external_node_path_default().join(le(r)?r:external_node_path_default().dirname(r),`.ami_id.json`)}async function G(e){let n=await (0,external_look_up_js_namespaceObject.d)();(0,external_look_up_js_namespaceObject.u)(n,e,`image`);let r=q(e=>Y(e)),i=(0,external_runner_js_namespaceObject.G)((0,external_runner_js_namespaceObject.h)(`output-file`)||n.settings(e).outputFile),a=t=>(0,external_look_up_js_namespaceObject.C)(r.get(t)??``)?`${t}: `:n.prefix(e,t);return{outputFile:i,read:()=>K({settings:n.settingsWith(e,r),file:n,prefix:a},i)}}function K(e,t){let n={...e,resolved:(0,external_look_up_js_namespaceObject.q)((0,external_runner_js_namespaceObject.h)(`resolved`)),onMiss:(0,external_runner_js_namespaceObject.g)(`on-miss`,z),forceBake:(0,external_look_up_js_namespaceObject.g)(`force-bake`,`strict`)??!1,waitForOtherBakes:(0,external_look_up_js_namespaceObject.g)(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.h)(`github-token`)||void 0};return ce(t),n}function q(e){return new Map(B.map(([t,...n])=>[t,e(t,...n)]))}function J(e,...t){return Y(e)||(t.map(external_runner_js_namespaceObject.U).find(e=>e!==void 0)??``)}function Y(e){return (0,external_runner_js_namespaceObject.h)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function X(e){let[,...t]=B.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function ce(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.L)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function le(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function ue(e){(0,external_runner_js_namespaceObject.S)();let{outputFile:t,read:n}=await U();(0,external_look_up_js_namespaceObject.D)(t);let r=n();try{await de(r,t,e)}catch(e){throw (0,external_look_up_js_namespaceObject.I)(e,r.prefix)}}async function de(e,t,n){let{settings:r,prefix:i,forceBake:a}=e,o=(0,external_look_up_js_namespaceObject.Yt)(r.region,external_runner_js_namespaceObject.j),s=await fe(e);(0,external_look_up_js_namespaceObject.F)(s,i),await n.definition(s);let c=a?performance.timeOrigin:void 0,l={...(0,external_look_up_js_namespaceObject.k)(s),newerThan:c},u=await (0,external_look_up_js_namespaceObject.J)(o,r.regions,l),{found:d}=u;if(d&&pe(d,r))return await n.outcome(d,t);let{completeImage:f}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await n.outcome(await f(u,{ec2:o,inputs:e,image:s,lookUp:l,report:n}),t)}async function fe({settings:e,file:t,resolved:n}){let r=(0,external_look_up_js_namespaceObject.K)(n),{parent:i}=e,a=i!==void 0&&t?await (0,external_look_up_js_namespaceObject.A)(t,r).define(i):void 0;return await (0,external_look_up_js_namespaceObject.j)(e,a,r)}function pe({ids:e},{regions:t,candidate:n}){return n||t.every(({name:t})=>e.has(t))}function me(){let e,t=[],i=!1,a=[];async function s(t){e=t;for(let e of (0,external_look_up_js_namespaceObject.N)(t))await he(e);(0,external_look_up_js_namespaceObject.c)({ami_config_checksum:t.checksum.value,last_ami_id:``})}function c(e,t,n){i||=n===`baked`,a.push([`Parent ${(0,external_look_up_js_namespaceObject.a)((0,external_look_up_js_namespaceObject.P)(e))}`,`<code>${t}</code> ${n}`])}function u(e,r){t=e.map(external_look_up_js_namespaceObject.i),(0,external_runner_js_namespaceObject.I)(t),r&&(0,external_look_up_js_namespaceObject.c)({last_ami_id:r})}async function d(t,n){let r=t.how===`hit`&&i?{...t,how:`baked`}:t;await p(r.how===`skipped`?ye():ge(r,e?.settings,n),[])}async function f(e){let t=(0,external_look_up_js_namespaceObject.I)(e);(0,external_runner_js_namespaceObject.P)(t);try{(0,external_look_up_js_namespaceObject.c)({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.I)((0,external_runner_js_namespaceObject.L)(e))}await p(be(t),xe(t))}async function p(n,r){let i=e?[...a,...Se(e)]:[],o=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_look_up_js_namespaceObject.o)([...n,...i,o],[...r,(0,external_runner_js_namespaceObject.s)(),t])}return{definition:s,parent:c,miss:u,outcome:d,failure:f}}async function he({settings:t,checksum:r}){let{value:a,files:o,ingredients:s}=r,c=t.name===void 0?``:` of ${t.name}`;if(await (0,external_runner_js_namespaceObject.F)(`Definition${c}: ${Q(o,`file`)}`,()=>Z(o)),s.length>0){let t=s.map(({kind:e,title:t,digest:n})=>`${n}  ${e}: ${(0,external_runner_js_namespaceObject.N)(t)}`);await (0,external_runner_js_namespaceObject.F)(`Further ingredients${c}: ${s.length}`,()=>(0,external_runner_js_namespaceObject.I)(t))}let l=s.length>0?` and ${Q(s,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.I)(`Checksum ${a}${c} of ${Q(o,`file`)}${l}`)}async function Z(e){for(let t=0;t<e.length;t+=500)(0,external_runner_js_namespaceObject.I)(e.slice(t,t+500).map(({digest:e,path:t})=>`${e}  ${(0,external_look_up_js_namespaceObject.G)(t)}`)),await (0,external_runner_js_namespaceObject.O)(external_runner_js_namespaceObject.j,(0,external_runner_js_namespaceObject.z)())}function ge(e,t,n){try{return _e(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function _e(e,t,r){let{how:a,state:o,image:s,ids:c}=e,l=t?.region??``,u=(0,external_runner_js_namespaceObject.N)(s.name),d=o===`candidate`?`, a candidate that is not published yet`:``;(0,external_runner_js_namespaceObject.I)(`${a===`hit`?`Hit`:`Baked`}: ${s.id} (${u}, ${s.creationDate}) in ${l}${d}`),(0,external_look_up_js_namespaceObject.O)(r,`{"ami_id": "${s.id}"}`),(0,external_look_up_js_namespaceObject.c)({ami_ids:JSON.stringify(Object.fromEntries(c)),ami_name:s.name,ami_creation_date:s.creationDate,state:o,cache_hit:String(a===`hit`),ami_id:s.id});let f=ve(e,t),p=[...c].filter(([e])=>e!==l);p.length>0&&(0,external_runner_js_namespaceObject.I)(`Copies: ${p.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let m=p.map(([t,n])=>[t,`<code>${n}</code> ${e.copied?.has(t)?`copied`:a}`]);return[[`Image`,`<code>${s.id}</code> ${(0,external_look_up_js_namespaceObject.a)(u)}`],[`Result`,o===`candidate`?`${a} (candidate, not published)`:a],...f,...m]}function ve({how:e,image:t},r){if(e===`baked`||!t.scan&&r?.criticalFixDays===void 0)return[];let a=(0,external_runner_js_namespaceObject.N)((0,external_look_up_js_namespaceObject.Kt)(t.scan));return (0,external_runner_js_namespaceObject.I)(a),[[`Vulnerabilities`,(0,external_look_up_js_namespaceObject.a)(a)]]}function ye(){return (0,external_runner_js_namespaceObject.I)(`No image found; skipped because on-miss is skip.`),(0,external_look_up_js_namespaceObject.c)({ami_id:``,state:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function be(e){let{diagnosis:t}=(0,external_runner_js_namespaceObject.p)(e)??{},n=(0,external_runner_js_namespaceObject.d)();return[[`Result`,`failed`],...n?[[`Phase`,n]]:[],...t?[[`Diagnosis`,(0,external_look_up_js_namespaceObject.a)(t.replace(/^Diagnosis: /,``))]]:[]]}function xe(e){let{diagnosis:t,excerpts:n=[]}=(0,external_runner_js_namespaceObject.p)(e)??{},a=(0,external_runner_js_namespaceObject.L)(e).split(`
`).filter(e=>e!==t),o=n.filter(({lines:e})=>e.length>0).map(({title:e,lines:t})=>[`${e}:`,``,...t]);return[a.slice(0,50),...o].map(e=>e.map(external_runner_js_namespaceObject.N))}function Se({checksum:e,settings:t}){let{region:n,template:r}=t;return[[`Region`,n],[`Template`,(0,external_look_up_js_namespaceObject.a)((0,external_runner_js_namespaceObject.N)(r.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,Ce(e)]]}function Ce(e){let t=[...(0,external_look_up_js_namespaceObject.H)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,r=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${r})`}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=me();(0,external_runner_js_namespaceObject.k)({main:()=>ue($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;