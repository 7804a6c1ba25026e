import type { LaunchPermission } from '@aws-sdk/client-ec2'
import type { RegionalImage } from '../ec2/images.ts'

/** The image to copy, with what its copies must have too. */
export interface SourceImage extends RegionalImage {
  readonly checksum: string
  readonly permissions: readonly LaunchPermission[]
  /** Tags that every copy and its snapshots have from the start, in addition to the action's own. */
  readonly firstTags: ReadonlyMap<string, string>
}

/** What copies are made for. */
export interface CopyOptions {
  /** The checksum that makes the copies hits. */
  readonly checksum: string
  /** Put on copies and their snapshots at creation. */
  readonly tags: ReadonlyMap<string, string>
  /** The accounts and organizations that the copies are shared with, in addition to those of the source image. */
  readonly shareWith?: readonly string[]
}
