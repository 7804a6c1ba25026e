import { execFile, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify, styleText } from 'node:util'
import { type Ec2Server, startEc2 } from '../__tests__/support/ec2.ts'
import { type Instance, startInstance } from '../__tests__/support/instance.ts'
import { type Run, startAction } from '../__tests__/support/runner.ts'
import { toolPath } from '../__tests__/support/tools.ts'

/** Where the demo plays: a copy of the example, EC2, and the instance that Packer connects to. */
interface Stage {
  readonly workspace: string
  readonly ec2: Ec2Server
  readonly instance: Instance
}

const EXAMPLE = path.resolve(import.meta.dirname, '..', 'example-app')
const PAGE = 'example-app/ami/hello/index.html'
const ID_FILE = 'example-app/ami/.ami_id.json'
const INPUTS = {
  'packer-template': 'example-app/ami/app.pkr.hcl',
  'ami-definition-dirs': 'example-app/ami',
  'aws-region': 'us-east-1',
}

// Whatever is started below keeps its temporary files here, so one removal leaves nothing on disk.
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ami-bakery-demo-'))
process.env.TMPDIR = directory
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, endBySignal)
try {
  await demonstrate()
} finally {
  clearAway()
}

async function demonstrate(): Promise<void> {
  const workspace = path.join(directory, 'checkout')
  fs.cpSync(EXAMPLE, path.join(workspace, 'example-app'), { recursive: true })
  say(style('bold', 'AMI Bakery'), await describeParts())
  await using ec2 = await showing('EC2 starts', () => '', startEc2())
  await using instance = await startInstance()
  const stage = { workspace, ec2, instance }

  await act(stage, '1  The first run')
  await act(stage, '2  The same definition')
  const page = fs.readFileSync(path.join(workspace, PAGE), 'utf8')
  fs.writeFileSync(path.join(workspace, PAGE), page.replace('once', 'twice'))
  await act(stage, '3  One word changed in index.html')
  fs.writeFileSync(path.join(workspace, PAGE), page)
  await act(stage, '4  The word changed back')
  await showRest(stage)
}

async function describeParts(): Promise<string> {
  const packer = await firstLine('packer', '--version')
  const terraform = await firstLine('terraform', '--version')
  return style('dim', `${packer} and ${terraform} are real, EC2 is an emulator, the instance an SSH server.`)
}

async function act(stage: Stage, title: string): Promise<void> {
  const { run, answer } = await runStep(stage, title)
  const { cache_hit, ami_id = '', ami_name = '', ami_config_checksum = '' } = run.outputs
  const hit = cache_hit === 'true'
  const verdict = hit ? style('green', 'hit  ') : style('yellow', 'baked')
  say('', `${style('bold', title.padEnd(38))}${verdict} ${style('bold', `${run.seconds.toFixed(2)} s`)}`)
  detail('checksum', ami_config_checksum)
  detail('image', `${style('cyan', ami_id)}  ${style('dim', ami_name)}`)
  detail('Packer', answer)
  detail('.ami_id.json', fs.readFileSync(path.join(stage.workspace, ID_FILE), 'utf8'))
  detail('Terraform', await applyTerraform(stage))
}
