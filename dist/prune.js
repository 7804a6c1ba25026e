/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 438:
/***/ ((module) => {

module.exports = require("./prune-images.js");

/***/ })

/******/ 	});
/************************************************************************/
/******/ 	// The module cache
/******/ 	var __webpack_module_cache__ = {};
/******/ 	
/******/ 	// The require function
/******/ 	function __nccwpck_require__(moduleId) {
/******/ 		// Check if module is in cache
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		// Create a new module (and put it into the cache)
/******/ 		var module = __webpack_module_cache__[moduleId] = {
/******/ 			// no module.id needed
/******/ 			// no module.loaded needed
/******/ 			exports: {}
/******/ 		};
/******/ 	
/******/ 		// Execute the module function
/******/ 		var threw = true;
/******/ 		try {
/******/ 			__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 			threw = false;
/******/ 		} finally {
/******/ 			if(threw) delete __webpack_module_cache__[moduleId];
/******/ 		}
/******/ 	
/******/ 		// Return the exports of the module
/******/ 		return module.exports;
/******/ 	}
/******/ 	
/************************************************************************/
/******/ 	/* webpack/runtime/asset-relocator-loader */
/******/ 	if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + "/";
/******/ 	
/******/ 	/* webpack/runtime/create fake namespace object */
/******/ 	(() => {
/******/ 		var getProto = Object.getPrototypeOf ? (obj) => (Object.getPrototypeOf(obj)) : (obj) => (obj.__proto__);
/******/ 		var leafPrototypes;
/******/ 		// create a fake namespace object
/******/ 		// mode & 1: value is a module id, require it
/******/ 		// mode & 2: merge all properties of value into the ns
/******/ 		// mode & 4: return value when already ns object
/******/ 		// mode & 16: return value when it's Promise-like
/******/ 		// mode & 8|1: behave like require
/******/ 		__nccwpck_require__.t = function(value, mode) {
/******/ 			if(mode & 1) value = this(value);
/******/ 			if(mode & 8) return value;
/******/ 			if(typeof value === 'object' && value) {
/******/ 				if((mode & 4) && value.__esModule) return value;
/******/ 				if((mode & 16) && typeof value.then === 'function') return value;
/******/ 			}
/******/ 			var ns = Object.create(null);
/******/ 			__nccwpck_require__.r(ns);
/******/ 			var def = {};
/******/ 			leafPrototypes = leafPrototypes || [null, getProto({}), getProto([]), getProto(getProto)];
/******/ 			for(var current = mode & 2 && value; typeof current == 'object' && !~leafPrototypes.indexOf(current); current = getProto(current)) {
/******/ 				Object.getOwnPropertyNames(current).forEach((key) => (def[key] = () => (value[key])));
/******/ 			}
/******/ 			def['default'] = () => (value);
/******/ 			__nccwpck_require__.d(ns, def);
/******/ 			return ns;
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

;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: ./.tools/bundle/prune.js
const u=[`images-file`,`templates`,`repositories`,`aws-region`,`regions`,`keep-last`,`keep-days`,`keep-launched-days`,`keep`,`shared`,`grace-days`,`max-deletions`,`dry-run`],d=[`keep`,`usage`];async function f(){(0,external_runner_js_namespaceObject.p)(u);let e=h(`templates`);if((0,external_runner_js_namespaceObject.m)(`images-file`)===``&&e.length===0)throw Error(`images-file: neither images-file nor templates is specified, so that no image may be pruned. Specify one of them.`);let t=(0,external_runner_js_namespaceObject.m)(`images-file`)===``?[]:await p(),[n,r]=[_(t),m(e)];return{files:t,region:n,regions:b(n),retention:r,dryRun:w()}}async function p(){let e=await (0,external_look_up_js_namespaceObject.l)(),t=(0,external_runner_js_namespaceObject.m)(`aws-region`)||v(),n=new Map(t?[[`aws-region`,t]]:[]);return[e,await (0,external_look_up_js_namespaceObject.l)({inputs:/* @__PURE__ */ new Map,environment:n})]}function m(e){let t=(0,external_runner_js_namespaceObject.h)(`shared`,d),n=x(`grace-days`,14,1);if(t===`usage`&&n>28)throw Error(`grace-days: ${n} is too long with shared: usage: EC2 deletes a usage report after 30 days, before the image is due. Specify 28 at most.`);return{repositories:g(),templates:new Set(e),keepLast:x(`keep-last`,3,1),keepDays:x(`keep-days`,30,0),keepLaunchedDays:x(`keep-launched-days`,90,0),keep:S(),shared:t,graceDays:n,maxDeletions:C()}}function h(e){return (0,external_look_up_js_namespaceObject._)((0,external_runner_js_namespaceObject.m)(e),/[,\n]/)}function g(){let t=h(`repositories`),n=(0,external_runner_js_namespaceObject.B)(`GITHUB_REPOSITORY`),r=t.find(e=>e!==`none`&&!/^[\w.-]+\/[\w.-]+$/.test(e));if(r!==void 0)throw Error(`repositories: ${JSON.stringify(r)} is not the name of a repository. Specify owner/name, or none for images without one.`);if(!n&&t.length===0)throw Error(`repositories: is required, because GITHUB_REPOSITORY is not set. Specify owner/name, or none for images without one.`);let i=t.map(e=>e===`none`?void 0:e);return/* @__PURE__ */ new Set([...n?[n]:[],...i])}function _(e){let t=(0,external_runner_js_namespaceObject.m)(`aws-region`)||v()||y(e);if(t&&external_runner_js_namespaceObject.b.test(t))return t;let r=t?`${JSON.stringify(t)} is not a region`:`is required`;throw Error(`aws-region: ${r}. Specify one like us-east-1.`)}function v(){return (0,external_runner_js_namespaceObject.B)(`AWS_REGION`)??(0,external_runner_js_namespaceObject.B)(`AWS_DEFAULT_REGION`)}function y([e]){let[t]=e?.names??[];return t===void 0?void 0:e?.settings(t).region}function b(e){let t=h(`regions`),r=t.find(e=>!external_runner_js_namespaceObject.b.test(e));if(r!==void 0)throw Error(`regions: ${JSON.stringify(r)} is not a region. Specify names like eu-west-1.`);return t.length===0?void 0:[.../* @__PURE__ */ new Set([e,...t])]}function x(e,t,n){let r=(0,external_runner_js_namespaceObject.m)(e);if(r===``)return t;if(/^\d{1,6}$/.test(r)&&Number(r)>=n)return Number(r);throw Error(`${e}: ${JSON.stringify(r)} is not a whole number of at least ${n}. Specify one like ${t}.`)}function S(){let e=h(`keep`),t=e.find(e=>!external_runner_js_namespaceObject.y.test(e)&&!/^[0-9a-f]{40}$/.test(e));if(t===void 0)return new Set(e);throw Error(`keep: ${JSON.stringify(t)} is neither the id of an image nor a checksum of 40 hex digits. Correct it.`)}function C(){let e=(0,external_runner_js_namespaceObject.m)(`max-deletions`)||`20`,[,t=``,n]=/^(\d{1,6})(%)?$/.exec(e)??[];if(t!==``&&!n)return{units:Number(t)};if(t!==``&&Number(t)<=100)return{percent:Number(t)};throw Error(`max-deletions: ${JSON.stringify(e)} is neither a whole number nor a percentage. Specify one like 20 or 10%.`)}function w(){let e=(0,external_runner_js_namespaceObject.m)(`dry-run`);if(e===``||/^(true|True|TRUE)$/.test(e))return!0;if(/^(false|False|FALSE)$/.test(e))return!1;throw Error(`dry-run: ${JSON.stringify(e)} is not true or false. Specify one of them.`)}async function T(){(0,external_runner_js_namespaceObject.x)();let e=await f(),{prune:t}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 438, 23));await t(e)}(0,external_runner_js_namespaceObject.E)({main:T});
module.exports = __webpack_exports__;
/******/ })()
;