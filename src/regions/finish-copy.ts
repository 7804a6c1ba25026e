import { EnableImageDeprecationCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from '../ec2/client.ts'
import { BAKED_AT_TAG, CHECKSUM_TAG, IMAGE_TAG, type Image } from '../ec2/images.ts'
import { PRUNE_TAG, REVOKED_TAG, waitUntilFound } from '../ec2/look-up.ts'
import { onceVisible } from '../ec2/requests.ts'
import { tagResource } from '../ec2/tags.ts'
import { warnAndContinue } from '../runner/cancel.ts'
import { notice } from '../runner/log.ts'
import type { Destination } from './obtain-copy.ts'
import type { SourceImage } from './source-image.ts'
import { failedValue } from './stage.ts'

/**
 * Gives an available copy what CopyImage leaves out: launch permissions, the time of deprecation and tags (AWS: CopyImage).
 * The checksum's tag is last, because it makes the copy a hit. Waits until the region's own look-up finds it.
 *
 * @throws Error when it can't be shared or tagged; it stays, and the next run goes on with it. A copy that others could not use
 *   stays too, but is marked as failed, so that the next run makes another.
 */
export async function finishCopy(to: Destination, source: SourceImage, copy: Image): Promise<void> {
  const { ec2 } = to
  if (copy.tags.get(CHECKSUM_TAG) !== source.checksum) {
    await checkEncryption(to, source, copy)
    await share(ec2, source, copy)
    await deprecate(ec2, source, copy).catch(warnAndContinue('The copy is good without a time of deprecation.'))
    await tagResource(ec2, copy.id, tagsFor(source)).catch(warnAndContinue('The copy is good without these tags.'))
    await tagResource(ec2, copy.id, new Map([[CHECKSUM_TAG, source.checksum]]))
  }
  await waitUntilFound(ec2, source.checksum, copy.id)
}

/**
 * Where a region encrypts by default, so are copies of unencrypted images (AWS: "Amazon EBS encryption by default"), and what is
 * encrypted with the AWS managed key can't be shared (AWS: "Share an AMI with specific AWS accounts").
 */
async function checkEncryption({ ec2, kmsKey }: Destination, source: SourceImage, copy: Image): Promise<void> {
  const { image, permissions, checksum } = source
  if (!copy.isEncrypted || image.isEncrypted || kmsKey !== undefined) return
  const { region } = ec2
  const fact = `${copy.id} in ${region} is encrypted with the region's default key, although ${image.id} is not encrypted`
  const advice = `specify a KMS key: ${region}=<key>`
  if (permissions.length === 0) return notice(`${fact}. To be able to share it with other accounts, ${advice}.`)
  await tagResource(ec2, copy.id, new Map([[CHECKSUM_TAG, failedValue(checksum)]])).catch(
    warnAndContinue(`Deregister ${copy.id}, so that the next run makes another copy.`),
  )
  throw new Error(
    `${fact}, and it is shared with others, who could not use the copy. In the input regions, ${advice}. ` +
      `${copy.id} is not used any more. To remove it: ${removalOf(region, copy.id)}`,
  )
}

function removalOf(region: string, id: string): string {
  return `aws ec2 deregister-image --region ${region} --image-id ${id} --delete-associated-snapshots`
}

async function share(ec2: Ec2, { permissions }: SourceImage, { id }: Image): Promise<void> {
  if (permissions.length === 0) return
  const command = new ModifyImageAttributeCommand({ ImageId: id, LaunchPermission: { Add: [...permissions] } })
  await onceVisible(ec2, () => ask(ec2, 'ec2:ModifyImageAttribute', (client, options) => client.send(command, options)))
}

/** A time in the past can't be given (AWS: EnableImageDeprecation). */
async function deprecate(ec2: Ec2, { image }: SourceImage, { id }: Image): Promise<void> {
  const time = new Date(image.deprecationTime ?? 0)
  if (time.getTime() <= Date.now()) return
  const command = new EnableImageDeprecationCommand({ ImageId: id, DeprecateAt: time })
  await onceVisible(ec2, () =>
    ask(ec2, 'ec2:EnableImageDeprecation', (client, options) => client.send(command, options)),
  )
}

/** The source image's own tags, without those that say something of that image alone; its age counts, not the copy's. */
function tagsFor({ image }: SourceImage): ReadonlyMap<string, string> {
  const own = [...image.tags].filter(([key]) => !OWN.has(key) && !NOT_CARRIED.some(prefix => key.startsWith(prefix)))
  return new Map([[BAKED_AT_TAG, image.creationDate], ...own, [IMAGE_TAG, image.id]])
}

const OWN = new Set([CHECKSUM_TAG, IMAGE_TAG])

/** What the keys begin with of tags that a copy must not get: AWS's own, what is shown to other accounts, and decisions about an image. */
const NOT_CARRIED = ['aws:', 'ec2:SharedTag/', REVOKED_TAG, PRUNE_TAG, 'ami_bakery_deprecation_before']
