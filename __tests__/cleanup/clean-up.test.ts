import { setTimeout as sleep } from 'node:timers/promises'
import {
  AttachVolumeCommand,
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  CreateVolumeCommand,
  DescribeImagesCommand,
  DescribeVolumesCommand,
  EC2Client,
  RegisterImageCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, SOURCE_IMAGE, speakTo, startEc2 } from '../support/ec2.ts'
import { fakePacker } from '../support/fake-packer.ts'
import {
  cancelWhen,
  FAILING_AFTERWARDS,
  FAST,
  type Interruption,
  killAllWhen,
  setSceneOf,
} from '../support/interruption.ts'
import { type Fault, type FaultyEc2, STRANGER, startProxy } from '../support/proxy.ts'
import type { Run } from '../support/runner.ts'
import { canSetScene, NOTHING, type Scene, setScene, takeStock } from '../support/scene.ts'
import { hclTemplate, selfTaggingTemplate, withSteps } from '../support/workspace.ts'

let moto: Ec2Server
let accounts = 0

const LATER = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*36e5}'
const say = (text: string) => `echo '1,,ui,say,==> amazon-ebs.app: ${text}'`
const LAUNCHING = say('Launching a source AWS instance...')

describe.skipIf(!canSetScene)('clean-up', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  async function startAccount(): Promise<FaultyEc2> {
    return await startProxy(moto, String(320_000_000_000 + accounts++))
  }

  async function launch(ec2: FaultyEc2, more: Partial<RunInstancesCommand['input']> = {}): Promise<string> {
    const command = new RunInstancesCommand({ ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, ...more })
    const { Instances: [{ InstanceId = '' } = {}] = [] } = await ec2.client().send(command)
    return InstanceId
  }

  /** A bake that ends while its image is pending, with `post`. */
  async function interruptPending(
    interrupt: Interruption['interrupt'],
    prepare: (ec2: FaultyEc2) => void,
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ post: Run; scene: Scene }> {
    const scene = await setSceneOf({ name: 'pending', slow: { images: 60_000 }, interrupt }, moto)
    prepare(scene.ec2)
    const running = scene.start()
    await interrupt(running, scene)
    return { post: await running.post(env), scene }
  }

  const errorsOf = ({ annotations }: Run) =>
    annotations.filter(({ level }) => level === 'error').map(one => one.message)

  async function volumesOf(ec2: FaultyEc2): Promise<readonly string[]> {
    const { Volumes = [] } = await ec2.client().send(new DescribeVolumesCommand({}))
    return Volumes.map(({ VolumeId = '' }) => VolumeId)
  }

  describe('deregistered images', () => {
    const interruptions = [
      ['Packer', cancelWhen(/Waiting for AMI/)],
      ['the clean-up itself', killAllWhen(/Waiting for AMI/)],
    ] as const
    test.for(interruptions)(
      'an image that EC2 describes as deregistered is not waited for when %s has deregistered it',
      async ([, interrupt]) => {
        const { post, scene } = await interruptPending(interrupt, ec2 => ec2.lateness({ gone: 120_000 }))
        await using _ = scene
        expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
        expect(post.seconds).toBeLessThan(60)
        expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
      },
    )

    test('"Unavailable" counts as deregistered when the answer to the first request was lost', async () => {
      const { post, scene } = await interruptPending(killAllWhen(/Waiting for AMI/), ec2 => {
        ec2.fail({ action: 'DeregisterImage', lost: true, times: 1 })
      })
      await using _ = scene
      expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
      expect(post.seconds).toBeLessThan(60)
    })
  })

  describe('snapshots', () => {
    test('an image is deregistered even if the search for its snapshots gets no answer', async () => {
      const { post, scene } = await interruptPending(
        killAllWhen(/Waiting for AMI/),
        ec2 => ec2.fail({ action: 'DescribeSnapshots', hang: true }),
        FAST,
      )
      await using _ = scene
      expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toMatchObject({ images: [], instances: [] })
      expect(errorsOf(post)).toEqual([
        expect.stringMatching(
          /^aws ec2 describe-snapshots --region us-east-1 .*ami-\w+\*"\n {2}\(ec2:DescribeSnapshots /m,
        ),
      ])
    })

    test.for([
      ['when Packer has deregistered their image', cancelWhen(/Waiting for AMI/)],
      ['when they start after their image was deregistered', killAllWhen(/Waiting for AMI/)],
    ] as const)('snapshots are deleted %s', async ([, interrupt]) => {
      const { post, scene } = await interruptPending(interrupt, ec2 => ec2.lateness({ snapshots: 6_000 }))
      await using _ = scene
      expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
      expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
    })
  })

  test('all pages of every answer are read, empty ones too', async () => {
    const { post, scene } = await interruptPending(killAllWhen(/Waiting for AMI/), ec2 => ec2.pages(1))
    await using _ = scene
    expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
    expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
    const asked = scene.ec2.requests.filter(
      ({ agent, action, parameters }) =>
        agent.includes('ami-bakery') && /^Describe(Instances|Snapshots|SecurityGroups)$/.test(action) && parameters,
    )
    expect(new Set(asked.map(({ action }) => action)).size).toBe(3)
    for (const { parameters } of asked) expect(parameters.get('MaxResults')).toBe('1000')
  })

  describe('volumes', () => {
    const MORE_DISKS = 'launch_block_device_mappings {\n device_name = "/dev/sdb"\n volume_size = 1\n }'

    test('a volume that the launch created is deleted', async () => {
      const killed: Interruption = {
        name: 'a volume',
        template: () => hclTemplate(MORE_DISKS),
        slow: { images: 60_000, termination: 2_000 },
        interrupt: killAllWhen(/Waiting for AMI/),
      }
      await using scene = await setSceneOf(killed, moto)
      const running = scene.start()
      await killed.interrupt(running, scene)
      expect(await volumesOf(scene.ec2)).toHaveLength(1)
      const post = await running.post()
      expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
      expect(await volumesOf(scene.ec2), post.log).toEqual([])
      expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
    })

    test('a volume that the role may not delete is listed', async () => {
      await using ec2 = await startAccount()
      const id = await launch(ec2, { BlockDeviceMappings: [{ DeviceName: '/dev/sdb', Ebs: { VolumeSize: 1 } }] })
      ec2.fail({ action: 'DeleteVolume', error: 'UnauthorizedOperation', status: 403 })
      using scene = fakePacker(ec2, [LAUNCHING, say(`Instance ID: ${id}`), 'exit 1'].join('\n'))
      const run = await scene.start({ env: FAST }).ended
      const [volume] = await volumesOf(ec2)
      expect(errorsOf(run)).toEqual([
        expect.stringContaining(`\naws ec2 delete-volume --region us-east-1 --volume-id ${volume}\n`),
      ])
    })

    test('a volume that is older than the bake is kept, and one that was attached later is listed', async () => {
      await using ec2 = await startAccount()
      const id = await launch(ec2)
      const volumes = ['/dev/sdx', '/dev/sdy'].map(async Device => {
        const create = new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 })
        const { VolumeId = '' } = await ec2.client().send(create)
        await ec2.client().send(new AttachVolumeCommand({ InstanceId: id, VolumeId, Device }))
        return VolumeId
      })
      const [old = '', added = ''] = await Promise.all(volumes)
      const now = new Date().toISOString()
      const disk = (volume: string) =>
        `<item><ebs><volumeId>${volume}</volumeId><deleteOnTermination>false</deleteOnTermination><attachTime>${now}</attachTime></ebs></item>`
      const instance = `<instanceId>${id}</instanceId><launchTime>2026-01-01T00:00:00.000Z</launchTime><blockDeviceMapping>${disk(old)}${disk(added)}</blockDeviceMapping>`
      const created = (volume: string, time: string) =>
        `<item><volumeId>${volume}</volumeId><createTime>${time}</createTime></item>`
      ec2.fail(
        {
          action: 'DescribeInstances',
          about: /^Filter\.1\.Name=instance-id$/,
          times: 1,
          answer: `<DescribeInstancesResponse><reservationSet><item><instancesSet><item>${instance}</item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
        },
        {
          action: 'DescribeVolumes',
          answer: `<DescribeVolumesResponse><volumeSet>${created(old, '2020-01-01T00:00:00.000Z')}${created(added, now)}</volumeSet></DescribeVolumesResponse>`,
        },
      )
      using scene = fakePacker(ec2, [LAUNCHING, say(`Instance ID: ${id}`), 'exit 1'].join('\n'))
      const run = await scene.start({ env: FAST }).ended
      expect(ec2.requests.map(({ action }) => action)).not.toContain('DeleteVolume')
      const [error = ''] = errorsOf(run)
      expect(error).toMatch(new RegExp(`delete-volume .*${added}\n.*look at it first`))
      expect(error).not.toContain(old)
    })
  })

  describe('images that their template tagged', () => {
    const failing = () => withSteps(selfTaggingTemplate(), ...FAILING_AFTERWARDS)

    test('the lease is released when no look-up finds the failed image any more, even if EC2 updates tags late', async () => {
      await using scene = await setScene(moto, failing())
      scene.ec2.lateness({ tags: 4_000 })
      const running = scene.start()
      await scene.ec2.asked('CreateKeyPair', 2)
      const hasLease = async () => (await scene.ec2.inventory()).keyPairs.some(name => name.startsWith('ami-bakery-'))
      while (await hasLease()) await sleep(50)
      const [, checksum = ''] = /^Checksum ([0-9a-f]{40})/m.exec(running.log()) ?? []
      const Filters = [{ Name: 'tag:ami_config_checksum', Values: [checksum] }]
      const client = speakTo(scene.ec2.endpoint).client()
      // EC2 may see late that the image had the checksum at all.
      for (const end = Date.now() + 5_000; Date.now() < end; await sleep(100)) {
        const { Images } = await client.send(new DescribeImagesCommand({ Filters }))
        expect(Images, running.log()).toEqual([])
      }
      const { exitCode, log, annotations } = await running.ended
      expect([exitCode, annotations.length], log).toEqual([1, 1])
    })

    test('a failed image gets the tags of its template and its repository in the same request', async () => {
      await using scene = await setScene(moto, failing())
      const run = await scene.start().ended
      expect(run.exitCode, run.log).toBe(1)
      const marking = scene.ec2.requests.filter(({ parameters }) => `${parameters}`.includes('failed%3A'))
      const tags = marking
        .filter(({ action }) => action === 'CreateTags')
        .map(({ parameters }) => [1, 2, 3].map(n => [parameters.get(`Tag.${n}.Key`), parameters.get(`Tag.${n}.Value`)]))
      expect(tags).toEqual([
        [
          ['ami_config_checksum', `failed:${run.outputs.ami_config_checksum}`],
          ['ami_bakery_template', 'ami/app.pkr.hcl'],
          ['ami_bakery_repository', 'example/app'],
        ],
      ])
    })

    test('a failed image is tagged when only the checksum’s tag is permitted', async () => {
      await using scene = await setScene(moto, failing())
      scene.ec2.fail({
        action: 'CreateTags',
        about: /^Tag\.2\.Key=ami_bakery_template$/,
        error: 'UnauthorizedOperation',
      })
      const run = await scene.start().ended
      expect(run.exitCode, run.log).toBe(1)
      const { images } = await takeStock(scene.ec2, 'us-east-1')
      expect(images).toEqual([`failed:${run.outputs.ami_config_checksum}`])
      expect(run.log).not.toContain('Could not remove')
    })
  })

  test('a security group that EC2 shows late is deleted', async () => {
    await using ec2 = await startAccount()
    const name = `packer_${crypto.randomUUID()}`
    const printed = say(`Creating temporary security group for this instance: ${name}`)
    using scene = fakePacker(ec2, `${printed}; sleep 1; exit 1`)
    const running = scene.start()
    await running.printed(/Creating temporary security group/)
    ec2.lateness({ appear: 3_000 })
    const create = new CreateSecurityGroupCommand({ GroupName: name, Description: 'a test' })
    await speakTo(ec2.endpoint).client().send(create)
    const { exitCode, log } = await running.ended
    expect(exitCode, log).toBe(1)
    expect(await takeStock(ec2, 'us-east-1'), log).toEqual(NOTHING)
  })

  test('resources that EC2 does not know count as removed', async () => {
    await using ec2 = await startAccount()
    const id = await launch(ec2, { BlockDeviceMappings: [{ DeviceName: '/dev/sdb', Ebs: { VolumeSize: 1 } }] })
    const [keyPair, group] = [`packer_${crypto.randomUUID()}`, `packer_${crypto.randomUUID()}`]
    await ec2.client().send(new CreateKeyPairCommand({ KeyName: keyPair }))
    await ec2.client().send(new CreateSecurityGroupCommand({ GroupName: group, Description: 'a test' }))
    const gone = {
      DeleteKeyPair: 'InvalidKeyPair.NotFound',
      DeleteSecurityGroup: 'InvalidGroup.NotFound',
      DeleteVolume: 'InvalidVolume.NotFound',
      DeleteLaunchTemplate: 'InvalidLaunchTemplateId.NotFound',
    }
    ec2.fail(...Object.entries(gone).map(([action, error]) => ({ action, about: /packer_|sg-|vol-|lt-/, error })))
    const printed = [
      say(`Creating temporary keypair: ${keyPair}`),
      say(`Creating temporary security group for this instance: ${group}`),
      LAUNCHING,
      say(`Instance ID: ${id}`),
    ]
    using scene = fakePacker(ec2, [...printed, 'exit 1'].join('\n'))
    const run = await scene.start({ env: FAST }).ended
    expect(errorsOf(run)).toEqual([expect.not.stringContaining('Could not remove')])
    const asked = new Set(ec2.requests.map(({ action }) => action))
    for (const action of ['DeleteKeyPair', 'DeleteSecurityGroup', 'DeleteVolume']) expect(asked).toContain(action)
  })

  test('an instance that EC2 no longer describes counts as terminated when the bake is old enough', async () => {
    await using ec2 = await startAccount()
    using scene = fakePacker(ec2, [LAUNCHING, say('Instance ID: i-0123456789abcdef0'), 'sleep 600'].join('\n'))
    const running = scene.start()
    await running.printed(/Instance ID/)
    running.process.kill('SIGKILL')
    await running.ended
    const post = await running.post({ ...FAST, NODE_OPTIONS: `--import=${LATER}` })
    expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
  })

  describe('other accounts', () => {
    test('with the credentials of another account without a default security group nothing is changed', async () => {
      const noGroups: Fault = {
        action: 'DescribeSecurityGroups',
        about: /^Filter\.1\.Value\.1=default$/,
        answer: '<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>',
      }
      const killed: Interruption = {
        name: 'no groups',
        slow: { images: 60_000 },
        faults: [noGroups],
        interrupt: killAllWhen(/Waiting for AMI/),
      }
      await using scene = await setSceneOf(killed, moto)
      await scene.ec2.makeImage({})
      await otherAccountsClient(scene.ec2).send(new RegisterImageCommand({ Name: `strange-${crypto.randomUUID()}` }))
      const running = scene.start()
      await killed.interrupt(running, scene)
      const before = await takeStock(scene.ec2, 'us-east-1')
      const post = await running.post(STRANGER)
      expect(errorsOf(post)).toEqual([expect.stringMatching(/the credentials belong to account 210987654321/)])
      expect(await takeStock(scene.ec2, 'us-east-1')).toEqual(before)
    })
  })

  test('the list names the AWS CLI that has the option to delete snapshots', async () => {
    const { post, scene } = await interruptPending(killAllWhen(/Waiting for AMI/), ec2 =>
      ec2.fail({ action: 'DeregisterImage', error: 'UnauthorizedOperation', status: 403 }),
    )
    await using _ = scene
    expect(errorsOf(post)).toEqual([
      expect.stringMatching(/--delete-associated-snapshots\n(.|\n)*requires an AWS CLI of June 2025 or newer\.$/),
    ])
  })
})

function otherAccountsClient({ endpoint }: FaultyEc2): EC2Client {
  const credentials = { accessKeyId: STRANGER.AWS_ACCESS_KEY_ID, secretAccessKey: STRANGER.AWS_SECRET_ACCESS_KEY }
  return new EC2Client({ region: 'us-east-1', endpoint, credentials })
}
