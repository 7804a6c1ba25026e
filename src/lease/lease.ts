import { messageOf, warn } from '../log.ts'
import { collectTraces, NO_TRACES, type Traces, writeTraces } from '../packer/traces.ts'
import { milliseconds } from '../patience.ts'
import { type KeyPairs, type LeaseFacts, removeLease } from './key-pairs.ts'
import { COUNTER_TAG } from './turn.ts'

/** The right to bake a checksum, which others respect as long as it is renewed. One that was never held hinders nothing. */
export interface Lease {
  /** Takes a text that Packer has printed: what it has begun to make is written into the lease, for whoever cleans up after us. */
  note(text: string): void
  /** Says that Packer has left nothing but a good image. Answers whether the lease is still ours. */
  settle(): Promise<boolean>
}

/** The lease in the hands of who takes it and gives it back. */
export interface OwnLease extends Lease {
  /** Hears of a lease that may be there from now on. */
  remember(facts: LeaseFacts): void
  /** Begins to renew the lease: at once, which shows that it can be done, and every minute. */
  hold(id: string): Promise<void>
  /** Gives it back. Never throws. */
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
  const { traces, note } = collectTraces()
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

  async function settle(): Promise<boolean> {
    if (!renewal || !facts?.id) return true
    const { id } = facts
    const there = await keyPairs.list().catch(error => complain('could not be looked after', error))
    if (there && !there.some(pair => pair.id === id)) return false
    await renewal.renew(NO_TRACES)
    return true
  }

  async function release(): Promise<void> {
    renewal?.stop()
    renewal = undefined
    const known = facts
    facts = undefined
    if (known) await removeLease(keyPairs, known).catch(error => complain('could not be given back', error))
  }

  return {
    remember,
    hold,
    note: text => {
      if (note(text)) renewal?.renew(traces)
    },
    settle,
    release,
    complain,
  }
}

function createComplaint(): (what: string, cause: unknown) => void {
  let isKnown = false
  return (what, cause) => {
    if (!isKnown) warn(`The lease that keeps others from baking the same ${what}: ${messageOf(cause)}`)
    isKnown = true
  }
}

interface Renewal {
  /** Renews now, with these traces from now on. Never throws. */
  renew(traces: Traces): Promise<void>
  stop(): void
}

/** Renewals come one after the other, so that the counter never goes back. */
async function beginToRenew(keyPairs: KeyPairs, id: string, onTrouble: (error: unknown) => void): Promise<Renewal> {
  let counter = 0
  let traces = NO_TRACES
  let isStopped = false
  async function tag(): Promise<void> {
    counter++
    if (!isStopped) await keyPairs.tag(id, new Map([...writeTraces(traces), [COUNTER_TAG, String(counter)]]))
  }
  await tag()
  let last = Promise.resolve()
  async function renew(latest: Traces): Promise<void> {
    traces = latest
    last = last.then(tag).catch(error => {
      if (!isStopped) onTrouble(error)
    })
    await last
  }
  // A process that has nothing else to do ends.
  const timer = setInterval(() => void renew(traces), milliseconds(60)).unref()
  function stop(): void {
    isStopped = true
    clearInterval(timer)
  }
  return { renew, stop }
}
