import { DescribeImageAttributeCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import {
  BASE,
  changesOf,
  checksumTagOf,
  errorsOf,
  HOME,
  makeFamily,
  parse,
  runSub,
  tagsOf,
} from '../support/lifecycle.ts'
import { openStore } from '../support/parameter-store.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const NAME = '/amis/base'
const CANDIDATE = { ami_config_checksum: `candidate:${BASE}` }
const PUBLISHED = { ami_config_checksum: BASE, ami_bakery_published: 'before' }
const ACCOUNTS = ['111122223333', '444455556666']

describe.skipIf(!hasTools('moto_server'))('delivery of images', { concurrent: true }, () => {
  const startAccount = useAccounts({ prepare: ec2 => ec2.prompt() })

  type Words = Readonly<Record<string, string>>

  async function publish(ec2: FaultyEc2, inputs: Words, env: Words = {}): Promise<Run> {
    return await runSub('publish', ec2, inputs, env)
  }

  const asRun = (id: string, attempt = '1') => ({ GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: attempt })
  const FAST = { AMI_BAKERY_TIME_SCALE: '0.1' }

  async function launchersOf(ec2: FaultyEc2, id: string, region = HOME): Promise<readonly (string | undefined)[]> {
    const query = new DescribeImageAttributeCommand({ ImageId: id, Attribute: 'launchPermission' })
    const { LaunchPermissions = [] } = await ec2.client(region).send(query)
    return LaunchPermissions.map(({ UserId, Group }) => UserId ?? Group).sort()
  }

  async function share(ec2: FaultyEc2, ImageId: string, UserId: string): Promise<void> {
    await ec2.client().send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Add: [{ UserId }] } }))
  }

  describe('publish with share-with', () => {
    test('shares the image and its copies before they are hits, and a repeat only reads', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const inputs = { 'ami-id': id, regions: 'eu-west-1', 'share-with': ACCOUNTS.join() }
      const run = await publish(ec2, inputs)
      expect(run.exitCode, run.log).toBe(0)
      const copy = parse(run, 'ami_ids')[id]['eu-west-1']
      expect(await launchersOf(ec2, id)).toEqual(ACCOUNTS)
      expect(await launchersOf(ec2, copy, 'eu-west-1')).toEqual(ACCOUNTS)
      const shares = ec2.requests.map(({ action }) => action).lastIndexOf('ModifyImageAttribute')
      const commits = ec2.requests.findIndex(
        ({ action, parameters }) => action === 'CreateTags' && [...parameters.values()].includes(BASE),
      )
      expect(shares).toBeLessThan(commits)
      ec2.requests.length = 0
      const again = await publish(ec2, inputs)
      expect(again.exitCode, again.log).toBe(0)
      expect(changesOf(ec2)).toEqual([])
      expect(parse(again, 'published')).toEqual([id])
      expect(again.outputs.record).toBe('')
    })

    test('adds an account to an image that is published already, without a bake', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(PUBLISHED)
      await share(ec2, id, ACCOUNTS[0] ?? '')
      const run = await publish(ec2, { 'ami-id': id, 'share-with': ACCOUNTS.join('\n') })
      expect(run.exitCode, run.log).toBe(0)
      expect(changesOf(ec2)).toEqual(['ModifyImageAttribute'])
      const added = ec2.requests.find(({ action }) => action === 'ModifyImageAttribute')?.parameters
      expect(added?.get('LaunchPermission.Add.1.UserId')).toBe(ACCOUNTS[1])
      expect(added?.has('LaunchPermission.Add.2.UserId')).toBe(false)
      expect(JSON.parse(run.outputs.record ?? '')).toMatchObject({ action: 'publish', id })
    })

    test('removes nobody, and names in the summary who else may launch it', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(PUBLISHED)
      await share(ec2, id, '999988887777')
      const run = await publish(ec2, { 'ami-id': id, 'share-with': ACCOUNTS.join() })
      expect(await launchersOf(ec2, id)).toEqual([...ACCOUNTS, '999988887777'])
      expect(run.summary).toContain('not in share-with, but may launch it: 999988887777')
    })

    test('says which key forbids it, and what to do, and publishes nothing', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      ec2.images.encrypt(id)
      const message = "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot."
      const answer = `<Response><Errors><Error><Code>InvalidParameter</Code><Message>${message}</Message></Error></Errors></Response>`
      ec2.fail({ action: 'ModifyImageAttribute', answer, status: 400 })
      const key = 'arn:aws:kms:us-east-1:111122223333:key/1'
      const snapshots = `<snapshotSet><item><snapshotId>snap-1</snapshotId><kmsKeyId>${key}</kmsKeyId></item></snapshotSet>`
      ec2.fail({
        action: 'DescribeSnapshots',
        answer: `<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${snapshots}</DescribeSnapshotsResponse>`,
      })
      const run = await publish(ec2, { 'ami-id': id, 'share-with': ACCOUNTS.join() })
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toContain(`share-with: ${id} in us-east-1 could not be shared. ec2:ModifyImageAttribute`)
      expect(errorsOf(run)).toContain(`It is encrypted with ${key}, which other accounts can't use.`)
      expect(errorsOf(run)).toContain('specify us-east-1=<key> in regions')
      expect(await checksumTagOf(ec2, id)).toBe(CANDIDATE.ami_config_checksum)
    })

    test.each(['candidate', 'revoked'])('never shares an image that stays %s', async state => {
      await using ec2 = await startAccount()
      const tags = state === 'revoked' ? { ami_bakery_revoked: 'boots badly' } : { ami_bakery_parent: 'parent' }
      const parent = await ec2.makeImage(CANDIDATE)
      const more = state === 'candidate' ? { ami_bakery_parent: parent } : tags
      const id = await ec2.makeImage({ ...CANDIDATE, ...more })
      const run = await publish(ec2, { 'ami-id': id, 'share-with': ACCOUNTS.join(), 'ssm-parameter': NAME })
      expect(run.exitCode).toBe(1)
      expect(changesOf(ec2)).toEqual([])
    })
  })

  describe('publish with ssm-parameter', () => {
    test("sets each region's own parameter last, and a repeat only reads", async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const inputs = { 'ami-id': id, regions: 'eu-west-1', 'ssm-parameter': NAME }
      const run = await publish(ec2, inputs)
      expect(run.exitCode, run.log).toBe(0)
      const copy = parse(run, 'ami_ids')[id]['eu-west-1']
      expect(await openStore(ec2).history(NAME)).toEqual([[id, 'ami-bakery run=4711.1']])
      expect(await openStore(ec2, 'eu-west-1').history(NAME)).toEqual([[copy, 'ami-bakery run=4711.1']])
      expect(
        changesOf(ec2)
          .filter(action => /^(Create|Put)/.test(action))
          .slice(-2),
      ).toEqual(['PutParameter', 'PutParameter'])
      expect(parse(run, 'published')).toEqual([id])
      ec2.requests.length = 0
      const again = await publish(ec2, inputs)
      expect(again.exitCode, again.log).toBe(0)
      expect(ec2.requests.map(({ service, action }) => `${service}:${action}`).sort()).toEqual([
        ...['ec2:DescribeImages', 'ec2:DescribeImages', 'ssm:GetParameter', 'ssm:GetParameter'],
      ])
    })

    test('sets the parameter of a hit that was baked before', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(PUBLISHED)
      const run = await publish(ec2, { 'ami-id': id, 'ssm-parameter': NAME })
      expect(run.exitCode, run.log).toBe(0)
      expect(changesOf(ec2)).toEqual(['GetParameter', 'PutParameter', 'GetParameter', 'GetParameterHistory'])
      expect(JSON.parse(run.outputs.record ?? '')).toMatchObject({ action: 'publish', id })
    })

    test('of an older run that finishes last warns on its first attempt and fails on a re-run', async () => {
      await using ec2 = await startAccount()
      const [older, newer] = [await ec2.makeImage(PUBLISHED), await ec2.makeImage(PUBLISHED)]
      await publish(ec2, { 'ami-id': newer, 'ssm-parameter': NAME }, asRun('200'))
      const first = await publish(ec2, { 'ami-id': older, 'ssm-parameter': NAME }, asRun('100'))
      const text = `ssm-parameter: ${NAME} in us-east-1 stays at ${newer}, which the later run 200.1 has set. To go back on purpose, publish ${older} in a new run, or revoke ${newer}.`
      expect(first.exitCode, first.log).toBe(0)
      expect(first.annotations).toContainEqual({ level: 'warning', message: `${older}: ${text}` })
      expect(parse(first, 'published')).toEqual([])
      expect(parse(first, 'ami_ids')).toEqual({ [older]: { [HOME]: older } })
      const again = await publish(ec2, { 'ami-id': older, 'ssm-parameter': NAME }, asRun('100', '2'))
      expect(again.exitCode).toBe(1)
      expect(errorsOf(again)).toContain(text)
      expect(await openStore(ec2).value(NAME)).toBe(newer)
      const onPurpose = await publish(ec2, { 'ami-id': older, 'ssm-parameter': NAME }, asRun('201'))
      expect(onPurpose.exitCode, onPurpose.log).toBe(0)
      expect(await openStore(ec2).value(NAME)).toBe(older)
    })

    test('names the run where the runner names no commit', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const run = await publish(ec2, { 'ami-id': id, 'ssm-parameter': NAME }, { ...asRun('100'), GITHUB_SHA: '' })
      expect(run.exitCode, run.log).toBe(0)
      expect(await openStore(ec2).history(NAME)).toEqual([[id, 'ami-bakery run=100.1']])
      expect((await tagsOf(ec2, id)).ami_bakery_published).toMatch(/\/actions\/runs\/100\/attempts\/1 by /)
    })

    test('that is refused in the region of a copy names the image that can be published again', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const newer = await ec2.makeImage(PUBLISHED, 'eu-west-1')
      await openStore(ec2, 'eu-west-1').put(NAME, newer, 'ami-bakery run=9999.1')
      const run = await publish(ec2, { 'ami-id': id, regions: 'eu-west-1', 'ssm-parameter': NAME })
      expect(run.exitCode, run.log).toBe(0)
      const message = `${NAME} in eu-west-1 stays at ${newer}, which the later run 9999.1 has set. To go back on purpose, publish ${id} in`
      expect(run.annotations).toContainEqual({ level: 'warning', message: expect.stringContaining(message) })
      expect(await openStore(ec2).value(NAME)).toBe(id)
    })

    test('of the same run that is tried again goes forward', async () => {
      await using ec2 = await startAccount()
      const [first, second] = [await ec2.makeImage(PUBLISHED), await ec2.makeImage(PUBLISHED)]
      await publish(ec2, { 'ami-id': first, 'ssm-parameter': NAME }, asRun('100'))
      const again = await publish(ec2, { 'ami-id': second, 'ssm-parameter': NAME }, asRun('100', '2'))
      expect(again.exitCode, again.log).toBe(0)
      expect((await openStore(ec2).history(NAME)).at(-1)).toEqual([second, 'ami-bakery run=100.2'])
    })

    test('ends on the latest of five runs at the same time', async () => {
      await using ec2 = await startAccount()
      const runs = ['101', '102', '103', '104', '105']
      const ids = await Promise.all(runs.map(() => ec2.makeImage(PUBLISHED)))
      const results = await Promise.all(
        ids.map((id, index) => publish(ec2, { 'ami-id': id, 'ssm-parameter': NAME }, asRun(runs[index] ?? ''))),
      )
      for (const { exitCode, log } of results) expect(exitCode, log).toBe(0)
      expect((await openStore(ec2).history(NAME)).at(-1)).toEqual([ids[4], 'ami-bakery run=105.1'])
    })

    test.each([
      ['denied', 'AccessDeniedException', 'Grant the role of this job the action ssm:PutParameter'],
      ['throttled', 'ThrottlingException', 'SSM throttles the account.'],
      ['refused for its name', 'ValidationException', 'The proxy says ValidationException'],
    ])('whose write is %s fails, the image stays published, and a repeat only sets it', async (_, error, message) => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const inputs = { 'ami-id': id, 'ssm-parameter': NAME }
      ec2.fail({ action: 'PutParameter', error })
      const run = await publish(ec2, inputs, FAST)
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toContain(`ssm-parameter: ${NAME}: ssm:PutParameter in us-east-1: `)
      expect(errorsOf(run)).toContain(message)
      expect(parse(run, 'published')).toEqual([])
      expect(JSON.parse(run.outputs.record ?? '')).toMatchObject({ action: 'publish', id })
      expect(await checksumTagOf(ec2, id)).toBe(BASE)
      ec2.mend()
      ec2.requests.length = 0
      const again = await publish(ec2, inputs)
      expect(again.exitCode, again.log).toBe(0)
      expect(changesOf(ec2)).toEqual(['GetParameter', 'PutParameter', 'GetParameter', 'GetParameterHistory'])
    })

    test('takes names, accounts and parameters from the images file', async () => {
      await using ec2 = await startAccount()
      const settings = 'packer-template: web/t.pkr.hcl, ami-definition-dirs: web'
      using workspace = makeWorkspace({
        'ami-bakery.yml': `images: { web: { ${settings}, share-with: [${ACCOUNTS.join()}], ssm-parameter: ${NAME} } }`,
        'web/t.pkr.hcl': hclTemplate(),
      })
      const step = { workspace: workspace.directory, env: ec2.environment }
      const plan = await runAction({ ...step, action: 'plan', inputs: { 'aws-region': HOME } })
      const { ami_config_checksum: checksum } = parse(plan, 'plan').web
      const id = await ec2.makeImage({ ami_config_checksum: `candidate:${checksum}` })
      const run = await runAction({ ...step, action: 'publish', inputs: { images: 'all', 'aws-region': HOME } })
      expect(run.exitCode, run.log).toBe(0)
      expect(await launchersOf(ec2, id)).toEqual(ACCOUNTS)
      expect(await openStore(ec2).value(NAME)).toBe(id)
      expect(parse(run, 'published')).toEqual(['web'])
    })

    test('does not let two images of the file have one parameter', async () => {
      await using ec2 = await startAccount()
      using workspace = makeWorkspace({
        'ami-bakery.yml': [
          `defaults: { aws-region: us-east-1, ssm-parameter: ${NAME} }`,
          'images:',
          '  web: { packer-template: web/t.pkr.hcl, ami-definition-dirs: web }',
          '  db: { packer-template: db/t.pkr.hcl, ami-definition-dirs: db }',
        ].join('\n'),
        ...{ 'web/t.pkr.hcl': hclTemplate(), 'db/t.pkr.hcl': `${hclTemplate()}# db` },
      })
      const step = { workspace: workspace.directory, env: ec2.environment, action: 'publish' } as const
      const run = await runAction({ ...step, inputs: { images: 'all' } })
      expect(errorsOf(run)).toBe(
        `ssm-parameter: ${NAME} in us-east-1 can't hold both web and db. Name one parameter for each.`,
      )
      const given = await runAction({ ...step, inputs: { images: 'all', 'ssm-parameter': '/amis/other' } })
      expect(errorsOf(given)).toContain("ssm-parameter: /amis/other can't hold the ids of 2 images.")
      expect(ec2.requests).toEqual([])
    })
  })

  describe('revoke with ssm-parameter', () => {
    const REASON = { reason: 'boots badly', regions: 'eu-west-1,ap-south-1' }

    test('moves the parameters of all regions between the objection and the revoked value', async () => {
      await using ec2 = await startAccount()
      const { base, copies } = await makeFamily(ec2)
      const good = await ec2.makeImage(PUBLISHED)
      const goodCopy = await ec2.makeImage(PUBLISHED, 'eu-west-1')
      for (const [region, before, now] of [
        [HOME, good, base],
        ['eu-west-1', goodCopy, copies['eu-west-1'] ?? ''],
      ] as const) {
        await openStore(ec2, region).put(NAME, before)
        await openStore(ec2, region).put(NAME, now)
      }
      const run = await runSub(
        'revoke',
        ec2,
        { 'ami-id': base, ...REASON, 'ssm-parameter': `${NAME}\n/amis/none` },
        FAST,
      )
      expect(run.exitCode, run.log).toBe(0)
      expect(parse(run, 'rolled_back')).toEqual({ [NAME]: { [HOME]: good, 'eu-west-1': goodCopy } })
      expect((await openStore(ec2).history(NAME)).at(-1)).toEqual([good, 'ami-bakery run=4711.1'])
      const order = ec2.requests.flatMap(({ action, parameters }) => {
        const values = [...parameters.values()]
        if (action === 'PutParameter') return ['move']
        if (action !== 'CreateTags') return []
        return [values.some(value => value.startsWith('revoked:')) ? 'hide' : 'object']
      })
      expect([...new Set(order)]).toEqual(['object', 'move', 'hide'])
    })

    test('and dry-run says where each parameter would go, which has no good image, and writes nothing', async () => {
      await using ec2 = await startAccount()
      const { base, copies } = await makeFamily(ec2)
      const good = await ec2.makeImage(PUBLISHED)
      const copy = copies['eu-west-1'] ?? ''
      await openStore(ec2).put(NAME, good)
      await openStore(ec2).put(NAME, base)
      await openStore(ec2, 'eu-west-1').put(NAME, copy)
      const inputs = { 'ami-id': base, ...REASON, 'dry-run': 'true' }
      const run = await runSub('revoke', ec2, { ...inputs, 'ssm-parameter': NAME }, FAST)
      expect(run.exitCode, run.log).toBe(0)
      expect(run.log).toContain(`us-east-1: ${NAME} would be rolled back from ${base} to ${good}.\n`)
      expect(run.log).toContain(`ssm-parameter: ${NAME} in eu-west-1 holds a revoked image, and no earlier version`)
      expect(parse(run, 'rolled_back')).toEqual({})
      expect(ec2.requests.map(({ action }) => action)).not.toContain('PutParameter')
      const none = await runSub('revoke', ec2, { ...inputs, 'ssm-parameter': '/amis/none' }, FAST)
      expect(none.log).toContain('None of these holds one of the images: /amis/none.\n')
    })

    test('goes to roll-back-to and its copies', async () => {
      await using ec2 = await startAccount()
      const { base, copies } = await makeFamily(ec2)
      const better = await ec2.makeImage(PUBLISHED)
      const betterCopy = await ec2.makeImage({ ...PUBLISHED, ami_bakery_image: better }, 'eu-west-1')
      await openStore(ec2).put(NAME, base)
      await openStore(ec2, 'eu-west-1').put(NAME, copies['eu-west-1'] ?? '')
      const inputs = { 'ami-id': base, ...REASON, 'ssm-parameter': NAME, 'roll-back-to': betterCopy }
      const run = await runSub('revoke', ec2, inputs, FAST)
      expect(run.exitCode, run.log).toBe(0)
      expect(parse(run, 'rolled_back')).toEqual({ [NAME]: { [HOME]: better, 'eu-west-1': betterCopy } })
    })

    test.each([
      ['unknown', 'ami-00000000000000000', "none of the account's images in these regions is ami-00000000000000000."],
      ['revoked itself', 'base', 'would be revoked itself. Specify another image.'],
      ['a candidate', 'candidate', 'is not available, published and unrevoked. Specify an image that is.'],
    ])('changes nothing when roll-back-to is %s', async (_, to, message) => {
      await using ec2 = await startAccount()
      const { base } = await makeFamily(ec2)
      const candidate = await ec2.makeImage(CANDIDATE)
      const id = { base, candidate }[to] ?? to
      const run = await runSub(
        'revoke',
        ec2,
        { 'ami-id': base, ...REASON, 'ssm-parameter': NAME, 'roll-back-to': id },
        FAST,
      )
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toContain('roll-back-to: ')
      expect(errorsOf(run)).toContain(message)
      expect(changesOf(ec2)).toEqual([])
    })

    test('moves parameters away from an image that can’t be tagged, and to none such', async () => {
      await using ec2 = await startAccount()
      const [good, { base, web }] = [await ec2.makeImage(PUBLISHED), await makeFamily(ec2)]
      for (const id of [good, web, base]) await openStore(ec2).put(NAME, id)
      ec2.fail({ action: 'CreateTags', about: new RegExp(`=(${web}|${base})$`), error: 'UnauthorizedOperation' })
      const run = await runSub('revoke', ec2, { 'ami-id': base, ...REASON, 'ssm-parameter': NAME }, FAST)
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toContain(`${base} in us-east-1: ec2:CreateTags`)
      expect(parse(run, 'rolled_back')).toEqual({ [NAME]: { [HOME]: good } })
      expect(await openStore(ec2).value(NAME)).toBe(good)
    })

    test('names the parameter that has no good image to go to, and revokes nevertheless', async () => {
      await using ec2 = await startAccount()
      const { base } = await makeFamily(ec2)
      await openStore(ec2).put(NAME, base)
      const run = await runSub('revoke', ec2, { 'ami-id': base, ...REASON, 'ssm-parameter': NAME }, FAST)
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toContain('The images are revoked, but not every parameter is rolled back.')
      expect(errorsOf(run)).toContain(
        `ssm-parameter: ${NAME} in us-east-1 holds a revoked image, and no earlier version`,
      )
      expect(await checksumTagOf(ec2, base)).toBe(`revoked:${BASE}`)
      expect(await openStore(ec2).value(NAME)).toBe(base)
      const good = await ec2.makeImage(PUBLISHED)
      const inputs = { 'ami-id': base, ...REASON, 'ssm-parameter': NAME, 'roll-back-to': good }
      const again = await runSub('revoke', ec2, inputs, FAST)
      expect(again.exitCode, again.log).toBe(0)
      expect(parse(again, 'rolled_back')).toEqual({ [NAME]: { [HOME]: good } })
    })

    test('keeps an earlier run from publishing again what it was moved away from', async () => {
      await using ec2 = await startAccount()
      const [good, bad] = [await ec2.makeImage(PUBLISHED), await ec2.makeImage(PUBLISHED)]
      await publish(ec2, { 'ami-id': good, 'ssm-parameter': NAME }, asRun('100'))
      await publish(ec2, { 'ami-id': bad, 'ssm-parameter': NAME }, asRun('101'))
      const run = await runSub(
        'revoke',
        ec2,
        { 'ami-id': bad, ...REASON, 'ssm-parameter': NAME },
        { ...FAST, ...asRun('110') },
      )
      expect(run.exitCode, run.log).toBe(0)
      const again = await publish(ec2, { 'ami-id': bad, 'ssm-parameter': NAME }, asRun('101', '2'))
      expect(errorsOf(again)).toContain('is revoked (boots badly)')
      expect(await openStore(ec2).value(NAME)).toBe(good)
    })

    test('moves the parameters of the images file too', async () => {
      await using ec2 = await startAccount()
      const [good, bad] = [await ec2.makeImage(PUBLISHED), await ec2.makeImage(PUBLISHED)]
      await openStore(ec2).put(NAME, good)
      await openStore(ec2).put(NAME, bad)
      using workspace = makeWorkspace({
        'ami-bakery.yml': `images: { web: { packer-template: t.pkr.hcl, ami-definition-dirs: ., aws-region: us-east-1, ssm-parameter: ${NAME} } }`,
        't.pkr.hcl': '',
      })
      const step = { action: 'revoke', workspace: workspace.directory, env: { ...ec2.environment, ...FAST } } as const
      const run = await runAction({ ...step, inputs: { 'aws-region': HOME, 'ami-id': bad, ...REASON } })
      expect(run.exitCode, run.log).toBe(0)
      expect(parse(run, 'rolled_back')).toEqual({ [NAME]: { [HOME]: good } })
    })

    test('revokes also when the images file is not valid, and says that its parameters are left', async () => {
      await using ec2 = await startAccount()
      const bad = await ec2.makeImage(PUBLISHED)
      using workspace = makeWorkspace({ 'ami-bakery.yml': 'images: 7' })
      const step = { action: 'revoke', workspace: workspace.directory, env: { ...ec2.environment, ...FAST } } as const
      const run = await runAction({ ...step, inputs: { 'aws-region': HOME, 'ami-id': bad, ...REASON } })
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toContain(
        'ssm-parameter: the parameters of the images file are not rolled back. images-file: ',
      )
      expect(await checksumTagOf(ec2, bad)).toBe(`revoked:${BASE}`)
    })
  })
})
