import { DeleteVolumeCommand, type Instance, paginateDescribeVolumes, type Volume } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { askForAll, deleteWhenFree } from '../ec2/requests.ts'
import { info } from '../runner/log.ts'
import { describeInstances } from './instances.ts'
import type { BakeIdentity } from './journal.ts'

/** Volumes that stay when the bake's instances are terminated. */
export interface OutlivingVolumes {
  /** Created by the launch of an instance of the bake. */
  readonly own: readonly string[]
  /** Created since the bake began, and attached to its instance later, by something else. */
  readonly uncertain: readonly string[]
}

/** What may differ between times that EC2 gives, in milliseconds. */
const TOLERANCE = 60_000

/**
 * Finds the volumes that outlive the bake's instances (`DeleteOnTermination` is false: the default of `launch_block_device_mappings`,
 * and what a source image may ask for; Packer deletes them itself, packer-plugin-amazon: common/step_cleanup_volumes.go). To be
 * called before the instances are terminated: EC2 forgets which volumes they had. A volume that is older than the bake is no part of
 * it, whatever it is attached to.
 */
export async function findVolumes(
  ec2: Ec2,
  ids: readonly string[],
  { startedAt }: BakeIdentity,
): Promise<OutlivingVolumes> {
  const attachments = (await describeAll(ec2, ids)).flatMap(attachmentsOf)
  if (attachments.length === 0) return { own: [], uncertain: [] }
  const volumes = await describeVolumes(ec2, attachments)
  const recent = new Set(volumes.filter(isSince(startedAt)).map(({ VolumeId }) => VolumeId))
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

/** An instance that was just launched may be unknown to EC2 for a while. */
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
    const isOfLaunch = Number(Ebs.AttachTime) <= Number(LaunchTime) + TOLERANCE
    return { id: Ebs.VolumeId, isOfLaunch }
  })
}

function isSince(startedAt: string): (volume: Volume) => boolean {
  return ({ CreateTime }) => CreateTime !== undefined && CreateTime.getTime() > Date.parse(startedAt) - TOLERANCE
}

async function describeVolumes(ec2: Ec2, attachments: readonly Attachment[]): Promise<Volume[]> {
  const Filters = [{ Name: 'volume-id', Values: attachments.map(({ id }) => id) }]
  return await askForAll(ec2, 'ec2:DescribeVolumes', async function* (pages, options) {
    for await (const { Volumes = [] } of paginateDescribeVolumes(pages, { Filters }, options)) yield* Volumes
  })
}

/**
 * Deletes a volume once nothing uses it any more.
 *
 * @param seconds How long to go on while it is attached.
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
