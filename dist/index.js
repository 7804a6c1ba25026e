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
;// CONCATENATED MODULE: external "./summary.js"
const external_summary_js_namespaceObject = require("./summary.js");
;// CONCATENATED MODULE: external "./yaml.js"
const external_yaml_js_namespaceObject = require("./yaml.js");
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
var external_node_path_default = /*#__PURE__*/__nccwpck_require__.n(external_node_path_namespaceObject);
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_namespaceObject);
;// CONCATENATED MODULE: ./.tools/bundle/index.js
const F=[`bake`,`skip`,`fail`],I=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`regions`],[`max-age-days`],[`tags`],[`working-directory`],[`output-file`]],L=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],R=[...I.map(([e])=>e),...L];async function z(){(0,external_runner_js_namespaceObject.u)(R);let e=(0,external_runner_js_namespaceObject.d)(`image`);return e===``?B():await H(e)}function B(){let e=V(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:J};return{outputFile:e,read:()=>W((0,external_yaml_js_namespaceObject.r)(G(K),t),t.prefix,e)}}function V(){let e=(0,external_runner_js_namespaceObject.d)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.F)(e);let t=K(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${J(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.F)(t);return external_node_path_default().join(ae(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}async function H(e){let{file:t,name:n}=await U(e),r=G(e=>q(e)),i=(0,external_runner_js_namespaceObject.F)((0,external_runner_js_namespaceObject.d)(`output-file`)||t.settings(n).outputFile),a=e=>(0,external_yaml_js_namespaceObject.i)(r.get(e)??``)?`${e}: `:t.prefix(n,e);return{outputFile:i,read:()=>W(t.settingsWith(n,r),a,i)}}async function U(e){let t=await (0,external_yaml_js_namespaceObject.t)((0,external_runner_js_namespaceObject.d)(`images-file`)||`ami-bakery.yml`,(0,external_summary_js_namespaceObject.s)());if(t.names.includes(e))return{file:t,name:e};try{t.settings(e)}catch(e){throw Error(`image: ${(0,external_runner_js_namespaceObject.k)(e)}`,{cause:e})}return{file:t,name:e}}function W(e,t,n){let r={settings:e,prefix:t,resolved:(0,external_summary_js_namespaceObject.m)((0,external_runner_js_namespaceObject.d)(`resolved`)),onMiss:X(),forceBake:Y(`force-bake`,`strict`)??!1,waitForOtherBakes:Y(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.d)(`github-token`)||void 0};return ie(n),r}function G(e){return new Map(I.map(([t,...n])=>[t,e(t,...n)]))}function K(e,...t){return q(e)||(t.map(external_runner_js_namespaceObject.N).find(e=>e!==void 0)??``)}function q(e){return (0,external_runner_js_namespaceObject.d)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function J(e){let[,...t]=I.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function Y(e,t){try{return (0,external_yaml_js_namespaceObject.n)(t,(0,external_runner_js_namespaceObject.d)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.k)(t)}`,{cause:t})}}function X(){let e=(0,external_runner_js_namespaceObject.d)(`on-miss`)||`bake`,t=F.find(t=>t===e);if(t)return t;throw Error(`on-miss: ${JSON.stringify(e)} is unknown. Specify one of ${F.join(`, `)}.`)}function ie(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.k)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function ae(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function oe(e){(0,external_runner_js_namespaceObject._)();let{outputFile:t,read:n}=await z();(0,external_summary_js_namespaceObject.c)(t);let r=n();try{await se(r,t,e)}catch(e){throw (0,external_summary_js_namespaceObject.u)(e,r.prefix)}}async function se(e,r,i){let{settings:a,resolved:o}=e,s=(0,external_look_up_js_namespaceObject.K)(a.region,external_runner_js_namespaceObject.S),c=await (0,external_summary_js_namespaceObject.d)(a,(0,external_summary_js_namespaceObject.p)(o));le(e,c),await i.checksum(c,a);let l=ue(e,c),d=await (0,external_look_up_js_namespaceObject.f)(s,a.regions,l);if(d&&ce(d,a))return await i.outcome(d,r);let{completeImage:f}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await i.outcome(await f(d,{ec2:s,inputs:e,checksum:c,lookUp:l,report:i}),r)}function ce({ids:e},{regions:t}){return t.every(({name:t})=>e.has(t))}function le({settings:e,prefix:t},n){let r=(0,external_summary_js_namespaceObject.f)(e,n);r.length!==0&&(0,external_runner_js_namespaceObject.M)(`${t(`packer-template`)}${r.join(`, `)} lies outside the definition, so that a change to it does not cause a bake. Add it to ami-definition-dirs, or set strict to true.`)}function ue({settings:e,forceBake:t},{value:n}){let{name:r,template:i,maxAgeDays:a}=e,o=t?performance.timeOrigin:void 0;return{checksum:n,template:i.name,imageName:r,maxAgeDays:a,newerThan:o}}function de(){let e,t=[];async function n(t,n){e={checksum:t,settings:n},await fe(t),(0,external_summary_js_namespaceObject.a)({ami_config_checksum:t.value,last_ami_id:``})}function r(e,n){t=e.map(external_summary_js_namespaceObject.t),(0,external_runner_js_namespaceObject.O)(t),n&&(0,external_summary_js_namespaceObject.a)({last_ami_id:n})}async function i(t,n){let r=e?.settings.region??``;await s(t.how===`skipped`?Z():me(t,r,n),[])}async function o(e){let t=(0,external_summary_js_namespaceObject.u)(e);(0,external_runner_js_namespaceObject.E)(t);try{(0,external_summary_js_namespaceObject.a)({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.O)((0,external_runner_js_namespaceObject.k)(e))}await s([[`Result`,`failed`]],ve((0,external_runner_js_namespaceObject.k)(t)))}async function s(n,r){let i=e?ge(e.checksum,e.settings):[],a=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_summary_js_namespaceObject.r)([...n,...i,a],[r,(0,external_runner_js_namespaceObject.s)(),t])}return{checksum:n,miss:r,outcome:i,failure:o}}async function fe({value:e,files:t,ingredients:n}){if(await (0,external_runner_js_namespaceObject.D)(`Definition: ${Q(t,`file`)}`,()=>pe(t)),n.length>0){let e=n.map(({kind:e,title:t,digest:n})=>`${n}  ${e}: ${(0,external_runner_js_namespaceObject.T)(t)}`);await (0,external_runner_js_namespaceObject.D)(`Further ingredients: ${n.length}`,()=>(0,external_runner_js_namespaceObject.O)(e))}let r=n.length>0?` and ${Q(n,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.O)(`Checksum ${e} of ${Q(t,`file`)}${r}`)}async function pe(e){for(let t=0;t<e.length;t+=500)(0,external_runner_js_namespaceObject.O)(e.slice(t,t+500).map(({digest:e,path:t})=>`${e}  ${(0,external_yaml_js_namespaceObject.u)(t)}`)),await (0,external_runner_js_namespaceObject.x)(external_runner_js_namespaceObject.S,(0,external_runner_js_namespaceObject.j)())}function me(e,t,n){try{return he(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function he(e,t,n){let{how:r,image:i,ids:a}=e,o=(0,external_runner_js_namespaceObject.T)(i.name);(0,external_runner_js_namespaceObject.O)(`${r===`hit`?`Hit`:`Baked`}: ${i.id} (${o}, ${i.creationDate}) in ${t}`),(0,external_summary_js_namespaceObject.l)(n,`{"ami_id": "${i.id}"}`),(0,external_summary_js_namespaceObject.a)({ami_ids:JSON.stringify(Object.fromEntries(a)),ami_name:i.name,ami_creation_date:i.creationDate,cache_hit:String(r===`hit`),ami_id:i.id});let s=[...a].filter(([e])=>e!==t);s.length>0&&(0,external_runner_js_namespaceObject.O)(`Copies: ${s.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let c=s.map(([t,n])=>[t,`<code>${n}</code> ${e.copied?.has(t)?`copied`:r}`]);return[[`Image`,`<code>${i.id}</code> ${(0,external_summary_js_namespaceObject.n)(o)}`],[`Result`,r],...c]}function Z(){return (0,external_runner_js_namespaceObject.O)(`No image found; skipped because on-miss is skip.`),(0,external_summary_js_namespaceObject.a)({ami_id:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function ge(e,{region:t,template:n}){return[[`Region`,t],[`Template`,(0,external_summary_js_namespaceObject.n)((0,external_runner_js_namespaceObject.T)(n.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,_e(e)]]}function _e(e){let t=[...(0,external_look_up_js_namespaceObject.u)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,i=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${i})`}function ve(e){return e.split(`
`).slice(0,50).map(external_runner_js_namespaceObject.T)}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=de();(0,external_run_js_namespaceObject.t)({main:()=>oe($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;