import {
  CreateKeyPairCommand,
  CreateTagsCommand,
  EnableImageDeregistrationProtectionCommand,
  ModifyImageAttributeCommand,
} from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { cancel, type Run, runAction, startAction, startPlainly } from '../support/runner.ts'
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
  const startAccount = useAccounts({ prepare: ec2 => ec2.prompt() })

  const INPUTS = { templates: TEMPLATE, 'aws-region': HOME, regions: AWAY, 'keep-last': '1', 'dry-run': 'false' }

  /** @param inputs Besides those of the action `scale`, by which its waits are multiplied. */
  async function prune(ec2: FaultyEc2, inputs: Readonly<Record<string, string>> = {}, place?: Workspace): Promise<Run> {
    using workspace = place ? undefined : makeWorkspace({ keep: '' })
    const directory = place?.directory ?? workspace?.directory ?? ''
    const { scale = '0.05', ...given } = inputs
    const env = { ...ec2.environment, AMI_BAKERY_TIME_SCALE: scale }
    return await runAction({ action: 'prune', workspace: directory, inputs: { ...INPUTS, ...given }, env })
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
      {
        action: 'prune',
        region: HOME,
        id: old,
        checksum: expect.stringMatching(/^[0-9a-f]{40}$/),
        run: expect.any(String),
      },
    ])
    ec2.requests.length = 0
    await prune(ec2)
    expect(writesOf(ec2)).toEqual([])
  })

  test('keeps a unit for every rule, by any of its images, and says which', async () => {
    await using ec2 = await startAccount()
    const newest = await ec2.makeImage(tags(40))
    const make = async (age = 200, more = {}) => await ec2.makeImage(tags(age, more))
    const kept: Record<string, RegExp> = { [newest]: /^the newest published image/ }
    const expectKept = (id: string, why: RegExp) => {
      kept[id] = why
      return id
    }
    expectKept(await make(10), /^the newest published image/)
    kept[newest] = /^baked less than 60 days ago$/
    ec2.use.launch(expectKept(await make(), /was launched on /), inDays(-80))
    ec2.use.refer(expectKept(await make(), /is used by arn:instance and 1 more/), {
      type: 'ec2:Instance',
      arn: 'arn:instance',
    })
    const [instance = ''] = Object.keys(kept).slice(-1)
    ec2.use.refer(instance, { type: 'ssm:Parameter', arn: 'arn:parameter' })
    ec2.use.refer(expectKept(await make(), /is used by arn:deep/), {
      type: 'ec2:LaunchTemplate',
      arn: 'arn:deep',
      depth: 5_000,
    })
    const ImageId = expectKept(await make(), /is protected from deregistration/)
    await ec2.client().send(new EnableImageDeregistrationProtectionCommand({ ImageId }))
    const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
    const shared = expectKept(await make(), /is shared with 111122223333/)
    await ec2.client().send(new ModifyImageAttributeCommand({ ImageId: shared, LaunchPermission }))
    const grandparent = expectKept(await make(), /^the parent or base of .*, which is kept$/)
    const parent = expectKept(await make(300, { ami_bakery_base: grandparent }), /^the parent or base of /)
    await setTags(ec2, instance, { ami_bakery_parent: parent })
    const byId = expectKept(await make(), /^keep lists ami-/)
    expectKept(await make(200, { ami_config_checksum: 'b'.repeat(40) }), /^keep lists b{40}$/)
    const usedCopy = expectKept(await make(), /is used by arn:copy/)
    const copy = expectKept(await ec2.makeImage(tags(200, { ami_bakery_image: usedCopy }), AWAY), /is used by arn:copy/)
    ec2.use.refer(copy, { type: 'ec2:Instance', arn: 'arn:copy' })
    const keep = [byId, 'b'.repeat(40)].join('\n')
    const unused = await make()
    const run = await prune(ec2, { keep, 'keep-days': '60' })
    expect(run.exitCode, run.log).toBe(0)
    expect(parse(run, 'kept')).toEqual(
      Object.fromEntries(Object.entries(kept).map(([id, why]) => [id, expect.stringMatching(why)])),
    )
    expect(Object.keys(parse(run, 'marked'))).toEqual([unused])
  })

  test('never touches images without our tags, or of other repositories and templates', async () => {
    await using ec2 = await startAccount()
    const ours = await ec2.makeImage(tags(300))
    await ec2.makeImage(tags(200))
    const others = [
      await ec2.makeImage({}),
      await ec2.makeImage({ ami_config_checksum: sha1(count++) }),
      await ec2.makeImage(tags(300, { ami_bakery_repository: 'example/other' })),
      await ec2.makeImage(tags(300, { ami_bakery_repository: '' })),
      await ec2.makeImage(tags(300, { ami_bakery_template: 'db/t.pkr.hcl' })),
    ]
    for (const id of others) await setTags(ec2, id, { ami_bakery_prune: inDays(-1).toISOString() })
    const run = await prune(ec2)
    expect(parse(run, 'marked')).toEqual({ [ours]: expect.any(String) })
    expect(Object.keys(parse(run, 'kept'))).toHaveLength(1)
    await letTimePass(ec2)
    await prune(ec2)
    expect(Object.keys(await marks(ec2))).toEqual(expect.arrayContaining(others))
    expect(Object.keys(await marks(ec2))).not.toContain(ours)
    const more = await prune(ec2, { repositories: 'example/other, none', templates: `${TEMPLATE}\ndb/t.pkr.hcl` })
    expect(Object.keys({ ...parse(more, 'kept'), ...parse(more, 'marked'), ...parse(more, 'pruned') })).toHaveLength(4)
  })

  test('deletes images of failed bakes, candidates and unfinished copies without a mark when they are older than grace-days', async () => {
    await using ec2 = await startAccount()
    const source = await ec2.makeImage(tags(200))
    const copyOf = { ami_bakery_image: source, ami_config_checksum: '' }
    const old = [
      await ec2.makeImage(tags(20, { ami_config_checksum: `failed:${sha1(1)}` })),
      await ec2.makeImage(tags(20, { ami_config_checksum: `candidate:${sha1(2)}` })),
    ]
    const unfinished = await ec2.makeImage({ ...tags(0, copyOf), ami_bakery_baked_at: '' }, AWAY)
    ec2.use.backdate(unfinished, inDays(-20))
    const young = [
      await ec2.makeImage(tags(10, { ami_config_checksum: `failed:${sha1(3)}` })),
      await ec2.makeImage({ ...tags(0, copyOf), ami_bakery_baked_at: '' }, AWAY),
    ]
    const used = await ec2.makeImage(tags(20, { ami_config_checksum: `failed:${sha1(4)}` }))
    ec2.use.refer(used, { type: 'ec2:Instance', arn: 'arn:instance' })
    const run = await prune(ec2)
    expect(run.exitCode, run.log).toBe(0)
    expect(Object.keys(parse(run, 'pruned')).sort()).toEqual([...old, unfinished].sort())
    const kept = parse(run, 'kept')
    expect(Object.keys(kept).sort()).toEqual([source, used, ...young].sort())
    expect(young.map(id => kept[id])).toEqual([
      'from a failed bake or copy, not older than grace-days',
      'an unfinished copy, not older than grace-days',
    ])
  })

  test('keeps what the images file defines as it stands, and unmarks it when a commit is reverted', async () => {
    await using ec2 = await startAccount()
    using workspace = makeWorkspace({
      'ami-bakery.yml':
        'images: { web: { packer-template: web/t.pkr.hcl, ami-definition-dirs: web, aws-region: us-east-1 } }',
      'web/t.pkr.hcl': hclTemplate(),
    })
    const file = { 'images-file': 'ami-bakery.yml', templates: '' }
    const plan = await runAction({ action: 'plan', workspace: workspace.directory, env: ec2.environment })
    const { ami_config_checksum: checksum } = JSON.parse(plan.outputs.plan ?? '').web
    const line = { ami_bakery_image_name: 'web' }
    const image = await ec2.makeImage(tags(300, { ...line, ami_config_checksum: checksum }))
    await ec2.makeImage(tags(100, line))
    const renamed = await ec2.makeImage(tags(300, { ami_bakery_image_name: 'old' }))
    const current = await prune(ec2, file, workspace)
    expect(parse(current, 'kept')[image], current.log).toBe('it has the checksum of web in the images file')
    expect(current.log).toContain('does not name these lines, whose images stay: old (web/t.pkr.hcl)')
    workspace.write({ 'web/more': 'more' })
    const changed = await prune(ec2, file, workspace)
    expect(Object.keys(parse(changed, 'marked'))).toEqual([image])
    await letTimePass(ec2)
    workspace.write({ 'web/.more': '' })
    const { rmSync } = await import('node:fs')
    rmSync(`${workspace.directory}/web/more`)
    const reverted = await prune(ec2, file, workspace)
    expect(parse(reverted, 'kept')[image]).toBe('it has the checksum of web in the images file')
    expect((await marks(ec2))[image]).toBe('')
    expect(await marks(ec2)).toHaveProperty(renamed)
  })

  test('keeps the line of a definition whose checksum can not be computed, and fails at its end', async () => {
    await using ec2 = await startAccount()
    const image = (name: string) => `${name}: { packer-template: ${name}/t.pkr.hcl, ami-definition-dirs: ${name} `
    using workspace = makeWorkspace({
      'ami-bakery.yml': `defaults: { aws-region: us-east-1 }\nimages:\n  ${image('web')}, base-ami: 'newest:self/nothing-*' }\n  ${image('db')} }\n`,
      'web/t.pkr.hcl': hclTemplate(),
      'db/t.pkr.hcl': `${hclTemplate()}# db`,
    })
    const db = { ami_bakery_template: 'db/t.pkr.hcl' }
    const kept = [
      await ec2.makeImage(tags(300)),
      await ec2.makeImage(tags(301, { ami_bakery_prune: inDays(-1).toISOString() })),
    ]
    const [old] = [
      await ec2.makeImage(tags(300, db)),
      await ec2.makeImage(tags(200, db)),
      await ec2.makeImage(tags(250)),
    ]
    const run = await prune(ec2, { 'images-file': 'ami-bakery.yml', templates: '' }, workspace)
    expect(run.exitCode).toBe(1)
    expect(run.annotations.at(-1)?.message).toMatch(
      /^Not everything could be checked or changed\..*\nimages-file: ami-bakery\.yml:3: image web: base-ami: /s,
    )
    expect(Object.keys(parse(run, 'marked'))).toEqual([old])
    expect(Object.keys(parse(run, 'kept'))).toEqual(expect.arrayContaining(kept))
    expect((await marks(ec2))[kept[1] ?? '']).toMatch(/^\d{4}-/)
  })

  test('unmarks an image that was launched between mark and due time, and heeds a mark by hand', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const mark = { ami_bakery_prune: inDays(-1).toISOString() }
    const launched = await ec2.makeImage(tags(100, mark))
    ec2.use.launch(launched, inDays(-2))
    const byHand = await ec2.makeImage(tags(100, { ami_bakery_prune: inDays(-3).toISOString().slice(0, 10) }))
    const unreadable = await ec2.makeImage(tags(100, { ami_bakery_prune: 'next week' }))
    const copyAlone = await ec2.makeImage(tags(100))
    const copy = await ec2.makeImage(tags(100, { ...mark, ami_bakery_image: copyAlone }), AWAY)
    const run = await prune(ec2)
    expect(run.exitCode, run.log).toBe(0)
    expect(Object.keys(parse(run, 'pruned'))).toEqual([byHand])
    expect((await marks(ec2))[launched]).toBe('')
    expect(Object.keys(parse(run, 'marked')).sort()).toEqual([unreadable, copyAlone, copy].sort())
    expect((await marks(ec2, AWAY))[copy]).toBe((await marks(ec2))[copyAlone])
  })

  test('leaves an image that changes between the check and the deletion', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const due = await ec2.makeImage(tags(100, { ami_bakery_prune: inDays(-1).toISOString() }))
    ec2.fail({ action: 'DescribeImageAttribute', delay: 2_000 })
    const running = prune(ec2, { scale: '1' })
    await ec2.asked('DescribeImageAttribute')
    await setTags(ec2, due, { ami_bakery_prune: '' })
    const run = await running
    expect(run.exitCode, run.log).toBe(0)
    expect(parse(run, 'kept')[due]).toMatch(/has changed since it was checked/)
    expect(Object.keys(await marks(ec2))).toContain(due)
  })

  test('ends on a cancel without a further change, and says what it has changed', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const mark = { ami_bakery_prune: inDays(-1).toISOString() }
    const due = [await ec2.makeImage(tags(100, mark)), await ec2.makeImage(tags(101, mark))]
    const marked = await ec2.makeImage(tags(102))
    ec2.fail({ action: 'DeregisterImage', hang: true })
    using workspace = makeWorkspace({ keep: '' })
    const step = { action: 'prune', workspace: workspace.directory, inputs: INPUTS, env: ec2.environment } as const
    const running = startAction(step)
    await ec2.asked('DeregisterImage', 2)
    await cancel(running)
    const run = await running.ended
    expect([run.exitCode, run.annotations.at(-1)?.message], run.log).toEqual([1, 'Cancelled by SIGINT.'])
    expect(Object.keys(parse(run, 'marked'))).toEqual([marked])
    expect(parse(run, 'pruned')).toEqual({})
    expect(Object.keys(await marks(ec2))).toEqual(expect.arrayContaining(due))
    expect(ec2.requests.filter(({ action }) => action === 'DescribeKeyPairs')).toEqual([])
  })

  test('deletes a shared image only after a finished report that shows no user, with shared: usage', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const [unused, used, late] = [
      await ec2.makeImage(tags(100)),
      await ec2.makeImage(tags(101)),
      await ec2.makeImage(tags(102)),
    ]
    for (const ImageId of [unused, used, late]) {
      await ec2
        .client()
        .send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Add: [{ Group: 'all' }] } }))
    }
    const usage = { shared: 'usage' }
    const first = await prune(ec2, usage)
    expect(Object.keys(parse(first, 'marked')).sort()).toEqual([unused, used, late].sort())
    const requested = ec2.requests.filter(({ action }) => action === 'CreateImageUsageReport')
    expect(requested.map(({ parameters }) => parameters.get('ImageId')).sort()).toEqual([unused, used, late].sort())
    ec2.use.useElsewhere(used, '111122223333')
    ec2.use.finishReports()
    await letTimePass(ec2)
    const second = await prune(ec2, usage)
    expect(second.exitCode, second.log).toBe(0)
    expect(Object.keys(parse(second, 'pruned')).sort()).toEqual([unused, late].sort())
    expect(parse(second, 'kept')[used]).toMatch(/^account 111122223333 uses ami-/)
    expect((await marks(ec2))[used]).toBe('')
    ec2.use.expireReports()
    await prune(ec2, usage)
    await letTimePass(ec2)
    const pending = await prune(ec2, usage)
    expect(parse(pending, 'kept')[used]).toMatch(/there is no finished report on its use/)
    expect((await marks(ec2))[used]).toBe('')
  })

  test('deletes no more than max-deletions, the oldest first, and says how many runs are left', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const mark = { ami_bakery_prune: inDays(-1).toISOString() }
    const ids: string[] = []
    for (const age of [100, 130, 110, 120]) ids.push(await ec2.makeImage(tags(age, mark)))
    const run = await prune(ec2, { 'max-deletions': '1' })
    expect(run.exitCode, run.log).toBe(0)
    expect(Object.keys(parse(run, 'pruned'))).toEqual([ids[1]])
    expect(run.annotations).toEqual([
      {
        level: 'warning',
        message: 'max-deletions: 3 units that are due stay in this run: 3 more runs of this size are needed.',
      },
    ])
    const half = await prune(ec2, { 'max-deletions': '50%' })
    expect(Object.keys(parse(half, 'pruned')).sort()).toEqual([ids[2], ids[3]].sort())
  })

  test('removes leases that no run has renewed for a day, and lists them in a rehearsal', async () => {
    await using ec2 = await startAccount()
    const KeyName = `ami-bakery-${'0'.repeat(40)}-00000000`
    const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags: [{ Key: 'ami_bakery_counter', Value: '3' }] }]
    await ec2.client().send(new CreateKeyPairCommand({ KeyName, TagSpecifications }))
    const later = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*864e5}'
    const env = { ...ec2.environment, NODE_OPTIONS: `--import=${later}` }
    using workspace = makeWorkspace({ keep: '' })
    const step = { action: 'prune', workspace: workspace.directory, env } as const
    const rehearsal = await runAction({ ...step, inputs: { ...INPUTS, 'dry-run': 'true' } })
    expect(rehearsal.log).toContain(`would remove the lease ${KeyName}`)
    expect((await ec2.inventory()).keyPairs).toEqual([KeyName])
    const run = await runAction({ ...step, inputs: INPUTS })
    expect(run.exitCode, run.log).toBe(0)
    expect((await ec2.inventory()).keyPairs).toEqual([])
  })

  test('works outside GitHub, where arguments are the inputs', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const old = await ec2.makeImage(tags(100))
    using workspace = makeWorkspace({ keep: '' })
    const env = { ...ec2.environment, GITHUB_REPOSITORY: 'example/app' }
    const args = [`templates=${TEMPLATE}`, `aws-region=${HOME}`, `regions=${AWAY}`, 'keep-last=1', 'dry-run=false']
    const run = await startPlainly(workspace.directory, env, args, 'prune').ended
    expect(run.exitCode, run.log).toBe(0)
    expect(run.log).toMatch(new RegExp(`^marked=\\{"${old}":`, 'm'))
    expect((await marks(ec2))[old]).toMatch(/Z$/)
  })

  test('warns of a template that no image has, with the known ones', async () => {
    await using ec2 = await startAccount()
    await ec2.makeImage(tags(40))
    const run = await prune(ec2, { templates: 'wep/t.pkr.hcl' })
    expect(run.annotations).toEqual([
      { level: 'warning', message: `templates: no image was baked from wep/t.pkr.hcl. Known templates: ${TEMPLATE}.` },
    ])
  })

  test.each([
    [{ templates: '' }, /^images-file: neither images-file nor templates is specified/],
    [{ 'keep-last': '0' }, /^keep-last: "0" is not a whole number of at least 1/],
    [{ 'keep-days': '-1' }, /^keep-days: "-1" is not a whole number/],
    [{ 'keep-launched-days': '-1' }, /^keep-launched-days: "-1" is not a whole number/],
    [{ 'grace-days': '0' }, /^grace-days: "0" is not a whole number of at least 1/],
    [{ 'grace-days': '29', shared: 'usage' }, /^grace-days: 29 is too long with shared: usage/],
    [{ shared: 'report' }, /^shared: "report" is unknown/],
    [{ 'max-deletions': '101%' }, /^max-deletions: "101%" is neither/],
    [{ keep: 'web' }, /^keep: "web" is neither the id of an image nor a checksum/],
    [{ repositories: 'app' }, /^repositories: "app" is not the name of a repository/],
    [{ regions: 'Ireland' }, /^regions: "Ireland" is not a region/],
    [{ regions: 'eu-nowhere-1' }, /^regions: eu-nowhere-1 is not enabled in this account/],
    [{ 'aws-region': 'eu-nowhere-1' }, /^aws-region: the regions of the account can't be listed\. .*eu-nowhere-1/],
    [{ 'dry-run': 'no' }, /^dry-run: "no" is not true or false/],
    [{ 'images-file': 'nowhere.yml' }, /^images-file: nowhere\.yml/],
  ])('refuses %j by the name of the input, before it asks about any image', async (inputs, message) => {
    await using ec2 = await startAccount()
    const run = await prune(ec2, inputs)
    expect(run.exitCode).toBe(1)
    expect(run.annotations.at(-1)?.message).toMatch(message)
    expect(ec2.requests.filter(({ action }) => action !== 'DescribeRegions')).toEqual([])
  })
})
