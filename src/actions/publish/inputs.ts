import type { ImagesFile } from '../../definition/images-file.ts'
import type { Region } from '../../definition/settings.ts'
import { assertArguments, readInput } from '../../runner/inputs.ts'
import { parseResolved, type Resolved } from '../base-images.ts'
import { openImagesFile, selectImages } from '../images-file.ts'
import { readChecksum, readImageId, readRegion, readSetting } from '../read-setting.ts'

/** The inputs of `publish`, read once and fully parsed. */
export interface Inputs {
  readonly subject: OneImage | NamedImages
  /** The regions to copy to; `undefined` for those of the images file. */
  readonly regions: readonly Region[] | undefined
  /** Tags that copies and their snapshots have from the start; `undefined` for those of the images file. */
  readonly tags: ReadonlyMap<string, string> | undefined
  /** The accounts and organizations to share with; `undefined` for those of the images file. */
  readonly shareWith: readonly string[] | undefined
  /** The SSM parameter that holds the image's id in each region; `undefined` for that of the images file. */
  readonly ssmParameter: string | undefined
}

/** An image by its id. */
export interface OneImage {
  readonly kind: 'id'
  readonly id: string
  readonly region: string
  /** The image must have this checksum. */
  readonly checksum: string | undefined
}

/** Images of the images file. */
export interface NamedImages {
  readonly kind: 'names'
  readonly file: ImagesFile
  /** In the order of the file. */
  readonly names: readonly string[]
  readonly resolved: Resolved
}

/** The names of all inputs. */
export const INPUTS = [
  'ami-id',
  'images',
  'images-file',
  'ami-config-checksum',
  'aws-region',
  'regions',
  'share-with',
  'ssm-parameter',
  'tags',
  'resolved',
] as const

/**
 * Reads every input and, with `images`, the images file.
 *
 * @throws Error that begins with the input's name.
 */
export async function readInputs(): Promise<Inputs> {
  assertArguments(INPUTS)
  const subject = await readSubject()
  const ssmParameter = readSetting('ssm-parameter', 'ssm-parameter')
  if (ssmParameter && subject.kind === 'names' && subject.names.length > 1) {
    const advice = 'Specify it in the images file, or one image alone.'
    throw new Error(`ssm-parameter: ${ssmParameter} can't hold the ids of ${subject.names.length} images. ${advice}`)
  }
  return {
    subject,
    regions: readSetting('regions', 'regions'),
    shareWith: readSetting('share-with', 'share-with'),
    ssmParameter,
    tags: readSetting('tags', 'tags'),
  }
}

async function readSubject(): Promise<Inputs['subject']> {
  const [id, images, checksum] = [readImageId('ami-id'), readInput('images'), readChecksum()]
  if (id !== undefined && images !== '') {
    throw new Error('images: ami-id is specified too. Specify one of the two.')
  }
  if (id !== undefined) return { kind: 'id', id, region: readRegion(), checksum }
  if (images === '') throw new Error('ami-id: neither ami-id nor images is specified. Specify one of the two.')
  if (checksum !== undefined) {
    throw new Error('ami-config-checksum: it is allowed with ami-id alone. With images it is computed.')
  }
  const file = await openImagesFile()
  const names = images === 'all' ? file.names : selectImages(file, images)
  return { kind: 'names', file, names, resolved: parseResolved(readInput('resolved')) }
}
