import type { Ec2 } from '../ec2/client.ts'
import { describeImages, type Image } from '../ec2/images.ts'
import { BAKED_AT_TAG, CHECKSUM_TAG } from '../ec2/tag-names.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { CLOCK_DIFFERENCE, isSince } from './since.ts'

/** What the images of a bake are found by. */
export interface Origin {
  readonly resources: CreatedResources
  /** The bake's instances. */
  readonly instances: readonly string[]
  /** When the bake started, in ISO 8601. */
  readonly startedAt: string
}

/** The images that a bake created. */
export interface ImagesOfBake {
  readonly images: readonly Image[]
  /** The ids of printed images that are deregistered: their snapshots and copies may still exist. */
  readonly deregistered: readonly string[]
  /** Images that only a lease's tag attributes to the bake. They are newer than the bake and have no checksum. */
  readonly uncertain: readonly Image[]
}

/** Finds the images of a bake: images of its instances, and printed images that come from no other instance. */
export async function findImagesOfBake(ec2: Ec2, origin: Origin): Promise<ImagesOfBake> {
  const { instances, resources } = origin
  const { isUntrusted } = resources
  const created = instances.length > 0 ? await describeOwn(ec2, 'source-instance-id', instances) : []
  const printed = resources.images.length > 0 ? await describeOwn(ec2, 'image-id', resources.images) : []
  const found = unique([...created, ...printed.filter(image => isOfBake(image, origin))])
  // Copies of an intermediary image can outlive it.
  const deregistered = resources.images.filter(id => !isUntrusted && !printed.some(image => image.id === id))
  return {
    images: isUntrusted ? found.filter(image => !isFinished(image)) : found,
    deregistered,
    uncertain: isUntrusted ? printed.filter(image => !found.includes(image) && isUncertain(image, origin)) : [],
  }
}

/** A run that was only suspended may have finished its image meanwhile, and other runs may use it. */
function isFinished({ tags }: Image): boolean {
  return tags.has(BAKED_AT_TAG) && tags.has(CHECKSUM_TAG)
}

function isUncertain(image: Image, origin: Origin): boolean {
  return isRecent(image, origin) && !image.tags.has(CHECKSUM_TAG)
}

/** Finds the copies of these images that the bake started in a region. */
export async function findCopies(ec2: Ec2, sources: readonly string[], origin: Origin): Promise<readonly Image[]> {
  if (sources.length === 0) return []
  return (await describeOwn(ec2, 'source-image-id', sources)).filter(image => isRecent(image, origin))
}

/** The account's own images that a filter finds, without deregistered ones. */
export async function describeOwn(ec2: Ec2, filter: string, values: readonly string[]): Promise<Image[]> {
  return await describeImages(ec2, { Owners: ['self'], Filters: [{ Name: filter, Values: [...values] }] })
}

/** A lease's tags prove nothing: with untrusted resources only the instance decides. */
function isOfBake(image: Image, origin: Origin): boolean {
  if (image.sourceInstance) return origin.instances.includes(image.sourceInstance)
  return !origin.resources.isUntrusted && isRecent(image, origin)
}

function isRecent({ creationDate }: Image, origin: Origin): boolean {
  return isSince(origin, new Date(creationDate), CLOCK_DIFFERENCE)
}

function unique(images: readonly Image[]): Image[] {
  return [...new Map(images.map(image => [image.id, image])).values()]
}
