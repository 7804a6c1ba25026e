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
  completeImage: () => (/* binding */ c)
});

;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./yaml.js"
const external_yaml_js_namespaceObject = require("./yaml.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function c(e,t){let{onMiss:n}=t.inputs;if(e?(0,external_runner_js_namespaceObject.k)(`${e.image.id} is not available in ${m(l(e,t.inputs.settings.regions))}.`):await u(t),n===`skip`)return{how:`skipped`};if(n===`fail`)throw Error(`on-miss: ${d(e,t)}`);return await p(e??await f(t),t)}function l({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function u({ec2:t,checksum:n,lookUp:i,report:o}){let c={...i,imageName:i.imageName,repository:(0,external_runner_js_namespaceObject.R)()?.repository},{last:l,reasons:u}=await (0,external_miss_js_namespaceObject.n)(t,c,n);o.miss(u,l?.id);let d=n.files.find(e=>e.isLfsPointer);if(d)throw new external_runner_js_namespaceObject.p(`definition`,`${(0,external_yaml_js_namespaceObject.u)(d.path)} is a Git LFS pointer. Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.`)}function d(e,{ec2:t,inputs:n,checksum:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.value}. Bake it, or set on-miss to bake.`;let i=m(l(e,n.settings.regions));return`${e.image.id} is not available in ${i}. To copy it there, set on-miss to bake.`}async function f({ec2:e,inputs:n,checksum:r,lookUp:i}){let{settings:a,githubToken:o,waitForOtherBakes:s}=n;return await (0,external_miss_js_namespaceObject.r)({...a,ec2:e,checksum:r,lookUp:i,githubToken:o,waitForOtherBakes:s})}async function p(e,{ec2:t,inputs:r,checksum:a}){let{image:o,ids:s}=e,c=l(e,r.settings.regions);if(c.length===0)return e;let u=m(c),d=await (0,external_runner_js_namespaceObject.O)(`Copies to ${u}`,()=>(0,external_miss_js_namespaceObject.t)({ec2:t,image:o},c,{checksum:a.value,tags:r.settings.tags}));return{...e,ids:new Map([...s,...d]),copied:new Set(d.keys())}}function m(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;