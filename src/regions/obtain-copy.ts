import { createHash } from 'node:crypto'
import { CopyImageCommand, type ResourceType } from '@aws-sdk/client-ec2'
import { backupTag } from '../ec2/choose-image.ts'
import { ask, type Ec2, errorCode, NOT_EC2, poll } from '../ec2/client.ts'
import { byAge, describeImages, type Image } from '../ec2/images.ts'
import { onceVisible, VISIBLE_WITHIN } from '../ec2/requests.ts'
import { describeRevocation, isRevoked } from '../ec2/revoked.ts'
import { toTagList } from '../ec2/tag-list.ts'
import { CHECKSUM_TAG, IMAGE_TAG, REPOSITORY_TAG, TEMPLATE_TAG } from '../ec2/tag-names.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import type { SourceImage } from './source-image.ts'
import { hasFailed, stageOf } from './stage.ts'
import { COPY_TIMEOUT, onceAMinute, waitForCopy } from './wait-for-copy.ts'

/** Where to copy an image to. */
export interface Destination {
  readonly ec2: Ec2
  /** The key that encrypts the copy. */
  readonly kmsKey: string | undefined
}

/** How often a copy is made again because it was deregistered before it was available. */
const MAX_COPY_ATTEMPTS = 10

/**
 * Gets an available copy of the image in a region: an existing one, one that another run has started, or a new one.
 *
 * @throws Error when the copy fails, with EC2's reason, or is not available after two hours.
 */
export async function obtainCopy(source: SourceImage, to: Destination): Promise<Image> {
  const { ec2 } = to
  for (let removed = 0; removed < MAX_COPY_ATTEMPTS; removed++) {
    const { available, failed, pending } = await findUsableCopies(ec2, source)
    const finished = available.findLast(({ tags }) => tags.get(CHECKSUM_TAG) === source.checksum) ?? available.at(-1)
    if (finished) return finished
    const id = pending ? join(ec2, pending) : await startCopy(source, { ...to, attempt: failed.length + removed })
    const copy = id && (await waitForCopy(ec2, source.image.id, id))
    if (copy) return copy
    // To a token that was used before, EC2 repeats its answer, even if that image is deregistered: a new copy needs a new token.
    info(`${ec2.region}: ${id || 'the copy'} was deregistered or disabled. Copying the image again.`)
  }
  throw new Error(
    `${MAX_COPY_ATTEMPTS} copies were deregistered or disabled before they were finished. Check what deregisters new images.`,
  )
}

interface UsableCopies {
  /** From the oldest to the newest. */
  readonly available: readonly Image[]
  readonly failed: readonly Image[]
  readonly pending: Image | undefined
}

/** @throws Error when a copy is revoked: another copy would have the same content. */
async function findUsableCopies(ec2: Ec2, { image, checksum }: SourceImage): Promise<UsableCopies> {
  const copies = (await findTaggedCopies(ec2, image.id)).filter(copy => backupTag(copy) === undefined)
  const failed = copies.filter(copy => hasFailed(copy, checksum))
  const others = copies.filter(copy => !hasFailed(copy, checksum) && stageOf(copy) !== 'unusable').sort(byAge)
  rejectRevoked(others, image)
  return {
    available: others.filter(copy => stageOf(copy) === 'available'),
    failed,
    pending: others.find(copy => stageOf(copy) === 'pending'),
  }
}

function rejectRevoked(copies: readonly Image[], source: Image): void {
  const revoked = copies.find(isRevoked)
  if (!revoked) return
  throw new Error(
    `${revoked.id} is a copy of ${source.id} and is ${describeRevocation(revoked)}. Revoke ${source.id} too, or restore or deregister the copy.`,
  )
}

/** Finds the copies that this action made, in any state. */
async function findTaggedCopies(ec2: Ec2, source: string): Promise<Image[]> {
  return await describeImages(ec2, { Owners: ['self'], Filters: [{ Name: `tag:${IMAGE_TAG}`, Values: [source] }] })
}

function join(ec2: Ec2, { id }: Image): string {
  info(`${ec2.region}: another run is already copying the image, as ${id}.`)
  return id
}

interface CopyRequest extends Destination {
  /** How many copies have failed or were deregistered before. */
  readonly attempt: number
}

