import { readDueTime } from '../../ec2/choose-image.ts'
import { bakedAt } from '../../ec2/images.ts'
import { isPublished } from '../../ec2/line.ts'
import { readState } from '../../ec2/state.ts'
import { IMAGE_TAG } from '../../ec2/tag-names.ts'
import type { UsageReport } from '../../ec2/usage-reports.ts'
import { DAY } from '../../runner/wait.ts'
import type { Account, Fact, LocatedImage, Retention } from './account.ts'
import {
  describeUnmarked,
  imagesOf,
  isUnfinishedCopy,
  lineOf,
  nameOf,
  needsMark,
  newestFirst,
  type Unit,
} from './units.ts'

/** What the rules judge by. */
export interface Evidence {
  readonly account: Account
  readonly retention: Retention
  /** The published units of each line, from the newest to the oldest. */
  readonly newest: ReadonlyMap<string, readonly Unit[]>
  /** The names of the images in the images file, by their checksum. */
  readonly current: ReadonlyMap<string, string>
  /** The newest unit of each line that keeps a definition of the images file from being baked. */
  readonly blocks: ReadonlySet<Unit>
}

/** Collects what the rules judge by, from all units of the account. */
export function collectEvidence(units: readonly Unit[], account: Account, retention: Retention): Evidence {
  const sorted = [...units].sort(newestFirst)
  const current = new Map(
    account.definitions.flatMap(({ imageName, checksums }) =>
      'known' in checksums ? checksums.known.map(checksum => [checksum, imageName] as const) : [],
    ),
  )
  const newest = Map.groupBy(
    sorted.filter(({ source }) => isPublished(source.image)),
    lineOf,
  )
  return { account, retention, newest, current, blocks: findLastBlocks(sorted, current) }
}

function findLastBlocks(sorted: readonly Unit[], current: Evidence['current']): ReadonlySet<Unit> {
  const blocking = sorted.filter(unit => current.has(blockedBy(unit) ?? ''))
  // From the oldest to the newest: the map keeps the last one.
  const last = new Map(blocking.toReversed().map(unit => [`${blockedBy(unit)} ${lineOf(unit)}`, unit]))
  return new Set(last.values())
}

/** The checksum that a unit keeps from being baked. */
function blockedBy(unit: Unit): string | undefined {
  return imagesOf(unit)
    .map(({ image }) => readState(image))
    .find(state => state?.name === 'blocked')?.checksum
}

/** Why a unit is kept; `undefined` when no rule keeps it. */
type Rule = (unit: Unit, evidence: Evidence) => string | undefined

/**
 * Finds the first rule that keeps a unit.
 *
 * @returns The reason; `undefined` when no rule keeps it, as far as the facts are known.
 */
export function findReason(unit: Unit, evidence: Evidence): string | undefined {
  for (const rule of RULES) {
    const reason = rule(unit, evidence)
    if (reason) return reason
  }
  return undefined
}

const RULES: readonly Rule[] = [
  listed,
  current,
  block,
  newest,
  withoutState,
  young,
  copyOfUnasked,
  isProtected,
  launched,
  referenced,
  shared,
]

function listed(unit: Unit, { retention: { keep } }: Evidence): string | undefined {
  const names = imagesOf(unit).flatMap(({ image }) => [image.id, readState(image)?.checksum ?? ''])
  const name = names.find(name => keep.has(name))
  return name && `keep lists ${name}`
}

/** A published image or a candidate: one of a failed bake is no use to the definition, and a revoked one has a rule of its own. */
function current(unit: Unit, evidence: Evidence): string | undefined {
  for (const { image } of imagesOf(unit)) {
    const state = readState(image)
    const isWanted = state?.name === 'published' || state?.name === 'candidate'
    const name = isWanted ? evidence.current.get(state.checksum) : undefined
    if (name) return `it has the checksum of ${name} in the images file`
  }
  return undefined
}

function block(unit: Unit, { blocks }: Evidence): string | undefined {
  return blocks.has(unit) ? 'it is the last image that blocks a revoked definition of the images file' : undefined
}

