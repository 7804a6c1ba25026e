import { type Checksum, computeChecksum, type IngredientOptions } from '../../definition/checksum.ts'
import { readDefinition } from '../../definition/definition.ts'
import type { ImageSettings } from '../../definition/settings.ts'
import { findFilesOutside } from '../../definition/template.ts'
import { findNewestImage } from '../../ec2/base-image.ts'
import { connect, type Ec2 } from '../../ec2/client.ts'
import type { FoundImage } from '../../ec2/images.ts'
import type { LookUp } from '../../ec2/look-up.ts'
import { findInRegions } from '../../regions/regions.ts'
import { cancelled } from '../../runner/cancel.ts'
import { warn } from '../../runner/log.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { removeOutputFile } from '../output-file.ts'
import { type Inputs, locateOutputFile, readInputs } from './inputs.ts'
import type { Report } from './outputs.ts'

/** Finds the image with the definition's checksum, or bakes it, and reports it. */
export async function main(report: Report): Promise<void> {
  assertSupportedPlatform()
  const outputFile = locateOutputFile()
  removeOutputFile(outputFile)
  const inputs = readInputs(outputFile)
  const { settings } = inputs

  const ec2 = connect(settings.region, cancelled)
  const checksum = await readChecksum(ec2, settings)
  await report.checksum(checksum, settings)

  const lookUp = lookUpFor(inputs, checksum)
  const found = await findInRegions(ec2, settings.regions, lookUp)
  if (found && isComplete(found, settings)) return await report.outcome(found, outputFile)
  // Loaded on demand: a hit does not need it.
  const { completeImage } = await import('./on-miss.ts')
  await report.outcome(await completeImage(found, { ec2, inputs, checksum, lookUp, report }), outputFile)
}

function isComplete({ ids }: FoundImage, { regions }: ImageSettings): boolean {
  return regions.every(({ name }) => ids.has(name))
}

async function readChecksum(ec2: Ec2, settings: ImageSettings): Promise<Checksum> {
  const definition = await readDefinition(settings.definition)
  const { template, strict, baseAmi } = settings
  const outside = findFilesOutside(
    template,
    definition.files.map(({ path }) => path),
  )
  if (outside.length > 0 && !strict) {
    warn(
      `packer-template: ${outside.join(', ')} lies outside the definition, so that a change to it does not cause a bake. ` +
        'Add it to ami-definition-dirs, or set strict to true.',
    )
  }
  return await computeChecksum(definition, await ingredientsOf(ec2, settings, baseAmi))
}

async function ingredientsOf(
  ec2: Ec2,
  { variables, variableFiles, only, extraIngredients, strict, template }: ImageSettings,
  baseAmi: ImageSettings['baseAmi'],
): Promise<IngredientOptions> {
  const baseImage = await resolveBaseImage(ec2, baseAmi)
  return { variables, variableFiles, only, extraIngredients, baseImage, strict: strict ? template : undefined }
}

async function resolveBaseImage(ec2: Ec2, baseAmi: ImageSettings['baseAmi']): Promise<string | undefined> {
  if (baseAmi === undefined) return undefined
  if ('id' in baseAmi) return baseAmi.id
  if ('owner' in baseAmi) return await findNewestImage(ec2, baseAmi)
  throw new Error(
    'base-ami: an SSM parameter is not supported yet. Specify an image id, or newest:<owner>/<name pattern>.',
  )
}

function lookUpFor({ settings, forceBake }: Inputs, { value: checksum }: Checksum): LookUp {
  const { template, maxAgeDays } = settings
  return { checksum, template: template.name, maxAgeDays, newerThan: forceBake ? performance.timeOrigin : undefined }
}
