import type { LookUp } from '../../ec2/choose-image.ts'
import { connect } from '../../ec2/client.ts'
import type { Image } from '../../ec2/images.ts'
import { findNewestByName } from '../../ec2/line.ts'
import { describeForLookUps } from '../../ec2/look-up.ts'
import { cancelled } from '../../runner/cancel.ts'
import { workflowRun } from '../../runner/environment.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { type BaseImages, createBaseImages } from '../base-images.ts'
import { type DefinedImage, defineImages, titleOf, warnOfFilesNotIncluded } from '../image-checksum.ts'
import { lookUpFor } from '../look-up-for.ts'
import { removeOutputFile } from '../output-file.ts'
import { type Inputs, readInputs } from './inputs.ts'
import { assertAccepted, publishPlan } from './outputs.ts'
import { type DescribedRegions, listRows, planImages } from './plan-images.ts'

/** Looks up every image of the images file and reports what a bake would do. Bakes nothing. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const inputs = await readInputs()
  removeOutputFile(inputs.outputFile)
  const baseImages = createBaseImages(inputs.resolved)
  const images = await computeChecksums(inputs, baseImages)
  const entries = planImages(images, await describeRegions(images), Date.now())
  const last = inputs.onMiss === 'last' ? await findLastImages(images) : new Map<string, Image>()
  const plan = { entries, rows: listRows(entries), last, resolved: baseImages.resolved() }
  await publishPlan(plan, inputs)
  assertAccepted(plan, inputs)
}

async function computeChecksums({ file, names }: Inputs, baseImages: BaseImages): Promise<readonly DefinedImage[]> {
  const images = await defineImages(file, names, baseImages)
  for (const image of images) warnOfFilesNotIncluded(image, setting => file.prefix(titleOf(image), setting))
  return images
}

/** Asks every region once for all images that it must have, in the look-up region for those of their ancestors too. */
async function describeRegions(images: readonly DefinedImage[]): Promise<DescribedRegions> {
  const wanted = new Map<string, LookUp[]>()
  for (const image of images) {
    const lookUp = lookUpFor(image)
    const copies = image.settings.regions.map(({ name }) => [name, { ...lookUp, parent: undefined }] as const)
    for (const [region, one] of [[image.settings.region, lookUp] as const, ...copies]) {
      wanted.set(region, [...(wanted.get(region) ?? []), one])
    }
  }
  const answers = [...wanted].map(
    async ([region, lookUps]) => [region, await describeForLookUps(connect(region, cancelled), lookUps)] as const,
  )
  return new Map(await Promise.all(answers))
}

/** The newest published image of every line, by image name: one request for 190 names in a region. */
async function findLastImages(planned: readonly DefinedImage[]): Promise<ReadonlyMap<string, Image>> {
  const regions = Map.groupBy(planned, ({ settings }) => settings.region)
  const answers = [...regions].map(([region, images]) => {
    const names = images.map(titleOf)
    return findNewestByName(connect(region, cancelled), names, workflowRun()?.repository)
  })
  return new Map((await Promise.all(answers)).flatMap(found => [...found]))
}
