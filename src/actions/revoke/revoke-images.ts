import { type Ec2, errorCode, poll } from '../../ec2/client.ts'
import { deprecateImage } from '../../ec2/deprecation.ts'
import { describeImages, type Image, type RegionalImage } from '../../ec2/images.ts'
import { chunk } from '../../ec2/look-up.ts'
import { type ImageState, readState, revokedOnceValue, revokedValue } from '../../ec2/state.ts'
import { CHECKSUM_TAG, DEPRECATION_BEFORE_TAG, REVOKED_BY_TAG, REVOKED_TAG } from '../../ec2/tag-names.ts'
import { tagResource } from '../../ec2/tags.ts'
import { info, messageOf, warn } from '../../runner/log.ts'
import { type Failure, forEachImage, nameImage } from '../each-image.ts'
import type { Revocation } from './inputs.ts'
import type { Target } from './targets.ts'

/** An image with the tags that revoking it gives to it. */
export interface ImageToRevoke extends RegionalImage {
  readonly reason: string
  readonly as: Revocation['as']
  /** The reason, unless the image has one already. */
  readonly objection: ReadonlyMap<string, string>
  /** The revoked value of its checksum tag, and what is kept for a restore; empty when nothing is missing. */
  readonly hidden: ReadonlyMap<string, string>
  readonly isToBeDeprecated: boolean
}

/** The value of the tag for the former deprecation time when the image had none. */
export const NEVER = 'none'

/** How long after its revocation an image is deprecated, in milliseconds. EC2 accepts no time in the past. */
const DEPRECATED_AFTER = 2 * 60 * 1000

/** Decides what is missing to revoke the images of a target. Nothing is missing for images of failed copies. */
export function prepareRevocation(
  { unit, reason }: Target,
  as: Revocation['as'],
  by: string,
): readonly ImageToRevoke[] {
  return unit.images
    .filter(({ image }) => readState(image)?.name !== 'failed' && EXISTING.has(image.state))
    .map(({ ec2, image }) => {
      const own = image.tags.get(REVOKED_TAG)
      const objection = new Map(own ? [] : [[REVOKED_TAG, reason] as const, [REVOKED_BY_TAG, by] as const])
      const isToBeDeprecated = image.state === 'available' && isUsableLater(image)
      const value = hiddenValue(readState(image), own && own !== reason ? undefined : as)
      const before = isToBeDeprecated && !image.tags.get(DEPRECATION_BEFORE_TAG)
      const hidden = new Map([
        ...(value === undefined || value === image.tags.get(CHECKSUM_TAG) ? [] : [[CHECKSUM_TAG, value] as const]),
        ...(before ? [[DEPRECATION_BEFORE_TAG, image.deprecationTime ?? NEVER] as const] : []),
      ])
      return { ec2, image, reason: own || reason, as, objection, hidden, isToBeDeprecated }
    })
}

/** The states of images that are used, or may be later. */
const EXISTING: ReadonlySet<string> = new Set(['available', 'pending', 'transient', 'disabled'])

/** EC2 rounds the time of deprecation to the nearest minute, so that an image may be deprecated up to a minute later than it was asked to. */
const ROUNDING = 60 * 1000

function isUsableLater({ deprecationTime }: Image): boolean {
  return deprecationTime === undefined || Date.parse(deprecationTime) > Date.now() + DEPRECATED_AFTER + ROUNDING
}

/** @param as `undefined` for an image that is revoked for another reason: it stays as it is. */
function hiddenValue(state: ImageState | undefined, as: Revocation['as'] | undefined): string | undefined {
  if (!state) return undefined
  const isRevoked = state.name === 'blocked' || state.name === 'once'
  if (isRevoked && as === undefined) return undefined
  return as === 'once' ? revokedOnceValue(state.former) : revokedValue(state.former)
}

/** Adds the objection: no look-up of this action returns the image any more, whatever its checksum tag says. */
export async function object(images: readonly ImageToRevoke[]) {
  return await forEachImage(images, async ({ ec2, image, objection, hidden }) => {
    try {
      await setTags(ec2, image, objection)
    } catch (error) {
      // No room for a further tag: the value of the one that is there still keeps the image from being found.
      const value = hidden.get(CHECKSUM_TAG)
      const isFull = errorCode(error) === 'TagLimitExceeded'
      if (isFull && value !== undefined) await setTags(ec2, image, new Map([[CHECKSUM_TAG, value]]))
      throw error
    }
  })
}

