/**
 * EC2's API is eventually consistent: "the result of an API command you run […] might not be immediately visible to all subsequent
 * commands you run" (EC2 developer guide, "Eventual consistency in the Amazon EC2 API"). moto knows all at once; this forgets it for a
 * while, as `__tests__/ec2.md` lists.
 */

import { errorDocument, mapItems } from './xml.ts'

/** How late EC2 is, in milliseconds; what is absent is not late. */
export interface Lateness {
  /** For so long a new thing is unknown: not described, and `…NotFound` to requests that name it. */
  readonly appear?: number
  /** The same for the snapshots of an image that was just asked for; by default as long as any other new thing. */
  readonly snapshots?: number
  /** For so long filters see the tags as they were before. */
  readonly tags?: number
  /** For so long a deregistered image is described, with the state `deregistered`. */
  readonly gone?: number
  /** Only who has such a user agent sees that EC2 is late. */
  readonly towards?: RegExp
}

/** Whether this whole run of the tests is to meet a late and slow EC2: `AMI_BAKERY_EC2=late npx vitest run`. */
export const IS_LATE_RUN = process.env.AMI_BAKERY_EC2 === 'late'

/**
 * How late EC2 is in such a run: long enough to be met, short enough for waits that a test scales down. Towards the action alone,
 * because Packer, which can deal with it, asks again after 5 and 15 seconds.
 */
export const LATE: Lateness = { appear: 300, snapshots: 600, tags: 500, gone: 4_000, towards: /ami-bakery/ }

interface Asked {
  readonly action: string
  readonly region: string
  readonly parameters: URLSearchParams
  readonly agent: string
}

interface Answer {
  readonly status: number
  readonly body: string
}

type Send<Request> = (request: Request) => Promise<Answer>

export interface Consistency {
  /** How late EC2 is from now on. */
  late(lateness: Lateness): void
  /** Answers a request as an EC2 does that is late. */
  answer<Request extends Asked>(request: Request, send: Send<Request>): Promise<Answer>
}

/** What an action makes, in its answer. */
const CREATED: Readonly<Record<string, RegExp>> = {
  CreateKeyPair: /<key(?:PairId|Name)>([^<]+)</g,
  CreateSecurityGroup: /<groupId>(sg-[0-9a-f]+)</g,
  RunInstances: /<instanceId>(i-[0-9a-f]+)</g,
  CreateFleet: />(i-[0-9a-f]+)</g,
  CreateImage: /<imageId>(ami-[0-9a-f]+)</g,
  CopyImage: /<imageId>(ami-[0-9a-f]+)</g,
}

/** What tells the things in an answer. */
const IDS: Readonly<Record<string, RegExp>> = {
  DescribeImages: /<imageId>(ami-[0-9a-f]+)</,
  DescribeInstances: /<instanceId>(i-[0-9a-f]+)</,
  DescribeKeyPairs: /<keyPairId>(key-[0-9a-f]+)</,
  DescribeSecurityGroups: /<groupId>(sg-[0-9a-f]+)</,
}

/** How EC2 says that it does not know a thing (AWS: "Error codes for the Amazon EC2 API"). */
const UNKNOWN: readonly (readonly [RegExp, string])[] = [
  [/^ami-/, 'InvalidAMIID.NotFound'],
  [/^i-/, 'InvalidInstanceID.NotFound'],
  [/^sg-/, 'InvalidGroup.NotFound'],
  [/^/, 'InvalidKeyPair.NotFound'],
]

/** Requests that fail when they name a thing that EC2 does not know yet. */
const NAMING =
  /^(Describe\w+|CreateTags|ModifyImageAttribute|EnableImageDeprecation|DeregisterImage|TerminateInstances|DeleteSecurityGroup)$/

/** The parameters that name a thing. */
const NAME = /^(?:Resource|Image|SourceImage|Instance|Group|KeyPair)Id(?:\.\d+)?$|^(?:Key|Group)Name\.\d+$/

/** Makes an EC2 that is not late, until it is told to be. */
export function createConsistency(): Consistency {
  let lateness: Lateness = {}
  const births = createBirths(() => lateness)
  const tags = createTagHistory(() => lateness)
  const departures = createDepartures(() => lateness)

  async function answer<Request extends Asked>(request: Request, send: Send<Request>): Promise<Answer> {
    const isFooled = !lateness.towards || lateness.towards.test(request.agent)
    const refusal = (isFooled && births.refusalOf(request)) || departures.refusalOf(request)
    if (refusal) return { status: 400, body: errorDocument(refusal) }
    const changes = [await tags.remember(request, send), await departures.remember(request, send)]
    const { status, body } = await send(request)
    if (status !== 200) return { status, body }
    for (const note of changes) note()
    births.note(request, body)
    if (!isFooled) return { status, body }
    const found = mapItems(await tags.describe(request, body, send), item => births.describe(request, item))
    return { status, body: departures.describe(request, found) }
  }

  function late(wanted: Lateness): void {
    lateness = wanted
  }

  return { late, answer }
}

