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
  completeImage: () => (/* binding */ s)
});

;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: ./.tools/bundle/on-miss.js
async function s(e,t){let{onMiss:n}=t.inputs;if(e||await l(t),n===`skip`)return{how:`skipped`};if(n===`fail`)throw Error(`on-miss: ${u(e,t)}`);return await f(e??await d(t),t)}function c({ids:e},t){return t.filter(({name:t})=>!e.has(t))}async function l({ec2:t,checksum:n,lookUp:i,report:a}){a.reasons(await (0,external_miss_js_namespaceObject.n)(t,i.template,n));let s=n.files.find(e=>e.isLfsPointer);if(s)throw new external_runner_js_namespaceObject._(`definition`,`${(0,external_look_up_js_namespaceObject.fr)(s.path)} is a Git LFS pointer. Give actions/checkout "lfs: true", so that the bake gets the file and not the pointer.`)}function u(e,{ec2:t,inputs:n,checksum:r}){if(!e)return`there is no image in ${t.region} with the checksum ${r.value}. Bake it, or set on-miss to bake.`;let i=p(c(e,n.settings.regions));return`${e.image.id} is not available in ${i}. Let it be copied: set on-miss to bake.`}async function d({ec2:e,inputs:n,checksum:r,lookUp:i}){let{settings:a,githubToken:o,waitForOtherBakes:s}=n;return await (0,external_miss_js_namespaceObject.r)({...a,ec2:e,checksum:r,lookUp:i,githubToken:o,waitForOtherBakes:s})}async function f(e,{ec2:t,inputs:r,checksum:o}){let{image:s,ids:l}=e,u=c(e,r.settings.regions);if(u.length===0)return e;let d=p(u);(0,external_runner_js_namespaceObject.E)(`${s.id} is not available in ${d}.`);let f=await (0,external_runner_js_namespaceObject.T)(`Copies to ${d}`,()=>(0,external_miss_js_namespaceObject.t)({ec2:t,image:s},u,o.value));return{...e,ids:new Map([...l,...f]),copied:new Set(f.keys())}}function p(e){return e.map(({name:e})=>e).join(`, `)}
module.exports = __webpack_exports__;
/******/ })()
;