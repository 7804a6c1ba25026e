import { DAY } from '../../runner/wait.ts'
import type { Account, LocatedImage, Retention } from './account.ts'
import type { Verdict } from './decide.ts'
import { imagesOf, needsMark } from './units.ts'

/**
 * Finds the shared images of a unit that need a new report on their use by other accounts: when it is marked, and later when there is
 * none, or EC2 could not make it. A unit that is deleted without a mark needs one before.
 */
export function reportsToRequest(verdict: Verdict, account: Account, retention: Retention): readonly LocatedImage[] {
  const { result, unit } = verdict
  const needsReport = result === 'mark' || result === 'wait' || (result === 'keep' && !needsMark(unit))
  if (retention.shared !== 'usage' || !needsReport) return []
  return imagesOf(unit).filter(({ image }) => {
    const [sharing, reports] = [account.sharing.get(image.id), account.reports.get(image.id)]
    if (!sharing || !('known' in sharing) || sharing.known.length === 0) return false
    if (!reports || !('known' in reports)) return false
    const newest = reports.known.at(-1)
    if (!newest || newest.state === 'error') return true
    return result === 'mark' && retention.now - newest.requestedAt > DAY
  })
}
