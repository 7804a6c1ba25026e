import { type Checksum, computeChecksum } from '../definition/checksum.ts'
import { readDefinition } from '../definition/definition.ts'
import type { ImageSettings, SettingName } from '../definition/settings.ts'
import { findFilesOutside } from '../definition/template.ts'
import { warn } from '../runner/log.ts'
import type { BaseImages } from './base-images.ts'

/**
 * Computes the checksum of an image from its settings, in the same way for every action.
 *
 * @throws OptionError that names the path or the value.
 */
export async function computeImageChecksum(settings: ImageSettings, baseImages: BaseImages): Promise<Checksum> {
  assertSupported(settings)
  const { variables, variableFiles, only, extraIngredients, template, region } = settings
  const definition = await readDefinition(settings.definition)
  const baseImage = await baseImages.resolve(settings.baseAmi, region)
  const strict = settings.strict ? template : undefined
  return await computeChecksum(definition, { variables, variableFiles, only, extraIngredients, baseImage, strict })
}

/** What the images file can say already, but no action does yet, must not be ignored: the image would be another one. */
function assertSupported({ name, parent, candidate, criticalFixDays }: ImageSettings): void {
  const setting = parent !== undefined ? 'parent' : candidate ? 'candidate' : criticalFixDays && 'critical-fix-days'
  if (setting) throw new Error(`images-file: image ${name}: ${setting} is not supported yet. Remove it.`)
}

/** Warns of the template's files that are not included in the checksum. */
export function warnOfFilesNotIncluded(
  { template, strict }: ImageSettings,
  { files }: Checksum,
  prefix: (setting: SettingName) => string,
): void {
  if (strict) return
  const outside = findFilesOutside(
    template,
    files.map(({ path }) => path),
  )
  if (outside.length === 0) return
  warn(
    `${prefix('packer-template')}${outside.join(', ')} lies outside the definition, so that a change to it does not cause a bake. ` +
      'Add it to ami-definition-dirs, or set strict to true.',
  )
}
