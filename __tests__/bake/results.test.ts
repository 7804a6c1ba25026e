import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CopyImageCommand, DeleteKeyPairCommand, type Image, RunInstancesCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { fakePacker, INPUTS, printArtifact, printBuild, sceneWith } from '../support/fake-packer.ts'
import { type Fault, type FaultyEc2, STRANGER, startProxy } from '../support/proxy.ts'
import { cancel, type Run } from '../support/runner.ts'
import { setScene } from '../support/scene.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, jsonTemplate, makeWorkspace, withSteps } from '../support/workspace.ts'

const OTHER = 'ami-0fedcba9876543210'

describe.skipIf(!hasTools('moto_server'))('the result of Packer', () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  /** Starts EC2 with an image that the fake Packer can report. */
  async function account(): Promise<FaultyEc2 & { id: string }> {
    const ec2 = await startProxy(moto, String(200_000_000_000 + accounts++))
    return { ...ec2, id: await ec2.makeImage({}) }
  }

  function expectFailure(run: Run, message: RegExp): void {
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
    expect(run.outputs).toEqual({
      ami_config_checksum: expect.any(String),
      cache_hit: 'false',
      last_ami_id: expect.any(String),
    })
    expect(run.exitCode).toBe(1)
  }

  const unusable: readonly (readonly [what: string, commands: (id: string) => string, message: RegExp])[] = [
    ['nothing', () => 'true', /exited with code 0 but reported no AMI/],
    ['nothing, next to an older manifest', () => `echo '{"builds":[]}' > packer-manifest.json`, /reported no AMI/],
    ['an image in another region', () => printArtifact(`eu-west-1:${OTHER}`), /us-east-1, but ami-.* in eu-west-1/],
    [
      'two images',
      id => `${printArtifact(`us-east-1:${id}`)}; ${printArtifact(`us-east-1:${OTHER}`)}`,
      /several images/,
    ],
    ['a hidden id', () => printArtifact('us-east-1:ami-<sensitive>'), /reported no AMI/],
    [
      'an artifact line of a provisioner',
      id =>
        `echo '1,,ui,say,    app: 1%!(PACKER_COMMA)a%!(PACKER_COMMA)artifact%!(PACKER_COMMA)0%!(PACKER_COMMA)id%!(PACKER_COMMA)us-east-1:${id}'`,
      /reported no AMI/,
    ],
    ['an artifact line on standard error', id => `${printArtifact(`us-east-1:${id}`)} >&2`, /reported no AMI/],
    [
      'an image, and then an error',
      id => `${printArtifact(`us-east-1:${id}`)}; echo '1,app,error,It broke%!(PACKER_COMMA) alas.'; exit 1`,
      /^packer build exited with code 1: It broke, alas\./,
    ],
    ['nothing because it is killed', () => 'kill -9 $$', /^packer build was killed by SIGKILL/],
  ]

  test.concurrent.each(unusable)('a bake fails when Packer reports %s', async (_, commands, message) => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, commands(ec2.id))
    expectFailure(await scene.start().ended, message)
    expect(scene.workspace.has('ami/.ami_id.json')).toBe(false)
  })

  const usable: readonly (readonly [what: string, commands: (id: string) => string])[] = [
    ['twice, as a manifest does', id => `${printArtifact(`us-east-1:${id}`)}; ${printArtifact(`us-east-1:${id}`)}`],
    ['next to a corrupt manifest', id => `echo '{' > packer-manifest.json; ${printArtifact(`us-east-1:${id}`)}`],
    [
      'in pieces',
      id =>
        `printf '1,app,artifact,0,id,us-'; sleep 0.3; printf 'east-1:${id.slice(0, 9)}'; sleep 0.3; printf '${id.slice(9)}\\r\\n'`,
    ],
    [
      'after a line of megabytes and bytes that are not UTF-8',
      id => `head -c 5000000 /dev/zero | tr '\\0' x; echo; printf '\\377\\376\\n'; ${printArtifact(`us-east-1:${id}`)}`,
    ],
  ]

  test.concurrent.each(usable)('a bake succeeds when Packer reports the image %s', async (_, commands) => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, commands(ec2.id))
    const run = await scene.start().ended
    expect(run.outputs, run.log).toMatchObject({ ami_id: ec2.id, cache_hit: 'false' })
    expect(run.exitCode).toBe(0)
  })

  test('a bake waits for an image that EC2 does not know yet', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    const running = scene.start()
    await scene.building()
    ec2.fail({ action: 'DescribeImages', error: 'InvalidAMIID.NotFound', times: 2 })
    const run = await running.ended
    expect(run.outputs.ami_id, run.log).toBe(ec2.id)
  })

  test('a bake waits for an image that EC2 does not find by its tag yet', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    ec2.fail({ action: 'CreateTags', delay: 200 })
    const running = scene.start()
    await scene.building()
    await ec2.asked('CreateTags')
    ec2.fail({ action: 'DescribeImages', answer: imagesAnswer(''), times: 3 })
    const run = await running.ended
    expect(run.outputs.ami_id, run.log).toBe(ec2.id)
  })

  test('a bake fails when the image has the state failed', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    const running = scene.start()
    await scene.building()
    const image = (state: string) =>
      `<item><imageId>${ec2.id}</imageId><imageState>${state}</imageState><creationDate>2026-01-01</creationDate></item>`
    ec2.fail({ action: 'DescribeImages', answer: imagesAnswer(image('pending')), times: 2 })
    ec2.fail({ action: 'DescribeImages', answer: imagesAnswer(image('failed')), times: 1 })
    const run = await running.ended
    expectFailure(run, new RegExp(`^${ec2.id} in us-east-1 did not become available: its state is failed\\.`))
  })

  test('an image that EC2 never finds by its tag is kept, and the error says what to do', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    const running = scene.start({ env: { AMI_BAKERY_TIME_SCALE: '0.05' } })
    await scene.building()
    await ec2.asked('CreateTags')
    ec2.fail({ action: 'DescribeImages', about: /ami_config_checksum/, answer: imagesAnswer('') })
    const run = await running.ended
    expectFailure(
      run,
      new RegExp(
        `^${ec2.id} in us-east-1 has its tags, but EC2 does not find it .* Run the job again\\.\n${ec2.id} is kept: the next run finds it\\.$`,
      ),
    )
    ec2.mend()
    expect((await ec2.inventory()).images.map(image => image.ImageId)).toEqual([ec2.id])
  })

  test('an image that may not be tagged is kept, and the error has its id and the command', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    const running = scene.start()
    await scene.building()
    ec2.fail({ action: 'CreateTags', error: 'UnauthorizedOperation' })
    const run = await running.ended
    const [error, ...more] = run.annotations.filter(({ level }) => level === 'error')
    expect(more).toEqual([])
    expect(error?.message).toMatch(
      /^ec2:CreateTags in us-east-1: .*Grant the role of this job the action ec2:CreateTags/,
    )
    const value = run.outputs.ami_config_checksum
    expect(error?.message).toContain(
      `aws ec2 create-tags --region us-east-1 --resources ${ec2.id} --tags Key=ami_config_checksum,Value=${value}`,
    )
    expect(run.exitCode).toBe(1)
    expect((await ec2.inventory()).images.map(image => image.ImageId)).toEqual([ec2.id])
  })

  test('a bake succeeds with a warning when only the tags about the origin are refused', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    const running = scene.start()
    await scene.building()
    ec2.fail({ action: 'CreateTags', error: 'UnauthorizedOperation', times: 1 })
    const run = await running.ended
    expect(run.outputs.ami_id, run.log).toBe(ec2.id)
    expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('ec2:CreateTags') }])
  })

  describe('a verified image', () => {
    const TAGS_CHECKSUM = /^Tag\.1\.Key=ami_config_checksum$/
    const FAST = { AMI_BAKERY_TIME_SCALE: '0.1' }

    async function runInstance(ec2: FaultyEc2): Promise<string> {
      const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1 }
      const { Instances = [] } = await ec2.client().send(new RunInstancesCommand(launch))
      return Instances[0]?.InstanceId ?? ''
    }

    async function copy(ec2: FaultyEc2, SourceImageId: string, region = 'us-east-1'): Promise<string> {
      const question = { SourceImageId, SourceRegion: 'us-east-1', Name: `copy-${crypto.randomUUID()}` }
      const { ImageId = '' } = await ec2.client(region).send(new CopyImageCommand(question))
      return ImageId
    }

    /** The images that a region has, with the values of their checksums' tags. */
    async function checksums(ec2: FaultyEc2, region = 'us-east-1'): Promise<Record<string, string | undefined>> {
      const { images } = await ec2.inventory(region)
      const checksumOf = ({ Tags = [] }: Image) => Tags.find(({ Key }) => Key === 'ami_config_checksum')?.Value
      return Object.fromEntries(images.map(image => [image.ImageId, checksumOf(image)]))
    }

    async function untilTagging({ requests }: FaultyEc2, tag: RegExp): Promise<void> {
      const isTag = ([name, value]: [string, string]) => tag.test(`${name}=${value}`)
      while (!requests.some(({ parameters }) => [...parameters].some(isTag))) await sleep(5)
    }

    const errorsOf = ({ annotations }: Run) => annotations.filter(({ level }) => level === 'error')
    const tagCommand = (id: string, value = '', region = 'us-east-1') =>
      `aws ec2 create-tags --region ${region} --resources ${id} --tags Key=ami_config_checksum,Value=${value}`

    const cutShort: readonly (readonly [what: string, fault: Partial<Fault>])[] = [
      ['has reached EC2', { silent: true }],
      ['has not reached EC2', { hang: true }],
    ]

    test.concurrent.each(cutShort)(
      'a verified image is kept when the step is cancelled while its tag %s',
      async (_, fault) => {
        await using ec2 = await account()
        const instance = await runInstance(ec2)
        using scene = fakePacker(ec2, `${printBuild(instance, ec2.id)}\n${printArtifact(`us-east-1:${ec2.id}`)}`)
        ec2.fail({ action: 'CreateTags', about: TAGS_CHECKSUM, ...fault })
        const running = scene.start()
        await untilTagging(ec2, TAGS_CHECKSUM)
        const run = await cancel(running)
        ec2.mend()
        const post = await running.post()
        expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
        expect(await checksums(ec2)).toEqual({ [ec2.id]: run.outputs.ami_config_checksum })
        expect(run.outputs).not.toHaveProperty('ami_id')
      },
    )

    test.concurrent.each([
      ['may not', { error: 'UnauthorizedOperation' }, {}, /^ec2:CreateTags in us-east-1: /],
      ['has the credentials of another account', {}, STRANGER, /^the credentials belong to account 210987654321/],
    ])(
      'a verified image is kept when post would tag it but %s, and the error has the command',
      async (_, fault, env, reason) => {
        await using ec2 = await account()
        const instance = await runInstance(ec2)
        using scene = fakePacker(ec2, `${printBuild(instance, ec2.id)}\n${printArtifact(`us-east-1:${ec2.id}`)}`)
        ec2.fail({ action: 'CreateTags', about: TAGS_CHECKSUM, hang: true })
        const running = scene.start()
        await untilTagging(ec2, TAGS_CHECKSUM)
        running.process.kill('SIGKILL')
        const run = await running.ended
        ec2.mend()
        ec2.fail({ action: 'CreateTags', about: TAGS_CHECKSUM, ...fault })
        const post = await running.post(env)
        const command = tagCommand(ec2.id, run.outputs.ami_config_checksum)
        expect(errorsOf(post), post.log).toEqual([{ level: 'error', message: expect.stringMatching(reason) }])
        expect(errorsOf(post)[0]?.message).toContain(`${ec2.id} is kept. To make it a hit: ${command}`)
        expect(Object.keys(await checksums(ec2))).toEqual([ec2.id])
      },
    )

    test('an image is removed when the step is cancelled before the request for its tag', async () => {
      await using ec2 = await account()
      const instance = await runInstance(ec2)
      using scene = fakePacker(ec2, `${printBuild(instance, ec2.id)}\n${printArtifact(`us-east-1:${ec2.id}`)}`)
      const origin = /^Tag\.1\.Key=ami_bakery_template$/
      ec2.fail({ action: 'CreateTags', about: origin, hang: true })
      const running = scene.start()
      await untilTagging(ec2, origin)
      expectFailure(await cancel(running), /^Cancelled by SIGINT\.$/)
      ec2.mend()
      const post = await running.post()
      expect([post.exitCode, await checksums(ec2)], post.log).toEqual([0, {}])
    })

    test('a tagged image is kept when the step is cancelled before EC2 finds it by its tag, and the error says so', async () => {
      await using ec2 = await account()
      using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${ec2.id}`)}`)
      const running = scene.start()
      await scene.building()
      ec2.fail({ action: 'DescribeImages', about: /=tag:ami_config_checksum$/, answer: imagesAnswer('') })
      await untilTagging(ec2, TAGS_CHECKSUM)
      await sleep(300)
      const run = await cancel(running)
      expectFailure(run, new RegExp(`^Cancelled by SIGINT\\. ${ec2.id} is kept: the next run finds it\\.$`))
      ec2.mend()
      await running.post()
      expect((await scene.start().ended).outputs).toMatchObject({ ami_id: ec2.id, cache_hit: 'true' })
    })

    test('an image becomes a hit only after its copies, so that a waiting run copies nothing', async () => {
      await using ec2 = await account()
      const west = await copy(ec2, ec2.id, 'us-west-2')
      using scene = fakePacker(ec2, `sleep 2; ${printArtifact(`us-east-1:${ec2.id}`, `us-west-2:${west}`)}`)
      ec2.fail({ action: 'CreateTags', region: 'us-west-2', delay: 3_000 })
      const inputs = { ...INPUTS, regions: 'us-west-2' }
      const first = scene.start({ inputs })
      await first.printed(/Packer: build/)
      const runs = await Promise.all([first.ended, scene.start({ inputs, env: FAST }).ended])
      for (const { outputs, log } of runs) {
        expect(JSON.parse(outputs.ami_ids ?? '{}'), log).toEqual({ 'us-east-1': ec2.id, 'us-west-2': west })
      }
      const value = runs[0]?.outputs.ami_config_checksum
      expect(await checksums(ec2, 'us-west-2')).toEqual({ [west]: value })
    })

    test('an image whose copy may not be tagged is a hit, and the error has the command for the copy', async () => {
      await using ec2 = await account()
      const west = await copy(ec2, ec2.id, 'us-west-2')
      using scene = fakePacker(ec2, printArtifact(`us-east-1:${ec2.id}`, `us-west-2:${west}`))
      ec2.fail({ action: 'CreateTags', region: 'us-west-2', error: 'UnauthorizedOperation' })
      const run = await scene.start().ended
      const value = run.outputs.ami_config_checksum
      expect(errorsOf(run).map(({ message }) => message)).toEqual([
        expect.stringContaining(tagCommand(west, value, 'us-west-2')),
      ])
      expect(run.outputs).not.toHaveProperty('ami_id')
      expect([await checksums(ec2), await checksums(ec2, 'us-west-2')]).toEqual([
        { [ec2.id]: value },
        { [west]: undefined },
      ])
      expect((await scene.start().ended).outputs).toMatchObject({ ami_id: ec2.id, cache_hit: 'true' })
    })

    test('an image and its copies that may not be tagged are named in one error', async () => {
      await using ec2 = await account()
      const west = await copy(ec2, ec2.id, 'us-west-2')
      using scene = fakePacker(ec2, printArtifact(`us-east-1:${ec2.id}`, `us-west-2:${west}`))
      ec2.fail({ action: 'CreateTags', about: TAGS_CHECKSUM, error: 'UnauthorizedOperation' })
      const run = await scene.start().ended
      const [error, ...more] = errorsOf(run)
      expect(more).toEqual([])
      const value = run.outputs.ami_config_checksum
      expect(error?.message).toContain(tagCommand(ec2.id, value))
      expect(error?.message).toContain(tagCommand(west, value, 'us-west-2'))
    })

    test('an image whose copy EC2 can’t describe is a hit, and the error says that it is kept', async () => {
      await using ec2 = await account()
      const west = await copy(ec2, ec2.id, 'us-west-2')
      using scene = fakePacker(ec2, printArtifact(`us-east-1:${ec2.id}`, `us-west-2:${west}`))
      ec2.fail({ action: 'DescribeImages', region: 'us-west-2', error: 'InternalError', status: 500 })
      const run = await scene.start({ env: FAST }).ended
      expect(errorsOf(run)).toHaveLength(1)
      expect(errorsOf(run)[0]?.message).toMatch(/^ec2:DescribeImages in us-west-2: /)
      expect(errorsOf(run)[0]?.message).toContain(`${ec2.id} is kept: the next run finds it.`)
      expect((await scene.start().ended).outputs).toMatchObject({ ami_id: ec2.id, cache_hit: 'true' })
    })

    test('a bake succeeds with a warning when EC2 can’t describe the source image', async () => {
      await using ec2 = await account()
      const inputs = { ...INPUTS, 'base-ami': ec2.id }
      const other = await ec2.makeImage({})
      const made = await copy(ec2, other)
      using scene = fakePacker(ec2, printArtifact(`us-east-1:${made}`))
      ec2.fail({ action: 'DescribeImages', about: new RegExp(`=${other}$`), error: 'InternalError', status: 500 })
      const run = await scene.start({ inputs, env: FAST }).ended
      expect(run.outputs, run.log).toMatchObject({ ami_id: made, cache_hit: 'false' })
      expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('ec2:DescribeImages') }])
    })

    test('a bake succeeds when the image was encrypted from an intermediate image that still exists', async () => {
      await using ec2 = await account()
      const made = await copy(ec2, await copy(ec2, ec2.id))
      using scene = fakePacker(ec2, printArtifact(`us-east-1:${made}`))
      const run = await scene.start({ inputs: { ...INPUTS, 'base-ami': ec2.id } }).ended
      expect(run.outputs, run.log).toMatchObject({ ami_id: made, cache_hit: 'false' })
    })

    test('a bake succeeds when the image was encrypted from an intermediate image that was deregistered', async () => {
      await using ec2 = await account()
      const gone = await ec2.makeImage({})
      const made = await copy(ec2, gone)
      using scene = fakePacker(ec2, printArtifact(`us-east-1:${made}`))
      const item = `<item><imageId>${gone}</imageId><imageState>deregistered</imageState><creationDate>2026-01-01T00:00:00.000Z</creationDate></item>`
      ec2.fail({ action: 'DescribeImages', about: new RegExp(`=${gone}$`), answer: imagesAnswer(item) })
      const run = await scene.start({ inputs: { ...INPUTS, 'base-ami': ec2.id } }).ended
      expect(run.outputs, run.log).toMatchObject({ ami_id: made, cache_hit: 'false' })
    })

    test('an image from another base image fails the bake and is removed', async () => {
      await using ec2 = await account()
      const instance = await runInstance(ec2)
      const other = await ec2.makeImage({})
      const made = await copy(ec2, other)
      using scene = fakePacker(ec2, `${printBuild(instance, made)}\n${printArtifact(`us-east-1:${made}`)}`)
      const run = await scene.start({ inputs: { ...INPUTS, 'base-ami': ec2.id } }).ended
      expectFailure(run, new RegExp(`^base-ami: ${made} was made from ${other}, not from ${ec2.id}\\.`))
      expect(Object.keys(await checksums(ec2)).sort()).toEqual([ec2.id, other].sort())
    })

    /** Deletes all key pairs, as a tool that cleans up the account does. */
    async function removeLeases(ec2: FaultyEc2): Promise<void> {
      for (const KeyName of (await ec2.inventory()).keyPairs) {
        await ec2.client().send(new DeleteKeyPairCommand({ KeyName }))
      }
    }

    test('an image is kept when the lease is lost and the look-up fails', async () => {
      await using ec2 = await account()
      using scene = fakePacker(ec2, `sleep 2; ${printArtifact(`us-east-1:${ec2.id}`)}`)
      const running = scene.start()
      await scene.building()
      await removeLeases(ec2)
      const about = /=tag:ami_config_checksum$/
      ec2.fail({ action: 'DescribeImages', about, error: 'UnauthorizedOperation', times: 1 })
      const run = await running.ended
      expect(run.outputs, run.log).toMatchObject({ ami_id: ec2.id, cache_hit: 'false' })
      expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining(`Keeping ${ec2.id}.`) }])
    })

    test('an image is removed after a lost lease even when the step is cancelled meanwhile', async () => {
      await using ec2 = await account()
      const instance = await runInstance(ec2)
      ec2.slowTermination(5_000)
      const commands = [printBuild(instance, ec2.id), 'sleep 2', printArtifact(`us-east-1:${ec2.id}`)]
      using scene = fakePacker(ec2, commands.join('\n'))
      const running = scene.start()
      await scene.building()
      await removeLeases(ec2)
      const [, ami_config_checksum = ''] = /Checksum ([0-9a-f]{40})/.exec(running.log()) ?? []
      const other = await ec2.makeImage({ ami_config_checksum })
      ec2.fail({ action: 'DeregisterImage', hang: true })
      await running.printed(/Terminating i-/)
      expectFailure(await cancel(running), /^Cancelled by SIGINT\.$/)
      ec2.mend()
      const post = await running.post()
      expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
      expect(await checksums(ec2)).toEqual({ [other]: ami_config_checksum })
      expect((await ec2.inventory()).instances).toEqual([])
    })

    test('an image that may not be tagged is kept, and the instance that Packer left is terminated', async () => {
      await using ec2 = await account()
      const instance = await runInstance(ec2)
      const complaint = `==> amazon-ebs.app: Error terminating instance, may still be around: denied`
      const commands = [printBuild(instance, ec2.id), `echo '1,,ui,error,${complaint}'`]
      using scene = fakePacker(ec2, [...commands, printArtifact(`us-east-1:${ec2.id}`)].join('\n'))
      ec2.fail({ action: 'CreateTags', about: TAGS_CHECKSUM, error: 'UnauthorizedOperation' })
      const run = await scene.start().ended
      expectFailure(run, /To make it a hit: aws ec2 create-tags/)
      expect(Object.keys(await checksums(ec2))).toEqual([ec2.id])
      expect((await ec2.inventory()).instances).toEqual([])
    })

    test('a step that can’t set an output writes no JSON file and has one error', async () => {
      await using ec2 = await account()
      using scene = fakePacker(ec2, `rm "$RUNNER_TEMP/GITHUB_OUTPUT"; ${printArtifact(`us-east-1:${ec2.id}`)}`)
      const run = await scene.start().ended
      expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringContaining('GITHUB_OUTPUT') }])
      expect([run.exitCode, run.outputs]).toEqual([1, {}])
      expect(scene.workspace.has('ami/.ami_id.json')).toBe(false)
      expect((await scene.start().ended).outputs).toMatchObject({ ami_id: ec2.id, cache_hit: 'true' })
    })
  })

  test('a step that can’t set any output has one error', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, '')
    const run = await scene.start({ env: { GITHUB_OUTPUT: '/nowhere/output' } }).ended
    expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringContaining('/nowhere/output') }])
    expect(run.exitCode).toBe(1)
  })

  test.skipIf(process.platform !== 'linux')('the image is found in 200 MB of output with little memory', async () => {
    await using ec2 = await account()
    const noise =
      "yes '1,,ui,message,    app: something that a provisioner prints, again and again' | head -c 200000000"
    using scene = fakePacker(ec2, `${noise}; echo; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    // A shell drops variables whose names have a dash, as those of inputs have.
    const env = { PACKER_JSON_PATH: 'ami/app.pkr.hcl', AMI_DEFINITION_DIRS: 'ami', AWS_REGION: 'us-east-1' }
    const running = scene.start({ env, under: ['/bin/sh', '-c', `exec "$@" > ${scene.workspace.directory}/log`, 'sh'] })
    let peak = 0
    const watch = setInterval(() => {
      const [, size] = /^VmHWM:\s+(\d+) kB/m.exec(readIfThere(`/proc/${running.process.pid}/status`)) ?? []
      peak = Math.max(peak, Number(size ?? 0))
    }, 50)
    const run = await running.ended
    clearInterval(watch)
    expect(run.outputs.ami_id, run.log).toBe(ec2.id)
    expect(fs.statSync(`${scene.workspace.directory}/log`).size).toBeGreaterThan(100_000_000)
    expect(peak).toBeGreaterThan(0)
    expect(peak / 1024).toBeLessThan(150)
  })

  const programs: readonly (readonly [what: string, script: string, message: RegExp])[] = [
    [
      'too old',
      'echo "Packer v1.6.6"',
      /^packer: version 1\.6\.6 is too old; 1\.7 or newer is required\. .*setup-packer/,
    ],
    [
      'another program that waits for input',
      'cat',
      /^packer: the program on PATH does not print a version.*setup-packer/,
    ],
    [
      'a program that fails',
      'echo ": ##[error]no"; exit 3',
      /^packer: the program on PATH does not print a version.*, but ": ##\[error\]no"/,
    ],
  ]

  test.concurrent.each(programs)('a bake fails when packer is %s', async (_, script, message) => {
    await using ec2 = await account()
    using scene = sceneWith(ec2, script)
    expectFailure(await scene.start().ended, message)
  })

  test('a bake fails when packer is missing or not executable', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, '')
    fs.chmodSync(`${scene.workspace.directory}/bin/packer`, 0o644)
    const run = await scene.start({ env: { PATH: `${scene.workspace.directory}/bin` } }).ended
    expectFailure(run, /^packer: the file on PATH is not executable\. Use hashicorp\/setup-packer before this step/)
    const none = await scene.start({ env: { PATH: scene.workspace.directory } }).ended
    expectFailure(none, /^packer: not found on PATH\. Use hashicorp\/setup-packer before this step/)
  })

  test('a bake fails before Packer starts when the directory for temporary files is missing or full', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, '')
    expectFailure(
      await scene.start({ env: { RUNNER_TEMP: '/nowhere' } }).ended,
      /\/nowhere does not exist\. .*RUNNER_TEMP/,
    )
    // A file system without free space.
    if (process.platform !== 'linux') return
    expectFailure(await scene.start({ env: { RUNNER_TEMP: '/proc' } }).ended, /disk of \/proc is full.*RUNNER_TEMP/)
    expect(scene.workspace.has('bin/packer.builds')).toBe(false)
  })

  test('a bake fails when the disk fills up, because Packer would hang', async context => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, 'yes > /dev/fd/1; sleep 600')
    using disk = mountSmallDisk(`${scene.workspace.directory}/small`)
    if (!disk) return context.skip()
    const run = await scene.start({ env: { RUNNER_TEMP: `${scene.workspace.directory}/small` } }).ended
    expectFailure(run, /^The disk of .* is full, so that Packer can't continue/)
    expect(run.seconds).toBeLessThan(30)
  })

  describe.skipIf(!hasTools('packer', 'packer_plugins'))('with a real Packer', () => {
    test('a bake with a real Packer fails with Packer’s last error', async () => {
      const step = 'provisioner "shell-local" { inline = ["echo ::error::forged; exit 3"] }'
      await using scene = await setScene(moto, withSteps(hclTemplate(), step))
      const run = await scene.start().ended
      expectFailure(run, /^packer build exited with code 1: .*exit status: 3/s)
    })

    test('a bake fails when the name of the image exists, and the error says how to choose another', async () => {
      const template = hclTemplate().replace(/ami_name .*/, 'ami_name = "fixed"')
      await using scene = await setScene(moto, template)
      expect((await scene.start().ended).exitCode).toBe(0)
      const run = await scene.start({ inputs: { ...INPUTS, 'force-bake': 'true' } }).ended
      expectFailure(run, /fixed.* is used by an existing AMI: ami-[0-9a-f]+.*Add \{\{timestamp\}\} to .*ami_name/s)
    })

    const plugins: readonly (readonly [file: string, content: string, line: string])[] = [
      [
        'a.pkr.hcl',
        'source "googlecompute" "a" {}\nbuild { sources = ["source.googlecompute.a"] }',
        'packer plugins install github.com/hashicorp/googlecompute',
      ],
      [
        'a.json',
        '{"builders":[{"type":"amazon-ebs"}],"provisioners":[{"type":"ansible-local"}]}',
        'packer plugins install github.com/hashicorp/ansible',
      ],
    ]

    test.each(plugins)(
      'a bake fails when a plugin is missing (%s), and the error has the command',
      async (file, content, line) => {
        await using scene = await setScene(moto, hclTemplate())
        scene.workspace.write({ [`ami/${file}`]: content })
        const run = await scene.start({ inputs: { ...INPUTS, 'packer-template': `ami/${file}` } }).ended
        expectFailure(run, /unknown by Packer/)
        expect(run.annotations[0]?.message).toContain(line)
      },
    )

    test.each(['a.pkr.hcl', 'a.json'])('a bake fails when the amazon plugin can’t be downloaded (%s)', async file => {
      await using scene = await setScene(moto, hclTemplate())
      scene.workspace.write({ 'ami/a.pkr.hcl': hclTemplate(), 'ami/a.json': jsonTemplate() })
      const env = { ...scene.env, PACKER_PLUGIN_PATH: scene.workspace.directory, HTTPS_PROXY: 'http://127.0.0.1:9' }
      const run = await scene.start({ inputs: { ...INPUTS, 'packer-template': `ami/${file}` }, env }).ended
      expectFailure(
        run,
        /^packer (init|plugins install github\.com\/hashicorp\/amazon) failed: .*The runner must reach GitHub/s,
      )
    })
  })

  const events: readonly (readonly [what: string, event: string | undefined, isBaked: boolean])[] = [
    ['a pull request of the same repository is baked', JSON.stringify(event('example/app')), true],
    ['a pull request of a fork is not baked', JSON.stringify(event('stranger/app\n::error::x')), false],
    [
      'a pull request of a deleted fork is not baked',
      JSON.stringify({ pull_request: { base: event('').pull_request.base, head: { repo: null } } }),
      false,
    ],
    ['nothing is baked when the event is malformed', '{', false],
    ['nothing is baked when the event is missing', undefined, false],
  ]

  test.concurrent.each(events)('on pull_request_target %s', async (_, content, isBaked) => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, printArtifact(`us-east-1:${ec2.id}`))
    if (content) scene.workspace.write({ 'event.json': content })
    const env = {
      GITHUB_EVENT_NAME: 'pull_request_target',
      GITHUB_EVENT_PATH: `${scene.workspace.directory}/event.json`,
    }
    const run = await scene.start({ env }).ended
    if (isBaked) expect(run.outputs.ami_id, run.log).toBe(ec2.id)
    else expectFailure(run, /^No bake on pull_request_target for a head in .*Set on-miss to skip/)
    expect(scene.workspace.has('bin/packer.builds')).toBe(isBaked)
  })

  test('a hit on pull_request_target is returned to a pull request of a fork too', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, printArtifact(`us-east-1:${ec2.id}`))
    await scene.start().ended
    const run = await scene.start({ env: { GITHUB_EVENT_NAME: 'pull_request_target' } }).ended
    expect(run.outputs, run.log).toMatchObject({ ami_id: ec2.id, cache_hit: 'true' })
  })

  test('a step on Windows fails before any request', async () => {
    using workspace = makeWorkspace({ 'windows.cjs': "Object.defineProperty(process, 'platform', { value: 'win32' })" })
    await using ec2 = await account()
    using scene = fakePacker(ec2, '')
    const run = await scene.start({ env: { NODE_OPTIONS: `--require ${workspace.directory}/windows.cjs` } }).ended
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringMatching(/Windows.*Linux or macOS/) }])
    expect([run.exitCode, ec2.requests.length]).toEqual([1, 0])
  })
})

function event(head: string) {
  return { pull_request: { base: { repo: { full_name: 'example/app' } }, head: { repo: { full_name: head } } } }
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}
