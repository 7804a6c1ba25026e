/** Random accounts for the rules of `prune`, with the truth about each image that its tags only tell in EC2's words. */
import type { Account, Definition, Fact, LocatedImage, Retention } from '../../src/actions/prune/account.ts'
import type { UsageReport } from '../../src/ec2/usage-reports.ts'
import type { Dice } from './definitions.ts'
import { describedImage } from './described-image.ts'

export const DAY = 86_400_000
export const NOW = Date.parse('2026-06-01T12:00:00Z')
export const REGIONS = ['us-east-1', 'eu-west-1', 'ap-south-1']

export type TrueState = 'published' | 'candidate' | 'revoked' | 'revoked-once' | 'failed' | 'unfinished' | 'odd'

/** An image as it was made, whatever its tags say. */
export interface TrueImage {
  readonly id: string
  readonly region: string
  readonly state: TrueState
  /** The image that this one is a copy of. */
  readonly copyOf: TrueImage | undefined
  readonly repository: string | undefined
  readonly name: string | undefined
  readonly template: string
  readonly architecture: string
  readonly checksum: string
  readonly bakedAt: number
  readonly launchedAt: number | undefined
  readonly isProtected: boolean
  readonly isBackup: boolean
  readonly users: readonly string[]
  readonly sharedWith: readonly string[]
  /** The latest report: whether it is finished, and who it names. */
  readonly report: { readonly state: 'available' | 'pending' | 'error'; readonly users: readonly string[] } | undefined
  readonly parents: readonly string[]
  /** What EC2 names as its source, when it is no copy. */
  readonly base: string | undefined
  /** What could not be asked about it. */
  readonly broken: 'references' | 'sharing' | undefined
  /** The text of its tag. */
  mark: string
}

/** An account, with the options of a run. */
export interface TrueAccount {
  images: TrueImage[]
  readonly definitions: readonly TrueDefinition[]
  readonly silentRegion: string | undefined
  readonly options: Omit<Retention, 'now'>
}

export interface TrueDefinition {
  readonly name: string
  readonly template: string
  /** Absent when it can't be computed. */
  readonly checksum: string | undefined
}

const OURS = 'example/app'
const STATES: readonly TrueState[] = [
  ...Array<TrueState>(9).fill('published'),
  ...(['candidate', 'revoked', 'revoked-once', 'failed', 'unfinished', 'odd'] as const),
]

/** Makes an account of some units for each of several lines. */
export function makeAccount(dice: Dice, size: number): TrueAccount {
  const number = counter()
  const checksums = Array.from({ length: 12 }, () => hex(dice, 40))
  const lines = Array.from({ length: 2 + dice.below(6) }, (_, line) => ({
    repository: pickOrNone(dice, [OURS, OURS, OURS, OURS, 'example/other', 'example/third']),
    name: pickOrNone(dice, ['web', 'db', `line-${line}`]),
    template: dice.pick(['web/t.pkr.hcl', 'db/t.pkr.hcl', 'old/t.pkr.hcl']),
    architecture: dice.pick(['x86_64', 'x86_64', 'arm64']),
  }))
  const images: TrueImage[] = []
  const noise = dice.pick([0, 0.02, 0.2])
  while (images.length < size) {
    const source = makeImage(dice, { ...dice.pick(lines), noise, checksums, images, id: number() })
    images.push(source)
    for (const region of REGIONS.slice(1)) if (dice.chance(0.35)) images.push(copyOf(source, region, dice, number()))
    // Sources that were deregistered by hand leave copies behind.
    if (dice.chance(0.04)) images.splice(images.indexOf(source), 1)
  }
  const definitions = ['web', 'db'].filter(() => dice.chance(0.7)).map(name => makeDefinition(name, dice, checksums))
  return {
    images: images.sort(() => dice.below(3) - 1),
    definitions,
    silentRegion: dice.chance(0.03) ? dice.pick(REGIONS) : undefined,
    options: makeOptions(dice, images),
  }
}

function makeDefinition(name: string, dice: Dice, checksums: readonly string[]): TrueDefinition {
  return { name, template: `${name}/t.pkr.hcl`, checksum: dice.chance(0.08) ? undefined : dice.pick(checksums) }
}

function makeOptions(dice: Dice, images: readonly TrueImage[]): TrueAccount['options'] {
  const repositories = [OURS, ...(dice.chance(0.2) ? ['example/third'] : []), ...(dice.chance(0.2) ? [undefined] : [])]
  const some = images.filter(() => dice.chance(0.01))
  return {
    repositories: new Set(repositories),
    templates: new Set(['web/t.pkr.hcl', 'old/t.pkr.hcl'].filter(() => dice.chance(0.4))),
    keepLast: 1 + dice.below(3),
    keepDays: dice.pick([0, 10, 30]),
    keepLaunchedDays: dice.pick([0, 20, 90]),
    keep: new Set(some.map(({ id, checksum }) => dice.pick([id, checksum]))),
    shared: dice.pick(['keep', 'usage']),
    graceDays: dice.pick([1, 14, 20]),
    maxDeletions: { units: 100_000 },
  }
}

interface Origin {
  readonly repository: string | undefined
  readonly name: string | undefined
  readonly template: string
  readonly architecture: string
  readonly noise: number
  readonly checksums: readonly string[]
  readonly images: readonly TrueImage[]
  readonly id: string
}

