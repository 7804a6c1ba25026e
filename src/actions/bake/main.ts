import type { ImageSettings } from '../../definition/settings.ts'
import { connect } from '../../ec2/client.ts'
import type { FoundImage } from '../../ec2/images.ts'
import { findInRegions } from '../../regions/regions.ts'
import { cancelled } from '../../runner/cancel.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { createBaseImages } from '../base-images.ts'
import { createDefinedImages, type DefinedImage, defineImage, warnOfFilesNotIncluded } from '../image-checksum.ts'
import { lookUpFor } from '../look-up-for.ts'
import { nameSetting } from '../name-setting.ts'
import { removeOutputFile } from '../output-file.ts'
import { type Inputs, openInputs } from './inputs.ts'
import type { Report } from './outputs.ts'

/** Finds the image with the definition's checksum, or bakes it, and reports it. */
export async function main(report: Report): Promise<void> {
  assertSupportedPlatform()
  const { outputFile, read } = await openInputs()
  removeOutputFile(outputFile)
  const inputs = read()
  try {
    await provideImage(inputs, outputFile, report)
  } catch (cause) {
    throw nameSetting(cause, inputs.prefix)
  }
}

async function provideImage(inputs: Inputs, outputFile: string, report: Report): Promise<void> {
  const { settings, prefix, forceBake } = inputs
  const ec2 = connect(settings.region, cancelled)
  const image = await defineRequested(inputs)
  warnOfFilesNotIncluded(image, prefix)
  await report.definition(image)

  const newerThan = forceBake ? performance.timeOrigin : undefined
  const lookUp = { ...lookUpFor(image), newerThan }
  const finding = await findInRegions(ec2, settings.regions, lookUp)
  const { found } = finding
  if (found && isComplete(found, settings)) return await report.outcome(found, outputFile)
  // Loaded on demand: a hit does not need it.
  const { completeImage } = await import('./on-miss.ts')
  await report.outcome(await completeImage(finding, { ec2, inputs, image, lookUp, report }), outputFile)
}

/** The settings of the requested image may be replaced by inputs; those of its ancestors are as in the images file. */
async function defineRequested({ settings, file, resolved }: Inputs): Promise<DefinedImage> {
  const baseImages = createBaseImages(resolved)
  const { parent } = settings
  const above = parent !== undefined && file ? await createDefinedImages(file, baseImages).define(parent) : undefined
  return await defineImage(settings, above, baseImages)
}

/** A candidate is not copied: `publish` does that. */
function isComplete({ ids }: FoundImage, { regions, candidate }: ImageSettings): boolean {
  return candidate || regions.every(({ name }) => ids.has(name))
}
