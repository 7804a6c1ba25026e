import { isDeepStrictEqual } from 'node:util'
import { chooseImage, type Described, doubtfulFix, reasonToSkipCopy } from '../../ec2/choose-image.ts'
import { type Image, isCopyOf } from '../../ec2/images.ts'
import { reasonOfRevocation } from '../../ec2/revoked.ts'
import { describeScan } from '../../ec2/scan-results.ts'
import { readState } from '../../ec2/state.ts'
import { type DefinedImage, listChain, titleOf } from '../image-checksum.ts'
import { lookUpFor } from '../look-up-for.ts'

/** What a bake of an image would do. */
export interface PlanEntry {
  readonly image: DefinedImage
  /** `hit`, `candidate`: nothing. `copy`: copy the image to regions that lack it. `miss`: bake it. `revoked`: refuse to bake it. */
  readonly result: 'hit' | 'candidate' | 'copy' | 'miss' | 'revoked'
  /** The image's id in its look-up region; absent for a miss and a revoked definition. */
  readonly id: string | undefined
  readonly reason: string
  /** A fact about the image that the plan does not rely on. */
  readonly warning?: string | undefined
}

/** The images of the look-ups by region. */
export type DescribedRegions = ReadonlyMap<string, Described>

/** Decides for each image what a bake would do, from EC2's answers alone: by the rules of the bake's own look-up. */
export function planImages(images: readonly DefinedImage[], regions: DescribedRegions, now: number): PlanEntry[] {
  return images.map(image => planImage(image, regions, now))
}

function planImage(image: DefinedImage, regions: DescribedRegions, now: number): PlanEntry {
  const { region } = image.settings
  const lookUp = lookUpFor(image)
  const { hit, skips, block } = chooseImage(regions.get(region) ?? new Map(), lookUp, now)
  if (hit) return { ...planHit(image, hit, regions), warning: doubtfulFix(hit, lookUp, now) }
  if (block) return { image, result: 'revoked', id: undefined, reason: describeBlock(block) }
  const reason = skips.at(0)?.message ?? `No image in ${region} has this checksum.`
  return { image, result: 'miss', id: undefined, reason }
}

function planHit(image: DefinedImage, hit: Image, regions: DescribedRegions): PlanEntry {
  const { id } = hit
  const { settings, checksum } = image
  if (readState(hit)?.name === 'candidate')
    return { image, result: 'candidate', id, reason: 'The image has this checksum, but is not published yet.' }
  const inRegion = (region: string) => regions.get(region)?.get(checksum.value) ?? []
  const lacking = settings.regions.map(({ name }) => name).filter(name => !hasCopy(inRegion(name), id))
  // A candidate is copied by `publish`.
  if (lacking.length > 0 && !settings.candidate)
    return { image, result: 'copy', id, reason: `Not available in ${lacking.join(', ')}.` }
  const scan = hit.scan || settings.criticalFixDays !== undefined ? ` ${describeScan(hit.scan)}` : ''
  return { image, result: 'hit', id, reason: `The image has this checksum.${scan}` }
}

function describeBlock(block: Image): string {
  return `The definition is revoked: ${block.id} (${reasonOfRevocation(block)}).`
}

function hasCopy(images: readonly Image[], source: string): boolean {
  return images.some(
    image => readState(image)?.name === 'published' && isCopyOf(image, source) && !reasonToSkipCopy(image),
  )
}

/** A row of a job matrix: an image to bake or copy. */
export interface MatrixRow {
  readonly image: string
  readonly ami_config_checksum: string
}

/** The rows of a plan, parents before their children, and the same by layers. */
export interface Rows {
  readonly matrix: readonly MatrixRow[]
  /** A row's layer is the number of its ancestors that are rows. No layer is empty. */
  readonly layers: readonly (readonly MatrixRow[])[]
}

/** Lists the rows for what must be baked or copied, once for images that are equal in all but the name. */
export function listRows(entries: readonly PlanEntry[]): Rows {
  const due = entries.filter(({ result }) => result === 'miss' || result === 'copy').map(({ image }) => image)
  const first = due.filter((image, index) => due.findIndex(other => isSame(image, other)) === index)
  const isRow = (image: DefinedImage) => first.some(row => isSame(row, image))
  // Each row is in its own chain too, which changes no order.
  const layers = Map.groupBy(first, image => listChain(image).filter(isRow).length)
  const ordered = [...layers].sort(([one], [other]) => one - other).map(([, images]) => images.map(toRow))
  return { matrix: ordered.flat(), layers: ordered }
}

function toRow(image: DefinedImage): MatrixRow {
  return { image: titleOf(image), ami_config_checksum: image.checksum.value }
}

function isSame(one: DefinedImage, other: DefinedImage): boolean {
  if (one.checksum.value !== other.checksum.value) return false
  return isDeepStrictEqual({ ...one.settings, name: '' }, { ...other.settings, name: '' })
}
