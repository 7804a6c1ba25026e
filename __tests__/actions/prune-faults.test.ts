import { CreateImageUsageReportCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type Fault, type FaultyEc2, startProxy } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace } from '../support/workspace.ts'

const DAY = 86_400_000
const HOME = 'us-east-1'
const AWAY = 'eu-west-1'
const INPUTS = {
  templates: 't.pkr.hcl',
  'aws-region': HOME,
  regions: AWAY,
  'keep-last': '1',
  'dry-run': 'false',
  shared: 'usage',
}

let checksums = 0

function tags(age: number, mark = ''): Record<string, string> {
  return {
    ami_config_checksum: (++checksums).toString(16).padStart(40, '0'),
    ami_bakery_template: 't.pkr.hcl',
    ami_bakery_repository: 'example/app',
    ami_bakery_baked_at: new Date(Date.now() - age * DAY).toISOString(),
    ami_bakery_prune: mark,
  }
}

/** The images of an account in which a run without faults deletes, marks, unmarks, requests and reads reports. */
interface Account {
  readonly newest: string
  /** Due: a source, and its copy in the other region. */
  readonly due: string
  readonly copy: string
  /** Due, shared, and not used by the report. */
  readonly reported: string
  readonly unmarked: string
  /** Marked, and used. */
  readonly used: string
  /** Shared, and not marked yet. */
  readonly shared: string
}

async function fill(ec2: FaultyEc2): Promise<Account> {
  const past = new Date(Date.now() - DAY).toISOString()
  const share = async (ImageId: string) => {
    const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
    await ec2.client().send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission }))
    return ImageId
  }
  const due = await ec2.makeImage(tags(100, past))
  const account = {
    due,
    newest: await ec2.makeImage(tags(40)),
    copy: await ec2.makeImage({ ...tags(100, past), ami_bakery_image: due }, AWAY),
    reported: await share(await ec2.makeImage(tags(100, past))),
    unmarked: await ec2.makeImage(tags(100)),
    used: await ec2.makeImage(tags(100, past)),
    shared: await share(await ec2.makeImage(tags(100))),
  }
  ec2.use.refer(account.used, { type: 'ec2:Instance', arn: 'arn:aws:ec2:us-east-1:1:instance/i-1' })
  return account
}

const WRITES = /^(Create|Delete|Deregister|Modify|Terminate|Enable|Disable)/

/** What can go wrong with any request. */
const KINDS: Readonly<Record<string, Partial<Fault>>> = {
  denied: { error: 'UnauthorizedOperation' },
  throttled: { error: 'RequestLimitExceeded', status: 503 },
  'timed out': { hang: true },
  'an odd answer': { answer: '<html>Welcome</html>', isMalformed: true },
  'no answer': { answer: '', isMalformed: true },
}

/** The requests of a run, and the images that must be there after one that has failed at it. */
const REQUESTS: readonly (readonly [name: string, fault: Omit<Fault, 'error'>, left: readonly (keyof Account)[]])[] = [
  ['the images of one region', { action: 'DescribeImages', region: AWAY }, ['due', 'copy', 'reported']],
  ['the images of the home region', { action: 'DescribeImages', region: HOME }, ['due', 'copy', 'reported']],
  ['the references in one region', { action: 'DescribeImageReferences', region: AWAY }, ['due', 'copy']],
  [
    'the references in the home region',
    { action: 'DescribeImageReferences', region: HOME },
    ['due', 'copy', 'reported'],
  ],
  ['the sharing of the images', { action: 'DescribeImageAttribute' }, ['due', 'copy', 'reported']],
  ['the usage reports', { action: 'DescribeImageUsageReports' }, ['reported']],
  ['the entries of the reports', { action: 'DescribeImageUsageReportEntries' }, ['reported']],
  ['a new report', { action: 'CreateImageUsageReport' }, []],
  ['the tags', { action: 'CreateTags' }, []],
  ['the deregistration of a copy', { action: 'DeregisterImage', region: AWAY }, ['due', 'copy']],
  ['the deregistration of a source', { action: 'DeregisterImage', region: HOME }, ['due', 'reported']],
  ['the key pairs', { action: 'DescribeKeyPairs' }, []],
]

const CASES = REQUESTS.flatMap(([name, fault, left]) =>
  Object.entries(KINDS).map(([kind, how]) => [name, kind, { ...fault, ...how }, left] as const),
)

