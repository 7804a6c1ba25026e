import { createHash } from 'node:crypto'
import { CreateKeyPairCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { fakePacker, INPUTS, printArtifact } from '../support/fake-packer.ts'
import { FAST } from '../support/interruption.ts'
import { type Fault, type FaultyEc2, startProxy } from '../support/proxy.ts'
import type { Run } from '../support/runner.ts'
import { canSetScene, setScene, takeStock } from '../support/scene.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate } from '../support/workspace.ts'

const CHECKSUM = /^Tag\.1\.Key=ami_config_checksum$/
const ORIGIN = /^Tag\.1\.Key=ami_bakery_template$/
const LEASE = /^ResourceId\.1=key-/

describe.skipIf(!hasTools('moto_server'))('delayed consistency of EC2', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  /** Runs a bake whose image exists, with these faults in EC2's responses. */
  async function bake(...faults: readonly Fault[]): Promise<Run & { ec2: FaultyEc2; image: string }> {
    const ec2 = await startProxy(moto, String(620_000_000_000 + accounts++))
    const image = await ec2.makeImage({})
    using scene = fakePacker(ec2, printArtifact(`us-east-1:${image}`))
    ec2.fail(...faults.map(fault => ({ ...fault, about: about(fault, image) })))
    const run = await scene.start({ env: FAST }).ended
    ec2.mend()
    return { ...run, ec2, image }
  }

  function about({ about = /./ }: Fault, image: string): RegExp {
    return new RegExp(about.source.replace('IMAGE', image))
  }

  function countTags({ requests }: FaultyEc2, what: RegExp): number {
    const texts = requests.filter(({ action }) => action === 'CreateTags').map(({ parameters }) => [...parameters])
    return texts.filter(pairs => pairs.some(([name, value]) => what.test(`${name}=${value}`))).length
  }

  const delays: readonly (readonly [what: string, tags: RegExp, Fault])[] = [
    ['a lease', LEASE, { action: 'CreateTags', about: LEASE, error: 'InvalidKeyPair.NotFound', times: 3 }],
    [
      'a lease that another request tags at the same time',
      LEASE,
      { action: 'CreateTags', about: LEASE, error: 'ConcurrentTagAccess', times: 1 },
    ],
    ['an image', ORIGIN, { action: 'CreateTags', about: ORIGIN, error: 'InvalidAMIID.NotFound', times: 2 }],
    [
      'an image that EC2 calls unavailable',
      CHECKSUM,
      { action: 'CreateTags', about: CHECKSUM, error: 'InvalidAMIID.Unavailable', times: 3 },
    ],
    [
      'an image with its checksum',
      CHECKSUM,
      { action: 'CreateTags', about: CHECKSUM, error: 'InvalidAMIID.NotFound', times: 3 },
    ],
    [
      'an image with its checksum that another request tags at the same time',
      CHECKSUM,
      { action: 'CreateTags', about: CHECKSUM, error: 'ConcurrentTagAccess', times: 2 },
    ],
  ]
  test.each(delays)('a tag is set as soon as EC2 accepts it: %s', async (_, tags, fault) => {
    const { ec2, exitCode, annotations, outputs, log } = await bake(fault)
    expect([exitCode, annotations], log).toEqual([0, []])
    expect(countTags(ec2, tags)).toBeGreaterThan(fault.times ?? 0)
    expect(await takeStock(ec2, 'us-east-1')).toMatchObject({ keyPairs: [], images: [outputs.ami_config_checksum] })
    await ec2.stop()
  })

  test('an image that EC2 does not accept tags for within half a minute is an error with the code and the command', async () => {
    const { ec2, annotations, log, image } = await bake({
      action: 'CreateTags',
      about: CHECKSUM,
      error: 'ConcurrentTagAccess',
    })
    const words = `^ec2:CreateTags in us-east-1: .*\\(ConcurrentTagAccess\\)\\.\n${image} is kept\\. .*aws ec2 create-tags`
    expect(annotations, log).toEqual([{ level: 'error', message: expect.stringMatching(words) }])
    expect(countTags(ec2, CHECKSUM)).toBeGreaterThan(3)
    expect(countTags(ec2, CHECKSUM)).toBeLessThan(10)
    await ec2.stop()
  })

  test.each(['InvalidAMIID.Unavailable', 'InvalidAMIID.NotFound'])(
    'an image that EC2 does not know yet is waited for: %s',
    async error => {
      const { ec2, exitCode, annotations, log } = await bake({
        action: 'DescribeImages',
        about: /^ImageId\.1=IMAGE$/,
        error,
        times: 3,
      })
      expect([exitCode, annotations], log).toEqual([0, []])
      await ec2.stop()
    },
  )

  test('a pending image that EC2 does not know for three minutes any more fails the bake as deregistered', async () => {
    const one = (state: string) =>
      `<item><imageId>ami-0123456789abcdef0</imageId><imageState>${state}</imageState><creationDate>2026-01-01T00:00:00.000Z</creationDate></item>`
    const ec2 = await startProxy(moto, String(620_000_000_000 + accounts++))
    const question = { action: 'DescribeImages', about: /^ImageId\.1=ami-0123456789abcdef0$/ }
    ec2.fail(
      { ...question, times: 2, answer: imagesAnswer(one('pending')) },
      { ...question, error: 'InvalidAMIID.NotFound' },
    )
    using scene = fakePacker(ec2, printArtifact('us-east-1:ami-0123456789abcdef0'))
    const run = await scene.start({ env: { AMI_BAKERY_TIME_SCALE: '0.05' } }).ended
    const words =
      /^ami-0123456789abcdef0 in us-east-1 was pending, and then unknown to EC2 for 3 minutes: it was deregistered\./
    expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringMatching(words) }])
    await ec2.stop()
  })

  test('a deregistered image is not the newest base image', async () => {
    const one = (id: string, state: string, year: number) =>
      `<item><imageId>${id}</imageId><name>app</name><imageState>${state}</imageState><creationDate>${year}-01-01T00:00:00.000Z</creationDate></item>`
    const answer = imagesAnswer(one('ami-00000001', 'available', 2025) + one('ami-00000002', 'deregistered', 2026))
    const ec2 = await startProxy(moto, String(620_000_000_000 + accounts++))
    ec2.fail({ action: 'DescribeImages', about: /^Filter\.1\.Name=name$/, answer })
    using scene = fakePacker(ec2, 'exit 1')
    const inputs = { ...INPUTS, 'on-miss': 'skip', 'base-ami': 'newest:self/app' }
    const run = await scene.start({ inputs, env: FAST }).ended
    expect(run.log).toContain('Base image ami-00000001 ')
    await ec2.stop()
  })

  test('images are requested in pages of a thousand, except for images requested by id', async () => {
    const { ec2, exitCode, log } = await bake()
    expect(exitCode, log).toBe(0)
    const asked = ec2.requests.filter(({ action }) => action === 'DescribeImages')
    const sizes = (isById: boolean) =>
      new Set(
        asked
          .filter(({ parameters }) => parameters.has('ImageId.1') === isById)
          .map(one => one.parameters.get('MaxResults')),
      )
    expect([sizes(true), sizes(false)]).toEqual([new Set([null]), new Set(['1000'])])
    await ec2.stop()
  })

  test.skipIf(!canSetScene)(
    'a stale lease that two runs delete at the same time is no failure of either run',
    async () => {
      await using scene = await setScene(moto, hclTemplate())
      const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.05' }
      const { outputs } = await scene.start({ env, inputs: { ...INPUTS, 'on-miss': 'skip' } }).ended
      const template = createHash('sha1').update('ami/app.pkr.hcl').digest('hex').slice(0, 8)
      const KeyName = `ami-bakery-${outputs.ami_config_checksum}-${template}`
      const { KeyPairId } = await scene.ec2.client().send(new CreateKeyPairCommand({ KeyName }))
      const removal = { action: 'DeleteKeyPair', about: new RegExp(`^KeyPairId=${KeyPairId}$`) }
      // The first deletion is still under way when the next ones are refused.
      scene.ec2.fail({ ...removal, times: 1, delay: 3_000 }, { ...removal, error: 'InvalidKeyPair.NotFound' })
      const runs = await Promise.all([1, 2].map(() => scene.start({ env }).ended))
      const log = runs.map(run => run.log).join('\n')
      expect(
        runs.map(({ exitCode, annotations }) => [exitCode, annotations]),
        log,
      ).toEqual([
        [0, []],
        [0, []],
      ])
      const removals = scene.ec2.requests.filter(({ parameters }) => parameters.get('KeyPairId') === KeyPairId)
      expect(removals.length, log).toBeGreaterThan(1)
      expect(scene.ec2.requests.filter(({ action }) => action === 'CreateImage')).toHaveLength(1)
      expect(new Set(runs.map(run => run.outputs.ami_id)).size).toBe(1)
    },
  )
})
