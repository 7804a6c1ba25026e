import { EnableImageDeprecationCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { unlessCancelled } from '../cancel.ts'
import { ask, type Ec2 } from '../ec2.ts'
import { BAKED_AT_TAG, CHECKSUM_TAG, IMAGE_TAG, type Image, tagImage } from '../images.ts'
import { waitUntilFound } from '../look-up.ts'
import type { Original } from './heal.ts'

/**
 * Gives an available copy what CopyImage leaves out: launch permissions, the time of deprecation and tags (AWS: CopyImage).
 * The checksum's tag is last, because it makes the copy a hit. Waits until the region's own look-up finds it.
 *
 * @throws Error when it can't be shared or tagged; it stays, and the next run goes on with it.
 */
export async function finishCopy(ec2: Ec2, original: Original, copy: Image): Promise<void> {
  if (copy.tags.get(CHECKSUM_TAG) !== original.checksum) {
    await share(ec2, original, copy)
    await deprecate(ec2, original, copy).catch(unlessCancelled('The copy is good without a time of deprecation.'))
    await tagImage(ec2, copy.id, tagsFor(original)).catch(unlessCancelled('The copy is good without these tags.'))
    await tagImage(ec2, copy.id, new Map([[CHECKSUM_TAG, original.checksum]]))
  }
  await waitUntilFound(ec2, original.checksum, copy.id)
}

async function share(ec2: Ec2, { permissions }: Original, { id }: Image): Promise<void> {
  if (permissions.length === 0) return
  const command = new ModifyImageAttributeCommand({ ImageId: id, LaunchPermission: { Add: [...permissions] } })
  await ask(ec2, 'ec2:ModifyImageAttribute', (client, options) => client.send(command, options))
}

/** A time in the past can't be given (AWS: EnableImageDeprecation). */
async function deprecate(ec2: Ec2, { image }: Original, { id }: Image): Promise<void> {
  const time = new Date(image.deprecationTime ?? 0)
  if (time.getTime() <= Date.now()) return
  const command = new EnableImageDeprecationCommand({ ImageId: id, DeprecateAt: time })
  await ask(ec2, 'ec2:EnableImageDeprecation', (client, options) => client.send(command, options))
}

/** The original's own tags, AWS's and the checksum's excepted; its age counts, not the copy's. */
function tagsFor({ image }: Original): ReadonlyMap<string, string> {
  const own = [...image.tags].filter(([key]) => !key.startsWith('aws:') && !OWN.has(key))
  return new Map([[BAKED_AT_TAG, image.creationDate], ...own, [IMAGE_TAG, image.id]])
}

const OWN = new Set([CHECKSUM_TAG, IMAGE_TAG])
