/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	// The require scope
/******/ 	var __nccwpck_require__ = {};
/******/ 	
/************************************************************************/
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
// ESM COMPAT FLAG
__nccwpck_require__.r(__webpack_exports__);

// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  a: () => (/* binding */ F),
  c: () => (/* binding */ A),
  d: () => (/* binding */ T),
  f: () => (/* binding */ D),
  i: () => (/* binding */ L),
  l: () => (/* binding */ j),
  m: () => (/* binding */ y),
  n: () => (/* binding */ z),
  o: () => (/* binding */ M),
  p: () => (/* binding */ x),
  r: () => (/* binding */ I),
  s: () => (/* binding */ N),
  t: () => (/* binding */ R),
  u: () => (/* binding */ k)
});

;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./yaml.js"
const external_yaml_js_namespaceObject = require("./yaml.js");
;// CONCATENATED MODULE: external "node:crypto"
const external_node_crypto_namespaceObject = require("node:crypto");
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
var external_node_path_default = /*#__PURE__*/__nccwpck_require__.n(external_node_path_namespaceObject);
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_namespaceObject);
;// CONCATENATED MODULE: ./.tools/bundle/summary.js
function y(e){if(e===``)return/* @__PURE__ */ new Map;let t=Object.entries(b(e)),n=t.find(([,e])=>typeof e!=`string`||!external_runner_js_namespaceObject.h.test(e));if(!n)return new Map(t.map(([e,t])=>[e,String(t)]));throw Error(`resolved: ${JSON.stringify(n[1])} is not the id of an image. Specify the output resolved of plan.`)}function b(e){try{let t=JSON.parse(e);if(typeof t==`object`&&t&&!Array.isArray(t))return t}catch{}throw Error(`resolved: it is not a JSON object. Specify the output resolved of plan.`)}function x(e){let t=/* @__PURE__ */ new Map,n=/* @__PURE__ */ new Map;async function r(r,i){if(r===void 0)return;if(`id`in r)return r.id;let a=C(r),o=`${i}/${a}`,s=e.get(o)??e.get(a),c=s?Promise.resolve(s):t.get(o)??w(r,i);return t.set(o,c),n.set(o,await c),await c}return{resolve:r,resolved:()=>S(n)}}function S(e){let t=[...e.keys()].map(e=>e.slice(e.indexOf(`/`)+1)),n=e=>t.filter(t=>t===e).length>1;return new Map([...e].map(([e,r],i)=>{let a=t[i]??``;return[n(a)?e:a,r]}))}function C(e){return`owner`in e?`newest:${e.owner}/${e.pattern}`:`ssm:${e.parameter}`}async function w(e,t){if(`owner`in e)return await (0,external_look_up_js_namespaceObject.d)((0,external_look_up_js_namespaceObject.K)(t,external_runner_js_namespaceObject.S),e);throw new external_runner_js_namespaceObject.f(`baseAmi`,`An SSM parameter is not supported yet. Specify an image id, or newest:<owner>/<name pattern>.`)}async function T(e,t){E(e);let{variables:n,variableFiles:r,only:i,extraIngredients:a,template:o,region:s}=e,c=await (0,external_look_up_js_namespaceObject.a)(e.definition),l=await t.resolve(e.baseAmi,s),u=e.strict?o:void 0;return await (0,external_look_up_js_namespaceObject.l)(c,{variables:n,variableFiles:r,only:i,extraIngredients:a,baseImage:l,strict:u})}function E({name:e,parent:t,candidate:n,criticalFixDays:r}){let i=t===void 0?n?`candidate`:r&&`critical-fix-days`:`parent`;if(i)throw Error(`images-file: image ${e}: ${i} is not supported yet. Remove it.`)}function D({template:e,strict:t},{files:n}){return t?[]:(0,external_yaml_js_namespaceObject.o)(e,n.map(({path:e})=>e))}const O={template:`packer-template`,definition:`ami-definition-dirs`,variables:`packer-vars`,variableFiles:`packer-var-files`,only:`packer-only`,baseAmi:`base-ami`,regions:`regions`};function k(e,t=e=>`${e}: `){if(!(e instanceof external_runner_js_namespaceObject.f))return e;let{option:n,message:r}=e,i=n===`waitForOtherBakes`?`wait-for-other-bakes: `:t(O[n]);return Error(i+r,{cause:e})}function A(e){try{external_node_fs_default().rmSync(e,{force:!0})}catch(t){if(t instanceof Error&&`code`in t&&t.code===`ENOTDIR`)return;let n=`output-file: ${e} can't be removed: ${(0,external_runner_js_namespaceObject.k)(t)}. Specify a file that this step may replace.`;throw Error(n,{cause:t})}}function j(e,t){let n=external_node_path_default().join(external_node_path_default().dirname(e),`.${external_node_path_default().basename(e)}.${(0,external_node_crypto_namespaceObject.randomUUID)()}`);try{external_node_fs_default().writeFileSync(n,t,{flag:`wx`}),external_node_fs_default().renameSync(n,e)}catch(t){external_node_fs_default().rmSync(n,{force:!0});let r=`output-file: ${e} can't be written: ${(0,external_runner_js_namespaceObject.k)(t)}. Specify a path that this step may write to.`;throw Error(r,{cause:t})}}const M=`ami-bakery.yml`;function N(){return{inputs:P((0,external_runner_js_namespaceObject.d)(`aws-region`),(0,external_runner_js_namespaceObject.d)(`aws-subnet-id`)),environment:P((0,external_runner_js_namespaceObject.N)(`AWS_REGION`)??(0,external_runner_js_namespaceObject.N)(`AWS_DEFAULT_REGION`)??``,(0,external_runner_js_namespaceObject.N)(`AWS_SUBNET_ID`)??``)}}function P(e,t){return new Map([[`aws-region`,e],[`aws-subnet-id`,t]].filter(([,e])=>e!==``))}function F(t){for(let[n,i]of Object.entries(t))external_runner_js_namespaceObject.I?(0,external_runner_js_namespaceObject.V)(n,i):(0,external_runner_js_namespaceObject.O)(`${n}=${i}`)}async function I(n,r){if(external_runner_js_namespaceObject.I)try{external_runner_js_namespaceObject.U.addHeading(`AMI Bakery`,3),n.length>0&&external_runner_js_namespaceObject.U.addTable(n.map(([e,t])=>[{data:e,header:!0},t]));for(let e of r.filter(({length:e})=>e>0))external_runner_js_namespaceObject.U.addRaw(`<pre>${e.map(R).map(z).join(`
`)}</pre>`,!0);await external_runner_js_namespaceObject.U.write()}catch(e){(0,external_runner_js_namespaceObject.M)(`The job summary could not be written: ${(0,external_runner_js_namespaceObject.k)(e)}`)}}async function L(n,r){if(external_runner_js_namespaceObject.I)try{let e=n.map(e=>({data:e,header:!0}));external_runner_js_namespaceObject.U.addHeading(`AMI Bakery`,3).addTable([e,...r.slice(0,500).map(e=>[...e])]),r.length>500&&external_runner_js_namespaceObject.U.addRaw(`<p>… and ${r.length-500} more</p>`,!0),await external_runner_js_namespaceObject.U.write()}catch(e){(0,external_runner_js_namespaceObject.M)(`The job summary could not be written: ${(0,external_runner_js_namespaceObject.k)(e)}`)}}function R(e){return e.length>500?`${e.slice(0,500)}…`:e}function z(e){return e.replaceAll(`&`,`&amp;`).replaceAll(`<`,`&lt;`).replaceAll(`>`,`&gt;`)}
module.exports = __webpack_exports__;
/******/ })()
;