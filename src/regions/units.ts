import { backupTag } from '../ec2/choose-image.ts'
import { type Ec2, errorCode } from '../ec2/client.ts'
import { describeImages, type Image, type RegionalImage } from '../ec2/images.ts'
import { type ImageState, readState } from '../ec2/state.ts'
import { BASE_TAG, IMAGE_TAG, PARENT_TAG } from '../ec2/tag-names.ts'
import { messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'

/** An image with its copies in other regions: they have the same content. */
export interface Unit {
  /** The id of the source image, also if that image does not exist any more. */
  readonly id: string
  /** The source image first, if it exists. */
  readonly images: readonly RegionalImage[]
}

/** How long one region may take to describe all images of an account, in seconds: 1,000 images are one page of some seconds. */
const SECONDS = 180

/**
 * Describes all images of the account in these regions, in any state but deregistered, without backups of instances.
 *
 * @throws OptionError that names the region if one gives no clear answer: a copy there would be overlooked.
 */
export async function describeEverywhere(regions: readonly Ec2[]): Promise<RegionalImage[]> {
  const answers = regions.map(async ec2 => {
    try {
      // EC2 leaves disabled images out by default (EC2 API reference, DescribeImages).
      const images = await describeImages(ec2, { Owners: ['self'], IncludeDisabled: true }, SECONDS)
      return images.filter(image => backupTag(image) === undefined).map(image => ({ ec2, image }))
    } catch (cause) {
      ec2.signal?.throwIfAborted()
      throw new OptionError('regions', `${messageOf(cause)} ${adviceFor(ec2, cause)}`, { cause })
    }
  })
  return (await Promise.all(answers)).flat()
}

function adviceFor({ region }: Ec2, cause: unknown): string {
  const denied =
    errorCode(cause) === 'UnauthorizedOperation' ? ' Or a policy of the organization denies the region:' : ''
  return `Nothing was changed.${denied} If no image is used in ${region}, specify the other regions.`
}

/** Groups images into units. A copy whose source is not among the images is in a unit with its other copies. */
export function groupUnits(images: readonly RegionalImage[]): readonly Unit[] {
  const byId = new Map(images.map(one => [one.image.id, one]))
  const groups = Map.groupBy(images, one => findSource(one, byId))
  return [...groups].map(([id, members]) => ({
    id,
    images: members.toSorted((a, b) => Number(b.image.id === id) - Number(a.image.id === id)),
  }))
}

/** The id of the image that an image is a copy of, directly or as the copy of a copy; its own id if it is no copy. */
function findSource(from: RegionalImage, byId: ReadonlyMap<string, RegionalImage>): string {
  const seen = new Set<string>()
  let current: RegionalImage | undefined = from
  let id = from.image.id
  while (current && !seen.has(id)) {
    seen.add(id)
    const source = sourceOfCopy(current, byId)
    if (source === undefined) return id
    id = source
    current = byId.get(id)
  }
  return id
}

/**
 * An image that is made of another one is its copy by this action's tag, or if it is in another region, or if it has the same
 * checksum: an image that is baked from another one is in the same region and has a checksum of its own.
 */
function sourceOfCopy({ ec2, image }: RegionalImage, byId: ReadonlyMap<string, RegionalImage>): string | undefined {
  const tagged = image.tags.get(IMAGE_TAG)
  if (tagged) return tagged
  const { sourceImage, sourceRegion } = image
  if (!sourceImage) return undefined
  if (sourceRegion !== undefined && sourceRegion !== ec2.region) return sourceImage
  const source = byId.get(sourceImage)
  const checksum = readState(image)?.checksum
  return source && checksum !== undefined && readState(source.image)?.checksum === checksum ? sourceImage : undefined
}

/** The state of a unit: that of its source image, else that of its first copy that has one. */
export function stateOfUnit({ images }: Unit): ImageState | undefined {
  return images.map(({ image }) => readState(image)).find(state => state !== undefined)
}

/**
 * Finds the units that were baked from an image of these units, and transitively from those: by the tags for parent and base image,
 * or by the source that EC2 knows.
 */
export function findDescendants(units: readonly Unit[], ancestors: readonly Unit[]): readonly Unit[] {
  const found = new Set<Unit>(ancestors)
  const ids = new Set<string>()
  let isGrowing = true
  while (isGrowing) {
    for (const { id, images } of found) for (const one of [id, ...images.map(({ image }) => image.id)]) ids.add(one)
    const next = units.filter(unit => !found.has(unit) && unit.images.some(({ image }) => isMadeOf(image, ids)))
    for (const unit of next) found.add(unit)
    isGrowing = next.length > 0
  }
  return [...found].filter(unit => !ancestors.includes(unit))
}

function isMadeOf({ tags, sourceImage }: Image, ids: ReadonlySet<string>): boolean {
  return [tags.get(PARENT_TAG), tags.get(BASE_TAG), sourceImage].some(id => id !== undefined && ids.has(id))
}
