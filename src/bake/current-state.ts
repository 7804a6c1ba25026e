import { chooseImage, type Described, type LookUp } from '../ec2/choose-image.ts'
import type { Ec2 } from '../ec2/client.ts'
import { describeImage, type Image } from '../ec2/images.ts'
import { findImageQuietly } from '../ec2/look-up.ts'
import { isRevoked, reasonOfRevocation } from '../ec2/revoked.ts'
import { REVOKED_BY_TAG } from '../ec2/tag-names.ts'
import { escapeControlCharacters, info, notice } from '../runner/log.ts'

/** A bake, or the definition that it bakes, was revoked: its image must not become a hit. */
export class RevokedDefinition extends Error {}

/**
 * Checks that no revocation blocks the definition.
 *
 * @param block The revoked image that blocks it, see `Choice`.
 * @throws {@link RevokedDefinition} that names the image, the reason and the run.
 */
export function assertNotRevoked(block: Image | undefined, { imageName, template, checksum }: LookUp): void {
  if (!block) return
  const reason = escapeControlCharacters(reasonOfRevocation(block))
  const by = block.tags.get(REVOKED_BY_TAG)
  const run = by ? ` by ${escapeControlCharacters(by)}` : ''
  throw new RevokedDefinition(
    `The definition of ${imageName ?? template} with the checksum ${checksum} is revoked: ${block.id} (${reason})${run}. ` +
      'Change the definition, restore the image, or revoke it again with rebake: true.',
  )
}

/**
 * Chooses the image to bake from, once the bake's lease is held: the parent's current image.
 *
 * @param known The image that the parent's look-up returned before.
 * @throws Error when the parent has no image any more.
 */
export function chooseParent(described: Described, parent: LookUp, known: string): string {
  const { hit, skips, block } = chooseImage(described, parent)
  const name = parent.imageName ?? parent.template
  if (!hit) {
    assertNotRevoked(block, parent)
    const reason = skips.find(({ message }) => message.startsWith(known))?.message ?? 'EC2 does not find it any more.'
    throw new Error(`${known}, the image of ${name} to bake from, is no hit any more: ${reason} Run the job again.`)
  }
  if (hit.id !== known) info(`The image of ${name} is ${hit.id} now: baking from it instead of ${known}.`)
  return hit.id
}

/**
 * Looks once more, right before an image gets its last tag, whether its definition was revoked during the bake.
 *
 * @param own The id of the image. Its template may have published it already, which does not lift the revocation.
 * @returns What EC2 has besides this image.
 * @throws {@link RevokedDefinition} for a revoked definition.
 */
export async function assertStillWanted(ec2: Ec2, lookUp: LookUp, own: string): Promise<Described> {
  const { described } = await findImageQuietly(ec2, lookUp)
  const others = new Map([...described].map(([checksum, images]) => [checksum, images.filter(({ id }) => id !== own)]))
  assertNotRevoked(chooseImage(others, lookUp).block, lookUp)
  return others
}

/**
 * Looks once more, right before a child gets its last tag, at the image that it was baked from. Reports a parent that was replaced
 * meanwhile.
 *
 * @param used The id of the image that the child was baked from.
 * @throws Error for a parent that was revoked.
 */
export async function checkParent(ec2: Ec2, described: Described, parent: LookUp, used: string): Promise<void> {
  const current = chooseImage(described, parent).hit
  if (current?.id === used) return
  const image = await describeImage(ec2, used)
  const name = parent.imageName ?? parent.template
  if (image && isRevoked(image)) {
    const advice = `Run the job again: it bakes ${name} first, unless the definition of ${name} is revoked too.`
    const reason = escapeControlCharacters(reasonOfRevocation(image))
    throw new Error(`${used}, the image of ${name} to bake from, was revoked during the bake (${reason}). ${advice}`)
  }
  const now = current ? `${current.id} has replaced it` : 'it is no hit any more'
  notice(`The image was baked from ${used}, the image of ${name}, but meanwhile ${now}. The next run bakes it again.`)
}
