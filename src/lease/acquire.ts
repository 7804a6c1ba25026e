import type { FoundImage } from '../ec2/images.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { milliseconds, pause } from '../runner/wait.ts'
import { type KeyPair, type KeyPairs, OWNER_TAG } from './key-pairs.ts'

/** The tag that holds the URL of the workflow run that bakes. */
export const URL_TAG = 'ami_bakery_run'
/** The tag that is the heartbeat of a lease: a counter that its holder increments every minute. */
export const HEARTBEAT_TAG = 'ami_bakery_counter'

/** A lease to acquire, and what to do while another run holds it. */
export interface LeaseRequest {
  readonly keyPairs: KeyPairs
  readonly name: string
  /** The tags of the new lease: the owner, the run, the heartbeat. */
  readonly tags: ReadonlyMap<string, string>
  /** How long to wait for other runs, in minutes. */
  readonly minutes: number
  /** How often to poll: `slowing` for a lease that many jobs may wait for. */
  readonly pace: 'steady' | 'slowing'
  /**
   * What the owner's tag of a lease begins with if a job of this workflow run and attempt holds it. When such a job releases the
   * lease without an image, its bake has failed, and this run does not repeat it. Absent to bake after every other run.
   */
  readonly sameRun?: string | undefined
  /** Explains why waiting any longer is of no use; called on every poll. */
  shortage?(): Promise<string | undefined>
  /** See LeaseOptions. */
  readonly adviceWithoutLease?: string | undefined
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined
  lookUp(): Promise<FoundImage | undefined>
  /** Called before the lease is created, so that it can be deleted whatever happens then. */
  beforeCreate(): void
  /** Removes what the run that held a stale lease left on EC2. */
  cleanUp(stale: KeyPair): Promise<void>
}

/** A lease whose heartbeat has not changed for this long is stale, in seconds: five heartbeats. */
const STALE_AFTER_SECONDS = 5 * 60
/** How long an image may appear after its lease was deleted, in seconds: tags are eventually consistent. */
const TAG_PROPAGATION_SECONDS = 30

/**
 * Acquires the lease, or waits until another run's bake has an image. Reads only the clock of this process: a lease is stale when
 * this process has seen no heartbeat for five minutes. Then it is deleted by its id, and all waiting runs race to create the next.
 *
 * @returns The id of the lease, or the image.
 * @throws OptionError that names the holder when the timeout expires; {@link LeaseError} when leases don't work here.
 */
export async function acquireLease(request: LeaseRequest): Promise<string | FoundImage> {
  const started = performance.now()
  const end = started + milliseconds(request.minutes * 60)
  let seen: Observation | undefined
  for (let first = true; ; first = false) {
    const asked = performance.now()
    const holder = await findHolder(request)
    if (holder && isOurs(holder, request)) return holder.id
    const result = holder ? await request.lookUp() : await tryCreate(request, first ? undefined : { released: seen })
    if (result) return result
    seen = observe(seen, holder)
    if (holder && asked - seen.since >= milliseconds(STALE_AFTER_SECONDS)) await evictStaleLease(request, holder)
    else if (performance.now() > end) throw timeoutError(request, seen)
    else await assertTimeLeft(request, seen)
    await pause(milliseconds(secondsToWait(request, performance.now() - started)), request.signal)
  }
}

/** How long to wait until the next poll, in seconds. Random, so that runs that began together don't poll together. */
function secondsToWait({ pace }: LeaseRequest, waited: number): number {
  if (pace === 'steady') return 10 + 10 * Math.random()
  return waited < milliseconds(2 * 60) ? 15 : 45 + 30 * Math.random()
}

/** The last observed state of a lease, and since when it has not changed, by the clock of this process. */
interface Observation {
  readonly holder: KeyPair | undefined
  readonly since: number
}

function observe(before: Observation | undefined, holder: KeyPair | undefined): Observation {
  if (holder && before?.holder?.id !== holder.id) {
    info(
      `Waiting: ${describeHolder(holder)} has been baking this checksum since ${holder.created?.toISOString() ?? 'an unknown time'}.`,
    )
  }
  const isSame = before && before.holder?.id === holder?.id && heartbeatOf(before.holder) === heartbeatOf(holder)
  return isSame ? before : { holder: holder ?? before?.holder, since: performance.now() }
}

