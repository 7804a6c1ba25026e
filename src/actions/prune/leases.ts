import { cleanUpAfterLease } from '../../cleanup/vanished-runs.ts'
import { type Ec2, isDenied } from '../../ec2/client.ts'
import { findExpiredLeases, removeExpiredLeases } from '../../lease/expired-leases.ts'
import { keyPairsIn } from '../../lease/key-pairs.ts'
import { cancelled } from '../../runner/cancel.ts'
import { info, messageOf } from '../../runner/log.ts'
import { settleAll } from '../../runner/parallel.ts'
import type { Regions } from './collect.ts'

/** How many regions are cleaned up at once. */
const REGIONS_AT_ONCE = 4

/**
 * Removes the leases that no run renews, and what the runs that held them left on EC2. A role without the permissions for that is no
 * failure.
 *
 * @returns What went wrong.
 */
export async function removeLeases(regions: Regions): Promise<readonly string[]> {
  return await inEachRegion(regions, async ec2 => {
    await removeExpiredLeases({
      keyPairs: keyPairsIn(ec2),
      cleanUp: async stale => {
        info(`${ec2.region}: removing the lease ${stale.name}, which no run renews.`)
        await cleanUpAfterLease(ec2.region, stale, undefined)
      },
    })
  })
}

/** Lists the leases that would be removed. */
export async function listLeases(regions: Regions): Promise<readonly string[]> {
  return await inEachRegion(regions, async ec2 => {
    for (const { name } of await findExpiredLeases(keyPairsIn(ec2))) {
      info(`${ec2.region}: would remove the lease ${name}, which no run renews.`)
    }
  })
}

async function inEachRegion(regions: Regions, work: (ec2: Ec2) => Promise<void>): Promise<readonly string[]> {
  const results = await settleAll([...regions.values()], REGIONS_AT_ONCE, work)
  cancelled.throwIfAborted()
  const failures = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  const [denied, others] = [failures.filter(isDenied), failures.filter(failure => !isDenied(failure))]
  const [first] = denied
  if (first) info(`Leases that no run renews were not looked for: ${messageOf(first)}`)
  return others.map(messageOf)
}
