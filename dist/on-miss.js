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
  completeImage: () => (/* binding */ y)
});

;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function m(e,t){let{settings:r,checksum:i}=e;h(i);let{githubToken:a,waitForOtherBakes:o}=t.inputs;return await (0,external_miss_js_namespaceObject.f)({...r,...t,checksum:i,githubToken:a,waitForOtherBakes:o})}function h({files:e}){let t=e.find(e=>e.isLfsPointer);if(t)throw new external_runner_js_namespaceObject.g(`definition`,`${(0,external_look_up_js_namespaceObject.I)(t.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}async function g({parent:t,settings:n},r,i){if(!t||!r.parent)return;let o=(0,external_look_up_js_namespaceObject.J)(i.described,r.parent),s=(0,external_look_up_js_namespaceObject.T)(t);if(o.hit)return (0,external_runner_js_namespaceObject.N)(`${n.name} is baked from ${o.hit.id}, the image of ${s}.`),i.report.parent(t,o.hit.id,`hit`),o.hit.id;if((0,external_miss_js_namespaceObject.M)({choice:o},r.parent),t.settings.candidate&&!n.candidate)throw Error(`${s} is a candidate, but ${n.name}, which is baked from it, is none. Publish ${s} first.`);return await _(t,r.parent,i)}async function _(e,t,n){let{ec2:i,inputs:s,report:l}=n,u=(0,external_look_up_js_namespaceObject.T)(e);(0,external_runner_js_namespaceObject.N)(`The image of ${u} is missing: it is baked first.`);try{let o={...t,imageName:t.imageName,repository:(0,external_runner_js_namespaceObject.W)()?.repository};(0,external_runner_js_namespaceObject.N)((await (0,external_miss_js_namespaceObject.j)(i,o,e.checksum)).reasons);let{image:d,how:f}=await m(e,{ec2:i,inputs:s,lookUp:t,parentImage:await g(e,t,n),purpose:`missing parent`});return (0,external_runner_js_namespaceObject.N)(`${f===`hit`?`Hit`:`Baked`}: ${d.id}, the image of ${u}`),l.parent(e,d.id,f),d.id}catch(e){throw external_runner_js_namespaceObject.O.throwIfAborted(),v(e,u,s)}}function v(e,t,{file:n}){let r=(0,external_look_up_js_namespaceObject.D)(e,e=>n?.prefix(t,e)??`${e}: `);return r===e?Error(`${t}: ${(0,external_runner_js_namespaceObject.P)(e)}`,{cause:e}):r}async function y(e,t){let{found:n}=e,{onMiss:r}=t.inputs;if(n?(0,external_runner_js_namespaceObject.N)(`${n.image.id} is not available in ${T(b(n,t.inputs.settings.regions))}.`):await x(t),r===`skip`)return{how:`skipped`};if(r===`fail`)throw Error(`on-miss: ${S(n,t)}`);return await w(n??await C(e,t),t)}function b({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function x({ec2:e,image:t,lookUp:n,report:i}){let a={...n,imageName:n.imageName,repository:(0,external_runner_js_namespaceObject.W)()?.repository},{last:o,reasons:s}=await (0,external_miss_js_namespaceObject.j)(e,a,t.checksum);i.miss(s,o?.id),h(t.checksum)}function S(e,{ec2:t,inputs:n,image:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.checksum.value}. Bake it, or set on-miss to bake.`;let i=T(b(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function C(t,n){let{ec2:r,inputs:i,image:a,lookUp:o,report:s}=n;return (0,external_miss_js_namespaceObject.M)(t,o),await m(a,{ec2:r,inputs:i,lookUp:o,parentImage:await g(a,o,{ec2:r,inputs:i,report:s,described:t.described}),purpose:`requested`})}async function w(e,{ec2:n,inputs:r,image:a}){let{image:o,ids:s}=e,c=b(e,r.settings.regions);if(c.length===0||r.settings.candidate)return e;let l=T(c),u=await (0,external_runner_js_namespaceObject.M)(`Copies to ${l}`,()=>(0,external_miss_js_namespaceObject.b)({ec2:n,image:o},c,{checksum:a.checksum.value,tags:r.settings.tags}));return{...e,ids:new Map([...s,...u]),copied:new Set(u.keys())}}function T(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;