import { DescribeImagesCommand, EnableImageDeprecationCommand, type Image } from '@aws-sdk/client-ec2'
import type { FaultyEc2 } from './proxy.ts'
import { type ActionName, type Run, type Running, runAction, startAction } from './runner.ts'
import { checksumOf } from './tags.ts'
import { makeWorkspace } from './workspace.ts'

/** The region of the look-up. */
export const HOME = 'us-east-1'
export const BASE = checksumOf('base')
export const WEB = checksumOf('web')
export const APP = checksumOf('app')

type Tags = Readonly<Record<string, string>>

/** A published image with copies in two regions, its child, and the child of that. */
export interface Family {
  readonly base: string
  /** The base image's copies by region. */
  readonly copies: Readonly<Record<string, string>>
  readonly web: string
  readonly webCopy: string
  readonly app: string
}

/** Creates a family of published images. */
export async function makeFamily(ec2: FaultyEc2): Promise<Family> {
  const of = (checksum: string, name: string, more: Tags = {}) => ({
    ami_config_checksum: checksum,
    ami_bakery_template: `${name}/t.pkr.hcl`,
    ...more,
  })
  const base = await ec2.makeImage(of(BASE, 'base'))
  const copies = {
    'eu-west-1': await ec2.makeImage(of(BASE, 'base', { ami_bakery_image: base }), 'eu-west-1'),
    'ap-south-1': await ec2.makeImage(of(BASE, 'base', { ami_bakery_image: base }), 'ap-south-1'),
  }
  const web = await ec2.makeImage(of(WEB, 'web', { ami_bakery_parent: base }))
  const webCopy = await ec2.makeImage(of(WEB, 'web', { ami_bakery_parent: base, ami_bakery_image: web }), 'eu-west-1')
  const app = await ec2.makeImage(of(APP, 'app', { ami_bakery_base: web }))
  return { base, copies, web, webCopy, app }
}

/** Runs a sub-action to its end, with these inputs in addition to the region. */
export async function runSub(action: ActionName, ec2: FaultyEc2, inputs: Tags, env: Tags = {}): Promise<Run> {
  using workspace = makeWorkspace({ 'a.txt': '' })
  return await runAction({ action, workspace: workspace.directory, ...given(ec2, inputs, env) })
}

/** Starts a sub-action in a workspace. */
export function startSub(action: ActionName, ec2: FaultyEc2, workspace: string, inputs: Tags, env: Tags = {}): Running {
  return startAction({ action, workspace, ...given(ec2, inputs, env) })
}

function given(ec2: FaultyEc2, inputs: Tags, env: Tags) {
  return { inputs: { 'aws-region': HOME, ...inputs }, env: { ...ec2.environment, ...env } }
}

/** An image as EC2 describes it. */
export async function describe(ec2: FaultyEc2, id: string, region = HOME): Promise<Image> {
  const { Images = [] } = await ec2
    .client(region)
    .send(new DescribeImagesCommand({ ImageIds: [id], IncludeDisabled: true }))
  return Images[0] ?? {}
}

export async function tagsOf(ec2: FaultyEc2, id: string, region = HOME): Promise<Record<string, string>> {
  const { Tags = [] } = await describe(ec2, id, region)
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
}

/** The value of an image's checksum tag. */
export async function checksumTagOf(ec2: FaultyEc2, id: string, region = HOME): Promise<string | undefined> {
  return (await tagsOf(ec2, id, region)).ami_config_checksum
}

/** What the tool finds that this action succeeds: its only query. */
export async function findAsOldTool(ec2: FaultyEc2, checksum: string, region = HOME): Promise<string[]> {
  const Filters = [{ Name: 'tag:ami_config_checksum', Values: [checksum] }]
  const { Images = [] } = await ec2.client(region).send(new DescribeImagesCommand({ Filters }))
  return Images.map(({ ImageId = '' }) => ImageId)
}

export async function deprecateAt(ec2: FaultyEc2, ImageId: string, time: string, region = HOME): Promise<void> {
  const DeprecateAt = new Date(time)
  await ec2.client(region).send(new EnableImageDeprecationCommand({ ImageId, DeprecateAt }))
}

/** The step's error messages. */
export function errorsOf({ annotations }: Run): string {
  return annotations
    .filter(({ level }) => level === 'error')
    .map(({ message }) => message)
    .join('\n')
}

/** The step's notices. */
export function noticesOf({ annotations }: Run): string {
  return annotations
    .filter(({ level }) => level === 'notice')
    .map(({ message }) => message)
    .join('\n')
}

export function parse(run: Run, output: string) {
  return JSON.parse(run.outputs[output] || 'null')
}

/** The requests that change something. */
export function changesOf({ requests }: FaultyEc2): string[] {
  return requests.map(({ action }) => action).filter(action => !action.startsWith('Describe'))
}
