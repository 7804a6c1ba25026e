import fs from 'node:fs'
import path from 'node:path'
import type { FaultyEc2 } from './proxy.ts'
import { type Running, type Step, startAction } from './runner.ts'
import { hclTemplate, makeWorkspace, type Workspace } from './workspace.ts'

/** A step whose `packer` is a shell script: for what the real one can't be brought to do. */
export interface FakeScene extends Disposable {
  readonly workspace: Workspace
  start(step?: Partial<Step>): Running
  /** Waits until `packer build` runs. */
  building(): Promise<void>
}

export const INPUTS = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }

/** What a `packer` does with everything but `build`. */
const REST = `case "$1" in
version) echo 'Packer v1.16.0'; exit;;
inspect) printf 'Packer Inspect: HCL2 mode\\n\\n> input-variables:\\n\\nvar.aws_region: "us-east-1"\\nvar.base_ami: "none"\\n\\n> local-variables:\\n\\n'; exit;;
init | validate | plugins) exit;;
esac
touch "$0.builds"`

/** Sets the scene. The script goes on with these commands when it is to build. */
export function fakePacker(ec2: Pick<FaultyEc2, 'environment'>, commands: string): FakeScene {
  return sceneWith(ec2, `${REST}\n${commands}`)
}

/** The same with a `packer` that is nothing but this script. */
export function sceneWith(ec2: Pick<FaultyEc2, 'environment'>, script: string): FakeScene {
  const workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'bin/packer': `#!/bin/sh\n${script}\n` })
  fs.chmodSync(path.join(workspace.directory, 'bin/packer'), 0o755)
  const env = { ...ec2.environment, PATH: `${workspace.directory}/bin:${process.env.PATH}` }
  async function building(): Promise<void> {
    while (!workspace.has('bin/packer.builds')) await new Promise(resolve => setTimeout(resolve, 5))
  }
  return {
    workspace,
    building,
    start: step =>
      startAction({ workspace: workspace.directory, inputs: INPUTS, ...step, env: { ...env, ...step?.env } }),
    [Symbol.dispose]: workspace[Symbol.dispose],
  }
}

/** The shell commands that print how an image is made from an instance, as Packer does. */
export function printBuild(instance: string, image: string): string {
  const texts = [
    'say,==> amazon-ebs.app: Launching a source AWS instance...',
    `message,    amazon-ebs.app: Instance ID: ${instance}`,
    `say,==> amazon-ebs.app: Creating AMI app from instance ${instance}`,
    `message,    amazon-ebs.app: AMI: ${image}`,
  ]
  return texts.map(text => `echo '1,,ui,${text}'`).join('\n')
}

/** The shell command that prints an artifact as Packer does. */
export function printArtifact(...images: readonly string[]): string {
  return `echo '1,amazon-ebs.app,artifact,0,id,${images.join('%!(PACKER_COMMA)')}'`
}
