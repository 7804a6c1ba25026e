import { execFile, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify, styleText } from 'node:util'
import { type Ec2Server, startEc2 } from '../__tests__/support/ec2.ts'
import { type Instance, startInstance } from '../__tests__/support/instance.ts'
import { packerEnvironment } from '../__tests__/support/packer.ts'
import { type Run, type Step, startAction } from '../__tests__/support/runner.ts'
import { toolPath } from '../__tests__/support/tools.ts'

const EXAMPLE = path.resolve(import.meta.dirname, '..', 'example-app')
const PAGE = 'example-app/ami/hello/index.html'
const ID_FILE = 'example-app/shop/.ami_id.json'
const MODULE = 'example-app/terraform/check'
const FILE = { 'images-file': 'example-app/ami-bakery.yml' }
const PARAMETER = '/amis/shop'
/** Another account, that the image is shared with. */
const ACCOUNT = '222222222222'
const NAME_TAG = 'ami_bakery_image_name'
const STATE_TAG = 'ami_config_checksum'

// All programs that are started below keep their temporary files here, so that one removal deletes everything.
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ami-bakery-demo-'))
const workspace = path.join(directory, 'checkout')
process.env.TMPDIR = directory
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, endBySignal)
process.stdout.once('error', endByClosedOutput)

try {
  await demonstrate()
} catch (error) {
  say('', style('red', error instanceof Error ? error.message : String(error)))
  process.exitCode = 1
} finally {
  cleanUp()
}

async function demonstrate(): Promise<void> {
  say(style('bold', 'AMI Bakery'))
  say(style('dim', 'Packer and Terraform are real. AWS is an emulator, and the instances are an SSH server.'))
  fs.cpSync(EXAMPLE, path.join(workspace, 'example-app'), { recursive: true })
  await using ec2 = await watch('EC2 is starting', startEc2())
  await using instance = await startInstance()
  await runTerraform('init')
  const stage = { ec2, instance }
  const page = path.join(workspace, PAGE)
  const original = fs.readFileSync(page, 'utf8')

  await plan('1  Plan two images: shop is baked from app', stage)
  await bake('2  Bake shop, and app before it', stage)
  await bake('3  Run again without a change', stage)
  await publish('4  Publish it: region, account, parameter', stage)
  fs.writeFileSync(page, original.replace('Hello', 'Good morning'))
  await bake('5  Change a word of app: a candidate', stage, { candidate: 'true' })
  await publish('6  After its tests, publish the candidate', stage)
  await revoke('7  Revoke the new app and what is on it', stage)
  fs.writeFileSync(page, original)
  await plan('8  Change the word back and plan again', stage)
  await prune('9  Prune what nothing uses', stage)
  await showLeftovers(ec2)
}

/** Where the actions run: an emulator of AWS, and an SSH server in place of an instance. */
interface Stage {
  readonly ec2: Ec2Server
  readonly instance: Instance
}

type Inputs = Readonly<Record<string, string>>

async function plan(title: string, stage: Stage): Promise<void> {
  const run = await runAction(title, stage, { action: 'plan', inputs: { ...FILE, images: 'app, shop' } })
  announce(title, run)
  for (const [name, { result, reason }] of Object.entries<PlanEntry>(JSON.parse(run.outputs.plan ?? '{}'))) {
    detail(name, style(result === 'hit' ? 'green' : 'yellow', result.padEnd(5)), reason)
  }
  detail('layers', run.outputs.layers)
}

interface PlanEntry {
  readonly result: string
  readonly reason: string
}

async function bake(title: string, stage: Stage, more: Inputs = {}): Promise<void> {
  const earlier = stage.instance.commands.length
  const run = await runAction(title, stage, { inputs: { ...FILE, image: 'shop', ...more } })
  const { outputs } = run
  announce(title, run, outputs.cache_hit === 'true' ? style('green', 'hit') : style('yellow', 'baked'))
  detail('ami_config_checksum', outputs.ami_config_checksum)
  detail('ami_id', style('cyan', outputs.ami_id ?? ''), outputs.state === 'candidate' ? '(candidate)' : '')
  const bakes = stage.instance.commands.slice(earlier).filter(({ script }) => script)
  if (bakes.length > 0) detail('temporary instances', `${bakes.length}, provisioned over SSH and terminated`)
  detail('Terraform', await applyImage())
}

