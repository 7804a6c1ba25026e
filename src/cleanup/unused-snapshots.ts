import { type Filter, paginateDescribeSnapshots } from '@aws-sdk/client-ec2'
import type { Ec2 } from '../ec2/client.ts'
import { describeImages } from '../ec2/images.ts'
import { askForAll } from '../ec2/requests.ts'
import type { CreatedResources } from '../packer/created-resources.ts'

/** Whether the bake has made snapshots itself, as amazon-ebssurrogate and amazon-chroot do before they register an image. */
export function hasSnapshots({ snapshots, snapshotSources }: CreatedResources): boolean {
  return snapshots.length + snapshotSources.length > 0
}

/** Finds the snapshots that a bake has made itself and that no image uses, and answers their ids. */
export async function findUnusedSnapshots(
  ec2: Ec2,
  { snapshots, snapshotSources }: CreatedResources,
): Promise<string[]> {
  const found = new Set([
    ...(await findSnapshots(ec2, { Name: 'snapshot-id', Values: [...snapshots] })),
    ...(await findSnapshots(ec2, { Name: 'volume-id', Values: [...snapshotSources] })),
  ])
  if (found.size === 0) return []
  const Filters = [{ Name: 'block-device-mapping.snapshot-id', Values: [...found] }]
  const images = await describeImages(ec2, { Owners: ['self'], Filters })
  for (const image of images) for (const id of image.snapshots) found.delete(id)
  return [...found]
}

async function findSnapshots(ec2: Ec2, filter: Filter): Promise<string[]> {
  if (!filter.Values?.length) return []
  const input = { OwnerIds: ['self'], Filters: [filter] }
  return await askForAll(ec2, 'ec2:DescribeSnapshots', async function* (pages, options) {
    for await (const { Snapshots = [] } of paginateDescribeSnapshots(pages, input, options)) {
      yield* Snapshots.flatMap(({ SnapshotId }) => SnapshotId ?? [])
    }
  })
}
