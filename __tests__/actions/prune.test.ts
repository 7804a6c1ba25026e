import {
  CreateTagsCommand,
  DescribeImagesCommand,
  EnableImageDeregistrationProtectionCommand,
  ModifyImageAttributeCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { type Run, runAction, startPlainly } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace, type Workspace } from '../support/workspace.ts'

const TEMPLATE = 'web/t.pkr.hcl'
const DAY = 86_400_000
const HOME = 'us-east-1'
const AWAY = 'eu-west-1'

/** A time so many days from now, in the past when it is negative. */
function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY)
}

/** A checksum, the same for the same number. */
function sha1(number: number): string {
  return number.toString(16).padStart(40, 'a')
}

let count = 1

/** The tags of a published image of our line. */
function tags(age: number, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    ami_config_checksum: sha1(count++),
    ami_bakery_template: TEMPLATE,
    ami_bakery_repository: 'example/app',
    ami_bakery_baked_at: inDays(-age).toISOString(),
    ...more,
  }
}

/** The writing actions, and those of a deletion. */
const WRITES = /^(Create|Delete|Deregister|Modify|Terminate|Enable|Disable)/

describe.skipIf(!hasTools('moto_server'))('prune', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  async function startAccount(): Promise<FaultyEc2> {
    const ec2 = await startProxy(moto, String(400_000_000_000 + accounts++))
    ec2.prompt()
    return ec2
  }

  const INPUTS = { templates: TEMPLATE, 'aws-region': HOME, regions: AWAY, 'keep-last': '1', 'dry-run': 'false' }

  async function prune(ec2: FaultyEc2, inputs: Readonly<Record<string, string>> = {}, place?: Workspace): Promise<Run> {
    using workspace = place ? undefined : makeWorkspace({ keep: '' })
    const directory = place?.directory ?? workspace?.directory ?? ''
    const env = { ...ec2.environment, AMI_BAKERY_TIME_SCALE: '0.05' }
    return await runAction({ action: 'prune', workspace: directory, inputs: { ...INPUTS, ...inputs }, env })
  }

  function parse(run: Run, output: string): Record<string, string> {
    return JSON.parse(run.outputs[output] ?? 'null')
  }

  async function setTags(
    ec2: FaultyEc2,
    id: string,
    more: Readonly<Record<string, string>>,
    region = HOME,
  ): Promise<void> {
    const Tags = Object.entries(more).map(([Key, Value]) => ({ Key, Value }))
    await ec2.client(region).send(new CreateTagsCommand({ Resources: [id], Tags }))
  }

  /** The value of each image's mark. */
  async function marks(ec2: FaultyEc2, region = HOME): Promise<Record<string, string | undefined>> {
    const { images } = await ec2.inventory(region)
    return Object.fromEntries(
      images.map(({ ImageId = '', Tags = [] }) => [ImageId, Tags.find(({ Key }) => Key === 'ami_bakery_prune')?.Value]),
    )
  }

  /** Moves the due time of every marked image to the past. */
  async function letTimePass(ec2: FaultyEc2, ...regions: readonly string[]): Promise<void> {
    for (const region of regions.length > 0 ? regions : [HOME, AWAY]) {
      for (const [id, mark] of Object.entries(await marks(ec2, region))) {
        if (mark) await setTags(ec2, id, { ami_bakery_prune: inDays(-1).toISOString() }, region)
      }
    }
  }

  function writesOf(ec2: FaultyEc2): string[] {
    return ec2.requests.map(({ action }) => action).filter(action => WRITES.test(action))
  }

  test('changes nothing by default, marks in its first run, deletes in a second one, and then changes nothing any more', async () => {
    await using ec2 = await startAccount()
    const newest = await ec2.makeImage(tags(40))
    const old = await ec2.makeImage(tags(100))
    const copy = await ec2.makeImage({ ...tags(100), ami_bakery_image: old }, AWAY)
    const rehearsal = await prune(ec2, { 'dry-run': '' })
    expect(rehearsal.exitCode, rehearsal.log).toBe(0)
    expect(writesOf(ec2)).toEqual([])
    expect(Object.keys(parse(rehearsal, 'marked'))).toEqual([copy, old])
    const first = await prune(ec2)
    expect(first.exitCode, first.log).toBe(0)
    const due = parse(first, 'marked')[old] ?? ''
    expect(Math.round((Date.parse(due) - Date.now()) / DAY)).toBe(14)
    expect(parse(first, 'marked')).toEqual({ [copy]: due, [old]: due })
    expect(parse(first, 'kept')).toEqual({ [newest]: `the newest published image of ${TEMPLATE}` })
    expect(parse(first, 'pruned')).toEqual({})
    expect([await marks(ec2), await marks(ec2, AWAY)]).toEqual([{ [newest]: undefined, [old]: due }, { [copy]: due }])
    ec2.requests.length = 0
    const waiting = await prune(ec2)
    expect(writesOf(ec2)).toEqual([])
    expect(parse(waiting, 'kept')[old]).toBe(`marked, due on ${due}`)
    await letTimePass(ec2)
    ec2.requests.length = 0
    const second = await prune(ec2)
    expect(second.exitCode, second.log).toBe(0)
    expect(Object.keys(parse(second, 'pruned'))).toEqual([copy, old])
    const deletions = ec2.requests.filter(({ action }) => action === 'DeregisterImage')
    expect(deletions.map(({ parameters }) => parameters.get('ImageId'))).toEqual([copy, old])
    expect([Object.keys(await marks(ec2)), Object.keys(await marks(ec2, AWAY))]).toEqual([[newest], []])
    const records = (second.outputs.record ?? '').split('\n').map(line => JSON.parse(line))
    expect(records).toMatchObject([
      { action: 'prune', region: AWAY, id: copy, reason: expect.stringMatching(/^deregistered: due since/) },
      { action: 'prune', region: HOME, id: old, checksum: sha1(count - 2).slice(0, 0) || expect.any(String) },
    ])
    ec2.requests.length = 0
    await prune(ec2)
    expect(writesOf(ec2)).toEqual([])
  })
})
