import { createHash } from 'node:crypto'
import { CopyImageCommand, type ResourceType } from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, poll } from '../ec2.ts'
import { byAge, CHECKSUM_TAG, describeImages, IMAGE_TAG, type Image } from '../images.ts'
import { info, printable } from '../log.ts'
import type { Original } from './heal.ts'
import { LIMIT, onceAMinute, waitForCopy } from './wait.ts'

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
export async function obtainCopy(original: Original, to: Destination): Promise<Image> {
  const { ec2 } = to
  for (let vanished = 0; vanished < MOST_VANISHED; vanished++) {
    const copies = await findCopies(ec2, original.image.id)
    const available = copies.filter(({ state }) => state === 'available').sort(byAge)
    const finished = available.findLast(({ tags }) => tags.get(CHECKSUM_TAG) === original.checksum) ?? available.at(-1)
    if (finished) return finished
    const failed = copies.filter(({ state }) => state === 'failed').length
    const pending = copies.find(({ state }) => state === 'pending')
    const id = pending ? join(ec2, pending) : await begin(original, { ...to, attempt: failed + vanished })
    const copy = id && (await waitForCopy(ec2, original.image.id, id))
    if (copy) return copy
    // A token that was used before gets that request's answer, even when its image is gone: the next one is for a new copy.
    info(`${ec2.region}: ${id || 'the copy'} is gone: something has deregistered it. The image is copied anew.`)
  }
  throw new Error(`${MOST_VANISHED} copies have vanished one after the other. Does something deregister new images?`)
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
async function begin(original: Original, order: Order): Promise<string | undefined> {
  const { region } = order.ec2
  const tell = onceAMinute(() => info(`${region}: there are too many copies at once (20 a region); waiting.`))
  const begun = await poll(order.ec2, LIMIT, async () => {
    const answer = await request(original, order)
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
async function request(original: Original, order: Order): Promise<Begun | undefined> {
  for (const name of namesFor(original, order)) {
    try {
      return { id: await copyImage(original, order, name) }
    } catch (error) {
      const code = errorCode(error)
      if (code === 'IdempotentParameterMismatch') return { id: undefined }
      if (code === 'ResourceLimitExceeded') return undefined
      if (code !== 'InvalidAMIName.Duplicate') throw error
      const rival = (await findCopies(order.ec2, original.image.id)).find(({ state }) => state !== 'failed')
      if (rival) return { id: join(order.ec2, rival) }
    }
  }
  throw new Error(`The name ${printable(original.image.name)} is taken, and so are those made from it. Remove one.`)
}

/** A failed copy keeps its name, so that each attempt has one more to try. Names have 128 characters at most (AWS: CopyImage). */
function namesFor({ image }: Original, { attempt }: Order): readonly string[] {
  const digits = image.id.slice(-8)
  const endings = ['', `-${digits}`, ...(attempt > 0 ? [`-${digits}-${attempt}`] : [])]
  return endings.map(ending => image.name.slice(0, 128 - ending.length) + ending)
}

/** Every parameter is the same for concurrent runs, so that EC2 makes one copy for them all (AWS: "Ensuring idempotency"). */
async function copyImage({ image, region }: Original, order: Order, Name: string): Promise<string> {
  const { ec2, kmsKey, attempt } = order
  const tagged = (ResourceType: ResourceType) => ({ ResourceType, Tags: [{ Key: IMAGE_TAG, Value: image.id }] })
  const command = new CopyImageCommand({
    Name,
    SourceImageId: image.id,
    SourceRegion: region,
    TagSpecifications: [tagged('image'), tagged('snapshot')],
    ClientToken: createHash('sha256').update(`${image.id} ${ec2.region} ${attempt}`).digest('hex'),
    ...(image.description && { Description: image.description }),
    ...(kmsKey && { Encrypted: true, KmsKeyId: kmsKey }),
  })
  const { ImageId } = await ask(ec2, 'ec2:CopyImage', (client, options) => client.send(command, options))
  if (ImageId) {
    info(`${ec2.region}: ${image.id} is being copied, as ${ImageId}.`)
    return ImageId
  }
  throw new Error(`ec2:CopyImage in ${ec2.region}: the answer has no id, so that it is none of EC2.`)
}
