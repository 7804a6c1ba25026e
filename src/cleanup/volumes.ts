import { DeleteVolumeCommand, type Instance, paginateDescribeVolumes, type Volume } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { askForAll, deleteWhenFree } from '../ec2/requests.ts'
import { info } from '../runner/log.ts'
import { describeInstances } from './instances.ts'
import type { BakeIdentity } from './journal.ts'
import { EC2_DIFFERENCE, isSince } from './since.ts'

/** Volumes that remain when the bake's instances are terminated. */
export interface RemainingVolumes {
  /** Created by the launch of an instance of the bake. */
  readonly own: readonly string[]
  /** Created after the bake started, and attached to its instance after the launch, by something else. */
  readonly uncertain: readonly string[]
}

/**
 * Finds the volumes that remain after the termination of the bake's instances (`DeleteOnTermination` is false: the default of
 * `launch_block_device_mappings`, and possible in a source image. Packer deletes them itself, packer-plugin-amazon:
 * common/step_cleanup_volumes.go). Must be called before the termination, after which EC2 does not describe them any more. A volume
 * that is older than the bake does not belong to it, even if it is attached to its instance.
 */
export async function findVolumes(ec2: Ec2, ids: readonly string[], bake: BakeIdentity): Promise<RemainingVolumes> {
  const attachments = (await describeAll(ec2, ids)).flatMap(attachmentsOf)
  if (attachments.length === 0) return { own: [], uncertain: [] }
  const volumes = await describeVolumes(ec2, attachments)
  const isRecent = ({ CreateTime }: Volume) => isSince(bake, CreateTime, EC2_DIFFERENCE)
  const recent = new Set(volumes.filter(isRecent).map(({ VolumeId }) => VolumeId))
  const found = attachments.filter(({ id }) => recent.has(id))
  return {
    own: found.filter(({ isOfLaunch }) => isOfLaunch).map(({ id }) => id),
    uncertain: found.filter(({ isOfLaunch }) => !isOfLaunch).map(({ id }) => id),
  }
}

interface Attachment {
  readonly id: string
  readonly isOfLaunch: boolean
}

/** EC2 may not know a new instance for a while. */
async function describeAll(ec2: Ec2, ids: readonly string[]): Promise<readonly Instance[]> {
  if (ids.length === 0) return []
  let known: readonly Instance[] = []
  await poll(ec2, 20, async () => {
    known = await describeInstances(ec2, { Name: 'instance-id', Values: [...ids] })
    return known.length < ids.length ? undefined : true
  })
  return known
}

function attachmentsOf({ LaunchTime, BlockDeviceMappings = [] }: Instance): Attachment[] {
  return BlockDeviceMappings.flatMap(({ Ebs }) => {
    if (!Ebs?.VolumeId || Ebs.DeleteOnTermination !== false) return []
    const isOfLaunch = Number(Ebs.AttachTime) <= Number(LaunchTime) + EC2_DIFFERENCE
    return { id: Ebs.VolumeId, isOfLaunch }
  })
}

async function describeVolumes(ec2: Ec2, attachments: readonly Attachment[]): Promise<Volume[]> {
  const Filters = [{ Name: 'volume-id', Values: attachments.map(({ id }) => id) }]
  return await askForAll(ec2, 'ec2:DescribeVolumes', async function* (pages, options) {
    for await (const { Volumes = [] } of paginateDescribeVolumes(pages, { Filters }, options)) yield* Volumes
  })
}

/**
 * Deletes a volume once it is detached.
 *
 * @param seconds How long to try while it is attached.
 */
export async function deleteVolume(ec2: Ec2, id: string, seconds: number): Promise<void> {
  info(`Deleting the volume ${id}.`)
  const command = new DeleteVolumeCommand({ VolumeId: id })
  await deleteWhenFree(ec2, {
    what: `the volume ${id}`,
    seconds,
    passing: ['VolumeInUse', 'IncorrectState'],
    request: () => ask(ec2, 'ec2:DeleteVolume', (client, options) => client.send(command, options)),
  })
}
