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
  completeImage: () => (/* binding */ C)
});

;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function g(e,t){let{settings:r,checksum:i,parent:a}=e,{githubToken:o,waitForOtherBakes:s}=t.inputs;return(a||t.purpose===`missing parent`)&&(0,external_runner_js_namespaceObject.l)((0,external_look_up_js_namespaceObject.E)(e)),await (0,external_miss_js_namespaceObject.p)({...r,...t,checksum:i,githubToken:o,waitForOtherBakes:s})}function _({files:e}){let t=e.find(e=>e.isLfsPointer);if(t)throw new external_runner_js_namespaceObject._(`definition`,`${(0,external_look_up_js_namespaceObject.L)(t.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}async function v(e,t,n){let{parent:r}=e;if(!r||!t.parent)return;let{hit:i}=(0,external_look_up_js_namespaceObject.X)(n.described,t.parent),o=i?.id??await y(r,t.parent,n);return i&&n.report.parent(r,o,`hit`),(0,external_runner_js_namespaceObject.F)(`${(0,external_look_up_js_namespaceObject.E)(e)} is baked from ${o}, the image of ${(0,external_look_up_js_namespaceObject.E)(r)}.`),o}async function y(e,t,n){let{ec2:r,inputs:i,report:o}=n,s=(0,external_look_up_js_namespaceObject.E)(e);await b(e,t,n),await S(e,i,async()=>x(e,t,n));let c=await v(e,t,n),{image:l,how:u}=await S(e,i,()=>g(e,{ec2:r,inputs:i,lookUp:t,parentImage:c,purpose:`missing parent`}));return (0,external_runner_js_namespaceObject.F)(`${u===`hit`?`Hit`:`Baked`}: ${l.id}, the image of ${s}`),o.parent(e,l.id,u),l.id}async function b(t,n,{ec2:r,described:i}){(0,external_runner_js_namespaceObject.F)(`The image of ${(0,external_look_up_js_namespaceObject.E)(t)} is missing: it is baked first.`),(0,external_look_up_js_namespaceObject.q)((0,external_look_up_js_namespaceObject.X)(i,n).skips);let o={...n,imageName:n.imageName,repository:(0,external_runner_js_namespaceObject.K)()?.repository};(0,external_runner_js_namespaceObject.F)((await (0,external_miss_js_namespaceObject.M)(r,o,t.checksum)).reasons)}function x(e,n,{described:r,inputs:i}){if((0,external_miss_js_namespaceObject.N)((0,external_look_up_js_namespaceObject.X)(r,n).block,n),e.settings.candidate&&!n.candidate){let t=`Publish ${(0,external_look_up_js_namespaceObject.E)(e)} first.`;throw Error(`it is a candidate by the images file, but ${i.settings.name} is none. ${t}`)}_(e.checksum)}async function S(e,{file:t,settings:n},r){try{return await r()}catch(r){if(external_runner_js_namespaceObject.A.aborted)throw r;let a=(0,external_look_up_js_namespaceObject.E)(e),s=(0,external_look_up_js_namespaceObject.O)(r,e=>t?.prefix(a,e)??`${e}: `);throw Error(`${a} could not be baked for ${n.name}: ${(0,external_runner_js_namespaceObject.I)(s)}`,{cause:r})}}async function C(e,n){let{found:r}=e,{onMiss:i}=n.inputs;if(r&&(0,external_runner_js_namespaceObject.F)(`${r.image.id} is not available in ${k(w(r,n.inputs.settings.regions))}.`),r&&i===`bake`||await T(n),r||_(n.image.checksum),i===`skip`)return{how:`skipped`};if(r||(0,external_miss_js_namespaceObject.N)(e.choice.block,n.lookUp),i===`fail`)throw Error(`on-miss: ${E(r,n)}`);return await O(r??await D(e,n),n)}function w({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function T({ec2:t,image:n,lookUp:r,report:i}){let a={...r,imageName:r.imageName,repository:(0,external_runner_js_namespaceObject.K)()?.repository},{last:o,reasons:c}=await (0,external_miss_js_namespaceObject.M)(t,a,n.checksum);i.miss(c,o?.id)}function E(e,{ec2:t,inputs:n,image:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.checksum.value}. Bake it, or set on-miss to bake.`;let i=k(w(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function D(e,t){let{ec2:n,inputs:r,image:i,lookUp:a,report:o}=t;return await g(i,{ec2:n,inputs:r,lookUp:a,parentImage:await v(i,a,{ec2:n,inputs:r,report:o,described:e.described}),purpose:`requested`})}async function O(e,{ec2:t,inputs:n,image:i}){let{image:a,ids:o}=e,s=w(e,n.settings.regions);if(s.length===0||n.settings.candidate)return e;let l=k(s),u=await (0,external_runner_js_namespaceObject.P)(`Copies to ${l}`,()=>(0,external_miss_js_namespaceObject.x)({ec2:t,image:a},s,{checksum:i.checksum.value,tags:n.settings.tags}));return{...e,ids:new Map([...o,...u]),copied:new Set(u.keys())}}function k(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;