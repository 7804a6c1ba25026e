import type { LaunchPermission } from '@aws-sdk/client-ec2'
import type { Image } from '../ec2/images.ts'

/** The image to copy, with what its copies must have too. */
export interface SourceImage {
  readonly image: Image
  readonly region: string
  readonly checksum: string
  readonly permissions: readonly LaunchPermission[]
}