function makeImage(dice: Dice, origin: Origin): TrueImage {
  const { noise, checksums, images, id, ...line } = origin
  const age = dice.below(200) + dice.below(1000) / 1000
  const [ancestor] = images.length > 0 && dice.chance(0.3) ? [dice.pick(images)] : []
  return {
    ...line,
    id,
    region: 'us-east-1',
    state: dice.pick(STATES.filter(state => state !== 'unfinished')),
    copyOf: undefined,
    checksum: dice.chance(0.3) ? dice.pick(checksums) : hex(dice, 40),
    bakedAt: NOW - age * DAY,
    parents: ancestor ? [ancestor.id] : [],
    base: ancestor?.region === 'us-east-1' ? ancestor.id : undefined,
    ...makeUse(dice, noise),
    isBackup: dice.chance(0.02),
    mark: makeMark(dice),
  }
}

function makeUse(dice: Dice, noise: number) {
  const some = (chance: number, values: readonly string[]) => (dice.chance(chance) ? [dice.pick(values)] : [])
  const sharedWith = some(0.1, ['111122223333', 'all', 'arn:aws:organizations::1:organization/o-1'])
  const state = pickOrNone(dice, ['available', 'available', 'pending', 'error'] as const)
  return {
    launchedAt: dice.chance(0.3) ? NOW - dice.below(250) * DAY : undefined,
    isProtected: dice.chance(0.03),
    users: some(0.08, ['arn:aws:ec2:us-east-1:1:instance/i-1', 'arn:aws:ssm:us-east-1:1:parameter/a']),
    sharedWith,
    report: state && { state, users: state === 'available' ? some(0.4, ['111122223333']) : [] },
    broken: dice.chance(noise) ? dice.pick(['references', 'sharing'] as const) : undefined,
  }
}

function makeMark(dice: Dice): string {
  if (dice.chance(0.8)) return ''
  const time = new Date(NOW + (dice.below(41) - 20) * DAY).toISOString()
  return dice.pick([time, time, time.slice(0, 10), 'never', 'tomorrow'])
}

function copyOf(source: TrueImage, region: string, dice: Dice, id: string): TrueImage {
  const isGood = dice.chance(0.85)
  const state = isGood ? source.state : dice.pick(['unfinished', 'failed'] as const)
  return {
    ...source,
    ...makeUse(dice, 0.01),
    ...{ id, region, state, copyOf: source, isBackup: false, mark: dice.chance(0.8) ? source.mark : makeMark(dice) },
    parents: source.parents,
  }
}

/** One more item is `undefined`. */
function pickOrNone<Item>(dice: Dice, items: readonly Item[]): Item | undefined {
  const place = dice.below(items.length + 1)
  return items[place]
}

function counter(): () => string {
  let count = 0
  return () => `ami-${(++count).toString(16).padStart(17, '0')}`
}

function hex(dice: Dice, length: number): string {
  return Array.from({ length }, () => dice.below(16).toString(16)).join('')
}

const VALUES: Readonly<Record<TrueState, (checksum: string) => string>> = {
  published: checksum => checksum,
  candidate: checksum => `candidate:${checksum}`,
  revoked: checksum => `revoked:${checksum}`,
  'revoked-once': checksum => `revoked-once:${checksum}`,
  failed: checksum => `failed:${checksum}`,
  unfinished: () => '',
  odd: () => 'latest',
}

/** What EC2 says of an account. */
export function describeInWordsOfEc2({ images, definitions, silentRegion }: TrueAccount): Account {
  const seen = images.filter(({ region }) => region !== silentRegion)
  const fact = <Value>(image: TrueImage, broken: TrueImage['broken'], known: Value): [string, Fact<Value>] => [
    image.id,
    image.broken === broken ? { unknown: `no ${broken} of ${image.id}` } : { known },
  ]
  return {
    images: seen.map(toLocated),
    unaskedRegions: new Set(),
    unreadRegions: new Map(silentRegion ? [[silentRegion, 'silent']] : []),
    definitions: definitions.map(toDefinition),
    references: new Map(seen.map(image => fact(image, 'references', image.users))),
    sharing: new Map(seen.map(image => fact(image, 'sharing', image.sharedWith))),
    reports: new Map(seen.map(image => [image.id, { known: toReports(image) }])),
    collected: 'everything',
  }
}

function toDefinition({ name, template, checksum }: TrueDefinition): Definition {
  return {
    imageName: name,
    template,
    checksums: checksum === undefined ? { unknown: `${name} can't be computed` } : { known: [checksum] },
  }
}

function toReports({ id, report }: TrueImage): UsageReport[] {
  return report ? [{ id: 'report-1', image: id, requestedAt: NOW - DAY, ...report }] : []
}

function toLocated(image: TrueImage): LocatedImage {
  const { id, region, state, bakedAt, launchedAt, architecture, isProtected } = image
  const described = describedImage({
    id,
    architecture,
    isProtected,
    creationDate: new Date(bakedAt).toISOString(),
    tags: toTags(image),
    sourceImage: image.copyOf?.id ?? image.base,
    gib: state === 'failed' ? 0 : 8,
    lastLaunchedTime: launchedAt === undefined ? undefined : new Date(launchedAt).toISOString(),
  })
  return { region, image: described }
}

function toTags({ state, checksum, copyOf, name, template, repository, bakedAt, ...image }: TrueImage) {
  const [parent] = image.parents
  const all = {
    ami_config_checksum: VALUES[state](checksum),
    ami_bakery_template: template,
    ami_bakery_repository: repository,
    ami_bakery_image_name: name,
    ami_bakery_image: copyOf?.id,
    ami_bakery_parent: parent,
    ami_bakery_baked_at: new Date(bakedAt).toISOString(),
    ami_bakery_revoked: state.startsWith('revoked') ? 'boots badly' : undefined,
    ami_bakery_prune: image.mark,
    'aws:backup:source-resource': image.isBackup ? 'i-1' : undefined,
  }
  return new Map(Object.entries(all).flatMap(([key, value]) => (value ? [[key, value]] : [])))
}
