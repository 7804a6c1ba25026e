import { DeleteSnapshotCommand, paginateDescribeSnapshots } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { askForAll, deleteWhenFree } from '../ec2/requests.ts'

/** How long a snapshot may be in use after its image was deregistered, in seconds. */
const IN_USE = 3 * 60

/**
 * Finds the snapshots that CreateImage and CopyImage made for these images by their descriptions, because a pending image does not
 * name them. They begin after EC2's answer to CreateImage, so that a search may come too early.
 *
 * @param startedAt Older ones are none of the bake's. In ISO 8601.
 * @param seconds For how long to search until one is found.
 */
export async function findSnapshots(
  ec2: Ec2,
  { images, startedAt }: { readonly images: readonly string[]; readonly startedAt: string },
  seconds: number,
): Promise<string[]> {
  const descriptions = images.flatMap(id => [
    `Created by CreateImage(*) for ${id}*`,
    `Copied for DestinationAmi ${id} *`,
  ])
  const found = await poll(ec2, seconds, async () => {
    const snapshots = await search(ec2, descriptions, startedAt)
    return snapshots.length > 0 ? snapshots : undefined
  })
  return found ?? []
}

async function search(ec2: Ec2, descriptions: readonly string[], startedAt: string): Promise<string[]> {
  const input = { OwnerIds: ['self'], Filters: [{ Name: 'description', Values: [...descriptions] }] }
  // The clocks of EC2 and of the runner may differ by some minutes.
  const earliest = Date.parse(startedAt) - 5 * 60_000
  return await askForAll(ec2, 'ec2:DescribeSnapshots', async function* (pages, options) {
    for await (const { Snapshots = [] } of paginateDescribeSnapshots(pages, input, options)) {
      yield* Snapshots.flatMap(({ SnapshotId, StartTime }) =>
        SnapshotId && (!StartTime || StartTime.getTime() > earliest) ? SnapshotId : [],
      )
    }
  })
}

/** Deletes a snapshot once its image is deregistered. */
export async function deleteSnapshot(ec2: Ec2, id: string): Promise<void> {
  const command = new DeleteSnapshotCommand({ SnapshotId: id })
  await deleteWhenFree(ec2, {
    what: `the snapshot ${id}`,
    seconds: IN_USE,
    passing: ['InvalidSnapshot.InUse', 'IncorrectState'],
    request: () => ask(ec2, 'ec2:DeleteSnapshot', (client, options) => client.send(command, options)),
  })
}