/** Sets the revoked value of the checksum tag: no query for the checksum returns the image any more. */
export async function hide(images: readonly ImageToRevoke[]) {
  return await forEachImage(images, ({ ec2, image, hidden }) => setTags(ec2, image, hidden))
}

async function setTags(ec2: Ec2, { id }: Image, tags: ReadonlyMap<string, string>): Promise<void> {
  if (tags.size > 0) await tagResource(ec2, id, tags)
}

/** Deprecates the images soon, unless they are to be deprecated earlier. Launches by id go on. */
export async function deprecate(images: readonly ImageToRevoke[]) {
  return await forEachImage(images, async ({ ec2, image, isToBeDeprecated }) => {
    if (isToBeDeprecated) await deprecateImage(ec2, image.id, new Date(Date.now() + DEPRECATED_AFTER))
  })
}

/** How long EC2 may still find an image by the former value of a tag, in seconds (EC2 developer guide, "Eventual consistency"). */
const TAG_PROPAGATION_SECONDS = 30

/** How many values one request may ask for: a filter has at most 200 (EC2 user guide, "Filter resources"). */
const VALUES_PER_REQUEST = 190

/**
 * Waits until no query for their checksums returns the images. An image that a `publish` has given the bare checksum again at the same
 * time is hidden again.
 *
 * @returns A failure for each image that can't be hidden. That EC2 still finds one by a former tag is only a warning.
 */
export async function confirmHidden(images: readonly ImageToRevoke[]): Promise<readonly Failure[]> {
  const regions = Map.groupBy(images, ({ ec2 }) => ec2)
  const states = images.flatMap(({ image }) => readState(image) ?? [])
  // Of all regions: a copy that had no checksum yet may have got that of its source.
  const values = [...new Set(states.map(({ former }) => former))]
  const failures = [...regions].map(async ([ec2, members]) => {
    try {
      await confirmIn(ec2, members, values)
      return []
    } catch (error) {
      ec2.signal?.throwIfAborted()
      const message = `Could not check that EC2 no longer finds it by its checksum. ${messageOf(error)}`
      return members.map(image => ({ image, message }))
    }
  })
  return (await Promise.all(failures)).flat()
}

async function confirmIn(ec2: Ec2, images: readonly ImageToRevoke[], values: readonly string[]): Promise<void> {
  const wanted = new Map(images.map(one => [one.image.id, one]))
  let stale: readonly Image[] = []
  const isHidden = await poll(ec2, TAG_PROPAGATION_SECONDS, async () => {
    const answers = chunk(values, VALUES_PER_REQUEST).map(part => describeByValues(ec2, part))
    stale = (await Promise.all(answers)).flat().filter(({ id }) => wanted.has(id))
    for (const image of stale) await hideAgain({ ec2, image }, wanted.get(image.id))
    return stale.length === 0 ? true : undefined
  })
  if (isHidden) return
  const names = stale.map(image => nameImage({ ec2, image })).join(', ')
  warn(`After ${TAG_PROPAGATION_SECONDS} s EC2 still finds ${names} by the former tag, although it has the new one.`)
}

async function describeByValues(ec2: Ec2, values: readonly string[]): Promise<Image[]> {
  const Filters = [{ Name: `tag:${CHECKSUM_TAG}`, Values: [...values] }]
  return await describeImages(ec2, { Owners: ['self'], Filters })
}

/** Only if its own tags say so: the filter may match a value that the image had before. */
async function hideAgain({ ec2, image }: RegionalImage, before: ImageToRevoke | undefined): Promise<void> {
  const state = readState(image)
  if (state?.name !== 'published' && state?.name !== 'candidate') return
  const value = before?.as === 'once' ? revokedOnceValue(state.former) : revokedValue(state.former)
  info(`${nameImage({ ec2, image })} has the checksum ${state.former} again: setting ${CHECKSUM_TAG} to ${value}.`)
  await tagResource(ec2, image.id, new Map([[CHECKSUM_TAG, value]]))
}