async function publish(title: string, stage: Stage): Promise<void> {
  const inputs = { ...FILE, images: 'shop', regions: 'eu-west-1', 'share-with': ACCOUNT, 'ssm-parameter': PARAMETER }
  const run = await runAction(title, stage, { action: 'publish', inputs })
  announce(title, run)
  detail('ami_ids', run.outputs.ami_ids)
  detail(PARAMETER, 'holds the id of each region')
}

async function revoke(title: string, stage: Stage): Promise<void> {
  const newest = await findNewest(stage.ec2, 'app')
  const inputs = {
    'ami-id': newest,
    reason: 'the greeting is wrong',
    'aws-region': 'us-east-1',
    'ssm-parameter': PARAMETER,
  }
  const run = await runAction(title, stage, { action: 'revoke', inputs })
  announce(title, run)
  detail('revoked', run.outputs.revoked)
  detail('rolled_back', run.outputs.rolled_back)
}

async function findNewest(ec2: Ec2Server, name: string): Promise<string> {
  const { images } = await ec2.inventory()
  const named = images.filter(({ Tags = [] }) => Tags.some(({ Key, Value }) => Key === NAME_TAG && Value === name))
  const dates = named.map(({ CreationDate = '', ImageId = '' }) => [CreationDate, ImageId] as const)
  return dates.sort().at(-1)?.[1] ?? ''
}

async function prune(title: string, stage: Stage): Promise<void> {
  const inputs = {
    ...FILE,
    'aws-region': 'us-east-1',
    'keep-last': '1',
    'keep-days': '0',
    shared: 'usage',
    'dry-run': 'false',
  }
  const run = await runAction(title, stage, { action: 'prune', inputs })
  announce(title, run)
  for (const [id, reason] of Object.entries(JSON.parse(run.outputs.marked ?? '{}')))
    detail('marked', id, String(reason))
  for (const [id, reason] of Object.entries(JSON.parse(run.outputs.kept ?? '{}'))) detail('kept', id, String(reason))
}

interface ActionStep {
  readonly action?: Exclude<Step['action'], undefined>
  readonly inputs: Inputs
}

async function runAction(title: string, { ec2, instance }: Stage, step: ActionStep): Promise<Run> {
  const running = startAction({
    workspace,
    ...step,
    env: {
      ...ec2.environment,
      ...packerEnvironment(),
      HOME: directory,
      TMPDIR: directory,
      PKR_VAR_ssh_host: '127.0.0.1',
      PKR_VAR_ssh_port: String(instance.port),
    },
  })
  const run = await watch(title, running.ended, () => lastLine(running.log()))
  if (run.exitCode === 0) return run
  throw new Error(`${title}: the action ended with ${run.exitCode ?? 'a signal'}.\n${run.log}`)
}

function announce(title: string, { seconds }: Run, verdict = ''): void {
  const time = style('bold', `${seconds.toFixed(2)} s`.padStart(7))
  say('', `${style('bold', title.padEnd(44))}${time}  ${verdict}`)
}

function lastLine(log: string): string {
  const lines = log.split('\n').filter(line => line && line !== '::endgroup::')
  return lines.at(-1)?.replace(/^(::group::|==> [^:]*: )/, '') ?? ''
}

async function applyImage(): Promise<string> {
  const report = await runTerraform('apply', '-auto-approve', `-var-file=${path.join(workspace, ID_FILE)}`)
  const [changes = 'no changes'] = /\d+ added, \d+ changed, \d+ destroyed/.exec(report) ?? []
  const id = await runTerraform('output', '-raw', 'ami_id')
  return `${style('cyan', id)}: ${changes.replace('0 added, 0 changed, 0 destroyed', 'no changes')}`
}