/** Starts a copy. Returns its id; `undefined` when the token was used for another request. */
async function startCopy(source: SourceImage, request: CopyRequest): Promise<string | undefined> {
  const { ec2 } = request
  const printWait = onceAMinute(() =>
    info(`${ec2.region}: too many copies run at once (ResourceLimitExceeded). Waiting up to two hours.`),
  )
  const started = await poll(ec2, COPY_TIMEOUT, async () => {
    const answer = await tryToStart(source, request)
    if (!answer) await printWait()
    return answer
  })
  if (started) return started.id
  throw new Error('too many copies have been running for two hours (ResourceLimitExceeded). Run the job again later.')
}

interface StartedCopy {
  /** `undefined` when the token was used for another request. */
  readonly id: string | undefined
}

/** @returns `undefined` while EC2 is running too many copies. */
async function tryToStart(source: SourceImage, request: CopyRequest): Promise<StartedCopy | undefined> {
  for (const name of namesFor(source, request)) {
    try {
      return { id: await copyImage(source, request, name) }
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ResourceLimitExceeded') return undefined
      const isUsed = code === 'IdempotentParameterMismatch'
      if (!isUsed && code !== 'InvalidAMIName.Duplicate') throw error
      // EC2 may not show the copy yet that a used token belongs to. A used name may belong to any image.
      const other = await poll(request.ec2, isUsed ? VISIBLE_WITHIN : 0, () => findOtherRunsCopy(source, request.ec2))
      if (other) return { id: join(request.ec2, other) }
      if (isUsed) return { id: undefined }
    }
  }
  throw new Error(
    `The name ${escapeControlCharacters(source.image.name)} and its variants are used by other images. Deregister one of them.`,
  )
}

/** Finds the copy that another run has started. */
async function findOtherRunsCopy(source: SourceImage, ec2: Ec2): Promise<Image | undefined> {
  const { available, pending } = await findUsableCopies(ec2, source)
  return pending ?? available.at(-1)
}

/** A failed copy keeps its name, so that a further attempt needs a further name. A name has 128 characters at most (AWS: CopyImage). */
function namesFor({ image }: SourceImage, { attempt }: CopyRequest): readonly string[] {
  const digits = image.id.slice(-8)
  const endings = ['', `-${digits}`, ...(attempt > 0 ? [`-${digits}-${attempt}`] : [])]
  return endings.map(ending => image.name.slice(0, 128 - ending.length) + ending)
}

/**
 * Every parameter but the user's tags comes from the source image, so that concurrent runs, also of other repositories and
 * templates, send the same request, and EC2 makes one copy for all of them (AWS: "Ensuring idempotency").
 */
async function copyImage(
  { ec2: home, image, firstTags }: SourceImage,
  request: CopyRequest,
  Name: string,
): Promise<string> {
  const { ec2, kmsKey, attempt } = request
  const Tags = toTagList([...firstTags, ...creationTags(image)])
  const tagged = (ResourceType: ResourceType) => ({ ResourceType, Tags })
  const command = new CopyImageCommand({
    Name,
    SourceImageId: image.id,
    SourceRegion: home.region,
    TagSpecifications: [tagged('image'), tagged('snapshot')],
    ClientToken: createHash('sha256').update(`${image.id} ${ec2.region} ${attempt}`).digest('hex'),
    ...(image.description && { Description: image.description }),
    ...(kmsKey && { Encrypted: true, KmsKeyId: kmsKey }),
  })
  // If the source was just baked, EC2 in the other region may not know it yet.
  const { ImageId } = await onceVisible(ec2, () =>
    ask(ec2, 'ec2:CopyImage', (client, options) => client.send(command, options)),
  )
  if (ImageId) {
    info(`${ec2.region}: copying ${image.id}, as ${ImageId}.`)
    return ImageId
  }
  throw new Error(`ec2:CopyImage in ${ec2.region}: the response has no image id. ${NOT_EC2}`)
}

/**
 * The tags that a copy and its snapshots are created with, so that their origin is known even if no run finishes the copy. A source that
 * an older version or another tool made may lack them; then its copies lack them too.
 */
function creationTags({ id, tags }: Image): ReadonlyMap<string, string> {
  const known = [TEMPLATE_TAG, REPOSITORY_TAG].flatMap((key): [string, string][] => {
    const value = tags.get(key)
    return value === undefined ? [] : [[key, value]]
  })
  return new Map([[IMAGE_TAG, id], ...known])
}
