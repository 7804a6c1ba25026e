/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	// The require scope
/******/ 	var __nccwpck_require__ = {};
/******/ 	
/************************************************************************/
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
  A: () => (/* binding */ T),
  B: () => (/* binding */ w),
  C: () => (/* binding */ be),
  D: () => (/* binding */ j),
  E: () => (/* binding */ ye),
  F: () => (/* binding */ C),
  H: () => (/* binding */ me),
  I: () => (/* binding */ x),
  L: () => (/* binding */ he),
  M: () => (/* binding */ ve),
  N: () => (/* binding */ _e),
  O: () => (/* binding */ D),
  P: () => (/* binding */ E),
  R: () => (/* binding */ S),
  S: () => (/* binding */ Ee),
  T: () => (/* binding */ P),
  U: () => (/* binding */ b),
  V: () => (/* binding */ se),
  W: () => (/* binding */ _),
  _: () => (/* binding */ R),
  a: () => (/* binding */ Q),
  b: () => (/* binding */ we),
  c: () => (/* binding */ W),
  d: () => (/* binding */ V),
  f: () => (/* binding */ Me),
  g: () => (/* binding */ z),
  h: () => (/* binding */ ke),
  i: () => (/* binding */ Ie),
  j: () => (/* binding */ M),
  k: () => (/* binding */ k),
  l: () => (/* binding */ Ne),
  m: () => (/* binding */ Ae),
  n: () => (/* binding */ Y),
  o: () => (/* binding */ X),
  p: () => (/* binding */ B),
  r: () => (/* binding */ Le),
  s: () => (/* binding */ Pe),
  t: () => (/* binding */ q),
  u: () => (/* binding */ je),
  v: () => (/* binding */ De),
  w: () => (/* binding */ xe),
  x: () => (/* binding */ Te),
  y: () => (/* binding */ Oe),
  z: () => (/* binding */ ge)
});

