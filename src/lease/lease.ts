import { type CreatedResources, NO_RESOURCES, writeResourceTags } from '../packer/created-resources.ts'
import { cancelled } from '../runner/cancel.ts'
import { isLeftToPost, unlessLeftToPost } from '../runner/finisher.ts'
import { messageOf, warn } from '../runner/log.ts'
import { milliseconds, unlessAborted } from '../runner/wait.ts'
import { HEARTBEAT_TAG } from './acquire.ts'
import { type KeyPairs, type LeaseEntry, removeLease } from './key-pairs.ts'

/** The lease for the code that bakes. Without an acquired lease its functions do nothing. */
export interface Lease {
  /** Writes the resources that Packer has created into the lease, for a run that evicts it as stale. */
  publishResources(resources: CreatedResources): void
  /** Whether this run still holds the lease. Removes the resources from its tags: Packer has succeeded, and only the image is left. */
  confirmOwnership(): Promise<boolean>
}

/** The lease for the code that acquires and releases it. */
export interface OwnLease extends Lease {
  /** Records a lease that may exist from now on. */
  remember(entry: LeaseEntry): void
  /** Starts the heartbeat: the first at once, which shows that tagging works, then one every minute. */
  hold(id: string): Promise<void>
  /** Deletes the lease. Throws only the reason of a cancel; then `post` deletes it. */
  release(): Promise<void>
  /** Warns that leases don't work here, once. */
  warnOnce(what: string, cause: unknown): void
}

/**
 * Makes a lease that is not acquired yet.
 *
 * @param record Records what `post` needs to delete it.
 */
export function makeLease(keyPairs: KeyPairs, record: (entry: LeaseEntry) => void): OwnLease {
  const warnOnce = createWarning()
  let entry: LeaseEntry | undefined
  let renewal: Renewal | undefined

  function remember(known: LeaseEntry): void {
    entry = known
    record(known)
  }

  async function hold(id: string): Promise<void> {
    if (entry) remember({ ...entry, id })
    renewal = await beginToRenew(keyPairs, id, error => warnOnce('could not be renewed', error))
  }

  async function release(): Promise<void> {
    renewal?.stop()
    const known = entry
    entry = undefined
    if (!known) return
    const removal = removeLease(keyPairs, known)
    await unlessLeftToPost(removal).catch(error => {
      if (isLeftToPost()) throw error
      warnOnce('could not be deleted', error)
    })
  }

  async function confirmOwnership(): Promise<boolean> {
    return renewal ? await unlessAborted(cancelled, renewal.confirmOwnership()) : true
  }

  return {
    remember,
    hold,
    release,
    warnOnce,
    confirmOwnership,
    publishResources: resources => void renewal?.renew(resources),
  }
}

function createWarning(): OwnLease['warnOnce'] {
  let isKnown = false
  return (what, cause) => {
    if (!isKnown) warn(`The bake lease ${what}: ${messageOf(cause)}`)
    isKnown = true
  }
}

interface Renewal {
  /** Sends a heartbeat now; it and all later ones write these resources. Never throws. */
  renew(resources: CreatedResources): Promise<void>
  /** See {@link Lease}. */
  confirmOwnership(): Promise<boolean>
  stop(): void
}

async function beginToRenew(keyPairs: KeyPairs, id: string, onTrouble: (error: unknown) => void): Promise<Renewal> {
  const tag = createTagging(keyPairs, id)
  await tag(NO_RESOURCES)
  const end = new AbortController()
  let resources = NO_RESOURCES
  let last = Promise.resolve()
  // One request at a time, so that the counter never decreases.
  async function renew(latest: CreatedResources): Promise<void> {
    resources = latest
    last = last
      .then(() => (end.signal.aborted ? undefined : tag(resources)))
      .catch(error => (end.signal.aborted ? undefined : onTrouble(error)))
    await last
  }
  async function confirmOwnership(): Promise<boolean> {
    const there = await keyPairs.list().catch(onTrouble)
    if (there && !there.some(pair => pair.id === id)) return false
    await renew(NO_RESOURCES)
    return true
  }
  // `unref()`: the timer must not keep the process alive.
  const timer = setInterval(() => void renew(resources), milliseconds(60)).unref()
  end.signal.addEventListener('abort', () => clearInterval(timer))
  return { renew, confirmOwnership, stop: () => end.abort() }
}

function createTagging(keyPairs: KeyPairs, id: string): (resources: CreatedResources) => Promise<void> {
  let counter = 0
  return async resources => {
    counter++
    await keyPairs.tag(id, new Map([...writeResourceTags(resources), [HEARTBEAT_TAG, String(counter)]]))
  }
}
