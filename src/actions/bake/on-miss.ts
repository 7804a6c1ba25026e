import { assertNotRevoked } from '../../bake/current-state.ts'
import { explainMiss } from '../../bake/explain-miss.ts'
import type { Region } from '../../definition/settings.ts'
import { findNewestPublished, type LookUp } from '../../ec2/choose-image.ts'
import type { Ec2 } from '../../ec2/client.ts'
import type { FoundImage, Outcome } from '../../ec2/images.ts'
import type { Finding } from '../../ec2/look-up.ts'
import { copyToRegions } from '../../regions/copy-image.ts'
import { workflowRun } from '../../runner/environment.ts'
import { group, info } from '../../runner/log.ts'
import type { DefinedImage } from '../image-checksum.ts'
import { assertNoPointers, bakeImage } from './bake-image.ts'
import type { Inputs } from './inputs.ts'
import type { Report } from './outputs.ts'
import { provideParent } from './parents.ts'

/** What a miss may need. */
export interface MissOptions {
  readonly ec2: Ec2
  readonly inputs: Inputs
  readonly image: DefinedImage
  readonly lookUp: LookUp
  readonly report: Report
}

/**
 * Completes a miss: bakes the image, or copies it to the regions that lack it. With `on-miss: skip` it does neither.
 *
 * @param finding What the look-up found: an image that some regions lack, or none.
 * @throws Error when `on-miss` is `fail`, and when a bake or a copy fails.
 */
export async function completeImage(finding: Finding, options: MissOptions): Promise<Outcome> {
  const { found } = finding
  const { onMiss } = options.inputs
  if (found)
    info(`${found.image.id} is not available in ${namesOf(lackingRegions(found, options.inputs.settings.regions))}.`)
  // Without a copy the missing region makes it a miss.
  if (!found || onMiss !== 'bake') await reportMiss(finding, options)
  if (!found) assertNoPointers(options.image.checksum)
  if (onMiss === 'skip') return { how: 'skipped' }
  if (!found) assertNotRevoked(finding.choice.block, options.lookUp)
  if (onMiss === 'fail') throw new Error(`on-miss: ${describeMiss(found, options)}`)
  const image = found ?? (await bakeMissing(finding, options))
  return await copyToLackingRegions(image, options)
}

function lackingRegions({ ids }: FoundImage, regions: readonly Region[]): readonly Region[] {
  return regions.filter(({ name }) => !ids.has(name))
}

async function reportMiss({ described }: Finding, { ec2, image, lookUp, report }: MissOptions): Promise<void> {
  const line = { ...lookUp, imageName: lookUp.imageName, repository: workflowRun()?.repository }
  const { last, reasons } = await explainMiss(ec2, line, image.checksum)
  report.miss(reasons, (last ?? findNewestPublished(described, lookUp))?.id)
}

function describeMiss(found: FoundImage | undefined, { ec2, inputs, image }: MissOptions): string {
  if (!found)
    return `there is no image in ${ec2.region} with the checksum ${image.checksum.value}. Bake it, or set on-miss to bake.`
  const names = namesOf(lackingRegions(found, inputs.settings.regions))
  return `${found.image.id} is not available in ${names}. To copy it there, set on-miss to bake.`
}

/** Bakes the image, and before it the images above it that are missing. */
async function bakeMissing(finding: Finding, options: MissOptions): Promise<FoundImage> {
  const { ec2, inputs, image, lookUp, report } = options
  const parentImage = await provideParent(image, lookUp, { ec2, inputs, report, described: finding.described })
  return await bakeImage(image, { ec2, inputs, lookUp, parentImage, purpose: 'requested' })
}

async function copyToLackingRegions(
  found: FoundImage,
  { ec2, inputs, image: defined }: MissOptions,
): Promise<FoundImage> {
  const { image, ids } = found
  const lacking = lackingRegions(found, inputs.settings.regions)
  // An image that is not published yet is nowhere but in the region of the look-up.
  if (lacking.length === 0 || inputs.settings.candidate) return found
  const names = namesOf(lacking)
  const copies = await group(`Copies to ${names}`, () =>
    copyToRegions({ ec2, image }, lacking, { checksum: defined.checksum.value, tags: inputs.settings.tags }),
  )
  return { ...found, ids: new Map([...ids, ...copies]), copied: new Set(copies.keys()) }
}

function namesOf(regions: readonly Region[]): string {
  return regions.map(({ name }) => name).join(', ')
}