function heartbeatOf(holder: KeyPair | undefined): string | undefined {
  return holder?.tags.get(HEARTBEAT_TAG)
}

async function findHolder({ keyPairs, name }: LeaseRequest): Promise<KeyPair | undefined> {
  return (await keyPairs.list()).find(pair => pair.name === name)
}

function isOurs({ tags }: KeyPair, request: LeaseRequest): boolean {
  return tags.get(OWNER_TAG) === request.tags.get(OWNER_TAG)
}

/** The end of a wait: the lease does not exist any more. */
interface Waiting {
  /** Its last observed state; absent when another run was never seen. */
  readonly released: Observation | undefined
}

/** A lease without a heartbeat for longer than this was not released, but evicted by another waiting run. */
const RELEASED_WITHIN_SECONDS = 4 * 60

/** @throws Error that names the job of this workflow run and attempt whose bake has failed. */
function assertNotFailed({ sameRun }: LeaseRequest, released: Observation | undefined): void {
  const holder = released?.holder
  if (!sameRun || !released || !holder?.tags.get(OWNER_TAG)?.startsWith(sameRun)) return
  if (performance.now() - released.since > milliseconds(RELEASED_WITHIN_SECONDS)) return
  throw new Error(
    `Another job of this workflow run has tried to bake the checksum and made no image: ${describeHolder(holder)}. ` +
      'Read the log of that job; this one does not repeat its bake.',
  )
}

/** A lease that exists already may be this run's own, because the SDK repeats a request whose response is lost. */
async function tryCreate(request: LeaseRequest, after: Waiting | undefined): Promise<string | FoundImage | undefined> {
  const image = after && (await lookUpForAWhile(request))
  if (image) return image
  assertNotFailed(request, after?.released)
  request.beforeCreate()
  const id = await request.keyPairs.create(request.name, request.tags)
  if (id) return id
  const holder = await findHolder(request)
  return holder && isOurs(holder, request) ? holder.id : undefined
}

async function lookUpForAWhile({ lookUp, signal }: LeaseRequest): Promise<FoundImage | undefined> {
  const end = performance.now() + milliseconds(TAG_PROPAGATION_SECONDS)
  for (;;) {
    const image = await lookUp()
    if (image || performance.now() > end) return image
    await pause(milliseconds(5), signal)
  }
}

/** Removes the resources before the lease, so that another run can do it if this one is killed meanwhile. */
async function evictStaleLease({ keyPairs, cleanUp }: LeaseRequest, stale: KeyPair): Promise<void> {
  info(`No heartbeat from ${describeHolder(stale)} for 5 minutes; removing its stale lease ${stale.id}.`)
  await cleanUp(stale)
  await keyPairs.remove(stale.id)
}

async function assertTimeLeft(request: LeaseRequest, seen: Observation): Promise<void> {
  const shortage = await request.shortage?.()
  if (shortage) throw new OptionError('waitForOtherBakes', `${describeWait(request, seen)} ${shortage}`)
}

function timeoutError(request: LeaseRequest, seen: Observation): Error {
  const { minutes, adviceWithoutLease } = request
  const longer = 'wait longer (a stale lease is removed after 5 minutes)'
  const canDoWithout = adviceWithoutLease === undefined
  const advice = `Look at that run${canDoWithout ? `, ${longer}, or set it to 0 to bake without a lease` : `, or ${longer}`}.`
  return new OptionError('waitForOtherBakes', `After ${minutes} minutes ${describeWait(request, seen)} ${advice}`)
}

function describeWait({ name }: LeaseRequest, { holder }: Observation): string {
  const run = holder ? describeHolder(holder) : `an unknown run with the key pair ${name}`
  return `${run} is still baking this checksum.`
}

/** Untrusted, because any role that may tag key pairs can write these tags: printed on one line. */
function describeHolder({ id, tags }: KeyPair): string {
  return escapeControlCharacters(tags.get(URL_TAG) || tags.get(OWNER_TAG) || id)
}
