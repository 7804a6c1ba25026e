import type { ImagesFileOptions, PlaceSettings } from '../definition/images-file.ts'
import { env } from '../runner/environment.ts'
import { readInput } from '../runner/inputs.ts'

/** The images file where the input names no other. */
export const DEFAULT_IMAGES_FILE = 'ami-bakery.yml'

/** Reads where images are baked: inputs replace the images file, and the environment stands in for it. */
export function readPlaces(): ImagesFileOptions {
  return {
    inputs: places(readInput('aws-region'), readInput('aws-subnet-id')),
    environment: places(env('AWS_REGION') ?? env('AWS_DEFAULT_REGION') ?? '', env('AWS_SUBNET_ID') ?? ''),
  }
}

function places(region: string, subnet: string): PlaceSettings {
  const all = [
    ['aws-region', region],
    ['aws-subnet-id', subnet],
  ] as const
  return new Map(all.filter(([, value]) => value !== ''))
}
