import { createHash } from 'node:crypto'
import { CopyImageCommand, type ResourceType } from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, poll } from '../ec2/client.ts'
import { byAge, CHECKSUM_TAG, describeImages, IMAGE_TAG, type Image, TEMPLATE_TAG } from '../ec2/images.ts'
import { backupTag, REVOKED_TAG } from '../ec2/look-up.ts'
import { onceVisible, VISIBLE_WITHIN } from '../ec2/requests.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import type { SourceImage } from './source-image.ts'
import { hasFailed, stageOf } from './stage.ts'
import { LIMIT, onceAMinute, waitForCopy } from './wait-for-copy.ts'

/** The tag that holds the repository whose workflow baked an image. */
const REPOSITORY_TAG = 'ami_bakery_repository'

/** Where a copy goes. */
export interface Destination {
  readonly ec2: Ec2
  /** Encrypts the copy. */
  readonly kmsKey: string | undefined
}

/** How many copies are replaced that something deregisters before they are available. */
const MOST_VANISHED = 10

/**
 * Gets an available copy of the image in a region: one that is there, one that another run has begun, or a new one.
 *
 * @throws Error when the copy fails, with EC2's reason, or isn't available after two hours.
 */
export async function obtainCopy(source: SourceImage, to: Destination): Promise<Image> {
  const { ec2 } = to
  for (let vanished = 0; vanished < MOST_VANISHED; vanished++) {
    const { available, failed, pending } = await findUsableCopies(ec2, source)
    const finished = available.findLast(({ tags }) => tags.get(CHECKSUM_TAG) === source.checksum) ?? available.at(-1)
    if (finished) return finished
    const id = pending ? join(ec2, pending) : await begin(source, { ...to, attempt: failed.length + vanished })
    const copy = id && (await waitForCopy(ec2, source.image.id, id))
    if (copy) return copy
    // A token that was used before gets that request's answer, even when its image is gone: the next one is for a new copy.
    info(`${ec2.region}: ${id || 'the copy'} is gone: something has deregistered it. The image is copied anew.`)
  }
  throw new Error(`${MOST_VANISHED} copies have vanished one after the other. Does something deregister new images?`)
}

interface UsableCopies {
  /** From the oldest to the newest. */
  readonly available: readonly Image[]
  readonly failed: readonly Image[]
  readonly pending: Image | undefined
}

/** @throws Error when one is revoked: another copy would hold the same. */
async function findUsableCopies(ec2: Ec2, { image, checksum }: SourceImage): Promise<UsableCopies> {
  const copies = (await findCopies(ec2, image.id)).filter(copy => backupTag(copy) === undefined)
  const failed = copies.filter(copy => hasFailed(copy, checksum))
  const others = copies.filter(copy => !hasFailed(copy, checksum) && stageOf(copy) !== 'gone').sort(byAge)
  rejectRevoked(others, image)
  return {
    available: others.filter(copy => stageOf(copy) === 'available'),
    failed,
    pending: others.find(copy => stageOf(copy) === 'under way'),
  }
}

function rejectRevoked(copies: readonly Image[], source: Image): void {
  const revoked = copies.find(({ tags }) => tags.get(REVOKED_TAG))
  if (!revoked) return
  const reason = escapeControlCharacters(revoked.tags.get(REVOKED_TAG) ?? '')
  throw new Error(
    `${revoked.id} is a copy of ${source.id} and is revoked (${reason}). Revoke ${source.id} too, or restore or deregister the copy.`,
  )
}

/** The copies that were made by this action, in whatever state. */
export async function findCopies(ec2: Ec2, source: string): Promise<Image[]> {
  return await describeImages(ec2, { Owners: ['self'], Filters: [{ Name: `tag:${IMAGE_TAG}`, Values: [source] }] })
}

function join(ec2: Ec2, { id }: Image): string {
  info(`${ec2.region}: another run copies the image already, as ${id}.`)
  return id
}

interface Order extends Destination {
  /** How many copies have come to nothing before. */
  readonly attempt: number
}

