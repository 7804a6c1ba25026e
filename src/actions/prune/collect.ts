import { connect, type Ec2, isDenied } from '../../ec2/client.ts'
import { describeEveryImage, type Image } from '../../ec2/images.ts'
import { describeSharing } from '../../ec2/launch-permissions.ts'
import { settleReferences } from '../../ec2/references.ts'
import { TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import { describeUsageReports } from '../../ec2/usage-reports.ts'
import { cancelled } from '../../runner/cancel.ts'
import { messageOf } from '../../runner/log.ts'
import { settleAll } from '../../runner/parallel.ts'
import type { Account, Fact, LocatedImage, Retention } from './account.ts'
import { decide } from './decide.ts'
import { imagesOf } from './units.ts'

/** How many requests about single images are sent at once to a region. */
const REQUESTS_AT_ONCE = 8

/** The regions whose images may be pruned, by their names. */
export type Regions = ReadonlyMap<string, Ec2>

/** Connects to regions. */
export function connectAll(names: readonly string[]): Regions {
  return new Map(names.map(name => [name, connect(name, cancelled)]))
}

/** Describes the images with a template tag in all regions. A region that does not answer clearly is remembered as unread. */
export async function describeAccount(
  regions: Regions,
  known: Pick<Account, 'definitions' | 'unaskedRegions'>,
): Promise<Account> {
  const unreadRegions = new Map<string, string>()
  const images = await Promise.all(
    [...regions].map(async ([region, ec2]) => {
      const found = await describeTagged(ec2).catch(error => {
        cancelled.throwIfAborted()
        unreadRegions.set(region, messageOf(error))
        return []
      })
      return found.map((image): LocatedImage => ({ region, image }))
    }),
  )
  const [references, sharing, reports] = [new Map(), new Map(), new Map()]
  return {
    images: images.flat(),
    unreadRegions,
    ...known,
    references,
    sharing,
    reports,
    collected: 'descriptions',
  }
}

/** How many images a page has: each is some kilobytes of XML, and the pages of all regions are read at once. */
const PAGE_SIZE = 200
/** How long the description of a region may take, in seconds: 20,000 images are 100 pages. */
const SECONDS = 5 * 60

async function describeTagged(ec2: Ec2): Promise<Image[]> {
  const Filters = [{ Name: 'tag-key', Values: [TEMPLATE_TAG] }]
  const images = await describeEveryImage(ec2, { Owners: ['self'], Filters, MaxResults: PAGE_SIZE }, SECONDS)
  // An image that the filter found by a tag that it no longer has is not ours any more.
  return images.filter(({ tags }) => tags.get(TEMPLATE_TAG))
}

/**
 * Asks which resources refer to the images that the account's description leaves undecided.
 *
 * @throws Error when a region denies it: without references nothing may be changed.
 */
export async function addReferences(account: Account, retention: Retention, regions: Regions): Promise<Account> {
  const facts = await askForFacts(findUndecided(account, retention), regions, async (ec2, images) => {
    const results = await settleReferences(
      ec2,
      images.map(({ id }) => id),
    )
    for (const result of results.values()) {
      if (result.status === 'rejected' && isDenied(result.reason)) throw result.reason
    }
    return [...results].map(([id, result]) => [id, toFact(result)] as const)
  })
  return { ...account, references: facts, collected: 'references' }
}

/** Reads the launch permissions of the images that no rule keeps yet, and the usage reports of those that are shared. */
export async function addSharing(account: Account, retention: Retention, regions: Regions): Promise<Account> {
  const undecided = findUndecided(account, retention)
  const sharing = await askForFacts(undecided, regions, async (ec2, images) => {
    const results = await settleAll(images, REQUESTS_AT_ONCE, async image => await describeSharing(ec2, image))
    return images.map((image, index) => [image.id, toFact(results[index])] as const)
  })
  const shared = undecided.filter(({ image }) => {
    const fact = sharing.get(image.id)
    return fact && 'known' in fact && fact.known.length > 0
  })
  const reports = retention.shared === 'usage' ? await askForReports(shared, regions) : new Map()
  return { ...account, sharing, reports, collected: 'everything' }
}

async function askForReports(images: readonly LocatedImage[], regions: Regions): Promise<Account['reports']> {
  return await askForFacts(images, regions, async (ec2, asked) => {
    const ids = asked.map(({ id }) => id)
    const [result] = await Promise.allSettled([describeUsageReports(ec2, ids)])
    return ids.map(id => {
      if (result.status === 'rejected') return [id, toFact(result)] as const
      return [id, { known: result.value.get(id) ?? [] }] as const
    })
  })
}

/** The images of the units that the known facts don't keep. */
function findUndecided(account: Account, retention: Retention): readonly LocatedImage[] {
  const undecided = decide(account, retention).filter(({ result }) => result !== 'keep' && result !== 'unknown')
  return undecided.flatMap(({ unit }) => imagesOf(unit))
}

/** Asks all regions at once about their images. */
async function askForFacts<Value>(
  located: readonly LocatedImage[],
  regions: Regions,
  ask: (ec2: Ec2, images: readonly Image[]) => Promise<readonly (readonly [string, Fact<Value>])[]>,
): Promise<ReadonlyMap<string, Fact<Value>>> {
  const byRegion = Map.groupBy(located, ({ region }) => region)
  const answers = [...byRegion].map(async ([region, those]) => {
    const ec2 = regions.get(region)
    if (!ec2) return []
    return await ask(
      ec2,
      those.map(({ image }) => image),
    )
  })
  const facts = await Promise.all(answers)
  cancelled.throwIfAborted()
  return new Map(facts.flat())
}

function toFact<Value>(result: PromiseSettledResult<Value> | undefined): Fact<Value> {
  if (result?.status === 'fulfilled') return { known: result.value }
  return { unknown: messageOf(result?.reason) }
}
