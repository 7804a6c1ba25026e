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
async function _(e,t){let{settings:r,checksum:i,parent:a}=e,{githubToken:s,waitForOtherBakes:c}=t.inputs;return(a||t.purpose===`missing parent`)&&(0,external_runner_js_namespaceObject.l)((0,external_look_up_js_namespaceObject.P)(e)),await (0,external_miss_js_namespaceObject.f)({...r,...t,checksum:i,githubToken:s,waitForOtherBakes:c})}function v({files:e}){let t=e.find(e=>e.isLfsPointer);if(t)throw new external_runner_js_namespaceObject._(`definition`,`${(0,external_look_up_js_namespaceObject.G)(t.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}async function y(e,t,n){let{parent:r}=e;if(!r||!t.parent)return;let i=(0,external_look_up_js_namespaceObject.it)(n.described,t.parent),a=i.hit?.id??await b({parent:r,lookUp:t.parent,choice:i},n);return i.hit&&n.report.parent(r,a,`hit`),(0,external_runner_js_namespaceObject.I)(`${(0,external_look_up_js_namespaceObject.P)(e)} is baked from ${a}, the image of ${(0,external_look_up_js_namespaceObject.P)(r)}.`),a}async function b(e,t){let{parent:n,lookUp:r}=e,{ec2:i,inputs:a,report:s}=t,c=(0,external_look_up_js_namespaceObject.P)(n);await x(e,i),await C(n,a,async()=>S(e,a));let l=await y(n,r,t),{image:u,how:f}=await C(n,a,()=>_(n,{ec2:i,inputs:a,lookUp:r,parentImage:l,purpose:`missing parent`}));return (0,external_runner_js_namespaceObject.I)(`${f===`hit`?`Hit`:`Baked`}: ${u.id}, the image of ${c}`),s.parent(n,u.id,f),u.id}async function x({parent:e,lookUp:t,choice:n},i){(0,external_runner_js_namespaceObject.I)(`The image of ${(0,external_look_up_js_namespaceObject.P)(e)} is missing: it is baked first.`),(0,external_look_up_js_namespaceObject.tt)(n.skips);let a={...t,imageName:t.imageName,repository:(0,external_runner_js_namespaceObject.q)()?.repository};(0,external_runner_js_namespaceObject.I)((await (0,external_miss_js_namespaceObject.j)(i,a,e.checksum)).reasons)}function S({parent:t,lookUp:n,choice:r},i){if((0,external_miss_js_namespaceObject.M)(r.block,n),t.settings.candidate&&!n.candidate){let e=`it is a candidate by the images file, but ${i.settings.name} is none`;throw Error(`${e}: publish ${(0,external_look_up_js_namespaceObject.P)(t)} first.`)}v(t.checksum)}async function C(e,{file:t,settings:n},r){try{return await r()}catch(r){if(external_runner_js_namespaceObject.j.aborted)throw r;let i=(0,external_look_up_js_namespaceObject.P)(e),s=(0,external_look_up_js_namespaceObject.I)(r,e=>t?.prefix(i,e)??`${e}: `);throw Error(`${i} could not be baked for ${n.name}: ${(0,external_runner_js_namespaceObject.L)(s)}`,{cause:r})}}async function w(t,n){let{found:r}=t,{onMiss:i}=n.inputs;if(r&&(0,external_runner_js_namespaceObject.I)(`${r.image.id} is not available in ${A(T(r,n.inputs.settings.regions))}.`),r&&i===`bake`||await E(t,n),r||v(n.image.checksum),i===`skip`)return{how:`skipped`};if(r||(0,external_miss_js_namespaceObject.M)(t.choice.block,n.lookUp),i===`fail`)throw Error(`on-miss: ${D(r,n)}`);return await k(r??await O(t,n),n)}function T({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function E({described:e},{ec2:t,image:n,lookUp:i,report:a}){let o={...i,imageName:i.imageName,repository:(0,external_runner_js_namespaceObject.q)()?.repository},{last:s,reasons:l}=await (0,external_miss_js_namespaceObject.j)(t,o,n.checksum);a.miss(l,(s??(0,external_look_up_js_namespaceObject.st)(e,i))?.id)}function D(e,{ec2:t,inputs:n,image:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.checksum.value}. Bake it, or set on-miss to bake.`;let i=A(T(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function O(e,t){let{ec2:n,inputs:r,image:i,lookUp:a,report:o}=t;return await _(i,{ec2:n,inputs:r,lookUp:a,parentImage:await y(i,a,{ec2:n,inputs:r,report:o,described:e.described}),purpose:`requested`})}async function k(e,{ec2:n,inputs:r,image:i}){let{image:a,ids:o}=e,s=T(e,r.settings.regions);if(s.length===0||r.settings.candidate)return e;let c=A(s),l=await (0,external_runner_js_namespaceObject.F)(`Copies to ${c}`,()=>(0,external_miss_js_namespaceObject.b)({ec2:n,image:a},s,{checksum:i.checksum.value,tags:r.settings.tags}));return{...e,ids:new Map([...o,...l]),copied:new Set(l.keys())}}function A(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;