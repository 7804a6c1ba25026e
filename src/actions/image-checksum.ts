import { type Checksum, computeChecksum } from '../definition/checksum.ts'
import { readDefinition } from '../definition/definition.ts'
import type { ImagesFile } from '../definition/images-file.ts'
import type { ImageSettings, SettingName } from '../definition/settings.ts'
import { findFilesOutside } from '../definition/template.ts'
import { cancelled } from '../runner/cancel.ts'
import { group, info, warn } from '../runner/log.ts'
import type { BaseImages } from './base-images.ts'
import { nameSetting } from './name-setting.ts'

/** An image's settings with their checksum, and the image that it is baked from. */
export interface DefinedImage {
  readonly settings: ImageSettings
  readonly checksum: Checksum
  readonly parent: DefinedImage | undefined
}

/**
 * Computes the checksum of an image from its settings, in the same way for every action.
 *
 * @param parent The image that it is baked from.
 * @throws OptionError that names the path or the value.
 */
export async function defineImage(
  settings: ImageSettings,
  parent: DefinedImage | undefined,
  baseImages: BaseImages,
): Promise<DefinedImage> {
  const { variables, variableFiles, only, extraIngredients, template, region } = settings
  const definition = await readDefinition(settings.definition)
  const baseImage = await baseImages.resolve(settings.baseAmi, region)
  const strict = settings.strict ? template : undefined
  const further = {
    variables,
    variableFiles,
    only,
    extraIngredients,
    baseImage,
    strict,
    parent: parent?.checksum.value,
  }
  return { settings, checksum: await computeChecksum(definition, further), parent }
}

/** The images of an images file with their checksums; each is computed once. */
export interface DefinedImages {
  /** @throws Error that begins with the image's place in the file. */
  define(name: string): Promise<DefinedImage>
}

/** Computes the checksums of the images of a file, those of their parents first. */
export function createDefinedImages(file: ImagesFile, baseImages: BaseImages): DefinedImages {
  const images = new Map<string, Promise<DefinedImage>>()

  function define(name: string): Promise<DefinedImage> {
    const image = images.get(name) ?? compute(name)
    images.set(name, image)
    return image
  }

  async function compute(name: string): Promise<DefinedImage> {
    const settings = file.settings(name)
    const parent = settings.parent === undefined ? undefined : await define(settings.parent)
    try {
      return await defineImage(settings, parent, baseImages)
    } catch (cause) {
      cancelled.throwIfAborted()
      throw nameSetting(cause, setting => file.prefix(name, setting))
    }
  }

  return { define }
}

/** Computes the checksums of images of a file, in their order, and prints them. */
export async function defineImages(
  file: ImagesFile,
  names: readonly string[],
  baseImages: BaseImages,
): Promise<readonly DefinedImage[]> {
  const { define } = createDefinedImages(file, baseImages)
  return await group(`Checksums: ${names.length} images`, async () => {
    const images: DefinedImage[] = []
    for (const name of names) images.push(await define(name))
    info(images.map(image => `${image.checksum.value}  ${titleOf(image)} (files: ${image.checksum.files.length})`))
    return images
  })
}

/** An image and the images that it is baked from, from its root on. */
export function listChain(image: DefinedImage): readonly DefinedImage[] {
  return image.parent ? [...listChain(image.parent), image] : [image]
}

/** The name of an image for people: that in the images file, else its template. */
export function titleOf({ settings }: DefinedImage): string {
  return settings.name ?? settings.template.name
}

/** Warns of the template's files that are not included in the checksum. */
export function warnOfFilesNotIncluded(
  { settings, checksum }: DefinedImage,
  prefix: (setting: SettingName) => string,
): void {
  const { template, strict } = settings
  if (strict) return
  const outside = findFilesOutside(
    template,
    checksum.files.map(({ path }) => path),
  )
  if (outside.length === 0) return
  warn(
    `${prefix('packer-template')}${outside.join(', ')} lies outside the definition, so that a change to it does not cause a bake. ` +
      'Add it to ami-definition-dirs, or set strict to true.',
  )
}
