import { CopyImageCommand, DeregisterImageCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import { speakTo } from '../support/ec2.ts'
import {
  APP,
  BASE,
  changesOf,
  checksumTagOf,
  deprecateAt,
  describe as describeOne,
  errorsOf,
  findAsOldTool,
  HOME,
  makeFamily,
  noticesOf,
  parse,
  runSub,
  tagsOf,
  WEB,
} from '../support/lifecycle.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { type Run, startPlainly } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace } from '../support/workspace.ts'

const REASON = 'boots badly'

describe.skipIf(!hasTools('moto_server'))('revoke', { concurrent: true }, () => {
  const startAccount = useAccounts()

  async function revoke(ec2: FaultyEc2, inputs: Readonly<Record<string, string>>): Promise<Run> {
    return await runSub('revoke', ec2, { reason: REASON, ...inputs })
  }

  async function restore(ec2: FaultyEc2, inputs: Readonly<Record<string, string>>): Promise<Run> {
    return await runSub('revoke', ec2, { restore: 'true', ...inputs })
  }

  test('takes an image, its copies in all regions and its descendants out of use', async () => {
    await using ec2 = await startAccount()
    const { base, copies, web, webCopy, app } = await makeFamily(ec2)
    const other = await ec2.makeImage({ ami_config_checksum: WEB })
    const run = await revoke(ec2, { 'ami-id': base })
    expect(run.exitCode, run.log).toBe(0)
    expect(parse(run, 'revoked')).toEqual({
      [HOME]: expect.arrayContaining([base, web, app]),
      'eu-west-1': expect.arrayContaining([copies['eu-west-1'], webCopy]),
      'ap-south-1': [copies['ap-south-1']],
    })
    for (const [id, checksum, region] of [
      [base, BASE, HOME],
      [copies['eu-west-1'], BASE, 'eu-west-1'],
      [copies['ap-south-1'], BASE, 'ap-south-1'],
      [web, WEB, HOME],
      [webCopy, WEB, 'eu-west-1'],
      [app, APP, HOME],
    ] as const) {
      const tags = await tagsOf(ec2, id ?? '', region)
      expect(tags).toMatchObject({
        ami_config_checksum: `revoked:${checksum}`,
        ami_bakery_revoked: REASON,
        ami_bakery_revoked_by: expect.stringMatching(/^https:.*\/runs\/4711\/attempts\/1 by /),
      })
      expect(await findAsOldTool(ec2, checksum, region)).not.toContain(id)
      const { DeprecationTime = '' } = await describeOne(ec2, id ?? '', region)
      expect(Date.parse(DeprecationTime) - Date.now()).toBeLessThan(3 * 60_000)
    }
    expect(await checksumTagOf(ec2, other)).toBe(WEB)
    expect(changesOf(ec2).filter(action => !/^(CreateTags|EnableImageDeprecation)$/.test(action))).toEqual([])
  })

  test('sets the objection of every image before the value of any', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    await revoke(ec2, { 'ami-id': base })
    const keys = ec2.requests
      .filter(({ action }) => action === 'CreateTags')
      .map(one => one.parameters.get('Tag.1.Key'))
    expect(keys).toEqual([...Array(6).fill('ami_bakery_revoked'), ...Array(6).fill('ami_config_checksum')])
  })

  test('takes the id of a copy for its whole unit', async () => {
    await using ec2 = await startAccount()
    const { base, copies, web } = await makeFamily(ec2)
    const run = await revoke(ec2, { 'ami-id': copies['eu-west-1'] ?? '', descendants: 'false' })
    expect(run.exitCode, run.log).toBe(0)
    expect(Object.values(parse(run, 'revoked')).flat().sort()).toEqual([base, ...Object.values(copies)].sort())
    expect(await checksumTagOf(ec2, web)).toBe(WEB)
  })

  test('finds copies that EC2 knows the source of, also in the same region', async () => {
    await using ec2 = await startAccount()
    const source = await ec2.makeImage({ ami_config_checksum: BASE })
    const copyTo = async (region: string) => {
      const copy = { Name: `copy-${region}`, SourceImageId: source, SourceRegion: HOME }
      const Tags = [{ Key: 'ami_config_checksum', Value: BASE }]
      const specified = { ...copy, TagSpecifications: [{ ResourceType: 'image' as const, Tags }] }
      const { ImageId = '' } = await ec2.client(region).send(new CopyImageCommand(specified))
      return ImageId
    }
    const [west, home] = [await copyTo('eu-west-1'), await copyTo(HOME)]
    const run = await revoke(ec2, { 'ami-id': west, descendants: 'false' })
    expect(run.exitCode, run.log).toBe(0)
    expect(Object.values(parse(run, 'revoked')).flat().sort()).toEqual([source, west, home].sort())
    expect(await findAsOldTool(ec2, BASE)).toEqual([])
  })

  test('revokes the copies of a source that does not exist any more', async () => {
    await using ec2 = await startAccount()
    const tags = { ami_config_checksum: BASE, ami_bakery_image: 'ami-0123456789abcdef0' }
    const [west, south] = [await ec2.makeImage(tags, 'eu-west-1'), await ec2.makeImage(tags, 'ap-south-1')]
    const run = await revoke(ec2, { 'ami-id': west })
    expect(parse(run, 'revoked'), run.log).toEqual({ 'eu-west-1': [west], 'ap-south-1': [south] })
  })

  test('revokes every template’s images with a checksum', async () => {
    await using ec2 = await startAccount()
    const [one, two] = [
      await ec2.makeImage({ ami_config_checksum: BASE, ami_bakery_template: 'a' }),
      await ec2.makeImage({ ami_config_checksum: `candidate:${BASE}`, ami_bakery_template: 'b' }),
    ]
    const failed = await ec2.makeImage({ ami_config_checksum: `failed:${BASE}` })
    const run = await revoke(ec2, { 'ami-config-checksum': BASE })
    expect(run.exitCode, run.log).toBe(0)
    expect(await checksumTagOf(ec2, one)).toBe(`revoked:${BASE}`)
    expect(await checksumTagOf(ec2, two)).toBe(`revoked:candidate:${BASE}`)
    expect(await checksumTagOf(ec2, failed)).toBe(`failed:${BASE}`)
  })

  test('with rebake sets a value that does not block the definition, also afterwards', async () => {
    await using ec2 = await startAccount()
    const { base, web } = await makeFamily(ec2)
    await revoke(ec2, { 'ami-id': base })
    const run = await revoke(ec2, { 'ami-id': base, rebake: 'true', reason: 'another reason' })
    expect(run.exitCode, run.log).toBe(0)
    expect(await checksumTagOf(ec2, base)).toBe(`revoked-once:${BASE}`)
    expect(await checksumTagOf(ec2, web)).toBe(`revoked-once:${WEB}`)
    expect((await tagsOf(ec2, base)).ami_bakery_revoked).toBe(REASON)
  })

  test('of what is revoked only reads and succeeds', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    const first = await revoke(ec2, { 'ami-id': base })
    ec2.requests.length = 0
    const run = await revoke(ec2, { 'ami-id': base })
    expect(run.exitCode, run.log).toBe(0)
    expect(changesOf(ec2)).toEqual([])
    expect(run.outputs.revoked).toBe(first.outputs.revoked)
    expect(run.outputs.record).toBe('')
  })

  test('keeps the former time of deprecation, and an earlier one', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({ ami_config_checksum: BASE })
    await deprecateAt(ec2, image, '2099-01-01T00:00:00Z')
    await revoke(ec2, { 'ami-id': image })
    expect((await tagsOf(ec2, image)).ami_bakery_deprecation_before).toBe('2099-01-01T00:00:00.000Z')
    await restore(ec2, { 'ami-id': image })
    expect((await describeOne(ec2, image)).DeprecationTime).toBe('2099-01-01T00:00:00.000Z')
    const soon = await ec2.makeImage({ ami_config_checksum: WEB })
    const time = new Date(Date.now() + 61_000).toISOString()
    await deprecateAt(ec2, soon, time)
    const { DeprecationTime } = await describeOne(ec2, soon)
    await revoke(ec2, { 'ami-id': soon })
    expect(await describeOne(ec2, soon)).toMatchObject({ DeprecationTime })
    expect(await tagsOf(ec2, soon)).not.toHaveProperty('ami_bakery_deprecation_before')
  })

  test('restores an image, its copies and the descendants that were revoked with the same reason', async () => {
    await using ec2 = await startAccount()
    const { base, copies, web, webCopy, app } = await makeFamily(ec2)
    await revoke(ec2, { 'ami-id': app, reason: 'its own reason' })
    await revoke(ec2, { 'ami-id': base })
    expect((await tagsOf(ec2, app)).ami_bakery_revoked).toBe('its own reason')
    const run = await restore(ec2, { 'ami-id': copies['ap-south-1'] ?? '' })
    expect(run.exitCode, run.log).toBe(0)
    for (const [id, checksum, region] of [
      [base, BASE, HOME],
      [copies['eu-west-1'], BASE, 'eu-west-1'],
      [copies['ap-south-1'], BASE, 'ap-south-1'],
      [web, WEB, HOME],
      [webCopy, WEB, 'eu-west-1'],
    ] as const) {
      expect(await findAsOldTool(ec2, checksum, region)).toContain(id)
      expect(await tagsOf(ec2, id ?? '', region)).toMatchObject({ ami_bakery_revoked: '', ami_bakery_revoked_by: '' })
      expect(await describeOne(ec2, id ?? '', region)).not.toHaveProperty('DeprecationTime')
    }
    expect(await checksumTagOf(ec2, app)).toBe(`revoked:${APP}`)
    expect(run.outputs.record?.split('\n')).toHaveLength(5)
  })

  test('restores a revoked candidate as a candidate', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({ ami_config_checksum: `candidate:${BASE}` })
    await revoke(ec2, { 'ami-id': image, rebake: 'true' })
    expect(await checksumTagOf(ec2, image)).toBe(`revoked-once:candidate:${BASE}`)
    await restore(ec2, { 'ami-id': image })
    expect(await checksumTagOf(ec2, image)).toBe(`candidate:${BASE}`)
  })

  test('of what is not revoked restores nothing and says so', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    const run = await restore(ec2, { 'ami-id': base })
    expect(run.exitCode, run.log).toBe(0)
    expect(changesOf(ec2)).toEqual([])
    expect(noticesOf(run)).toContain('not revoked')
  })

  test('with dry-run lists everything and changes nothing', async () => {
    await using ec2 = await startAccount()
    const { base, webCopy } = await makeFamily(ec2)
    const run = await revoke(ec2, { 'ami-id': base, 'dry-run': 'true' })
    expect(run.exitCode, run.log).toBe(0)
    expect(run.log).toContain(`${webCopy} in eu-west-1`)
    expect(run.summary).toContain(webCopy)
    expect(run.outputs).toMatchObject({ revoked: '{}', record: '', replacement: '' })
    expect(changesOf(ec2)).toEqual([])
  })

  test('of more than max-images is an error with the list, and changes nothing', async () => {
    await using ec2 = await startAccount()
    const { base, web, app } = await makeFamily(ec2)
    const run = await revoke(ec2, { 'ami-id': base, 'max-images': '2' })
    expect(run.exitCode).toBe(1)
    expect(errorsOf(run)).toBe(
      `max-images: 3 images would be revoked, more than 2: ${base}, ${web}, ${app}. Nothing was changed. If this is right, set max-images to 3.`,
    )
    expect(changesOf(ec2)).toEqual([])
    expect((await revoke(ec2, { 'ami-id': base, 'max-images': '3' })).exitCode).toBe(0)
  })

  test('lists what still uses the images, and who can’t be asked', async () => {
    await using ec2 = await startAccount()
    const { base, copies } = await makeFamily(ec2)
    const arn = 'arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0'
    ec2.use.refer(base, { arn, type: 'ec2:Instance' })
    const permission = { Add: [{ UserId: '111122223333' }] }
    const shared = { ImageId: copies['eu-west-1'], LaunchPermission: permission }
    await ec2.client('eu-west-1').send(new ModifyImageAttributeCommand(shared))
    const run = await revoke(ec2, { 'ami-id': base })
    expect(parse(run, 'still_used_by'), run.log).toEqual([arn])
    expect(noticesOf(run)).toContain('1 of the images can be launched by 111122223333.')
    expect(run.summary).toContain('instance/i-0123456789abcdef0')
    expect(run.summary).toContain('111122223333: not seen')
  })

  test('needs no permission for the list of what uses the images', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    ec2.fail({ action: 'DescribeImageReferences', error: 'UnauthorizedOperation' })
    ec2.fail({ action: 'DescribeImageAttribute', error: 'UnauthorizedOperation' })
    const run = await revoke(ec2, { 'ami-id': base })
    expect(run.exitCode, run.log).toBe(0)
    expect(noticesOf(run)).toMatch(/Grant the role of this job the action ec2:DescribeImageReferences/)
    expect(parse(run, 'still_used_by')).toEqual([])
    expect(await checksumTagOf(ec2, base)).toBe(`revoked:${BASE}`)
  })

  test('gives a record of each changed image and the newest image to use instead', async () => {
    await using ec2 = await startAccount()
    const older = await ec2.makeImage({ ami_config_checksum: WEB, ami_bakery_template: 'base/t.pkr.hcl' })
    const { base } = await makeFamily(ec2)
    const run = await revoke(ec2, { 'ami-id': base })
    const lines: string[] = (run.outputs.record ?? '').split('\n')
    expect(lines).toHaveLength(6)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      action: 'revoke',
      account: expect.stringMatching(/^\d{12}$/),
      region: HOME,
      id: base,
      checksum: BASE,
      reason: `Revoked: ${REASON}`,
      run: expect.stringContaining('/runs/4711/'),
      tags: { ami_bakery_template: 'base/t.pkr.hcl' },
    })
    for (const line of lines) expect(run.log).toContain(line)
    expect(run.outputs.replacement).toBe(older)
  })

  test('never names an image as replacement that could not be revoked', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage({ ami_config_checksum: BASE, ami_bakery_template: 'base/t.pkr.hcl' })
    ec2.fail({ action: 'CreateTags', error: 'UnauthorizedOperation' })
    const run = await revoke(ec2, { 'ami-id': id })
    expect(run.exitCode).toBe(1)
    expect(run.outputs).toMatchObject({ revoked: '{}', replacement: '' })
    expect(run.log).not.toContain('Commands that go further')
  })

  test('revokes a disabled image, without a time of deprecation', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({ ami_config_checksum: BASE })
    ec2.images.disable(image)
    const run = await revoke(ec2, { 'ami-id': image })
    expect(run.exitCode, run.log).toBe(0)
    expect(await checksumTagOf(ec2, image)).toBe(`revoked:${BASE}`)
    expect(changesOf(ec2)).toEqual(['CreateTags', 'CreateTags'])
  })

  test('names an image that is made of a revoked one without the action’s tag, and leaves it', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({ ami_config_checksum: BASE })
    const copy = { Name: 'by hand', SourceImageId: image, SourceRegion: HOME }
    const { ImageId: byHand = '' } = await ec2.client().send(new CopyImageCommand(copy))
    const run = await revoke(ec2, { 'ami-id': image })
    expect(run.log).toContain(`${byHand} in ${HOME} is made of one of them, but has no tag ami_config_checksum`)
    expect(await tagsOf(ec2, byHand)).toEqual({})
  })

  test('puts the objection on a copy that is still pending', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({ ami_config_checksum: BASE })
    ec2.slowCopies(60_000)
    const Tags = [{ Key: 'ami_bakery_image', Value: image }]
    const copy = { Name: 'a-copy', SourceImageId: image, SourceRegion: HOME }
    const specified = { ...copy, TagSpecifications: [{ ResourceType: 'image' as const, Tags }] }
    const { ImageId = '' } = await ec2.client('eu-west-1').send(new CopyImageCommand(specified))
    const run = await revoke(ec2, { 'ami-id': image })
    expect(run.exitCode, run.log).toBe(0)
    const { ami_bakery_revoked, ami_config_checksum } = await tagsOf(ec2, ImageId, 'eu-west-1')
    expect([ami_bakery_revoked, ami_config_checksum]).toEqual([REASON, undefined])
  })

  test('names what is left when an image can’t be changed, and finishes it when it is repeated', async () => {
    await using ec2 = await startAccount()
    const { base, copies } = await makeFamily(ec2)
    ec2.fail({ action: 'CreateTags', region: 'eu-west-1', error: 'UnauthorizedOperation' })
    const run = await revoke(ec2, { 'ami-id': base })
    expect(run.exitCode).toBe(1)
    expect(errorsOf(run)).toContain(`${copies['eu-west-1']} in eu-west-1: ec2:CreateTags in eu-west-1: `)
    expect(errorsOf(run)).toContain('Run it again to finish them.')
    expect(await checksumTagOf(ec2, base)).toBe(`revoked:${BASE}`)
    ec2.mend()
    expect((await revoke(ec2, { 'ami-id': base })).exitCode).toBe(0)
    expect(await findAsOldTool(ec2, BASE, 'eu-west-1')).toEqual([])
  })

  test('takes an image that has no room for another tag out of use, and says what to do', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({ ami_config_checksum: BASE })
    ec2.fail({ action: 'CreateTags', about: /=ami_bakery_revoked$/, error: 'TagLimitExceeded' })
    const run = await revoke(ec2, { 'ami-id': image })
    expect(errorsOf(run)).toContain('A resource has 50 tags at most')
    expect(await findAsOldTool(ec2, BASE)).toEqual([])
    expect(await checksumTagOf(ec2, image)).toBe(`revoked:${BASE}`)
    ec2.mend()
    const second = await revoke(ec2, { 'ami-id': image })
    expect(second.exitCode, second.log).toBe(0)
    expect(await tagsOf(ec2, image)).toMatchObject({
      ami_bakery_revoked: REASON,
      ami_config_checksum: `revoked:${BASE}`,
    })
  })

  test('changes nothing when a region does not answer, unless regions leave it out', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    ec2.fail({ action: 'DescribeImages', region: 'ap-south-1', error: 'UnauthorizedOperation' })
    const run = await revoke(ec2, { 'ami-id': base })
    expect(errorsOf(run)).toMatch(/^regions: ec2:DescribeImages in ap-south-1: .*If no image is used in ap-south-1/)
    expect(changesOf(ec2)).toEqual([])
    const second = await revoke(ec2, { 'ami-id': base, regions: 'eu-west-1' })
    expect(second.exitCode, second.log).toBe(0)
    expect(Object.keys(parse(second, 'revoked'))).toEqual([HOME, 'eu-west-1'])
  })

  test('changes nothing when the regions can’t be listed, unless they are specified', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    ec2.fail({ action: 'DescribeRegions', error: 'UnauthorizedOperation' })
    const run = await revoke(ec2, { 'ami-id': base })
    expect(errorsOf(run)).toMatch(/^regions: ec2:DescribeRegions in us-east-1: .* Or specify the regions\.$/)
    expect(changesOf(ec2)).toEqual([])
    const second = await revoke(ec2, { 'ami-id': base, regions: 'eu-west-1, ap-south-1' })
    expect(second.exitCode, second.log).toBe(0)
  })

  test('runs outside GitHub, with arguments', async () => {
    await using ec2 = await startAccount()
    const { base } = await makeFamily(ec2)
    using workspace = makeWorkspace({ 'a.txt': '' })
    const env = { ...ec2.environment, AWS_REGION: HOME, USER: 'ada' }
    const args = [`ami-id=${base}`, 'reason=boots badly = often']
    const run = await startPlainly(workspace.directory, env, args, 'revoke').ended
    expect(run.exitCode, run.log).toBe(0)
    expect(await tagsOf(ec2, base)).toMatchObject({
      ami_bakery_revoked: 'boots badly = often',
      ami_bakery_revoked_by: 'outside GitHub by ada',
    })
    expect(run.log).toMatch(/^revoked=\{"us-east-1":/m)
    // In a `run` step of a workflow too, where the runner's variables are set.
    const inStep = { ...env, GITHUB_ACTIONS: 'true' }
    const restored = await startPlainly(workspace.directory, inStep, [`ami-id=${base}`, 'restore=true'], 'revoke').ended
    expect(restored.exitCode, restored.log).toBe(0)
    expect(await checksumTagOf(ec2, base)).toBe(BASE)
  })

  describe('refuses', () => {
    const wrong: [what: string, inputs: Record<string, string>, message: RegExp][] = [
      ['no image', {}, /^ami-id: neither ami-id nor ami-config-checksum is specified\./],
      [
        'both',
        { 'ami-id': 'ami-0123456789abcdef0', 'ami-config-checksum': BASE },
        /^ami-id: ami-config-checksum is specified too/,
      ],
      ['no id', { 'ami-id': 'i-123' }, /^ami-id: "i-123" is not the id of an image/],
      ['no checksum', { 'ami-config-checksum': 'x' }, /^ami-config-checksum: "x" is not a checksum/],
      ['an unknown checksum', { 'ami-config-checksum': BASE }, /^ami-config-checksum: no image has the checksum/],
      ['an unknown id', { 'ami-id': 'ami-0123456789abcdef0' }, /^ami-id: there is no image ami-0123456789abcdef0 in /],
      [
        'an image of another account',
        { 'ami-id': 'ami-03cf127a' },
        /^ami-id: ami-03cf127a is an image of account 137112412989/,
      ],
      ['no reason', { 'ami-id': 'ami-0123456789abcdef0', reason: ' ' }, /^reason: is required/],
      ['a line break', { 'ami-id': 'ami-0123456789abcdef0', reason: 'a\nb' }, /^reason: "a\\nb" has line breaks/],
      [
        'a long reason',
        { 'ami-id': 'ami-0123456789abcdef0', reason: 'x'.repeat(300) },
        /^reason: it has 300 characters/,
      ],
      ['no limit', { 'ami-id': 'ami-0123456789abcdef0', 'max-images': '0' }, /^max-images: "0" is not a whole number/],
      ['no region', { 'ami-id': 'ami-0123456789abcdef0', 'aws-region': 'x' }, /^aws-region: "x" is not the name/],
    ]
    test.for(wrong)('%s', async ([, inputs, message]) => {
      await using ec2 = await startAccount()
      const run = await revoke(ec2, inputs)
      expect(run.exitCode).toBe(1)
      expect(run.annotations.filter(({ level }) => level === 'error')).toHaveLength(1)
      expect(errorsOf(run)).toMatch(message)
      expect(changesOf(ec2)).toEqual([])
    })

    test.for([
      [
        'a failed bake’s image',
        { ami_config_checksum: `failed:${BASE}` },
        /comes from a failed bake or copy: it is never used/,
      ],
      ['an untagged image', {}, /has no tag ami_config_checksum: this action did not bake it/],
      [
        'another tool’s tag',
        { ami_config_checksum: 'v1' },
        /has the tag ami_config_checksum=v1, which is not a checksum/,
      ],
    ] as const)('%s', async ([, tags, message]) => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(tags)
      const run = await revoke(ec2, { 'ami-id': id })
      expect(errorsOf(run)).toMatch(message)
      expect(errorsOf(run)).toContain(`ami-id: ${id} in ${HOME}`)
      expect(changesOf(ec2)).toEqual([])
    })

    test('an image that was just deregistered, as one that is not there', async () => {
      await using ec2 = await startAccount()
      const ImageId = await ec2.makeImage({ ami_config_checksum: BASE })
      ec2.lateness({ gone: 60_000 })
      await speakTo(ec2.endpoint).client().send(new DeregisterImageCommand({ ImageId }))
      const run = await revoke(ec2, { 'ami-id': ImageId })
      expect(errorsOf(run)).toMatch(new RegExp(`^ami-id: there is no image ${ImageId} in `))
      expect(errorsOf(await runSub('publish', ec2, { 'ami-id': ImageId }))).toMatch(/^ami-id: there is no image /)
    })

    test('a pending image', async () => {
      await using ec2 = await startAccount()
      const image = await ec2.makeImage({ ami_config_checksum: BASE })
      ec2.slowCopies(60_000)
      const copy = { Name: 'a-copy', SourceImageId: image, SourceRegion: HOME }
      const { ImageId = '' } = await ec2.client('eu-west-1').send(new CopyImageCommand(copy))
      const run = await revoke(ec2, { 'ami-id': ImageId })
      expect(errorsOf(run)).toMatch(/is pending\. Wait until it is available/)
      expect(errorsOf(run)).toContain(`It is a copy of ${image}: specify that one.`)
    })
  })
})
