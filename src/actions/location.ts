import type { ImagesFileOptions, LocationSettings } from '../definition/images-file.ts'
import { env } from '../runner/environment.ts'
import { readInput } from '../runner/inputs.ts'

/** The images file if the input specifies no other. */
export const DEFAULT_IMAGES_FILE = 'ami-bakery.yml'

/** Reads the region and the subnet: inputs replace the images file, and the environment is their fallback. */
export function readLocation(): ImagesFileOptions {
  return {
    inputs: toSettings(readInput('aws-region'), readInput('aws-subnet-id')),
    environment: toSettings(env('AWS_REGION') ?? env('AWS_DEFAULT_REGION') ?? '', env('AWS_SUBNET_ID') ?? ''),
  }
}

function toSettings(region: string, subnet: string): LocationSettings {
  const all = [
    ['aws-region', region],
    ['aws-subnet-id', subnet],
  ] as const
  return new Map(all.filter(([, value]) => value !== ''))
}
