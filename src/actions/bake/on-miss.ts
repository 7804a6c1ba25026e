import { bake } from '../../bake/bake.ts'
import { explainMiss } from '../../bake/explain-miss.ts'
import { toText } from '../../definition/byte-path.ts'
import type { Checksum } from '../../definition/checksum.ts'
import type { Region } from '../../definition/settings.ts'
import type { Ec2 } from '../../ec2/client.ts'
import type { FoundImage, Outcome } from '../../ec2/images.ts'
import type { LookUp } from '../../ec2/look-up.ts'
import { copyToRegions } from '../../regions/copy-image.ts'
import { workflowRun } from '../../runner/environment.ts'
import { group, info } from '../../runner/log.ts'
import { OptionError } from '../../runner/option-error.ts'
import type { Inputs } from './inputs.ts'
import type { Report } from './outputs.ts'

/** What a miss may need. */
export interface MissOptions {
  readonly ec2: Ec2
  readonly inputs: Inputs
  readonly checksum: Checksum
  readonly lookUp: LookUp
  readonly report: Report
}

/**
 * Completes a miss: bakes the image, or copies it to the regions that lack it. With `on-miss: skip` it does neither.
 *
 * @param found The image that the look-up found, which some regions lack; `undefined` when there is none.
 * @throws Error when `on-miss` is `fail`, and when a bake or a copy fails.
 */
export async function completeImage(found: FoundImage | undefined, options: MissOptions): Promise<Outcome> {
  const { onMiss } = options.inputs
  if (found)
    info(`${found.image.id} is not available in ${namesOf(lackingRegions(found, options.inputs.settings.regions))}.`)
  else await reportMiss(options)
  if (onMiss === 'skip') return { how: 'skipped' }
  if (onMiss === 'fail') throw new Error(`on-miss: ${describeMiss(found, options)}`)
  const image = found ?? (await bakeImage(options))
  return await copyToLackingRegions(image, options)
}

function lackingRegions({ ids }: FoundImage, regions: readonly Region[]): readonly Region[] {
  return regions.filter(({ name }) => !ids.has(name))
}

async function reportMiss({ ec2, checksum, lookUp, report }: MissOptions): Promise<void> {
  const line = { ...lookUp, imageName: lookUp.imageName, repository: workflowRun()?.repository }
  const { last, reasons } = await explainMiss(ec2, line, checksum)
  report.miss(reasons, last?.id)
  // The image would contain the pointer, and a checkout with the file has another checksum.
  const pointer = checksum.files.find(file => file.isLfsPointer)
  if (!pointer) return
  const advice = 'Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.'
  throw new OptionError('definition', `${toText(pointer.path)} is a Git LFS pointer. ${advice}`)
}

function describeMiss(found: FoundImage | undefined, { ec2, inputs, checksum }: MissOptions): string {
  if (!found)
    return `there is no image in ${ec2.region} with the checksum ${checksum.value}. Bake it, or set on-miss to bake.`
  const names = namesOf(lackingRegions(found, inputs.settings.regions))
  return `${found.image.id} is not available in ${names}. To copy it there, set on-miss to bake.`
}

async function bakeImage({ ec2, inputs, checksum, lookUp }: MissOptions): Promise<FoundImage> {
  const { settings, githubToken, waitForOtherBakes } = inputs
  return await bake({ ...settings, ec2, checksum, lookUp, githubToken, waitForOtherBakes })
}

async function copyToLackingRegions(found: FoundImage, { ec2, inputs, checksum }: MissOptions): Promise<FoundImage> {
  const { image, ids } = found
  const lacking = lackingRegions(found, inputs.settings.regions)
  if (lacking.length === 0) return found
  const names = namesOf(lacking)
  const copies = await group(`Copies to ${names}`, () =>
    copyToRegions({ ec2, image }, lacking, { checksum: checksum.value, tags: inputs.settings.tags }),
  )
  return { ...found, ids: new Map([...ids, ...copies]), copied: new Set(copies.keys()) }
}

function namesOf(regions: readonly Region[]): string {
  return regions.map(({ name }) => name).join(', ')
}