describe.skipIf(!hasTools('moto_server'))('prune with a fault', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  async function prune(ec2: FaultyEc2): Promise<Run> {
    using workspace = makeWorkspace({ keep: '' })
    const env = { ...ec2.environment, AMI_BAKERY_TIME_SCALE: '0.05' }
    return await runAction({ action: 'prune', workspace: workspace.directory, inputs: INPUTS, env })
  }

  async function startAccount(): Promise<FaultyEc2 & { readonly account: Account }> {
    const ec2 = await startProxy(moto, String(500_000_000_000 + accounts++))
    ec2.prompt()
    const account = await fill(ec2)
    // A report from when the image was marked.
    const ResourceTypes = [{ ResourceType: 'ec2:Instance' }]
    await ec2.client().send(new CreateImageUsageReportCommand({ ImageId: account.reported, ResourceTypes }))
    ec2.use.finishReports()
    return { ...ec2, account }
  }

  /** The marks of all images, by their ids. */
  async function state(ec2: FaultyEc2): Promise<Record<string, string>> {
    const inventories = [await ec2.inventory(HOME), await ec2.inventory(AWAY)]
    return Object.fromEntries(
      inventories.flatMap(({ images }) =>
        images.map(({ ImageId = '', Tags = [] }) => [
          ImageId,
          Tags.find(({ Key }) => Key === 'ami_bakery_prune')?.Value ?? '',
        ]),
      ),
    )
  }

  async function expectFinished(ec2: FaultyEc2, { newest, unmarked, used, shared }: Account): Promise<void> {
    const left = await state(ec2)
    expect(Object.keys(left).sort()).toEqual([newest, unmarked, used, shared].sort())
    expect([left[newest], left[used]]).toEqual(['', ''])
    expect([left[unmarked], left[shared]]).toEqual([expect.stringMatching(/Z$/), expect.stringMatching(/Z$/)])
  }

  test.for(CASES)('at %s (%s) keeps the units in question, and a repeat goes on', async ([name, kind, fault, left]) => {
    await using ec2 = await startAccount()
    const { account } = ec2
    ec2.fail(fault)
    const run = await prune(ec2)
    // The permission to remove leases is one of its own; EC2's answer to CreateTags has nothing that could be missed.
    const isUnnoticed = fault.action === 'CreateTags' && 'answer' in fault
    const isOptional = (name === 'the key pairs' && kind === 'denied') || isUnnoticed
    expect(run.exitCode, run.log).toBe(isOptional ? 0 : 1)
    const there = Object.keys(await state(ec2))
    expect(there).toEqual(expect.arrayContaining(left.map(which => account[which])))
    expect(there).toEqual(expect.arrayContaining([account.newest, account.unmarked, account.used, account.shared]))
    if (!isOptional) expect(run.annotations.at(-1)?.message, run.log).toContain(`ec2:${fault.action} in `)
    if (fault.action === 'DescribeImageReferences' && kind === 'denied')
      expect(ec2.requests.filter(({ action }) => WRITES.test(action))).toEqual([])
    ec2.mend()
    const repeat = await prune(ec2)
    expect(repeat.exitCode, repeat.log).toBe(0)
    await expectFinished(ec2, account)
  })

  test.for([
    ['DescribeImages', 'images'],
    ['DescribeImageReferences', 'references'],
  ])('in the second page of %s keeps everything, and a repeat goes on', async ([action = '']) => {
    await using ec2 = await startAccount()
    ec2.use.refer(ec2.account.used, { type: 'ssm:Parameter', arn: 'arn:parameter' })
    ec2.pages(2)
    ec2.use.shortenPages(1)
    ec2.fail({ action, about: /^NextToken=/, error: 'InternalError' })
    const before = await state(ec2)
    const run = await prune(ec2)
    expect(run.exitCode, run.log).toBe(1)
    expect(Object.keys(await state(ec2)).sort()).toEqual(Object.keys(before).sort())
    ec2.mend()
    expect((await prune(ec2)).exitCode).toBe(0)
    await expectFinished(ec2, ec2.account)
  })

  test('without one deletes, marks and unmarks', async () => {
    await using ec2 = await startAccount()
    const run = await prune(ec2)
    expect(run.exitCode, run.log).toBe(0)
    await expectFinished(ec2, ec2.account)
  })
})
