/**
 * Measures the action next to programs that anyone can run, and writes `.tools/bench.json` and the figures of
 * `docs/performance.md`. `npm run bench`; with `ORIGINAL_AMI_BAKERY=…/bakery.py` also next to the script of the Docker image.
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { text as readText } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Ec2Server, startEc2 } from '../__tests__/support/ec2.ts'
import { packerEnvironment } from '../__tests__/support/packer.ts'
import { hasTools } from '../__tests__/support/tools.ts'
import { hclTemplate, withSteps } from '../__tests__/support/workspace.ts'

/** A program that runs repeatedly, to its successful end, without input. */
interface Job {
  readonly name: string
  /** The program's absolute path, and its arguments. */
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly prepare?: () => Promise<void>
}

/** Jobs that take turns, so that other load on the machine affects all of them equally. */
interface Group {
  readonly title: string
  readonly rounds: number
  readonly jobs: readonly Job[]
}

/** One run, in milliseconds and megabytes; `request` is the time until the first request to EC2, if there was one. */
interface Run {
  readonly wall: number
  readonly cpu: number
  readonly memory: number
  readonly request: number | undefined
  /** The number of requests to EC2's stub. */
  readonly requests: number
  /** Those of them that ask for references to images. */
  readonly references: number
}

type Runs = Readonly<Record<string, readonly Run[]>>

type Results = Readonly<Record<string, Runs>>

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')
const temp = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'ami-bakery-bench-'))
process.on('exit', () => fs.rmSync(temp, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, endBySignal)

/** The definition of the current group. The paths of its files are as long as on a runner, some sixty characters. */
const definition = path.join(temp, 'ami')
const TEMPLATE = path.join(definition, 'app.json')
/** Outside the definition, so that it is not a file of it. */
const IMAGES_FILE = path.join(temp, 'ami-bakery.yml')

const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
const openssl = findProgram('openssl') ?? 'openssl'
const aws = findProgram('aws', path.dirname(python))
const original = process.env.ORIGINAL_AMI_BAKERY && path.resolve(process.env.ORIGINAL_AMI_BAKERY)

const SMALL = '22 files'
const MANY = '10,000 files of 10 KB'
const PLAN = '200 images of 50 files of 10 KB'
const PRUNE = '2,000 images in 3 regions'
const COUNTLESS = '100,000 files of 1 KB'
const LARGE = '5 files of 1 GB'
const BAKE = 'A bake that prints 100,000 lines'

const EMPTY = 'node -e 0'
const HIT = 'AMI Bakery, a hit'
const HIT_BY_NAME = 'AMI Bakery, a hit by image'
const PLANNED = 'AMI Bakery, plan of 200 hits'
const PRUNED = 'AMI Bakery, prune, a rehearsal'
const POST = 'AMI Bakery, post after a hit'
const BAKED = 'AMI Bakery, a miss'
const ORIGINAL = 'the original, a hit'
const PIPELINE = 'find | sort | sha1sum'
const OPENSSL = 'openssl sha1'
const AWS = 'aws ec2 describe-images'
const PACKER = 'packer build'
const PACKER_CHECKS = 'packer init, packer validate'

async function bench(): Promise<void> {
  const begun = performance.now()
  const [load = 0] = os.loadavg()
  const results: Record<string, Runs> = {}
  const stub = await startStub()
  const clock = startClock()
  try {
    for (const makeGroup of [smallGroup, manyGroup, planGroup, pruneGroup, countlessGroup, largeGroup, bakeGroup]) {
      const { title, rounds, jobs } = await makeGroup(stub.environment)
      console.log(`${title}: ${rounds} rounds of ${jobs.map(({ name }) => name).join(' · ') || 'nothing'}`)
      if (jobs.length > 0) results[title] = await takeTurns(jobs, rounds, job => measure(job, stub, clock))
      fs.rmSync(definition, { recursive: true, force: true })
    }
  } finally {
    clock.stop()
    stub.stop()
    await ec2?.stop()
  }
  report(results, { load, seconds: (performance.now() - begun) / 1000 })
}

async function takeTurns(
  jobs: readonly Job[],
  rounds: number,
  measureJob: (job: Job) => Promise<Run>,
): Promise<Record<string, Run[]>> {
  const runs: Record<string, Run[]> = Object.fromEntries(jobs.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const job of jobs) {
      const run = await measureJob(job)
      // The first round fills the caches.
      if (round > 0) runs[job.name]?.push(run)
    }
  }
  return runs
}

