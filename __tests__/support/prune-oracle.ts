/** Says by the words of prune's README whether an image must stay; shares no code with `src`. */
import { DAY, type TrueAccount, type TrueImage } from './random-account.ts'

/** What must stay, by its id, and why. */
export type Reasons = ReadonlyMap<string, string>

/** The units of an account: an image with its copies. What failed, or was never finished, is a unit of its own. */
function unitsOf({ images }: TrueAccount): TrueImage[][] {
  const sources = new Set(images.filter(({ isBackup }) => !isBackup).map(({ id }) => id))
  const sourceOf = ({ id, state, copyOf }: TrueImage) =>
    copyOf && state !== 'failed' && state !== 'unfinished' && sources.has(copyOf.id) ? copyOf.id : id
  const units = Map.groupBy(
    images.filter(({ isBackup }) => !isBackup),
    sourceOf,
  )
  return [...units].map(([id, unit]) => unit.toSorted((a, b) => Number(b.id === id) - Number(a.id === id)))
}

/** Names a reason for every image that must stay. */
export function findReasons(account: TrueAccount, now: number): Reasons {
  const units = unitsOf(account)
  const reasons = new Map<string, string>()
  const keep = (unit: readonly TrueImage[], why: string | undefined) => {
    if (why && !unit.some(({ id }) => reasons.has(id))) for (const { id } of unit) reasons.set(id, why)
  }
  const lines = Map.groupBy(units, ([source]) => (source ? lineOf(source) : ''))
  for (const image of account.images) if (image.isBackup) reasons.set(image.id, 'a backup')
  for (const unit of units) keep(unit, reasonFor(unit, { account, lines, now }))
  for (let before = -1; before !== reasons.size; ) {
    before = reasons.size
    const needed = new Set(account.images.filter(({ id }) => reasons.has(id)).flatMap(({ parents }) => parents))
    for (const unit of units) keep(unit, unit.some(({ id }) => needed.has(id)) ? 'a parent' : undefined)
  }
  return reasons
}

interface Case {
  readonly account: TrueAccount
  /** The units of each line. */
  readonly lines: ReadonlyMap<string, readonly TrueImage[][]>
  readonly now: number
}

function reasonFor(unit: readonly TrueImage[], given: Case): string | undefined {
  const { account, now } = given
  const { options, definitions, silentRegion } = account
  const [source] = unit
  if (!source) return undefined
  if (silentRegion) return 'a region was silent'
  if (!isOurs(unit, source, account)) return 'not ours'
  const isUnfinished = unit.every(({ state }) => ['failed', 'candidate', 'unfinished'].includes(state))
  const days = (time: number) => (now - time) / DAY
  const uncertain = definitions.filter(({ checksum }) => checksum === undefined)
  const wanted = new Set(definitions.flatMap(({ checksum }) => checksum ?? []))
  if (uncertain.some(({ name, template }) => name === source.name || template === source.template))
    return 'unknown file'
  if (placeInLine(source, given) < options.keepLast) return 'newest'
  for (const image of unit) {
    const age = days(image.bakedAt)
    if (isUnfinished ? age <= options.graceDays : age < options.keepDays) return 'young'
    if (image.state === 'odd') return 'odd'
    if (image.launchedAt !== undefined && days(image.launchedAt) < options.keepLaunchedDays) return 'launched'
    if (image.users.length > 0) return 'used'
    if (image.isProtected) return 'protected'
    if (image.broken) return 'unknown'
    if (options.keep.has(image.id) || (options.keep.has(image.checksum) && image.state !== 'unfinished'))
      return 'listed'
    if (['published', 'candidate'].includes(image.state) && wanted.has(image.checksum)) return 'current'
    if (isShared(image, isUnfinished || isDue(source, now), account)) return 'shared'
  }
  return isLastBlock(unit, given, wanted) ? 'blocks' : undefined
}

function isOurs(unit: readonly TrueImage[], source: TrueImage, { options, definitions }: TrueAccount): boolean {
  if (!unit.every(({ repository }) => options.repositories.has(repository))) return false
  if (options.templates.has(source.template)) return true
  return definitions.some(({ name, template }) =>
    source.name === undefined ? template === source.template : name === source.name,
  )
}

function lineOf({ repository, name, template, architecture }: TrueImage): string {
  return [repository ?? '-', architecture, name === undefined ? `template ${template}` : `name ${name}`].join(' ')
}

/** How many published units of the line are newer; none for what is not published. */
function placeInLine(source: TrueImage, { lines }: Case): number {
  if (source.state !== 'published') return Number.POSITIVE_INFINITY
  const line = lines.get(lineOf(source)) ?? []
  return line.filter(([other]) => other?.state === 'published' && isNewer(other, source)).length
}

function isNewer(a: TrueImage, b: TrueImage): boolean {
  const [one, other] = [a, b].map(({ bakedAt }) => Date.parse(new Date(bakedAt).toISOString()))
  return one === other ? a.id > b.id : (one ?? 0) > (other ?? 0)
}

function isLastBlock([source]: readonly TrueImage[], { lines }: Case, wanted: ReadonlySet<string>): boolean {
  if (source?.state !== 'revoked' || !wanted.has(source.checksum)) return false
  const line = lines.get(lineOf(source)) ?? []
  return !line.some(
    ([other]) => other?.state === 'revoked' && other.checksum === source.checksum && isNewer(other, source),
  )
}

/** When the source's mark says that the unit may be deleted. */
export function isDue(source: TrueImage, now: number): boolean {
  return /^\d{4}-/.test(source.mark) && Date.parse(source.mark) <= now
}

function isShared({ sharedWith, report }: TrueImage, isLast: boolean, { options }: TrueAccount): boolean {
  if (sharedWith.length === 0) return false
  if (options.shared === 'keep' || (report && report.users.length > 0)) return true
  return isLast && report?.state !== 'available'
}
