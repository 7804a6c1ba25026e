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
// ESM COMPAT FLAG
__nccwpck_require__.r(__webpack_exports__);

// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  main: () => (/* binding */ gt)
});

;// CONCATENATED MODULE: external "./look-up.js"
const external_look_up_js_namespaceObject = require("./look-up.js");
;// CONCATENATED MODULE: external "./miss.js"
const external_miss_js_namespaceObject = require("./miss.js");
;// CONCATENATED MODULE: external "./runner.js"
const external_runner_js_namespaceObject = require("./runner.js");
;// CONCATENATED MODULE: external "./record.js"
const external_record_js_namespaceObject = require("./record.js");
;// CONCATENATED MODULE: external "./signature.js"
const external_signature_js_namespaceObject = require("./signature.js");
// EXTERNAL MODULE: external "./parameters.js"
var external_parameters_js_ = __nccwpck_require__(5);
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_namespaceObject);
;// CONCATENATED MODULE: ./.tools/bundle/revoke-main.js
function be(e,t,n){if(n===void 0)return/* @__PURE__ */ new Map;let r=e.find(({images:e})=>e.some(({image:e})=>e.id===n));if(!r)throw Error(`roll-back-to: none of the account's images in these regions is ${n}. Check the id and regions.`);if(t.some(e=>e.unit===r))throw Error(`roll-back-to: ${n} would be revoked itself. Specify another image.`);let i=r.images.filter(({image:e})=>(0,external_parameters_js_.i)(e)).sort((e,t)=>(0,external_look_up_js_namespaceObject.xt)(e.image,t.image));if(i.length>0)return new Map(i.map(({ec2:e,image:t})=>[e.region,t.id]));throw Error(`roll-back-to: ${n} is not available, published and unrevoked. Specify an image that is.`)}const B={rolledBack:{},problems:[]};async function V(e,{names:t,problem:r},i,a=`change`){let o=r===void 0?[]:[r];if(t.length===0)return{rolledBack:{},problems:o};let s=[...Map.groupBy(e,({ec2:e})=>e)].flatMap(([e,n])=>t.map(t=>({ec2:e,name:t,members:n}))),c=await (0,external_miss_js_namespaceObject.c)(s,10,e=>xe(e,i,a));external_runner_js_namespaceObject.j.throwIfAborted();let l={},u=[...o];for(let[e,t]of c.entries()){let{name:r,ec2:i}=s[e]??{name:``};t.status===`rejected`?u.push((0,external_runner_js_namespaceObject.L)((0,external_look_up_js_namespaceObject.I)(t.reason))):i&&t.value&&(l[r]={...l[r],[i.region]:t.value})}for(let e of u)(0,external_runner_js_namespaceObject.I)(e);return{rolledBack:l,problems:u}}async function xe({ec2:e,name:t,members:n},r,i){external_runner_js_namespaceObject.j.throwIfAborted();let{previewRollBack:a,rollBackParameter:o}=await Promise.resolve(/* import() */).then(__nccwpck_require__.t.bind(__nccwpck_require__, 5, 23)).then(e=>e.n),s=r.get(e.region),c={ec2:e,name:t,revoked:new Set(n.map(({image:e})=>e.id)),to:s,run:(0,external_runner_js_namespaceObject.q)()};if(i===`preview`)return(await a(c))?.to;let l=await o(c);return l&&r.size>0&&!s&&(0,external_runner_js_namespaceObject.V)(`roll-back-to: it has no copy in ${e.region}. ${t} is rolled back to ${l.to} of its history there.`),l?.to}async function H(e,t){let n=await (0,external_miss_js_namespaceObject.c)(e,10,async e=>{external_runner_js_namespaceObject.j.throwIfAborted(),await t(e)});external_runner_js_namespaceObject.j.throwIfAborted();let r=e.flatMap((e,t)=>{let r=n[t];return r?.status===`rejected`?[{image:e,message:(0,external_runner_js_namespaceObject.L)(r.reason)}]:[]});for(let{image:e,message:t}of r)(0,external_runner_js_namespaceObject.I)(`${U(e)} is not finished: ${t}`);return{done:e.filter((e,t)=>n[t]?.status===`fulfilled`),failures:r}}function U({ec2:e,image:t}){return`${t.id} in ${e.region}`}const W=12e4;function Se({unit:n,reason:i},a,o){return n.images.filter(({image:e})=>(0,external_look_up_js_namespaceObject.gt)(e)?.name!==`failed`&&Ce.has(e.state)).map(({ec2:n,image:s})=>{let l=s.tags.get(external_look_up_js_namespaceObject.Vt),u=new Map(l?[]:[[external_look_up_js_namespaceObject.Vt,i],[external_look_up_js_namespaceObject.Bt,o]]),d=s.state===`available`&&we(s),f=Te((0,external_look_up_js_namespaceObject.gt)(s),l&&l!==i?void 0:a),p=d&&!s.tags.get(`ami_bakery_deprecation_before`),m=new Map([...f===void 0||f===s.tags.get(`ami_config_checksum`)?[]:[[external_look_up_js_namespaceObject.At,f]],...p?[[external_look_up_js_namespaceObject.Mt,s.deprecationTime??`none`]]:[]]);return{ec2:n,image:s,reason:l||i,as:a,objection:u,hidden:m,isToBeDeprecated:d}})}const Ce=/* @__PURE__ */ new Set([`available`,`pending`,`transient`,`disabled`]);function we({deprecationTime:e}){return e===void 0||Date.parse(e)>Date.now()+W+6e4}function Te(e,t){if(e&&(e.name!==`blocked`&&e.name!==`once`||t!==void 0))return t===`once`?(0,external_look_up_js_namespaceObject._t)(e.former):(0,external_look_up_js_namespaceObject.vt)(e.former)}async function Ee(t){return await H(t,async({ec2:t,image:n,objection:r,hidden:i})=>{try{await G(t,n,r)}catch(r){let a=i.get(external_look_up_js_namespaceObject.At);throw (0,external_look_up_js_namespaceObject.en)(r)===`TagLimitExceeded`&&a!==void 0&&await G(t,n,/* @__PURE__ */ new Map([[external_look_up_js_namespaceObject.At,a]])),r}})}async function De(e){return await H(e,({ec2:e,image:t,hidden:n})=>G(e,t,n))}async function G(e,{id:t},n){n.size>0&&await (0,external_miss_js_namespaceObject.w)(e,t,n)}async function Oe(e){return await H(e,async({ec2:e,image:t,isToBeDeprecated:n})=>{n&&await (0,external_miss_js_namespaceObject.E)(e,t.id,new Date(Date.now()+W))})}async function ke(e){let t=Map.groupBy(e,({ec2:e})=>e),n=e.flatMap(({image:e})=>(0,external_look_up_js_namespaceObject.gt)(e)??[]),r=[...new Set(n.map(({former:e})=>e))],i=[...t].map(async([e,t])=>{try{return await Ae(e,t,r),[]}catch(n){e.signal?.throwIfAborted();let r=`Could not check that EC2 no longer finds it by its checksum. ${(0,external_runner_js_namespaceObject.L)(n)}`;return t.map(e=>({image:e,message:r}))}});return(await Promise.all(i)).flat()}async function Ae(e,t,n){let r=new Map(t.map(e=>[e.image.id,e])),i=[];if(await (0,external_look_up_js_namespaceObject.Zt)(e,30,async()=>{let t=(0,external_look_up_js_namespaceObject.X)(n,190).map(t=>je(e,t));i=(await Promise.all(t)).flat().filter(({id:e})=>r.has(e));for(let t of i)await Me({ec2:e,image:t},r.get(t.id));return i.length===0||void 0}))return;let a=i.map(t=>U({ec2:e,image:t})).join(`, `);(0,external_runner_js_namespaceObject.V)(`After 30 s EC2 still finds ${a} by the former tag, although it has the new one.`)}async function je(t,n){let r=[{Name:`tag:${external_look_up_js_namespaceObject.At}`,Values:[...n]}];return await (0,external_look_up_js_namespaceObject.Tt)(t,{Owners:[`self`],Filters:r})}async function Me({ec2:t,image:n},r){let i=(0,external_look_up_js_namespaceObject.gt)(n);if(i?.name!==`published`&&i?.name!==`candidate`)return;let a=r?.as===`once`?(0,external_look_up_js_namespaceObject._t)(i.former):(0,external_look_up_js_namespaceObject.vt)(i.former);(0,external_runner_js_namespaceObject.I)(`${U({ec2:t,image:n})} has the checksum ${i.former} again: setting ${external_look_up_js_namespaceObject.At} to ${a}.`),await (0,external_miss_js_namespaceObject.w)(t,n.id,/* @__PURE__ */ new Map([[external_look_up_js_namespaceObject.At,a]]))}async function Ne(e){let t=[],n=Ie(e);for(let e of[Re,ze,q]){let r=[];for(let[i,a]of n.entries()){if(e===q&&i===Fe&&t.length>0)continue;let n=await H(a,e);t.push(...n.failures),r.push(n.done)}n=r}let r=await H(n.flat(),Pe);return{done:r.done,failures:[...t,...r.failures]}}async function Pe({ec2:e,image:t}){let n=await (0,external_look_up_js_namespaceObject.wt)(e,t.id);if(n&&(0,external_look_up_js_namespaceObject.ft)(n))throw Error(`another run has revoked it again meanwhile.`)}const Fe=2;function Ie(e){let t=t=>e.filter(e=>e.role===t).map(({unit:e})=>e),n=t(`specified`).flatMap(({images:e})=>e.map((e,t)=>({one:e,isFirst:t===0})));return[t(`descendant`).flatMap(({images:e})=>e),n.filter(({isFirst:e})=>!e).map(({one:e})=>e),n.filter(({isFirst:e})=>e).map(({one:e})=>e)]}function Le({image:e}){return (0,external_look_up_js_namespaceObject.ft)(e)||K.some(t=>e.tags.get(t))}const K=[external_look_up_js_namespaceObject.Vt,external_look_up_js_namespaceObject.Bt,external_look_up_js_namespaceObject.Mt];async function Re({ec2:t,image:n}){let r=(0,external_look_up_js_namespaceObject.gt)(n);(r?.name===`blocked`||r?.name===`once`)&&await (0,external_miss_js_namespaceObject.w)(t,n.id,/* @__PURE__ */ new Map([[external_look_up_js_namespaceObject.At,r.former]]))}async function ze({ec2:e,image:t}){let n=t.tags.get(external_look_up_js_namespaceObject.Mt);if(!n)return;if(n===`none`)return await (0,external_miss_js_namespaceObject.T)(e,t.id);let i=new Date(n);i.getTime()>Date.now()&&await (0,external_miss_js_namespaceObject.E)(e,t.id,i)}async function q({ec2:e,image:t}){let n=K.filter(e=>t.tags.get(e));n.length>0&&await (0,external_miss_js_namespaceObject.w)(e,t.id,new Map(n.map(e=>[e,``])))}async function Be(e,t){let{targets:n}=e;if(t.kind===`revoke`)return await Ve(e,t);let r=n.flatMap(({unit:e,reason:t})=>e.images.filter(Le).map(e=>({...e,reason:t}))),{done:i,failures:a}=await Ne(n);return{done:i,failures:a,record:J(`Restored`,r,a),rollBacks:B}}async function Ve({targets:e,destinations:t},{as:n,parameters:r}){let i=(0,external_signature_js_namespaceObject.t)(),a=e.flatMap(e=>Se(e,n,i)),o=await Ee(a),s=await V(a,r,t),c=await De(o.done),l=await Oe(c.done),u=await ke(c.done),d=[o,c,l].flatMap(({failures:e})=>e).concat(u);return{done:l.done.filter(e=>!u.some(({image:t})=>t===e)),failures:d,record:J(`Revoked`,a.filter(He),d),rollBacks:s}}function He({objection:e,hidden:t,isToBeDeprecated:n}){return e.size>0||t.size>0||n}function J(e,t,n){let r=(0,external_record_js_namespaceObject.t)(`revoke`,t.at(0)?.image.owner);for(let i of t){let t=n.find(({image:e})=>e.image.id===i.image.id);r.add(i,`${e}${t?`, but not finished`:``}: ${i.reason}`)}return r.text()}async function Ue(){let e=(0,external_look_up_js_namespaceObject.T)((0,external_runner_js_namespaceObject.h)(`ssm-parameter`),/[,\n]/).map(We),{names:t,problem:n}=await Ge();return{names:[.../* @__PURE__ */ new Set([...e,...t])],problem:n}}function We(e){try{return (0,external_look_up_js_namespaceObject.b)(`ssm-parameter`,e)??e}catch(e){throw Error(`ssm-parameter: ${(0,external_runner_js_namespaceObject.L)(e)}`,{cause:e})}}async function Ge(){if(!external_node_fs_default().existsSync((0,external_runner_js_namespaceObject.G)(`ami-bakery.yml`)))return{names:[],problem:void 0};try{let e=await (0,external_look_up_js_namespaceObject.d)();return{names:e.names.flatMap(t=>e.settings(t).ssmParameter??[]),problem:void 0}}catch(e){return{names:[],problem:`ssm-parameter: the parameters of the images file are not rolled back. ${(0,external_runner_js_namespaceObject.L)(e)}`}}}const Ke=[`ami-id`,`ami-config-checksum`,`reason`,`aws-region`,`regions`,`descendants`,`rebake`,`ssm-parameter`,`roll-back-to`,`max-images`,`dry-run`,`restore`];async function qe(){return (0,external_runner_js_namespaceObject.m)(Ke),{subject:Je(),task:await Ye(),region:(0,external_look_up_js_namespaceObject.h)(),regions:Ze(),descendants:(0,external_look_up_js_namespaceObject.g)(`descendants`,`strict`)??!0?`include`:`leave`,dryRun:(0,external_look_up_js_namespaceObject.g)(`dry-run`,`strict`)??!1}}function Je(){let[e,t]=[(0,external_look_up_js_namespaceObject.m)(`ami-id`),(0,external_look_up_js_namespaceObject.p)()];if(e!==void 0&&t!==void 0)throw Error(`ami-id: ami-config-checksum is specified too. Specify one of the two.`);if(e!==void 0)return{id:e};if(t!==void 0)return{checksum:t};throw Error(`ami-id: neither ami-id nor ami-config-checksum is specified. Specify one of the two.`)}async function Ye(){let[e,t]=[(0,external_look_up_js_namespaceObject.g)(`restore`,`strict`)??!1,(0,external_look_up_js_namespaceObject.g)(`rebake`,`strict`)??!1],[n,r]=[Qe(),(0,external_look_up_js_namespaceObject.m)(`roll-back-to`)];if(e)return{kind:`restore`};let i=t?`once`:`blocked`;return{kind:`revoke`,reason:Xe(),as:i,maxImages:n,parameters:await Ue(),rollBackTo:r}}function Xe(){let e=(0,external_runner_js_namespaceObject.h)(`reason`);if(e===``)throw Error(`reason: is required. Say in one line why the image must not be used.`);if((0,external_runner_js_namespaceObject.N)(e)!==e)throw Error(`reason: ${JSON.stringify(e)} has line breaks or control characters. Write one line of text.`);if(e.length<=256)return e;throw Error(`reason: it has ${e.length} characters, but the value of a tag has at most 256. Shorten it.`)}function Ze(){return (0,external_look_up_js_namespaceObject.g)(`regions`,`regions`)?.map(({name:e})=>e)}function Qe(){let e=(0,external_runner_js_namespaceObject.h)(`max-images`)||`20`;if(/^[1-9]\d*$/.test(e))return Number(e);throw Error(`max-images: ${JSON.stringify(e)} is not a whole number above 0. Specify one like 20.`)}function $e({targets:t,untagged:n},{task:r,regions:i,dryRun:a}){let o=t.flatMap(({unit:e,role:t,reason:n})=>e.images.map(r=>{let i=r.image.id===e.id?t:`copy of ${e.id}`;return`${U(r)}: ${Y(r)}, ${X(r)} (${i}). ${(0,external_runner_js_namespaceObject.N)(n)}`})),s=n.map(t=>`${U(t)} is made of one of them, but has no tag ${external_look_up_js_namespaceObject.At}: left as it is.`);return[...o,...s,`Images in other accounts that are made of these are not seen.`,...i?[`Only ${i.join(`, `)} and aws-region are searched.`]:[],...a?[`dry-run: nothing is changed. Without it these would be ${r.kind}d.`]:[]].map(external_look_up_js_namespaceObject.i)}function Y({image:t}){let n=t.tags.get(external_look_up_js_namespaceObject.At);return n===void 0?t.state:(0,external_runner_js_namespaceObject.N)(n)}function X({image:e}){return (0,external_runner_js_namespaceObject.N)(e.tags.get(`ami_bakery_image_name`)??e.tags.get(`ami_bakery_template`)??e.name)}async function et(e,{task:t,dryRun:n}){let{changes:r,usage:i,replacement:a}=e,o=[...new Set([...i.references.values()].flat())].sort();for(let[e,t]of i.references)t.length>0&&(0,external_runner_js_namespaceObject.I)((0,external_look_up_js_namespaceObject.i)(`${e} is still used by ${t.map(external_runner_js_namespaceObject.N).join(`, `)}.`));t.kind===`revoke`&&r.done.length>0&&await tt(r.done),a&&(0,external_runner_js_namespaceObject.I)(`The newest published image to use instead is ${a.id}.`),t.kind===`restore`&&!n&&r.record===``&&(0,external_runner_js_namespaceObject.R)(`The images are not revoked: nothing was restored.`),(0,external_look_up_js_namespaceObject.c)({revoked:JSON.stringify(t.kind===`revoke`?nt(r.done):{}),rolled_back:JSON.stringify(r.rollBacks.rolledBack),still_used_by:JSON.stringify(o),replacement:a?.id??``,record:r.record}),await (0,external_look_up_js_namespaceObject.s)([`Image`,`Region`,`Name`,`Tag before`,`Result`,`Still used by`],rt(e,t))}async function tt(e){await (0,external_runner_js_namespaceObject.F)(`Commands that go further`,()=>(0,external_runner_js_namespaceObject.I)([`To prevent all launches of the images (their launch permissions are lost):`,...e.map(({ec2:e,image:t})=>external_miss_js_namespaceObject.D.disableImage(e.region,t.id)),`To deregister them (they can't be restored):`,...e.map(({ec2:e,image:t})=>external_miss_js_namespaceObject.D.image(e.region,t.id))]))}function nt(e){let t=Map.groupBy(e,({ec2:e})=>e.region);return Object.fromEntries([...t].map(([e,t])=>[e,t.map(({image:e})=>e.id)]))}function rt({found:e,changes:t,usage:n},r){return e.targets.flatMap(e=>e.unit.images.map(i=>[`<code>${i.image.id}</code>`,i.ec2.region,(0,external_look_up_js_namespaceObject.a)((0,external_look_up_js_namespaceObject.i)(X(i))),`<code>${(0,external_look_up_js_namespaceObject.a)(Y(i))}</code>`,(0,external_look_up_js_namespaceObject.a)(it({target:e,one:i},t,r)),(0,external_look_up_js_namespaceObject.a)((0,external_look_up_js_namespaceObject.i)(at(i.image.id,n)))||`–`]))}function it({target:e,one:t},{done:n,failures:r},i){let{image:a}=t,o=a.id===e.unit.id?e.role:`copy of ${e.unit.id}`;return r.some(e=>e.image.image.id===a.id)?`not finished (${o})`:`${n.some(e=>e.image.id===a.id)?`${i.kind}d`:`unchanged`} (${o}): ${(0,external_look_up_js_namespaceObject.i)((0,external_runner_js_namespaceObject.N)(e.reason))}`}function at(e,{references:t,unseen:n}){let r=t.get(e)?.map(e=>(0,external_runner_js_namespaceObject.N)(e.replace(/^arn:[^:]*:/,``)))??[`not known`],i=n.get(e);return[...r,...i?[`${i.join(`, `)}: not seen`]:[]].join(`, `)}function ot({failures:e,rollBacks:t},{kind:n}){let r=e.map(({image:e,message:t})=>`${U(e)}: ${t}`),i=[...r,...t.problems].map(external_look_up_js_namespaceObject.i);if(i.length===0)return;let a=r.length>0?`Could not ${n} every image. The others are ${n}d.`:`The images are ${n}d, but not every parameter is rolled back.`;throw Error(`${a} These are left:\n${i.slice(0,20).join(`
`)}\nRun it again to finish them.`)}async function st(e){let t=e.at(0)?.unit.images.at(0);if(!t)return;let{ec2:n,image:r}=t,[a,o,c]=[external_look_up_js_namespaceObject.Ut,external_look_up_js_namespaceObject.Nt,external_look_up_js_namespaceObject.zt].map(e=>r.tags.get(e));if(a===void 0)return;let l=new Set(e.flatMap(({unit:e})=>e.images.map(e=>e.image.id)));try{return await (0,external_look_up_js_namespaceObject.n)(n,{template:a,imageName:o,repository:c,except:l})}catch(e){n.signal?.throwIfAborted(),(0,external_runner_js_namespaceObject.R)(`Could not look for an image to use instead. ${(0,external_runner_js_namespaceObject.L)(e)}`);return}}function ct(e,{subject:t,descendants:n},r){let i=lt(e,t),a=i.map(e=>({unit:e,role:`specified`,reason:Z(e)??r??``}));if(n===`leave`)return{targets:a,untagged:[]};let o=new Set(i),s=/* @__PURE__ */ new Set;for(let t of a.slice())for(let n of (0,external_miss_js_namespaceObject.n)(e,[t.unit]).filter(e=>!o.has(e))){let e=(0,external_miss_js_namespaceObject.i)(n);if(e===void 0)for(let e of n.images)s.add(e);e!==void 0&&e.name!==`failed`&&(r!==void 0||Z(n)===t.reason)&&(o.add(n),a.push({unit:n,role:`descendant`,reason:Z(n)??t.reason}))}return{targets:a,untagged:[...s]}}function Z({images:e}){return e.map(({image:e})=>e.tags.get(external_look_up_js_namespaceObject.Vt)).find(Boolean)}function lt(e,t){if(`id`in t)return[ut(e,t.id)];let{checksum:n}=t,r=e.filter(e=>(0,external_miss_js_namespaceObject.i)(e)?.checksum===n),i=r.filter(e=>(0,external_miss_js_namespaceObject.i)(e)?.name!==`failed`);if(i.length>0)return i;let a=r.length>0?`only images of failed bakes have`:`no image has`;throw Error(`ami-config-checksum: ${a} the checksum ${n} in these regions. There is nothing to revoke. Check it, and specify ami-id for one image.`)}function ut(e,t){let n=e.flatMap(e=>e.images.map(t=>({unit:e,found:t}))).find(({found:e})=>e.image.id===t);if(!n)throw new Q(t);let{unit:r,found:i}=n,a=ft(i);if(a===void 0)return r;let o=r.id===t?``:` It is a copy of ${r.id}: specify that one.`;throw Error(`ami-id: ${t} in ${i.ec2.region} ${a}${o}`)}var Q=class extends Error{};const dt=[`available`,`disabled`];function ft({image:t}){if(t.state===`pending`)return`is pending. Wait until it is available, and run this again.`;if(!dt.includes(t.state))return`is ${t.state}: it can't be launched and is never used. Nothing needs to be done.`;let n=t.tags.get(external_look_up_js_namespaceObject.At),r=(0,external_look_up_js_namespaceObject.gt)(t);if(r?.name===`failed`)return`comes from a failed bake or copy: it is never used. Nothing needs to be done.`;if(!r)return n===void 0?`has no tag ${external_look_up_js_namespaceObject.At}: this action did not bake it, or did not finish it.`:`has the tag ${external_look_up_js_namespaceObject.At}=${(0,external_runner_js_namespaceObject.N)(n)}, which is not a checksum of this action. Correct the tag.`}async function $(e){let[t,n]=await Promise.all([pt(e),mt(e)]);if(n.size>0){let e=[...new Set([...n.values()].flat())].join(`, `);(0,external_runner_js_namespaceObject.R)(`${n.size} of the images can be launched by ${e}. What they use can't be seen from this account.`)}return{references:t,unseen:n}}async function pt(e){let t=[...Map.groupBy(e,({ec2:e})=>e)].map(([e,t])=>(0,external_miss_js_namespaceObject.o)(e,t.map(({image:e})=>e.id))),n=(await Promise.all(t)).flatMap(e=>[...e]),r=n.find(([,{status:e}])=>e===`rejected`)?.[1];return r?.status===`rejected`&&(0,external_runner_js_namespaceObject.R)(`What still uses the images is not known completely. ${(0,external_runner_js_namespaceObject.L)(r.reason)}`),new Map(n.flatMap(([e,t])=>t.status===`fulfilled`?[[e,t.value]]:[]))}async function mt(e){let t=await (0,external_miss_js_namespaceObject.c)(e,10,({ec2:e,image:t})=>(0,external_miss_js_namespaceObject.O)(e,t.id));external_runner_js_namespaceObject.j.throwIfAborted();let n=t.find(e=>e.status===`rejected`);return n&&(0,external_runner_js_namespaceObject.R)(`Which accounts may launch the images is not known completely. ${(0,external_runner_js_namespaceObject.L)(n.reason)}`),new Map(e.flatMap(({image:e},n)=>{let r=t[n],i=r?.status===`fulfilled`?r.value.map(ht):[];return i.length>0?[[e.id,i]]:[]}))}function ht(e){let t=(0,external_miss_js_namespaceObject.A)(e);return t===`all`?`every account`:t}async function gt(){(0,external_runner_js_namespaceObject.S)();let e=await qe();try{await _t(e)}catch(e){throw (0,external_look_up_js_namespaceObject.I)(e)}}async function _t(e){let{task:t,dryRun:n}=e,r=await xt(e,await yt(e)),{targets:i}=r;await (0,external_runner_js_namespaceObject.F)(`Images to ${t.kind}`,()=>(0,external_runner_js_namespaceObject.I)($e(r,e))),t.kind===`revoke`&&Ct(i,t.maxImages);let a=n?await vt(r,t):await Be(r,t);await et({found:r,changes:a,usage:await $(i.flatMap(({unit:e})=>e.images)),replacement:t.kind===`revoke`?await st(i):void 0},e),ot(a,t)}async function vt({targets:e,destinations:t},n){let r=e.flatMap(({unit:e})=>e.images);if(n.kind===`revoke`&&n.parameters.names.length>0){let{names:e}=n.parameters;await (0,external_runner_js_namespaceObject.F)(`Parameters to roll back`,async()=>{let{rolledBack:i,problems:a}=await V(r,n.parameters,t,`preview`);Object.keys(i).length+a.length===0&&(0,external_runner_js_namespaceObject.I)(`None of these holds one of the images: ${e.join(`, `)}.`)})}return{done:[],failures:[],record:``,rollBacks:B}}async function yt({region:e,regions:t}){let n=t??await bt(e);return[.../* @__PURE__ */ new Set([e,...n])].map(e=>(0,external_look_up_js_namespaceObject.Yt)(e,external_runner_js_namespaceObject.j))}async function bt(e){try{return await (0,external_miss_js_namespaceObject.d)((0,external_look_up_js_namespaceObject.Yt)(e,external_runner_js_namespaceObject.j))}catch(e){throw external_runner_js_namespaceObject.j.throwIfAborted(),Error(`regions: ${(0,external_runner_js_namespaceObject.L)(e)} Or specify the regions.`,{cause:e})}}async function xt({subject:e,task:t,descendants:n},r){let i=(0,external_miss_js_namespaceObject.r)(await (0,external_miss_js_namespaceObject.t)(r)),[a,o]=t.kind===`revoke`?[t.reason,t.rollBackTo]:[];try{let t=ct(i,{subject:e,descendants:n},a);return{...t,destinations:be(i,t.targets,o)}}catch(t){throw t instanceof Q&&`id`in e?await St(e.id,r):t}}async function St(e,t){let n=(await Promise.all(t.map(t=>(0,external_look_up_js_namespaceObject.wt)(t,e)))).find(e=>e!==void 0&&e.state!==`deregistered`),r=t.map(({region:e})=>e).join(`, `);return Error(n?`ami-id: ${e} is an image of account ${n.owner}, or a backup of an instance. Specify an image that this action baked, with credentials of its account.`:`ami-id: there is no image ${e} in ${r}. Check the id, the account of the credentials, and regions.`)}function Ct(e,t){if(e.length<=t)return;let n=e.map(({unit:e})=>e.id).join(`, `);throw Error(`max-images: ${e.length} images would be revoked, more than ${t}: ${n}. Nothing was changed. If this is right, set max-images to ${e.length}.`)}
module.exports = __webpack_exports__;
/******/ })()
;