import { info, notice, warn } from '../runner/log.ts'
import {
  type Choice,
  chooseImage,
  type Described,
  doubtfulFix,
  dueForDeletion,
  isDeprecated,
  type LookUp,
  listLevels,
  reasonToSkipCopy,
  type Skip,
} from './choose-image.ts'
import { type Ec2, poll } from './client.ts'
import { describeImage, describeImages, type FoundImage, type Image } from './images.ts'
import { describeRevocation, isRevoked } from './revoked.ts'
import { readState, valuesToFind } from './state.ts'
import { CHECKSUM_TAG } from './tag-names.ts'

/** The result of a look-up. */
export interface Finding {
  /** The hit; `undefined` on a miss: EC2's response is clear and has no such image. */
  readonly found: FoundImage | undefined
  readonly choice: Choice
  /** What EC2 has of the image and of its ancestors. */
  readonly described: Described
}

/**
 * Looks up the newest available image of this account that has the checksum and meets the requirements, with one request for
 * the image and its ancestors. Reports why every other image with the checksum is skipped.
 *
 * @throws Error for anything but a clear response.
 */
export async function findImage(ec2: Ec2, lookUp: LookUp): Promise<Finding> {
  const finding = await findImageQuietly(ec2, lookUp)
  const { hit, skips } = finding.choice
  printSkips(skips)
  const image = skips.some(({ level }) => level === 'notice') ? 'no other image' : 'no image'
  if (!hit)
    info(
      `Miss: ${image} in ${ec2.region} has the tag ${CHECKSUM_TAG}=${lookUp.checksum}${describeRequirements(lookUp)}.`,
    )
  else warnOfHit(hit, lookUp)
  return finding
}

function warnOfHit(hit: Image, lookUp: LookUp): void {
  const now = Date.now()
  if (isDeprecated(hit, now)) warn(`${hit.id} has been deprecated since ${hit.deprecationTime}. It is used anyway.`)
  const doubt = doubtfulFix(hit, lookUp, now)
  if (doubt) warn(doubt)
}

/** The same look-up without a line in the log: a waiting run repeats it. */
export async function findImageQuietly(ec2: Ec2, lookUp: LookUp): Promise<Finding> {
  const described = await describeForLookUps(ec2, [lookUp])
  const choice = chooseImage(described, lookUp)
  return { found: choice.hit && toFound(ec2, choice.hit), choice, described }
}

function toFound({ region }: Ec2, image: Image): FoundImage {
  const state = readState(image)?.name === 'candidate' ? 'candidate' : 'published'
  return { how: 'hit', state, image, ids: new Map([[region, image.id]]) }
}

/**
 * Describes the available images of this account that have this value of the checksum tag.
 *
 * @throws Error for anything but a clear response.
 */
export async function describeByValue(ec2: Ec2, value: string): Promise<readonly Image[]> {
  return await describeByValues(ec2, [value])
}

/** A filter has at most 200 values (EC2 user guide, "Filter resources"), and a checksum may need four of them. */
const CHECKSUMS_PER_REQUEST = 50

/**
 * Describes the available images of this account that look-ups have to judge, those of all ancestors too: one paged request for
 * 50 checksums.
 *
 * @throws Error for anything but a clear answer to every request.
 */
export async function describeForLookUps(ec2: Ec2, lookUps: readonly LookUp[]): Promise<Described> {
  const levels = Map.groupBy(lookUps.flatMap(listLevels), ({ checksum }) => checksum)
  const values = [...levels].map(([checksum, group]) => {
    return valuesToFind(checksum, group.some(({ candidate }) => candidate) ? 'published or candidate' : 'published')
  })
  const answers = chunk(values, CHECKSUMS_PER_REQUEST).map(part => describeByValues(ec2, part.flat()))
  return groupByChecksum((await Promise.all(answers)).flat())
}

/** Groups images by the checksum in their tag, whatever their state. */
export function groupByChecksum(images: readonly Image[]): Described {
  return Map.groupBy(images, image => readState(image)?.checksum ?? '')
}

