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
const L=[`bake`,`skip`,`fail`],R=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`candidate`],[`regions`],[`max-age-days`],[`tags`],[`working-directory`],[`output-file`]],z=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],B=[...R.map(([e])=>e),...z];async function V(){(0,external_runner_js_namespaceObject.u)(B);let e=(0,external_runner_js_namespaceObject.d)(`image`);return e===``?H():await W(e)}function H(){let e=U(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:Y};return{outputFile:e,read:()=>G({settings:(0,external_yaml_js_namespaceObject.r)(K(q),t),file:void 0,prefix:t.prefix},e)}}function U(){let e=(0,external_runner_js_namespaceObject.d)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.I)(e);let t=q(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${Y(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.I)(t);return external_node_path_default().join(se(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}async function W(e){let t=await (0,external_summary_js_namespaceObject.s)();(0,external_summary_js_namespaceObject.o)(t,e,`image`);let n=K(e=>J(e)),r=(0,external_runner_js_namespaceObject.I)((0,external_runner_js_namespaceObject.d)(`output-file`)||t.settings(e).outputFile),i=r=>(0,external_yaml_js_namespaceObject.i)(n.get(r)??``)?`${r}: `:t.prefix(e,r);return{outputFile:r,read:()=>G({settings:t.settingsWith(e,n),file:t,prefix:i},r)}}function G(e,t){let n={...e,resolved:(0,external_summary_js_namespaceObject.v)((0,external_runner_js_namespaceObject.d)(`resolved`)),onMiss:(0,external_runner_js_namespaceObject.f)(`on-miss`,L),forceBake:X(`force-bake`,`strict`)??!1,waitForOtherBakes:X(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.d)(`github-token`)||void 0};return oe(t),n}function K(e){return new Map(R.map(([t,...n])=>[t,e(t,...n)]))}function q(e,...t){return J(e)||(t.map(external_runner_js_namespaceObject.P).find(e=>e!==void 0)??``)}function J(e){return (0,external_runner_js_namespaceObject.d)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function Y(e){let[,...t]=R.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function X(e,t){try{return (0,external_yaml_js_namespaceObject.n)(t,(0,external_runner_js_namespaceObject.d)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.A)(t)}`,{cause:t})}}function oe(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.A)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function se(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function ce(e){(0,external_runner_js_namespaceObject.v)();let{outputFile:t,read:n}=await V();(0,external_summary_js_namespaceObject.c)(t);let r=n();try{await le(r,t,e)}catch(e){throw (0,external_summary_js_namespaceObject.g)(e,r.prefix)}}async function le(e,r,i){let{settings:o,prefix:s,forceBake:c}=e,l=(0,external_look_up_js_namespaceObject.rt)(o.region,external_runner_js_namespaceObject.C),u=await ue(e);(0,external_summary_js_namespaceObject.h)(u,s),await i.definition(u);let d=c?performance.timeOrigin:void 0,f={...(0,external_summary_js_namespaceObject.u)(u),newerThan:d},p=await (0,external_look_up_js_namespaceObject.f)(l,o.regions,f),{found:m}=p;if(m&&de(m,o))return await i.outcome(m,r);let{completeImage:h}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await i.outcome(await h(p,{ec2:l,inputs:e,image:u,lookUp:f,report:i}),r)}async function ue({settings:e,file:t,resolved:n}){let r=(0,external_summary_js_namespaceObject._)(n),{parent:i}=e,a=i!==void 0&&t?await (0,external_summary_js_namespaceObject.d)(t,r).define(i):void 0;return await (0,external_summary_js_namespaceObject.f)(e,a,r)}function de({ids:e},{regions:t,candidate:n}){return n||t.every(({name:t})=>e.has(t))}function fe(){let e,t=[],n=[];async function r(t){e=t;for(let e of (0,external_summary_js_namespaceObject.p)(t))await pe(e);(0,external_summary_js_namespaceObject.a)({ami_config_checksum:t.checksum.value,last_ami_id:``})}function a(e,t,r){n.push([`Parent ${(0,external_summary_js_namespaceObject.n)((0,external_summary_js_namespaceObject.m)(e))}`,`<code>${t}</code> ${r}`])}function s(e,n){t=e.map(external_summary_js_namespaceObject.t),(0,external_runner_js_namespaceObject.k)(t),n&&(0,external_summary_js_namespaceObject.a)({last_ami_id:n})}async function c(t,n){let r=e?.settings.region??``;await u(t.how===`skipped`?ge():he(t,r,n),[])}async function l(e){let t=(0,external_summary_js_namespaceObject.g)(e);(0,external_runner_js_namespaceObject.D)(t);try{(0,external_summary_js_namespaceObject.a)({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.k)((0,external_runner_js_namespaceObject.A)(e))}await u([[`Result`,`failed`]],ye((0,external_runner_js_namespaceObject.A)(t)))}async function u(r,i){let a=e?[...n,..._e(e)]:[],o=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_summary_js_namespaceObject.r)([...r,...a,o],[i,(0,external_runner_js_namespaceObject.s)(),t])}return{definition:r,parent:a,miss:s,outcome:c,failure:l}}async function pe({settings:e,checksum:t}){let{value:n,files:r,ingredients:i}=t,a=e.name===void 0?``:` of ${e.name}`;if(await (0,external_runner_js_namespaceObject.O)(`Definition${a}: ${Q(r,`file`)}`,()=>me(r)),i.length>0){let e=i.map(({kind:e,title:t,digest:n})=>`${n}  ${e}: ${(0,external_runner_js_namespaceObject.E)(t)}`);await (0,external_runner_js_namespaceObject.O)(`Further ingredients${a}: ${i.length}`,()=>(0,external_runner_js_namespaceObject.k)(e))}let o=i.length>0?` and ${Q(i,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.k)(`Checksum ${n}${a} of ${Q(r,`file`)}${o}`)}async function me(e){for(let t=0;t<e.length;t+=500)(0,external_runner_js_namespaceObject.k)(e.slice(t,t+500).map(({digest:e,path:t})=>`${e}  ${(0,external_yaml_js_namespaceObject.u)(t)}`)),await (0,external_runner_js_namespaceObject.S)(external_runner_js_namespaceObject.C,(0,external_runner_js_namespaceObject.M)())}function he(e,t,n){try{return Z(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function Z(e,t,n){let{how:r,state:i,image:a,ids:o}=e,c=(0,external_runner_js_namespaceObject.E)(a.name),l=i===`candidate`?`, a candidate that is not published yet`:``;(0,external_runner_js_namespaceObject.k)(`${r===`hit`?`Hit`:`Baked`}: ${a.id} (${c}, ${a.creationDate}) in ${t}${l}`),(0,external_summary_js_namespaceObject.l)(n,`{"ami_id": "${a.id}"}`),(0,external_summary_js_namespaceObject.a)({ami_ids:JSON.stringify(Object.fromEntries(o)),ami_name:a.name,ami_creation_date:a.creationDate,state:i,cache_hit:String(r===`hit`),ami_id:a.id});let u=[...o].filter(([e])=>e!==t);u.length>0&&(0,external_runner_js_namespaceObject.k)(`Copies: ${u.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let d=u.map(([t,n])=>[t,`<code>${n}</code> ${e.copied?.has(t)?`copied`:r}`]);return[[`Image`,`<code>${a.id}</code> ${(0,external_summary_js_namespaceObject.n)(c)}`],[`Result`,i===`candidate`?`${r} (candidate, not published)`:r],...d]}function ge(){return (0,external_runner_js_namespaceObject.k)(`No image found; skipped because on-miss is skip.`),(0,external_summary_js_namespaceObject.a)({ami_id:``,state:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function _e({checksum:e,settings:t}){let{region:n,template:r}=t;return[[`Region`,n],[`Template`,(0,external_summary_js_namespaceObject.n)((0,external_runner_js_namespaceObject.E)(r.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,ve(e)]]}function ve(e){let t=[...(0,external_look_up_js_namespaceObject.u)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,i=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${i})`}function ye(e){return e.split(`
`).slice(0,50).map(external_runner_js_namespaceObject.E)}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=fe();(0,external_run_js_namespaceObject.t)({main:()=>ce($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;