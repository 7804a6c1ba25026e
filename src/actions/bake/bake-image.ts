import { bake } from '../../bake/bake.ts'
import { toText } from '../../definition/byte-path.ts'
import type { Checksum } from '../../definition/checksum.ts'
import type { LookUp } from '../../ec2/choose-image.ts'
import type { Ec2 } from '../../ec2/client.ts'
import type { FoundImage } from '../../ec2/images.ts'
import { OptionError } from '../../runner/option-error.ts'
import { enterPart } from '../../runner/timeline.ts'
import { type DefinedImage, titleOf } from '../image-checksum.ts'
import type { Inputs } from './inputs.ts'

/** How an image is baked. */
export interface BakeImageOptions {
  readonly ec2: Ec2
  readonly inputs: Inputs
  readonly lookUp: LookUp
  /** The id of the parent's image. */
  readonly parentImage: string | undefined
  readonly purpose: 'requested' | 'missing parent'
}

/** Bakes an image with its own settings, or waits for another run that bakes it. */
export async function bakeImage(image: DefinedImage, options: BakeImageOptions): Promise<FoundImage> {
  const { settings, checksum, parent } = image
  const { githubToken, waitForOtherBakes } = options.inputs
  if (parent || options.purpose === 'missing parent') enterPart(titleOf(image))
  return await bake({ ...settings, ...options, checksum, githubToken, waitForOtherBakes })
}

/**
 * The image would contain the pointer, and a checkout with the file has another checksum.
 *
 * @throws OptionError that names the file.
 */
export function assertNoPointers({ files }: Checksum): void {
  const pointer = files.find(file => file.isLfsPointer)
  if (!pointer) return
  const advice = 'Set "lfs: true" for actions/checkout, so that the checkout has the file and not the pointer.'
  throw new OptionError('definition', `${toText(pointer.path)} is a Git LFS pointer. ${advice}`)
}
