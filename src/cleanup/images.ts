import { DeregisterImageCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, poll } from '../ec2/client.ts'
import {
  BAKED_AT_TAG,
  CHECKSUM_TAG,
  describeImages,
  type Image,
  REPOSITORY_TAG,
  type RegionalImage,
  TEMPLATE_TAG,
} from '../ec2/images.ts'
import { isNotFound } from '../ec2/requests.ts'
import { tagResource } from '../ec2/tags.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { info, messageOf, warn } from '../runner/log.ts'
import type { BakeIdentity } from './journal.ts'

/** What tells the images of a bake from all others. */
export interface Origin {
  readonly resources: CreatedResources
  /** The bake's instances. */
  readonly instances: readonly string[]
  /** When the bake began, in ISO 8601. */
  readonly startedAt: string
}

/** Images that a bake has made or startedAt. */
export interface ImagesOfBake {
  /** Those that are there. */
  readonly images: readonly Image[]
  /** The ids of those that are gone by now, or deregistered: snapshots and copies of them may still be there. */
  readonly gone: readonly string[]
  /** Those that may be of the bake: only a tag says so, they were created since it began, and they lack the checksum. */
  readonly uncertain: readonly Image[]
}

/** Finds the images of a bake: those made from its instances, and those that it printed and that come from no other instance. */
export async function findImagesOfBake(ec2: Ec2, origin: Origin): Promise<ImagesOfBake> {
  const { instances, resources } = origin
  const made = instances.length > 0 ? await describeOwn(ec2, 'source-instance-id', instances) : []
  const printed = resources.images.length > 0 ? await describeOwn(ec2, 'image-id', resources.images) : []
  const found = unique([...made, ...printed.filter(image => isOfBake(image, origin))])
  // An intermediary image may be gone by now, its copies not. One that is there and not of this bake is no source of ours.
  const vanished = resources.images.filter(id => !resources.isUntrusted && !printed.some(image => image.id === id))
  return {
    images: found.filter(image => isThere(image) && !(resources.isUntrusted && isFinished(image))),
    gone: [...found.filter(image => !isThere(image)).map(({ id }) => id), ...vanished],
    uncertain: resources.isUntrusted
      ? printed.filter(image => !found.includes(image) && isUncertain(image, origin))
      : [],
  }
}

/** "Recently deregistered images appear in the returned results for a short interval" (AWS: DescribeImages). */
function isThere({ state }: Image): boolean {
  return state !== 'deregistered'
}

/** Another run that was only frozen may have finished its image meanwhile, and others may have it by now. */
function isFinished({ tags }: Image): boolean {
  return tags.has(BAKED_AT_TAG) && tags.has(CHECKSUM_TAG)
}

function isUncertain(image: Image, origin: Origin): boolean {
  return isThere(image) && isSince(image, origin) && !image.tags.has(CHECKSUM_TAG)
}

/** Finds the copies that a bake has startedAt in a region of images of its own. */
export async function findCopies(
  ec2: Ec2,
  sources: readonly string[],
  origin: Origin,
): Promise<Pick<ImagesOfBake, 'images' | 'gone'>> {
  if (sources.length === 0) return { images: [], gone: [] }
  const copies = (await describeOwn(ec2, 'source-image-id', sources)).filter(image => isSince(image, origin))
  return { images: copies.filter(isThere), gone: copies.filter(image => !isThere(image)).map(({ id }) => id) }
}

async function describeOwn(ec2: Ec2, filter: string, values: readonly string[]): Promise<Image[]> {
  return await describeImages(ec2, { Owners: ['self'], Filters: [{ Name: filter, Values: [...values] }] })
}

/** What a tag says proves nothing: then only the instance counts. */
function isOfBake(image: Image, origin: Origin): boolean {
  if (image.sourceInstance) return origin.instances.includes(image.sourceInstance)
  return !origin.resources.isUntrusted && isSince(image, origin)
}

/** The clocks of EC2 and of the runner may differ by some minutes. */
function isSince({ creationDate }: Image, { startedAt }: Origin): boolean {
  return Date.parse(creationDate) > Date.parse(startedAt) - 5 * 60_000
}

function unique(images: readonly Image[]): Image[] {
  return [...new Map(images.map(image => [image.id, image])).values()]
}

/**
 * Makes sure that an image is never found: one that carries the checksum, because its template tagged it, gets another value
 * there, and this waits until the look-up does not return it any more; any other is deregistered.
 *
 * @returns The snapshots that are to be deleted, as far as EC2 names them; `undefined` when the image stays.
 */
