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
;// CONCATENATED MODULE: external "./yaml.js"
const external_yaml_js_namespaceObject = require("./yaml.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./summary.js"
const external_summary_js_namespaceObject = require("./summary.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function m(e,t){let{settings:n,checksum:i}=e;h(i);let{githubToken:a,waitForOtherBakes:o}=t.inputs;return await (0,external_miss_js_namespaceObject.t)({...n,...t,checksum:i,githubToken:a,waitForOtherBakes:o})}function h({files:e}){let t=e.find(e=>e.isLfsPointer);if(t)throw new external_runner_js_namespaceObject.p(`definition`,`${(0,external_yaml_js_namespaceObject.u)(t.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}async function g({parent:t,settings:n},r,i){if(!t||!r.parent)return;let a=(0,external_look_up_js_namespaceObject.v)(i.described,r.parent),o=(0,external_summary_js_namespaceObject.m)(t);if(a.hit)return (0,external_runner_js_namespaceObject.k)(`${n.name} is baked from ${a.hit.id}, the image of ${o}.`),i.report.parent(t,a.hit.id,`hit`),a.hit.id;if((0,external_miss_js_namespaceObject.a)({choice:a},r.parent),t.settings.candidate&&!n.candidate)throw Error(`${o} is a candidate, but ${n.name}, which is baked from it, is none. Publish ${o} first.`);return await _(t,r.parent,i)}async function _(e,n,r){let{ec2:i,inputs:o,report:l}=r,u=(0,external_summary_js_namespaceObject.m)(e);(0,external_runner_js_namespaceObject.k)(`The image of ${u} is missing: it is baked first.`);try{let a={...n,imageName:n.imageName,repository:(0,external_runner_js_namespaceObject.R)()?.repository};(0,external_runner_js_namespaceObject.k)((await (0,external_miss_js_namespaceObject.i)(i,a,e.checksum)).reasons);let{image:d,how:f}=await m(e,{ec2:i,inputs:o,lookUp:n,parentImage:await g(e,n,r),purpose:`missing parent`});return (0,external_runner_js_namespaceObject.k)(`${f===`hit`?`Hit`:`Baked`}: ${d.id}, the image of ${u}`),l.parent(e,d.id,f),d.id}catch(e){throw external_runner_js_namespaceObject.C.throwIfAborted(),v(e,u,o)}}function v(e,t,{file:n}){let r=(0,external_summary_js_namespaceObject.g)(e,e=>n?.prefix(t,e)??`${e}: `);return r===e?Error(`${t}: ${(0,external_runner_js_namespaceObject.A)(e)}`,{cause:e}):r}async function y(e,t){let{found:n}=e,{onMiss:r}=t.inputs;if(n?(0,external_runner_js_namespaceObject.k)(`${n.image.id} is not available in ${T(b(n,t.inputs.settings.regions))}.`):await x(t),r===`skip`)return{how:`skipped`};if(r===`fail`)throw Error(`on-miss: ${S(n,t)}`);return await w(n??await C(e,t),t)}function b({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function x({ec2:e,image:n,lookUp:r,report:i}){let a={...r,imageName:r.imageName,repository:(0,external_runner_js_namespaceObject.R)()?.repository},{last:o,reasons:c}=await (0,external_miss_js_namespaceObject.i)(e,a,n.checksum);i.miss(c,o?.id),h(n.checksum)}function S(e,{ec2:t,inputs:n,image:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.checksum.value}. Bake it, or set on-miss to bake.`;let i=T(b(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function C(t,n){let{ec2:r,inputs:i,image:a,lookUp:o,report:s}=n;return (0,external_miss_js_namespaceObject.a)(t,o),await m(a,{ec2:r,inputs:i,lookUp:o,parentImage:await g(a,o,{ec2:r,inputs:i,report:s,described:t.described}),purpose:`requested`})}async function w(e,{ec2:t,inputs:r,image:i}){let{image:a,ids:s}=e,c=b(e,r.settings.regions);if(c.length===0||r.settings.candidate)return e;let l=T(c),u=await (0,external_runner_js_namespaceObject.O)(`Copies to ${l}`,()=>(0,external_miss_js_namespaceObject.r)({ec2:t,image:a},c,{checksum:i.checksum.value,tags:r.settings.tags}));return{...e,ids:new Map([...s,...u]),copied:new Set(u.keys())}}function T(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;