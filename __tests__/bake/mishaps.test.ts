import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateKeyPairCommand,
  CreateLaunchTemplateCommand,
  DescribeLaunchTemplatesCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { type FakeScene, fakePacker, INPUTS, printArtifact } from '../support/fake-packer.ts'
import { FAST } from '../support/interruption.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { cancel, type Run, type Running, startPlainly } from '../support/runner.ts'
import { takeStock } from '../support/scene.ts'
import { hasTools } from '../support/tools.ts'

let moto: Ec2Server
let accounts = 0

/** Prints a line of Packer's machine-readable output. */
const say = (text: string) => `echo '1,,ui,say,==> amazon-ebs.app: ${text}'`
const LAUNCHING = say('Launching a source AWS instance...')
const IMAGING = say('Creating AMI final from instance i-0')
const SLEEPING = "trap 'touch $0.asked; exit 1' TERM; sleep 30 & wait; touch $0.finished"

/** Throws an uncaught error in the action's process as soon as a file exists. */
const THROWING =
  'data:text/javascript,import%20fs%20from%22node:fs%22;const%20t=setInterval(()=>{if(fs.existsSync(process.env.THROW_WHEN)){clearInterval(t);setTimeout(()=>{throw%20new%20Error(%22boom%22)},500)}},50)'

