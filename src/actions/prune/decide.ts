import { backupTag, readDueTime } from '../../ec2/choose-image.ts'
import { bakedAt } from '../../ec2/images.ts'
import { BASE_TAG, IMAGE_TAG, PARENT_TAG } from '../../ec2/tag-names.ts'
import { DAY } from '../../runner/wait.ts'
import type { Account, LocatedImage, Retention } from './account.ts'
import { findDoubt } from './doubts.ts'
import { collectEvidence, type Evidence, findReason } from './rules.ts'
import { isOurs, isSelected } from './scope.ts'
import { describeUnmarked, findUnits, imagesOf, lineOf, needsMark, newestFirst, type Unit } from './units.ts'

/**
 * What becomes of a unit. `keep`: it stays, without a mark. `unknown`: a check has failed, and it stays as it is. `wait`: it is
 * marked, and not due. `mark`: it gets its mark. `later`: it is due, and others are deleted first. `delete`: it is deleted now.
 */
export type Result = 'keep' | 'unknown' | 'wait' | 'mark' | 'later' | 'delete'

/** What becomes of a unit, and why. */
export interface Verdict {
  readonly unit: Unit
  readonly result: Result
  readonly reason: string
  /** For `mark` and `wait`: when the unit is due, in milliseconds since 1970. */
  readonly due: number | undefined
  /** Whether instances use it although a newer unit of its line is published, as far as that was checked. */
  readonly isOutdated: boolean
}

/** Decides what becomes of every unit that may be pruned. Sends nothing, and reads no clock. */
export function decide(account: Account, retention: Retention): Verdict[] {
  const ours = account.images.filter(({ image }) => backupTag(image) === undefined)
  const units = findUnits(ours)
  const considered = units.filter(unit => isConsidered(unit, account, retention))
  const evidence = collectEvidence(units, account, retention)
  const verdicts = considered.map(unit => judge(unit, evidence))
  const kept = keepAncestors(verdicts, account)
  return limitDeletions(kept, retention)
}

/** Only units of which every image is of one of these repositories, in a line of the images file or from one of the templates. */
function isConsidered(unit: Unit, account: Account, retention: Retention): boolean {
  return (
    imagesOf(unit).every(({ image }) => isOurs(image, retention)) && isSelected(unit.source.image, account, retention)
  )
}

function judge(unit: Unit, evidence: Evidence): Verdict {
  const common = { unit, due: undefined, isOutdated: isOutdated(unit, evidence) }
  const reason = findReason(unit, evidence)
  if (reason) return { ...common, result: 'keep', reason }
  const doubt = findDoubt(unit, evidence.account)
  if (doubt) return { ...common, result: 'unknown', reason: doubt }
  return { ...common, ...judgeUnused(unit, evidence.retention) }
}

function isOutdated(unit: Unit, { newest, account }: Evidence): boolean {
  const [latest] = newest.get(lineOf(unit)) ?? []
  if (!latest || bakedAt(latest.source.image) <= bakedAt(unit.source.image)) return false
  return imagesOf(unit).some(({ image }) => {
    const fact = account.references.get(image.id)
    return fact && 'known' in fact && fact.known.some(arn => arn.includes(':instance/'))
  })
}

/** Judges a unit that no rule keeps. */
function judgeUnused(unit: Unit, { now, graceDays }: Retention): Pick<Verdict, 'result' | 'reason' | 'due'> {
  const { image } = unit.source
  if (!needsMark(unit))
    return { result: 'delete', reason: `${describeUnmarked(unit)}, older than grace-days`, due: undefined }
  const due = readDueTime(image)
  if (due === undefined) return { result: 'mark', reason: 'nothing uses it', due: now + graceDays * DAY }
  if (due > now) return { result: 'wait', reason: `marked, due on ${new Date(due).toISOString()}`, due }
  return { result: 'delete', reason: `due since ${new Date(due).toISOString()}, and nothing uses it`, due }
}

/** Keeps the parents and bases of every image that stays, transitively: first of those that stay for sure. */
function keepAncestors(verdicts: readonly Verdict[], { images }: Account): Verdict[] {
  const judged = new Map(verdicts.flatMap(verdict => imagesOf(verdict.unit).map(({ image }) => [image.id, verdict])))
  const stay = (result: Result | undefined) => images.filter(({ image }) => judged.get(image.id)?.result === result)
  let reasons: ReadonlyMap<Verdict, Ancestry> = new Map()
  for (const result of ['keep', 'unknown'] as const) {
    const children = result === 'keep' ? [...stay(undefined), ...stay('keep')] : stay('unknown')
    reasons = findAncestors({ children, judged, result, known: reasons })
  }
  return verdicts.map(verdict => {
    const ancestry = reasons.get(verdict)
    return ancestry ? { ...verdict, ...ancestry, due: undefined } : verdict
  })
}

type Ancestry = Pick<Verdict, 'result' | 'reason'>

interface Descent {
  readonly children: readonly LocatedImage[]
  /** The verdicts by the ids of the images. */
  readonly judged: ReadonlyMap<string, Verdict>
  readonly result: 'keep' | 'unknown'
  /** The ancestors that were found before. */
  readonly known: ReadonlyMap<Verdict, Ancestry>
}

function findAncestors({ children, judged, result, known }: Descent): ReadonlyMap<Verdict, Ancestry> {
  const found = new Map(known)
  const queue = [...children]
  for (const child of queue) {
    for (const id of ancestorsOf(child)) {
      const parent = judged.get(id)
      // What is kept for sure needs no further check.
      if (!parent || parent.result === 'keep' || parent.result === result || found.has(parent)) continue
      found.set(parent, { result, reason: `the parent or base of ${child.image.id}, which is kept` })
      queue.push(...imagesOf(parent.unit))
    }
  }
  return found
}

/** EC2 names as the source of an image also the one that it is a copy of, which is no base. */
function ancestorsOf({ image: { tags, sourceImage } }: LocatedImage): readonly string[] {
  const source = tags.has(IMAGE_TAG) ? undefined : sourceImage
  return [tags.get(PARENT_TAG), tags.get(BASE_TAG), source].filter(id => id !== undefined)
}

/** Deletes the oldest bakes first. */
function limitDeletions(verdicts: readonly Verdict[], { maxDeletions }: Retention): Verdict[] {
  const due = verdicts.filter(({ result }) => result === 'delete').sort((a, b) => newestFirst(b.unit, a.unit))
  const limit = 'units' in maxDeletions ? maxDeletions.units : percentageOf(verdicts.length, maxDeletions.percent)
  const later = new Set(due.slice(limit))
  const reason = `due, but max-deletions is ${limit} in a run`
  return verdicts.map(verdict => (later.has(verdict) ? { ...verdict, result: 'later', reason } : verdict))
}

/** At least one, so that a small account is pruned too. */
function percentageOf(count: number, percent: number): number {
  return percent === 0 ? 0 : Math.max(1, Math.floor((count * percent) / 100))
}
