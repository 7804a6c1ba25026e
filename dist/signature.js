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
  a: () => (/* binding */ s),
  i: () => (/* binding */ c),
  n: () => (/* binding */ u),
  r: () => (/* binding */ l),
  t: () => (/* binding */ d)
});

;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: ./.tools/bundle/signature.js
function s(e,n){try{return (0,external_look_up_js_namespaceObject.m)(n,(0,external_runner_js_namespaceObject.h)(e,{keepBlanks:n===`tags`}))}catch(n){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.I)(n)}`,{cause:n})}}function c(){let t=s(`aws-region`,`aws-region`)??(0,external_runner_js_namespaceObject.H)(`AWS_REGION`)??(0,external_runner_js_namespaceObject.H)(`AWS_DEFAULT_REGION`);if(t!==void 0)return t;throw Error(`aws-region: is required. Specify it, or set AWS_REGION in the environment.`)}function l(e){let t=(0,external_runner_js_namespaceObject.h)(e);if(t===``||external_runner_js_namespaceObject.b.test(t))return t||void 0;throw Error(`${e}: ${JSON.stringify(t)} is not the id of an image. Specify one like ami-0123456789abcdef0.`)}function u(){let e=(0,external_runner_js_namespaceObject.h)(`ami-config-checksum`);if(e===``||/^[0-9a-f]{40}$/.test(e))return e||void 0;throw Error(`ami-config-checksum: ${JSON.stringify(e)} is not a checksum. Specify 40 hex digits, as in the output ami_config_checksum.`)}function d(){let e=`by ${(0,external_runner_js_namespaceObject.V)()??`an unknown user`}`;return`${(0,external_runner_js_namespaceObject.K)()?.url??`outside GitHub`} ${e}`.slice(0,256)}
module.exports = __webpack_exports__;
/******/ })()
;