/** Asks for a copy. `undefined` when the token was spent on another request. */
async function begin(source: SourceImage, order: Order): Promise<string | undefined> {
  const { region } = order.ec2
  const tell = onceAMinute(() =>
    info(`${region}: there are too many copies at once (ResourceLimitExceeded). Waiting, two hours at most.`),
  )
  const begun = await poll(order.ec2, LIMIT, async () => {
    const answer = await request(source, order)
    if (!answer) await tell()
    return answer
  })
  if (!begun) throw new Error('there are too many copies at once for two hours (ResourceLimitExceeded). Try later.')
  return begun.id
}

interface Begun {
  /** `undefined` when the token was spent. */
  readonly id: string | undefined
}

/** `undefined` as long as EC2 has too much to copy. */
async function request(source: SourceImage, order: Order): Promise<Begun | undefined> {
  for (const name of namesFor(source, order)) {
    try {
      return { id: await copyImage(source, order, name) }
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ResourceLimitExceeded') return undefined
      const isSpent = code === 'IdempotentParameterMismatch'
      if (!isSpent && code !== 'InvalidAMIName.Duplicate') throw error
      // A spent token belongs to a copy that may not be listed yet; a name may be anything's.
      const rival = await poll(order.ec2, isSpent ? VISIBLE_WITHIN : 0, () => findRival(source, order.ec2))
      if (rival) return { id: join(order.ec2, rival) }
      if (isSpent) return { id: undefined }
    }
  }
  throw new Error(
    `The name ${escapeControlCharacters(source.image.name)} is taken, and so are those made from it. Remove one.`,
  )
}

/** The copy that another run has begun. */
async function findRival(source: SourceImage, ec2: Ec2): Promise<Image | undefined> {
  const { available, pending } = await findUsableCopies(ec2, source)
  return pending ?? available.at(-1)
}

/** A failed copy keeps its name, so that each attempt has one more to try. Names have 128 characters at most (AWS: CopyImage). */
function namesFor({ image }: SourceImage, { attempt }: Order): readonly string[] {
  const digits = image.id.slice(-8)
  const endings = ['', `-${digits}`, ...(attempt > 0 ? [`-${digits}-${attempt}`] : [])]
  return endings.map(ending => image.name.slice(0, 128 - ending.length) + ending)
}

/**
 * Every parameter is the same for concurrent runs, whatever their repository and template, so that EC2 makes one copy for them all
 * (AWS: "Ensuring idempotency"): each comes from the source image.
 */
async function copyImage({ image, region }: SourceImage, order: Order, Name: string): Promise<string> {
  const { ec2, kmsKey, attempt } = order
  const Tags = [...firstTags(image)].map(([Key, Value]) => ({ Key, Value }))
  const tagged = (ResourceType: ResourceType) => ({ ResourceType, Tags })
  const command = new CopyImageCommand({
    Name,
    SourceImageId: image.id,
    SourceRegion: region,
    TagSpecifications: [tagged('image'), tagged('snapshot')],
    ClientToken: createHash('sha256').update(`${image.id} ${ec2.region} ${attempt}`).digest('hex'),
    ...(image.description && { Description: image.description }),
    ...(kmsKey && { Encrypted: true, KmsKeyId: kmsKey }),
  })
  // The source may just have been baked, and not be known to the other region's EC2.
  const { ImageId } = await onceVisible(ec2, () =>
    ask(ec2, 'ec2:CopyImage', (client, options) => client.send(command, options)),
  )
  if (ImageId) {
    info(`${ec2.region}: ${image.id} is being copied, as ${ImageId}.`)
    return ImageId
  }
  throw new Error(`ec2:CopyImage in ${ec2.region}: the answer has no id, so that it is none of EC2.`)
}

/**
 * The tags that a copy and its snapshots have from the start: from whom they are is known even when no run finishes the copy. A source
 * without them, as one of an older version or of other tools, gives its copies none.
 */
function firstTags({ id, tags }: Image): ReadonlyMap<string, string> {
  const known = [TEMPLATE_TAG, REPOSITORY_TAG].flatMap((key): [string, string][] => {
    const value = tags.get(key)
    return value === undefined ? [] : [[key, value]]
  })
  return new Map([[IMAGE_TAG, id], ...known])
}
