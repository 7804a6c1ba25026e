import { connect, type Ec2 } from '../ec2/client.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { COMMANDS, UNCERTAIN } from './commands.ts'
import { findCopies, findImagesOfBake, type ImagesOfBake, quarantine } from './images.ts'
import type { BakeIdentity } from './journal.ts'
import type { LeftoverList } from './leftover-list.ts'
import { deleteSnapshot, findSnapshots } from './snapshots.ts'

/** What a bake created, and what becomes of its images. */
export interface Created {
  readonly resources: CreatedResources
  readonly images: 'keep' | 'remove'
}

/** What is removed, and what could not be. */
export interface Removal extends Created {
  readonly ec2: Ec2
  readonly bake: BakeIdentity
  readonly list: LeftoverList
}

/**
 * Prepares the removal of the images of a bake, of their copies in the regions that Packer named, and of their snapshots.
 *
 * @param instances The bake's instances.
 * @returns What removes them. It is to be called again once Packer can't have anything made any more: an image that was asked for in
 *   Packer's last moment, and snapshots that begin after their image was deregistered, are not there at first.
 */
export function prepareImageRemoval(removal: Removal, instances: readonly string[]): () => Promise<void> {
  const { ec2, bake, resources, list } = removal
  const origin = { resources, instances, startedAt: bake.startedAt }
  const removeHere = removalIn(removal)
  const elsewhere = resources.copyRegions.map(region => {
    const there = connect(region, ec2.signal)
    return { there, removeThere: removalIn({ ...removal, ec2: there }) }
  })
  const nothing = { images: [], gone: resources.isUntrusted ? [] : resources.images, uncertain: [] }

  return async () => {
    const command = COMMANDS.searchImages(ec2.region, resources, instances)
    const found = await list.attempt(command, findImagesOfBake(ec2, origin))
    const { images, gone, uncertain } = found ?? nothing
    listUncertain(removal, uncertain)
    const sources = [...images.map(({ id }) => id), ...gone]
    const copies = elsewhere.map(async ({ there, removeThere }) => {
      const command = COMMANDS.searchCopies(there.region, sources)
      await removeThere(await list.attempt(command, findCopies(there, sources, origin)))
    })
    await Promise.all([removeHere(found), ...copies])
  }
}

function listUncertain({ ec2, resources, list }: Removal, images: ImagesOfBake['uncertain']): void {
  for (const { id } of images) {
    list.add(COMMANDS.image(ec2.region, id), UNCERTAIN)
    for (const region of resources.copyRegions) list.add(COMMANDS.searchCopies(region, [id]), UNCERTAIN)
  }
}

/** Removes images in one region, and the snapshots of all that were ever deregistered there. */
function removalIn({
  ec2,
  bake,
  list,
}: Removal): (found: Pick<ImagesOfBake, 'images' | 'gone'> | undefined) => Promise<void> {
  const { region } = ec2
  const deregistered = new Set<string>()

  return async (found = { images: [], gone: [] }) => {
    const works = found.images.map(async image => {
      const snapshots = await list.attempt(COMMANDS.image(region, image.id), quarantine({ ec2, image }, bake))
      if (snapshots) deregistered.add(image.id)
      return snapshots
    })
    const named = await Promise.all(works)
    for (const id of found.gone) deregistered.add(id)
    if (deregistered.size === 0) return
    const images = [...deregistered]
    const late = named.some(snapshots => snapshots?.length === 0) ? UNSEEN_AT_FIRST : 0
    const command = COMMANDS.searchSnapshots(region, images)
    const searched = await list.attempt(command, findSnapshots(ec2, { images, startedAt: bake.startedAt }, late))
    const snapshots = new Set([...named, searched].flatMap(ids => ids ?? []))
    await Promise.all([...snapshots].map(id => list.attempt(COMMANDS.snapshot(region, id), deleteSnapshot(ec2, id))))
  }
}

/** How long to search for the snapshots of an image that names none, in seconds: a pending one, which has some all the same. */
const UNSEEN_AT_FIRST = 20
