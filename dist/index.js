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
const I=[`bake`,`skip`,`fail`],L=[[`packer-template`,`PACKER_JSON_PATH`],[`ami-definition-dirs`,`AMI_DEFINITION_DIRS`],[`aws-region`,`AWS_REGION`,`AWS_DEFAULT_REGION`],[`aws-subnet-id`,`AWS_SUBNET_ID`],[`packer-vars`],[`packer-var-files`],[`packer-only`],[`base-ami`],[`extra-ingredients`],[`strict`],[`regions`],[`max-age-days`],[`tags`],[`working-directory`],[`output-file`]],R=[`image`,`images-file`,`resolved`,`on-miss`,`force-bake`,`wait-for-other-bakes`,`github-token`],z=[...L.map(([e])=>e),...R];async function B(){(0,external_runner_js_namespaceObject.u)(z);let e=(0,external_runner_js_namespaceObject.d)(`image`);return e===``?V():await U(e)}function V(){let e=H(),t={name:void 0,parent:void 0,prefix:e=>`${e}: `,advice:J};return{outputFile:e,read:()=>W((0,external_yaml_js_namespaceObject.r)(G(K),t),t.prefix,e)}}function H(){let e=(0,external_runner_js_namespaceObject.d)(`output-file`);if(e)return (0,external_runner_js_namespaceObject.I)(e);let t=K(`packer-template`,`PACKER_JSON_PATH`);if(!t)throw Error(`packer-template: is required. ${J(`packer-template`)}`);let n=(0,external_runner_js_namespaceObject.I)(t);return external_node_path_default().join(ie(n)?n:external_node_path_default().dirname(n),`.ami_id.json`)}async function U(e){let t=await (0,external_summary_js_namespaceObject.s)();(0,external_summary_js_namespaceObject.o)(t,e,`image`);let n=G(e=>q(e)),r=(0,external_runner_js_namespaceObject.I)((0,external_runner_js_namespaceObject.d)(`output-file`)||t.settings(e).outputFile),i=r=>(0,external_yaml_js_namespaceObject.i)(n.get(r)??``)?`${r}: `:t.prefix(e,r);return{outputFile:r,read:()=>W(t.settingsWith(e,n),i,r)}}function W(e,t,n){let r={settings:e,prefix:t,resolved:(0,external_summary_js_namespaceObject.h)((0,external_runner_js_namespaceObject.d)(`resolved`)),onMiss:(0,external_runner_js_namespaceObject.f)(`on-miss`,I),forceBake:Y(`force-bake`,`strict`)??!1,waitForOtherBakes:Y(`wait-for-other-bakes`,`max-age-days`)??60,githubToken:(0,external_runner_js_namespaceObject.d)(`github-token`)||void 0};return X(n),r}function G(e){return new Map(L.map(([t,...n])=>[t,e(t,...n)]))}function K(e,...t){return q(e)||(t.map(external_runner_js_namespaceObject.P).find(e=>e!==void 0)??``)}function q(e){return (0,external_runner_js_namespaceObject.d)(e,{keepBlanks:e===`packer-vars`||e===`tags`})}function J(e){let[,...t]=L.find(([t])=>t===e)??[e];return`Specify it under "with:"${t.length>0?`, or set ${t.join(` or `)} in the environment`:``}.`}function Y(e,t){try{return (0,external_yaml_js_namespaceObject.n)(t,(0,external_runner_js_namespaceObject.d)(e))}catch(t){throw Error(`${e}: ${(0,external_runner_js_namespaceObject.A)(t)}`,{cause:t})}}function X(e){let t=external_node_path_default().dirname(e);try{external_node_fs_default().accessSync(t,(external_node_fs_default()).constants.W_OK|(external_node_fs_default()).constants.X_OK)}catch(e){let n=`output-file: ${t} is not a writable directory (${(0,external_runner_js_namespaceObject.A)(e)}). Specify another path.`;throw Error(n,{cause:e})}}function ie(e){try{return external_node_fs_default().statSync(e).isDirectory()}catch{return!1}}async function ae(e){(0,external_runner_js_namespaceObject.v)();let{outputFile:t,read:n}=await B();(0,external_summary_js_namespaceObject.c)(t);let r=n();try{await oe(r,t,e)}catch(e){throw (0,external_summary_js_namespaceObject.u)(e,r.prefix)}}async function oe(e,r,i){let{settings:o,prefix:s,resolved:c,forceBake:l}=e,u=(0,external_look_up_js_namespaceObject.J)(o.region,external_runner_js_namespaceObject.C),d=await (0,external_summary_js_namespaceObject.f)(o,(0,external_summary_js_namespaceObject.m)(c));(0,external_summary_js_namespaceObject.p)(o,d,s),await i.checksum(d,o);let f=l?performance.timeOrigin:void 0,p={...(0,external_summary_js_namespaceObject.d)(o,d),newerThan:f},m=await (0,external_look_up_js_namespaceObject.f)(u,o.regions,p);if(m&&se(m,o))return await i.outcome(m,r);let{completeImage:h}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 229, 23));await i.outcome(await h(m,{ec2:u,inputs:e,checksum:d,lookUp:p,report:i}),r)}function se({ids:e},{regions:t}){return t.every(({name:t})=>e.has(t))}function ce(){let e,t=[];async function n(t,n){e={checksum:t,settings:n},await Z(t),(0,external_summary_js_namespaceObject.a)({ami_config_checksum:t.value,last_ami_id:``})}function r(e,n){t=e.map(external_summary_js_namespaceObject.t),(0,external_runner_js_namespaceObject.k)(t),n&&(0,external_summary_js_namespaceObject.a)({last_ami_id:n})}async function a(t,n){let r=e?.settings.region??``;await c(t.how===`skipped`?fe():ue(t,r,n),[])}async function s(e){let t=(0,external_summary_js_namespaceObject.u)(e);(0,external_runner_js_namespaceObject.D)(t);try{(0,external_summary_js_namespaceObject.a)({cache_hit:`false`})}catch(e){(0,external_runner_js_namespaceObject.k)((0,external_runner_js_namespaceObject.A)(e))}await c([[`Result`,`failed`]],he((0,external_runner_js_namespaceObject.A)(t)))}async function c(n,r){let i=e?pe(e.checksum,e.settings):[],a=[`Time`,(0,external_runner_js_namespaceObject.c)(process.uptime())];await (0,external_summary_js_namespaceObject.r)([...n,...i,a],[r,(0,external_runner_js_namespaceObject.s)(),t])}return{checksum:n,miss:r,outcome:a,failure:s}}async function Z({value:e,files:t,ingredients:n}){if(await (0,external_runner_js_namespaceObject.O)(`Definition: ${Q(t,`file`)}`,()=>le(t)),n.length>0){let e=n.map(({kind:e,title:t,digest:n})=>`${n}  ${e}: ${(0,external_runner_js_namespaceObject.E)(t)}`);await (0,external_runner_js_namespaceObject.O)(`Further ingredients: ${n.length}`,()=>(0,external_runner_js_namespaceObject.k)(e))}let r=n.length>0?` and ${Q(n,`further ingredient`)}`:``;(0,external_runner_js_namespaceObject.k)(`Checksum ${e} of ${Q(t,`file`)}${r}`)}async function le(e){for(let t=0;t<e.length;t+=500)(0,external_runner_js_namespaceObject.k)(e.slice(t,t+500).map(({digest:e,path:t})=>`${e}  ${(0,external_yaml_js_namespaceObject.u)(t)}`)),await (0,external_runner_js_namespaceObject.S)(external_runner_js_namespaceObject.C,(0,external_runner_js_namespaceObject.M)())}function ue(e,t,n){try{return de(e,t,n)}catch(e){throw external_node_fs_default().rmSync(n,{force:!0}),e}}function de(e,t,n){let{how:r,image:i,ids:a}=e,o=(0,external_runner_js_namespaceObject.E)(i.name);(0,external_runner_js_namespaceObject.k)(`${r===`hit`?`Hit`:`Baked`}: ${i.id} (${o}, ${i.creationDate}) in ${t}`),(0,external_summary_js_namespaceObject.l)(n,`{"ami_id": "${i.id}"}`),(0,external_summary_js_namespaceObject.a)({ami_ids:JSON.stringify(Object.fromEntries(a)),ami_name:i.name,ami_creation_date:i.creationDate,cache_hit:String(r===`hit`),ami_id:i.id});let c=[...a].filter(([e])=>e!==t);c.length>0&&(0,external_runner_js_namespaceObject.k)(`Copies: ${c.map(([e,t])=>`${t} in ${e}`).join(`, `)}`);let l=c.map(([t,n])=>[t,`<code>${n}</code> ${e.copied?.has(t)?`copied`:r}`]);return[[`Image`,`<code>${i.id}</code> ${(0,external_summary_js_namespaceObject.n)(o)}`],[`Result`,r],...l]}function fe(){return (0,external_runner_js_namespaceObject.k)(`No image found; skipped because on-miss is skip.`),(0,external_summary_js_namespaceObject.a)({ami_id:``,cache_hit:`false`}),[[`Result`,`a miss, not baked`]]}function pe(e,{region:t,template:n}){return[[`Region`,t],[`Template`,(0,external_summary_js_namespaceObject.n)((0,external_runner_js_namespaceObject.E)(n.name))],[`Checksum`,`<code>${e.value}</code>`],[`Ingredients`,me(e)]]}function me(e){let t=[...(0,external_look_up_js_namespaceObject.u)(e)].map(([e,t])=>`<code>${e}=${t}</code>`),{baseImage:n}=e.options,i=n?`, baked from <code>${n}</code>`:``;return`${t.join(` `)} (${Q(e.files,`file`)}${i})`}function he(e){return e.split(`
`).slice(0,50).map(external_runner_js_namespaceObject.E)}function Q(e,t){return e.length===1?`1 ${t}`:`${e.length} ${t}s`}const $=ce();(0,external_run_js_namespaceObject.t)({main:()=>ae($),onFailure:$.failure});
module.exports = __webpack_exports__;
/******/ })()
;