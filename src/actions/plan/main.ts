import { connect } from '../../ec2/client.ts'
import type { Image } from '../../ec2/images.ts'
import { findNewestByName } from '../../ec2/line.ts'
import { describeAllCandidates } from '../../ec2/look-up.ts'
import { cancelled } from '../../runner/cancel.ts'
import { workflowRun } from '../../runner/environment.ts'
import { group, info } from '../../runner/log.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { type BaseImages, createBaseImages } from '../base-images.ts'
import { computeImageChecksum, warnOfFilesNotIncluded } from '../image-checksum.ts'
import { nameSetting } from '../name-setting.ts'
import { removeOutputFile } from '../output-file.ts'
import { type Inputs, readInputs } from './inputs.ts'
import { assertAccepted, publishPlan } from './outputs.ts'
import { type Candidates, type PlannedImage, planImages } from './plan-images.ts'

/** Looks up every image of the images file and reports what a bake would do. Bakes nothing. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const inputs = await readInputs()
  removeOutputFile(inputs.outputFile)
  const baseImages = createBaseImages(inputs.resolved)
  const images = await computeChecksums(inputs, baseImages)
  const entries = planImages(images, await findCandidates(images), Date.now())
  const last = inputs.onMiss === 'last' ? await findLastImages(images) : new Map<string, Image>()
  const plan = { entries, last, resolved: baseImages.resolved() }
  await publishPlan(plan, inputs)
  assertAccepted(plan, inputs)
}

async function computeChecksums({ file, names }: Inputs, baseImages: BaseImages): Promise<PlannedImage[]> {
  const images = await group(`Checksums: ${names.length} images`, async () => {
    const computed: PlannedImage[] = []
    for (const name of names) computed.push(await computeOne({ file, name }, baseImages))
    info(computed.map(({ checksum, name }) => `${checksum.value}  ${name} (files: ${checksum.files.length})`))
    return computed
  })
  for (const { name, settings, checksum } of images) {
    warnOfFilesNotIncluded(settings, checksum, setting => file.prefix(name, setting))
  }
  return images
}

async function computeOne(
  { file, name }: { readonly file: Inputs['file']; readonly name: string },
  baseImages: BaseImages,
): Promise<PlannedImage> {
  const settings = file.settings(name)
  try {
    return { name, settings, checksum: await computeImageChecksum(settings, baseImages) }
  } catch (cause) {
    cancelled.throwIfAborted()
    throw nameSetting(cause, setting => file.prefix(name, setting))
  }
}

/** Asks every region once for all checksums that it must have. */
async function findCandidates(images: readonly PlannedImage[]): Promise<Candidates> {
  const wanted = new Map<string, string[]>()
  for (const { settings, checksum } of images) {
    for (const region of [settings.region, ...settings.regions.map(({ name }) => name)]) {
      wanted.set(region, [...(wanted.get(region) ?? []), checksum.value])
    }
  }
  const answers = [...wanted].map(
    async ([region, checksums]) =>
      [region, await describeAllCandidates(connect(region, cancelled), checksums)] as const,
  )
  return new Map(await Promise.all(answers))
}

/** The newest published image of every line, by image name: one request for 190 names in a region. */
async function findLastImages(planned: readonly PlannedImage[]): Promise<ReadonlyMap<string, Image>> {
  const regions = Map.groupBy(planned, ({ settings }) => settings.region)
  const answers = [...regions].map(([region, images]) => {
    const names = images.map(({ name }) => name)
    return findNewestByName(connect(region, cancelled), names, workflowRun()?.repository)
  })
  return new Map((await Promise.all(answers)).flatMap(found => [...found]))
}