export async function quarantine(placed: RegionalImage, bake: BakeIdentity): Promise<readonly string[] | undefined> {
  const { ec2, image } = placed
  const failed = `failed:${bake.checksum}`
  const value = image.tags.get(CHECKSUM_TAG)
  if (value === failed) return undefined
  if (value !== bake.checksum) return [...image.snapshots, ...(await deregister(ec2, image.id))]
  info(`${image.id} carries the checksum of a bake that did not end well: it gets the value ${failed}.`)
  await tagFailed(placed, bake)
  await waitUntilHidden(placed, bake.checksum)
  return undefined
}

/** With the tags by which `prune` knows whose image it is. The one that hides it counts, also where a tag policy forbids the others. */
async function tagFailed(
  { ec2, image }: RegionalImage,
  { checksum, template, repository }: BakeIdentity,
): Promise<void> {
  const hiding = [CHECKSUM_TAG, `failed:${checksum}`] as const
  const origin = [
    [TEMPLATE_TAG, template],
    [REPOSITORY_TAG, repository],
  ] as const
  const known = origin.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  await tagResource(ec2, image.id, new Map([hiding, ...known])).catch(async error => {
    ec2.signal?.throwIfAborted()
    if (known.length === 0) throw error
    await tagResource(ec2, image.id, new Map([hiding]))
  })
}

/** For how long EC2 may still find an image by a tag that it had before, in seconds. */
const TAG_PROPAGATION_SECONDS = 30

/**
 * Waits until EC2 does not find an image by the checksum any more, but by its new value (EC2 developer guide, "Eventual consistency"):
 * the next run asks for the checksum. That EC2 does not find it is not enough, because it may not know yet that the image ever had the
 * checksum. Looks at the answers by the filter, whatever tags they show. Never throws: the image has its new tag.
 */
async function waitUntilHidden({ ec2, image }: RegionalImage, checksum: string): Promise<void> {
  const isFoundBy = async (value: string) => {
    const Filters = [{ Name: `tag:${CHECKSUM_TAG}`, Values: [value] }]
    return (await describeImages(ec2, { Owners: ['self'], Filters })).some(({ id }) => id === image.id)
  }
  try {
    const isHidden = await poll(ec2, TAG_PROPAGATION_SECONDS, async () =>
      (await isFoundBy(checksum)) || !(await isFoundBy(`failed:${checksum}`)) ? undefined : true,
    )
    if (isHidden) return
    warn(
      `${image.id} is of a failed bake, and EC2 still finds it by its former tag after ${TAG_PROPAGATION_SECONDS} s.`,
    )
  } catch (error) {
    warn(`Whether EC2 still finds ${image.id}, which is of a failed bake, can't be said. ${messageOf(error)}`)
  }
}

/** How long an image may be such that it can't be deregistered, in seconds. */
const BUSY = 3 * 60

/**
 * Deregisters an image with its snapshots, as far as EC2 knows them.
 *
 * @returns The snapshots that EC2 says it has deleted, or could not delete.
 */
async function deregister(ec2: Ec2, ImageId: string): Promise<readonly string[]> {
  info(`Deregistering ${ImageId} and deleting its snapshots.`)
  let refusal: unknown
  const snapshots = await poll(ec2, BUSY, async () => {
    try {
      return await requestDeregistration(ec2, ImageId)
    } catch (error) {
      if (!isNotFound(error) && !UNCLEAR.has(errorCode(error) ?? '')) throw error
      if (!(await describeOwn(ec2, 'image-id', [ImageId])).some(isThere)) return []
      if (!refusal) info(`Waiting up to ${BUSY} s until ${ImageId} can be deregistered: ${messageOf(error)}`)
      refusal = error
      return undefined
    }
  })
  if (snapshots) return snapshots
  throw new Error(`${ImageId} can still not be deregistered after ${BUSY} s: ${messageOf(refusal)}`, { cause: refusal })
}

async function requestDeregistration(ec2: Ec2, ImageId: string): Promise<readonly string[]> {
  const command = new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true })
  const { DeleteSnapshotResults = [] } = await ask(ec2, 'ec2:DeregisterImage', (client, options) =>
    client.send(command, options),
  )
  return DeleteSnapshotResults.flatMap(({ SnapshotId }) => SnapshotId ?? [])
}

/**
 * "Unavailable" is said of an image that is deregistered already, and of one in a state that forbids it (AWS: "Error codes for the
 * Amazon EC2 API"); "not found", of one that was just created, too. Only its description tells which.
 */
const UNCLEAR: ReadonlySet<string> = new Set(['InvalidAMIID.Unavailable', 'IncorrectState'])
