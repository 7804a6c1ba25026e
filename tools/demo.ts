import { execFile, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify, styleText } from 'node:util'
import { type Ec2Server, startEc2 } from '../__tests__/support/ec2.ts'
import { type Instance, startInstance } from '../__tests__/support/instance.ts'
import { packerEnvironment } from '../__tests__/support/packer.ts'
import { type Run, startAction } from '../__tests__/support/runner.ts'
import { toolPath } from '../__tests__/support/tools.ts'

const EXAMPLE = path.resolve(import.meta.dirname, '..', 'example-app')
const PAGE = 'example-app/ami/hello/index.html'
const ID_FILE = 'example-app/ami/.ami_id.json'
const MODULE = 'example-app/terraform/check'
const INPUTS = {
  'packer-template': 'example-app/ami/app.pkr.hcl',
  'ami-definition-dirs': 'example-app/ami',
  'aws-region': 'us-east-1',
}

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
  say(style('dim', 'Packer and Terraform are real. EC2 is an emulator, and the instance is an SSH server.'))
  fs.cpSync(EXAMPLE, path.join(workspace, 'example-app'), { recursive: true })
  await using ec2 = await watch('EC2 is starting', startEc2())
  await using instance = await startInstance()
  await runTerraform('init')

  await play('1  First run: there is no image yet', ec2, instance)
  await play('2  Run again without a change', ec2, instance)
  const page = path.join(workspace, PAGE)
  const original = fs.readFileSync(page, 'utf8')
  fs.writeFileSync(page, original.replace('Hello', 'Good morning'))
  await play('3  Change a word in index.html', ec2, instance)
  fs.writeFileSync(page, original)
  await play('4  Change it back', ec2, instance)
  await showPlan(ec2)
  await showLeftovers(ec2)
}

async function play(title: string, ec2: Ec2Server, instance: Instance): Promise<void> {
  const earlier = instance.commands.length
  const { outputs, seconds } = await runAction(title, ec2, instance)
  const verdict = outputs.cache_hit === 'true' ? style('green', 'hit  ') : style('yellow', 'baked')
  const time = style('bold', `${seconds.toFixed(2)} s`.padStart(7))
  say('', `${style('bold', title.padEnd(40))} ${verdict} ${time}`)
  detail('ami_config_checksum', outputs.ami_config_checksum)
  detail('ami_id', style('cyan', outputs.ami_id ?? ''))
  detail('ami_name', outputs.ami_name)
  const ranScripts = instance.commands.slice(earlier).filter(({ script }) => script)
  if (ranScripts.length > 0) detail('temporary instance', 'received', uploaded(instance), 'and ran install.sh')
  detail('.ami_id.json', fs.readFileSync(path.join(workspace, ID_FILE), 'utf8'))
  detail('Terraform', await applyImage())
}

async function runAction(title: string, ec2: Ec2Server, instance: Instance): Promise<Run> {
  const running = startAction({
    workspace,
    inputs: INPUTS,
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

function lastLine(log: string): string {
  const lines = log.split('\n').filter(line => line && line !== '::endgroup::')
  return lines.at(-1)?.replace(/^(::group::|==> [^:]*: )/, '') ?? ''
}

function uploaded({ uploads }: Instance): string {
  const files = [...uploads.keys()].filter(file => !/script_\d+\.sh$/.test(file))
  return files.map(file => path.basename(file)).join(' and ')
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

/** What a bake of the images file would make. */
async function showPlan(ec2: Ec2Server): Promise<void> {
  const title = '5  A plan of both images of the example'
  const inputs = { 'images-file': 'example-app/ami-bakery.yml' }
  const running = startAction({ action: 'plan', workspace, inputs, env: { ...ec2.environment, TMPDIR: directory } })
  const { exitCode, outputs, seconds, log } = await watch(title, running.ended)
  if (exitCode !== 0) throw new Error(`${title}: the action ended with ${exitCode ?? 'a signal'}.\n${log}`)
  say('', `${style('bold', title.padEnd(40))}       ${style('bold', `${seconds.toFixed(2)} s`.padStart(7))}`)
  for (const [name, { result, reason }] of Object.entries<PlanEntry>(JSON.parse(outputs.plan ?? '{}'))) {
    detail(name, style(result === 'hit' ? 'green' : 'yellow', result.padEnd(5)), reason)
  }
  detail('matrix', outputs.matrix)
}

interface PlanEntry {
  readonly result: string
  readonly reason: string
}

async function showLeftovers(ec2: Ec2Server): Promise<void> {
  const { images, instances, keyPairs, securityGroups } = await ec2.inventory()
  const leftovers = instances.length + keyPairs.length + securityGroups.length
  say('', `Left on EC2: ${images.length} images and ${leftovers || 'no'} instances, key pairs or security groups.`)
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
