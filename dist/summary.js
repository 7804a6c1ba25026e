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
  _: () => (/* binding */ S),
  a: () => (/* binding */ V),
  c: () => (/* binding */ F),
  d: () => (/* binding */ k),
  f: () => (/* binding */ O),
  g: () => (/* binding */ D),
  h: () => (/* binding */ M),
  i: () => (/* binding */ U),
  l: () => (/* binding */ I),
  m: () => (/* binding */ j),
  n: () => (/* binding */ K),
  o: () => (/* binding */ R),
  p: () => (/* binding */ A),
  r: () => (/* binding */ H),
  s: () => (/* binding */ L),
  t: () => (/* binding */ G),
  u: () => (/* binding */ N),
  v: () => (/* binding */ b)
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
function b(e){if(e===``)return/* @__PURE__ */ new Map;let t=Object.entries(x(e)),n=t.find(([,e])=>typeof e!=`string`||!external_runner_js_namespaceObject.g.test(e));if(!n)return new Map(t.map(([e,t])=>[e,String(t)]));throw Error(`resolved: ${JSON.stringify(n[1])} is not the id of an image. Specify the output resolved of plan.`)}function x(e){try{let t=JSON.parse(e);if(typeof t==`object`&&t&&!Array.isArray(t))return t}catch{}throw Error(`resolved: it is not a JSON object. Specify the output resolved of plan.`)}function S(e){let t=/* @__PURE__ */ new Map,n=/* @__PURE__ */ new Map;async function r(r,i){if(r===void 0)return;if(`id`in r)return r.id;let a=w(r),o=`${i}/${a}`,s=e.get(o)??e.get(a),c=s?Promise.resolve(s):t.get(o)??T(r,i);return t.set(o,c),n.set(o,await c),await c}return{resolve:r,resolved:()=>C(n)}}function C(e){let t=[...e.keys()].map(e=>e.slice(e.indexOf(`/`)+1)),n=e=>t.filter(t=>t===e).length>1;return new Map([...e].map(([e,r],i)=>{let a=t[i]??``;return[n(a)?e:a,r]}))}function w(e){return`owner`in e?`newest:${e.owner}/${e.pattern}`:`ssm:${e.parameter}`}async function T(e,n){if(`owner`in e)return await (0,external_look_up_js_namespaceObject.d)((0,external_look_up_js_namespaceObject.rt)(n,external_runner_js_namespaceObject.C),e);throw new external_runner_js_namespaceObject.p(`baseAmi`,`An SSM parameter is not supported yet. Specify an image id, or newest:<owner>/<name pattern>.`)}const E={template:`packer-template`,definition:`ami-definition-dirs`,variables:`packer-vars`,variableFiles:`packer-var-files`,only:`packer-only`,baseAmi:`base-ami`,regions:`regions`};function D(e,t=e=>`${e}: `){if(!(e instanceof external_runner_js_namespaceObject.p))return e;let{option:n,message:r}=e,i=n===`waitForOtherBakes`?`wait-for-other-bakes: `:t(E[n]);return Error(i+r,{cause:e})}async function O(e,t,n){let{variables:r,variableFiles:i,only:a,extraIngredients:o,template:s,region:c}=e,l=await (0,external_look_up_js_namespaceObject.a)(e.definition),u={variables:r,variableFiles:i,only:a,extraIngredients:o,baseImage:await n.resolve(e.baseAmi,c),strict:e.strict?s:void 0,parent:t?.checksum.value};return{settings:e,checksum:await (0,external_look_up_js_namespaceObject.l)(l,u),parent:t}}function k(e,n){let r=/* @__PURE__ */ new Map;function i(e){let t=r.get(e)??a(e);return r.set(e,t),t}async function a(r){let a=e.settings(r),o=a.parent===void 0?void 0:await i(a.parent);try{return await O(a,o,n)}catch(n){throw external_runner_js_namespaceObject.C.throwIfAborted(),D(n,t=>e.prefix(r,t))}}return{define:i}}function A(e){return e.parent?[...A(e.parent),e]:[e]}function j({settings:e}){return e.name??e.template.name}function M({settings:e,checksum:t},n){let{template:r,strict:a}=e;if(a)return;let o=(0,external_yaml_js_namespaceObject.o)(r,t.files.map(({path:e})=>e));o.length!==0&&(0,external_runner_js_namespaceObject.N)(`${n(`packer-template`)}${o.join(`, `)} lies outside the definition, so that a change to it does not cause a bake. Add it to ami-definition-dirs, or set strict to true.`)}function N({settings:e,checksum:t,parent:n}){let{name:r,template:i,maxAgeDays:a,candidate:o}=e,s=n&&N(n);return{checksum:t.value,template:i.name,imageName:r,maxAgeDays:a,candidate:o,parent:s&&(o?s:P(s))}}function P(e){return{...e,candidate:!1,parent:e.parent&&P(e.parent)}}function F(t){try{external_node_fs_default().rmSync(t,{force:!0})}catch(n){if(n instanceof Error&&`code`in n&&n.code===`ENOTDIR`)return;let r=`output-file: ${t} can't be removed: ${(0,external_runner_js_namespaceObject.A)(n)}. Specify a file that this step may replace.`;throw Error(r,{cause:n})}}function I(t,n){let r=external_node_path_default().join(external_node_path_default().dirname(t),`.${external_node_path_default().basename(t)}.${(0,external_node_crypto_namespaceObject.randomUUID)()}`);try{external_node_fs_default().writeFileSync(r,n,{flag:`wx`}),external_node_fs_default().renameSync(r,t)}catch(n){external_node_fs_default().rmSync(r,{force:!0});let i=`output-file: ${t} can't be written: ${(0,external_runner_js_namespaceObject.A)(n)}. Specify a path that this step may write to.`;throw Error(i,{cause:n})}}async function L(){return await (0,external_yaml_js_namespaceObject.t)((0,external_runner_js_namespaceObject.d)(`images-file`)||`ami-bakery.yml`,z())}function R(t,n,r){try{t.settings(n)}catch(t){throw Error(`${r}: ${(0,external_runner_js_namespaceObject.A)(t)}`,{cause:t})}}function z(){return{inputs:B((0,external_runner_js_namespaceObject.d)(`aws-region`),(0,external_runner_js_namespaceObject.d)(`aws-subnet-id`)),environment:B((0,external_runner_js_namespaceObject.P)(`AWS_REGION`)??(0,external_runner_js_namespaceObject.P)(`AWS_DEFAULT_REGION`)??``,(0,external_runner_js_namespaceObject.P)(`AWS_SUBNET_ID`)??``)}}function B(e,t){return new Map([[`aws-region`,e],[`aws-subnet-id`,t]].filter(([,e])=>e!==``))}function V(e){for(let[t,i]of Object.entries(e))external_runner_js_namespaceObject.L?(0,external_runner_js_namespaceObject.H)(t,i):(0,external_runner_js_namespaceObject.k)(`${t}=${i}`)}async function H(e,t){await W(()=>{e.length>0&&external_runner_js_namespaceObject.W.addTable(e.map(([e,t])=>[{data:e,header:!0},t]));for(let e of t.filter(({length:e})=>e>0))external_runner_js_namespaceObject.W.addRaw(`<pre>${e.map(G).map(K).join(`
`)}</pre>`,!0)})}async function U(e,t){await W(()=>{let n=e.map(e=>({data:e,header:!0}));external_runner_js_namespaceObject.W.addTable([n,...t.slice(0,500).map(e=>[...e])]),t.length>500&&external_runner_js_namespaceObject.W.addRaw(`<p>… and ${t.length-500} more</p>`,!0)})}async function W(t){if(external_runner_js_namespaceObject.L)try{external_runner_js_namespaceObject.W.addHeading(`AMI Bakery`,3),t(),await external_runner_js_namespaceObject.W.write()}catch(t){(0,external_runner_js_namespaceObject.N)(`The job summary could not be written: ${(0,external_runner_js_namespaceObject.A)(t)}`)}}function G(e){return e.length>500?`${e.slice(0,500)}…`:e}function K(e){return e.replaceAll(`&`,`&amp;`).replaceAll(`<`,`&lt;`).replaceAll(`>`,`&gt;`)}
module.exports = __webpack_exports__;
/******/ })()
;