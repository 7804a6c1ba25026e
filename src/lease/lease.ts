import { type CreatedResources, NO_RESOURCES, writeTraces } from '../packer/created-resources.ts'
import { cancelled } from '../runner/cancel.ts'
import { onGitHub } from '../runner/environment.ts'
import { messageOf, warn } from '../runner/log.ts'
import { milliseconds, unlessAborted } from '../runner/wait.ts'
import { HEARTBEAT_TAG } from './acquire.ts'
import { type KeyPairs, type LeaseFacts, removeLease } from './key-pairs.ts'

/** The right to bake a checksum, which others respect as long as it is renewed. One that was never held hinders nothing. */
export interface Lease {
  /** Writes what Packer has begun to make into the lease, for whoever cleans up after us. */
  note(traces: CreatedResources): void
  /** Says that Packer has left nothing but a good image. Answers whether the lease is still ours. */
  settle(): Promise<boolean>
}

/** The lease in the hands of who takes it and gives it back. */
export interface OwnLease extends Lease {
  /** Hears of a lease that may be there from now on. */
  remember(facts: LeaseFacts): void
  /** Begins to renew the lease: at once, which shows that it can be done, and every minute. */
  hold(id: string): Promise<void>
  /** Gives it back. Throws nothing but the reason of a cancel, after which `post` does it. */
  release(): Promise<void>
  /** Says that leases don't work here: the first time as a warning, then no more. */
  complain(what: string, cause: unknown): void
}

/**
 * Makes a lease that nobody holds yet.
 *
 * @param keep Writes down what `post` must know of it.
 */
export function makeLease(keyPairs: KeyPairs, keep: (facts: LeaseFacts) => void): OwnLease {
  const complain = createComplaint()
  let facts: LeaseFacts | undefined
  let renewal: Renewal | undefined

  function remember(known: LeaseFacts): void {
    facts = known
    keep(known)
  }

  async function hold(id: string): Promise<void> {
    if (facts) remember({ ...facts, id })
    renewal = await beginToRenew(keyPairs, id, error => complain('could not be renewed', error))
  }

  async function release(): Promise<void> {
    renewal?.stop()
    const known = facts
    facts = undefined
    if (!known) return
    const removal = removeLease(keyPairs, known)
    await (onGitHub ? unlessAborted(cancelled, removal) : removal).catch(error => {
      if (onGitHub) cancelled.throwIfAborted()
      complain('could not be given back', error)
    })
  }

  async function settle(): Promise<boolean> {
    return renewal ? await unlessAborted(cancelled, renewal.settle()) : true
  }

  return { remember, hold, release, complain, settle, note: traces => void renewal?.renew(traces) }
}

function createComplaint(): OwnLease['complain'] {
  let isKnown = false
  return (what, cause) => {
    if (!isKnown) warn(`The lease that keeps others from baking the same ${what}: ${messageOf(cause)}`)
    isKnown = true
  }
}

interface Renewal {
  /** Renews now, with these traces from now on. Never throws. */
  renew(traces: CreatedResources): Promise<void>
  /** As {@link Lease} has it. */
  settle(): Promise<boolean>
  stop(): void
}

async function beginToRenew(keyPairs: KeyPairs, id: string, onTrouble: (error: unknown) => void): Promise<Renewal> {
  const tag = createTagging(keyPairs, id)
  await tag(NO_RESOURCES)
  const end = new AbortController()
  let traces = NO_RESOURCES
  let last = Promise.resolve()
  // One after the other, so that the counter never goes back.
  async function renew(latest: CreatedResources): Promise<void> {
    traces = latest
    last = last
      .then(() => (end.signal.aborted ? undefined : tag(traces)))
      .catch(error => (end.signal.aborted ? undefined : onTrouble(error)))
    await last
  }
  async function settle(): Promise<boolean> {
    const there = await keyPairs.list().catch(onTrouble)
    if (there && !there.some(pair => pair.id === id)) return false
    await renew(NO_RESOURCES)
    return true
  }
  // A process that has nothing else to do ends.
  const timer = setInterval(() => void renew(traces), milliseconds(60)).unref()
  end.signal.addEventListener('abort', () => clearInterval(timer))
  return { renew, settle, stop: () => end.abort() }
}

function createTagging(keyPairs: KeyPairs, id: string): (traces: CreatedResources) => Promise<void> {
  let counter = 0
  return async traces => {
    counter++
    await keyPairs.tag(id, new Map([...writeTraces(traces), [HEARTBEAT_TAG, String(counter)]]))
  }
}
