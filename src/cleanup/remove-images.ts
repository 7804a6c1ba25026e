import { connect, type Ec2 } from '../ec2/client.ts'
import type { Image } from '../ec2/images.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { COMMANDS } from './commands.ts'
import { findCopies, findImagesOfBake, type ImagesOfBake } from './find-images.ts'
import { invalidateImage } from './invalidate-image.ts'
import type { BakeIdentity } from './journal.ts'
import { type LeftoverList, UNTRUSTED } from './leftovers.ts'
import { deleteSnapshot, findSnapshots } from './snapshots.ts'

/** What a bake created, and what to do with its images. */
export interface Created {
  readonly resources: CreatedResources
  readonly images: 'keep' | 'remove'
}

/** A clean-up: what to remove, and the list of what could not be removed. */
export interface Removal extends Created {
  readonly ec2: Ec2
  readonly bake: BakeIdentity
  readonly list: LeftoverList
}

/**
 * Prepares the removal of a bake's images, of their copies in the regions that Packer named, and of their snapshots.
 *
 * @param instances The bake's instances.
 * @returns A function that removes them. Call it again once Packer's requests can't create anything any more: EC2 may not show an
 *   image yet that Packer requested just before it ended, nor snapshots that start after their image was deregistered.
 */
export function prepareImageRemoval(removal: Removal, instances: readonly string[]): () => Promise<void> {
  const { ec2, bake, resources, list } = removal
  const origin = { resources, instances, startedAt: bake.startedAt }
  const removeHere = removalIn(removal)
  const elsewhere = resources.copyRegions.map(region => {
    const there = connect(region, ec2.signal)
    return { there, removeThere: removalIn({ ...removal, ec2: there }) }
  })
  const nothing = { images: [], deregistered: resources.isUntrusted ? [] : resources.images, uncertain: [] }

  return async () => {
    const command = COMMANDS.searchImages(ec2.region, resources, instances)
    const found = await list.attempt(command, findImagesOfBake(ec2, origin))
    const { images, deregistered, uncertain } = found ?? nothing
    listUncertain(removal, uncertain)
    const sources = [...images.map(({ id }) => id), ...deregistered]
    const copies = elsewhere.map(async ({ there, removeThere }) => {
      const command = COMMANDS.searchCopies(there.region, sources)
      await removeThere({ images: await list.attempt(command, findCopies(there, sources, origin)) })
    })
    await Promise.all([removeHere(found ?? {}), ...copies])
  }
}

function listUncertain({ ec2, resources, list }: Removal, images: ImagesOfBake['uncertain']): void {
  for (const { id } of images) {
    list.add(COMMANDS.image(ec2.region, id), UNTRUSTED)
    for (const region of resources.copyRegions) list.add(COMMANDS.searchCopies(region, [id]), UNTRUSTED)
  }
}

/** What a search has found in one region; nothing when the search failed. */
interface FoundInRegion {
  readonly images?: readonly Image[] | undefined
  readonly deregistered?: readonly string[]
}

/** Removes images in one region, and the snapshots of every image that this function has seen deregistered there. */
function removalIn({ ec2, bake, list }: Removal): (found: FoundInRegion) => Promise<void> {
  const { region } = ec2
  const allDeregistered = new Set<string>()

  return async ({ images = [], deregistered = [] }) => {
    const named = await Promise.all(
      images.map(async image => {
        const snapshots = await list.attempt(COMMANDS.image(region, image.id), invalidateImage({ ec2, image }, bake))
        if (snapshots) allDeregistered.add(image.id)
        return snapshots
      }),
    )
    for (const id of deregistered) allDeregistered.add(id)
    if (allDeregistered.size === 0) return
    const ids = [...allDeregistered]
    const seconds = named.some(snapshots => snapshots?.length === 0) ? VISIBLE_WITHIN : 0
    const command = COMMANDS.searchSnapshots(region, ids)
    const search = findSnapshots(ec2, { images: ids, startedAt: bake.startedAt }, seconds)
    const snapshots = new Set([...named, await list.attempt(command, search)].flatMap(found => found ?? []))
    await Promise.all([...snapshots].map(id => list.attempt(COMMANDS.snapshot(region, id), deleteSnapshot(ec2, id))))
  }
}

/** How long to search for snapshots of an image that names none, in seconds: a pending image has some that it does not name. */
const VISIBLE_WITHIN = 20
