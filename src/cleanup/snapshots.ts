import { CreateTagsCommand, DeleteSnapshotCommand, paginateDescribeSnapshots, type Snapshot } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { describeImages, type Image } from '../ec2/images.ts'
import { askForAll, deleteWhenFree, isNotFound } from '../ec2/requests.ts'
import { toTagList } from '../ec2/tag-list.ts'
import { TEMPLATE_TAG } from '../ec2/tag-names.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { CLOCK_DIFFERENCE, isSince } from './since.ts'

/** Images of a bake, for the search for their snapshots. */
export interface SnapshotOrigin {
  readonly images: readonly string[]
  /** When the bake started, in ISO 8601. Older snapshots do not belong to it. */
  readonly startedAt: string
}

/**
 * Finds the snapshots that CreateImage and CopyImage created for these images by their descriptions, because a pending image does not
 * name its snapshots. EC2 starts them after its answer to CreateImage, so that a search may come too early.
 *
 * @param seconds How long to search until a snapshot is found.
 */
export async function findSnapshots(
  ec2: Ec2,
  { images, startedAt }: SnapshotOrigin,
  seconds: number,
): Promise<string[]> {
  const descriptions = images.flatMap(id => [
    `Created by CreateImage(*) for ${id}*`,
    `Copied for DestinationAmi ${id} *`,
  ])
  const found = await poll(ec2, seconds, async () => {
    const snapshots = (await describeSnapshots(ec2, 'description', descriptions)).filter(
      ({ StartTime }) => !StartTime || isSince({ startedAt }, StartTime, CLOCK_DIFFERENCE),
    )
    return snapshots.length > 0 ? snapshots : undefined
  })
  return idsOf(found ?? [])
}

/** Whether Packer created snapshots itself, as amazon-ebssurrogate and amazon-chroot do before they register an image. */
export function hasSnapshots({ snapshots, snapshotSources }: CreatedResources): boolean {
  return snapshots.length + snapshotSources.length > 0
}

/** Finds the snapshots that Packer created itself and that no image uses. Returns their ids. */
export async function findUnusedSnapshots(
  ec2: Ec2,
  { snapshots, snapshotSources }: CreatedResources,
): Promise<string[]> {
  const found = new Set([
    ...idsOf(await describeSnapshots(ec2, 'snapshot-id', snapshots)),
    ...idsOf(await describeSnapshots(ec2, 'volume-id', snapshotSources)),
  ])
  if (found.size === 0) return []
  const Filters = [{ Name: 'block-device-mapping.snapshot-id', Values: [...found] }]
  const images = await describeImages(ec2, { Owners: ['self'], Filters })
  for (const image of images) for (const id of image.snapshots) found.delete(id)
  return [...found]
}

async function describeSnapshots(ec2: Ec2, filter: string, values: readonly string[]): Promise<Snapshot[]> {
  if (values.length === 0) return []
  const input = { OwnerIds: ['self'], Filters: [{ Name: filter, Values: [...values] }] }
  return await askForAll(ec2, 'ec2:DescribeSnapshots', async function* (pages, options) {
    for await (const { Snapshots = [] } of paginateDescribeSnapshots(pages, input, options)) yield* Snapshots
  })
}

function idsOf(snapshots: readonly Snapshot[]): string[] {
  return snapshots.flatMap(({ SnapshotId }) => SnapshotId ?? [])
}

/**
 * Gives the snapshots of an image the image's template as a tag, so that a rule of the Recycle Bin for that tag retains them too. Packer
 * and EC2 do not copy the image's tags to them.
 *
 * @throws Error that names the permission and the reason.
 */
export async function tagSnapshots(ec2: Ec2, { snapshots, tags }: Image): Promise<void> {
  if (snapshots.length === 0) return
  const Tags = toTagList([[TEMPLATE_TAG, tags.get(TEMPLATE_TAG) ?? '']])
  const command = new CreateTagsCommand({ Resources: [...snapshots], Tags })
  await ask(ec2, 'ec2:CreateTags', (client, options) => client.send(command, options)).catch(error => {
    if (!isNotFound(error)) throw error
  })
}

/** How long a snapshot may be in use after its image was deregistered, in seconds. */
const IN_USE_TIMEOUT = 3 * 60

/** Deletes a snapshot once its image is deregistered. */
export async function deleteSnapshot(ec2: Ec2, id: string): Promise<void> {
  const command = new DeleteSnapshotCommand({ SnapshotId: id })
  await deleteWhenFree(ec2, {
    what: `the snapshot ${id}`,
    seconds: IN_USE_TIMEOUT,
    passing: ['InvalidSnapshot.InUse', 'IncorrectState'],
    request: () => ask(ec2, 'ec2:DeleteSnapshot', (client, options) => client.send(command, options)),
  })
}
