import { poll } from '../ec2/client.ts'
import type { RegionalImage } from '../ec2/images.ts'
import { candidateValue, failedValue } from '../ec2/state.ts'
import { CHECKSUM_TAG, REPOSITORY_TAG, TEMPLATE_TAG } from '../ec2/tag-names.ts'
import { tagResource } from '../ec2/tags.ts'
import { info, messageOf, warn } from '../runner/log.ts'
import { deregisterImage } from './deregister-image.ts'
import { describeOwn } from './find-images.ts'
import type { BakeIdentity } from './journal.ts'

/**
 * Makes sure that an image is never a hit. If the template has tagged the image with the checksum, the tag gets the failed value, and
 * this waits until the look-up does not return the image any more. Other images are deregistered.
 *
 * @returns The snapshots to delete, as far as EC2 names them; `undefined` when the image stays.
 */
export async function invalidateImage(
  regional: RegionalImage,
  bake: BakeIdentity,
): Promise<readonly string[] | undefined> {
  const { ec2, image } = regional
  const value = image.tags.get(CHECKSUM_TAG)
  if (value === failedValue(bake.checksum)) return undefined
  if (!isHit(value, bake.checksum)) {
    const results = await deregisterImage(ec2, image.id)
    return [...image.snapshots, ...results.map(({ id }) => id)]
  }
  await markFailed(regional, bake)
  return undefined
}

/**
 * Gives an image's checksum tag the failed value. If it had the value of a hit, this waits until the look-up does not return it any
 * more.
 */
export async function markFailed(regional: RegionalImage, bake: BakeIdentity): Promise<void> {
  const { id, tags } = regional.image
  const failed = failedValue(bake.checksum)
  info(`${id} comes from a failed bake: setting its tag ${CHECKSUM_TAG} to ${failed}.`)
  await tagFailed(regional, bake)
  const former = tags.get(CHECKSUM_TAG)
  if (isHit(former, bake.checksum)) await waitUntilHidden(regional, former, failed)
}

/** Whether a look-up returns an image with this value of the checksum tag. */
function isHit(value: string | undefined, checksum: string): value is string {
  return value === checksum || value === candidateValue(checksum)
}

/** Adds the tags that `prune` needs too. If a tag policy forbids those, the failed value alone is set. */
async function tagFailed(
  { ec2, image }: RegionalImage,
  { checksum, template, repository }: BakeIdentity,
): Promise<void> {
  const failed = [CHECKSUM_TAG, failedValue(checksum)] as const
  const origin = [
    [TEMPLATE_TAG, template],
    [REPOSITORY_TAG, repository],
  ] as const
  const known = origin.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  await tagResource(ec2, image.id, new Map([failed, ...known])).catch(async error => {
    ec2.signal?.throwIfAborted()
    if (known.length === 0) throw error
    await tagResource(ec2, image.id, new Map([failed]))
  })
}

/** How long EC2 may still find an image by the former value of a tag, in seconds. */
const TAG_PROPAGATION_SECONDS = 30

/**
 * Waits until EC2 finds an image by the failed value, and not by the former one (EC2 developer guide, "Eventual consistency"). Both are
 * checked: an image that is not found by the checksum may have got that tag a moment ago, and be found by it later. Only the
 * filter's answer decides, not the tags in it. Never throws: the image has its new tag.
 */
async function waitUntilHidden({ ec2, image }: RegionalImage, former: string, failed: string): Promise<void> {
  const isFoundBy = async (value: string) =>
    (await describeOwn(ec2, `tag:${CHECKSUM_TAG}`, [value])).some(({ id }) => id === image.id)
  try {
    const isHidden = await poll(ec2, TAG_PROPAGATION_SECONDS, async () =>
      (await isFoundBy(former)) || !(await isFoundBy(failed)) ? undefined : true,
    )
    if (isHidden) return
    warn(
      `${image.id} comes from a failed bake, but after ${TAG_PROPAGATION_SECONDS} s EC2 still finds it by its former tag.`,
    )
  } catch (error) {
    warn(`Could not check that EC2 no longer finds ${image.id}, which comes from a failed bake. ${messageOf(error)}`)
  }
}
