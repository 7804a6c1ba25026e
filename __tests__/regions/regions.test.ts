import { createHash } from 'node:crypto'
import http from 'node:http'
import {
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  DescribeSnapshotsCommand,
  EnableImageDeprecationCommand,
  type Image,
  ModifyImageAttributeCommand,
  RegisterImageCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { cancel, type Run, type Running } from '../support/runner.ts'
import { INPUTS, type Scene, setScene } from '../support/scene.ts'
import { HAS_CHECKSUM } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate } from '../support/workspace.ts'

const TEMPLATE = hclTemplate()
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
const CHECKSUM = sha1(sha1(TEMPLATE))
const HOME = 'us-east-1'
/** Every wait of the action takes a tenth, and so does the time-out of a request: 1.5 s. */
const QUICK = { AMI_BAKERY_TIME_SCALE: '0.1' }

describe.skipIf(!hasTools('moto_server', 'packer', 'packer_plugins'))('regions', () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  const set = (template = TEMPLATE) => setScene(moto, template)

  function start(scene: Scene, regions: string, inputs = {}, env = {}): Running {
    return scene.start({ inputs: { ...INPUTS, regions, ...inputs }, env: { ...scene.env, ...env } })
  }

  async function run(scene: Scene, regions: string, inputs = {}, env = {}): Promise<Run> {
    return await start(scene, regions, inputs, env).ended
  }

  /** An image that the look-up finds. */
  async function plant(ec2: FaultyEc2, more: Record<string, string> = {}): Promise<string> {
    return await ec2.makeImage({ ami_config_checksum: CHECKSUM, ami_bakery_template: 'ami/app.pkr.hcl', ...more })
  }

  /** A finished copy of it in another region. */
  async function plantCopy(ec2: FaultyEc2, source: string, region: string): Promise<string> {
    return await ec2.makeImage({ ami_config_checksum: CHECKSUM, ami_bakery_image: source }, region)
  }

  async function imagesIn(ec2: FaultyEc2, region: string): Promise<readonly Image[]> {
    return (await ec2.inventory(region)).images
  }

  const actions = ({ ec2 }: Scene, action: string) => ec2.requests.filter(request => request.action === action)
  const tagsOf = ({ Tags = [] }: Pick<Image, 'Tags'> = {}) =>
    Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
  const idsOf = ({ outputs }: Run): Record<string, string> => JSON.parse(outputs.ami_ids ?? '{}')
  const message = ({ annotations }: Run) => annotations.filter(({ level }) => level === 'error').map(one => one.message)

  describe('a hit', () => {
    test('a hit is the same image in every region, with one DescribeImages request for each region', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const [west, south] = [
        await plantCopy(scene.ec2, source, 'eu-west-1'),
        await plantCopy(scene.ec2, source, 'ap-south-1'),
      ]
      const hit = await run(scene, ` eu-west-1 ,\n${HOME}\nap-south-1=alias/key `, {}, { PATH: '/nowhere' })
      expect(hit.exitCode, hit.log).toBe(0)
      expect(hit.outputs).toMatchObject({ ami_id: source, cache_hit: 'true' })
      expect(idsOf(hit)).toEqual({ [HOME]: source, 'eu-west-1': west, 'ap-south-1': south })
      expect(hit.summary).toMatch(new RegExp(`eu-west-1</th><td><code>${west}</code> hit`))
      expect(scene.ec2.requests.map(({ action, region }) => `${action} ${region}`).sort()).toEqual([
        'DescribeImages ap-south-1',
        'DescribeImages eu-west-1',
        'DescribeImages us-east-1',
      ])
    })

    test('all regions are looked up at the same time', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const regions = ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-central-1']
      for (const region of regions) await plantCopy(scene.ec2, source, region)
      scene.ec2.fail({ action: 'DescribeImages', delay: 1500 })
      const hit = await run(scene, regions.join())
      expect(hit.outputs.cache_hit, hit.log).toBe('true')
      console.log(`5 look-ups that take 1.5 s each: ${hit.seconds.toFixed(1)} s in all`)
      expect(hit.seconds).toBeLessThan(5 * 1.5)
    })

    test('credentials are requested once for all regions', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      for (const region of ['eu-west-1', 'eu-west-2']) await plantCopy(scene.ec2, source, region)
      let asked = 0
      const keys = { AccessKeyId: 'test', SecretAccessKey: 'test', Token: 'test', Expiration: '2099-01-01T00:00:00Z' }
      const server = http.createServer((_, response) => {
        asked++
        response.end(JSON.stringify(keys))
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`, AWS_ACCESS_KEY_ID: '' }
      const hit = await run(scene, 'eu-west-1,eu-west-2', {}, env)
      server.close()
      expect(hit.outputs.cache_hit, hit.log).toBe('true')
      expect(asked).toBe(1)
    })

    test('a copy of an older image is not a hit for the newer image', async () => {
      await using scene = await set()
      const older = await plant(scene.ec2, { ami_bakery_baked_at: '2026-01-01T00:00:00Z' })
      await plantCopy(scene.ec2, older, 'eu-west-1')
      await scene.ec2.makeImage({ ami_config_checksum: CHECKSUM }, 'eu-west-1')
      const newer = await plant(scene.ec2)
      const skipped = await run(scene, 'eu-west-1', { 'on-miss': 'skip' })
      expect(skipped.outputs).toMatchObject({ ami_id: '', cache_hit: 'false' })
      const copied = await run(scene, 'eu-west-1')
      expect(copied.outputs.ami_id, copied.log).toBe(newer)
      const copy = (await imagesIn(scene.ec2, 'eu-west-1')).find(
        ({ ImageId }) => ImageId === idsOf(copied)['eu-west-1'],
      )
      expect(tagsOf(copy).ami_bakery_image).toBe(newer)
    })

    test.each([
      ['skip', 0],
      ['fail', 1],
    ])('an image that one region lacks is a miss, and on-miss %s copies nothing', async (onMiss, exitCode) => {
      await using scene = await set()
      await plant(scene.ec2)
      const missed = await run(scene, 'eu-west-1', { 'on-miss': onMiss })
      expect(missed.exitCode, missed.log).toBe(exitCode)
      expect(missed.outputs.ami_id).toBe(onMiss === 'skip' ? '' : undefined)
      expect(missed.outputs.cache_hit).toBe('false')
      expect(scene.ec2.requests.every(({ action }) => action === 'DescribeImages')).toBe(true)
    })

    test('the newest of several copies in a region is the hit', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const copy = (id: string, month: string, from = source) =>
        `<item><imageId>ami-${id}</imageId><imageState>available</imageState><sourceImageId>${from}</sourceImageId><creationDate>2026-${month}-01</creationDate>${HAS_CHECKSUM}</item>`
      const answers: readonly (readonly [newest: string, items: readonly string[]])[] = [
        ['ami-22222222', [copy('33333333', '01'), copy('22222222', '03'), copy('44444444', '02')]],
        ['ami-22222222', [copy('22222222', '03'), copy('33333333', '01'), copy('55555555', '04', 'ami-00000000')]],
        ['ami-33333333', [copy('22222222', '01'), copy('33333333', '01'), copy('11111111', '01')]],
      ]
      for (const [newest, items] of answers) {
        scene.ec2.fail({
          action: 'DescribeImages',
          region: 'eu-west-1',
          answer: imagesAnswer(items.join('')),
          times: 1,
        })
        const hit = await run(scene, 'eu-west-1')
        expect(idsOf(hit), hit.log).toEqual({ [HOME]: source, 'eu-west-1': newest })
      }
    })

    test('on-miss fail names the regions that lack the image, and what to do', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const failed = await run(scene, 'eu-west-1,eu-west-2', { 'on-miss': 'fail' })
      const names = 'eu-west-1, eu-west-2'
      expect(message(failed)).toEqual([
        `on-miss: ${source} is not available in ${names}. To copy it there, set on-miss to bake.`,
      ])
      expect(failed.log).toContain(`\n${source} is not available in ${names}.\n`)
    })

    test('a region that refuses the look-up is an error with its name, unless the look-up region fails too', async () => {
      await using scene = await set()
      scene.ec2.fail({ action: '*', region: 'me-south-1', error: 'UnauthorizedOperation' })
      const failed = await run(scene, 'eu-west-1,me-south-1')
      expect(message(failed)).toEqual([
        expect.stringMatching(
          /^regions: Could not look up the image in me-south-1\. ec2:DescribeImages in me-south-1: /,
        ),
      ])
      scene.ec2.fail({ action: '*', error: 'UnauthorizedOperation' })
      expect(message(await run(scene, 'eu-west-1'))).toEqual([
        expect.stringMatching(`^ec2:DescribeImages in ${HOME}: .*ec2:DescribeImages`),
      ])
    })

    test.each(['AuthFailure', 'OptInRequired'])(
      'a region that is not enabled is an error before a bake: %s',
      async code => {
        await using scene = await set()
        scene.ec2.fail({ action: '*', region: 'me-south-1', error: code })
        const failed = await run(scene, 'eu-west-1,me-south-1')
        expect(message(failed)).toEqual([
          expect.stringMatching(/^regions: .* in me-south-1\. .*enabled in the account/),
        ])
        expect(actions(scene, 'RunInstances')).toEqual([])
      },
    )
  })

  test.each([
    ['europe', /^regions: "europe" is not the name/],
    ['eu-west-1,eu-west-1=alias/key', /^regions: eu-west-1 is specified twice/],
    ['eu-west-1=', /^regions: "" is not a KMS key/],
    ['eu-west-1=arn:aws:kms:eu-west-2:123456789012:key/1', /^regions: "arn:.* is not a KMS key of eu-west-1/],
  ])('an invalid value of the input regions is an error: %j', async (regions, expected) => {
    await using scene = await set()
    const failed = await run(scene, regions)
    expect(message(failed)).toEqual([expect.stringMatching(expected)])
    expect(scene.ec2.requests).toEqual([])
  })

  describe('a region that lacks the image', () => {
    test('of 5 regions the 2 that lack the image get a copy, without a bake', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2, { ami_bakery_commit: 'c', Name: 'app' })
      const west = await plantCopy(scene.ec2, source, 'eu-west-1')
      const south = await plantCopy(scene.ec2, source, 'ap-south-1')
      const copied = await run(scene, 'eu-west-1,eu-west-2,eu-west-3,ap-south-1', {}, { PATH: '/nowhere' })
      expect(copied.exitCode, copied.log).toBe(0)
      expect(copied.outputs).toMatchObject({ ami_id: source, cache_hit: 'true' })
      const ids = idsOf(copied)
      expect(ids).toMatchObject({ [HOME]: source, 'eu-west-1': west, 'ap-south-1': south })
      expect(Object.keys(ids)).toHaveLength(5)
      expect(
        actions(scene, 'CopyImage')
          .map(({ region }) => region)
          .sort(),
      ).toEqual(['eu-west-2', 'eu-west-3'])
      expect(copied.summary).toMatch(new RegExp(`eu-west-2</th><td><code>${ids['eu-west-2']}</code> copied`))
      const [copy, ...others] = await imagesIn(scene.ec2, 'eu-west-2')
      const [sourceImage] = await imagesIn(scene.ec2, HOME)
      expect(others).toEqual([])
      expect(copy?.Name).toBe(sourceImage?.Name)
      expect(tagsOf(copy)).toEqual({
        ...tagsOf(sourceImage),
        ami_bakery_image: source,
        ami_bakery_baked_at: sourceImage?.CreationDate,
      })
      const { Snapshots = [] } = await scene.ec2
        .client('eu-west-2')
        .send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }))
      const snapshots = Snapshots.filter(({ Description }) => Description?.startsWith('Copied for DestinationAmi'))
      const first = { ami_bakery_image: source, ami_bakery_template: 'ami/app.pkr.hcl' }
      expect(snapshots.map(tagsOf)).toEqual([first])

      scene.ec2.requests.length = 0
      const again = await run(scene, 'eu-west-1,eu-west-2,eu-west-3,ap-south-1')
      expect(idsOf(again)).toEqual(ids)
      expect(scene.ec2.requests).toHaveLength(5)
    })

    test('copies to several regions are made at the same time', async () => {
      const regions = ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-central-1']
      const seconds: number[] = []
      for (const some of [regions.slice(0, 1), regions]) {
        await using scene = await set()
        await plant(scene.ec2)
        scene.ec2.slowCopies(4_000)
        const copied = await run(scene, some.join())
        expect(copied.exitCode, copied.log).toBe(0)
        seconds.push(copied.seconds)
      }
      const [one = 0, four = 0] = seconds
      console.log(
        `Copies that are pending for 4 s: 1 in ${one.toFixed(1)} s, 4 in ${four.toFixed(1)} s (one by one: ${(4 * one).toFixed(1)} s)`,
      )
      expect(four).toBeLessThan(4 * 4)
    })

    test('two runs at the same time make one copy', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      scene.ec2.slowCopies(2_000)
      scene.ec2.fail({ action: 'CopyImage', delay: 1_000 })
      const [one, two] = await Promise.all([run(scene, 'eu-west-1'), run(scene, 'eu-west-1')])
      expect([one.exitCode, two.exitCode], one.log + two.log).toEqual([0, 0])
      expect(idsOf(one)).toEqual(idsOf(two))
      expect(await imagesIn(scene.ec2, 'eu-west-1')).toHaveLength(1)
      const [first, second] = actions(scene, 'CopyImage').map(({ parameters }) => String(parameters))
      expect(first).toBe(second)
      expect(new URLSearchParams(first).get('ClientToken')).toMatch(/^[0-9a-f]{64}$/)
    })

    test('a run waits for the pending copy of another run, and prints its progress', async () => {
      await using scene = await set()
      scene.ec2.prompt()
      await plant(scene.ec2)
      scene.ec2.slowCopies(5_000)
      const first = start(scene, 'eu-west-1')
      await first.printed(/copying ami-/)
      const second = await run(scene, 'eu-west-1', {}, QUICK)
      expect(second.log).toMatch(/eu-west-1: another run is already copying the image, as ami-/)
      expect(second.log).toMatch(/eu-west-1: ami-\w+ is pending.* after \d+ s/)
      expect(idsOf(second)).toEqual(idsOf(await first.ended))
      expect(actions(scene, 'CopyImage')).toHaveLength(1)
    })

    test('a run finishes a copy that another run left without the checksum', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const left = await scene.ec2.makeImage({ ami_bakery_image: source }, 'eu-west-1')
      const copied = await run(scene, 'eu-west-1')
      expect(idsOf(copied)['eu-west-1'], copied.log).toBe(left)
      expect(actions(scene, 'CopyImage')).toEqual([])
    })

    test('a run uses a finished copy, or else the newest copy', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const plantLeft = (month: string, more = {}) => {
        const tags = { ami_bakery_image: source, ami_bakery_baked_at: `2026-${month}-01T00:00:00Z`, ...more }
        return scene.ec2.makeImage(tags, 'eu-west-1')
      }
      // The middle one of three is neither EC2's first nor its last.
      await plantLeft('01')
      const newest = await plantLeft('03')
      await plantLeft('02', { ami_config_checksum: `failed:${CHECKSUM}` })
      const first = await run(scene, 'eu-west-1')
      expect(idsOf(first)['eu-west-1'], first.log).toBe(newest)

      await plantLeft('04')
      scene.ec2.fail({ action: 'DescribeImages', region: 'eu-west-1', answer: imagesAnswer(''), times: 1 })
      const second = await run(scene, 'eu-west-1')
      expect(idsOf(second)['eu-west-1'], second.log).toBe(newest)
      expect(actions(scene, 'CopyImage')).toEqual([])
    })

    test('a copy gets the launch permissions and the deprecation time of its source', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
      const home = scene.ec2.client()
      await home.send(new ModifyImageAttributeCommand({ ImageId: source, LaunchPermission }))
      const DeprecateAt = new Date('2099-01-01T00:00:00Z')
      await home.send(new EnableImageDeprecationCommand({ ImageId: source, DeprecateAt }))
      const copied = await run(scene, 'eu-west-1')
      const [copy] = await imagesIn(scene.ec2, 'eu-west-1')
      expect(new Date(copy?.DeprecationTime ?? 0), copied.log).toEqual(DeprecateAt)
      const question = { ImageId: copy?.ImageId, Attribute: 'launchPermission' } as const
      const { LaunchPermissions } = await scene.ec2
        .client('eu-west-1')
        .send(new DescribeImageAttributeCommand(question))
      expect(LaunchPermissions).toEqual([{ UserId: '111122223333' }])
      const order = scene.ec2.requests.filter(({ region }) => region === 'eu-west-1').map(({ action }) => action)
      expect(order.lastIndexOf('CreateTags')).toBeGreaterThan(order.indexOf('ModifyImageAttribute'))
      expect(order.lastIndexOf('CreateTags')).toBeGreaterThan(order.indexOf('EnableImageDeprecation'))
    })

    test('a copy is encrypted with the key that is specified for its region', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      const key = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'
      await run(scene, `eu-west-1 = ${key}\neu-west-2`)
      const given = actions(scene, 'CopyImage').map(({ region, parameters }) => [
        region,
        parameters.get('Encrypted'),
        parameters.get('KmsKeyId'),
      ])
      expect(given.sort()).toEqual([
        ['eu-west-1', 'true', key],
        ['eu-west-2', null, null],
      ])
    })

    test('an encrypted, shared image is not copied to a region without a specified key', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      scene.ec2.images.encrypt(source)
      const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
      await scene.ec2.client().send(new ModifyImageAttributeCommand({ ImageId: source, LaunchPermission }))
      const refused = await run(scene, 'eu-west-1=alias/key,eu-west-2')
      expect(message(refused)).toEqual([expect.stringMatching(/^regions: .*encrypted and shared.*eu-west-2=<key>/)])
      expect(actions(scene, 'CopyImage')).toEqual([])
      const copied = await run(scene, 'eu-west-1=alias/key,eu-west-2=alias/key')
      expect(copied.exitCode, copied.log).toBe(0)
    })

    test('a copy gets another name when an image in the region has its name', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      const [sourceImage] = await imagesIn(scene.ec2, HOME)
      await scene.ec2.client('eu-west-1').send(new RegisterImageCommand({ Name: sourceImage?.Name }))
      const copied = await run(scene, 'eu-west-1')
      const copy = (await imagesIn(scene.ec2, 'eu-west-1')).find(
        ({ ImageId }) => ImageId === idsOf(copied)['eu-west-1'],
      )
      expect(copy?.Name, copied.log).toBe(`${sourceImage?.Name}-${source.slice(-8)}`)
    })

    test('a run uses the copy of another run that used the name first', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      scene.ec2.fail({ action: 'CopyImage', delay: 1_000, error: 'InvalidAMIName.Duplicate' })
      const running = start(scene, 'eu-west-1')
      await scene.ec2.asked('CopyImage')
      const other = await scene.ec2.makeImage({ ami_bakery_image: source }, 'eu-west-1')
      const copied = await running.ended
      expect(idsOf(copied)['eu-west-1'], copied.log).toBe(other)
    })

    test('a run waits while EC2 runs too many copies', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      scene.ec2.fail({ action: 'CopyImage', error: 'ResourceLimitExceeded', times: 2 })
      const copied = await run(scene, 'eu-west-1')
      expect(copied.exitCode, copied.log).toBe(0)
      expect(copied.log).toContain('too many copies run at once')
    })

    test('when a region fails the other copies are kept, and the next run makes the missing ones', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2)
      scene.ec2.images.failCopies('eu-west-2', 'Given key ID is not accessible')
      scene.ec2.fail({ action: 'CopyImage', region: 'eu-west-3', error: 'UnauthorizedOperation' })
      const failed = await run(scene, 'eu-west-1,eu-west-2,eu-west-3')
      expect(failed.exitCode).toBe(1)
      expect(message(failed)).toHaveLength(1)
      expect(message(failed)[0]).toMatch(/^regions: (.|\n)*eu-west-2: .*Given key ID is not accessible/)
      expect(message(failed)[0]).toMatch(
        /eu-west-3: .*the action ec2:CopyImage(.|\n)*copies are finished and kept: ami-\w+ in eu-west-1/,
      )
      expect(failed.outputs).not.toHaveProperty('ami_id')
      const [good] = await imagesIn(scene.ec2, 'eu-west-1')
      expect(tagsOf(good).ami_config_checksum).toBe(CHECKSUM)

      scene.ec2.mend()
      scene.ec2.images.failCopies('eu-west-2')
      scene.ec2.requests.length = 0
      const copied = await run(scene, 'eu-west-1,eu-west-2,eu-west-3')
      expect(copied.exitCode, copied.log).toBe(0)
      expect(idsOf(copied)).toMatchObject({ [HOME]: source, 'eu-west-1': good?.ImageId })
      // The failed copy keeps its name, so that its successor is asked for twice.
      expect(new Set(actions(scene, 'CopyImage').map(({ region }) => region))).toEqual(
        new Set(['eu-west-2', 'eu-west-3']),
      )
      expect((await run(scene, 'eu-west-1,eu-west-2,eu-west-3')).outputs.cache_hit).toBe('true')
    })
  })

  describe('a bake', () => {
    test('copies that Packer made are used, and the other regions get a copy', async () => {
      const template = hclTemplate('ami_regions = ["eu-west-1"]')
      await using scene = await set(template)
      const baked = await run(scene, 'eu-west-1,eu-west-2')
      expect(baked.exitCode, baked.log).toBe(0)
      expect(baked.outputs.cache_hit).toBe('false')
      const ids = idsOf(baked)
      expect(Object.keys(ids)).toEqual([HOME, 'eu-west-1', 'eu-west-2'])
      for (const region of ['eu-west-1', 'eu-west-2']) {
        const [copy, ...others] = await imagesIn(scene.ec2, region)
        expect(others).toEqual([])
        expect(tagsOf(copy)).toMatchObject({
          ami_config_checksum: sha1(sha1(template)),
          ami_bakery_image: baked.outputs.ami_id,
          ami_bakery_template: 'ami/app.pkr.hcl',
        })
      }
      const copies = actions(scene, 'CopyImage').map(({ region, agent }) => [region, agent.includes('ami-bakery')])
      expect(copies).toEqual([
        ['eu-west-1', false],
        ['eu-west-2', true],
      ])
      expect(baked.summary).toMatch(/eu-west-1<\/th><td><code>ami-\w+<\/code> baked/)
      const hit = await run(scene, 'eu-west-1,eu-west-2')
      expect(hit.outputs).toEqual({ ...baked.outputs, cache_hit: 'true' })
    })

    test('an image of a forced bake, or of one that replaces an old image, is copied again', async () => {
      await using scene = await set()
      const source = await plant(scene.ec2, { ami_bakery_baked_at: '2026-01-01T00:00:00Z' })
      await plantCopy(scene.ec2, source, 'eu-west-1')
      const fresh = await run(scene, 'eu-west-1', { 'max-age-days': '1' })
      const forced = await run(scene, 'eu-west-1', { 'force-bake': 'true' })
      expect([fresh.exitCode, forced.exitCode], fresh.log + forced.log).toEqual([0, 0])
      expect(new Set([source, fresh.outputs.ami_id, forced.outputs.ami_id]).size).toBe(3)
      for (const { outputs } of [fresh, forced]) {
        const id = JSON.parse(outputs.ami_ids ?? '')['eu-west-1']
        const copy = (await imagesIn(scene.ec2, 'eu-west-1')).find(({ ImageId }) => ImageId === id)
        expect(tagsOf(copy).ami_bakery_image).toBe(outputs.ami_id)
      }
    })
  })

  describe('a cancel while copying', () => {
    test('started copies continue after a cancel, and the next run uses them', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      scene.ec2.slowCopies(15_000)
      const running = start(scene, 'eu-west-1,eu-west-2')
      await running.printed(/eu-west-1: copying ami-/)
      await running.printed(/eu-west-2: copying ami-/)
      const cancelled = await cancel(running)
      expect(cancelled.exitCode).toBe(1)
      expect(message(cancelled)).toEqual([expect.stringMatching(/^Cancelled by SIGINT\.$/)])
      expect(cancelled.log).toContain('Started copies continue on EC2. The next run uses them.')
      const before = scene.ec2.requests.length
      const post = await running.post()
      expect([post.exitCode, post.log, scene.ec2.requests.length - before]).toEqual([0, '', 0])
      const started = await Promise.all(['eu-west-1', 'eu-west-2'].map(region => imagesIn(scene.ec2, region)))
      expect(started).toMatchObject([[{ State: 'pending' }], [{ State: 'pending' }]])
      const copied = await run(scene, 'eu-west-1,eu-west-2')
      expect(copied.exitCode, copied.log).toBe(0)
      const { [HOME]: _, ...ids } = idsOf(copied)
      expect(Object.values(ids).sort()).toEqual(
        started
          .flat()
          .map(({ ImageId }) => ImageId)
          .sort(),
      )
      expect(actions(scene, 'CopyImage')).toHaveLength(2)
    })

    test('a copy whose id the cancelled run did not receive is used by the next run', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      scene.ec2.slowCopies(3_000)
      scene.ec2.fail({ action: 'CopyImage', delay: 1_000, times: 1 })
      const running = start(scene, 'eu-west-1')
      await scene.ec2.asked('CopyImage')
      await cancel(running)
      const copied = await run(scene, 'eu-west-1')
      expect(copied.exitCode, copied.log).toBe(0)
      expect((await imagesIn(scene.ec2, 'eu-west-1')).map(({ ImageId }) => ImageId)).toEqual([
        idsOf(copied)['eu-west-1'],
      ])
    })

    test('a cancel does not disturb another run that waits for the same copy', async () => {
      await using scene = await set()
      await plant(scene.ec2)
      scene.ec2.slowCopies(6_000)
      const first = start(scene, 'eu-west-1')
      await first.printed(/copying ami-/)
      const second = start(scene, 'eu-west-1')
      await second.printed(/another run is already copying/)
      await cancel(first)
      await first.post()
      const copied = await second.ended
      expect(copied.exitCode, copied.log).toBe(0)
      expect(actions(scene, 'CopyImage')).toHaveLength(1)
    })
  })

  test('an image is copied again when its pending copy is deregistered', async () => {
    await using scene = await set()
    await plant(scene.ec2)
    scene.ec2.slowCopies(30_000)
    const running = start(scene, 'eu-west-1', {}, QUICK)
    await running.printed(/copying ami-/)
    const [copy] = await imagesIn(scene.ec2, 'eu-west-1')
    scene.ec2.slowCopies(0)
    await scene.ec2.client('eu-west-1').send(new DeregisterImageCommand({ ImageId: copy?.ImageId }))
    const copied = await running.ended
    expect(copied.exitCode, copied.log).toBe(0)
    expect(copied.log).toContain('Copying the image again.')
    expect(idsOf(copied)['eu-west-1']).not.toBe(copy?.ImageId)
  })

  test('a miss, a copy and a hit send no more kinds of requests than they need', async () => {
    await using scene = await set()
    scene.ec2.prompt()
    const source = await plant(scene.ec2)
    const called = new Map<string, readonly string[]>()
    async function record(path: string, ...args: readonly [string, object?]): Promise<void> {
      scene.ec2.requests.length = 0
      const ended = await run(scene, ...args)
      expect(ended.exitCode, ended.log).toBe(0)
      called.set(path, [...new Set(scene.ec2.requests.map(({ action }) => action))].sort())
    }
    await record('miss, on-miss: skip', 'eu-west-1', { 'on-miss': 'skip' })
    await record('copied', 'eu-west-1')
    await record('hit', 'eu-west-1')
    const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
    const home = scene.ec2.client()
    await home.send(new ModifyImageAttributeCommand({ ImageId: source, LaunchPermission }))
    await home.send(new EnableImageDeprecationCommand({ ImageId: source, DeprecateAt: new Date('2099-01-01') }))
    await record('copied, shared and to be deprecated', 'eu-west-1,eu-west-2')
    scene.ec2.slowCopies(3_000)
    await record('copied, pending for a while', 'eu-west-1,eu-west-2,eu-west-3')
    console.log([...called].map(([path, list]) => `${path.padEnd(36)} ${list.join(' ')}`).join('\n'))
    const copied = ['CopyImage', 'CreateTags', 'DescribeImageAttribute', 'DescribeImages']
    const shared = [...copied, 'EnableImageDeprecation', 'ModifyImageAttribute']
    expect(Object.fromEntries(called)).toEqual({
      'miss, on-miss: skip': ['DescribeImages'],
      copied,
      hit: ['DescribeImages'],
      'copied, shared and to be deprecated': shared,
      'copied, pending for a while': [...shared, 'DescribeSnapshots'].sort(),
    })
  })
})
