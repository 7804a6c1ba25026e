import fs from 'node:fs'
import path from 'node:path'
import { CreateTagsCommand, DeregisterImageCommand, type Image } from '@aws-sdk/client-ec2'
import { expect } from 'vitest'
import type { FaultyEc2 } from './proxy.ts'
import { type Run, type Running, type Step, startAction } from './runner.ts'
import { makeWorkspace, type Workspace } from './workspace.ts'

/** Every wait of the action takes less, but EC2 still has some seconds for an answer: several jobs run at once. */
const QUICK = { AMI_BAKERY_TIME_SCALE: '0.5' }

/** A bake that the `packer` of a tree has begun. */
export interface Bake {
  readonly image: string
  /** The id that it was passed as `base_ami`; empty for an image without a parent. */
  readonly base: string
}

/** A repository with an images file whose images are baked by a shell script, in milliseconds. */
export interface Tree extends Disposable {
  readonly workspace: Workspace
  start(step: Partial<Step>): Running
  /** Runs the step that bakes an image. */
  bake(image: string, more?: Readonly<Record<string, string>>): Promise<Run>
  plan(inputs?: Readonly<Record<string, string>>): Promise<Run>
  /** The bakes so far, in the order of their start. */
  bakes(): readonly Bake[]
  /** Lets the bakes of an image stop right after their start, or go on. */
  hold(image: string): void
  release(image: string): void
  /** Waits until so many bakes of an image have begun. */
  baking(image: string, times?: number): Promise<void>
  /** Lets the bakes of an image fail, or succeed again. */
  break(image: string): void
  repair(image: string): void
}

/**
 * Registers an image as Packer does, unless a file says otherwise. The image's name in the file is that of its directory. It asks EC2
 * through curl, because it has nothing else to ask with.
 */
const PACKER = `#!/bin/sh
case "$1" in
version) echo 'Packer v1.16.0'; exit;;
inspect) printf '> input-variables:\\n\\nvar.aws_region: "x"\\nvar.base_ami: "x"\\nvar.config_checksum: "x"\\n\\n> local-variables:\\n\\n'; exit;;
init | validate | plugins) exit;;
esac
image=$(basename "$PWD")
state=$(dirname "$0")/../.state
for argument; do case "$argument" in -var=base_ami=*) base="\${argument#-var=base_ami=}";; esac; done
echo "$image $base" >> "$state/bakes"
echo '1,,ui,say,==> amazon-ebs.app: Prevalidating any provided VPC information'
while [ -e "$state/hold-$image" ]; do sleep 0.05; done
echo "1,,ui,say,==> amazon-ebs.app: Creating AMI $image from instance i-0"
if [ -e "$state/break-$image" ]; then echo '1,amazon-ebs.app,error,the package mirror is down'; exit 1; fi
answer=$(curl --silent --show-error "$AWS_ENDPOINT_URL_EC2" \\
  --header 'authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request' \\
  --data "Action=RegisterImage&Version=2016-11-15&Name=$image-$$-$(date +%s)")
id=$(echo "$answer" | sed -n 's/.*<imageId>\\(.*\\)<\\/imageId>.*/\\1/p')
echo "1,,ui,message,    amazon-ebs.app: AMI: $id"
echo "1,amazon-ebs.app,artifact,0,id,us-east-1:$id"
`

/**
 * Makes a repository.
 *
 * @param images The further settings of each image in YAML, like `parent: base`. Its template and its definition have its name.
 */
export function makeTree(ec2: FaultyEc2, images: Readonly<Record<string, string>>): Tree {
  const lines = Object.entries(images).map(
    ([name, more]) =>
      `  ${name}: { packer-template: ${name}/t.pkr.hcl, ami-definition-dirs: ${name}${more && `, ${more}`} }`,
  )
  const files = Object.keys(images).map(name => [`${name}/t.pkr.hcl`, `# ${name}\n`])
  const workspace = makeWorkspace({
    'ami-bakery.yml': ['defaults: { aws-region: us-east-1 }', 'images:', ...lines].join('\n'),
    'bin/packer': PACKER,
    '.state/bakes': '',
    ...Object.fromEntries(files),
  })
  fs.chmodSync(path.join(workspace.directory, 'bin/packer'), 0o755)
  const environment = { ...ec2.environment, ...QUICK, PATH: `${workspace.directory}/bin:${process.env.PATH}` }

  const start = ({ env, ...step }: Partial<Step>) =>
    startAction({ workspace: workspace.directory, ...step, env: { ...environment, ...env } })
  function bakes(): readonly Bake[] {
    const begun = workspace.read('.state/bakes').split('\n').filter(Boolean)
    return begun.map(line => line.split(' ')).map(([image = '', base = '']) => ({ image, base }))
  }
  async function baking(image: string, times = 1): Promise<void> {
    while (bakes().filter(bake => bake.image === image).length < times) await new Promise(done => setTimeout(done, 5))
  }
  const set = (file: string) => workspace.write({ [`.state/${file}`]: '' })
  const unset = (file: string) => fs.rmSync(path.join(workspace.directory, '.state', file))
  return {
    workspace,
    start,
    bake: (image, more) => start({ inputs: { image, ...more } }).ended,
    plan: inputs => start({ action: 'plan', ...(inputs && { inputs }) }).ended,
    bakes,
    baking,
    hold: image => set(`hold-${image}`),
    release: image => unset(`hold-${image}`),
    break: image => set(`break-${image}`),
    repair: image => unset(`break-${image}`),
    [Symbol.dispose]: workspace[Symbol.dispose],
  }
}

/** The JSON value of an output. */
export function parse(run: Run, output: string) {
  return JSON.parse(run.outputs[output] ?? 'null')
}

/** The images of an account by id, each with its tags. */
export async function tagsOfImages(
  ec2: FaultyEc2,
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { images } = await ec2.inventory()
  return Object.fromEntries(images.map(image => [image.ImageId ?? '', tagsOf(image)]))
}

function tagsOf({ Tags = [] }: Image): Readonly<Record<string, string>> {
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
}

/** Sets tags of an image, as another workflow would. */
export async function tag(ec2: FaultyEc2, id: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  await ec2.client().send(new CreateTagsCommand({ Resources: [id], Tags }))
}

export async function deregister(ec2: FaultyEc2, ImageId: string): Promise<void> {
  await ec2.client().send(new DeregisterImageCommand({ ImageId }))
}

/** Expects that every run has succeeded. */
export function expectSuccess(...runs: readonly Run[]): void {
  for (const run of runs) expect(run.exitCode, run.log).toBe(0)
}

/** The message of a run's one error. Expects that the run has failed, and gives no id. */
export function errorOf({ annotations, exitCode, outputs, log }: Run): string {
  expect(exitCode, log).toBe(1)
  expect(outputs).not.toHaveProperty('ami_id')
  const errors = annotations.filter(({ level }) => level === 'error')
  expect(errors, log).toHaveLength(1)
  return errors[0]?.message ?? ''
}

/** The images that were baked, in the order of their bakes. */
export function imagesOf(tree: Tree): string[] {
  return tree.bakes().map(({ image }) => image)
}
