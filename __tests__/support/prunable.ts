/** Small accounts for the decisions of `prune`, in memory: nothing uses an image unless a test says so. */
import type { Account, Fact, Retention } from '../../src/actions/prune/account.ts'
import { decide, type Verdict } from '../../src/actions/prune/decide.ts'
import type { Image } from '../../src/ec2/images.ts'
import type { UsageReport } from '../../src/ec2/usage-reports.ts'
import { describedImage } from './described-image.ts'
import { DAY, NOW } from './random-account.ts'

export const HOME = 'us-east-1'
export const AWAY = 'eu-west-1'
export const TEMPLATE = 'app.pkr.hcl'

const RETENTION: Retention = {
  repositories: new Set(['example/app']),
  templates: new Set([TEMPLATE]),
  keepLast: 1,
  keepDays: 30,
  keepLaunchedDays: 90,
  keep: new Set(),
  shared: 'keep',
  graceDays: 14,
  maxDeletions: { units: 20 },
  now: NOW,
}

/** A checksum that consists of the digit. */
export function checksum(digit: number): string {
  return String(digit).repeat(40)
}

/** The time so many days before the run, in ISO 8601. */
export function daysAgo(days: number): string {
  return new Date(NOW - days * DAY).toISOString()
}

type Tags = Readonly<Record<string, string | undefined>>

/** A published image that was baked so many days ago. Its id and its checksum consist of the digit; a tag of `undefined` is absent. */
export function prunable(digit: number, days: number, tags: Tags = {}): Image {
  const all = {
    ami_config_checksum: checksum(digit),
    ami_bakery_template: TEMPLATE,
    ami_bakery_repository: 'example/app',
    ...tags,
  }
  return describedImage({
    id: `ami-${String(digit).repeat(8)}`,
    creationDate: daysAgo(days),
    tags: new Map(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
  })
}

/** A copy of an image, with the tags of its source and what is given. */
export function copyOf(source: Image, digit: number, tags: Tags = {}): Image {
  return prunable(digit, (NOW - Date.parse(source.creationDate)) / DAY, {
    ...Object.fromEntries(source.tags),
    ami_bakery_image: source.id,
    ...tags,
  })
}

type ById<Value> = Readonly<Record<string, Fact<readonly Value[]>>>

/** An account, and the retention of a run where it is of note. */
export interface Given {
  readonly home: readonly Image[]
  readonly away?: readonly Image[]
  /** By the ids of images; nothing refers to the others. */
  readonly references?: ById<string>
  /** By the ids of images; the others are not shared. */
  readonly sharing?: ById<string>
  /** By the ids of images; the others have no report. */
  readonly reports?: ById<UsageReport>
  readonly account?: Partial<Account>
  readonly retention?: Partial<Retention>
}

/** Decides what becomes of each unit of the account. */
export function decideOn({ home, away = [], retention, ...given }: Given): Verdict[] {
  const images = [...home.map(image => ({ region: HOME, image })), ...away.map(image => ({ region: AWAY, image }))]
  const facts = <Value>(known: ById<Value> = {}) =>
    new Map(images.map(({ image: { id } }) => [id, known[id] ?? { known: [] }]))
  const account: Account = {
    images,
    unreadRegions: new Map(),
    unaskedRegions: new Set(),
    definitions: [],
    references: facts(given.references),
    sharing: facts(given.sharing),
    reports: facts(given.reports),
    collected: 'everything',
    ...given.account,
  }
  return decide(account, { ...RETENTION, ...retention })
}

/** The result and its reason for each unit, by the id of its source. */
export function judge(given: Given): Record<string, string> {
  return Object.fromEntries(
    decideOn(given).map(({ unit, result, reason }) => [unit.source.image.id, `${result}: ${reason}`]),
  )
}
