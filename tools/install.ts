/** Finds or makes, in the git-ignored `.tools`, the real programs that tests and demo run. `node tools/install.ts` */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Tool } from '../__tests__/support/tools.ts'

type Tools = Partial<Record<Tool, string>>

interface Recipe {
  /** What is made where PATH has none; it gets the folder `.tools/<tool>-<version>`. */
  readonly version: string
  /** The oldest on PATH that will do, if not all do. */
  readonly oldest?: string
  /** The file that is run, below the folder. */
  readonly program: string
  /** Whether tests want the folder's path instead of the program's; such a tool is not looked for on PATH. */
  readonly isFolder?: true
  /** Asks the program who it is; data are not asked, as they have their folder's name only when they are whole … */
  readonly question?: readonly string[]
  /** … and knows it, and its version if it tells one, by the answer. */
  readonly answer?: RegExp
  /** Ways to make it, the best first. */
  readonly ways: readonly Way[]
  /** How a person gets it. */
  readonly advice: string
}

interface Way {
  readonly name: string
  /** Puts the recipe's program into an empty folder. Nothing in it may know the folder's path, which changes afterwards. */
  make(folder: string, version: string, found: Tools): Promise<void> | void
}

const platform = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`
const pluginVersion = '1.8.2'
const plugin = `packer-plugin-amazon_v${pluginVersion}_x5.0_${platform}`

const recipes: Readonly<Record<Tool, Recipe>> = {
  moto_server: {
    version: '5.2.1',
    program: 'bin/moto_server',
    question: ['--help'],
    answer: /^usage: .*\[-H HOST\] \[-p PORT\]/,
    ways: [pythonPackage('moto[server]', startMotoAsModule)],
    advice: 'Install Python 3.10 or newer with its venv module, or moto itself: pip install "moto[server]".',
  },
  service_models: {
    version: '1.44.8',
    program: 'ssm.json.gz',
    isFolder: true,
    ways: [pythonPackage('botocore', keepModels)],
    advice: 'Install Python 3.10 or newer with its venv module.',
  },
  packer: {
    version: '1.16.0',
    oldest: '1.10',
    program: 'packer',
    question: ['version'],
    answer: /^Packer v([\d.]+)/,
    ways: [hashicorpRelease('packer'), goModule('packer', 'packer')],
    advice: 'Install Packer 1.10 or newer (https://developer.hashicorp.com/packer/install), or Go to build it.',
  },
  packer_plugins: {
    version: pluginVersion,
    oldest: pluginVersion,
    program: `github.com/hashicorp/amazon/${plugin}`,
    isFolder: true,
    question: ['describe'],
    answer: /"version":"([\d.]+)"/,
    ways: [hashicorpRelease('packer-plugin-amazon'), goModule('packer-plugin-amazon', plugin)].map(installedByPacker),
    advice: 'Install Packer first, then Go if releases.hashicorp.com is out of reach.',
  },
  act: {
    version: '0.2.89',
    oldest: '0.2.89',
    program: 'act',
    question: ['--version'],
    answer: /^act version v?([\d.]+)/,
    ways: [goProgram('github.com/nektos/act')],
    advice: 'Install act 0.2.89 or newer (https://nektosact.com/installation), or Go to build it.',
  },
  actionlint: {
    version: '1.7.12',
    oldest: '1.7.12',
    program: 'actionlint',
    question: ['-version'],
    answer: /^v?([\d.]+)\s+installed/,
    ways: [goProgram('github.com/rhysd/actionlint/cmd/actionlint')],
    advice: 'Install actionlint 1.7.12 or newer (https://github.com/rhysd/actionlint/releases), or Go to build it.',
  },
  terraform: {
    version: '1.11.4',
    oldest: '1.5',
    program: 'terraform',
    question: ['version'],
    answer: /^Terraform v([\d.]+)/m,
    ways: [hashicorpRelease('terraform')],
    advice: 'Install Terraform 1.5 or newer: https://developer.hashicorp.com/terraform/install.',
  },
  zizmor: {
    version: '1.32.0',
    oldest: '1.20',
    program: 'bin/zizmor',
    question: ['--version'],
    answer: /^zizmor ([\d.]+)/,
    ways: [pythonPackage('zizmor')],
    advice: 'Install Python 3.10 or newer with its venv module, or zizmor itself: pip install zizmor.',
  },
}

const home = path.resolve(import.meta.dirname, '..', '.tools')
const list = path.join(home, 'tools.json')
const tools = Object.keys(recipes) as Tool[]

async function install(): Promise<void> {
  const known = readList()
  if (tools.every(tool => known[tool])) return
  removeRemains()
  const found: Tools = {}
  for (const tool of tools) {
    const place = known[tool] ?? find(tool) ?? (await make(tool, found))
    if (place) found[tool] = place
  }
  writeList(found)
  report(tools.filter(tool => !found[tool]))
}

/** What an earlier run wrote down and is still there; nothing if this file has changed since. */
function readList(): Tools {
  const written = fs.statSync(list, { throwIfNoEntry: false })
  if (!written || written.mtimeMs < fs.statSync(import.meta.filename).mtimeMs) return {}
  const places = Object.entries<string>(JSON.parse(fs.readFileSync(list, 'utf8')))
  return Object.fromEntries(places.filter(([, place]) => fs.existsSync(place)))
}

function writeList(found: Tools): void {
  const unfinished = `${list}.${process.pid}`
  fs.writeFileSync(unfinished, `${JSON.stringify(found, undefined, 2)}\n`)
  fs.renameSync(unfinished, list)
}

function report(missing: readonly Tool[]): void {
  if (missing.length === 0) {
    console.log('All tools are there; .tools/tools.json names them.')
    return
  }
  console.error('Tests that need one of these are skipped here, and fail in CI:')
  for (const tool of missing) console.error(`  ${tool} is missing. ${recipes[tool].advice}`)
  if (process.env.CI === 'true') process.exitCode = 1
}

function find(tool: Tool): string | undefined {
  const { program, isFolder } = recipes[tool]
  const onPath = isFolder ? [] : (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)
  const candidates = onPath.map(directory => path.resolve(directory, path.basename(program)))
  const place = [...candidates, path.join(folderOf(tool), program)].find(file => works(tool, file))
  return place && isFolder ? folderOf(tool) : place
}

function folderOf(tool: Tool): string {
  return path.join(home, `${tool}-${recipes[tool].version}`)
}

function works(tool: Tool, file: string): boolean {
  if (!fs.existsSync(file)) return false
  try {
    check(tool, file)
    return true
  } catch {
    return false
  }
}

/** Others have programs of the same names; Linux's other `packer` waits for input. */
function check(tool: Tool, file: string): void {
  const { question, answer, oldest } = recipes[tool]
  if (!question || !answer) {
    fs.accessSync(file)
    return
  }
  const printed = run(file, question, { timeout: 20_000 })
  const [known, version = ''] = answer.exec(printed) ?? []
  if (known && (!oldest || version.localeCompare(oldest, 'en', { numeric: true }) >= 0)) return
  throw new Error(`${path.basename(file)} answers ${JSON.stringify(printed.slice(0, 100))}.`)
}

async function make(tool: Tool, found: Tools): Promise<string | undefined> {
  const { version, program, ways, isFolder } = recipes[tool]
  fs.rmSync(folderOf(tool), { recursive: true, force: true })
  for (const way of ways) {
    const begun = performance.now()
    const seconds = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`
    console.log(`${tool} ${version}: ${way.name} …`)
    try {
      await makeWhole(tool, way, found)
      console.log(`${tool} ${version}: done in ${seconds()}`)
      return isFolder ? folderOf(tool) : path.join(folderOf(tool), program)
    } catch (error) {
      console.log(`${tool} ${version}: failed after ${seconds()}: ${error instanceof Error ? error.message : error}`)
    }
  }
  return undefined
}

