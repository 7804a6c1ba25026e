import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import { imagesAnswer } from '../support/answers.ts'
import { SOURCE_IMAGE } from '../support/ec2.ts'
import { fakePacker } from '../support/fake-packer.ts'
import { type FaultyEc2, STRANGER } from '../support/proxy.ts'
import { hasTools } from '../support/tools.ts'

/** What amazon-chroot and amazon-ebssurrogate print (packer-plugin-amazon 1.8.2, builder/chroot and builder/ebssurrogate). */
const CHROOT = ['Gathering information about this EC2 instance...', 'Attaching the root volume to /dev/sdf']
const DELETED = 'Deleting the created EBS volume...'
const FAILED = "echo '1,amazon-chroot.a: b,error,It broke'; exit 1"

function say(...texts: readonly string[]): string {
  return texts.map(text => `echo '1,,ui,say,==> amazon-chroot.a: b: ${text}'`).join('\n')
}

describe.skipIf(!hasTools('moto_server'))('the leftovers of other builders', () => {
  const account = useAccounts()

  async function makeSnapshot(ec2: FaultyEc2, given?: string): Promise<string> {
    const client = ec2.client()
    const place = { AvailabilityZone: 'us-east-1a', Size: 1 }
    const VolumeId = given ?? (await client.send(new CreateVolumeCommand(place))).VolumeId
    const { SnapshotId = '' } = await client.send(new CreateSnapshotCommand({ VolumeId }))
    return SnapshotId
  }

  test('a snapshot of amazon-chroot is listed with the command that deletes it, and not deleted', async () => {
    await using ec2 = await account()
    const snapshot = await makeSnapshot(ec2)
    using scene = fakePacker(
      ec2,
      `${say(...CHROOT, 'Creating snapshot...', `Snapshot ID: ${snapshot}`, DELETED)}\n${FAILED}`,
    )
    const run = await scene.start().ended
    const [error] = run.annotations
    expect(error?.message, run.log).toMatch(
      /^packer build exited with code 1: It broke\nCould not remove everything from EC2/,
    )
    expect(error?.message).toContain(`aws ec2 delete-snapshot --region us-east-1 --snapshot-id ${snapshot}`)
    expect(error?.message).not.toContain('describe-volumes')
    expect((await ec2.inventory()).snapshots).toEqual([snapshot])
  })

  test('a volume of amazon-chroot is listed with a command that finds it', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `${say(...CHROOT)}\n${FAILED}`)
    const run = await scene.start().ended
    expect(run.annotations[0]?.message, run.log).toMatch(
      /aws ec2 describe-volumes --region us-east-1 --query "Volumes\[\?CreateTime>='2.*'\]"/,
    )
  })

  test('a volume that Packer has deleted itself is not listed', async () => {
    await using ec2 = await account()
    const said = [...CHROOT, 'Creating snapshot...', 'Snapshot ID: snap-0123456789abcdef0', DELETED]
    using scene = fakePacker(ec2, `${say(...said)}\n${FAILED}`)
    const run = await scene.start().ended
    expect(run.annotations, run.log).toEqual([{ level: 'error', message: 'packer build exited with code 1: It broke' }])
  })

  test('the snapshots of amazon-ebssurrogate are listed by the volumes that it names', async () => {
    await using ec2 = await account()
    const client = ec2.client()
    const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, InstanceType: 't3.micro' } as const
    const { Instances: [{ InstanceId = '' } = {}] = [] } = await client.send(new RunInstancesCommand(launch))
    const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }))
    const volume = Reservations?.[0]?.Instances?.[0]?.BlockDeviceMappings?.[0]?.Ebs?.VolumeId ?? ''
    const snapshot = await makeSnapshot(ec2, volume)
    const other = await makeSnapshot(ec2)
    const said = [
      'Launching a source AWS instance...',
      `Instance ID: ${InstanceId}`,
      'Creating snapshot tags',
      `Creating snapshot of EBS Volume ${volume}...`,
    ]
    using scene = fakePacker(ec2, `${say(...said)}\n${FAILED}`)
    const run = await scene.start().ended
    const message = run.annotations[0]?.message
    expect(message, run.log).toContain(`delete-snapshot --region us-east-1 --snapshot-id ${snapshot}`)
    expect(message).not.toContain(other)
    expect((await ec2.inventory()).instances).toEqual([])
  })

  test('a snapshot that an image uses is not listed', async () => {
    await using ec2 = await account()
    const snapshot = await makeSnapshot(ec2)
    const mapping = `<blockDeviceMapping><item><ebs><snapshotId>${snapshot}</snapshotId></ebs></item></blockDeviceMapping>`
    const date = '<creationDate>2026-01-01T00:00:00.000Z</creationDate>'
    const image = `<item><imageId>ami-01234567</imageId><imageState>available</imageState>${date}${mapping}</item>`
    // moto does not know this filter.
    ec2.fail({ action: 'DescribeImages', about: /block-device-mapping\.snapshot-id/, answer: imagesAnswer(image) })
    using scene = fakePacker(
      ec2,
      `${say(...CHROOT, 'Creating snapshot...', `Snapshot ID: ${snapshot}`, DELETED)}\n${FAILED}`,
    )
    const run = await scene.start().ended
    expect(run.annotations[0]?.message, run.log).toBe('packer build exited with code 1: It broke')
  })

  test('the commands that search are listed when the search is denied, and with the credentials of another account', async () => {
    await using ec2 = await account()
    const script = say(...CHROOT, 'Creating snapshot...', 'Snapshot ID: snap-0123456789abcdef0')
    using scene = fakePacker(ec2, `${script}\n${FAILED}`)
    ec2.fail({ action: 'DescribeSnapshots', error: 'UnauthorizedOperation', status: 403 })
    const search =
      'aws ec2 describe-snapshots --region us-east-1 --filters Name=snapshot-id,Values=snap-0123456789abcdef0'
    const denied = await scene.start().ended
    expect(denied.annotations[0]?.message, denied.log).toContain(search)
    using hanging = fakePacker(ec2, `${script}\nexec sleep 600`)
    const running = hanging.start()
    await hanging.building()
    await running.printed(/Snapshot ID/)
    running.process.kill('SIGKILL')
    await running.ended
    const post = await running.post(STRANGER)
    expect(post.annotations.at(-1)?.message, post.log).toContain(search)
    expect(post.annotations.at(-1)?.message).toContain('aws ec2 describe-volumes')
  })
})
