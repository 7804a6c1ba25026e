import type { ImagesFile, ImagesFileOptions, LocationSettings } from '../definition/images-file.ts'
import { toEntries } from '../definition/raw-value.ts'
import { env } from '../runner/environment.ts'
import { readInput } from '../runner/inputs.ts'
import { messageOf } from '../runner/log.ts'
import { regionOfEnvironment } from './read-setting.ts'

/** The images file if the input specifies no other. */
export const DEFAULT_IMAGES_FILE = 'ami-bakery.yml'

/**
 * Reads the images file that the inputs specify, and checks all of it.
 *
 * @param options By default the region and the subnet of the inputs and of the environment.
 * @throws Error that begins with `images-file`, or with the name of an input that is not valid.
 */
export async function openImagesFile(options = readLocation()): Promise<ImagesFile> {
  // Loaded on demand: only runs with an images file need it.
  const { readImagesFile } = await import('../definition/images-file.ts')
  return await readImagesFile(readInput('images-file') || DEFAULT_IMAGES_FILE, options)
}

/** @throws Error that begins with the input's name and suggests a similar name when the file has no such image. */
export function assertImage(file: ImagesFile, name: string, input: string): void {
  try {
    file.settings(name)
  } catch (cause) {
    throw new Error(`${input}: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Selects the images that an input names, separated by commas or newlines.
 *
 * @returns Their names in the order of the file.
 * @throws Error that begins with `images`.
 */
export function selectImages(file: ImagesFile, names: string): readonly string[] {
  const wanted = new Set(toEntries(names, /[,\n]/))
  for (const name of wanted) assertImage(file, name, 'images')
  return file.names.filter(name => wanted.has(name))
}

/** Reads the region and the subnet: inputs replace the images file, and the environment is their fallback. */
function readLocation(): ImagesFileOptions {
  return {
    inputs: toSettings(readInput('aws-region'), readInput('aws-subnet-id')),
    environment: toSettings(regionOfEnvironment() ?? '', env('AWS_SUBNET_ID') ?? ''),
  }
}

function toSettings(region: string, subnet: string): LocationSettings {
  const all = [
    ['aws-region', region],
    ['aws-subnet-id', subnet],
  ] as const
  return new Map(all.filter(([, value]) => value !== ''))
}
