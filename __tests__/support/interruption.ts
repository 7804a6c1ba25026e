import { setTimeout as sleep } from 'node:timers/promises'
import type { Ec2Server } from './ec2.ts'
import type { Fault } from './proxy.ts'
import { cancel, type Run, type Running } from './runner.ts'
import { processesIn, type Scene, type Stock, setScene } from './scene.ts'
import { hclTemplate } from './workspace.ts'

/** Something that interrupts a bake. */
export interface Interruption {
  readonly name: string
  /** By default a template without a provisioner. */
  readonly template?: () => string
  /** Shell commands at the start of the `packer` on PATH. */
  readonly packer?: string
  /** The program that starts the step. */
  readonly under?: readonly string[]
  /** Further variables in the environment of `post`. */
  readonly post?: Readonly<Record<string, string>>
  readonly faults?: readonly Fault[]
  /** How long these things take, in milliseconds. */
  readonly slow?: { readonly images?: number; readonly copies?: number; readonly termination?: number }
  /** Interrupts the bake. Returns the step's run, unless the step's process continues. */
  interrupt(running: Running, scene: Scene): Promise<Run | undefined>
}

/** Every wait of the action takes a tenth. */
export const FAST = { AMI_BAKERY_TIME_SCALE: '0.1' }

export const WAITING = 'provisioner "shell-local" { inline = ["echo waiting; sleep 600"] }'
export const FAILING = 'provisioner "shell-local" { inline = ["exit 1"] }'
export const FAILING_AFTERWARDS = [
  'post-processor "manifest" { output = ".manifest.json" }',
  'post-processor "shell-local" { inline = ["exit 1"] }',
]
export const TEMPORARY_ROLE = `temporary_iam_instance_profile_policy_document {
  Version = "2012-10-17"
  Statement {
    Action = ["s3:GetObject"]
    Effect = "Allow"
    Resource = ["*"]
  }
}`

/** For the source block: Packer creates neither a key pair nor a group. Any existing file serves as the key's file. */
export const OWN_ACCESS = `ssh_keypair_name = "own"
  ssh_private_key_file = "app.pkr.hcl"
  security_group_filter { filters = { "group-name" = "default" } }`

/** Shell commands for the `packer` on PATH. */
export const ABORTING = 'if [ "$1" = build ]; then shift; set -- build -on-error=abort "$@"; fi'

/** Like the first process of a container on Linux: it becomes the parent of orphaned processes, and never reaps them. */
export const NEGLIGENT_PARENT = [
  'python3',
  '-c',
  'import ctypes, subprocess, sys, time; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); subprocess.Popen(sys.argv[1:]); time.sleep(600)',
]

/** Sets up the scene of an interruption. */
export async function setSceneOf(interruption: Interruption, moto: Ec2Server): Promise<Scene> {
  const { template = hclTemplate, packer, faults = [], slow = {} } = interruption
  const scene = await setScene(moto, template(), packer)
  scene.ec2.fail(...faults)
  scene.ec2.slowImages(slow.images ?? 0)
  scene.ec2.slowCopies(slow.copies ?? 0)
  scene.ec2.slowTermination(slow.termination ?? 0)
  return scene
}

export function cancelWhen(pattern: RegExp): Interruption['interrupt'] {
  return async running => {
    await running.printed(pattern)
    return await cancel(running)
  }
}

export function cancelWhenAsked(action: string, times = 1): Interruption['interrupt'] {
  return async (running, { ec2 }) => {
    await ec2.asked(action, times)
    return await cancel(running)
  }
}

export function killWhen(pattern: RegExp): Interruption['interrupt'] {
  return async running => {
    await running.printed(pattern)
    return await kill(running)
  }
}

/** Kills the step's process, and Packer with its child processes. */
export function killAllWhen(pattern: RegExp): Interruption['interrupt'] {
  return async (running, scene) => {
    await running.printed(pattern)
    return await killAll(running, await scene.packer())
  }
}

/** Both at once: the step must not see that Packer has ended. */
async function killAll(running: Running, packer: number): Promise<Run> {
  running.process.kill('SIGSTOP')
  process.kill(-packer, 'SIGKILL')
  return await kill(running)
}

export async function kill(running: Running): Promise<Run> {
  running.process.kill('SIGKILL')
  return await running.ended
}

/** Kills the step and Packer at once, as when the runner's machine is lost. Images are fast from then on. */
export async function vanish(running: Running, scene: Scene): Promise<void> {
  const group = await scene.packer()
  await killAll(running, group)
  scene.ec2.slowImages(0)
  while (processesIn(group).length > 0) await sleep(10)
}

export async function killPlugin(running: Running, scene: Scene): Promise<Run> {
  await running.printed(/Provisioning with|waiting/)
  for (const { pid, command } of processesIn(await scene.packer())) {
    if (/packer-plugin-amazon.* start builder/.test(command)) process.kill(pid, 'SIGKILL')
  }
  return await running.ended
}

/** Cancels the step this many milliseconds after Packer was started. */
export function cancelAfter(delay: number): Interruption['interrupt'] {
  return async (running, scene) => {
    await scene.packer()
    await sleep(delay)
    return await cancel(running)
  }
}

/** A table with a row for each interruption: what is left on EC2, and how long `post` took. */
export interface Table {
  add(interruption: string, stock: Stock, post: Run): void
  print(): void
}

const COLUMNS = ['interruption', 'instances', 'key pairs', 'security groups', 'AMIs', 'snapshots', 'seconds of post']

/** Makes a table in GitHub's Markdown, with these interruptions in this order. */
export function makeTable(interruptions: readonly string[]): Table {
  const rows = new Map<string, readonly string[]>()
  function add(interruption: string, stock: Stock, post: Run): void {
    const { instances, keyPairs, securityGroups, images, snapshots } = stock
    const tags = images.map(tag => tag.replace(/:.*/, '')).join(', ')
    const counts = [instances.length, keyPairs.length, securityGroups.length, tags || 0, snapshots.length]
    rows.set(interruption, [interruption, ...counts.map(String), post.seconds.toFixed(1)])
  }
  function print(): void {
    const lines = [COLUMNS, COLUMNS.map(() => '---'), ...interruptions.map(name => rows.get(name) ?? [name])]
    const widths = COLUMNS.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
    const cells = (line: readonly string[]) => widths.map((width, column) => (line[column] ?? '').padEnd(width))
    console.log(['', ...lines.map(line => `| ${cells(line).join(' | ')} |`)].join('\n'))
  }
  return { add, print }
}
