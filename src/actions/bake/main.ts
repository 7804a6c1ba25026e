import type { ImageSettings } from '../../definition/settings.ts'
import { connect } from '../../ec2/client.ts'
import type { FoundImage } from '../../ec2/images.ts'
import { findInRegions } from '../../regions/regions.ts'
import { cancelled } from '../../runner/cancel.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { createBaseImages } from '../base-images.ts'
import { computeImageChecksum, warnOfFilesNotIncluded } from '../image-checksum.ts'
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
  const { settings, prefix, resolved, forceBake } = inputs
  const ec2 = connect(settings.region, cancelled)
  const checksum = await computeImageChecksum(settings, createBaseImages(resolved))
  warnOfFilesNotIncluded(settings, checksum, prefix)
  await report.checksum(checksum, settings)

  const newerThan = forceBake ? performance.timeOrigin : undefined
  const lookUp = { ...lookUpFor(settings, checksum), newerThan }
  const found = await findInRegions(ec2, settings.regions, lookUp)
  if (found && isComplete(found, settings)) return await report.outcome(found, outputFile)
  // Loaded on demand: a hit does not need it.
  const { completeImage } = await import('./on-miss.ts')
  await report.outcome(await completeImage(found, { ec2, inputs, checksum, lookUp, report }), outputFile)
}

function isComplete({ ids }: FoundImage, { regions }: ImageSettings): boolean {
  return regions.every(({ name }) => ids.has(name))
}