/** A tool gets its folder's name only when it works, so what was interrupted is never taken for whole. */
async function makeWhole(tool: Tool, way: Way, found: Tools): Promise<void> {
  const unfinished = path.join(home, `unfinished-${process.pid}-${tool}`)
  const { program, version } = recipes[tool]
  try {
    fs.mkdirSync(unfinished, { recursive: true })
    await way.make(unfinished, version, found)
    check(tool, path.join(unfinished, program))
    putInPlace(tool, unfinished)
  } finally {
    fs.rmSync(unfinished, { recursive: true, force: true, maxRetries: 3 })
  }
}

function putInPlace(tool: Tool, finished: string): void {
  try {
    fs.renameSync(finished, folderOf(tool))
  } catch (error) {
    // Another run was quicker; its tests may be using what it made.
    if (!works(tool, path.join(folderOf(tool), recipes[tool].program))) throw error
  }
}

function removeRemains(): void {
  fs.mkdirSync(home, { recursive: true })
  for (const name of fs.readdirSync(home)) {
    const pid = /^unfinished-(\d+)-|^tools\.json\.(\d+)$/.exec(name)?.slice(1).find(Boolean)
    if (pid && !isRunning(Number(pid))) fs.rmSync(path.join(home, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

let unreachable: Error | undefined

function hashicorpRelease(product: string): Way {
  async function get(folder: string, version: string): Promise<void> {
    const archive = `${product}_${version}_${platform}.zip`
    const place = `https://releases.hashicorp.com/${product}/${version}`
    const sums = (await download(`${place}/${product}_${version}_SHA256SUMS`, 5)).toString()
    const expected = sums
      .split('\n')
      .find(line => line.endsWith(` ${archive}`))
      ?.split(' ')[0]
    const content = await download(`${place}/${archive}`, 600)
    const sum = createHash('sha256').update(content).digest('hex')
    if (sum !== expected) throw new Error(`${archive} has the SHA-256 ${sum}, not ${expected}.`)
    fs.writeFileSync(path.join(folder, archive), content)
    unpack(path.join(folder, archive))
  }
  return { name: "HashiCorp's release", make: get }
}

/** A machine without a way out may swallow packets: the small file, asked for first, tells within seconds. */
async function download(url: string, seconds: number): Promise<Buffer> {
  if (unreachable) throw unreachable
  const signal = AbortSignal.timeout(seconds * 1000)
  const response = await fetch(url, { signal }).catch(cause => {
    unreachable = new Error(`${new URL(url).host} is out of reach.`, { cause })
    throw unreachable
  })
  if (!response.ok) throw new Error(`${url} answers ${response.status}.`)
  return Buffer.from(await response.arrayBuffer())
}

function unpack(archive: string): void {
  const folder = path.dirname(archive)
  try {
    run('unzip', ['-q', archive, '-d', folder])
  } catch {
    run('python3', ['-m', 'zipfile', '-e', archive, folder])
  }
  fs.rmSync(archive)
  // Python's zipfile forgets who may execute what.
  for (const name of fs.readdirSync(folder)) fs.chmodSync(path.join(folder, name), 0o755)
}

/** For modules with `replace` lines, which `go install` refuses. A release's version has no suffix; in the source it is "dev". */
function goModule(product: string, program: string): Way {
  const module = `github.com/hashicorp/${product}`
  const flags = `-s -w -X ${module}/version.VersionPrerelease=`
  function build(folder: string, version: string): void {
    const { Dir } = JSON.parse(run('go', ['mod', 'download', '-json', `${module}@v${version}`]))
    const out = path.join(folder, program)
    run('go', ['build', '-trimpath', '-ldflags', flags, '-o', out, '.'], { cwd: Dir, env: { CGO_ENABLED: '0' } })
  }
  return { name: 'building its Go module, which can take minutes', make: build }
}

function goProgram(source: string): Way {
  return {
    name: 'building its Go module',
    make: (folder, version) => void run('go', ['install', `${source}@v${version}`], { env: { GOBIN: folder } }),
  }
}

function installedByPacker({ name, make }: Way): Way {
  async function installPlugin(folder: string, version: string, found: Tools): Promise<void> {
    if (!found.packer) throw new Error('only Packer can install it.')
    const raw = path.join(folder, 'raw')
    fs.mkdirSync(raw)
    await make(raw, version, found)
    const from = ['--path', path.join(raw, plugin)]
    run(found.packer, ['plugins', 'install', ...from, 'github.com/hashicorp/amazon'], {
      env: { PACKER_PLUGIN_PATH: folder },
    })
    fs.rmSync(raw, { recursive: true })
  }
  return { name, make: installPlugin }
}

function pythonPackage(name: string, finish?: (folder: string) => void): Way {
  function installPackage(folder: string, version: string): void {
    run('python3', ['-m', 'venv', folder])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input']
    run(path.join(folder, 'bin', 'python'), [...pip, `${name}==${version}`])
    finish?.(folder)
  }
  return { name: 'a Python virtual environment', make: installPackage }
}

/** pip's own start script names the folder it was made in. */
function startMotoAsModule(folder: string): void {
  const script = '#!/bin/sh\nexec "$(dirname "$0")/python" -m moto.server "$@"\n'
  fs.writeFileSync(path.join(folder, 'bin', 'moto_server'), script, { mode: 0o755 })
}

/** Of all that botocore consists of, the services' newest models alone. */
function keepModels(folder: string): void {
  const [data = ''] = fs.globSync(path.join(folder, 'lib', 'python3*', 'site-packages', 'botocore', 'data'))
  for (const service of ['ec2', 'iam', 'ssm', 'sts']) {
    const newest = fs.readdirSync(path.join(data, service)).sort().at(-1) ?? ''
    fs.copyFileSync(path.join(data, service, newest, 'service-2.json.gz'), path.join(folder, `${service}.json.gz`))
  }
  for (const name of fs.readdirSync(folder)) {
    if (!name.endsWith('.json.gz')) fs.rmSync(path.join(folder, name), { recursive: true })
  }
}

interface Surroundings {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeout?: number
}

function run(file: string, args: readonly string[], { env, ...more }: Surroundings = {}): string {
  try {
    return execFileSync(file, args, {
      ...more,
      env: { ...process.env, CHECKPOINT_DISABLE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 26,
    })
  } catch (cause) {
    throw new Error(explain(file, cause), { cause })
  }
}

function explain(file: string, cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if ('code' in cause && cause.code === 'ENOENT') return `there is no ${file}.`
  const printed = 'stderr' in cause ? String(cause.stderr).trim().split('\n').slice(-3).join(' ') : ''
  return `${path.basename(file)} failed: ${printed || cause.message}`
}

await install()