async function describeByValues(ec2: Ec2, values: readonly string[]): Promise<Image[]> {
  const Filters = [
    { Name: `tag:${CHECKSUM_TAG}`, Values: [...values] },
    { Name: 'state', Values: ['available'] },
  ]
  const images = await describeImages(ec2, { Owners: ['self'], Filters })
  return images.filter(image => values.some(value => isAsFiltered(image, value)))
}

/** Divides a list into parts of the same length, the last one shorter. */
export function chunk<Item>(items: readonly Item[], length: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) =>
    items.slice(index * length, (index + 1) * length),
  )
}

/**
 * Whether an image is what the filters ask for. A response may still contain an image that was deregistered (AWS:
 * DescribeImages), or one whose tag was changed: the filter matches the old value, the description shows the new one, like
 * `failed:<checksum>` (EC2 developer guide, "Eventual consistency").
 */
export function isAsFiltered({ state, tags }: Image, value: string): boolean {
  return state === 'available' && tags.get(CHECKSUM_TAG) === value
}

/** GitHub shows ten notices of a step at most; daily backups of some servers would use them up. */
const MAX_NOTICES = 5

/** Reports why images are skipped: the first few as annotations, all others in the log. */
export function printSkips(skips: readonly Skip[]): void {
  const notices = skips.filter(({ level }) => level === 'notice').slice(0, MAX_NOTICES)
  for (const one of skips) {
    if (notices.includes(one)) notice(one.message)
    else info(one.message)
  }
}

function describeRequirements({ maxAgeDays, criticalFixDays, newerThan }: LookUp): string {
  const parts = [
    maxAgeDays === undefined ? '' : ` and is at most ${maxAgeDays} days old`,
    criticalFixDays === undefined ? '' : ` and lacks no critical fix for more than ${criticalFixDays} days`,
    newerThan === undefined ? '' : ' and is newer than this run',
  ]
  return parts.join('')
}

/** A new image has a tag that excludes it from every look-up. */
export class ExcludedImage extends Error {}

/** How long EC2 may not find an image by a new tag, in seconds (EC2 developer guide, "Eventual consistency"). */
export const FOUND_WITHIN = 5 * 60

/**
 * Waits until the look-up returns an image that was just tagged: tags are eventually consistent, and the next job sends the same
 * query.
 *
 * @param value The new value of the checksum tag.
 * @throws {@link ExcludedImage} when the image is revoked meanwhile or has a tag that excludes it, Error when it is not returned within
 *   five minutes.
 */
export async function waitUntilFound(ec2: Ec2, value: string, id: string): Promise<void> {
  let isAnnounced = false
  const image = await poll(ec2, FOUND_WITHIN, async () => {
    const found = (await describeByValue(ec2, value)).find(candidate => candidate.id === id)
    if (found) return found
    if (isAnnounced) await refuseRevoked(ec2, id)
    else info(`Waiting up to 5 minutes until EC2 finds ${id} in ${ec2.region} by its tags.`)
    isAnnounced = true
    return undefined
  })
  if (!image) {
    throw new Error(
      `${id} in ${ec2.region} has its tags, but EC2 does not find it by them after 5 minutes. Run the job again.`,
    )
  }
  const reason = reasonToSkipCopy(image) ?? dueForDeletion(image, Date.now())
  if (reason)
    throw new ExcludedImage(
      `The look-up in ${ec2.region} does not return the new image: ${reason.message} ${TAG_ADVICE}`,
    )
}

/** No look-up will ever return an image that was revoked meanwhile. */
async function refuseRevoked(ec2: Ec2, id: string): Promise<void> {
  const image = await describeImage(ec2, id)
  if (image && isRevoked(image))
    throw new ExcludedImage(`${id} in ${ec2.region} is ${describeRevocation(image)} since it was tagged.`)
}

const TAG_ADVICE = 'If the template sets that tag, for example with the tags of its base image, remove it there.'
