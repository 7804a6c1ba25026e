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
  main: () => (/* binding */ Me)
});

;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./record.js"
const external_record_js_namespaceObject = require("./record.js");
;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./signature.js"
const external_signature_js_namespaceObject = require("./signature.js");
;// CONCATENATED MODULE: ./.tools/bundle/publish-main.js
const J=[`ami-id`,`images`,`images-file`,`ami-config-checksum`,`aws-region`,`regions`,`share-with`,`ssm-parameter`,`tags`,`resolved`];async function oe(){(0,external_runner_js_namespaceObject.m)(J);let e=await se(),t=(0,external_look_up_js_namespaceObject.g)(`ssm-parameter`,`ssm-parameter`);if(t&&e.kind===`names`&&e.names.length>1)throw Error(`ssm-parameter: ${t} can't hold the ids of ${e.names.length} images. Specify it in the images file, or one image alone.`);return{subject:e,regions:(0,external_look_up_js_namespaceObject.g)(`regions`,`regions`),shareWith:(0,external_look_up_js_namespaceObject.g)(`share-with`,`share-with`),ssmParameter:t,tags:(0,external_look_up_js_namespaceObject.g)(`tags`,`tags`)}}async function se(){let[e,t,n]=[(0,external_look_up_js_namespaceObject.m)(`ami-id`),(0,external_runner_js_namespaceObject.h)(`images`),(0,external_look_up_js_namespaceObject.p)()];if(e!==void 0&&t!==``)throw Error(`images: ami-id is specified too. Specify one of the two.`);if(e!==void 0)return{kind:`id`,id:e,region:(0,external_look_up_js_namespaceObject.h)(),checksum:n};if(t===``)throw Error(`ami-id: neither ami-id nor images is specified. Specify one of the two.`);if(n!==void 0)throw Error(`ami-config-checksum: it is allowed with ami-id alone. With images it is computed.`);let r=await (0,external_look_up_js_namespaceObject.d)();return{kind:`names`,file:r,names:t===`all`?r.names:(0,external_look_up_js_namespaceObject.f)(r,t),resolved:(0,external_look_up_js_namespaceObject.q)((0,external_runner_js_namespaceObject.h)(`resolved`))}}async function ce(e,{id:t,checksum:n}){let[r]=await (0,external_look_up_js_namespaceObject.Tt)(e,{Owners:[`self`],Filters:[{Name:`image-id`,Values:[t]}],IncludeDisabled:!0});if(!r)throw await le(e,t);let i=ue(r);if(i!==void 0)throw Error(`ami-id: ${t} in ${e.region} ${i}`);let a=(0,external_look_up_js_namespaceObject.gt)(r)?.checksum??``;if(n===void 0||n===a)return{ec2:e,image:r,checksum:a};throw Error(`ami-config-checksum: ${t} has the checksum ${a}, not ${n}. Specify the outputs of the same bake.`)}async function le(e,t){let n=await (0,external_look_up_js_namespaceObject.wt)(e,t);return n&&n.state!==`deregistered`?/* @__PURE__ */ Error(`ami-id: ${t} in ${e.region} is an image of account ${n.owner}. Publish an image of the account of the credentials.`):/* @__PURE__ */ Error(`ami-id: there is no image ${t} in ${e.region}. Check the id, aws-region, and the account of the credentials.`)}function ue(e){let{state:n,tags:r}=e;if(n===`pending`)return`is pending. Wait until it is available.`;if(n!==`available`)return`is ${n}. Bake another one.`;let i=r.get(external_look_up_js_namespaceObject.Pt);if(i)return`is a copy of ${(0,external_runner_js_namespaceObject.N)(i)}. Publish that one, in its own region.`;let a=(0,external_look_up_js_namespaceObject.rt)(e);if(a!==void 0)return`is a backup of an instance (tag ${(0,external_runner_js_namespaceObject.N)(a)}).`;let s=r.get(external_look_up_js_namespaceObject.At),c=(0,external_look_up_js_namespaceObject.gt)(e)?.name;if(c===`failed`)return`comes from a failed bake. Bake another one.`;if((0,external_look_up_js_namespaceObject.ft)(e))return`is ${(0,external_look_up_js_namespaceObject.dt)(e)}. Restore it first, or bake another one.`;if(s===void 0)return`has no tag ${external_look_up_js_namespaceObject.At}: this action did not bake it, or did not finish it.`;if(c===void 0)return`has the tag ${external_look_up_js_namespaceObject.At}=${(0,external_runner_js_namespaceObject.N)(s)}, which is not a checksum.`;if((0,external_look_up_js_namespaceObject.ot)(e,Date.now()))return`has been due for deletion since ${r.get(external_look_up_js_namespaceObject.Lt)}. Empty its tag ${external_look_up_js_namespaceObject.Lt} first, or bake another one.`}async function de({ec2:e,image:t}){let n=t.tags.get(external_look_up_js_namespaceObject.It),r=n?await (0,external_look_up_js_namespaceObject.wt)(e,n):void 0;if(!r)return;let a=(0,external_look_up_js_namespaceObject.gt)(r)?.name??`untagged`;if(a===`published`&&!(0,external_look_up_js_namespaceObject.ft)(r))return;let o=(0,external_look_up_js_namespaceObject.ft)(r)?(0,external_look_up_js_namespaceObject.dt)(r):a,s=a===`candidate`?`Publish the parent first.`:`Bake it again from another one.`;throw Error(`${t.id} was baked from ${r.id}, whose state is ${o}, not published. ${s}`)}async function fe(e){for(let{label:t,outcome:n}of e)n.kind===`missing`&&(0,external_runner_js_namespaceObject.R)(`${t} is not published: ${n.message} Bake it first.`);let t=e.flatMap(({label:e,outcome:t})=>t.kind===`published`?[{label:e,...t.published}]:[]);(0,external_look_up_js_namespaceObject.c)({ami_ids:JSON.stringify(Object.fromEntries(t.map(({label:e,images:t})=>[e,pe(t)]))),published:JSON.stringify(t.filter(me).map(({label:e})=>e)),record:he(t)}),await (0,external_look_up_js_namespaceObject.s)([`Image`,`AMI`,`Tag before`,`Result`],e.map(ge))}function pe(e){return Object.fromEntries(e.map(({ec2:e,image:t})=>[e.region,t.id]))}function me({warnings:e,problems:t}){return e.length===0&&t.length===0}function he(e){let t=(0,external_record_js_namespaceObject.t)(`publish`,e.at(0)?.images.at(0)?.image.owner);for(let{label:n,changed:r}of e)for(let e of r)t.add(e,`Published as ${n}`);return t.text()}function ge({label:e,outcome:t}){if(t.kind===`missing`)return[(0,external_look_up_js_namespaceObject.a)(e),`–`,`–`,Y(`not published: ${t.message}`)];let[n,r]=[Y(_e(t)),t.image?.image];if(!r)return[(0,external_look_up_js_namespaceObject.a)(e),`–`,`–`,n];let i=`<code>${Y(r.tags.get(`ami_config_checksum`)??``)}</code>`;return[(0,external_look_up_js_namespaceObject.a)(e),`<code>${r.id}</code>`,i,n]}function _e(e){if(e.kind===`failed`)return`failed: ${e.message}`;let{images:t,changed:n,others:r,warnings:i,problems:a}=e.published,o=t.map(({ec2:e})=>e.region).join(`, `);return[`${n.length>0?`published`:`was published before`} in ${o}`,...r.length>0?[`not in share-with, but may launch it: ${r.join(`, `)}`]:[],...i,...a].join(`. `)}function Y(e){return (0,external_look_up_js_namespaceObject.a)((0,external_runner_js_namespaceObject.N)((0,external_look_up_js_namespaceObject.i)(e)))}function ve(e){let t=e.flatMap(e=>{let t=ye(e);return t===``?[]:[{...e,reasons:t}]}),[n]=t;if(!n)return;if(e.length===1)throw Error(be(n));let r=t.map(({label:e,reasons:t})=>`${e}: ${t}`).join(`
`),i=`Could not publish ${t.length} of ${e.length} images. The others are not affected.`;throw Error(`${i}\n${r}\nRun it again to finish.`)}function ye({outcome:e}){return e.kind===`missing`?``:e.kind===`failed`?e.message:e.published.problems.join(`
`)}function be({label:e,outcome:t,reasons:n}){return J.some(e=>n.startsWith(`${e}: `))?n:t.kind===`failed`?`Could not publish ${e}: ${n}`:`${e} is published, but not everything is as specified: ${n}`}async function xe(e,t){if(t.length===0)return{changed:[],others:[]};let{settled:n,failures:r}=await X(e,e=>(0,external_miss_js_namespaceObject.a)(e,t));if(r.length>0)throw Error(r.join(`
`));return{changed:n.flatMap(({one:e,result:t})=>t.added.length>0?[e]:[]),others:[...new Set(n.flatMap(({result:e})=>e.others))].sort()}}const Se=(0,external_miss_js_namespaceObject.s)(5);async function Ce(e,t){if(t===void 0)return{moved:[],warnings:[],problems:[]};let{setParameter:n}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 5, 23)).then(e=>e.t),[r,i=``]=[(0,external_runner_js_namespaceObject.q)(),e.at(0)?.image.id],{settled:a,failures:o}=await X(e,({ec2:e,image:i})=>Se(()=>n({ec2:e,name:t,imageId:i.id,run:r}))),s=a.flatMap(({one:e,result:n})=>n.how===`refused`?[we(n,{region:e.ec2.region,name:t,source:i})]:[]),c=Number(r?.attempt??1)>1;return{moved:a.flatMap(({one:e,result:t})=>t.how===`written`?[e]:[]),warnings:c?[]:s,problems:[...o,...c?s:[]]}}function we({imageId:e,laterRun:t},{region:n,name:r,source:i}){return`ssm-parameter: ${r} in ${n} stays at ${e}, ${t?`which the later run ${t} has set`:`to which it was changed at the same time`}. ${`To go back on purpose, publish ${i} in a new run, or revoke ${e}.`}`}async function X(e,t){let n=await Promise.allSettled(e.map(async e=>({one:e,result:await t(e)})));return external_runner_js_namespaceObject.j.throwIfAborted(),{settled:n.flatMap(e=>e.status===`fulfilled`?[e.value]:[]),failures:n.flatMap(e=>e.status===`rejected`?[(0,external_runner_js_namespaceObject.L)((0,external_look_up_js_namespaceObject.I)(e.reason))]:[])}}async function Te(e,n){let{checksum:r}=e;await de(e);let i=await Oe(e,n.destinations),a=n.destinations.filter(({ec2:e})=>!i.some(t=>t.ec2===e)),o=await (0,external_miss_js_namespaceObject.x)(e,a,{checksum:r,tags:n.tags,shareWith:n.shareWith}),s=e.image.tags.get(external_look_up_js_namespaceObject.At)===r,c=[...i,...o],l=[e,...c],d=await xe(l,n.shareWith);(!s||o.length>0)&&await (0,external_miss_js_namespaceObject.C)({source:e,copies:c,checksum:r});let f=l.filter(e=>!e.image.tags.get(external_look_up_js_namespaceObject.Rt)),{moved:p,...m}=await Ee(l,f,n),h=/* @__PURE__ */ new Set([...f,...o,...d.changed,...p]);return{images:l,changed:await De(l.filter(e=>h.has(e))),others:d.others,...m}}async function Ee(e,t,{by:n,ssmParameter:r}){let{failures:i}=await X(t,({ec2:e,image:t})=>(0,external_miss_js_namespaceObject.w)(e,t.id,/* @__PURE__ */ new Map([[external_look_up_js_namespaceObject.Rt,n]])));return i.length>0?{moved:[],warnings:[],problems:i}:await Ce(e,r)}async function De(e){return await (0,external_look_up_js_namespaceObject.St)(e).catch((0,external_runner_js_namespaceObject.M)(`The record lacks the new tags.`))??e}async function Oe({image:e,checksum:t},r){let i=r.map(async({ec2:r})=>{let i=(await (0,external_look_up_js_namespaceObject.Z)(r,t)).filter(t=>(0,external_look_up_js_namespaceObject.Et)(t,e.id)).filter(e=>!(0,external_look_up_js_namespaceObject.lt)(e)).sort(external_look_up_js_namespaceObject.xt).at(-1);return i?[{ec2:r,image:i}]:[]});return(await Promise.all(i)).flat()}async function Z(e,t,n){let{regions:r,...i}=n,a=r.filter(({name:e})=>e!==t.ec2.region).map(external_miss_js_namespaceObject.S);try{let n=await Te(t,{...i,destinations:a,by:(0,external_signature_js_namespaceObject.t)()});(0,external_runner_js_namespaceObject.I)(`${e}: ${t.image.id} is published.`);for(let t of n.warnings)(0,external_runner_js_namespaceObject.V)(`${e}: ${t}`);for(let t of n.problems)(0,external_runner_js_namespaceObject.I)(`${e}: ${t}`);return{label:e,outcome:{kind:`published`,image:t,published:n}}}catch(n){return{label:e,outcome:{kind:`failed`,image:t,message:Q(e,n)}}}}function Q(e,t){external_runner_js_namespaceObject.j.throwIfAborted();let n=(0,external_runner_js_namespaceObject.L)((0,external_look_up_js_namespaceObject.I)(t));return (0,external_runner_js_namespaceObject.I)(`${e} is not published. ${n}`),n}async function ke(e,t){let{file:n,names:r,resolved:i}=e,o=await (0,external_look_up_js_namespaceObject.M)(n,r,(0,external_look_up_js_namespaceObject.K)(i)),l=new Map(o.map(e=>[(0,external_look_up_js_namespaceObject.P)(e),e]));Ae(l,t);let u=/* @__PURE__ */ new Map;function d(e,t){let n=u.get(e)??f(e,t);return u.set(e,n),n}async function f(e,n){let{parent:r=``}=n.settings,i=l.get(r);return i&&await d(r,i),await $(e,n,t)}return await Promise.all([...l].map(([e,t])=>d(e,t)))}function Ae(e,t){let n=/* @__PURE__ */ new Map;for(let[r,i]of e){let{ssmParameter:e,region:a,regions:o}=i.settings,s=t.ssmParameter??e;for(let e of s?[a,...(t.regions??o).map(({name:e})=>e)]:[]){let[t,a]=n.get(`${e} ${s}`)??[r,i];if(a.checksum.value!==i.checksum.value)throw Error(`ssm-parameter: ${s} in ${e} can't hold both ${t} and ${r}. Name one parameter for each.`);n.set(`${e} ${s}`,[r,i])}}}async function $(t,n,r){let{settings:i,checksum:a}=n,o=(0,external_look_up_js_namespaceObject.Yt)(i.region,external_runner_js_namespaceObject.j),s=await (0,external_look_up_js_namespaceObject.$)(o,{...(0,external_look_up_js_namespaceObject.k)(n),candidate:!0}).catch(e=>({message:Q(t,e)}));return`message`in s?{label:t,outcome:{kind:`failed`,message:s.message}}:s.found?await Z(t,{ec2:o,image:s.found.image,checksum:a.value},{regions:r.regions??i.regions,tags:r.tags??i.tags,shareWith:r.shareWith??i.shareWith,ssmParameter:r.ssmParameter??i.ssmParameter}):{label:t,outcome:{kind:`missing`,message:je(n,s)}}}function je({settings:e,checksum:t},{choice:n}){let r=n.block?`Its definition is revoked: ${n.block.id}.`:n.skips.at(0)?.message??``;return`No image in ${e.region} has the checksum ${t.value}. ${r}`.trim()}async function Me(){(0,external_runner_js_namespaceObject.S)();let e=await Ne(await oe());await fe(e),ve(e)}async function Ne(e){let{subject:t,regions:n=[],tags:r=/* @__PURE__ */ new Map,shareWith:i=[],ssmParameter:a}=e;if(t.kind===`names`)return await ke(t,e);let o=await ce((0,external_look_up_js_namespaceObject.Yt)(t.region,external_runner_js_namespaceObject.j),t);return[await Z(t.id,o,{regions:n,tags:r,shareWith:i,ssmParameter:a})]}
module.exports = __webpack_exports__;
/******/ })()
;