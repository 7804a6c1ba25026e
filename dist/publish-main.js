/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 5:
/***/ ((module) => {

module.exports = require("./parameters.js");

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
// ESM COMPAT FLAG
__nccwpck_require__.r(__webpack_exports__);

// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  main: () => (/* binding */ Fe)
});

;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./signature.js"
const external_signature_js_namespaceObject = require("./signature.js");
;// CONCATENATED MODULE: external "./record.js"
const external_record_js_namespaceObject = require("./record.js");
;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: ./.tools/bundle/publish-main.js
const J=[`ami-id`,`images`,`images-file`,`ami-config-checksum`,`aws-region`,`regions`,`share-with`,`ssm-parameter`,`tags`,`resolved`];async function se(){(0,external_runner_js_namespaceObject.m)(J);let e=await ce(),t=(0,external_signature_js_namespaceObject.a)(`ssm-parameter`,`ssm-parameter`);if(t&&e.kind===`names`&&e.names.length>1)throw Error(`ssm-parameter: ${t} can't hold the ids of ${e.names.length} images. Specify it in the images file, or one image alone.`);return{subject:e,regions:(0,external_signature_js_namespaceObject.a)(`regions`,`regions`),shareWith:(0,external_signature_js_namespaceObject.a)(`share-with`,`share-with`),ssmParameter:t,tags:(0,external_signature_js_namespaceObject.a)(`tags`,`tags`)}}async function ce(){let[e,t,r]=[(0,external_signature_js_namespaceObject.r)(`ami-id`),(0,external_runner_js_namespaceObject.h)(`images`),(0,external_signature_js_namespaceObject.n)()];if(e!==void 0&&t!==``)throw Error(`images: ami-id is specified too. Specify one of the two.`);if(e!==void 0)return{kind:`id`,id:e,region:(0,external_signature_js_namespaceObject.i)(),checksum:r};if(t===``)throw Error(`ami-id: neither ami-id nor images is specified. Specify one of the two.`);if(r!==void 0)throw Error(`ami-config-checksum: it is allowed with ami-id alone. With images it is computed.`);let i=await (0,external_look_up_js_namespaceObject.d)();return{kind:`names`,file:i,names:le(t,i),resolved:(0,external_look_up_js_namespaceObject.B)((0,external_runner_js_namespaceObject.h)(`resolved`))}}function le(e,t){if(e===`all`)return t.names;let n=new Set((0,external_look_up_js_namespaceObject.y)(e,/[,\n]/));for(let e of n)(0,external_look_up_js_namespaceObject.u)(t,e,`images`);return t.names.filter(e=>n.has(e))}async function ue(e,{id:t,checksum:n}){let[r]=await (0,external_look_up_js_namespaceObject.vt)(e,{Owners:[`self`],Filters:[{Name:`image-id`,Values:[t]}],IncludeDisabled:!0});if(!r)throw await de(e,t);let i=fe(r);if(i!==void 0)throw Error(`ami-id: ${t} in ${e.region} ${i}`);let a=(0,external_look_up_js_namespaceObject.lt)(r)?.checksum??``;if(n===void 0||n===a)return{ec2:e,image:r,checksum:a};throw Error(`ami-config-checksum: ${t} has the checksum ${a}, not ${n}. Specify the outputs of the same bake.`)}async function de(e,t){let n=await (0,external_look_up_js_namespaceObject._t)(e,t);return n&&n.state!==`deregistered`?/* @__PURE__ */ Error(`ami-id: ${t} in ${e.region} is an image of account ${n.owner}. Publish an image of the account of the credentials.`):/* @__PURE__ */ Error(`ami-id: there is no image ${t} in ${e.region}. Check the id, aws-region, and the account of the credentials.`)}function fe(n){let{state:r,tags:o}=n;if(r===`pending`)return`is pending. Wait until it is available.`;if(r!==`available`)return`is ${r}. Bake another one.`;let s=o.get(external_look_up_js_namespaceObject.Dt);if(s)return`is a copy of ${(0,external_runner_js_namespaceObject.M)(s)}. Publish that one, in its own region.`;let c=(0,external_look_up_js_namespaceObject.X)(n);if(c!==void 0)return`is a backup of an instance (tag ${(0,external_runner_js_namespaceObject.M)(c)}).`;let u=o.get(external_look_up_js_namespaceObject.Ct),d=(0,external_look_up_js_namespaceObject.lt)(n)?.name;if(d===`failed`)return`comes from a failed bake. Bake another one.`;if((0,external_look_up_js_namespaceObject.at)(n))return`is ${(0,external_look_up_js_namespaceObject.it)(n)}. Restore it first, or bake another one.`;if(u===void 0)return`has no tag ${external_look_up_js_namespaceObject.Ct}: this action did not bake it, or did not finish it.`;if(d===void 0)return`has the tag ${external_look_up_js_namespaceObject.Ct}=${(0,external_runner_js_namespaceObject.M)(u)}, which is not a checksum.`;if((0,external_look_up_js_namespaceObject.$)(n,Date.now()))return`has been due for deletion since ${o.get(external_look_up_js_namespaceObject.At)}. Empty its tag ${external_look_up_js_namespaceObject.At} first, or bake another one.`}async function pe({ec2:e,image:t}){let n=t.tags.get(external_look_up_js_namespaceObject.kt),r=n?await (0,external_look_up_js_namespaceObject._t)(e,n):void 0;if(!r)return;let i=(0,external_look_up_js_namespaceObject.lt)(r)?.name??`untagged`;if(i===`published`&&!(0,external_look_up_js_namespaceObject.at)(r))return;let a=(0,external_look_up_js_namespaceObject.at)(r)?(0,external_look_up_js_namespaceObject.it)(r):i,o=i===`candidate`?`Publish the parent first.`:`Bake it again from another one.`;throw Error(`${t.id} was baked from ${r.id}, whose state is ${a}, not published. ${o}`)}async function me(e){for(let{label:t,outcome:n}of e)n.kind===`missing`&&(0,external_runner_js_namespaceObject.L)(`${t} is not published: ${n.message} Bake it first.`);let t=e.flatMap(({label:e,outcome:t})=>t.kind===`published`?[{label:e,...t.published}]:[]);(0,external_look_up_js_namespaceObject.c)({ami_ids:JSON.stringify(Object.fromEntries(t.map(({label:e,images:t})=>[e,he(t)]))),published:JSON.stringify(t.filter(ge).map(({label:e})=>e)),record:_e(t)}),await (0,external_look_up_js_namespaceObject.s)([`Image`,`AMI`,`Tag before`,`Result`],e.map(ve))}function he(e){return Object.fromEntries(e.map(({ec2:e,image:t})=>[e.region,t.id]))}function ge({warnings:e,problems:t}){return e.length===0&&t.length===0}function _e(e){let t=(0,external_record_js_namespaceObject.t)(`publish`,e.at(0)?.images.at(0)?.image.owner);for(let{label:n,changed:r}of e)for(let e of r)t.add(e,`Published as ${n}`);return t.text()}function ve({label:e,outcome:t}){if(t.kind===`missing`)return[(0,external_look_up_js_namespaceObject.a)(e),`–`,`–`,Y(`not published: ${t.message}`)];let[n,r]=[Y(ye(t)),t.image?.image];if(!r)return[(0,external_look_up_js_namespaceObject.a)(e),`–`,`–`,n];let i=`<code>${Y(r.tags.get(`ami_config_checksum`)??``)}</code>`;return[(0,external_look_up_js_namespaceObject.a)(e),`<code>${r.id}</code>`,i,n]}function ye(e){if(e.kind===`failed`)return`failed: ${e.message}`;let{images:t,changed:n,others:r,warnings:i,problems:a}=e.published,o=t.map(({ec2:e})=>e.region).join(`, `);return[`${n.length>0?`published`:`was published before`} in ${o}`,...r.length>0?[`not in share-with, but may launch it: ${r.join(`, `)}`]:[],...i,...a].join(`. `)}function Y(e){return (0,external_look_up_js_namespaceObject.a)((0,external_runner_js_namespaceObject.M)((0,external_look_up_js_namespaceObject.i)(e)))}function be(e){let t=e.flatMap(e=>{let t=xe(e);return t===``?[]:[{...e,reasons:t}]}),[n]=t;if(!n)return;if(e.length===1)throw Error(Se(n));let r=t.map(({label:e,reasons:t})=>`${e}: ${t}`).join(`
`),i=`Could not publish ${t.length} of ${e.length} images. The others are not affected.`;throw Error(`${i}\n${r}\nRun it again to finish.`)}function xe({outcome:e}){return e.kind===`missing`?``:e.kind===`failed`?e.message:e.published.problems.join(`
`)}function Se({label:e,outcome:t,reasons:n}){return J.some(e=>n.startsWith(`${e}: `))?n:t.kind===`failed`?`Could not publish ${e}: ${n}`:`${e} is published, but not everything is as specified: ${n}`}async function Ce(e,t){if(t.length===0)return{changed:[],others:[]};let{settled:n,failures:r}=await X(e,e=>(0,external_miss_js_namespaceObject.a)(e,t));if(r.length>0)throw Error(r.join(`
`));return{changed:n.flatMap(({one:e,result:t})=>t.added.length>0?[e]:[]),others:[...new Set(n.flatMap(({result:e})=>e.others))].sort()}}const we=(0,external_miss_js_namespaceObject.s)(5);async function Te(e,t){if(t===void 0)return{moved:[],warnings:[],problems:[]};let{setParameter:n}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 5, 23)).then(e=>e.t),[r,i=``]=[(0,external_runner_js_namespaceObject.K)(),e.at(0)?.image.id],{settled:a,failures:o}=await X(e,({ec2:e,image:i})=>we(()=>n({ec2:e,name:t,imageId:i.id,run:r}))),s=a.flatMap(({one:e,result:n})=>n.how===`refused`?[Ee(n,{region:e.ec2.region,name:t,source:i})]:[]),c=Number(r?.attempt??1)>1;return{moved:a.flatMap(({one:e,result:t})=>t.how===`written`?[e]:[]),warnings:c?[]:s,problems:[...o,...c?s:[]]}}function Ee({imageId:e,laterRun:t},{region:n,name:r,source:i}){return`ssm-parameter: ${r} in ${n} stays at ${e}, ${t?`which the later run ${t} has set`:`to which it was changed at the same time`}. ${`To go back on purpose, publish ${i} in a new run, or revoke ${e}.`}`}async function X(e,t){let n=await Promise.allSettled(e.map(async e=>({one:e,result:await t(e)})));return external_runner_js_namespaceObject.A.throwIfAborted(),{settled:n.flatMap(e=>e.status===`fulfilled`?[e.value]:[]),failures:n.flatMap(e=>e.status===`rejected`?[(0,external_runner_js_namespaceObject.I)((0,external_look_up_js_namespaceObject.k)(e.reason))]:[])}}async function De(e,t){let{checksum:n}=e;await pe(e);let r=await Ae(e,t.destinations),a=t.destinations.filter(({ec2:e})=>!r.some(t=>t.ec2===e)),o=await (0,external_miss_js_namespaceObject.x)(e,a,{checksum:n,tags:t.tags,shareWith:t.shareWith}),s=e.image.tags.get(external_look_up_js_namespaceObject.Ct)===n,c=[...r,...o],l=[e,...c],u=await Ce(l,t.shareWith);(!s||o.length>0)&&await (0,external_miss_js_namespaceObject.C)({source:e,copies:c,checksum:n});let d=l.filter(e=>!e.image.tags.get(external_look_up_js_namespaceObject.jt)),{moved:f,...p}=await Oe(l,d,t),m=/* @__PURE__ */ new Set([...d,...o,...u.changed,...f]);return{images:l,changed:await ke(l.filter(e=>m.has(e))),others:u.others,...p}}async function Oe(e,t,{by:n,ssmParameter:r}){let{failures:i}=await X(t,({ec2:e,image:t})=>(0,external_miss_js_namespaceObject.w)(e,t.id,/* @__PURE__ */ new Map([[external_look_up_js_namespaceObject.jt,n]])));return i.length>0?{moved:[],warnings:[],problems:i}:await Te(e,r)}async function ke(e){return await (0,external_look_up_js_namespaceObject.ht)(e).catch((0,external_runner_js_namespaceObject.j)(`The record lacks the new tags.`))??e}async function Ae({image:e,checksum:t},n){let r=n.map(async({ec2:n})=>{let r=(await (0,external_look_up_js_namespaceObject.W)(n,t)).filter(t=>(0,external_look_up_js_namespaceObject.yt)(t,e.id)).filter(e=>!(0,external_look_up_js_namespaceObject.nt)(e)).sort(external_look_up_js_namespaceObject.mt).at(-1);return r?[{ec2:n,image:r}]:[]});return(await Promise.all(r)).flat()}async function Z(e,t,n){let{regions:r,...i}=n,a=r.filter(({name:e})=>e!==t.ec2.region).map(external_miss_js_namespaceObject.S);try{let n=await De(t,{...i,destinations:a,by:(0,external_signature_js_namespaceObject.t)()});(0,external_runner_js_namespaceObject.F)(`${e}: ${t.image.id} is published.`);for(let t of n.warnings)(0,external_runner_js_namespaceObject.B)(`${e}: ${t}`);for(let t of n.problems)(0,external_runner_js_namespaceObject.F)(`${e}: ${t}`);return{label:e,outcome:{kind:`published`,image:t,published:n}}}catch(n){return{label:e,outcome:{kind:`failed`,image:t,message:Q(e,n)}}}}function Q(e,t){external_runner_js_namespaceObject.A.throwIfAborted();let n=(0,external_runner_js_namespaceObject.I)((0,external_look_up_js_namespaceObject.k)(t));return (0,external_runner_js_namespaceObject.F)(`${e} is not published. ${n}`),n}async function $(e,t){let n=await Me(e);je(n,t);let r=/* @__PURE__ */ new Map;function i(e,t){let n=r.get(e)??a(e,t);return r.set(e,n),n}async function a(e,r){let{parent:a=``}=r.settings,o=n.get(a);return o&&await i(a,o),await Ne(e,r,t)}return await Promise.all([...n].map(([e,t])=>i(e,t)))}function je(e,t){let n=/* @__PURE__ */ new Map;for(let[r,i]of e){let{ssmParameter:e,region:a,regions:o}=i.settings,s=t.ssmParameter??e;for(let e of s?[a,...(t.regions??o).map(({name:e})=>e)]:[]){let[t,a]=n.get(`${e} ${s}`)??[r,i];if(a.checksum.value!==i.checksum.value)throw Error(`ssm-parameter: ${s} in ${e} can't hold both ${t} and ${r}. Name one parameter for each.`);n.set(`${e} ${s}`,[r,i])}}}async function Me({file:e,names:t,resolved:n}){let{define:r}=(0,external_look_up_js_namespaceObject.w)(e,(0,external_look_up_js_namespaceObject.z)(n));return await (0,external_runner_js_namespaceObject.P)(`Checksums: ${t.length} images`,async()=>{let e=/* @__PURE__ */ new Map;for(let n of t)e.set(n,await r(n));return (0,external_runner_js_namespaceObject.F)([...e].map(([e,{checksum:t}])=>`${t.value}  ${e} (files: ${t.files.length})`)),e})}async function Ne(e,t,n){let{settings:i,checksum:a}=t,c=(0,external_look_up_js_namespaceObject.Ht)(i.region,external_runner_js_namespaceObject.A),l=await (0,external_look_up_js_namespaceObject.K)(c,{...(0,external_look_up_js_namespaceObject.C)(t),candidate:!0}).catch(t=>({message:Q(e,t)}));return`message`in l?{label:e,outcome:{kind:`failed`,message:l.message}}:l.found?await Z(e,{ec2:c,image:l.found.image,checksum:a.value},{regions:n.regions??i.regions,tags:n.tags??i.tags,shareWith:n.shareWith??i.shareWith,ssmParameter:n.ssmParameter??i.ssmParameter}):{label:e,outcome:{kind:`missing`,message:Pe(t,l)}}}function Pe({settings:e,checksum:t},{choice:n}){let r=n.block?`Its definition is revoked: ${n.block.id}.`:n.skips.at(0)?.message??``;return`No image in ${e.region} has the checksum ${t.value}. ${r}`.trim()}async function Fe(){(0,external_runner_js_namespaceObject.S)();let e=await Ie(await se());await me(e),be(e)}async function Ie(e){let{subject:t,regions:n=[],tags:r=/* @__PURE__ */ new Map,shareWith:i=[],ssmParameter:a}=e;if(t.kind===`names`)return await $(t,e);let s=await ue((0,external_look_up_js_namespaceObject.Ht)(t.region,external_runner_js_namespaceObject.A),t);return[await Z(t.id,s,{regions:n,tags:r,shareWith:i,ssmParameter:a})]}
module.exports = __webpack_exports__;
/******/ })()
;