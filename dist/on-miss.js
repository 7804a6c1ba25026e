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
  completeImage: () => (/* binding */ x)
});

;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function h(e,t){let{settings:r,checksum:i,parent:a}=e,{githubToken:o,waitForOtherBakes:s}=t.inputs;return(a||t.purpose===`missing parent`)&&(0,external_runner_js_namespaceObject.l)((0,external_look_up_js_namespaceObject.E)(e)),await (0,external_miss_js_namespaceObject.f)({...r,...t,checksum:i,githubToken:o,waitForOtherBakes:s})}function g({files:e}){let t=e.find(e=>e.isLfsPointer);if(t)throw new external_runner_js_namespaceObject._(`definition`,`${(0,external_look_up_js_namespaceObject.L)(t.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}async function _(e,t,n){let{parent:r}=e;if(!r||!t.parent)return;let{hit:i}=(0,external_look_up_js_namespaceObject.Y)(n.described,t.parent),a=i?.id??await v(r,t.parent,n);return i&&n.report.parent(r,a,`hit`),(0,external_runner_js_namespaceObject.P)(`${(0,external_look_up_js_namespaceObject.E)(e)} is baked from ${a}, the image of ${(0,external_look_up_js_namespaceObject.E)(r)}.`),a}async function v(e,t,n){let{ec2:i,inputs:o,report:c}=n,l=(0,external_look_up_js_namespaceObject.E)(e);(0,external_runner_js_namespaceObject.P)(`The image of ${l} is missing: it is baked first.`);let u={...t,imageName:t.imageName,repository:(0,external_runner_js_namespaceObject.G)()?.repository};(0,external_runner_js_namespaceObject.P)((await (0,external_miss_js_namespaceObject.j)(i,u,e.checksum)).reasons),await b(e,o,async()=>y(e,t,n));let f=await _(e,t,n),{image:p,how:m}=await b(e,o,()=>h(e,{ec2:i,inputs:o,lookUp:t,parentImage:f,purpose:`missing parent`}));return (0,external_runner_js_namespaceObject.P)(`${m===`hit`?`Hit`:`Baked`}: ${p.id}, the image of ${l}`),c.parent(e,p.id,m),p.id}function y(t,n,{described:r,inputs:i}){if((0,external_miss_js_namespaceObject.M)((0,external_look_up_js_namespaceObject.Y)(r,n).block,n),t.settings.candidate&&!n.candidate){let e=(0,external_look_up_js_namespaceObject.E)(t);throw Error(`it is a candidate by the images file, but ${i.settings.name} is none. Publish ${e} first.`)}g(t.checksum)}async function b(e,{file:t,settings:n},r){try{return await r()}catch(r){if(external_runner_js_namespaceObject.k.aborted)throw r;let a=(0,external_look_up_js_namespaceObject.E)(e),o=(0,external_look_up_js_namespaceObject.O)(r,e=>t?.prefix(a,e)??`${e}: `);throw Error(`${a} could not be baked for ${n.name}: ${(0,external_runner_js_namespaceObject.F)(o)}`,{cause:r})}}async function x(t,n){let{found:r}=t,{onMiss:i}=n.inputs;if(r?(0,external_runner_js_namespaceObject.P)(`${r.image.id} is not available in ${D(S(r,n.inputs.settings.regions))}.`):await C(n),i===`skip`)return{how:`skipped`};if(r||(0,external_miss_js_namespaceObject.M)(t.choice.block,n.lookUp),i===`fail`)throw Error(`on-miss: ${w(r,n)}`);return await E(r??await T(t,n),n)}function S({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function C({ec2:e,image:t,lookUp:n,report:i}){let o={...n,imageName:n.imageName,repository:(0,external_runner_js_namespaceObject.G)()?.repository},{last:s,reasons:c}=await (0,external_miss_js_namespaceObject.j)(e,o,t.checksum);i.miss(c,s?.id),g(t.checksum)}function w(e,{ec2:t,inputs:n,image:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.checksum.value}. Bake it, or set on-miss to bake.`;let i=D(S(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function T(e,t){let{ec2:n,inputs:r,image:i,lookUp:a,report:o}=t;return await h(i,{ec2:n,inputs:r,lookUp:a,parentImage:await _(i,a,{ec2:n,inputs:r,report:o,described:e.described}),purpose:`requested`})}async function E(e,{ec2:n,inputs:r,image:i}){let{image:a,ids:s}=e,c=S(e,r.settings.regions);if(c.length===0||r.settings.candidate)return e;let l=D(c),u=await (0,external_runner_js_namespaceObject.N)(`Copies to ${l}`,()=>(0,external_miss_js_namespaceObject.b)({ec2:n,image:a},c,{checksum:i.checksum.value,tags:r.settings.tags}));return{...e,ids:new Map([...s,...u]),copied:new Set(u.keys())}}function D(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;