/** What was just made is unknown for a while. */
function createBirths(lateness: () => Lateness) {
  const knownFrom = new Map<string, number>()
  const snapshotsFrom = new Map<string, number>()
  const isIn = (times: Map<string, number>, id = '') => (times.get(id) ?? 0) > Date.now()

  function note({ action }: Asked, body: string): void {
    const { appear = 0, snapshots = appear } = lateness()
    for (const [, id = ''] of body.matchAll(CREATED[action] ?? /$^/g)) {
      knownFrom.set(id, Date.now() + appear)
      snapshotsFrom.set(id, Date.now() + snapshots)
    }
  }

  function refusalOf({ action, parameters }: Asked): string | undefined {
    if (!NAMING.test(action)) return undefined
    for (const [name, value] of parameters) {
      // The value of a filter or of a tag names nothing.
      if (!NAME.test(name) || !isIn(knownFrom, value)) continue
      return UNKNOWN.find(([pattern]) => pattern.test(value))?.[1]
    }
    return undefined
  }

  function describe({ action }: Asked, item: string): string {
    if (isIn(knownFrom, IDS[action]?.exec(item)?.[1])) return ''
    const image = action === 'DescribeSnapshots' ? / (?:for|DestinationAmi) (ami-[0-9a-f]+)/.exec(item)?.[1] : undefined
    return isIn(snapshotsFrom, image) ? '' : item
  }

  return { note, refusalOf, describe }
}

interface Change {
  readonly id: string
  readonly key: string
  readonly before: string | undefined
  readonly after: string
  readonly until: number
}

/** Filters see the tags as they were before; a thing that they find has its former tags, too. */
function createTagHistory(lateness: () => Lateness) {
  let changes: readonly Change[] = []
  const current = () => changes.filter(({ until }) => until > Date.now())
  /** What filters still see: the oldest change that they don't know tells. */
  const seen = (id: string, key: string) => current().find(change => change.id === id && change.key === key)

  async function remember<Request extends Asked>(request: Request, send: Send<Request>): Promise<() => void> {
    const { tags: delay = 0 } = lateness()
    if (request.action !== 'CreateTags' || delay === 0) return () => {}
    const ids = valuesOf(request, /^ResourceId\.\d+$/)
    const former = await Promise.all(ids.map(id => send(ask(request, 'DescribeTags', { 'resource-id': [id] }))))
    const keys = [...request.parameters].flatMap(([name, key]) => (/^Tag\.\d+\.Key$/.test(name) ? [{ name, key }] : []))
    const made = ids.flatMap((id, index) =>
      keys.map(({ name, key }) => ({
        id,
        key,
        before: tagIn(former[index]?.body ?? '', key),
        after: request.parameters.get(name.replace('Key', 'Value')) ?? '',
        until: Date.now() + delay,
      })),
    )
    return () => {
      changes = [...current(), ...made]
    }
  }

  async function describe<Request extends Asked>(request: Request, body: string, send: Send<Request>): Promise<string> {
    if (request.action !== 'DescribeImages') return body
    let result = body
    for (const filter of tagFilters(request)) {
      result = mapItems(result, item => (isSeen(idOf(item), filter) ? item : ''))
      for (const change of missing(filter, idsIn(result))) {
        const { body: found } = await send(withImage(request, filter, change.id))
        mapItems(found, item => {
          result = addImage(result, makeFormer(item, change))
          return item
        })
      }
    }
    return result
  }

  function isSeen(id: string, { key, values }: TagFilter): boolean {
    const change = seen(id, key)
    return !change || values.includes(change.before ?? '')
  }

  /** What filters still find, and moto doesn't any more. */
  function missing({ key, values }: TagFilter, shown: ReadonlySet<string>): readonly Change[] {
    const changed = new Set(current().flatMap(change => (change.key === key ? [change.id] : [])))
    const former = [...changed].flatMap(id => (shown.has(id) ? [] : (seen(id, key) ?? [])))
    return former.filter(({ before }) => before !== undefined && values.includes(before))
  }

  return { remember, describe }
}

interface Departed {
  readonly region: string
  /** The image as it was described last. */
  readonly item: string
  readonly until: number
}