;// CONCATENATED MODULE: external "os"
const external_os_namespaceObject = require("os");
;// CONCATENATED MODULE: external "crypto"
const external_crypto_namespaceObject = require("crypto");
;// CONCATENATED MODULE: external "fs"
const external_fs_namespaceObject = require("fs");
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
var external_node_path_default = /*#__PURE__*/__nccwpck_require__.n(external_node_path_namespaceObject);
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_namespaceObject);
;// CONCATENATED MODULE: external "node:os"
const external_node_os_namespaceObject = require("node:os");
var external_node_os_default = /*#__PURE__*/__nccwpck_require__.n(external_node_os_namespaceObject);
;// CONCATENATED MODULE: external "node:timers/promises"
const promises_namespaceObject = require("node:timers/promises");
;// CONCATENATED MODULE: ./.tools/bundle/runner.js
function l(e){return e==null?``:typeof e==`string`||e instanceof String?e:JSON.stringify(e)}function u(e){return Object.keys(e).length?{title:e.title,file:e.file,line:e.startLine,endLine:e.endLine,col:e.startColumn,endColumn:e.endColumn}:{}}function d(t,n,r){let i=new te(t,n,r);process.stdout.write(i.toString()+external_os_namespaceObject.EOL)}function f(e,t=``){d(e,{},t)}var te=class{constructor(e,t,n){e||=`missing.command`,this.command=e,this.properties=t,this.message=n}toString(){let e=`::`+this.command;if(this.properties&&Object.keys(this.properties).length>0){e+=` `;let t=!0;for(let n in this.properties)if(this.properties.hasOwnProperty(n)){let r=this.properties[n];r&&(t?t=!1:e+=`,`,e+=`${n}=${re(r)}`)}}return e+=`::${ne(this.message)}`,e}};function ne(e){return l(e).replace(/%/g,`%25`).replace(/\r/g,`%0D`).replace(/\n/g,`%0A`)}function re(e){return l(e).replace(/%/g,`%25`).replace(/\r/g,`%0D`).replace(/\n/g,`%0A`).replace(/:/g,`%3A`).replace(/,/g,`%2C`)}function p(t,n){let i=process.env[`GITHUB_${t}`];if(!i)throw Error(`Unable to find environment variable for file command ${t}`);if(!external_fs_namespaceObject.existsSync(i))throw Error(`Missing file at path: ${i}`);external_fs_namespaceObject.appendFileSync(i,`${l(n)}${external_os_namespaceObject.EOL}`,{encoding:`utf8`})}function m(t,r){let i=`ghadelimiter_${external_crypto_namespaceObject.randomUUID()}`,a=l(r);if(t.includes(i))throw Error(`Unexpected input: name should not contain the delimiter "${i}"`);if(a.includes(i))throw Error(`Unexpected input: value should not contain the delimiter "${i}"`);return`${t}<<${i}${external_os_namespaceObject.EOL}${a}${external_os_namespaceObject.EOL}${i}`}var h=function(e,t,n,r){function i(e){return e instanceof n?e:new n(function(t){t(e)})}return new(n||=Promise)(function(n,a){function o(e){try{c(r.next(e))}catch(e){a(e)}}function s(e){try{c(r.throw(e))}catch(e){a(e)}}function c(e){e.done?n(e.value):i(e.value).then(o,s)}c((r=r.apply(e,t||[])).next())})};const{access:ie,appendFile:ae,writeFile:oe}=external_fs_namespaceObject.promises,g=`GITHUB_STEP_SUMMARY`,_=new class{constructor(){this._buffer=``}filePath(){return h(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let e=process.env[g];if(!e)throw Error(`Unable to find environment variable for $${g}. Check if your runtime environment supports job summaries.`);try{yield ie(e,external_fs_namespaceObject.constants.R_OK|external_fs_namespaceObject.constants.W_OK)}catch{throw Error(`Unable to access summary file: '${e}'. Check if the file has correct read/write permissions.`)}return this._filePath=e,this._filePath})}wrap(e,t,n={}){let r=Object.entries(n).map(([e,t])=>` ${e}="${t}"`).join(``);return t?`<${e}${r}>${t}</${e}>`:`<${e}${r}>`}write(e){return h(this,void 0,void 0,function*(){let t=!!e?.overwrite,n=yield this.filePath();return yield(t?oe:ae)(n,this._buffer,{encoding:`utf8`}),this.emptyBuffer()})}clear(){return h(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer=``,this}addRaw(e,t=!1){return this._buffer+=e,t?this.addEOL():this}addEOL(){return this.addRaw(external_os_namespaceObject.EOL)}addCodeBlock(e,t){let n=Object.assign({},t&&{lang:t}),r=this.wrap(`pre`,this.wrap(`code`,e),n);return this.addRaw(r).addEOL()}addList(e,t=!1){let n=t?`ol`:`ul`,r=e.map(e=>this.wrap(`li`,e)).join(``),i=this.wrap(n,r);return this.addRaw(i).addEOL()}addTable(e){let t=e.map(e=>{let t=e.map(e=>{if(typeof e==`string`)return this.wrap(`td`,e);let{header:t,data:n,colspan:r,rowspan:i}=e,a=t?`th`:`td`,o=Object.assign(Object.assign({},r&&{colspan:r}),i&&{rowspan:i});return this.wrap(a,n,o)}).join(``);return this.wrap(`tr`,t)}).join(``),n=this.wrap(`table`,t);return this.addRaw(n).addEOL()}addDetails(e,t){let n=this.wrap(`details`,this.wrap(`summary`,e)+t);return this.addRaw(n).addEOL()}addImage(e,t,n){let{width:r,height:i}=n||{},a=Object.assign(Object.assign({},r&&{width:r}),i&&{height:i}),o=this.wrap(`img`,null,Object.assign({src:e,alt:t},a));return this.addRaw(o).addEOL()}addHeading(e,t){let n=`h${t}`,r=[`h1`,`h2`,`h3`,`h4`,`h5`,`h6`].includes(n)?n:`h1`,i=this.wrap(r,e);return this.addRaw(i).addEOL()}addSeparator(){let e=this.wrap(`hr`,null);return this.addRaw(e).addEOL()}addBreak(){let e=this.wrap(`br`,null);return this.addRaw(e).addEOL()}addQuote(e,t){let n=Object.assign({},t&&{cite:t}),r=this.wrap(`blockquote`,e,n);return this.addRaw(r).addEOL()}addLink(e,t){let n=this.wrap(`a`,e,{href:t});return this.addRaw(n).addEOL()}};var v;(function(e){e[e.Success=0]=`Success`,e[e.Failure=1]=`Failure`})(v||={});function y(e,t){let n=process.env[`INPUT_${e.replace(/ /g,`_`).toUpperCase()}`]||``;if(t&&t.required&&!n)throw Error(`Input required and not supplied: ${e}`);return t&&t.trimWhitespace===!1?n:n.trim()}function b(t,n){if(process.env.GITHUB_OUTPUT)return p(`OUTPUT`,m(t,n));process.stdout.write(external_os_namespaceObject.EOL),d(`set-output`,{name:t},l(n))}function se(e){d(`debug`,{},e)}function ce(e,t={}){d(`error`,u(t),e instanceof Error?e.toString():e)}function le(e,t={}){d(`warning`,u(t),e instanceof Error?e.toString():e)}function ue(e,t={}){d(`notice`,u(t),e instanceof Error?e.toString():e)}function de(e){f(`group`,e)}function fe(){f(`endgroup`)}function pe(e,t){if(process.env.GITHUB_STATE)return p(`STATE`,m(e,t));d(`save-state`,{name:e},l(t))}function me(e){return process.env[`STATE_${e}`]||``}const x=process.env,S=C(`GITHUB_ACTIONS`)===`true`||C(`GITHUB_OUTPUT`)!==void 0;function C(e){return x[e]?.trim()||void 0}function w(){return x.GITHUB_WORKSPACE?.trim()?x.GITHUB_WORKSPACE:process.cwd()}function he(e){return external_node_path_default().isAbsolute(e)?e:`${w()}/${e}`}function ge(){let e=C(`GITHUB_REPOSITORY`),t=C(`GITHUB_SHA`),n=C(`GITHUB_RUN_ID`);if(!S||!e||!t||!n)return;let r=C(`GITHUB_SERVER_URL`)??`https://github.com`,i=C(`GITHUB_RUN_ATTEMPT`)??`1`;return{repository:e,commit:t,id:n,attempt:i,url:`${r}/${e}/actions/runs/${n}/attempts/${i}`}}function T(e){let t=typeof e==`string`?e:e.join(`
`);process.stdout.write(`${A(t)}\n`)}async function _e(){process.stdout.writableNeedDrain&&await new Promise(e=>process.stdout.write(``,e))}function ve(e){S?ue(e):T(e)}function E(e){S?le(e):process.stderr.write(`Warning: ${e}\n`)}function D(e){process.exitCode=1;let t=M(e);S?ce(t):process.stderr.write(`Error: ${t}\n`)}let O=!1;async function k(e,t){if(!S||O)return T(e),await t();O=!0,de(e);try{return await t()}finally{fe(),O=!1}}function A(e){return e.replace(/(^|[\r\n])((?:[^\S\r\n]|\u0085)*):(?=:)/g,`$1$2:​`).replaceAll(`##[`,`#​#[`)}function j(e){return e.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,`0`)}`)}function M(e){return e instanceof Error?e.message:String(e)}const N=new AbortController,P=N.signal;function F(){for(let e of[`SIGINT`,`SIGTERM`,`SIGHUP`])process.on(e,()=>I(e));for(let e of[process.stdout,process.stderr])e.on(`error`,()=>I(`a closed output`));process.on(`uncaughtException`,e=>N.abort(e))}function ye(e){return t=>{P.throwIfAborted(),E(`${M(t)} ${e}`)}}function I(e){P.aborted||(N.abort(/* @__PURE__ */ Error(`Cancelled by ${e}.`)),T(`Cancelled by ${e}.`))}function be({main:e,onFailure:t=D}){F(),L(e().catch(t))}function xe(e){for(let e of[process.stdout,process.stderr])e.on(`error`,()=>{});L(e())}function L(e){e.catch(D).finally(()=>process.stdout.write(``,()=>process.exit()))}const Se=Ce();function Ce(){let e=Number(C(`AMI_BAKERY_TIME_SCALE`)??1),t=C(`AWS_ENDPOINT_URL_EC2`)??C(`AWS_ENDPOINT_URL`)??``;return/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])([:/]|$)/.test(t)&&e>0&&e<=1?e:1}function we(e){return e*1e3*Se}async function Te(e,t){await (0,promises_namespaceObject.setTimeout)(e,void 0,{signal:t}).catch(e=>{throw t?.throwIfAborted(),e})}async function Ee(e,t){let n=()=>{},r=new Promise((t,r)=>{n=()=>r(e.reason)});e.addEventListener(`abort`,n),e.aborted&&n();try{return await Promise.race([t,r])}finally{e.removeEventListener(`abort`,n)}}function De(){if(process.platform===`win32`)throw Error(`runs-on: AMI Bakery does not run on Windows. Specify a Linux or macOS runner, like ubuntu-latest.`)}function Oe(){let[e=0,t=0]=process.version.slice(1).split(`.`).map(Number);return e>24||e===24&&t>=5}const R=/^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/,z=/^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;var B=class extends Error{option;constructor(e,t,n){super(t,n),this.option=e}};async function ke(e,t){try{return await t()}catch(t){throw P.throwIfAborted(),new B(e,M(t),{cause:t})}}function Ae(e,t){let n=`${M(e)}\n${t}`;return e instanceof B?new B(e.option,n,{cause:e}):Error(n,{cause:e})}function je(e){let t=H().find(t=>!e.some(e=>t.startsWith(`${e}=`)));if(t!==void 0)throw Error(`${JSON.stringify(t)} is not an argument. Write name=value with one of ${e.join(`, `)}.`)}function V(e,{keepBlanks:t=!1}={}){let n=H().findLast(t=>t.startsWith(`${e}=`))?.slice(e.length+1);return n===void 0?y(e,{trimWhitespace:!t}):t?n:n.trim()}function Me(e,t){let n=V(e)||t[0],r=t.find(e=>e===n);if(r)return r;throw Error(`${e}: ${JSON.stringify(n)} is unknown. Specify one of ${t.join(`, `)}.`)}function H(){return S?[]:process.argv.slice(2)}const U=/* @__PURE__ */ new Map;function Ne(e){U.has(e)||U.set(e,performance.now())}function Pe(){let e=[...U].map(([e,t])=>({phase:e,started:t/1e3})),t=e.at(0)?.started??0,n=performance.now()/1e3,r=e=>Math.round((e-t)/(n-t)*47);return e.map(({phase:i,started:a},o)=>{let s=e[o+1]?.started??n,c=`${` `.repeat(r(a))}${`█`.repeat(r(s)-r(a)+1)}`;return`${i.padEnd(10)}${Fe(a-t).padStart(7)}  ${c.padEnd(48)}  ${W(s-a)}`})}function Fe(e){let t=Math.floor(e);return`${Math.floor(t/60)}:${String(t%60).padStart(2,`0`)}`}function W(e){if(e<9.95)return`${e.toFixed(1)} s`;let t=Math.round(e);return t<60?`${t} s`:`${Math.floor(t/60)} min ${t%60} s`}const G=`ami-bakery-`,K=`bake.json`,q=`bake`;function Ie(e){let t=external_node_fs_default().mkdtempSync(external_node_path_default().join(Q(),G));return Z(t,e),S&&pe(q,t),J(t,e)}function Le(e){if(external_node_path_default().dirname(e)!==Q()||!external_node_path_default().basename(e).startsWith(G))return;let t=Re(external_node_path_default().join(e,K));return t&&J(e,t)}function J(e,t){let n=t,r=!0;function i(t){n=t,Z(e,n)}return{directory:e,entry:()=>n,lease:e=>i({...n,lease:e}),build:({bakedIn:e,...t})=>{let r={...Y(n),...t},a=n.phase.name===`verified`?{...n.phase,build:r}:{name:`building`,build:r};i({...n,...e&&{bakedIn:e},phase:a})},verified:e=>i({...n,phase:{name:`verified`,build:Y(n),images:e}}),isOpen:()=>r,close:()=>{r=!1,external_node_fs_default().rmSync(e,{recursive:!0,force:!0})}}}function Y({phase:e}){return e.name===`preparing`?{}:e.build}function X({phase:e}){return e.name===`verified`?e.images:[]}function Z(e,t){external_node_fs_default().mkdirSync(e,{recursive:!0,mode:448});let n=external_node_path_default().join(e,`${K}.new`);external_node_fs_default().writeFileSync(n,JSON.stringify(t),{mode:384}),external_node_fs_default().renameSync(n,external_node_path_default().join(e,K))}function Q(){return external_node_path_default().resolve(C(`RUNNER_TEMP`)??external_node_os_default().tmpdir())}function Re(e){try{let t=JSON.parse(external_node_fs_default().readFileSync(e,`utf8`));return ze(t)?t:void 0}catch{return}}function ze(e){if(typeof e!=`object`||!e)return!1;let t=t=>typeof Reflect.get(e,t)==`string`;return[`region`,`checksum`,`startedAt`].every(t)&&/^(candidate:)?[0-9a-f]{40}$/.test(String(Reflect.get(e,`tagValue`)))&&[`template`,`repository`].every(n=>t(n)||Reflect.get(e,n)===void 0)&&$(Reflect.get(e,`main`))&&Be(Reflect.get(e,`phase`))}function Be(e){if(typeof e!=`object`||!e||!(`name`in e))return!1;if(e.name===`preparing`)return!0;let t=Reflect.get(e,`build`);return typeof t!=`object`||!t||!$(Reflect.get(t,`packer`))?!1:e.name===`building`||e.name===`verified`&&Ve(Reflect.get(e,`images`))}function Ve(e){return Array.isArray(e)&&e.every(({region:e,id:t})=>R.test(e)&&z.test(t))}function $(e){return e===void 0?!0:typeof e!=`object`||!e||!(`pid`in e)||!(`started`in e)?!1:Number.isInteger(e.pid)&&Number(e.pid)>1&&typeof e.started==`string`}
module.exports = __webpack_exports__;
/******/ })()
;