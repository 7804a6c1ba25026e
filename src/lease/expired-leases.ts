import { DAY } from '../runner/wait.ts'
import { HEARTBEAT_TAG, type LeaseRequest } from './acquire.ts'
import { type KeyPair, type KeyPairs, PREFIX } from './key-pairs.ts'

/** The leases of a region, and how to remove what the run that held one left on EC2. */
export type ExpiredLeases = Pick<LeaseRequest, 'keyPairs' | 'cleanUp'>

/** Removes the leases without a heartbeat for a day: there may never be a run that waits for them. */
export async function removeExpiredLeases({ keyPairs, cleanUp }: ExpiredLeases): Promise<void> {
  for (const pair of await findExpiredLeases(keyPairs)) {
    await cleanUp(pair)
    await keyPairs.remove(pair.id)
  }
}

/** Finds the leases without a heartbeat for a day, whatever their checksum. */
export async function findExpiredLeases(keyPairs: KeyPairs): Promise<readonly KeyPair[]> {
  return (await keyPairs.list()).filter(isExpired)
}

const MINUTE = 60_000

/** A lease with a heartbeat every minute is not much older than its counter in minutes. A day is more than any clock is off. */
function isExpired({ name, created, tags }: KeyPair): boolean {
  const counter = tags.get(HEARTBEAT_TAG) ?? ''
  if (!LEASE_NAME.test(name) || !created || !/^\d{1,6}$/.test(counter)) return false
  return Date.now() - created.getTime() > DAY + Number(counter) * MINUTE
}

/** The checksum that a lease is for; `undefined` when the name is not that of a lease. */
export function checksumOf({ name }: KeyPair): string | undefined {
  return LEASE_NAME.exec(name)?.[1]
}

const LEASE_NAME = new RegExp(`^${PREFIX}([0-9a-f]{40})-[0-9a-f]{8}$`)
