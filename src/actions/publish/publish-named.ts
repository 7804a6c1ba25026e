import { connect } from '../../ec2/client.ts'
import { type Finding, findImage } from '../../ec2/look-up.ts'
import { cancelled } from '../../runner/cancel.ts'
import { createBaseImages } from '../base-images.ts'
import { type DefinedImage, defineImages, titleOf } from '../image-checksum.ts'
import { lookUpFor } from '../look-up-for.ts'
import type { Inputs, NamedImages } from './inputs.ts'
import { explainFailure, type Publication, publishKnown } from './publications.ts'

type Overrides = Omit<Inputs, 'subject'>

/** Publishes images of the images file: all at the same time, but each after its parent. */
export async function publishNamed(subject: NamedImages, inputs: Overrides): Promise<readonly Publication[]> {
  const { file, names, resolved } = subject
  const defined = await defineImages(file, names, createBaseImages(resolved))
  const images = new Map(defined.map(image => [titleOf(image), image]))
  assertOwnParameters(images, inputs)
  const publications = new Map<string, Promise<Publication>>()

  function start(label: string, image: DefinedImage): Promise<Publication> {
    const publication = publications.get(label) ?? publishAfterParent(label, image)
    publications.set(label, publication)
    return publication
  }

  async function publishAfterParent(label: string, image: DefinedImage): Promise<Publication> {
    const { parent = '' } = image.settings
    const above = images.get(parent)
    if (above) await start(parent, above)
    return await publishDefined(label, image, inputs)
  }

  return await Promise.all([...images].map(([label, image]) => start(label, image)))
}

/**
 * Two images that are different can't have one parameter in a region.
 *
 * @throws Error that names both, before any change.
 */
function assertOwnParameters(images: ReadonlyMap<string, DefinedImage>, inputs: Overrides): void {
  const users = new Map<string, readonly [label: string, image: DefinedImage]>()
  for (const [label, image] of images) {
    const { ssmParameter, region, regions } = image.settings
    const name = inputs.ssmParameter ?? ssmParameter
    for (const place of name ? [region, ...(inputs.regions ?? regions).map(({ name }) => name)] : []) {
      const [other, rival] = users.get(`${place} ${name}`) ?? [label, image]
      if (rival.checksum.value !== image.checksum.value) {
        throw new Error(
          `ssm-parameter: ${name} in ${place} can't hold both ${other} and ${label}. Name one parameter for each.`,
        )
      }
      users.set(`${place} ${name}`, [label, image])
    }
  }
}

/** Publishes the published image of the current checksum, or else its newest candidate, whatever the file says about candidates. */
async function publishDefined(label: string, image: DefinedImage, inputs: Overrides): Promise<Publication> {
  const { settings, checksum } = image
  const ec2 = connect(settings.region, cancelled)
  const finding = await findImage(ec2, { ...lookUpFor(image), candidate: true }).catch((error: unknown) => ({
    message: explainFailure(label, error),
  }))
  if ('message' in finding) return { label, outcome: { kind: 'failed', message: finding.message } }
  if (!finding.found) return { label, outcome: { kind: 'missing', message: describeMiss(image, finding) } }
  const publishable = { ec2, image: finding.found.image, checksum: checksum.value }
  return await publishKnown(label, publishable, {
    regions: inputs.regions ?? settings.regions,
    tags: inputs.tags ?? settings.tags,
    shareWith: inputs.shareWith ?? settings.shareWith,
    ssmParameter: inputs.ssmParameter ?? settings.ssmParameter,
  })
}

function describeMiss({ settings, checksum }: DefinedImage, { choice }: Finding): string {
  const reason = choice.block ? `Its definition is revoked: ${choice.block.id}.` : (choice.skips.at(0)?.message ?? '')
  return `No image in ${settings.region} has the checksum ${checksum.value}. ${reason}`.trim()
}
