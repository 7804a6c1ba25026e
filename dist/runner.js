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
  A: () => (/* binding */ Ee),
  B: () => (/* binding */ k),
  C: () => (/* binding */ Pe),
  D: () => (/* binding */ je),
  E: () => (/* binding */ Ae),
  F: () => (/* binding */ Se),
  G: () => (/* binding */ _e),
  H: () => (/* binding */ ye),
  I: () => (/* binding */ C),
  J: () => (/* binding */ S),
  K: () => (/* binding */ b),
  L: () => (/* binding */ j),
  M: () => (/* binding */ we),
  N: () => (/* binding */ O),
  O: () => (/* binding */ I),
  P: () => (/* binding */ T),
  Q: () => (/* binding */ oe),
  R: () => (/* binding */ xe),
  S: () => (/* binding */ Ne),
  T: () => (/* binding */ Me),
  U: () => (/* binding */ x),
  V: () => (/* binding */ w),
  W: () => (/* binding */ y),
  X: () => (/* binding */ v),
  Y: () => (/* binding */ ue),
  Z: () => (/* binding */ le),
  _: () => (/* binding */ z),
  a: () => (/* binding */ Q),
  b: () => (/* binding */ R),
  c: () => (/* binding */ G),
  d: () => (/* binding */ Ve),
  f: () => (/* binding */ H),
  g: () => (/* binding */ Re),
  h: () => (/* binding */ B),
  i: () => (/* binding */ Ge),
  j: () => (/* binding */ N),
  k: () => (/* binding */ Te),
  l: () => (/* binding */ ze),
  m: () => (/* binding */ Le),
  n: () => (/* binding */ X),
  o: () => (/* binding */ qe),
  p: () => (/* binding */ U),
  q: () => (/* binding */ ve),
  r: () => (/* binding */ Ke),
  s: () => (/* binding */ He),
  t: () => (/* binding */ J),
  u: () => (/* binding */ Be),
  v: () => (/* binding */ Ie),
  w: () => (/* binding */ ke),
  x: () => (/* binding */ L),
  y: () => (/* binding */ Fe),
  z: () => (/* binding */ be)
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
function u(e){return e==null?``:typeof e==`string`||e instanceof String?e:JSON.stringify(e)}function d(e){return Object.keys(e).length?{title:e.title,file:e.file,line:e.startLine,endLine:e.endLine,col:e.startColumn,endColumn:e.endColumn}:{}}function f(t,n,r){let i=new ee(t,n,r);process.stdout.write(i.toString()+external_os_namespaceObject.EOL)}function p(e,t=``){f(e,{},t)}var ee=class{constructor(e,t,n){e||=`missing.command`,this.command=e,this.properties=t,this.message=n}toString(){let e=`::`+this.command;if(this.properties&&Object.keys(this.properties).length>0){e+=` `;let t=!0;for(let n in this.properties)if(this.properties.hasOwnProperty(n)){let r=this.properties[n];r&&(t?t=!1:e+=`,`,e+=`${n}=${ne(r)}`)}}return e+=`::${te(this.message)}`,e}};function te(e){return u(e).replace(/%/g,`%25`).replace(/\r/g,`%0D`).replace(/\n/g,`%0A`)}function ne(e){return u(e).replace(/%/g,`%25`).replace(/\r/g,`%0D`).replace(/\n/g,`%0A`).replace(/:/g,`%3A`).replace(/,/g,`%2C`)}function m(t,n){let i=process.env[`GITHUB_${t}`];if(!i)throw Error(`Unable to find environment variable for file command ${t}`);if(!external_fs_namespaceObject.existsSync(i))throw Error(`Missing file at path: ${i}`);external_fs_namespaceObject.appendFileSync(i,`${u(n)}${external_os_namespaceObject.EOL}`,{encoding:`utf8`})}function h(t,r){let i=`ghadelimiter_${external_crypto_namespaceObject.randomUUID()}`,a=u(r);if(t.includes(i))throw Error(`Unexpected input: name should not contain the delimiter "${i}"`);if(a.includes(i))throw Error(`Unexpected input: value should not contain the delimiter "${i}"`);return`${t}<<${i}${external_os_namespaceObject.EOL}${a}${external_os_namespaceObject.EOL}${i}`}var g=function(e,t,n,r){function i(e){return e instanceof n?e:new n(function(t){t(e)})}return new(n||=Promise)(function(n,a){function o(e){try{c(r.next(e))}catch(e){a(e)}}function s(e){try{c(r.throw(e))}catch(e){a(e)}}function c(e){e.done?n(e.value):i(e.value).then(o,s)}c((r=r.apply(e,t||[])).next())})};const{access:re,appendFile:ie,writeFile:ae}=external_fs_namespaceObject.promises,_=`GITHUB_STEP_SUMMARY`,oe=new class{constructor(){this._buffer=``}filePath(){return g(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let e=process.env[_];if(!e)throw Error(`Unable to find environment variable for $${_}. Check if your runtime environment supports job summaries.`);try{yield re(e,external_fs_namespaceObject.constants.R_OK|external_fs_namespaceObject.constants.W_OK)}catch{throw Error(`Unable to access summary file: '${e}'. Check if the file has correct read/write permissions.`)}return this._filePath=e,this._filePath})}wrap(e,t,n={}){let r=Object.entries(n).map(([e,t])=>` ${e}="${t}"`).join(``);return t?`<${e}${r}>${t}</${e}>`:`<${e}${r}>`}write(e){return g(this,void 0,void 0,function*(){let t=!!e?.overwrite,n=yield this.filePath();return yield(t?ae:ie)(n,this._buffer,{encoding:`utf8`}),this.emptyBuffer()})}clear(){return g(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer=``,this}addRaw(e,t=!1){return this._buffer+=e,t?this.addEOL():this}addEOL(){return this.addRaw(external_os_namespaceObject.EOL)}addCodeBlock(e,t){let n=Object.assign({},t&&{lang:t}),r=this.wrap(`pre`,this.wrap(`code`,e),n);return this.addRaw(r).addEOL()}addList(e,t=!1){let n=t?`ol`:`ul`,r=e.map(e=>this.wrap(`li`,e)).join(``),i=this.wrap(n,r);return this.addRaw(i).addEOL()}addTable(e){let t=e.map(e=>{let t=e.map(e=>{if(typeof e==`string`)return this.wrap(`td`,e);let{header:t,data:n,colspan:r,rowspan:i}=e,a=t?`th`:`td`,o=Object.assign(Object.assign({},r&&{colspan:r}),i&&{rowspan:i});return this.wrap(a,n,o)}).join(``);return this.wrap(`tr`,t)}).join(``),n=this.wrap(`table`,t);return this.addRaw(n).addEOL()}addDetails(e,t){let n=this.wrap(`details`,this.wrap(`summary`,e)+t);return this.addRaw(n).addEOL()}addImage(e,t,n){let{width:r,height:i}=n||{},a=Object.assign(Object.assign({},r&&{width:r}),i&&{height:i}),o=this.wrap(`img`,null,Object.assign({src:e,alt:t},a));return this.addRaw(o).addEOL()}addHeading(e,t){let n=`h${t}`,r=[`h1`,`h2`,`h3`,`h4`,`h5`,`h6`].includes(n)?n:`h1`,i=this.wrap(r,e);return this.addRaw(i).addEOL()}addSeparator(){let e=this.wrap(`hr`,null);return this.addRaw(e).addEOL()}addBreak(){let e=this.wrap(`br`,null);return this.addRaw(e).addEOL()}addQuote(e,t){let n=Object.assign({},t&&{cite:t}),r=this.wrap(`blockquote`,e,n);return this.addRaw(r).addEOL()}addLink(e,t){let n=this.wrap(`a`,e,{href:t});return this.addRaw(n).addEOL()}};var se;(function(e){e[e.Success=0]=`Success`,e[e.Failure=1]=`Failure`})(se||={});function ce(e,t){let n=process.env[`INPUT_${e.replace(/ /g,`_`).toUpperCase()}`]||``;if(t&&t.required&&!n)throw Error(`Input required and not supplied: ${e}`);return t&&t.trimWhitespace===!1?n:n.trim()}function le(t,n){if(process.env.GITHUB_OUTPUT)return m(`OUTPUT`,h(t,n));process.stdout.write(external_os_namespaceObject.EOL),f(`set-output`,{name:t},u(n))}function ue(e){f(`debug`,{},e)}function de(e,t={}){f(`error`,d(t),e instanceof Error?e.toString():e)}function fe(e,t={}){f(`warning`,d(t),e instanceof Error?e.toString():e)}function pe(e,t={}){f(`notice`,d(t),e instanceof Error?e.toString():e)}function me(e){p(`group`,e)}function he(){p(`endgroup`)}function ge(e,t){if(process.env.GITHUB_STATE)return m(`STATE`,h(e,t));f(`save-state`,{name:e},u(t))}function v(e){return process.env[`STATE_${e}`]||``}const y=process.env,b=x(`GITHUB_ACTIONS`)===`true`||x(`GITHUB_OUTPUT`)!==void 0;function x(e){return y[e]?.trim()||void 0}function S(){return y.GITHUB_WORKSPACE?.trim()?y.GITHUB_WORKSPACE:process.cwd()}function _e(e){return external_node_path_default().isAbsolute(e)?e:`${S()}/${e}`}function ve(){let e=x(`GITHUB_REPOSITORY`),t=x(`GITHUB_RUN_ID`);if(!b||!e||!t)return;let n=x(`GITHUB_SERVER_URL`)??`https://github.com`,r=x(`GITHUB_RUN_ATTEMPT`)??`1`;return{repository:e,commit:x(`GITHUB_SHA`),id:t,attempt:r,url:`${n}/${e}/actions/runs/${t}/attempts/${r}`}}function ye(){return x(`GITHUB_TRIGGERING_ACTOR`)??x(`GITHUB_ACTOR`)??x(`USER`)}function C(e){let t=typeof e==`string`?e:e.join(`
`);process.stdout.write(`${D(t)}\n`)}async function be(){process.stdout.writableNeedDrain&&await new Promise(e=>process.stdout.write(``,e))}function xe(e){b?pe(e):C(e)}function w(e){b?fe(e):process.stderr.write(`Warning: ${e}\n`)}function T(e){process.exitCode=1;let t=j(e);b?de(t):process.stderr.write(`Error: ${t}\n`)}let E=!1;async function Se(e,t){if(!b||E)return C(e),await t();E=!0,me(e);try{return await t()}finally{he(),E=!1}}function D(e){return e.replace(/(^|[\r\n])((?:[^\S\r\n]|\u0085)*):(?=:)/g,`$1$2:​`).replaceAll(`##[`,`#​#[`)}function O(e){return e.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,`0`)}`)}function k(e){return e.replace(A,``)}const A=/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\^-~])/g;function j(e){return e instanceof Error?e.message:String(e)}const M=new AbortController,N=M.signal;function Ce(){for(let e of[`SIGINT`,`SIGTERM`,`SIGHUP`])process.on(e,()=>P(e));for(let e of[process.stdout,process.stderr])e.on(`error`,()=>P(`a closed output`));process.on(`uncaughtException`,e=>M.abort(e))}function we(e){return t=>{N.throwIfAborted(),w(`${j(t)} ${e}`)}}function P(e){N.aborted||(M.abort(/* @__PURE__ */ Error(`Cancelled by ${e}.`)),C(`Cancelled by ${e}.`))}function Te({main:e,onFailure:t=T}){Ce(),F(e().catch(t))}function Ee(e){for(let e of[process.stdout,process.stderr])e.on(`error`,()=>{});F(e())}function F(e){e.catch(T).finally(()=>process.stdout.write(``,()=>process.exit()))}const De=Oe();function Oe(){let e=Number(x(`AMI_BAKERY_TIME_SCALE`)??1),t=x(`AWS_ENDPOINT_URL_EC2`)??x(`AWS_ENDPOINT_URL`)??``;return/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])([:/]|$)/.test(t)&&e>0&&e<=1?e:1}const ke=864e5;function Ae(e){return e*1e3*De}async function je(e,t){await (0,promises_namespaceObject.setTimeout)(e,void 0,{signal:t}).catch(e=>{throw t?.throwIfAborted(),e})}async function I(e,t){let n=()=>{},r=new Promise((t,r)=>{n=()=>r(e.reason)});e.addEventListener(`abort`,n),e.aborted&&n();try{return await Promise.race([t,r])}finally{e.removeEventListener(`abort`,n)}}function Me(e,t){let n=new AbortController,r=typeof e==`number`?setTimeout(()=>n.abort(new DOMException(`The time limit was reached.`,`TimeoutError`)),e).unref():void 0,i=[t,typeof e==`number`?void 0:e].filter(e=>e!==void 0).map(e=>{let t=()=>n.abort(e.reason);return e.aborted&&t(),e.addEventListener(`abort`,t),()=>e.removeEventListener(`abort`,t)});return{signal:n.signal,release:()=>{clearTimeout(r);for(let e of i)e()}}}function Ne(){if(process.platform===`win32`)throw Error(`runs-on: AMI Bakery does not run on Windows. Specify a Linux or macOS runner, like ubuntu-latest.`)}function Pe(){let[e=0,t=0]=process.version.slice(1).split(`.`).map(Number);return e>24||e===24&&t>=5}const L=/^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/,R=/^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;var z=class extends Error{option;constructor(e,t,n){super(t,n),this.option=e}};async function Fe(e,t){try{return await t()}catch(t){throw N.throwIfAborted(),new z(e,j(t),{cause:t})}}function Ie(e,t){let n=`${j(e)}\n${t}`;return e instanceof z?new z(e.option,n,{cause:e}):Error(n,{cause:e})}function Le(e){let t=V().find(t=>!e.some(e=>t.startsWith(`${e}=`)));if(t!==void 0)throw Error(`${JSON.stringify(t)} is not an argument. Write name=value with one of ${e.join(`, `)}.`)}function B(e,{keepBlanks:t=!1}={}){let n=V().findLast(t=>t.startsWith(`${e}=`))?.slice(e.length+1);return n===void 0?ce(e,{trimWhitespace:!t}):t?n:n.trim()}function Re(e,t){let n=B(e)||t[0],r=t.find(e=>e===n);if(r)return r;throw Error(`${e}: ${JSON.stringify(n)} is unknown. Specify one of ${t.join(`, `)}.`)}function V(){return process.argv.slice(2)}var H=class extends Error{details;constructor(e,t,n){super(t.diagnosis?`${e.trimEnd()}\n${t.diagnosis}`:e,n),this.details=t}};function U(e){return e instanceof H?e.details:e instanceof Error?U(e.cause):void 0}const W=[{title:``,startedAt:/* @__PURE__ */ new Map}];function ze(e){W.push({title:e,startedAt:/* @__PURE__ */ new Map})}function Be(e){let t=W.at(-1)?.startedAt;t&&!t.has(e)&&t.set(e,performance.now())}function Ve(){return W.flatMap(({startedAt:e})=>[...e.keys()]).findLast(e=>e!==`clean-up`)}function He(){let e=Ue(),t=e.at(0)?.started??0,n=performance.now()/1e3,r=e=>Math.round((e-t)/(n-t)*47),i=Math.max(10,...e.map(({name:e})=>e.length+1));return e.map(({name:a,started:o},s)=>{let c=e[s+1]?.started??n,l=`${` `.repeat(r(o))}${`█`.repeat(r(c)-r(o)+1)}`;return`${a.padEnd(i)}${We(o-t).padStart(7)}  ${l.padEnd(48)}  ${G(c-o)}`})}function Ue(){return W.flatMap(({title:e,startedAt:t})=>[...t].map(([t,n])=>({name:e?`${e}: ${t}`:t,started:n/1e3})))}function We(e){let t=Math.floor(e);return`${Math.floor(t/60)}:${String(t%60).padStart(2,`0`)}`}function G(e){if(e<9.95)return`${e.toFixed(1)} s`;let t=Math.round(e);return t<60?`${t} s`:`${Math.floor(t/60)} min ${t%60} s`}const K=`ami-bakery-`,q=`bake.json`,J=`bake`;function Ge(e){let t=external_node_fs_default().mkdtempSync(external_node_path_default().join(Q(),K));return Z(t,e),b&&ge(J,t),Y(t,e)}function Ke(e){if(external_node_path_default().dirname(e)!==Q()||!external_node_path_default().basename(e).startsWith(K))return;let t=Je(external_node_path_default().join(e,q));return t&&Y(e,t)}function Y(e,t){let n=t,r=!0;function i(t){n=t,Z(e,n)}return{directory:e,entry:()=>n,lease:e=>i({...n,lease:e}),build:({bakedIn:e,...t})=>{let r={...X(n),...t},a=n.phase.name===`verified`?{...n.phase,build:r}:{name:`building`,build:r};i({...n,...e&&{bakedIn:e},phase:a})},verified:e=>i({...n,phase:{name:`verified`,build:X(n),images:e}}),isOpen:()=>r,close:()=>{r=!1,external_node_fs_default().rmSync(e,{recursive:!0,force:!0})}}}function X({phase:e}){return e.name===`preparing`?{}:e.build}function qe({phase:e}){return e.name===`verified`?e.images:[]}function Z(e,t){external_node_fs_default().mkdirSync(e,{recursive:!0,mode:448});let n=external_node_path_default().join(e,`${q}.new`);external_node_fs_default().writeFileSync(n,JSON.stringify(t),{mode:384}),external_node_fs_default().renameSync(n,external_node_path_default().join(e,q))}function Q(){return external_node_path_default().resolve(x(`RUNNER_TEMP`)??external_node_os_default().tmpdir())}function Je(e){try{let t=JSON.parse(external_node_fs_default().readFileSync(e,`utf8`));return Ye(t)?t:void 0}catch{return}}function Ye(e){if(typeof e!=`object`||!e)return!1;let t=t=>typeof Reflect.get(e,t)==`string`;return[`region`,`checksum`,`startedAt`].every(t)&&/^(candidate:)?[0-9a-f]{40}$/.test(String(Reflect.get(e,`tagValue`)))&&[`template`,`repository`].every(n=>t(n)||Reflect.get(e,n)===void 0)&&$(Reflect.get(e,`main`))&&Xe(Reflect.get(e,`phase`))}function Xe(e){if(typeof e!=`object`||!e||!(`name`in e))return!1;if(e.name===`preparing`)return!0;let t=Reflect.get(e,`build`);return typeof t!=`object`||!t||!$(Reflect.get(t,`packer`))?!1:e.name===`building`||e.name===`verified`&&Ze(Reflect.get(e,`images`))}function Ze(e){return Array.isArray(e)&&e.every(({region:e,id:t})=>L.test(e)&&R.test(t))}function $(e){return e===void 0?!0:typeof e!=`object`||!e||!(`pid`in e)||!(`started`in e)?!1:Number.isInteger(e.pid)&&Number(e.pid)>1&&typeof e.started==`string`}
module.exports = __webpack_exports__;
/******/ })()
;