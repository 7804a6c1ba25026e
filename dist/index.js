/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 229:
/***/ ((module) => {

module.exports = require("./on-miss.js");

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
/******/ 	/* webpack/runtime/compat get default export */
/******/ 	(() => {
/******/ 		// getDefaultExport function for compatibility with non-harmony modules
/******/ 		__nccwpck_require__.n = (module) => {
/******/ 			var getter = module && module.__esModule ?
/******/ 				() => (module['default']) :
/******/ 				() => (module);
/******/ 			__nccwpck_require__.d(getter, { a: getter });
/******/ 			return getter;
/******/ 		};
/******/ 	})();
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

;// CONCATENATED MODULE: external "./run.js"
const external_run_js_namespaceObject = require("./run.js");
;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "node:crypto"
const external_node_crypto_namespaceObject = require("node:crypto");
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
var external_node_path_default = /*#__PURE__*/__nccwpck_require__.n(external_node_path_namespaceObject);
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_namespaceObject);
;// CONCATENATED MODULE: ./.tools/bundle/index.js
function re(e){try{external_node_fs_default().rmSync(e,{force:!0})}catch(t){if(t instanceof Error&&`code`in t&&t.code===`ENOTDIR`)return;let n=`output-file: ${e} can't be removed: ${(0,external_runner_js_namespaceObject.D)(t)}. Specify a file that this step may replace.`;throw Error(n,{cause:t})}}function ie(e,t){let n=external_node_path_default().join(external_node_path_default().dirname(e),`.${external_node_path_default().basename(e)}.${(0,external_node_crypto_namespaceObject.randomUUID)()}`);try{external_node_fs_default().writeFileSync(n,t,{flag:`wx`}),external_node_fs_default().renameSync(n,e)}catch(t){external_node_fs_default().rmSync(n,{force:!0});let r=`output-file: ${e} can't be written: ${(0,external_runner_js_namespaceObject.D)(t)}. Specify a path that this step may write to.`;throw Error(r,{cause:t})}}const A=[`bake`,`skip`,`fail`],j=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`regions`],[`max-age-days`],[`working-directory`],[`output-file`]],M=[`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`];[...j.map(([e])=>e),...M];function N(){let e=(0,external_runner_js_namespaceObject.R)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.N)(e);let t=F(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${I(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.N)(t);return external_node_path_default().join(B(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}function P(e){let t=new Map(j.map(([e,...t])=>[e,F(e,...t)])),n={settings:(0,external_look_up_js_namespaceObject.n)(t,{name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:I}),onMiss:R(),forceBake:L(`force-bake`,`strict`)??!1,waitForOtherBakes:L(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.R)(`github-token`)||void 0};return z(e),n}function F(e,...t){return (0,external_runner_js_namespaceObject.R)(e,{trimWhitespace:e!==`packer-vars`})||(t.map(external_runner_js_namespaceObject.j).find(e=>e!==void 0)??``)}function I(e){let[,...t]=j.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function L(e,t){try{return (0,external_look_up_js_namespaceObject.t)(t,(0,external_runner_js_namespaceObject.R)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.D)(t)}`,{cause:t})}}function R(){let e=(0,external_runner_js_namespaceObject.R)(`on-miss`)||`bake`,t=A.find(t=>t===e);if(t)return t;throw Error(`on-miss: ${JSON.stringify(e)} is unknown. Give one of ${A.join(`, `)}.`)}function z(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.D)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function B(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}const V={template:`packer-template`,definition:`ami-definition-dirs`,variables:`packer-vars`,variableFiles:`packer-var-files`,only:`packer-only`,baseAmi:`base-ami`,regions:`regions`,waitForOtherBakes:`wait-for-other-bakes`};function H(e){return e instanceof external_runner_js_namespaceObject._?Error(`${V[e.option]}: ${e.message}`,{cause:e}):e}async function U(e){(0,external_runner_js_namespaceObject.u)();let n=N();re(n);let r=P(n),{settings:i}=r,a=(0,external_look_up_js_namespaceObject.O)(i.region,external_runner_js_namespaceObject.b),o=await ae(a,i);await e.checksum(o,i);let s=q(r,o),l=await (0,external_look_up_js_namespaceObject.r)(a,i.regions,s);if(l&&W(l,i))return await e.outcome(l,n);let{completeImage:u}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await e.outcome(await u(l,{ec2:a,inputs:r,checksum:o,lookUp:s,report:e}),n)}function W({ids:e},{regions:t}){return t.every(({name:t})=>e.has(t))}async function ae(e,t){let r=await (0,external_look_up_js_namespaceObject.ir)(t.definition),{template:a,strict:o,baseAmi:s}=t,c=(0,external_look_up_js_namespaceObject.tr)(a,r.files.map(({path:e})=>e));return c.length>0&&!o&&(0,external_runner_js_namespaceObject.A)(`packer-template: ${c.join(`, `)} lies outside the definition, so that a change of it bakes no new image. Add it to ami-definition-dirs, or set strict to true.`),await (0,external_look_up_js_namespaceObject.cr)(r,await G(e,t,s))}async function G(e,{variables:t,variableFiles:n,only:r,extraIngredients:i,strict:a,template:o},s){return{variables:t,variableFiles:n,only:r,extraIngredients:i,baseImage:await K(e,s),strict:a?o:void 0}}async function K(e,t){if(t!==void 0){if(`id`in t)return t.id;if(`owner`in t)return await (0,external_look_up_js_namespaceObject.l)(e,t);throw Error(`base-ami: an SSM parameter is not supported yet. Specify an image id, or newest:<owner>/<name pattern>.`)}}function q({settings:e,forceBake:t},{value:n}){let{template:r,maxAgeDays:i}=e;return{checksum:n,template:r.name,maxAgeDays:i,newerThan:t?performance.timeOrigin:void 0}}function J(e){for(let[t,n]of Object.entries(e))external_runner_js_namespaceObject.P?(0,external_runner_js_namespaceObject.B)(t,n):(0,external_runner_js_namespaceObject.E)(`${t}=${n}`)}async function oe(e,t){if(external_runner_js_namespaceObject.P)try{external_runner_js_namespaceObject.H.addHeading(`AMI Bakery`,3),e.length>0&&external_runner_js_namespaceObject.H.addTable(e.map(([e,t])=>[{data:e,header:!0},t]));for(let e of t.filter(({length:e})=>e>0))external_runner_js_namespaceObject.H.addRaw(`<pre>${e.map(Y).map(X).join(`
`)}</pre>`,!0);await external_runner_js_namespaceObject.H.write()}catch(e){(0,external_runner_js_namespaceObject.A)(`The job summary could not be written: ${(0,external_runner_js_namespaceObject.D)(e)}`)}}function Y(e){return e.length>500?`${e.slice(0,500)}…`:e}function X(e){return e.replaceAll(`&`,`&amp;`).replaceAll(`<`,`&lt;`).replaceAll(`>`,`&gt;`)}function se(){let e,t=[];async function n(t,n){e={checksum:t,settings:n},await ce(t),J({ami_config_checksum:t.value})}function r(e){t=e.map(Y),(0,external_runner_js_namespaceObject.E)(t)}async function i(t,n){let r=e?.settings.region??``;await o(t.how===`skipped`?de():ue(t,r,n),[])}async function a(e){let t=H(e);(0,external_runner_js_namespaceObject.w)(t);try{J({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.E)((0,external_runner_js_namespaceObject.D)(e))}await o([[`Result`,`failed`]],me((0,external_runner_js_namespaceObject.D)(t)))}async function o(n,r){let i=e?fe(e.checksum,e.settings):[],a=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await oe([...n,...i,a],[r,(0,external_runner_js_namespaceObject.s)(),t])}return{checksum:n,reasons:r,outcome:i,failure:a}}async function ce({value:e,files:t,ingredients:n}){if(await (0,external_runner_js_namespaceObject.T)(`Definition: ${Q(t,`file`)}`,()=>le(t)),n.length>0){let e=n.map(({kind:e,title:t,digest:n})=>`${n}  ${e}: ${(0,external_runner_js_namespaceObject.C)(t)}`);await (0,external_runner_js_namespaceObject.T)(`Further ingredients: ${n.length}`,()=>(0,external_runner_js_namespaceObject.E)(e))}let r=n.length>0?` and ${Q(n,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.E)(`Checksum ${e} of ${Q(t,`file`)}${r}`)}async function le(e){for(let t=0;t<e.length;t+=500)(0,external_runner_js_namespaceObject.E)(e.slice(t,t+500).map(({digest:e,path:t})=>`${e}  ${(0,external_look_up_js_namespaceObject.fr)(t)}`)),await (0,external_runner_js_namespaceObject.m)(external_runner_js_namespaceObject.b,(0,external_runner_js_namespaceObject.k)())}function ue(e,t,n){try{return Z(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function Z(e,t,n){let{how:r,image:i,ids:a}=e,o=(0,external_runner_js_namespaceObject.C)(i.name);(0,external_runner_js_namespaceObject.E)(`${r===`hit`?`Hit`:`Baked`}: ${i.id} (${o}, ${i.creationDate}) in ${t}`),ie(n,`{"ami_id": "${i.id}"}`),J({ami_ids:JSON.stringify(Object.fromEntries(a)),ami_name:i.name,ami_creation_date:i.creationDate,cache_hit:String(r===`hit`),ami_id:i.id});let s=[...a].filter(([e])=>e!==t);s.length>0&&(0,external_runner_js_namespaceObject.E)(`Copies: ${s.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let c=s.map(([t,n])=>[t,`<code>${n}</code> ${e.copied?.has(t)?`copied`:r}`]);return[[`Image`,`<code>${i.id}</code> ${X(o)}`],[`Result`,r],...c]}function de(){return (0,external_runner_js_namespaceObject.E)(`No image found; skipped because on-miss is skip.`),J({ami_id:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function fe(e,{region:t,template:n}){return[[`Region`,t],[`Template`,X((0,external_runner_js_namespaceObject.C)(n.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,pe(e)]]}function pe(e){let t=[...(0,external_look_up_js_namespaceObject.lr)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,r=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${r})`}function me(e){return e.split(`
`).slice(0,50).map(external_runner_js_namespaceObject.C)}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=se();(0,external_run_js_namespaceObject.t)({main:()=>U($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;