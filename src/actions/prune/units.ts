import { bakedAt, type Image } from '../../ec2/images.ts'
import { readState } from '../../ec2/state.ts'
import { CHECKSUM_TAG, IMAGE_NAME_TAG, IMAGE_TAG, REPOSITORY_TAG, TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import type { LocatedImage } from './account.ts'

/** An image with its copies, which are kept and deleted together. */
export interface Unit {
  /** Decides on line, age and mark of the unit. For a copy whose source does not exist, the copy itself. */
  readonly source: LocatedImage
  readonly copies: readonly LocatedImage[]
}

/** The images of a unit, the source last. */
export function imagesOf({ source, copies }: Unit): readonly LocatedImage[] {
  return [...copies, source]
}

/**
 * Groups images into units. A failed copy is a unit of its own, and so is one that was never finished: its source does not need it.
 */
export function findUnits(images: readonly LocatedImage[]): Unit[] {
  const byId = new Map(images.map(located => [located.image.id, located]))
  const groups = Map.groupBy(byId.values(), located => findSource(located, byId))
  return [...groups].map(([source, members]) => ({ source, copies: members.filter(member => member !== source) }))
}

/** A copy may be a copy of a copy. With tags that lead in a circle, each image is its own source. */
function findSource(located: LocatedImage, byId: ReadonlyMap<string, LocatedImage>): LocatedImage {
  const seen = new Set<string>()
  let source = located
  while (!seen.has(source.image.id)) {
    seen.add(source.image.id)
    const next = copiedFrom(source, byId)
    if (!next) return source
    source = next
  }
  return located
}

/**
 * By our tag, or by EC2's description for a copy that Packer made, which has the tags of its source. EC2 names the base of a baked image in
 * the same way, but that is in the same region.
 */
function copiedFrom(
  { region, image }: LocatedImage,
  byId: ReadonlyMap<string, LocatedImage>,
): LocatedImage | undefined {
  const state = readState(image)
  if (state?.name === 'failed' || isUnfinishedCopy(image)) return undefined
  const tagged = image.tags.get(IMAGE_TAG)
  if (tagged) return byId.get(tagged)
  const described = byId.get(image.sourceImage ?? '')
  if (!described || described.region === region || state === undefined) return undefined
  return readState(described.image)?.checksum === state.checksum ? described : undefined
}

/** Whether an image was begun as a copy and never got a checksum. */
export function isUnfinishedCopy({ tags }: Image): boolean {
  return Boolean(tags.get(IMAGE_TAG)) && !tags.get(CHECKSUM_TAG)
}

/** Published and revoked images are marked before they are deleted. */
export function needsMark(unit: Unit): boolean {
  return imagesOf(unit).some(({ image }) => ['published', 'blocked', 'once'].includes(readState(image)?.name ?? ''))
}

/** Says what a unit is that is deleted without a mark. */
export function describeUnmarked({ source: { image } }: Unit): string {
  if (isUnfinishedCopy(image)) return 'an unfinished copy'
  return readState(image)?.name === 'candidate' ? 'a candidate' : 'from a failed bake or copy'
}

/** The line of a unit: images with the same key were baked one after the other for the same purpose. */
export function lineOf({ source: { image } }: Unit): string {
  const { tags, architecture } = image
  return JSON.stringify([tags.get(REPOSITORY_TAG), architecture, tags.get(IMAGE_NAME_TAG), nameOf(image)])
}

/** The name of an image's line: that in the images file, else its template. */
export function nameOf({ tags }: Image): string {
  return tags.get(IMAGE_NAME_TAG) || (tags.get(TEMPLATE_TAG) ?? '')
}

/** Sorts units from the newest bake to the oldest, those of the same time by their ids. */
export function newestFirst({ source: a }: Unit, { source: b }: Unit): number {
  return bakedAt(b.image) - bakedAt(a.image) || (a.image.id < b.image.id ? 1 : -1)
}
