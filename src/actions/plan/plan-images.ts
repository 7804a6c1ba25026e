import { isDeepStrictEqual } from 'node:util'
import type { Checksum } from '../../definition/checksum.ts'
import type { ImageSettings } from '../../definition/settings.ts'
import { type Image, isCopyOf } from '../../ec2/images.ts'
import { chooseImage, reasonToSkipCopy } from '../../ec2/look-up.ts'
import { lookUpFor } from '../look-up-for.ts'

/** An image of the images file with its checksum. */
export interface PlannedImage {
  readonly name: string
  readonly settings: ImageSettings
  readonly checksum: Checksum
}

/** What a bake of an image would do. */
export interface PlanEntry {
  readonly image: PlannedImage
  /** `hit`: nothing. `copy`: copy the image to regions that lack it. `miss`: bake it. */
  readonly result: 'hit' | 'copy' | 'miss'
  /** The image's id in its look-up region; absent for a miss. */
  readonly id: string | undefined
  readonly reason: string
}

/** The candidates of the look-up, by region and checksum. */
export type Candidates = ReadonlyMap<string, ReadonlyMap<string, readonly Image[]>>

/** Decides for each image what a bake would do, from EC2's answers alone: by the rules of the bake's own look-up. */
export function planImages(images: readonly PlannedImage[], candidates: Candidates, now: number): PlanEntry[] {
  return images.map(image => planImage(image, candidates, now))
}

function planImage(image: PlannedImage, candidates: Candidates, now: number): PlanEntry {
  const { settings, checksum } = image
  const inRegion = (region: string) => candidates.get(region)?.get(checksum.value) ?? []
  const { hit, skips } = chooseImage(inRegion(settings.region), lookUpFor(settings, checksum), now)
  if (!hit) {
    const reason = skips.at(0)?.message ?? `No image in ${settings.region} has this checksum.`
    return { image, result: 'miss', id: undefined, reason }
  }
  const lacking = settings.regions.map(({ name }) => name).filter(name => !hasCopy(inRegion(name), hit.id))
  if (lacking.length > 0)
    return { image, result: 'copy', id: hit.id, reason: `Not available in ${lacking.join(', ')}.` }
  return { image, result: 'hit', id: hit.id, reason: 'The image has this checksum.' }
}

function hasCopy(images: readonly Image[], source: string): boolean {
  return images.some(image => isCopyOf(image, source) && !reasonToSkipCopy(image))
}

/** A row of a job matrix: an image to bake or copy. */
export interface MatrixRow {
  readonly image: string
  readonly ami_config_checksum: string
}

/** The rows for what must be baked or copied, once for images that are equal in all but the name. */
export function listRows(entries: readonly PlanEntry[]): MatrixRow[] {
  const due = entries.filter(({ result }) => result !== 'hit').map(({ image }) => image)
  const first = due.filter((image, index) => due.findIndex(other => isSame(image, other)) === index)
  return first.map(({ name, checksum }) => ({ image: name, ami_config_checksum: checksum.value }))
}

function isSame(one: PlannedImage, other: PlannedImage): boolean {
  if (one.checksum.value !== other.checksum.value) return false
  return isDeepStrictEqual({ ...one.settings, name: '' }, { ...other.settings, name: '' })
}