/** A deregistered image is described for a while, and may not be used any more. */
function createDepartures(lateness: () => Lateness) {
  const departed = new Map<string, Departed>()

  function refusalOf({ action, parameters }: Asked): string | undefined {
    const names = ['ImageId', 'SourceImageId'].map(name => parameters.get(name) ?? '')
    return action !== 'DescribeImages' && names.some(id => departed.has(id)) ? 'InvalidAMIID.Unavailable' : undefined
  }

  async function remember<Request extends Asked>(request: Request, send: Send<Request>): Promise<() => void> {
    const { gone = 0 } = lateness()
    if (request.action !== 'DeregisterImage' || gone === 0) return () => {}
    const id = request.parameters.get('ImageId') ?? ''
    const { body } = await send(ask(request, 'DescribeImages', { 'image-id': [id] }))
    return () => {
      mapItems(body, item => {
        departed.set(id, { region: request.region, item, until: Date.now() + gone })
        return item
      })
    }
  }

  function describe(request: Asked, body: string): string {
    if (request.action !== 'DescribeImages') return body
    const lingering = [...departed.values()].filter(
      ({ until, region, item }) => until > Date.now() && region === request.region && matches(item, request),
    )
    const items = lingering.map(({ item }) => item.replace(/<imageState>\w+</, '<imageState>deregistered<'))
    return items.reduce(addImage, body)
  }

  return { refusalOf, remember, describe }
}

/** Whether a question is about an image that is deregistered. */
function matches(item: string, request: Asked): boolean {
  const ids = valuesOf(request, /^ImageId\.\d+$/)
  if (ids.length > 0 && !ids.includes(idOf(item))) return false
  return [...request.parameters].every(([parameter, name]) => {
    const [, filter] = /^(Filter\.\d+)\.Name$/.exec(parameter) ?? []
    return !filter || valuesOf(request, new RegExp(`^${filter}\\.Value\\.\\d+$`)).includes(attributeOf(item, name))
  })
}

function attributeOf(item: string, name: string): string {
  if (name === 'state') return 'deregistered'
  if (name.startsWith('tag:')) return new RegExp(`<key>${name.slice(4)}</key><value>([^<]*)<`).exec(item)?.[1] ?? ''
  const element = name.replace(/-./g, ([, letter = '']) => letter.toUpperCase())
  return new RegExp(`<${element}>([^<]*)<`).exec(item)?.[1] ?? ''
}

function ask<Request extends Asked>(
  request: Request,
  Action: string,
  filters: Record<string, readonly string[]>,
): Request {
  const parameters = new URLSearchParams({ Action, Version: '2016-11-15' })
  for (const [index, [name, values]] of Object.entries(filters).entries()) {
    parameters.set(`Filter.${index + 1}.Name`, name)
    for (const [place, value] of values.entries()) parameters.set(`Filter.${index + 1}.Value.${place + 1}`, value)
  }
  return { ...request, action: Action, parameters }
}

/** The same question about one image, without a filter. */
function withImage<Request extends Asked>(request: Request, { filter }: TagFilter, id: string): Request {
  const parameters = new URLSearchParams([...request.parameters].filter(([name]) => !name.startsWith(`${filter}.`)))
  parameters.set(`${filter}.Name`, 'image-id')
  parameters.set(`${filter}.Value.1`, id)
  return { ...request, parameters }
}

function makeFormer(item: string, { key, before, after }: Change): string {
  return item.replace(`<key>${key}</key><value>${after}<`, `<key>${key}</key><value>${before}<`)
}

interface TagFilter {
  /** The number of the parameter, like `Filter.1`. */
  readonly filter: string
  readonly key: string
  readonly values: readonly string[]
}

function tagFilters(request: Asked): readonly TagFilter[] {
  return [...request.parameters].flatMap(([name, value]) => {
    const [, filter = ''] = /^(Filter\.\d+)\.Name$/.exec(name) ?? []
    if (!filter || !value.startsWith('tag:')) return []
    return [{ filter, key: value.slice(4), values: valuesOf(request, new RegExp(`^${filter}\\.Value\\.\\d+$`)) }]
  })
}

function valuesOf({ parameters }: Asked, name: RegExp): string[] {
  return [...parameters].flatMap(([key, value]) => (name.test(key) ? [value] : []))
}

function tagIn(body: string, key: string): string | undefined {
  let value: string | undefined
  mapItems(body, item => {
    if (item.includes(`<key>${key}</key>`)) value = /<value>([^<]*)</.exec(item)?.[1] ?? ''
    return item
  })
  return value
}

function idOf(item: string): string {
  return IDS.DescribeImages?.exec(item)?.[1] ?? ''
}

function idsIn(body: string): ReadonlySet<string> {
  const ids = new Set<string>()
  mapItems(body, item => {
    ids.add(idOf(item))
    return item
  })
  return ids
}

function addImage(body: string, item: string): string {
  return body.replace(/<imagesSet\s*\/>|<\/imagesSet>/, end =>
    end.startsWith('</') ? `${item}${end}` : `<imagesSet>${item}</imagesSet>`,
  )
}
