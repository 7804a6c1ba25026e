import { CopyImageCommand, CreateTagsCommand } from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import {
  BASE,
  changesOf,
  checksumTagOf,
  describe as describeOne,
  errorsOf,
  findAsOldTool,
  HOME,
  noticesOf,
  parse,
  runSub,
  tagsOf,
  WEB,
} from '../support/lifecycle.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace, type Workspace } from '../support/workspace.ts'

const CANDIDATE = { ami_config_checksum: `candidate:${BASE}` }
const REGIONS = ['eu-west-1', 'eu-west-2', 'ap-south-1']

describe.skipIf(!hasTools('moto_server'))('publish', { concurrent: true }, () => {
  const startAccount = useAccounts()

  async function publish(ec2: FaultyEc2, inputs: Readonly<Record<string, string>>): Promise<Run> {
    return await runSub('publish', ec2, inputs)
  }

  describe('of one image', () => {
    test('makes a candidate a hit, with one tag that says who did it', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const run = await publish(ec2, { 'ami-id': id, 'ami-config-checksum': BASE })
      expect(run.exitCode, run.log).toBe(0)
      expect(await tagsOf(ec2, id)).toEqual({
        ami_config_checksum: BASE,
        ami_bakery_published: expect.stringMatching(/^https:.*\/runs\/4711\/attempts\/1 by /),
      })
      expect(parse(run, 'ami_ids')).toEqual({ [id]: { [HOME]: id } })
      expect(parse(run, 'published')).toEqual([id])
      expect(JSON.parse(run.outputs.record ?? '')).toMatchObject({ action: 'publish', id, checksum: BASE })
      expect(await findAsOldTool(ec2, BASE)).toEqual([id])
    })

    test('tags the copies in all regions before the image itself', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage({ ...CANDIDATE, owner: 'web team' })
      const run = await publish(ec2, { 'ami-id': id, regions: REGIONS.join(), tags: 'cost-center=7' })
      expect(run.exitCode, run.log).toBe(0)
      const bare = ec2.requests.filter(({ action, parameters }) => {
        return action === 'CreateTags' && [...parameters.values()].includes(BASE)
      })
      expect(
        bare
          .map(({ region }) => region)
          .slice(0, 3)
          .sort(),
      ).toEqual([...REGIONS].sort())
      expect(bare.map(({ region }) => region)[3]).toBe(HOME)
      const { [HOME]: home, ...copies } = parse(run, 'ami_ids')[id]
      expect(home).toBe(id)
      for (const [region, copy] of Object.entries<string>(copies)) {
        const tags = { ami_bakery_image: id, owner: 'web team', 'cost-center': '7', ami_bakery_published: /./ }
        expect(await tagsOf(ec2, copy, region)).toMatchObject({
          ...tags,
          ami_config_checksum: BASE,
          ami_bakery_published: expect.any(String),
        })
      }
    })

    test('that is published only reads', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const inputs = { 'ami-id': id, regions: 'eu-west-1' }
      const first = await publish(ec2, inputs)
      ec2.requests.length = 0
      const run = await publish(ec2, inputs)
      expect(run.exitCode, run.log).toBe(0)
      expect(changesOf(ec2)).toEqual([])
      expect(run.outputs.ami_ids).toBe(first.outputs.ami_ids)
      expect(run.outputs.record).toBe('')
    })

    test('adds a region that an image which is published already lacks', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage({ ami_config_checksum: BASE })
      const run = await publish(ec2, { 'ami-id': id, regions: 'eu-west-1' })
      expect(run.exitCode, run.log).toBe(0)
      const copy = parse(run, 'ami_ids')[id]['eu-west-1']
      const lines = (run.outputs.record ?? '').split('\n').map(line => JSON.parse(line))
      expect(lines).toMatchObject([
        { id, checksum: BASE },
        { id: copy, checksum: BASE, tags: { ami_bakery_image: id, ami_bakery_published: expect.any(String) } },
      ])
      expect(await findAsOldTool(ec2, BASE, 'eu-west-1')).toEqual([copy])
    })

    test('leaves a candidate a candidate when one region fails, and a repeat finishes it', async () => {
      await using ec2 = await startAccount()
      const bakedAt = '2026-01-01T00:00:00Z'
      const id = await ec2.makeImage({ ...CANDIDATE, ami_bakery_baked_at: bakedAt })
      const inputs = { 'ami-id': id, regions: REGIONS.join() }
      ec2.fail({ action: 'CopyImage', region: 'eu-west-2', error: 'UnauthorizedOperation' })
      const run = await publish(ec2, inputs)
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toMatch(/^regions: Could not copy the image to\neu-west-2: ec2:CopyImage in eu-west-2: /)
      expect(await checksumTagOf(ec2, id)).toBe(`candidate:${BASE}`)
      for (const region of [HOME, ...REGIONS]) expect(await findAsOldTool(ec2, BASE, region)).toEqual([])
      expect(parse(run, 'published')).toEqual([])
      // An unfinished copy is as old as itself: prune does not delete it while other regions are copied.
      const { images } = await ec2.inventory('eu-west-1')
      const copy = images[0]?.ImageId ?? ''
      const unfinished = await tagsOf(ec2, copy, 'eu-west-1')
      expect(unfinished).toMatchObject({ ami_bakery_image: id })
      expect(unfinished).not.toHaveProperty('ami_bakery_baked_at')
      ec2.mend()
      const second = await publish(ec2, inputs)
      expect(second.exitCode, second.log).toBe(0)
      for (const region of [HOME, ...REGIONS]) expect(await findAsOldTool(ec2, BASE, region)).toHaveLength(1)
      expect(await tagsOf(ec2, copy, 'eu-west-1')).toMatchObject({ ami_bakery_baked_at: bakedAt })
      expect(ec2.requests.filter(({ action }) => action === 'CopyImage')).toHaveLength(4)
    })

    test('of an image that can’t be signed fails, but says that it is a hit, and a repeat finishes it', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      ec2.fail({ action: 'CreateTags', about: /Key=ami_bakery_published$/, error: 'UnauthorizedOperation' })
      const inputs = { 'ami-id': id, 'ssm-parameter': '/amis/signed' }
      const run = await publish(ec2, inputs)
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toMatch(
        /^ami-\w+ is published, but not everything is as specified: ec2:CreateTags in us-east-1: /,
      )
      expect(run.log).toContain(`${id} is published.`)
      expect(await checksumTagOf(ec2, id)).toBe(BASE)
      expect(parse(run, 'ami_ids')).toEqual({ [id]: { [HOME]: id } })
      expect(parse(run, 'published')).toEqual([])
      expect(ec2.requests.map(({ action }) => action)).not.toContain('PutParameter')
      ec2.mend()
      expect(parse(await publish(ec2, inputs), 'published')).toEqual([id])
    })

    test('puts everything back when the image is revoked while it is published', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      // The second look's answer: after the copies and the image have their tags.
      ec2.fail({ action: 'CreateTags', region: HOME, about: new RegExp(`=${BASE}$`), delay: 1500 })
      const running = publish(ec2, { 'ami-id': id, regions: 'eu-west-1' })
      while (!ec2.requests.some(({ action, region }) => action === 'CreateTags' && region === HOME)) {
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      const Tags = [{ Key: 'ami_bakery_revoked', Value: 'boots badly' }]
      await ec2.client().send(new CreateTagsCommand({ Resources: [id], Tags }))
      const run = await running
      expect(run.exitCode, run.log).toBe(1)
      expect(errorsOf(run)).toContain(`${id} in ${HOME} is revoked (boots badly)`)
      expect(await checksumTagOf(ec2, id)).toBe(`revoked:${BASE}`)
      expect(await findAsOldTool(ec2, BASE, 'eu-west-1')).toEqual([])
    })

    test('of a copy that was revoked makes no other copy', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      await ec2.makeImage({ ami_bakery_image: id, ami_config_checksum: `revoked:${BASE}` }, 'eu-west-1')
      const run = await publish(ec2, { 'ami-id': id, regions: 'eu-west-1' })
      expect(errorsOf(run)).toMatch(/is a copy of .* and is revoked \(without a reason\)/)
      expect(changesOf(ec2)).toEqual([])
    })

    test('refuses a child whose parent is a candidate, and takes it once the parent is published', async () => {
      await using ec2 = await startAccount()
      const parent = await ec2.makeImage(CANDIDATE)
      const child = await ec2.makeImage({ ami_config_checksum: `candidate:${WEB}`, ami_bakery_parent: parent })
      const run = await publish(ec2, { 'ami-id': child })
      expect(errorsOf(run)).toContain(
        `Could not publish ${child}: ${child} was baked from ${parent}, whose state is candidate, not published.`,
      )
      expect(changesOf(ec2)).toEqual([])
      await publish(ec2, { 'ami-id': parent })
      expect((await publish(ec2, { 'ami-id': child })).exitCode).toBe(0)
    })

    test('keeps the checksum’s copies of candidates out of the way of the old tool until the image is published', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      ec2.fail({ action: 'CreateTags', about: new RegExp(`=${BASE}$`), error: 'UnauthorizedOperation' })
      await publish(ec2, { 'ami-id': id, regions: 'eu-west-1' })
      expect(ec2.requests.map(({ action }) => action)).toContain('CopyImage')
      for (const region of [HOME, 'eu-west-1']) expect(await findAsOldTool(ec2, BASE, region)).toEqual([])
    })
  })

  describe('refuses', () => {
    const ID = 'ami-0123456789abcdef0'
    test.for<[what: string, inputs: Record<string, string>, message: RegExp]>([
      ['neither id nor names', {}, /^ami-id: neither ami-id nor images is specified/],
      ['both', { 'ami-id': ID, images: 'all' }, /^images: ami-id is specified too/],
      ['no id', { 'ami-id': 'web' }, /^ami-id: "web" is not the id of an image/],
      [
        'a checksum with names',
        { images: 'all', 'ami-config-checksum': BASE },
        /^ami-config-checksum: it is allowed with ami-id/,
      ],
      ['names without a file', { images: 'all' }, /^images-file: /],
      ['an unknown id', { 'ami-id': ID }, /^ami-id: there is no image ami-0123456789abcdef0 in us-east-1/],
      [
        'an image of another account',
        { 'ami-id': 'ami-03cf127a' },
        /^ami-id: ami-03cf127a in us-east-1 is an image of account 137112412989/,
      ],
      ['a region that is none', { 'ami-id': ID, regions: 'x' }, /^regions: "x" is not the name/],
    ])('%s', async ([, inputs, message]) => {
      await using ec2 = await startAccount()
      const run = await publish(ec2, inputs)
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toMatch(message)
      expect(changesOf(ec2)).toEqual([])
    })

    test.for<[what: string, tags: Record<string, string>, message: RegExp]>([
      ['an untagged image', {}, /has no tag ami_config_checksum/],
      [
        'another tool’s tag',
        { ami_config_checksum: 'v1' },
        /has the tag ami_config_checksum=v1, which is not a checksum/,
      ],
      ['a failed image', { ami_config_checksum: `failed:${BASE}` }, /comes from a failed bake/],
      [
        'a revoked image',
        { ami_config_checksum: `revoked:${BASE}`, ami_bakery_revoked: 'bad' },
        /is revoked \(bad\)\. Restore it first/,
      ],
      ['an image with an objection', { ami_config_checksum: BASE, ami_bakery_revoked: 'bad' }, /is revoked \(bad\)/],
      ['an image that may be baked again', { ami_config_checksum: `revoked-once:candidate:${BASE}` }, /is revoked/],
      [
        'a copy',
        { ami_config_checksum: BASE, ami_bakery_image: ID },
        /is a copy of ami-0123456789abcdef0\. Publish that one/,
      ],
      [
        'a due image',
        { ...CANDIDATE, ami_bakery_prune: '2020-01-01' },
        /^ami-id: ami-\w+ in us-east-1 has been due for deletion since 2020-01-01\. Empty its tag ami_bakery_prune first/,
      ],
    ])('%s', async ([, tags, message]) => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(tags)
      const run = await publish(ec2, { 'ami-id': id })
      expect(run.exitCode).toBe(1)
      expect(errorsOf(run)).toMatch(message)
      expect(changesOf(ec2)).toEqual([])
    })

    test('a checksum that is not the image’s', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      const run = await publish(ec2, { 'ami-id': id, 'ami-config-checksum': WEB })
      expect(errorsOf(run)).toMatch(new RegExp(`^ami-config-checksum: ${id} has the checksum ${BASE}, not ${WEB}`))
      expect(changesOf(ec2)).toEqual([])
    })

    test('a pending image', async () => {
      await using ec2 = await startAccount()
      const SourceImageId = await ec2.makeImage(CANDIDATE)
      ec2.slowCopies(60_000)
      const copy = { Name: 'a-copy', SourceImageId, SourceRegion: HOME }
      const { ImageId = '' } = await ec2.client().send(new CopyImageCommand(copy))
      expect(errorsOf(await publish(ec2, { 'ami-id': ImageId }))).toContain('is pending. Wait until it is available.')
      expect(changesOf(ec2)).toEqual([])
    })

    test('a disabled image', async () => {
      await using ec2 = await startAccount()
      const id = await ec2.makeImage(CANDIDATE)
      ec2.images.disable(id)
      expect(errorsOf(await publish(ec2, { 'ami-id': id }))).toContain('is disabled.')
      expect((await describeOne(ec2, id)).State).toBe('disabled')
    })
  })

  describe('of the images file', () => {
    /** A chain of images, each in its own directory. */
    function makeRepository(images: Readonly<Record<string, string>>): Workspace {
      const lines = Object.entries(images).map(
        ([name, more]) => `  ${name}: { packer-template: ${name}/t.pkr.hcl, ami-definition-dirs: ${name}${more} }`,
      )
      const templates = Object.keys(images).map(name => [`${name}/t.pkr.hcl`, `${hclTemplate()}# ${name}`])
      return makeWorkspace({
        'ami-bakery.yml': ['defaults: { aws-region: us-east-1, candidate: true }', 'images:', ...lines].join('\n'),
        ...Object.fromEntries(templates),
      })
    }

    async function run(
      action: 'publish' | 'plan',
      ec2: FaultyEc2,
      workspace: Workspace,
      inputs: Readonly<Record<string, string>> = {},
    ): Promise<Run> {
      return await runAction({ action, workspace: workspace.directory, inputs, env: ec2.environment })
    }

    async function checksums(ec2: FaultyEc2, workspace: Workspace): Promise<Record<string, string>> {
      const entries = Object.entries<{ ami_config_checksum: string }>(parse(await run('plan', ec2, workspace), 'plan'))
      return Object.fromEntries(entries.map(([name, entry]) => [name, entry.ami_config_checksum]))
    }

    /** Candidates of these images, each baked from the one before. */
    async function plantChain(ec2: FaultyEc2, known: Record<string, string>): Promise<Record<string, string>> {
      const ids: Record<string, string> = {}
      let parent: string | undefined
      for (const [name, checksum] of Object.entries(known)) {
        const tags = { ami_config_checksum: `candidate:${checksum}`, ami_bakery_template: `${name}/t.pkr.hcl` }
        parent = await ec2.makeImage({ ...tags, ...(parent && { ami_bakery_parent: parent }) })
        ids[name] = parent
      }
      return ids
    }

    test('publishes a whole chain, parents first, and then is only hits', async () => {
      await using ec2 = await startAccount()
      using workspace = makeRepository({
        app: ', parent: web',
        web: ', parent: base, regions: [eu-west-1]',
        base: '',
      })
      const known = await checksums(ec2, workspace)
      const ids = await plantChain(ec2, { base: known.base ?? '', web: known.web ?? '', app: known.app ?? '' })
      ec2.requests.length = 0
      const published = await run('publish', ec2, workspace, { images: 'all' })
      expect(published.exitCode, published.log).toBe(0)
      expect(parse(published, 'published')).toEqual(['app', 'web', 'base'])
      expect(parse(published, 'ami_ids')).toEqual({
        app: { [HOME]: ids.app },
        web: { [HOME]: ids.web, 'eu-west-1': expect.stringMatching(/^ami-/) },
        base: { [HOME]: ids.base },
      })
      const order = ec2.requests
        .filter(({ action, region }) => action === 'CreateTags' && region === HOME)
        .filter(({ parameters }) => parameters.get('Tag.1.Key') === 'ami_config_checksum')
        .map(({ parameters }) => parameters.get('ResourceId.1'))
      expect(order).toEqual([ids.base, ids.web, ids.app])
      const plan = await run('plan', ec2, workspace)
      expect(parse(plan, 'ami_ids')).toEqual(ids)
      ec2.requests.length = 0
      const again = await run('publish', ec2, workspace, { images: 'app, base' })
      expect(parse(again, 'published'), again.log).toEqual(['app', 'base'])
      expect(changesOf(ec2)).toEqual([])
    })

    test('names a miss and leaves it, and a failure of one does not stop the others', async () => {
      await using ec2 = await startAccount()
      using workspace = makeRepository({ base: '', web: ', parent: base', other: '', none: '' })
      const known = await checksums(ec2, workspace)
      const ids = await plantChain(ec2, { base: known.base ?? '', web: known.web ?? '' })
      const other = await ec2.makeImage({ ami_config_checksum: `candidate:${known.other}` })
      ec2.fail({ action: 'CreateTags', about: new RegExp(`=${ids.base}$`), error: 'UnauthorizedOperation' })
      const published = await run('publish', ec2, workspace, { images: 'all' })
      expect(published.exitCode).toBe(1)
      expect(errorsOf(published)).toMatch(
        /^Could not publish 2 of 4 images\. .*\nbase: ec2:CreateTags.*\nweb: .* was baked from /,
      )
      expect(parse(published, 'published')).toEqual(['other'])
      expect(noticesOf(published)).toContain('none is not published: No image in us-east-1 has the checksum')
      expect(await checksumTagOf(ec2, other)).toBe(known.other)
      expect(await checksumTagOf(ec2, ids.web ?? '')).toBe(`candidate:${known.web}`)
      ec2.mend()
      const second = await run('publish', ec2, workspace, { images: 'all' })
      expect(parse(second, 'published'), second.log).toEqual(['base', 'web', 'other'])
    })

    test('publishes the others when one can’t be looked up', async () => {
      await using ec2 = await startAccount()
      using workspace = makeRepository({ base: '', far: ', aws-region: eu-west-2' })
      const known = await checksums(ec2, workspace)
      const ids = await plantChain(ec2, { base: known.base ?? '' })
      ec2.fail({ action: 'DescribeImages', region: 'eu-west-2', error: 'UnauthorizedOperation' })
      const published = await run('publish', ec2, workspace, { images: 'all' })
      expect(published.exitCode).toBe(1)
      expect(errorsOf(published)).toMatch(
        /^Could not publish 1 of 2 images\. .*\nfar: ec2:DescribeImages in eu-west-2: /,
      )
      expect(parse(published, 'published')).toEqual(['base'])
      expect(await checksumTagOf(ec2, ids.base ?? '')).toBe(known.base)
      expect(published.summary).toContain('far')
    })

    test('takes the published image rather than a candidate, and regions of the input rather than the file’s', async () => {
      await using ec2 = await startAccount()
      using workspace = makeRepository({ web: ', regions: [eu-west-2]' })
      const { web = '' } = await checksums(ec2, workspace)
      const image = await ec2.makeImage({ ami_config_checksum: web })
      const candidate = await ec2.makeImage({ ami_config_checksum: `candidate:${web}` })
      const published = await run('publish', ec2, workspace, { images: 'web', regions: 'eu-west-1' })
      expect(Object.keys(parse(published, 'ami_ids').web)).toEqual([HOME, 'eu-west-1'])
      expect(parse(published, 'ami_ids').web[HOME]).toBe(image)
      expect(await checksumTagOf(ec2, candidate)).toBe(`candidate:${web}`)
      expect(published.summary).toContain(image)
    })
  })
})
