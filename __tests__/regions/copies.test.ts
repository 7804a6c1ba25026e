import {
  CreateTagsCommand,
  DescribeImageAttributeCommand,
  DescribeSnapshotsCommand,
  EnableImageDeprecationCommand,
  type Image,
  ModifyImageAttributeCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import type { Run, Running } from '../support/runner.ts'
import { INPUTS, type Scene, setScene } from '../support/scene.ts'
import { CHECKSUM, tagSet } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate } from '../support/workspace.ts'

const WEST = 'eu-west-1'
const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const SHARED = { Add: [{ UserId: '111122223333' }] }
/** The request of the look-up, and the one for the copies of an image. */
const [LOOK_UP, FOR_COPIES] = [/=tag:ami_config_checksum$/, /=tag:ami_bakery_image$/]

describe.skipIf(!hasTools('moto_server', 'packer', 'packer_plugins'))('copies', () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  const set = () => setScene(moto, hclTemplate())

  function start(scene: Scene, inputs: Record<string, string> = {}, env: Record<string, string> = {}): Running {
    return scene.start({ inputs: { ...INPUTS, regions: WEST, ...inputs }, env: { ...scene.env, ...env } })
  }

  async function run(
    scene: Scene,
    inputs: Record<string, string> = {},
    env: Record<string, string> = {},
  ): Promise<Run> {
    return await start(scene, inputs, env).ended
  }

  /** The image in the look-up region. */
  async function plant(ec2: FaultyEc2, more: Record<string, string> = {}): Promise<string> {
    return await ec2.makeImage({ ami_config_checksum: CHECKSUM, ami_bakery_template: 'ami/app.pkr.hcl', ...more })
  }

  async function share(ec2: FaultyEc2, id: string): Promise<void> {
    await ec2.client().send(new ModifyImageAttributeCommand({ ImageId: id, LaunchPermission: SHARED }))
  }

  async function imagesIn(ec2: FaultyEc2): Promise<readonly Image[]> {
    return (await ec2.inventory(WEST)).images
  }

  /** An image as DescribeImages has it. */
  function item(id: string, tags: Record<string, string>, state = 'available', more = ''): string {
    return `<item><imageId>${id}</imageId><name>${id}</name><imageState>${state}</imageState><creationDate>2026-03-01T00:00:00.000Z</creationDate>${more}${tagSet(tags)}</item>`
  }

  const asked = ({ ec2 }: Scene, action: string) =>
    ec2.requests.filter(request => request.action === action && request.region === WEST)
  const tagsOf = ({ Tags = [] }: Pick<Image, 'Tags'> = {}) =>
    Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
  const copyOf = ({ outputs }: Run): string | undefined => JSON.parse(outputs.ami_ids ?? '{}')[WEST]
  const message = ({ annotations }: Run) => annotations.filter(({ level }) => level === 'error').map(one => one.message)

  describe('look-up', () => {
    test('a backup that inherited the tags of a copy is not used as a copy', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const tags = { ami_config_checksum: CHECKSUM, ami_bakery_image: source, 'aws:backup:source-resource': 'i-1' }
      const answer = imagesAnswer(item('ami-00000001', tags))
      scene.ec2.fail(
        { action: 'DescribeImages', region: WEST, about: LOOK_UP, answer, times: 1 },
        { action: 'DescribeImages', region: WEST, about: FOR_COPIES, answer },
      )
      const copied = await run(scene)
      expect(copied.exitCode, copied.log).toBe(0)
      const [copy] = await imagesIn(scene.ec2)
      expect([copyOf(copied), asked(scene, 'CopyImage').length]).toEqual([copy?.ImageId, 1])
      expect(copied.annotations).toEqual([
        { level: 'notice', message: expect.stringMatching(/^eu-west-1: ami-00000001 .* is a backup of an instance/) },
      ])
    })

    test('a revoked copy is neither used nor replaced', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const tags = { ami_config_checksum: CHECKSUM, ami_bakery_image: source, ami_bakery_revoked: 'boots badly' }
      const copy = await scene.ec2.makeImage(tags, WEST)
      const skipped = await run(scene, { 'on-miss': 'skip' })
      expect(skipped.outputs, skipped.log).toMatchObject({ ami_id: '', cache_hit: 'false' })
      expect(skipped.annotations).toEqual([
        {
          level: 'notice',
          message: `eu-west-1: ${copy} also has the checksum, but is revoked (boots badly): it is skipped.`,
        },
      ])
      const failed = await run(scene)
      expect(message(failed)).toEqual([
        expect.stringContaining(
          `eu-west-1: ${copy} is a copy of ${source} and is revoked (boots badly). Revoke ${source}`,
        ),
      ])
      expect([failed.exitCode, asked(scene, 'CopyImage')]).toEqual([1, []])
    })

    test('a copy whose own tag is due for deletion is a hit, unless the tag of its source is due too', async () => {
      await using scene = await set()
      const due = { ami_bakery_prune: '2026-01-01T00:00:00Z' }
      const source = await plant(scene.ec2)
      const copy = await scene.ec2.makeImage({ ami_config_checksum: CHECKSUM, ami_bakery_image: source, ...due }, WEST)
      const hit = await run(scene)
      expect([copyOf(hit), hit.annotations], hit.log).toEqual([copy, []])
      const Tags = Object.entries(due).map(([Key, Value]) => ({ Key, Value }))
      await scene.ec2.client().send(new CreateTagsCommand({ Resources: [source], Tags }))
      expect((await run(scene, { 'on-miss': 'skip' })).outputs.ami_id).toBe('')
    })

    test('an image that EC2 finds by a former value of its tag is not a copy', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const tags = { ami_config_checksum: `failed:${CHECKSUM}`, ami_bakery_image: source }
      const answer = imagesAnswer(item('ami-00000001', tags))
      scene.ec2.fail({ action: 'DescribeImages', region: WEST, about: LOOK_UP, answer })
      const skipped = await run(scene, { 'on-miss': 'skip' })
      expect([skipped.outputs.ami_id, skipped.annotations], skipped.log).toEqual(['', []])
    })
  })

  describe('regions that encrypt by default', () => {
    /** Runs a step whose copy is encrypted. */
    async function runEncrypted(scene: Scene): Promise<Run & { readonly copy: string }> {
      scene.ec2.slowCopies(1_500)
      const running = start(scene)
      await running.printed(/copying ami-\w+, as ami-/)
      const [copy = ''] = /(?<=copying ami-\w+, as )ami-\w+/.exec(running.log()) ?? []
      scene.ec2.images.encrypt(copy)
      return { ...(await running.ended), copy }
    }

    test('a copy with the default key is an error before it is shared, and another is made once a key is specified', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      await share(scene.ec2, source)
      scene.ec2.fail({ action: 'ModifyImageAttribute', region: WEST, error: 'InvalidParameter', times: 1 })
      const failed = await runEncrypted(scene)
      const { copy } = failed
      expect(message(failed)).toEqual([
        expect.stringMatching(
          `^regions: .*\neu-west-1: ${copy} in eu-west-1 is encrypted .* although ${source} is not encrypted, and other accounts that ${source} is shared with can't use the copy\\. Specify a KMS key for the region: eu-west-1=<key>\\. .*aws ec2 deregister-image --region eu-west-1 --image-id ${copy} `,
        ),
      ])
      expect(asked(scene, 'ModifyImageAttribute')).toEqual([])

      scene.ec2.mend()
      scene.ec2.slowCopies(0)
      const repaired = await run(scene, { regions: `${WEST}=${KEY}` })
      expect(repaired.exitCode, repaired.log).toBe(0)
      expect(copyOf(repaired)).not.toBe(copy)
      const copies = asked(scene, 'CopyImage').map(({ parameters }) => parameters)
      // The first copy still has the name, so that the second is asked for once more.
      expect(copies.at(-1)?.get('KmsKeyId')).toBe(KEY)
      expect(copies.at(-1)?.get('ClientToken')).not.toBe(copies[0]?.get('ClientToken'))
      const question = { ImageId: copyOf(repaired), Attribute: 'launchPermission' } as const
      const { LaunchPermissions } = await scene.ec2.client(WEST).send(new DescribeImageAttributeCommand(question))
      expect(LaunchPermissions).toEqual(SHARED.Add)
      expect((await run(scene)).outputs.cache_hit).toBe('true')
    })

    test('a copy with the default key is used, with a notice, when the image is not shared', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      const copied = await runEncrypted(scene)
      expect([copied.exitCode, copyOf(copied)], copied.log).toEqual([0, copied.copy])
      expect(copied.annotations).toEqual([
        {
          level: 'notice',
          message: expect.stringMatching(/is encrypted with .* Specify a KMS key for the region: eu-west-1=<key>\.$/),
        },
      ])
    })
  })

  describe('tags at creation', () => {
    test('a copy and its snapshots are created with the tags of their source, the same in runs of all repositories', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2, { ami_bakery_repository: 'example/app', Name: 'app' })
      const first = {
        ami_bakery_image: source,
        ami_bakery_template: 'ami/app.pkr.hcl',
        ami_bakery_repository: 'example/app',
      }
      scene.ec2.slowCopies(2_000)
      scene.ec2.fail({ action: 'CopyImage', delay: 1_000 })
      const running = ['example/app', 'example/other'].map(name => start(scene, {}, { GITHUB_REPOSITORY: name }))
      await Promise.all(running.map(one => one.printed(/copying ami-/)))
      expect((await imagesIn(scene.ec2)).map(tagsOf)).toEqual([first])
      const { Snapshots = [] } = await scene.ec2.client(WEST).send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }))
      expect(Snapshots.map(tagsOf)).toContainEqual(first)
      const [one, two] = await Promise.all(running.map(each => each.ended))
      expect([one?.exitCode, two?.exitCode], `${one?.log}${two?.log}`).toEqual([0, 0])
      const [a, b] = asked(scene, 'CopyImage').map(({ parameters }) => String(parameters))
      expect(a).toBe(b)
      expect(await imagesIn(scene.ec2)).toHaveLength(1)
    })

    test('a copy of an image without a template tag is created without one', async () => {
      await using scene = await set()
      const source = await scene.ec2.makeImage({ ami_config_checksum: CHECKSUM })
      const copied = await run(scene)
      expect(copied.exitCode, copied.log).toBe(0)
      const { parameters } = asked(scene, 'CopyImage')[0] ?? {}
      const tags = [...(parameters ?? [])].filter(([name]) => /\.Tag\./.test(name)).map(([, value]) => value)
      expect(tags).toEqual(['ami_bakery_image', source, 'ami_bakery_image', source])
      const [copy] = await imagesIn(scene.ec2)
      expect(Object.keys(tagsOf(copy)).sort()).toEqual([
        'ami_bakery_baked_at',
        'ami_bakery_image',
        'ami_config_checksum',
      ])
    })
  })

  test('a copy gets no tag that describes only its source', async () => {
    await using scene = await set()
    await plant(scene.ec2, {
      Name: 'app',
      ami_bakery_revoked: '',
      ami_bakery_revoked_by: 'run 1',
      ami_bakery_prune: '2099-01-01T00:00:00Z',
      ami_bakery_deprecation_before: '2099-01-01T00:00:00Z',
      'ec2:SharedTag/ami_config_checksum': CHECKSUM,
    })
    const copied = await run(scene)
    expect(copied.exitCode, copied.log).toBe(0)
    const [copy] = await imagesIn(scene.ec2)
    expect(Object.keys(tagsOf(copy)).sort()).toEqual([
      'Name',
      'ami_bakery_baked_at',
      'ami_bakery_image',
      'ami_bakery_template',
      'ami_config_checksum',
    ])
  })

  describe('waiting', () => {
    test('requests are retried while EC2 does not know an image that it has just described', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      await share(scene.ec2, source)
      const DeprecateAt = new Date('2099-01-01T00:00:00Z')
      await scene.ec2.client().send(new EnableImageDeprecationCommand({ ImageId: source, DeprecateAt }))
      const [NotFound, Unavailable] = ['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable']
      scene.ec2.fail(
        { action: 'DescribeImageAttribute', error: NotFound, times: 1 },
        { action: 'CopyImage', error: NotFound, times: 1 },
        { action: 'ModifyImageAttribute', error: NotFound, times: 2 },
        { action: 'EnableImageDeprecation', error: Unavailable, times: 2 },
      )
      const copied = await run(scene)
      expect([copied.exitCode, copied.annotations], copied.log).toEqual([0, []])
      const [copy] = await imagesIn(scene.ec2)
      expect(new Date(copy?.DeprecationTime ?? 0)).toEqual(DeprecateAt)
      const counts = ['CopyImage', 'ModifyImageAttribute', 'EnableImageDeprecation'].map(
        action => asked(scene, action).length,
      )
      expect(counts).toEqual([2, 3, 3])
    })

    test('requests are retried for 30 s at most when EC2 does not know the image', async () => {
      await using scene = await set()
      await share(scene.ec2, await plant(scene.ec2))
      scene.ec2.fail({ action: 'ModifyImageAttribute', error: 'InvalidAMIID.NotFound' })
      const failed = await run(scene, {}, { AMI_BAKERY_TIME_SCALE: '0.1' })
      expect(message(failed)).toEqual([expect.stringMatching(/eu-west-1: ec2:ModifyImageAttribute .*InvalidAMIID/)])
      expect(asked(scene, 'ModifyImageAttribute').length).toBeGreaterThan(1)
      expect(failed.seconds).toBeLessThan(20)
    })

    test('a copy in an intermediate state is waited for, and the state is printed', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      const answer = imagesAnswer(item('ami-00000001', {}, 'transient'))
      scene.ec2.fail({ action: 'DescribeImages', region: WEST, about: /^ImageId\.1=/, answer, times: 2 })
      const copied = await run(scene)
      expect(copied.exitCode, copied.log).toBe(0)
      expect(copied.log).toMatch(/\neu-west-1: ami-\w+ is transient after 0 s\.\n/)
    })

    test('the progress of a copy is read from all pages of its snapshots', async () => {
      await using scene = await set()
      scene.ec2.prompt()
      await plant(scene.ec2)
      scene.ec2.slowCopies(1_500)
      const page = (progress: string, token: string) =>
        `<DescribeSnapshotsResponse><requestId>0</requestId><snapshotSet><item><snapshotId>snap-00000001</snapshotId><status>pending</status><progress>${progress}</progress></item></snapshotSet>${token}</DescribeSnapshotsResponse>`
      scene.ec2.fail(
        { action: 'DescribeSnapshots', about: /^NextToken=second$/, answer: page('20%', '') },
        { action: 'DescribeSnapshots', answer: page('80%', '<nextToken>second</nextToken>') },
      )
      const copied = await run(scene)
      expect(copied.exitCode, copied.log).toBe(0)
      expect(copied.log).toMatch(/ami-\w+ is pending, 20% after 0 s\.\n/)
      const parameters = asked(scene, 'DescribeSnapshots').map(request => request.parameters)
      expect(parameters.map(each => [each.get('MaxResults'), each.get('NextToken')])).toEqual([
        ['1000', null],
        ['1000', 'second'],
      ])
    })

    test('a run whose token was used by another run waits until EC2 lists the copy of that run', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      scene.ec2.fail({ action: 'CopyImage', error: 'IdempotentParameterMismatch' })
      const running = start(scene)
      await scene.ec2.asked('CopyImage')
      await new Promise(resolve => setTimeout(resolve, 1_500))
      const other = await scene.ec2.makeImage({ ami_bakery_image: source }, WEST)
      const copied = await running.ended
      expect([copied.exitCode, copyOf(copied)], copied.log).toEqual([0, other])
      expect(asked(scene, 'CopyImage')).toHaveLength(1)
    })
  })

  describe('failed copies', () => {
    test.each(['failed', 'invalid', 'error'])(
      'a copy in the state %s is an error with the reason of EC2',
      async state => {
        await using scene = await set()
        await plant(scene.ec2)
        const reason = '<stateReason><code>Client.X</code><message>Snapshot is broken</message></stateReason>'
        const answer = imagesAnswer(item('ami-00000001', {}, state, reason))
        scene.ec2.fail({ action: 'DescribeImages', region: WEST, about: /^ImageId\.1=/, answer, times: 1 })
        const failed = await run(scene)
        expect(message(failed)).toEqual([
          expect.stringMatching(`eu-west-1: The copy ami-\\w+ has failed \\(${state}\\): Snapshot is broken\\. `),
        ])
      },
    )

    test.each(['deregistered', 'disabled'])('a copy that becomes %s is made again', async state => {
      await using scene = await set()
      await plant(scene.ec2)
      const answer = imagesAnswer(item('ami-00000001', {}, state))
      scene.ec2.fail(
        { action: 'DescribeImages', region: WEST, about: /^ImageId\.1=/, answer, times: 1 },
        { action: 'DescribeImages', region: WEST, about: FOR_COPIES, answer: imagesAnswer('') },
      )
      const copied = await run(scene, {}, { AMI_BAKERY_TIME_SCALE: '0.1' })
      expect(copied.exitCode, copied.log).toBe(0)
      expect(copied.log).toMatch(/^eu-west-1: ami-\w+ was deregistered or disabled\. Copying the image again\.$/m)
      expect(copied.seconds).toBeLessThan(30)
      const tokens = asked(scene, 'CopyImage').map(({ parameters }) => parameters.get('ClientToken'))
      expect(new Set(tokens).size).toBe(2)
    })

    test('deregistered, disabled, invalid and failed copies are not used', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const items = ['deregistered', 'disabled', 'invalid', 'error'].map((state, index) =>
        item(`ami-0000000${index}`, { ami_bakery_image: source }, state),
      )
      const answer = imagesAnswer(items.join(''))
      scene.ec2.fail({ action: 'DescribeImages', region: WEST, about: FOR_COPIES, answer })
      const copied = await run(scene)
      expect([copied.exitCode, asked(scene, 'CopyImage').length], copied.log).toEqual([0, 1])
      expect(copyOf(copied)).toBe((await imagesIn(scene.ec2))[0]?.ImageId)
    })
  })

  test('a copy that must wait for other copies prints the reason', async () => {
    await using scene = await set()
    await plant(scene.ec2)
    scene.ec2.fail({ action: 'CopyImage', error: 'ResourceLimitExceeded', times: 1 })
    const copied = await run(scene)
    expect(copied.exitCode, copied.log).toBe(0)
    expect(copied.log).toContain(
      '\neu-west-1: too many copies run at once (ResourceLimitExceeded). Waiting up to two hours.\n',
    )
  })
})
