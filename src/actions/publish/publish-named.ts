import { connect } from '../../ec2/client.ts'
import { findImage } from '../../ec2/look-up.ts'
import { cancelled } from '../../runner/cancel.ts'
import { group, info } from '../../runner/log.ts'
import { createBaseImages } from '../base-images.ts'
import { createDefinedImages, type DefinedImage } from '../image-checksum.ts'
import { lookUpFor } from '../look-up-for.ts'
import type { Inputs, NamedImages } from './inputs.ts'
import { type Publication, publishKnown } from './publications.ts'

type Overrides = Pick<Inputs, 'regions' | 'tags'>

/** Publishes images of the images file: all at the same time, but each after its parent. */
export async function publishNamed(subject: NamedImages, inputs: Overrides): Promise<readonly Publication[]> {
  const images = await defineImages(subject)
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

async function defineImages({ file, names, resolved }: NamedImages): Promise<ReadonlyMap<string, DefinedImage>> {
  const { define } = createDefinedImages(file, createBaseImages(resolved))
  return await group(`Checksums: ${names.length} images`, async () => {
    const images = new Map<string, DefinedImage>()
    for (const name of names) images.set(name, await define(name))
    info([...images].map(([name, { checksum }]) => `${checksum.value}  ${name} (files: ${checksum.files.length})`))
    return images
  })
}

/** Publishes the published image of the current checksum, or else its newest candidate, whatever the file says about candidates. */
async function publishDefined(label: string, image: DefinedImage, inputs: Overrides): Promise<Publication> {
  const { settings, checksum } = image
  const ec2 = connect(settings.region, cancelled)
  const { found, choice } = await findImage(ec2, { ...lookUpFor(image), candidate: true })
  if (!found) {
    const reason = choice.block ? `Its definition is revoked: ${choice.block.id}.` : (choice.skips.at(0)?.message ?? '')
    const message = `No image in ${settings.region} has the checksum ${checksum.value}. ${reason}`.trim()
    return { label, outcome: { kind: 'missing', message } }
  }
  const publishable = { ec2, image: found.image, checksum: checksum.value }
  const [regions, tags] = [inputs.regions ?? settings.regions, inputs.tags ?? settings.tags]
  return await publishKnown(label, publishable, { regions, tags })
}
