import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ec2Server, Inventory } from './ec2.ts'
import { packerEnvironment } from './packer.ts'
import { type FaultyEc2, startProxy } from './proxy.ts'
import { type Running, type Step, startAction } from './runner.ts'
import { hasTools, toolPath } from './tools.ts'
import { makeWorkspace, type Workspace } from './workspace.ts'

/** A step that bakes in an account of its own, with real Packer; what Packer does and what EC2 says can be disturbed. */
export interface Scene extends AsyncDisposable {
  readonly ec2: FaultyEc2
  readonly workspace: Workspace
  /** What the step has in its environment. */
  readonly env: Readonly<Record<string, string>>
  start(step?: Partial<Step>): Running
  /** Waits until `packer build` has been started. Its process group has its number too. */
  packer(): Promise<number>
}

/** Whether this machine can set a scene. */
export const canSetScene = hasTools('moto_server', 'packer', 'packer_plugins')

export const INPUTS = {
  'packer-template': 'ami/app.pkr.hcl',
  'ami-definition-dirs': 'ami',
  'aws-region': 'us-east-1',
}

let accounts = 0

/**
 * Sets the scene for one bake.
 *
 * @param packer Shell commands that the `packer` on PATH begins with; they may change its arguments.
 */
export async function setScene(moto: Ec2Server, template: string, packer = ''): Promise<Scene> {
  const ec2 = await startProxy(moto, String(100_000_000_000 + accounts++))
  const workspace = makeWorkspace({ 'ami/app.pkr.hcl': template, 'bin/packer': wrapPacker(packer) })
  fs.chmodSync(`${workspace.directory}/bin/packer`, 0o755)
  const tools = packerEnvironment()
  const env = {
    ...ec2.environment,
    AWS_ENDPOINT_URL_IAM: ec2.endpoint,
    ...tools,
    PATH: `${workspace.directory}/bin:${tools.PATH}`,
    // How often Packer asks EC2 whether something is ready; it would be every 15 s.
    AWS_POLL_DELAY_SECONDS: '1',
  }
  const started: Running[] = []
  function start(step: Partial<Step> = {}): Running {
    const running = startAction({ workspace: workspace.directory, inputs: INPUTS, env, ...step })
    started.push(running)
    return running
  }
  async function packerStarted(): Promise<number> {
    while (!workspace.has('bin/pid')) {
      if (started.every(({ process }) => process.exitCode !== null)) throw new Error('Packer was not asked to build.')
      await sleep(1)
    }
    return Number(workspace.read('bin/pid'))
  }
  async function stop(): Promise<void> {
    for (const running of started) running.process.kill('SIGKILL')
    if (workspace.has('bin/pid')) killGroup(await packerStarted())
    workspace[Symbol.dispose]()
    await ec2.stop()
  }
  return { ec2, workspace, env, start, packer: packerStarted, [Symbol.asyncDispose]: stop }
}

/** Tells its process id when it is to build, and becomes the real Packer. */
function wrapPacker(commands: string): string {
  const tell = 'if [ "$1" = build ]; then echo $$ > "$0.pid"; mv "$0.pid" "$(dirname "$0")/pid"; fi'
  return ['#!/bin/sh', commands, tell, `exec ${toolPath('packer')} "$@"`].join('\n')
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // It has ended, as it should.
  }
}

/** A process as `ps` shows it. */
export interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly command: string
}

/** The processes of a group, without those that are dead and only not buried yet. */
export function processesIn(group: number): readonly Process[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  const processes = lines.flatMap(line => {
    const [, pid, parent, pgid, state = '', command = ''] = /^ *(\d+) +(\d+) +(\d+) +(\S+) +(.*)$/.exec(line) ?? []
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(pgid), command }]
  })
  return processes.filter(process => process.group === group)
}

/** What there is of each kind on EC2 in these regions: ids and names, of images the value of their checksum's tag. */
export async function takeStock(ec2: FaultyEc2, ...regions: readonly string[]): Promise<Stock> {
  const inventories = await Promise.all(regions.map(region => ec2.inventory(region)))
  const all = (kind: Exclude<keyof Inventory, 'images'>) => inventories.flatMap(inventory => inventory[kind])
  return {
    instances: all('instances'),
    keyPairs: all('keyPairs'),
    securityGroups: all('securityGroups'),
    images: inventories.flatMap(({ images }) =>
      images.map(({ Tags = [] }) => Tags.find(({ Key }) => Key === 'ami_config_checksum')?.Value ?? 'untagged'),
    ),
    snapshots: all('snapshots'),
  }
}

export type Stock = { readonly [kind in keyof Inventory]: readonly string[] }

export const NOTHING: Stock = { images: [], instances: [], keyPairs: [], securityGroups: [], snapshots: [] }