async function runTerraform(command: string, ...args: readonly string[]): Promise<string> {
  const { TF_CLI_CONFIG_FILE: _, ...env } = process.env
  const options = { env: { ...env, HOME: directory, CHECKPOINT_DISABLE: '1' } }
  const words = [`-chdir=${path.join(workspace, MODULE)}`, command, '-no-color', ...args]
  const { stdout } = await promisify(execFile)(toolPath('terraform'), words, options)
  return stdout
}

async function showLeftovers(ec2: Ec2Server): Promise<void> {
  say('', style('bold', 'Left on AWS'))
  for (const region of ['us-east-1', 'eu-west-1']) {
    const { images, instances, keyPairs, securityGroups } = await ec2.inventory(region)
    const leftovers = instances.length + keyPairs.length + securityGroups.length
    const states = Map.groupBy(images, ({ Tags = [] }) => stateOf(Tags.find(({ Key }) => Key === STATE_TAG)?.Value))
    const counts = [...states].map(([state, { length }]) => `${length} ${state}`).join(', ')
    detail(
      region,
      `${images.length} images (${counts}),`,
      `${leftovers || 'no'} instances, key pairs or security groups`,
    )
  }
}

function stateOf(value = ''): string {
  return /^[0-9a-f]{40}$/.test(value) ? 'published' : (value.split(':')[0] ?? '')
}

/** Waits for the work. On a terminal, a line shows its progress. */
async function watch<Result>(
  title: string,
  work: Promise<Result>,
  latest = (): string | undefined => '',
): Promise<Result> {
  if (!process.stdout.isTTY) return await work
  const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
  let tick = 0
  const timer = setInterval(() => {
    const line = `${frames[tick++ % frames.length]} ${title}  `
    const rest = (latest() ?? '').slice(0, Math.max(0, process.stdout.columns - line.length - 1))
    process.stdout.write(`\r\u001b[2K${line}${style('dim', rest)}`)
  }, 80)
  try {
    return await work
  } finally {
    clearInterval(timer)
    process.stdout.write('\r\u001b[2K')
  }
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

function detail(name: string, ...words: readonly (string | undefined)[]): void {
  say(`   ${style('dim', name.padEnd(21))}${words.join(' ')}`)
}

function style(format: 'bold' | 'dim' | 'cyan' | 'green' | 'yellow' | 'red', text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

function endBySignal(signal: NodeJS.Signals): void {
  cleanUp()
  if (process.stdout.isTTY) say('')
  process.kill(process.pid, signal)
}

/** The reader of the output, for example `head`, has ended. */
function endByClosedOutput(): never {
  cleanUp()
  process.exit(1)
}

function cleanUp(): void {
  while (killRemaining()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  fs.rmSync(directory, { recursive: true, force: true })
}

/**
 * Kills the remaining processes that the demo has started: its children, and those that name its directory, with their process
 * groups. The action gives Packer a process group of its own, so that Packer can clean up after a cancel.
 *
 * @returns Whether there were any.
 */
function killRemaining(): boolean {
  const ps = spawnSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pgid=,stat=,command='], { encoding: 'utf8' })
  const processes = (ps.stdout ?? '').split('\n').map(readProcess)
  const ours = processes.find(({ pid }) => pid === process.pid)
  const rest = processes.filter(
    ({ pid, parent, dead, command }) =>
      !dead && pid !== ps.pid && pid !== process.pid && (parent === process.pid || command.includes(directory)),
  )
  for (const { pid, group } of rest) kill(group === ours?.group ? pid : -group)
  return rest.length > 0
}

function readProcess(line: string) {
  const [pid, parent, group, state = '', ...command] = line.trim().split(/\s+/)
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    dead: state.startsWith('Z'),
    command: command.join(' '),
  }
}

function kill(target: number): void {
  try {
    process.kill(target, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
