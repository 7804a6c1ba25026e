import { createHash, randomUUID } from 'node:crypto'
import os from 'node:os'
import type { Ec2 } from '../ec2/client.ts'
import { describeShortage } from '../ec2/credentials.ts'
import type { FoundImage } from '../ec2/images.ts'
import { workflowRun } from '../runner/environment.ts'
import { OptionError } from '../runner/option-error.ts'
import { enterPhase } from '../runner/timeline.ts'
import { acquireLease, HEARTBEAT_TAG, type LeaseRequest, URL_TAG } from './acquire.ts'
import { removeExpiredLeases } from './expired-leases.ts'
import { type KeyPair, keyPairsIn, type LeaseEntry, LeaseError, OWNER_TAG, PREFIX } from './key-pairs.ts'
import { type Lease, makeLease, type OwnLease } from './lease.ts'

/** A bake under a lease. */
export interface LeaseOptions {
  readonly ec2: Ec2
  /** The checksum and the template name that the lease is for. */
  readonly checksum: string
  readonly template: string
  /** How long to wait for another run, in minutes; 0 to bake without a lease. */
  readonly waitForOtherBakes: number
  /** What to do when leases don't work here; absent to work without a lease. */
  readonly adviceWithoutLease?: string | undefined
  /** See {@link LeaseRequest}. */
  readonly pace: LeaseRequest['pace']
  /** Whether to fail when another job of this workflow run and attempt had the lease and made no image. */
  readonly afterSameRun: 'fail' | 'work'
  /** Further tags for the lease. */
  readonly tags: ReadonlyMap<string, string>
  /** The look-up that finds another run's image. */
  lookUp(): Promise<FoundImage | undefined>
  /** Records the lease before it is created, so that it can be deleted whatever happens. */
  record(lease: LeaseEntry): void
  /** Removes what the run that held a stale lease left on EC2. */
  cleanUp(stale: KeyPair): Promise<void>
}

/**
 * Does the work while no other run, in any repository, does it for the same checksum and template: key pair names are unique on
 * EC2. While the name exists, this waits for the other run's image. The lease saves work and is not a lock: when it can't be
 * acquired for any other reason, this warns and does the work without it.
 *
 * @returns What `work` returns, or the image that another run has baked meanwhile.
 * @throws OptionError when another run takes longer than `waitForOtherBakes`, and whatever `work` throws.
 */
export async function withLease(
  options: LeaseOptions,
  work: (lease: Lease) => Promise<FoundImage>,
): Promise<FoundImage> {
  // Heartbeat and release go on even when the step is cancelled.
  const keyPairs = keyPairsIn({ ...options.ec2, signal: undefined })
  const lease = makeLease(keyPairs, options.record)
  const { waitForOtherBakes, adviceWithoutLease } = options
  if (waitForOtherBakes > 0) return await runExclusively(requestFor(options, lease), lease, work)
  if (adviceWithoutLease === undefined) return await work(lease)
  throw new OptionError('waitForOtherBakes', `It is 0, so that there is no bake lease. ${adviceWithoutLease}`)
}

/** Does the work once the lease is acquired, unless there is an image by then, and releases the lease. */
export async function runExclusively(
  request: LeaseRequest,
  lease: OwnLease,
  work: (lease: Lease) => Promise<FoundImage>,
): Promise<FoundImage> {
  try {
    const image = (await takeLease(request, lease)) ?? (await work(lease))
    await lease.release()
    return image
  } catch (cause) {
    // After a cancel `post` deletes the lease. The first error is the one to report.
    await lease.release().catch(() => {})
    throw cause
  }
}

async function takeLease(request: LeaseRequest, lease: OwnLease): Promise<FoundImage | undefined> {
  enterPhase('wait')
  try {
    const acquired = await acquireLease(request)
    if (typeof acquired !== 'string') return acquired
    await lease.hold(acquired)
  } catch (error) {
    if (!(error instanceof LeaseError)) throw error
    const { adviceWithoutLease } = request
    if (adviceWithoutLease !== undefined) {
      await lease.release()
      throw new Error(`The bake lease does not work here: ${error.message} ${adviceWithoutLease}`, { cause: error })
    }
    lease.warnOnce('does not work here, so that this run bakes without it', error)
    await lease.release()
    return await request.lookUp()
  }
  await removeExpiredLeases(request).catch(error => {
    request.signal?.throwIfAborted()
    lease.warnOnce('of a vanished run could not be removed', error)
  })
  return await request.lookUp()
}

function requestFor(options: LeaseOptions, lease: OwnLease): LeaseRequest {
  const { ec2, checksum, template, afterSameRun } = options
  const name = nameLease(checksum, template)
  const run = workflowRun()
  const origin = (run ? [run.repository, run.id, run.attempt] : [os.hostname(), String(process.pid)]).join('/')
  const owner = `${origin}/${randomUUID()}`
  const tags = new Map([...options.tags, [OWNER_TAG, owner], [HEARTBEAT_TAG, '0']])
  if (run) tags.set(URL_TAG, run.url)
  return {
    keyPairs: keyPairsIn(ec2),
    name,
    tags,
    minutes: options.waitForOtherBakes,
    pace: options.pace,
    sameRun: run && afterSameRun === 'fail' ? `${origin}/` : undefined,
    adviceWithoutLease: options.adviceWithoutLease,
    shortage: () => describeShortage(ec2),
    signal: ec2.signal,
    lookUp: options.lookUp,
    beforeCreate: () => lease.remember({ name, owner }),
    cleanUp: options.cleanUp,
  }
}

/** The name of the lease for a checksum and a template. */
export function nameLease(checksum: string, template: string): string {
  return `${PREFIX}${checksum}-${createHash('sha1').update(template).digest('hex').slice(0, 8)}`
}
