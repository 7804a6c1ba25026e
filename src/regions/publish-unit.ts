import { poll } from '../ec2/client.ts'
import { describeAgain, type Image, type RegionalImage } from '../ec2/images.ts'
import { describeByValue, FOUND_WITHIN } from '../ec2/look-up.ts'
import { describeRevocation, isRevoked } from '../ec2/revoked.ts'
import { revokedValue } from '../ec2/state.ts'
import { BAKED_AT_TAG, CHECKSUM_TAG } from '../ec2/tag-names.ts'
import { tagResource } from '../ec2/tags.ts'
import { warnAndContinue } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'

/** An image with its copies, all of them available, that are to become hits. */
export interface UnpublishedUnit {
  readonly source: RegionalImage
  readonly copies: readonly RegionalImage[]
  /** The value of the checksum tag that makes them hits. */
  readonly checksum: string
}

/** The image was revoked, before or while it was published. */
export class RevokedImage extends Error {}

/**
 * Makes an image and its copies hits: first the copies, then the image, because a run that finds the image expects its copies. Waits
 * until the look-up returns them. Reads all of them once more then: a revocation at the same time wins.
 *
 * @throws {@link RevokedImage} if one of them is revoked: then none of them is a hit. Error with the reason for each image that can't be
 *   tagged: if it is a copy, the image itself is not tagged.
 */
export async function publishUnit(unit: UnpublishedUnit): Promise<void> {
  const { source, copies, checksum } = unit
  await refuseRevoked(unit)
  await assertAll(copies.map(copy => tagCopyAsHit(copy, unit)))
  const isHit = isTagged(source, checksum)
  // Copies take their time.
  if (!isHit && copies.length > 0) await refuseRevoked(unit)
  await tagAsHit(source, checksum)
  await waitUntilHits(unit, isHit ? copies : [...copies, source])
}

/** Looks for a revocation after every query, so that a revoked image is not waited for. */
async function waitUntilHits(unit: UnpublishedUnit, images: readonly RegionalImage[]): Promise<void> {
  const { source, checksum } = unit
  let isAnnounced = false
  const isFound = await poll(source.ec2, FOUND_WITHIN, async () => {
    const found = await Promise.all(images.map(one => isFoundBy(one, checksum)))
    await refuseRevoked(unit)
    if (found.every(Boolean)) return true
    if (!isAnnounced) info(`Waiting up to 5 minutes until EC2 finds ${source.image.id} and its copies by their tags.`)
    isAnnounced = true
    return undefined
  })
  if (isFound) return
  throw new Error(
    `${source.image.id} and its copies have their tags, but EC2 does not find all of them by these after 5 minutes. Run the job again.`,
  )
}

async function isFoundBy({ ec2, image }: RegionalImage, checksum: string): Promise<boolean> {
  return (await describeByValue(ec2, checksum)).some(({ id }) => id === image.id)
}

/** Joins the errors of all images to one. */
async function assertAll(work: readonly (Promise<void> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failures = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  const [first] = failures
  if (failures.length === 1) throw first
  if (failures.length > 1) throw new Error([...new Set(failures.map(messageOf))].join('\n'), { cause: first })
}

async function tagCopyAsHit(copy: RegionalImage, { source, checksum }: UnpublishedUnit): Promise<void> {
  if (isTagged(copy, checksum)) return
  await tagAge(copy, source.image)
  await tagAsHit(copy, checksum)
}

/**
 * Gives a copy the age of its source. Not before the copy is about to be a hit: `prune` deletes an unfinished copy by its age, also
 * one whose other regions take hours.
 */
async function tagAge({ ec2, image }: RegionalImage, source: Image): Promise<void> {
  if (image.tags.has(BAKED_AT_TAG)) return
  const bakedAt = source.tags.get(BAKED_AT_TAG) ?? source.creationDate
  const ignore = warnAndContinue(`The copy lacks the tag ${BAKED_AT_TAG}, but is usable.`)
  await tagResource(ec2, image.id, new Map([[BAKED_AT_TAG, bakedAt]])).catch(ignore)
}

/** Sends no request for an image that has the tag already. */
async function tagAsHit(regional: RegionalImage, checksum: string): Promise<void> {
  if (isTagged(regional, checksum)) return
  await tagResource(regional.ec2, regional.image.id, new Map([[CHECKSUM_TAG, checksum]]))
}

function isTagged({ image }: RegionalImage, checksum: string): boolean {
  return image.tags.get(CHECKSUM_TAG) === checksum
}

/** Describes the images again, and takes all of them out of use when one of them is revoked. */
async function refuseRevoked(unit: UnpublishedUnit): Promise<void> {
  try {
    await assertNotRevoked([unit.source, ...unit.copies])
  } catch (error) {
    if (error instanceof RevokedImage) await withdraw(unit)
    throw error
  }
}

/** @throws {@link RevokedImage} that names the reason, by EC2's present description of the images. */
async function assertNotRevoked(images: readonly RegionalImage[]): Promise<void> {
  for (const { ec2, image } of await describeAgain(images)) {
    if (!isRevoked(image)) continue
    throw new RevokedImage(
      `${image.id} in ${ec2.region} is ${describeRevocation(image)}, so that it and its copies are not published. Restore it first, or bake another one.`,
    )
  }
}

/** Whether or not the step is cancelled meanwhile. Images that are not hits stay as they are. */
async function withdraw({ source, copies, checksum }: UnpublishedUnit): Promise<void> {
  const images = [source, ...copies].map(({ ec2, image }) => ({ ec2: { ...ec2, signal: undefined }, image }))
  const hits = (await describeAgain(images)).filter(one => isTagged(one, checksum))
  const value = revokedValue(checksum)
  for (const { ec2, image } of hits)
    info(`${image.id} in ${ec2.region} is revoked: setting ${CHECKSUM_TAG} to ${value}.`)
  await assertAll(hits.map(({ ec2, image }) => tagResource(ec2, image.id, new Map([[CHECKSUM_TAG, value]]))))
}
