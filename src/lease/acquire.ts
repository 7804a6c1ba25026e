import type { FoundImage } from '../ec2/images.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import { milliseconds, pause } from '../runner/wait.ts'
import { type KeyPair, type KeyPairs, OWNER_TAG } from './key-pairs.ts'

/** The tag that holds the address of the run that bakes. */
export const URL_TAG = 'ami_bakery_run'
/** The tag whose value changes as long as the owner of a lease lives. */
export const HEARTBEAT_TAG = 'ami_bakery_counter'

/** The wish for a lease, and what can be done about it while another has it. */
export interface LeaseRequest {
  readonly keyPairs: KeyPairs
  readonly name: string
  /** What the lease is born with: the owner, the run, the counter. */
  readonly tags: ReadonlyMap<string, string>
  /** How long to wait for others. */
  readonly minutes: number
  /** Says why it is no use to wait any longer; asked again and again. */
  shortage?(): Promise<string | undefined>
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined
  lookUp(): Promise<FoundImage | undefined>
  /** Hears that a lease is about to be asked for, so that it can be given back whatever happens then. */
  announce(): void
  /** Removes what the dead owner of a lease has left on EC2. */
  cleanUp(dead: KeyPair): Promise<void>
}

/** How long a lease must stand still before who watches it holds its owner for dead: five renewals, in seconds. */
const STALE_AFTER_SECONDS = 5 * 60
/** For how long an image may still turn up after its lease has gone, in seconds: tags appear late. */
const TAG_PROPAGATION_SECONDS = 30

/**
 * Takes the lease, or waits until another's bake has given an image. No clock is read but this process's own: a lease is dead
 * when it was seen unchanged for five minutes. Then it is deleted by its id, and all who wait race to create the next.
 *
 * @returns The id of the lease, or the image.
 * @throws Error that names the holder when the time is over; {@link LeaseError} when leases don't work here.
 */
export async function acquireLease(claim: LeaseRequest): Promise<string | FoundImage> {
  const end = performance.now() + milliseconds(claim.minutes * 60)
  let seen: Observation | undefined
  for (let first = true; ; first = false) {
    const asked = performance.now()
    const holder = await findHolder(claim)
    if (holder && isOurs(holder, claim)) return holder.id
    const turn = holder ? await claim.lookUp() : await take(claim, first)
    if (turn) return turn
    seen = compare(seen, holder)
    if (holder && asked - seen.since >= milliseconds(STALE_AFTER_SECONDS)) await evictStaleLease(claim, holder)
    else if (performance.now() > end) throw giveUp(claim, seen)
    else await refuseShortage(claim, seen)
    await pause(milliseconds(10 + 10 * Math.random()), claim.signal)
  }
}

/** What was seen of a lease, and since when it has been just so, on this process's own clock. */
interface Observation {
  readonly holder: KeyPair | undefined
  readonly since: number
}

function compare(before: Observation | undefined, holder: KeyPair | undefined): Observation {
  if (holder && before?.holder?.id !== holder.id) {
    info(`Waiting: ${describeHolder(holder)} bakes this checksum since ${holder.created?.toISOString() ?? 'a while'}.`)
  }
  const isSame = before && before.holder?.id === holder?.id && counterOf(before.holder) === counterOf(holder)
  return isSame ? before : { holder: holder ?? before?.holder, since: performance.now() }
}

function counterOf(holder: KeyPair | undefined): string | undefined {
  return holder?.tags.get(HEARTBEAT_TAG)
}

async function findHolder({ keyPairs, name }: LeaseRequest): Promise<KeyPair | undefined> {
  return (await keyPairs.list()).find(pair => pair.name === name)
}

function isOurs({ tags }: KeyPair, claim: LeaseRequest): boolean {
  return tags.get(OWNER_TAG) === claim.tags.get(OWNER_TAG)
}

/** A lease that is there already may be our own: the SDK asks again when an answer is lost. One that nobody sees yet is another's. */
async function take(claim: LeaseRequest, isFirst: boolean): Promise<string | FoundImage | undefined> {
  const image = isFirst ? undefined : await lookUpForAWhile(claim)
  if (image) return image
  claim.announce()
  const id = await claim.keyPairs.create(claim.name, claim.tags)
  if (id) return id
  const holder = await findHolder(claim)
  return holder && isOurs(holder, claim) ? holder.id : undefined
}

async function lookUpForAWhile({ lookUp, signal }: LeaseRequest): Promise<FoundImage | undefined> {
  const end = performance.now() + milliseconds(TAG_PROPAGATION_SECONDS)
  for (;;) {
    const image = await lookUp()
    if (image || performance.now() > end) return image
    await pause(milliseconds(5), signal)
  }
}

/** What it has left goes before itself, so that whoever dies meanwhile leaves it to the next one. */
async function evictStaleLease({ keyPairs, cleanUp }: LeaseRequest, dead: KeyPair): Promise<void> {
  info(`${describeHolder(dead)} has not given a sign of life for 5 minutes: its lease ${dead.id} is taken away.`)
  await cleanUp(dead)
  await keyPairs.remove(dead.id)
}

async function refuseShortage(claim: LeaseRequest, seen: Observation): Promise<void> {
  const shortage = await claim.shortage?.()
  if (shortage) throw new Error(`wait-for-other-bakes: ${describeWait(claim, seen)} ${shortage}`)
}

function giveUp(claim: LeaseRequest, seen: Observation): Error {
  const { minutes } = claim
  const advice =
    'Look after that run, wait longer (more than 5 minutes tell whether it still lives), or set it to 0 to bake all the same.'
  return new Error(`wait-for-other-bakes: after ${minutes} minutes ${describeWait(claim, seen)} ${advice}`)
}

function describeWait({ name }: LeaseRequest, { holder }: Observation): string {
  const who = holder ? describeHolder(holder) : `an unknown run with the key pair ${name}`
  return `${who} still bakes this checksum.`
}

/** Tags are anybody's words: they are shown on one line, and followed by nobody. */
function describeHolder({ id, tags }: KeyPair): string {
  return escapeControlCharacters(tags.get(URL_TAG) || tags.get(OWNER_TAG) || id)
}
