import { COMMANDS } from '../cleanup/commands.ts'
import type { Ec2 } from '../ec2/client.ts'
import { deprecateImage } from '../ec2/deprecation.ts'
import type { Image } from '../ec2/images.ts'
import { addLaunchPermissions } from '../ec2/launch-permissions.ts'
import { failedValue } from '../ec2/state.ts'
import {
  BAKED_AT_TAG,
  CHECKSUM_TAG,
  DEPRECATION_BEFORE_TAG,
  IMAGE_TAG,
  PRUNE_TAG,
  REVOKED_TAG,
} from '../ec2/tag-names.ts'
import { tagResource } from '../ec2/tags.ts'
import { warnAndContinue } from '../runner/cancel.ts'
import { notice } from '../runner/log.ts'
import type { Destination } from './obtain-copy.ts'
import { publishUnit } from './publish-unit.ts'
import type { SourceImage } from './source-image.ts'

/**
 * Adds to an available copy what CopyImage does not copy: launch permissions, the deprecation time and tags (AWS: CopyImage).
 * The checksum's tag is last, because it makes the copy a hit. Waits until the look-up in the copy's region finds it.
 *
 * @throws Error when the copy can't be shared or tagged; it is kept, and the next run finishes it. A copy that other accounts can't use
 *   is kept too, but tagged as failed, so that the next run makes another copy.
 */
export async function finishCopy(to: Destination, source: SourceImage, copy: Image): Promise<void> {
  const { ec2 } = to
  await prepareCopy(to, source, copy)
  await publishUnit({ source, copies: [{ ec2, image: copy }], checksum: source.checksum })
}

/**
 * Does the same without the checksum's tag: the copy is not a hit yet.
 *
 * @throws Error under the same conditions.
 */
export async function prepareCopy(to: Destination, source: SourceImage, copy: Image): Promise<void> {
  if (copy.tags.get(CHECKSUM_TAG) === source.checksum) return
  const { ec2 } = to
  await checkEncryption(to, source, copy)
  if (source.permissions.length > 0) await addLaunchPermissions(ec2, copy.id, source.permissions)
  await deprecate(ec2, source, copy).catch(warnAndContinue('The copy has no deprecation time, but is usable.'))
  await tagResource(ec2, copy.id, tagsFor(source)).catch(warnAndContinue('The copy lacks these tags, but is usable.'))
}

/**
 * In a region with encryption by default, copies of unencrypted images are encrypted (AWS: "Amazon EBS encryption by default"). An image
 * that is encrypted with the AWS managed key can't be shared (AWS: "Share an AMI with specific AWS accounts").
 */
async function checkEncryption({ ec2, kmsKey }: Destination, source: SourceImage, copy: Image): Promise<void> {
  const { image, permissions, checksum } = source
  if (!copy.isEncrypted || image.isEncrypted || kmsKey !== undefined) return
  const { region } = ec2
  const fact = `${copy.id} in ${region} is encrypted with the region's default key, although ${image.id} is not encrypted`
  const advice = `Specify a KMS key for the region: ${region}=<key>.`
  if (permissions.length === 0) return notice(`${fact}. It can't be shared with other accounts. ${advice}`)
  await tagResource(ec2, copy.id, new Map([[CHECKSUM_TAG, failedValue(checksum)]])).catch(
    warnAndContinue(`Deregister ${copy.id}, so that the next run makes another copy.`),
  )
  throw new Error(
    `${fact}, and other accounts that ${image.id} is shared with can't use the copy. ${advice} ` +
      `${copy.id} is not used any more. To remove it: ${COMMANDS.image(region, copy.id)}`,
  )
}

/** EC2 accepts no time in the past (AWS: EnableImageDeprecation). */
async function deprecate(ec2: Ec2, { image }: SourceImage, { id }: Image): Promise<void> {
  const time = new Date(image.deprecationTime ?? 0)
  if (time.getTime() <= Date.now()) return
  await deprecateImage(ec2, id, time)
}

/** The source image's tags, without those that describe only that image, and without its age: `publishUnit` adds that. */
function tagsFor({ image }: SourceImage): ReadonlyMap<string, string> {
  const own = [...image.tags].filter(([key]) => !OWN.has(key) && !NOT_COPIED.some(prefix => key.startsWith(prefix)))
  return new Map([...own, [IMAGE_TAG, image.id]])
}

const OWN = new Set([CHECKSUM_TAG, IMAGE_TAG, BAKED_AT_TAG])

/** Prefixes of keys that are not copied: AWS's own tags, tags shown to other accounts, and decisions about one image. */
const NOT_COPIED = ['aws:', 'ec2:SharedTag/', REVOKED_TAG, PRUNE_TAG, DEPRECATION_BEFORE_TAG]
