import { createHash } from 'node:crypto'
import { CopyImageCommand, type ResourceType } from '@aws-sdk/client-ec2'
import { cancelled } from '../cancel.ts'
import { ask, type Ec2, errorCode, poll } from '../ec2.ts'
import { workflowRun } from '../github.ts'
import { byAge, CHECKSUM_TAG, describeImages, IMAGE_TAG, type Image, tagImage } from '../images.ts'
import { info, printable } from '../log.ts'
import type { BakeRecord } from '../record.ts'
import type { Original } from './heal.ts'
import { LIMIT, onceAMinute, waitForCopy } from './wait.ts'

/** The tag that a run puts on a copy which another run has begun: it waits for it too, so that nobody may remove it. */
export const WAITER_TAG = 'ami_bakery_waiter'

/** Where a copy goes. */
export interface Destination {
  readonly ec2: Ec2
  /** Encrypts the copy. */
  readonly kmsKey: string | undefined
}

/** How many copies that others removed are replaced. */
const MOST_VANISHED = 10

/**
 * Gets an available copy of the image in a region: one that is there, one that another run has begun, or a new one.
 *
 * @throws Error when the copy fails, with EC2's reason, or isn't available after two hours.
 */
export async function obtainCopy(original: Original, to: Destination, record: BakeRecord): Promise<Image> {
  const { ec2 } = to
  for (let vanished = 0; vanished < MOST_VANISHED; vanished++) {
    const copies = await findCopies(ec2, original.image.id)
    const available = copies.filter(({ state }) => state === 'available').sort(byAge)
    const finished = available.findLast(({ tags }) => tags.get(CHECKSUM_TAG) === original.checksum) ?? available.at(-1)
    if (finished) return finished
    const failed = copies.filter(({ state }) => state === 'failed').length
    const pending = copies.find(({ state }) => state === 'pending')
    const id = pending ? await join(ec2, pending) : await begin(original, { ...to, attempt: failed + vanished }, record)
    const copy = id && (await waitForCopy(ec2, original.image.id, id))
    if (copy) return copy
    // A token that was used before gets that request's answer, even when its image is gone: the next one is for a new copy.
    info(`${ec2.region}: ${id || 'the copy'} is gone, as after a cancelled run. It is copied anew.`)
  }
  throw new Error(`${MOST_VANISHED} copies have vanished one after the other. Does something deregister new images?`)
}

/** The copies that were made by this action, in whatever state. */
export async function findCopies(ec2: Ec2, source: string): Promise<Image[]> {
  return await describeImages(ec2, { Owners: ['self'], Filters: [{ Name: `tag:${IMAGE_TAG}`, Values: [source] }] })
}

async function join(ec2: Ec2, { id }: Image): Promise<string> {
  info(`${ec2.region}: another run copies the image already, as ${id}.`)
  const mark = new Map([[WAITER_TAG, workflowRun()?.url ?? 'a run outside GitHub']])
  // Without the mark the other run, if it is cancelled, removes the copy, and it is copied anew.
  await tagImage(ec2, id, mark).catch(() => cancelled.throwIfAborted())
  return id
}

interface Order extends Destination {
  /** How many copies have come to nothing before. */
  readonly attempt: number
}

/** Asks for a copy, noting it first so that `post` can remove it. `undefined` when the token was spent on another request. */
async function begin(original: Original, order: Order, record: BakeRecord): Promise<string | undefined> {
  const [region, source] = [order.ec2.region, original.image.id]
  const others = () => (record.facts().copies ?? []).filter(copy => copy.region !== region)
  record.note({ copies: [...others(), { region, source }] })
  try {
    const tell = onceAMinute(() => info(`${region}: there are too many copies at once (20 a region); waiting.`))
    const begun = await poll(order.ec2, LIMIT, async () => {
      const answer = await request(original, order)
      if (!answer) await tell()
      return answer
    })
    if (!begun) throw new Error('there are too many copies at once for two hours (ResourceLimitExceeded). Try later.')
    const { id } = begun
    record.note({ copies: [...others(), ...(id && begun.isOurs ? [{ region, source, id }] : [])] })
    if (id && begun.isOurs) info(`${region}: ${source} is being copied, as ${id}.`)
    return id
  } catch (error) {
    // A request that was cut short may have reached EC2: that one stays noted.
    cancelled.throwIfAborted()
    record.note({ copies: others() })
    throw error
  }
}

interface Begun {
  readonly id: string | undefined
  /** Whether this run's request began it. */
  readonly isOurs: boolean
}

/** `undefined` as long as EC2 has too much to copy. */
async function request(original: Original, order: Order): Promise<Begun | undefined> {
  for (const name of namesFor(original, order)) {
    try {
      return { id: await copyImage(original, order, name), isOurs: true }
    } catch (error) {
      const code = errorCode(error)
      if (code === 'IdempotentParameterMismatch') return { id: undefined, isOurs: false }
      if (code === 'ResourceLimitExceeded') return undefined
      if (code !== 'InvalidAMIName.Duplicate') throw error
      const rival = (await findCopies(order.ec2, original.image.id)).find(({ state }) => state !== 'failed')
      if (rival) return { id: await join(order.ec2, rival), isOurs: false }
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
  if (ImageId) return ImageId
  throw new Error(`ec2:CopyImage in ${ec2.region}: the answer has no id, so that it is none of EC2.`)
}