async function measure(job: Job, stub: Stub, clock: Clock): Promise<Run> {
  await job.prepare?.()
  stub.forget()
  const { started, wall, cpu, memory, status, end } = await clock.time(job)
  if (status !== 0) throw new Error(`${job.name} ended with ${status}: …${end}`)
  const arrival = stub.firstRequest()
  const request = arrival === undefined ? undefined : arrival - started
  return { wall, cpu, memory, request, requests: stub.countRequests(), references: stub.countRequests(REFERENCES) }
}

/** Starts a job and measures it; times in milliseconds of the system's monotonic clock. */
interface Clock {
  time(
    job: Job,
  ): Promise<Omit<Run, 'request' | 'requests' | 'references'> & { started: number; status: number; end: string }>
  stop(): void
}

/**
 * In Python, because Node can't tell the resource usage of a child. A job's peak memory is never less than its parent's, so
 * that the parent must be small. It reads the job's output as it comes, as the runner does.
 */
const CLOCK = `
import json, os, sys, time
unit = 1 if sys.platform == "darwin" else 1024
null = os.open(os.devnull, os.O_RDONLY)
for line in sys.stdin:
    job = json.loads(line)
    os.chdir(job["cwd"])
    ours, theirs = os.pipe()
    files = [(os.POSIX_SPAWN_DUP2, of, to) for of, to in ((null, 0), (theirs, 1), (theirs, 2))]
    started = time.monotonic_ns() / 1e6
    child = os.posix_spawn(job["argv"][0], job["argv"], job["env"], file_actions=files)
    os.close(theirs)
    last = before = b""
    while chunk := os.read(ours, 65536):
        before, last = last, chunk
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic_ns() / 1e6 - started
    os.close(ours)
    run = dict(wall=wall, cpu=(used.ru_utime + used.ru_stime) * 1e3, memory=used.ru_maxrss * unit / 1e6)
    print(json.dumps(dict(run, started=started, status=status, end=(before + last)[-1000:].decode(errors="replace"))), flush=True)
`

