import { COMMANDS } from '../../cleanup/commands.ts'
import { removeImage } from '../../cleanup/deregister-image.ts'
import { tagSnapshots } from '../../cleanup/snapshots.ts'
import { readDueTime } from '../../ec2/choose-image.ts'
import { describeImage, type Image } from '../../ec2/images.ts'
import { PRUNE_TAG } from '../../ec2/tag-names.ts'
import { tagResource } from '../../ec2/tags.ts'
import { requestUsageReport } from '../../ec2/usage-reports.ts'
import { cancelled } from '../../runner/cancel.ts'
import { info, messageOf } from '../../runner/log.ts'
import { settleAll } from '../../runner/parallel.ts'
import type { ChangeRecord } from '../record.ts'
import type { LocatedImage } from './account.ts'
import type { Regions } from './collect.ts'
import type { Verdict } from './decide.ts'
import { imagesOf } from './units.ts'

/** What it takes to carry out the verdicts. */
export interface Changes {
  readonly regions: Regions
  readonly record: ChangeRecord
  /** The shared images of a unit that need a new report on their use by other accounts. */
  reportsFor(verdict: Verdict): readonly LocatedImage[]
}

/** What came of a verdict. */
export interface Outcome {
  readonly verdict: Verdict
  /** The images that are deregistered. */
  readonly pruned: readonly LocatedImage[]
  /** Why a unit that was to be deleted stays, or what went wrong. */
  readonly note: string | undefined
  readonly isFailed: boolean
}

/** How many units are worked on at once. */
const UNITS_AT_ONCE = 4

/** First what keeps images, so that a run that is cancelled has not only deleted. */
const ORDER = [['keep'], ['mark', 'wait'], ['delete']] as const

/** Carries out the verdicts. A unit that fails does not stop the others. */
export async function applyAll(verdicts: readonly Verdict[], changes: Changes): Promise<readonly Outcome[]> {
  const outcomes = new Map(verdicts.map(verdict => [verdict, planned(verdict)]))
  for (const results of ORDER) {
    const those = verdicts.filter(({ result }) => results.some(one => one === result))
    await settleAll(those, UNITS_AT_ONCE, async verdict => void outcomes.set(verdict, await apply(verdict, changes)))
  }
  return [...outcomes.values()]
}

/** The outcome of a rehearsal: as if everything went well. */
export function planned(verdict: Verdict): Outcome {
  const pruned = verdict.result === 'delete' ? imagesOf(verdict.unit) : []
  return { verdict, pruned, note: undefined, isFailed: verdict.result === 'unknown' }
}

async function apply(verdict: Verdict, changes: Changes): Promise<Outcome> {
  const pruned: LocatedImage[] = []
  try {
    const note = await carryOut(verdict, changes, pruned)
    return { verdict, pruned, note, isFailed: false }
  } catch (error) {
    return { verdict, pruned, note: describeFailure(verdict, error), isFailed: true }
  }
}

function describeFailure({ result, unit }: Verdict, error: unknown): string {
  if (cancelled.aborted || result !== 'delete') return messageOf(error)
  const { region, image } = unit.source
  return `${messageOf(error)} The next run goes on. By hand: ${COMMANDS.image(region, image.id)}`
}

/** @returns Why a unit that was to be deleted stays. */
async function carryOut(verdict: Verdict, changes: Changes, pruned: LocatedImage[]): Promise<string | undefined> {
  const { result, unit } = verdict
  if (result === 'delete') return await remove(verdict, changes, pruned)
  const value = result === 'keep' ? '' : dueText(verdict)
  // The source decides: it is the last to be marked, and the first to be unmarked.
  const images = result === 'keep' ? imagesOf(unit).toReversed() : imagesOf(unit)
  for (const located of images) {
    if ((located.image.tags.get(PRUNE_TAG) ?? '') !== value) await mark(located, value, { verdict, changes })
  }
  for (const { region, image } of changes.reportsFor(verdict)) {
    const ec2 = changes.regions.get(region)
    if (ec2) await requestUsageReport(ec2, image.id)
  }
  return undefined
}

/** Keeps the source's own text when it is a time. */
export function dueText({ unit, due = 0 }: Verdict): string {
  const { image } = unit.source
  return readDueTime(image) === due ? (image.tags.get(PRUNE_TAG) ?? '') : new Date(due).toISOString()
}

interface Cause {
  readonly verdict: Verdict
  readonly changes: Changes
}

async function mark({ region, image }: LocatedImage, value: string, { verdict, changes }: Cause): Promise<void> {
  const ec2 = changes.regions.get(region)
  if (!ec2) return
  const change = value ? `marked, due on ${value}` : 'unmarked'
  info(`${image.id} in ${region}: ${change} (${verdict.reason}).`)
  await tagResource(ec2, image.id, new Map([[PRUNE_TAG, value]]))
  changes.record.add({ ec2, image }, `${change}: ${verdict.reason}`)
}

/** Copies first, so that a failure leaves the source, by which the next run finds the rest. */
async function remove(
  { unit, reason }: Verdict,
  { regions, record }: Changes,
  pruned: LocatedImage[],
): Promise<string | undefined> {
  const present = await describeAgain(imagesOf(unit), regions)
  const changed = present.find(({ before, now }) => !isSame(before.image, now))
  if (changed) return `${changed.before.image.id} has changed since it was checked: the next run checks it again`
  for (const { before, now } of present) {
    const ec2 = regions.get(before.region)
    if (!ec2) continue
    info(`${now.id} in ${before.region}: deregistering it and deleting its snapshots (${reason}).`)
    await tagSnapshots(ec2, now)
    record.add({ ec2, image: now }, `deregistered: ${reason}`)
    // Without an error, or after one about a snapshot, the image is deregistered.
    await removeImage({ ec2, image: now }, () => void pruned.push({ region: before.region, image: now }))
  }
  return undefined
}

interface Present {
  readonly before: LocatedImage
  readonly now: Image
}

/** Describes images once more, right before they are deregistered. One that does not exist any more is left out. */
async function describeAgain(images: readonly LocatedImage[], regions: Regions): Promise<readonly Present[]> {
  const described = images.map(async before => {
    const ec2 = regions.get(before.region)
    const now = ec2 && (await describeImage(ec2, before.image.id))
    return now && now.state !== 'deregistered' ? [{ before, now }] : []
  })
  return (await Promise.all(described)).flat()
}

/** Whether an image is still what the rules have judged. */
function isSame(before: Image, now: Image): boolean {
  const facts = ({ state, owner, lastLaunchedTime, isProtected, tags }: Image) =>
    JSON.stringify([state, owner, lastLaunchedTime, isProtected, [...tags].sort()])
  return facts(before) === facts(now)
}
