import type { ImagesFile } from '../../definition/images-file.ts'
import { cancelled } from '../../runner/cancel.ts'
import { group, info, messageOf } from '../../runner/log.ts'
import { createBaseImages } from '../base-images.ts'
import { createDefinedImages } from '../image-checksum.ts'
import type { Definition, Fact } from './account.ts'

/**
 * Computes the checksums of the images of the images file as it stands. A definition whose checksum can't be computed is no error
 * here: it keeps the images of its line.
 */
export async function readDefinitions(files: readonly ImagesFile[]): Promise<readonly Definition[]> {
  const [first] = files
  if (!first) return []
  return await group(`Checksums: ${first.names.length} images`, async () => {
    const compute = createComputation(files)
    const definitions: Definition[] = []
    for (const imageName of first.names) {
      const checksums = await compute(imageName)
      definitions.push({ imageName, template: first.settings(imageName).template.name, checksums })
      info('known' in checksums ? `${checksums.known.join(', ')}  ${imageName}` : `${imageName}: ${checksums.unknown}`)
    }
    return definitions
  })
}

/** Computes a checksum once for each region that it may be searched in. */
function createComputation(files: readonly ImagesFile[]): (name: string) => Promise<Fact<readonly string[]>> {
  const baseImages = createBaseImages(new Map())
  const regions = files.map(file => ({ file, images: createDefinedImages(file, baseImages) }))
  return async name => {
    const known = new Map<string, string>()
    for (const { file, images } of regions) {
      const settings = file.settings(name)
      const isSearched = settings.baseAmi !== undefined && !('id' in settings.baseAmi)
      const key = isSearched || settings.parent !== undefined ? settings.region : ''
      if (known.has(key)) continue
      try {
        known.set(key, (await images.define(name)).checksum.value)
      } catch (cause) {
        cancelled.throwIfAborted()
        return { unknown: messageOf(cause) }
      }
    }
    return { known: [...new Set(known.values())] }
  }
}