function startClock(): Clock {
  const child = spawn(python, ['-c', CLOCK], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface(child.stdout)
  return {
    time: async ({ argv, env }) => {
      const answer = once(answers, 'line')
      const common = { PATH: process.env.PATH ?? '', HOME: temp, LANG: 'C' }
      child.stdin.write(`${JSON.stringify({ argv, env: { ...common, ...env }, cwd: temp })}\n`)
      const [line] = await answer
      return JSON.parse(line)
    },
    stop: () => child.stdin.end(),
  }
}

const REFERENCES = 'Action=DescribeImageReferences&'

/** The part of EC2 that a hit, a plan and a rehearsal of `prune` need, over HTTPS. */
interface Stub {
  /** The environment with which a process of any language uses it. */
  readonly environment: Readonly<Record<string, string>>
  forget(): void
  /** When the first request since `forget` arrived, by the monotonic clock. */
  firstRequest(): number | undefined
  /** The number of requests since `forget`, or of those that have this text. */
  countRequests(text?: string): number
  stop(): void
}

async function startStub(): Promise<Stub> {
  const [key, cert] = [path.join(temp, 'key.pem'), path.join(temp, 'cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(openssl, ['req', '-x509', ...kind, ...name, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  let first: number | undefined
  const requests: string[] = []
  const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
    first ??= Number(process.hrtime.bigint()) / 1e6
    void readText(request).then(body => {
      requests.push(body)
      response.setHeader('content-type', 'text/xml').end(answer(body, request.headers.authorization ?? ''))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    environment: { AWS_ENDPOINT_URL_EC2: `https://127.0.0.1:${port}`, ...CREDENTIALS, ...trust(cert) },
    forget: () => {
      first = undefined
      requests.splice(0)
    },
    firstRequest: () => first,
    countRequests: (text = '') => requests.filter(body => body.includes(text)).length,
    stop: () => void server.close().closeAllConnections(),
  }
}

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' }

function trust(cert: string): Record<string, string> {
  return { NODE_EXTRA_CA_CERTS: cert, AWS_CA_BUNDLE: cert }
}

/** The answer to a request; which region it is for is in its signature. */
function answer(body: string, signature: string): string {
  const action = new URLSearchParams(body).get('Action') ?? ''
  const items = ANSWERS[action]?.(body, signature)
  if (items === undefined) return describeImages(body)
  return `<?xml version="1.0" encoding="UTF-8"?>
<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>${items}</${action}Response>`
}

const REGIONS = ['us-east-1', 'eu-west-1', 'ap-south-1']
/** How many images a region has, and how many lines they are of. */
const IMAGES_IN_REGION = [667, 667, 666]
const LINES = 20

/** What a rehearsal of `prune` asks for; every second image is used by an instance. */
const ANSWERS: Readonly<Record<string, (body: string, signature: string) => string | undefined>> = {
  DescribeRegions: () => list('regionInfo', REGIONS, name => `<regionName>${name}</regionName>`),
  DescribeKeyPairs: () => '<keySet/>',
  DescribeImages: (body, signature) => (body.includes('tag-key') ? describeAccount(body, signature) : undefined),
  DescribeImageReferences: body => {
    const used = idsIn(body).filter(id => Number.parseInt(id.slice(-1), 16) % 2 === 0)
    return list(
      'imageReferenceSet',
      used,
      id => `<imageId>${id}</imageId><arn>arn:aws:ec2:us-east-1:1:instance/i-1</arn>`,
    )
  },
  DescribeImageAttribute: body => `<imageId>${idsIn(body)[0]}</imageId><launchPermission/>`,
}

function idsIn(body: string): string[] {
  return body.match(/ami-[0-9a-f]{17}/g) ?? []
}

function list(name: string, values: readonly string[], toXml: (value: string) => string): string {
  return `<${name}>${values.map(value => `<item>${toXml(value)}</item>`).join('')}</${name}>`
}

/** A page of images with copies in the other regions; the first of them are the newest. */
function describeAccount(body: string, signature: string): string {
  const place = REGIONS.findIndex(region => signature.includes(`/${region}/`))
  const parameters = new URLSearchParams(body)
  const start = Number(parameters.get('NextToken') ?? 0)
  const end = Math.min(start + Number(parameters.get('MaxResults') ?? 1000), IMAGES_IN_REGION[place] ?? 0)
  const numbers = Array.from({ length: end - start }, (_, index) => start + index)
  const token = end < (IMAGES_IN_REGION[place] ?? 0) ? `<nextToken>${end}</nextToken>` : ''
  return list('imagesSet', numbers.map(String), number => describeImage(Number(number), place)) + token
}

function describeImage(number: number, place: number): string {
  const id = (region: number) => `ami-${region}${number.toString(16).padStart(16, '0')}`
  const tags = {
    ami_config_checksum: number.toString(16).padStart(40, '0'),
    ami_bakery_template: `line-${number % LINES}/ami.pkr.hcl`,
    ami_bakery_repository: 'example/app',
    ami_bakery_baked_at: new Date(Date.UTC(2025, 0, 1) - number * 1e7).toISOString(),
    ...(place > 0 && { ami_bakery_image: id(0) }),
  }
  const items = Object.entries(tags).map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
  return `<imageId>${id(place)}</imageId><imageState>available</imageState><imageOwnerId>123456789012</imageOwnerId>
<architecture>x86_64</architecture><creationDate>2025-01-01T00:00:00.000Z</creationDate><tagSet>${items.join('')}</tagSet>
<blockDeviceMapping><item><ebs><snapshotId>snap-1</snapshotId><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping>`
}

/** The answer to DescribeImages: an image for each checksum of the request's filter. */
function describeImages(body: string): string {
  const images = [...body.matchAll(/[0-9a-f]{40}/g)].map(
    ([checksum], number) => `<item>
<imageId>ami-${String(number).padStart(17, '0')}</imageId><imageState>available</imageState>
<imageOwnerId>123456789012</imageOwnerId><name>app-${number}</name><creationDate>2026-01-01T00:00:00.000Z</creationDate>
<tagSet><item><key>ami_config_checksum</key><value>${checksum}</value></item></tagSet></item>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>
<imagesSet>${images.join('')}</imagesSet></DescribeImagesResponse>`
}

async function smallGroup(env: Stub['environment']): Promise<Group> {
  makeTree({ files: 21, size: 2_000 })
  writeImagesFile({ app: [definition] })
  const query = ['--owners', 'self', '--filters', `Name=tag:ami_config_checksum,Values=${'0'.repeat(40)}`]
  const region = { AWS_DEFAULT_REGION: 'us-east-1' }
  const jobs = [
    { name: EMPTY, argv: [process.execPath, '-e', '0'] },
    hit(env),
    hitByName(env),
    { name: POST, argv: [process.execPath, path.join(dist, 'post.js')], env: runnerEnvironment() },
    ...yardsticks(env),
    ...(aws ? [{ name: AWS, argv: [aws, 'ec2', 'describe-images', ...query], env: { ...env, ...region } }] : []),
  ]
  return { title: SMALL, rounds: 15, jobs }
}

async function manyGroup(env: Stub['environment']): Promise<Group> {
  makeTree({ files: 10_000, size: 10_000 })
  return { title: MANY, rounds: 9, jobs: [hit(env), ...yardsticks(env)] }
}

/** All images are hits. The hit that they are compared with includes the same files in one checksum. */
async function planGroup(env: Stub['environment']): Promise<Group> {
  makeTree({ files: 10_000, size: 10_000, filesPerDirectory: 50 })
  const directories = fs.globSync(path.join(definition, 'part-*')).sort()
  writeImagesFile(Object.fromEntries(directories.map((directory, number) => [`app-${number}`, [directory]])))
  const plan = {
    name: PLANNED,
    argv: [process.execPath, path.join(dist, 'plan.js')],
    env: { ...runnerEnvironment(), 'INPUT_IMAGES-FILE': IMAGES_FILE, ...env },
  }
  return { title: PLAN, rounds: 9, jobs: [hit(env), plan] }
}

/** A rehearsal that no image of the images file keeps: three of each line are kept, and half of the others are used. */
async function pruneGroup(env: Stub['environment']): Promise<Group> {
  const templates = Array.from({ length: LINES }, (_, line) => `line-${line}/ami.pkr.hcl`)
  const prune = {
    name: PRUNED,
    argv: [process.execPath, path.join(dist, 'prune.js')],
    env: {
      ...runnerEnvironment(),
      INPUT_TEMPLATES: templates.join('\n'),
      'INPUT_AWS-REGION': 'us-east-1',
      GITHUB_REPOSITORY: 'example/app',
      ...env,
    },
  }
  return { title: PRUNE, rounds: 5, jobs: [prune] }
}

/** Ten images a request, in each region; three units of every line need no check. */
function referenceRequests(): number {
  return IMAGES_IN_REGION.reduce((sum, images) => sum + Math.ceil((images - 3 * LINES) / 10), 0)
}

async function countlessGroup(env: Stub['environment']): Promise<Group> {
  makeTree({ files: 100_000, size: 1_000 })
  return { title: COUNTLESS, rounds: 5, jobs: [hit(env), ...yardsticks(env)] }
}

/** One file under five names, so that it fits in the memory of a small machine. */
async function largeGroup(env: Stub['environment']): Promise<Group> {
  makeTree({ files: 0, size: 0 })
  const names = [1, 2, 3, 4, 5].map(number => path.join(definition, `file-${number}`))
  const [first = '', ...others] = names
  for (const block = randomBytes(1e6); (fs.statSync(first, { throwIfNoEntry: false })?.size ?? 0) < 1e9; ) {
    fs.appendFileSync(first, block)
  }
  for (const other of others) fs.linkSync(first, other)
  const raw = { name: OPENSSL, argv: [openssl, 'sha1', ...names] }
  return { title: LARGE, rounds: 3, jobs: [hit(env), raw] }
}

let ec2: Ec2Server | undefined

/** Real Packer, with its amazon plugin, and an emulator of EC2 that is reset before each run. */
async function bakeGroup(): Promise<Group> {
  if (!hasTools('moto_server', 'packer', 'packer_plugins')) return { title: BAKE, rounds: 0, jobs: [] }
  ec2 = await startEc2()
  const forget = ec2.reset
  makeTree({ files: 1, size: 100 })
  const noise = 'post-processor "shell-local" { inline = ["seq 1 100000"] }'
  const template = path.join(definition, 'app.pkr.hcl')
  fs.writeFileSync(template, withSteps(hclTemplate(), noise))
  const env = { ...ec2.environment, ...packerEnvironment(), CHECKPOINT_DISABLE: '1' }
  const variable = '-var=aws_region=us-east-1'
  const shell = (line: string) => ['/bin/sh', '-c', line, template]
  const checks = shell(`packer init "$0" && packer validate ${variable} "$0"`)
  const jobs = [
    { name: PACKER_CHECKS, argv: checks, env },
    { name: PACKER, argv: shell(`exec packer build ${variable} "$0"`), env, prepare: forget },
    { ...hit(env, template), name: BAKED, prepare: forget },
  ]
  return { title: BAKE, rounds: 3, jobs }
}

function hit(env: Readonly<Record<string, string>>, template = TEMPLATE): Job {
  const inputs = {
    'INPUT_PACKER-TEMPLATE': template,
    'INPUT_AMI-DEFINITION-DIRS': definition,
    'INPUT_AWS-REGION': 'us-east-1',
  }
  const argv = [process.execPath, path.join(dist, 'index.js')]
  return { name: HIT, argv, env: { ...runnerEnvironment(), ...inputs, ...env } }
}

/** The hit of `hit`, with its settings from the images file. */
function hitByName(env: Readonly<Record<string, string>>): Job {
  const inputs = { INPUT_IMAGE: 'app', 'INPUT_IMAGES-FILE': IMAGES_FILE }
  const argv = [process.execPath, path.join(dist, 'index.js')]
  return { name: HIT_BY_NAME, argv, env: { ...runnerEnvironment(), ...inputs, ...env } }
}

/** The same work by shell tools and by the original. */
function yardsticks(env: Readonly<Record<string, string>>): readonly Job[] {
  const files = `find "$0" -type f ! -name '.*' -print0 | LC_ALL=C sort -z`
  const pipeline = `${files} | xargs -0 sha1sum | cut -c1-40 | tr -d '\\n' | sha1sum`
  const shell = { name: PIPELINE, argv: ['/bin/sh', '-c', pipeline, definition] }
  if (!original) return [shell]
  const asked = {
    PACKER_JSON_PATH: TEMPLATE,
    AMI_DEFINITION_DIRS: definition,
    AWS_DEFAULT_REGION: 'us-east-1',
  }
  return [shell, { name: ORIGINAL, argv: [python, original], env: { ...env, ...asked } }]
}

function runnerEnvironment(): Record<string, string> {
  const files = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map(name => [name, path.join(temp, name)])
  for (const [, file = ''] of files) fs.writeFileSync(file, '')
  return { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: temp, RUNNER_TEMP: temp, ...Object.fromEntries(files) }
}

/** Writes the images file: the definition directories of each image, all with the same template. */
function writeImagesFile(images: Readonly<Record<string, readonly string[]>>): void {
  const lines = Object.entries(images).flatMap(([name, directories]) => [
    `  ${name}:`,
    `    packer-template: ${TEMPLATE}`,
    `    ami-definition-dirs: ${directories.join(',')}`,
    '    aws-region: us-east-1',
  ])
  fs.writeFileSync(IMAGES_FILE, `images:\n${lines.join('\n')}\n`)
}

/** Creates files of random bytes in directories, and a template next to them. */
function makeTree({
  files,
  size,
  filesPerDirectory = 100,
}: {
  files: number
  size: number
  filesPerDirectory?: number
}): void {
  fs.mkdirSync(definition)
  fs.writeFileSync(TEMPLATE, '{ "builders": [{ "type": "amazon-ebs" }] }')
  for (let number = 0; number < files; number++) {
    const part = String(Math.floor(number / filesPerDirectory)).padStart(4, '0')
    const directory = path.join(definition, `part-${part}`)
    if (number % filesPerDirectory === 0) fs.mkdirSync(directory)
    fs.writeFileSync(path.join(directory, `file-${number}.conf`), randomBytes(size))
  }
  execFileSync('sync')
}

function endBySignal(): void {
  void ec2?.stop()
  process.exit(1)
}

function findProgram(name: string, ...first: readonly string[]): string | undefined {
  const directories = [...first, ...(process.env.PATH ?? '').split(path.delimiter)].filter(Boolean)
  return directories.map(directory => path.join(directory, name)).find(file => fs.existsSync(file))
}

/** A goal, in the unit of its limit: `x` times something else, megabytes, kilobytes, requests to EC2. */
interface Goal {
  readonly what: string
  readonly unit: ' x' | ' MB' | ' KB' | ' requests'
  readonly limit: number
  /** `undefined` when it was not measured. */
  readonly value: (results: Results) => number | undefined
}

type Measure = keyof Run

function middle(results: Results, group: string, job: string, measure: Measure = 'wall'): number | undefined {
  const values = (results[group]?.[job] ?? []).flatMap(run => run[measure] ?? []).sort((a, b) => a - b)
  const half = values.length / 2
  const [low, high] = [values[Math.ceil(half) - 1], values[Math.floor(half)]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

function ratio(group: string, job: string, to: string, measure: Measure = 'wall'): Goal['value'] {
  return results => {
    const value = middle(results, group, job, measure)
    const yardstick = middle(results, group, to, measure === 'request' ? 'wall' : measure)
    return value === undefined || yardstick === undefined ? undefined : value / yardstick
  }
}

function peak(group: string, job = HIT, measure: 'memory' | 'requests' | 'references' = 'memory'): Goal['value'] {
  return results => Math.max(...(results[group]?.[job] ?? []).map(run => run[measure]))
}

/** The action's time, less the half second that it may take, relative to these steps without the action. */
function throughAction(...steps: readonly string[]): Goal['value'] {
  return results => {
    const [action, ...alone] = [BAKED, ...steps].map(job => middle(results, BAKE, job))
    const sum = alone.reduce<number>((total, time) => total + (time ?? Number.NaN), 0)
    return action === undefined ? undefined : (action - 500) / sum
  }
}

/** The files of `dist` that a hit loads; the others are loaded on demand. */
const HIT_FILES = ['index', 'runner', 'look-up', 'rolldown-runtime']

function hitCode(): Buffer {
  return Buffer.concat(HIT_FILES.map(name => fs.readFileSync(path.join(dist, `${name}.js`))))
}

const GOALS: readonly Goal[] = [
  { what: '`dist`: what a hit loads', unit: ' KB', limit: 300, value: () => hitCode().length / 1000 },
  {
    what: '`dist`: what a hit loads, gzipped',
    unit: ' KB',
    limit: 90,
    value: () => gzipSync(hitCode()).length / 1000,
  },
  { what: `${SMALL}: hit, to the original`, unit: ' x', limit: 0.3, value: ratio(SMALL, HIT, ORIGINAL) },
  { what: `${SMALL}: hit, to the original, CPU`, unit: ' x', limit: 0.3, value: ratio(SMALL, HIT, ORIGINAL, 'cpu') },
  { what: `${SMALL}: hit, to \`${EMPTY}\``, unit: ' x', limit: 4, value: ratio(SMALL, HIT, EMPTY) },
  {
    what: `${SMALL}: hit by \`image\`, to a hit by inputs`,
    unit: ' x',
    limit: 1.15,
    value: ratio(SMALL, HIT_BY_NAME, HIT),
  },
  { what: `${SMALL}: hit, peak memory`, unit: ' MB', limit: 80, value: peak(SMALL) },
  {
    what: `${SMALL}: first request to EC2, to \`${EMPTY}\``,
    unit: ' x',
    limit: 3.3,
    value: ratio(SMALL, HIT, EMPTY, 'request'),
  },
  { what: `\`post\` after a hit, to \`${EMPTY}\``, unit: ' x', limit: 1.6, value: ratio(SMALL, POST, EMPTY) },
  { what: `${MANY}: hit, to \`${PIPELINE}\``, unit: ' x', limit: 0.75, value: ratio(MANY, HIT, PIPELINE) },
  { what: `${MANY}: hit, to the original`, unit: ' x', limit: 0.5, value: ratio(MANY, HIT, ORIGINAL) },
  { what: `${PLAN}: plan, to one hit over all files`, unit: ' x', limit: 1.4, value: ratio(PLAN, PLANNED, HIT) },
  { what: `${PLAN}: plan, requests to EC2`, unit: ' requests', limit: 4, value: peak(PLAN, PLANNED, 'requests') },
  { what: `${PLAN}: plan, peak memory`, unit: ' MB', limit: 150, value: peak(PLAN, PLANNED) },
  {
    what: `${PRUNE}: prune, requests for references`,
    unit: ' requests',
    limit: referenceRequests(),
    value: peak(PRUNE, PRUNED, 'references'),
  },
  { what: `${PRUNE}: prune, requests to EC2`, unit: ' requests', limit: 1_150, value: peak(PRUNE, PRUNED, 'requests') },
  { what: `${PRUNE}: prune, peak memory`, unit: ' MB', limit: 150, value: peak(PRUNE, PRUNED) },
  { what: `${COUNTLESS}: hit, to \`${PIPELINE}\``, unit: ' x', limit: 0.75, value: ratio(COUNTLESS, HIT, PIPELINE) },
  { what: `${COUNTLESS}: hit, to the original`, unit: ' x', limit: 0.65, value: ratio(COUNTLESS, HIT, ORIGINAL) },
  { what: `${COUNTLESS}: hit, peak memory`, unit: ' MB', limit: 130, value: peak(COUNTLESS) },
  { what: `${LARGE}: hit, to \`${OPENSSL}\``, unit: ' x', limit: 1.12, value: ratio(LARGE, HIT, OPENSSL) },
  { what: `${LARGE}: hit, peak memory`, unit: ' MB', limit: 75, value: peak(LARGE) },
  {
    what: `${BAKE}, less 0.5 s, to \`packer init\`, \`validate\` and \`build\``,
    unit: ' x',
    limit: 1.03,
    value: throughAction(PACKER_CHECKS, PACKER),
  },
  { what: `${BAKE}, less 0.5 s, to \`packer build\` alone`, unit: ' x', limit: 1.03, value: throughAction(PACKER) },
]

function report(results: Results, { load, seconds }: { load: number; seconds: number }): void {
  const [cpu] = os.cpus()
  const machine = `${os.availableParallelism()} × ${cpu?.model ?? process.arch}, ${os.type()}, Node ${process.versions.node}`
  const busy = load > 0.5 ? `, while other programs ran (load ${load.toFixed(1)})` : ''
  const text = [`Measured on ${machine}, in ${seconds.toFixed(0)} s${busy}.`, goalTable(results), runTable(results)]
  console.log(`\n${text.join('\n\n')}`)
  fs.mkdirSync(path.join(root, '.tools'), { recursive: true })
  fs.writeFileSync(
    path.join(root, '.tools', 'bench.json'),
    `${JSON.stringify({ machine, load, results }, undefined, 1)}\n`,
  )
  const page = path.join(root, 'docs', 'performance.md')
  const marked = /(?<=<!-- bench -->\n).*(?=<!-- end of bench -->)/s
  fs.writeFileSync(
    page,
    fs.readFileSync(page, 'utf8').replace(marked, () => `${text.join('\n\n')}\n\n`),
  )
  fs.writeFileSync(path.join(root, 'docs', 'performance.svg'), chart(results))
}

function goalTable(results: Results): string {
  const rows = GOALS.map(({ what, unit, limit, value }) => {
    const found = value(results)
    if (found === undefined || !Number.isFinite(found)) return [what, 'not measured', `${limit}${unit}`, '']
    const shown = `${found.toFixed(unit === ' x' ? 2 : 0)}${unit}`
    return [what, shown, `${limit}${unit}`, found <= limit ? 'met' : '**missed**']
  })
  return table([['what', 'measured', 'goal', ''], ['---', '--:', '--:', '---'], ...rows])
}

function runTable(results: Results): string {
  const rows = Object.entries(results).flatMap(([group, jobs]) =>
    Object.entries(jobs).map(([job, runs]) => {
      const walls = runs.map(({ wall }) => wall)
      const [low, high] = [Math.min(...walls), Math.max(...walls)]
      const [wall, cpu, request] = (['wall', 'cpu', 'request'] as const).map(name => middle(results, group, job, name))
      const memory = Math.max(...runs.map(({ memory }) => memory))
      return [group, job, ...[low, wall, high, cpu, request, memory].map(value => value?.toFixed(0) ?? '')]
    }),
  )
  const head = ['', 'program', 'min ms', 'median ms', 'max ms', 'CPU ms', 'first request ms', 'peak MB']
  return table([head, ['---', '---', ...Array<string>(6).fill('--:')], ...rows])
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

/** Bars of the median times, each group to its own scale, in colours that are legible on light and dark pages. */
function chart(results: Results): string {
  const parts: string[] = []
  let y = 0
  const text = (x: number, content: string, more = '') =>
    parts.push(`<text x="${x.toFixed(0)}" y="${y + 13}"${more}>${content}</text>`)
  for (const [group, jobs] of Object.entries(results)) {
    const bars = Object.keys(jobs).map(job => ({ job, wall: middle(results, group, job) ?? 0 }))
    const longest = Math.max(...bars.map(({ wall }) => wall))
    y += 10
    text(0, group, ' font-weight="bold"')
    for (const { job, wall } of bars) {
      y += 20
      const width = Math.max(1, (wall / longest) * 440)
      text(200, job, ' text-anchor="end"')
      const colour = job.startsWith('AMI Bakery') ? '#d9822b' : '#8c959f'
      parts.push(`<rect x="208" y="${y + 2}" width="${width.toFixed(1)}" height="14" fill="${colour}"/>`)
      text(214 + width, wall < 1000 ? `${wall.toFixed(0)} ms` : `${(wall / 1000).toFixed(2)} s`)
    }
    y += 26
  }
  const font = 'font-family="system-ui, sans-serif" font-size="12" fill="#768390"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 730 ${y}" ${font}>\n${parts.join('\n')}\n</svg>\n`
}

await bench()