describe.skipIf(!hasTools('moto_server'))('a bake that is disturbed', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  async function startAccount(): Promise<FaultyEc2 & AsyncDisposable> {
    const ec2 = await startProxy(moto, String(300_000_000_000 + accounts++))
    return { ...ec2, [Symbol.asyncDispose]: () => ec2.stop() }
  }

  async function launch(ec2: FaultyEc2, more: { readonly KeyName?: string } = {}): Promise<string> {
    const command = new RunInstancesCommand({ ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, ...more })
    const { Instances: [{ InstanceId = '' } = {}] = [] } = await ec2.client().send(command)
    return InstanceId
  }

  function expectOneError({ annotations, exitCode, outputs, log }: Run, message: RegExp): void {
    expect(annotations.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', message: expect.stringMatching(message) },
    ])
    expect(exitCode, log).toBe(1)
    expect(outputs).not.toHaveProperty('ami_id')
  }

  function startOutsideGitHub(scene: FakeScene, ec2: FaultyEc2, more: Readonly<Record<string, string>>): Running {
    return startPlainly(scene.workspace.directory, {
      ...ec2.environment,
      ...FAST,
      PATH: `${scene.workspace.directory}/bin:${process.env.PATH}`,
      PACKER_JSON_PATH: 'ami/app.pkr.hcl',
      AMI_DEFINITION_DIRS: 'ami',
      AWS_REGION: 'us-east-1',
      ...more,
    })
  }

  /** Creates a lease of another run with these tags. */
  async function plantLease(ec2: FaultyEc2, KeyName: string, tags: Record<string, string>): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags }]
    await ec2.client().send(new CreateKeyPairCommand({ KeyName, TagSpecifications }))
  }

  async function nameLease(scene: FakeScene): Promise<string> {
    const { outputs } = await scene.start({ inputs: { ...INPUTS, 'on-miss': 'skip' } }).ended
    const template = createHash('sha1').update('ami/app.pkr.hcl').digest('hex').slice(0, 8)
    return `ami-bakery-${outputs.ami_config_checksum}-${template}`
  }

  describe('the tags of a lease, which any role may write', () => {
    async function plantBystanders(ec2: FaultyEc2) {
      const KeyName = `packer_${crypto.randomUUID()}`
      await ec2.client().send(new CreateKeyPairCommand({ KeyName }))
      const instances = [await launch(ec2), await launch(ec2, { KeyName })]
      const image = await ec2.makeImage({ env: 'production' })
      const { LaunchTemplate } = await ec2.client().send(
        new CreateLaunchTemplateCommand({
          LaunchTemplateName: 'app',
          LaunchTemplateData: { InstanceType: 't3.micro' },
        }),
      )
      const tags = {
        ami_bakery_begun: '1970-01-01T00:00:00Z',
        ami_bakery_launching: 'true',
        ami_bakery_instances: instances.join(' '),
        ami_bakery_images: image,
        ami_bakery_launch_templates: LaunchTemplate?.LaunchTemplateId ?? '',
      }
      return { tags, KeyName }
    }

    async function takeBystanders(ec2: FaultyEc2): Promise<readonly unknown[]> {
      const { instances, images } = await ec2.inventory()
      const { LaunchTemplates = [] } = await ec2.client().send(new DescribeLaunchTemplatesCommand({}))
      return [instances, images.map(({ ImageId }) => ImageId), LaunchTemplates.length]
    }

    test('the tags of a lease can’t make it look expired', async () => {
      await using ec2 = await startAccount()
      const { tags } = await plantBystanders(ec2)
      const lease = `ami-bakery-${'a'.repeat(40)}-01234567`
      await plantLease(ec2, lease, { ...tags, ami_bakery_counter: '-100000000' })
      const before = await takeBystanders(ec2)
      using scene = fakePacker(ec2, 'exit 1')
      const run = await scene.start({ env: FAST }).ended
      expectOneError(run, /packer build exited with code 1/)
      expect(await takeBystanders(ec2), run.log).toEqual(before)
      expect((await ec2.inventory()).keyPairs).toContain(lease)
    })

    test('the tags of a stale lease terminate no instance that is older than the lease', async () => {
      await using ec2 = await startAccount()
      const KeyName = `packer_${crypto.randomUUID()}`
      await ec2.client().send(new CreateKeyPairCommand({ KeyName }))
      const id = await launch(ec2, { KeyName })
      const old = `<instanceId>${id}</instanceId><launchTime>2020-01-01T00:00:00.000Z</launchTime>`
      const instances = `<item><instancesSet><item>${old}</item></instancesSet></item>`
      const answer = `<DescribeInstancesResponse><reservationSet>${instances}</reservationSet></DescribeInstancesResponse>`
      ec2.fail({ action: 'DescribeInstances', about: /^Filter\.1\.Name=key-name$/, answer })
      using scene = fakePacker(ec2, 'exit 1')
      const tags = { ami_bakery_launching: 'true', ami_bakery_key_pairs: KeyName, ami_bakery_instances: id }
      await plantLease(ec2, await nameLease(scene), { ...tags, ami_bakery_counter: '3' })
      const run = await scene.start({ env: { AMI_BAKERY_TIME_SCALE: '0.05' } }).ended
      expect(run.log).toMatch(/No heartbeat from .* for 5 minutes; removing its stale lease key-/)
      expect((await ec2.inventory()).instances, run.log).toEqual([id])
    })

    test('the tags of a stale lease remove only resources that certainly belong to its run, and list the others', async () => {
      await using ec2 = await startAccount()
      const { tags, KeyName } = await plantBystanders(ec2)
      using scene = fakePacker(ec2, 'exit 1')
      await plantLease(ec2, await nameLease(scene), { ...tags, ami_bakery_counter: '3' })
      const before = await takeBystanders(ec2)
      const run = await scene.start({ env: { AMI_BAKERY_TIME_SCALE: '0.05' } }).ended
      expect(run.log).toMatch(/No heartbeat from .* for 5 minutes; removing its stale lease key-/)
      expect(await takeBystanders(ec2), run.log).toEqual(before)
      const [warning] = run.annotations.filter(({ level }) => level === 'warning')
      expect(warning?.message).toContain(
        `terminate-instances --region us-east-1 --instance-ids ${before[0]}`.slice(0, 70),
      )
      expect(warning?.message).toContain('delete-launch-template')
      expect(KeyName).toMatch(/^packer_/)
    })
  })

  test('the image of a vanished run whose instance EC2 does not know any more is listed and kept', async () => {
    await using ec2 = await startAccount()
    using scene = fakePacker(ec2, 'exit 1')
    const [unfinished, finished] = [
      await ec2.makeImage({}),
      await ec2.makeImage({ ami_config_checksum: 'f'.repeat(40) }),
    ]
    const resources = {
      ami_bakery_launching: 'true',
      ami_bakery_instances: 'i-0123456789abcdef0',
      ami_bakery_images: `${unfinished} ${finished}`,
      ami_bakery_copy_regions: 'eu-west-1',
      ami_bakery_key_pairs: `packer_${crypto.randomUUID()}`,
    }
    await plantLease(ec2, await nameLease(scene), { ...resources, ami_bakery_counter: '3' })
    const run = await scene.start({ env: { AMI_BAKERY_TIME_SCALE: '0.05' } }).ended
    const [warning] = run.annotations.filter(({ level }) => level === 'warning')
    expect(warning?.message, run.log).toMatch(
      new RegExp(`deregister-image --region us-east-1 --image-id ${unfinished} .*\n.*look at it first`),
    )
    expect(warning?.message).toContain(
      `--region eu-west-1 --owners self --filters Name=source-image-id,Values=${unfinished}`,
    )
    expect(warning?.message).not.toContain(finished)
    expect((await ec2.inventory()).images.map(({ ImageId }) => ImageId).sort()).toEqual([unfinished, finished].sort())
  })

  test('a stale lease is removed within a wait of six minutes, although the wait ends during the clean-up', async () => {
    await using ec2 = await startAccount()
    const KeyName = `packer_${crypto.randomUUID()}`
    await ec2.client().send(new CreateKeyPairCommand({ KeyName }))
    await launch(ec2, { KeyName })
    ec2.slowTermination(6_000)
    using scene = fakePacker(ec2, 'exit 1')
    const tags = { ami_bakery_launching: 'true', ami_bakery_key_pairs: KeyName, ami_bakery_counter: '3' }
    await plantLease(ec2, await nameLease(scene), tags)
    const inputs = { ...INPUTS, 'wait-for-other-bakes': '6' }
    const run = await scene.start({ inputs, env: { AMI_BAKERY_TIME_SCALE: '0.05' } }).ended
    expectOneError(run, /packer build exited with code 1/)
    expect(await takeStock(ec2, 'us-east-1'), run.log).toMatchObject({ instances: [], keyPairs: [] })
  })

  test('a bake whose journal vanishes stops Packer and removes its resources', async () => {
    await using ec2 = await startAccount()
    const id = await launch(ec2)
    const tidyUp = 'sleep 1; rm -rf "$RUNNER_TEMP"/ami-bakery-*'
    using scene = fakePacker(ec2, [LAUNCHING, say(`Instance ID: ${id}`), tidyUp, SLEEPING].join('\n'))
    const run = await scene.start({ env: FAST }).ended
    expectOneError(run, /does not exist\. Correct RUNNER_TEMP/)
    expect((await ec2.inventory()).instances, run.log).toEqual([])
    expect(scene.workspace.has('bin/packer.finished')).toBe(false)
  })

  test('the output of a provisioner is not read as Packer’s', async () => {
    await using ec2 = await startAccount()
    const command = new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'production',
      LaunchTemplateData: { InstanceType: 't3.micro' },
    })
    const { LaunchTemplate } = await ec2.client().send(command)
    const id = await launch(ec2)
    const lies = [
      `Created Spot Fleet launch template: ${LaunchTemplate?.LaunchTemplateId}`,
      'Error launching source instance: no api error at all',
    ]
    using scene = fakePacker(ec2, [LAUNCHING, say(`Instance ID: ${id}`), ...lies.map(say), 'exit 1'].join('\n'))
    const run = await scene.start({ env: FAST }).ended
    expectOneError(run, /packer build exited with code 1/)
    expect((await ec2.inventory()).instances, run.log).toEqual([])
    const { LaunchTemplates = [] } = await ec2.client().send(new DescribeLaunchTemplatesCommand({}))
    expect(LaunchTemplates.map(({ LaunchTemplateName }) => LaunchTemplateName)).toEqual(['production'])
  })

  test('an instance that Packer could not terminate is terminated, and the image is kept', async () => {
    await using ec2 = await startAccount()
    const [id, image] = [await launch(ec2), await ec2.makeImage({})]
    const printed = [LAUNCHING, say(`Instance ID: ${id}`), IMAGING, say(`AMI: ${image}`)]
    const complaint = say('Error terminating instance, may still be around: throttled')
    using scene = fakePacker(ec2, [...printed, complaint, printArtifact(`us-east-1:${image}`)].join('\n'))
    const run = await scene.start({ env: FAST }).ended
    expect(run.exitCode, run.log).toBe(0)
    expect(run.outputs.ami_id).toBe(image)
    expect(await takeStock(ec2, 'us-east-1')).toMatchObject({
      instances: [],
      keyPairs: [],
      images: [run.outputs.ami_config_checksum],
    })
  })

  describe('a cancel', () => {
    test('a cancel while the image becomes available is reported as a cancel', async () => {
      await using ec2 = await startAccount()
      using scene = fakePacker(ec2, printArtifact('us-east-1:ami-0123456789abcdef0'))
      const running = scene.start()
      await running.printed(/Verify and tag/)
      await sleep(1_200)
      expectOneError(await cancel(running), /^Cancelled by SIGINT\.$/)
    })

    test('a cancel while another run bakes is reported as a cancel', async () => {
      await using ec2 = await startAccount()
      using scene = fakePacker(ec2, 'exit 1')
      await plantLease(ec2, await nameLease(scene), { ami_bakery_counter: '3' })
      const running = scene.start()
      await running.printed(/Waiting/)
      await sleep(300)
      expectOneError(await cancel(running), /^Cancelled by SIGINT\.$/)
    })

    test('a cancel after the image was verified keeps the image, and post sets its tag', async () => {
      await using ec2 = await startAccount()
      const image = await ec2.makeImage({})
      ec2.fail({ action: 'CreateTags', about: /^Tag\.1\.Key=ami_config_checksum$/, hang: true })
      using scene = fakePacker(
        ec2,
        [LAUNCHING, IMAGING, say(`AMI: ${image}`), printArtifact(`us-east-1:${image}`)].join('\n'),
      )
      const running = scene.start()
      while (![...ec2.requests].some(({ parameters }) => parameters.get('Tag.1.Key') === 'ami_config_checksum'))
        await sleep(20)
      const run = await cancel(running)
      expect(run.outputs).not.toHaveProperty('ami_id')
      ec2.mend()
      const post = await running.post()
      expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
      const stock = await takeStock(ec2, 'us-east-1')
      expect(stock).toMatchObject({ images: [run.outputs.ami_config_checksum], keyPairs: [] })
    })
  })

  describe('an uncaught error', () => {
    const commands = (id: string) => [LAUNCHING, say(`Instance ID: ${id}`), SLEEPING].join('\n')

    test('an uncaught error fails the step with its message, and post cleans up', async () => {
      await using ec2 = await startAccount()
      using scene = fakePacker(ec2, commands(await launch(ec2)))
      const throwing = {
        NODE_OPTIONS: `--import=${THROWING}`,
        THROW_WHEN: `${scene.workspace.directory}/bin/packer.builds`,
      }
      const running = scene.start({ env: { ...FAST, ...throwing } })
      const run = await running.ended
      expectOneError(run, /^boom$/)
      expect(run.outputs.cache_hit).toBe('false')
      await running.post({ THROW_WHEN: '/nowhere' })
      expect(await takeStock(ec2, 'us-east-1')).toMatchObject({ instances: [], keyPairs: [] })
      expect(scene.workspace.has('bin/packer.asked')).toBe(true)
    })

    test('an uncaught error outside GitHub ends the bake after the clean-up', async () => {
      await using ec2 = await startAccount()
      using scene = fakePacker(ec2, commands(await launch(ec2)))
      const throwing = {
        NODE_OPTIONS: `--import=${THROWING}`,
        THROW_WHEN: `${scene.workspace.directory}/bin/packer.builds`,
      }
      const run = await startOutsideGitHub(scene, ec2, throwing).ended
      expect(run.exitCode, run.log).toBe(1)
      expect(run.log).toMatch(/^Error: boom$/m)
      expect(await takeStock(ec2, 'us-east-1')).toMatchObject({ instances: [], keyPairs: [] })
    })

    test('a closed standard error outside GitHub ends the bake like a cancel', async () => {
      await using ec2 = await startAccount()
      using scene = fakePacker(ec2, commands(await launch(ec2)))
      ec2.prompt()
      ec2.fail({ action: 'CreateTags', about: /^ResourceId\.1=key-/, after: 1, error: 'UnauthorizedOperation' })
      const running = startOutsideGitHub(scene, ec2, {})
      running.process.stderr?.destroy()
      expect((await running.ended).exitCode).toBe(1)
      ec2.mend()
      expect((await ec2.inventory()).instances).toEqual([])
    })
  })

  test('an image that was deregistered before it is verified is an error, and no lease is left', async () => {
    await using ec2 = await startAccount()
    const gone =
      '<DescribeImagesResponse><imagesSet><item><imageId>ami-0123456789abcdef0</imageId><imageState>deregistered</imageState><creationDate>2026-01-01T00:00:00.000Z</creationDate></item></imagesSet></DescribeImagesResponse>'
    ec2.fail({ action: 'DescribeImages', about: /^ImageId\.1=ami-0123456789abcdef0$/, answer: gone })
    using scene = fakePacker(ec2, printArtifact('us-east-1:ami-0123456789abcdef0'))
    const run = await scene.start({ env: FAST }).ended
    expectOneError(run, /^ami-0123456789abcdef0 in us-east-1 did not become available: its state is deregistered/)
    expect((await ec2.inventory()).keyPairs).toEqual([])
  })

  const changes = [
    ['packer-var-files', { 'packer-var-files': 'v.pkrvars.hcl' }, 'echo changed > "$(dirname "$0")/../v.pkrvars.hcl"'],
    [
      'packer-template',
      { strict: 'true', 'ami-definition-dirs': 'more' },
      'echo "# changed" >> "$(dirname "$0")/../ami/app.pkr.hcl"',
    ],
  ] as const
  test.each(changes)(
    'a file of %s that changes during the bake fails it, and the image is removed',
    async (input, more, change) => {
      await using ec2 = await startAccount()
      const image = await ec2.makeImage({})
      using scene = fakePacker(
        ec2,
        [LAUNCHING, IMAGING, say(`AMI: ${image}`), change, printArtifact(`us-east-1:${image}`)].join('\n'),
      )
      scene.workspace.write({ 'v.pkrvars.hcl': '', 'more/a': '' })
      const run = await scene.start({ inputs: { ...INPUTS, ...more }, env: FAST }).ended
      expectOneError(run, new RegExp(`^${input}: Changed during the bake: `))
      expect((await ec2.inventory()).images, run.log).toEqual([])
    },
  )

  test('a file that is added during the bake and can’t be hashed is a warning', async () => {
    await using ec2 = await startAccount()
    const image = await ec2.makeImage({})
    const link = 'ln -s nowhere "$(dirname "$0")/../ami/broken"'
    using scene = fakePacker(ec2, [link, printArtifact(`us-east-1:${image}`)].join('\n'))
    const run = await scene.start({ env: FAST }).ended
    expect(run.exitCode, run.log).toBe(0)
    expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringMatching(/broken is a dangling link/) }])
  })
})
