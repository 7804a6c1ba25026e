import { createHash, randomUUID } from 'node:crypto'
import os from 'node:os'
import type { Inputs } from '../actions/bake/inputs.ts'
import { listLeftovers } from '../cleanup/commands.ts'
import type { Journal } from '../cleanup/journal.ts'
import { removeLeftovers } from '../cleanup/resources.ts'
import type { Checksum } from '../definition/checksum.ts'
import type { Ec2 } from '../ec2/client.ts'
import { describeShortage } from '../ec2/credentials.ts'
import type { FoundImage } from '../ec2/images.ts'
import { findImageQuietly } from '../ec2/look-up.ts'
import { readTraces } from '../packer/created-resources.ts'
import { cancelled } from '../runner/cancel.ts'
import { workflowRun } from '../runner/environment.ts'
import { group, messageOf, warn } from '../runner/log.ts'
import { enterPhase } from '../runner/timeline.ts'
import { unlessAborted } from '../runner/wait.ts'
import { acquireLease, HEARTBEAT_TAG, type LeaseRequest, URL_TAG } from './acquire.ts'
import { type KeyPair, keyPairsIn, LeaseError, OWNER_TAG, PREFIX } from './key-pairs.ts'
import { type Lease, makeLease, type OwnLease } from './lease.ts'

/** A bake that is to be the only one of its checksum. */
export interface ExclusiveBake {
  readonly ec2: Ec2
  readonly inputs: Inputs
  readonly checksum: Checksum
  readonly record: Journal
}

/**
 * Bakes while no other run bakes the same, in any repository: EC2 lets only one have a key pair of the checksum's name. Who
 * finds it taken waits for the other's image. The lease saves a second bake, it never prevents one: when it can't be had
 * for any other reason there is a warning, and the bake.
 *
 * @returns What `work` returns, or the image that another run has baked meanwhile.
 * @throws Error when another run takes longer than the user wants to wait, and whatever `work` throws.
 */
export async function withLease(bake: ExclusiveBake, work: (lease: Lease) => Promise<FoundImage>): Promise<FoundImage> {
  // What is renewed and given back is so even when the step is cancelled.
  const keyPairs = keyPairsIn({ ...bake.ec2, signal: undefined })
  const lease = makeLease(keyPairs, facts => bake.record.note({ lease: facts }))
  if (bake.inputs.waitForOtherBakes === 0) return await work(lease)
  return await runExclusively(claimFor(bake, lease), lease, work)
}

/** Does the work when it is its turn, unless there is an image by then, and lets the next one have its turn. */
export async function runExclusively(
  claim: LeaseRequest,
  lease: OwnLease,
  work: (lease: Lease) => Promise<FoundImage>,
): Promise<FoundImage> {
  try {
    const image = (await takeLease(claim, lease)) ?? (await work(lease))
    await lease.release()
    return image
  } catch (cause) {
    // After a cancel it gives way to post, with nothing to say that the cause does not say better.
    await lease.release().catch(() => {})
    throw cause
  }
}

async function takeLease(claim: LeaseRequest, lease: OwnLease): Promise<FoundImage | undefined> {
  enterPhase('wait')
  try {
    const turn = await acquireLease(claim)
    if (typeof turn !== 'string') return turn
    await lease.hold(turn)
  } catch (error) {
    if (!(error instanceof LeaseError)) throw error
    lease.complain('does not work here, so that this run bakes without', error)
    await lease.release()
    return await claim.lookUp()
  }
  await removeExpiredLeases(claim).catch(error => {
    claim.signal?.throwIfAborted()
    lease.complain('of a run that is long dead could not be removed', error)
  })
  return await claim.lookUp()
}

function claimFor({ ec2, inputs, checksum }: ExclusiveBake, lease: OwnLease): LeaseRequest {
  const template = createHash('sha1').update(inputs.template.name).digest('hex').slice(0, 8)
  const name = `${PREFIX}${checksum.value}-${template}`
  const run = workflowRun()
  const place = run ? [run.repository, run.id, run.attempt] : [os.hostname(), String(process.pid)]
  const owner = [...place, randomUUID()].join('/')
  const tags = new Map([
    [OWNER_TAG, owner],
    [HEARTBEAT_TAG, '0'],
  ])
  if (run) tags.set(URL_TAG, run.url)
  return {
    keyPairs: keyPairsIn(ec2),
    name,
    tags,
    minutes: inputs.waitForOtherBakes,
    shortage: () => describeShortage(ec2),
    signal: ec2.signal,
    lookUp: () => findImageQuietly(ec2, inputs, checksum),
    announce: () => lease.remember({ name, owner }),
    cleanUp: dead => cleanUp(ec2.region, dead, dead.name === name ? inputs.template.name : undefined),
  }
}

/**
 * Removes what the owner of a dead lease has left, by the traces in its tags. What can't be removed hinders nobody.
 *
 * @param template The name of the template that it has baked; the lease has no more than its digest.
 */
async function cleanUp(region: string, { name, created, tags }: KeyPair, template: string | undefined): Promise<void> {
  const [, checksum] = LEASE_NAME.exec(name) ?? []
  if (!checksum || !created) return
  // Told by EC2, not by a tag: what is older than the lease is none of its bake's.
  const [, repository] = REPOSITORY.exec(tags.get(OWNER_TAG) ?? '') ?? []
  const begun = created.toISOString()
  const facts = { region, checksum, begun, ...(template && { template }), ...(repository && { repository }) }
  const removal = group('Clean-up on EC2 after a run that has vanished', () => removeLeftovers(facts, readTraces(tags)))
  const left = await unlessAborted(cancelled, removal).catch(error => {
    cancelled.throwIfAborted()
    warn(`What a vanished run has left on EC2 could not be removed: ${messageOf(error)}`)
    return []
  })
  if (left.length === 0) return
  const commands = listLeftovers(left)
  warn(`A vanished run has left things on EC2 that could not be removed. Remove them by hand:\n${commands}`)
}

/** A repository in the owner's tag of a run on GitHub: repository, run, attempt, and a word that only this owner has. */
const REPOSITORY = /^([\w.-]+\/[\w.-]+)\/\d+\/\d+\/[^/]+$/

const LEASE_NAME = new RegExp(`^${PREFIX}([0-9a-f]{40})-[0-9a-f]{8}$`)

/** Buries the leases of other checksums, which maybe nobody will ever wait for, when they have been dead for a day. */
async function removeExpiredLeases({ keyPairs, cleanUp }: LeaseRequest): Promise<void> {
  for (const pair of (await keyPairs.list()).filter(isExpired)) {
    await cleanUp(pair)
    await keyPairs.remove(pair.id)
  }
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** No clock is a day wrong. A lease that is renewed every minute can't be older than its counter by much. */
function isExpired({ name, created, tags }: KeyPair): boolean {
  const counter = tags.get(HEARTBEAT_TAG) ?? ''
  if (!LEASE_NAME.test(name) || !created || !/^\d{1,6}$/.test(counter)) return false
  return Date.now() - created.getTime() > DAY + Number(counter) * MINUTE
}
