/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	// The require scope
/******/ 	var __nccwpck_require__ = {};
/******/ 	
/************************************************************************/
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
  completeImage: () => (/* binding */ w)
});

;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function _(e,t){let{settings:r,checksum:a,parent:o}=e,{githubToken:s,waitForOtherBakes:c}=t.inputs;return(o||t.purpose===`missing parent`)&&(0,external_runner_js_namespaceObject.l)((0,external_look_up_js_namespaceObject.D)(e)),await (0,external_miss_js_namespaceObject.f)({...r,...t,checksum:a,githubToken:s,waitForOtherBakes:c})}function v({files:e}){let t=e.find(e=>e.isLfsPointer);if(t)throw new external_runner_js_namespaceObject._(`definition`,`${(0,external_look_up_js_namespaceObject.R)(t.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}async function y(e,t,n){let{parent:r}=e;if(!r||!t.parent)return;let{hit:a}=(0,external_look_up_js_namespaceObject.Z)(n.described,t.parent),o=a?.id??await b(r,t.parent,n);return a&&n.report.parent(r,o,`hit`),(0,external_runner_js_namespaceObject.F)(`${(0,external_look_up_js_namespaceObject.D)(e)} is baked from ${o}, the image of ${(0,external_look_up_js_namespaceObject.D)(r)}.`),o}async function b(e,t,n){let{ec2:r,inputs:a,report:o}=n,s=(0,external_look_up_js_namespaceObject.D)(e);await x(e,t,n),await C(e,a,async()=>S(e,t,n));let c=await y(e,t,n),{image:l,how:u}=await C(e,a,()=>_(e,{ec2:r,inputs:a,lookUp:t,parentImage:c,purpose:`missing parent`}));return (0,external_runner_js_namespaceObject.F)(`${u===`hit`?`Hit`:`Baked`}: ${l.id}, the image of ${s}`),o.parent(e,l.id,u),l.id}async function x(e,t,{ec2:n,described:o}){(0,external_runner_js_namespaceObject.F)(`The image of ${(0,external_look_up_js_namespaceObject.D)(e)} is missing: it is baked first.`),(0,external_look_up_js_namespaceObject.J)((0,external_look_up_js_namespaceObject.Z)(o,t).skips);let c={...t,imageName:t.imageName,repository:(0,external_runner_js_namespaceObject.K)()?.repository};(0,external_runner_js_namespaceObject.F)((await (0,external_miss_js_namespaceObject.j)(n,c,e.checksum)).reasons)}function S(t,n,{described:r,inputs:a}){if((0,external_miss_js_namespaceObject.M)((0,external_look_up_js_namespaceObject.Z)(r,n).block,n),t.settings.candidate&&!n.candidate){let e=`it is a candidate by the images file, but ${a.settings.name} is none`;throw Error(`${e}: publish ${(0,external_look_up_js_namespaceObject.D)(t)} first.`)}v(t.checksum)}async function C(e,{file:t,settings:n},r){try{return await r()}catch(r){if(external_runner_js_namespaceObject.A.aborted)throw r;let a=(0,external_look_up_js_namespaceObject.D)(e),o=(0,external_look_up_js_namespaceObject.k)(r,e=>t?.prefix(a,e)??`${e}: `);throw Error(`${a} could not be baked for ${n.name}: ${(0,external_runner_js_namespaceObject.I)(o)}`,{cause:r})}}async function w(t,n){let{found:r}=t,{onMiss:i}=n.inputs;if(r&&(0,external_runner_js_namespaceObject.F)(`${r.image.id} is not available in ${A(T(r,n.inputs.settings.regions))}.`),r&&i===`bake`||await E(t,n),r||v(n.image.checksum),i===`skip`)return{how:`skipped`};if(r||(0,external_miss_js_namespaceObject.M)(t.choice.block,n.lookUp),i===`fail`)throw Error(`on-miss: ${D(r,n)}`);return await k(r??await O(t,n),n)}function T({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function E({described:e},{ec2:t,image:n,lookUp:i,report:a}){let o={...i,imageName:i.imageName,repository:(0,external_runner_js_namespaceObject.K)()?.repository},{last:s,reasons:l}=await (0,external_miss_js_namespaceObject.j)(t,o,n.checksum);a.miss(l,(s??(0,external_look_up_js_namespaceObject.et)(e,i))?.id)}function D(e,{ec2:t,inputs:n,image:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.checksum.value}. Bake it, or set on-miss to bake.`;let i=A(T(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function O(e,t){let{ec2:n,inputs:r,image:i,lookUp:a,report:o}=t;return await _(i,{ec2:n,inputs:r,lookUp:a,parentImage:await y(i,a,{ec2:n,inputs:r,report:o,described:e.described}),purpose:`requested`})}async function k(e,{ec2:n,inputs:r,image:i}){let{image:a,ids:o}=e,s=T(e,r.settings.regions);if(s.length===0||r.settings.candidate)return e;let c=A(s),l=await (0,external_runner_js_namespaceObject.P)(`Copies to ${c}`,()=>(0,external_miss_js_namespaceObject.b)({ec2:n,image:a},s,{checksum:i.checksum.value,tags:r.settings.tags}));return{...e,ids:new Map([...o,...l]),copied:new Set(l.keys())}}function A(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;