function newest(unit: Unit, { newest, retention: { keepLast } }: Evidence): string | undefined {
  const place = newest.get(lineOf(unit))?.indexOf(unit) ?? -1
  if (place < 0 || place >= keepLast) return undefined
  const name = nameOf(unit.source.image)
  return place === 0 ? `the newest published image of ${name}` : `number ${place + 1} of the newest of ${name}`
}

/** An image of a template without a state comes from a bake that could not tag it, which the user was told about. */
function withoutState(unit: Unit): string | undefined {
  const odd = imagesOf(unit).find(({ image }) => !readState(image) && !isUnfinishedCopy(image))
  return odd && `${odd.image.id} has no state that prune knows`
}

function young(unit: Unit, { retention: { now, keepDays, graceDays } }: Evidence): string | undefined {
  const ages = imagesOf(unit).map(({ image }) => now - bakedAt(image))
  if (needsMark(unit)) return Math.min(...ages) < keepDays * DAY ? `baked less than ${keepDays} days ago` : undefined
  return Math.min(...ages) > graceDays * DAY ? undefined : `${describeUnmarked(unit)}, not older than grace-days`
}

/** A copy without its source is a unit of its own only if the source is nowhere. */
function copyOfUnasked(unit: Unit, { account: { unaskedRegions } }: Evidence): string | undefined {
  const { tags, sourceRegion } = unit.source.image
  const source = tags.get(IMAGE_TAG)
  if (!source || !needsMark(unit) || unaskedRegions.size === 0) return undefined
  if (sourceRegion !== undefined && !unaskedRegions.has(sourceRegion)) return undefined
  return `its source ${source} may be in ${sourceRegion ?? 'a region'}, which regions leaves out`
}

function isProtected(unit: Unit): string | undefined {
  const found = imagesOf(unit).find(({ image }) => image.isProtected)
  return found && `${found.image.id} is protected from deregistration`
}

function launched(unit: Unit, { retention: { now, keepLaunchedDays } }: Evidence): string | undefined {
  for (const { image } of imagesOf(unit)) {
    if (image.lastLaunchedTime === undefined) continue
    const days = (now - Date.parse(image.lastLaunchedTime)) / DAY
    if (!(days >= keepLaunchedDays)) return `${image.id} was launched on ${image.lastLaunchedTime}`
  }
  return undefined
}

function referenced(unit: Unit, { account: { references } }: Evidence): string | undefined {
  for (const { image } of imagesOf(unit)) {
    const [first, ...others] = known(references.get(image.id)) ?? []
    if (first) return `${image.id} is used by ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`
  }
  return undefined
}

function shared(unit: Unit, evidence: Evidence): string | undefined {
  for (const located of imagesOf(unit)) {
    const [first, ...others] = known(evidence.account.sharing.get(located.image.id)) ?? []
    if (!first) continue
    const more = others.length > 0 ? ` and ${others.length} more` : ''
    if (evidence.retention.shared === 'keep') return `${located.image.id} is shared with ${first}${more}`
    const reason = usedElsewhere(located, unit, evidence)
    if (reason) return reason
  }
  return undefined
}

/** Only a unit that would be deleted now needs a finished report: it is requested when the unit is marked. */
function usedElsewhere({ image }: LocatedImage, unit: Unit, evidence: Evidence): string | undefined {
  const { account, retention } = evidence
  const reports = known(account.reports.get(image.id))
  if (!reports) return undefined
  const newest = reports.at(-1)
  const use = newest && describeUse(newest)
  if (use) return use
  const due = readDueTime(unit.source.image)
  const isDue = !needsMark(unit) || (due !== undefined && due <= retention.now)
  if (!isDue || newest?.state === 'available') return undefined
  return `${image.id} is shared, and there is no finished report on its use by other accounts`
}

function describeUse({ image, requestedAt, users: [user] }: UsageReport): string | undefined {
  return user && `account ${user} uses ${image}, by the report of ${dayOf(requestedAt)}`
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function known<Value>(fact: Fact<Value> | undefined): Value | undefined {
  return fact && 'known' in fact ? fact.known : undefined
}
