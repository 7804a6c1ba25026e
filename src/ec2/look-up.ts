import { escapeControlCharacters, info, notice, warn } from '../runner/log.ts'
import { type Ec2, poll } from './client.ts'
import { bakedAt, byAge, describeImages, type FoundImage, type Image } from './images.ts'
import { CHECKSUM_TAG, IMAGE_NAME_TAG, PRUNE_TAG, REVOKED_TAG, TEMPLATE_TAG } from './tag-names.ts'

/** What an image must be to be a hit. */
export interface LookUp {
  /** 40 hex digits. */
  readonly checksum: string
  /** The name of the template that it is baked from, as in its tag. */
  readonly template: string
  /** Its name in the images file; absent without such a file. */
  readonly imageName?: string | undefined
  /** An older image is not a hit; absent when the age does not matter. */
  readonly maxAgeDays?: number | undefined
  /**
   * Only an image that was created later is a hit; in milliseconds since 1970. EC2's dates are whole seconds, so that an image of
   * the same second is not a hit.
   */
  readonly newerThan?: number | undefined
}

/** Why an image with the checksum is skipped, and where that is reported: as an annotation of the step or in its log. */
export interface Skip {
  readonly level: 'notice' | 'info'
  readonly message: string
}

/** The chosen image, and why others were skipped. */
export interface Choice {
  readonly hit: Image | undefined
  /** From the newest image to the oldest. */
  readonly skips: readonly Skip[]
}

/**
 * Looks up the newest available image of this account that has the checksum and meets the requirements. Reports why every other
 * image with the checksum is skipped.
 *
 * @returns `undefined` on a miss: EC2's response is clear and has no such image.
 * @throws Error for anything but a clear response.
 */
export async function findImage(ec2: Ec2, lookUp: LookUp): Promise<FoundImage | undefined> {
  const { hit, skips } = chooseImage(await describeCandidates(ec2, lookUp.checksum), lookUp)
  printSkips(skips)
  const image = skips.some(({ level }) => level === 'notice') ? 'no other image' : 'no image'
  if (!hit)
    info(
      `Miss: ${image} in ${ec2.region} has the tag ${CHECKSUM_TAG}=${lookUp.checksum}${describeRequirements(lookUp)}.`,
    )
  else if (isDeprecated(hit, Date.now()))
    warn(`${hit.id} has been deprecated since ${hit.deprecationTime}. It is used anyway.`)
  return hit && toFound(ec2, hit)
}

/** The same look-up without a line in the log: a waiting run repeats it. */
export async function findImageQuietly(ec2: Ec2, lookUp: LookUp): Promise<FoundImage | undefined> {
  const { hit } = chooseImage(await describeCandidates(ec2, lookUp.checksum), lookUp)
  return hit && toFound(ec2, hit)
}

function toFound({ region }: Ec2, image: Image): FoundImage {
  return { how: 'hit', image, ids: new Map([[region, image.id]]) }
}

/**
 * Describes the available images of this account that have the checksum.
 *
 * @throws Error for anything but a clear response.
 */
export async function describeCandidates(ec2: Ec2, checksum: string): Promise<readonly Image[]> {
  return (await describeAllCandidates(ec2, [checksum])).get(checksum) ?? []
}

/** A filter has at most 200 values (EC2 user guide, "Filter resources"), and a checksum may need four of them. */
const CHECKSUMS_PER_REQUEST = 50

/**
 * Describes the available images of this account that have one of the checksums: one paged request for 50 checksums.
 *
 * @returns The images by their checksum.
 * @throws Error for anything but a clear answer to every request.
 */
export async function describeAllCandidates(
  ec2: Ec2,
  checksums: readonly string[],
): Promise<ReadonlyMap<string, readonly Image[]>> {
  const answers = chunk([...new Set(checksums)], CHECKSUMS_PER_REQUEST).map(async values => {
    const Filters = [
      { Name: `tag:${CHECKSUM_TAG}`, Values: values },
      { Name: 'state', Values: ['available'] },
    ]
    const images = await describeImages(ec2, { Owners: ['self'], Filters })
    return images.filter(image => values.some(checksum => isCandidate(image, checksum)))
  })
  return Map.groupBy((await Promise.all(answers)).flat(), ({ tags }) => tags.get(CHECKSUM_TAG) ?? '')
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
export function isCandidate({ state, tags }: Image, checksum: string): boolean {
  return state === 'available' && tags.get(CHECKSUM_TAG) === checksum
}

/** Chooses the newest of the candidates that no rule excludes. Sends and prints nothing. */
export function chooseImage(candidates: readonly Image[], lookUp: LookUp, now: number = Date.now()): Choice {
  const judged = candidates
    .toSorted(byAge)
    .reverse()
    .map(image => ({ image, reason: reasonToSkip(image, lookUp, now) }))
  return { hit: judged.find(({ reason }) => !reason)?.image, skips: judged.flatMap(({ reason }) => reason ?? []) }
}

/** Why a candidate is skipped; `undefined` when no rule excludes it. */
export function reasonToSkip(image: Image, lookUp: LookUp, now: number): Skip | undefined {
  return (
    otherTemplate(image, lookUp) ??
    reasonToSkipCopy(image) ??
    dueForDeletion(image, now) ??
    tooOld(image, lookUp, now) ??
    notNew(image, lookUp)
  )
}

/**
 * Why a copy of a chosen image is skipped: by the rules that the source image can't decide. The source decides on template, age
 * and deletion: `prune` deletes a copy only together with its source, whatever the copy's own tag holds.
 */
export function reasonToSkipCopy(image: Image): Skip | undefined {
  return backup(image) ?? revoked(image)
}

function otherTemplate(image: Image, { template, imageName }: LookUp): Skip | undefined {
  const { tags } = image
  const other = tags.get(TEMPLATE_TAG)
  if (other === undefined || other === template) return undefined
  // The same image of the images file: its template was renamed.
  if (imageName !== undefined && tags.get(IMAGE_NAME_TAG) === imageName) return undefined
  return skip(image, `was baked from ${escapeControlCharacters(other)}, not from ${template}`)
}

/**
 * The key of a tag that marks the backup of an instance. AWS Backup copies the instance's tags to the image that it creates (AWS
 * Backup developer guide, "Copying tags onto backups"); Data Lifecycle Manager does so on request.
 */
export function backupTag({ tags }: Image): string | undefined {
  return [...tags.keys()].find(key => key.startsWith('aws:backup:') || key.startsWith('aws:dlm:'))
}

function backup(image: Image): Skip | undefined {
  const key = backupTag(image)
  return key === undefined ? undefined : skip(image, `is a backup of an instance (tag ${escapeControlCharacters(key)})`)
}

function revoked(image: Image): Skip | undefined {
  const reason = image.tags.get(REVOKED_TAG)
  return reason ? skip(image, `is revoked (${escapeControlCharacters(reason)})`) : undefined
}

/** An image whose value is not a time stays a hit, because `prune` does not delete it. */
function dueForDeletion(image: Image, now: number): Skip | undefined {
  const due = readDueTime(image)
  return due !== undefined && due <= now
    ? skip(image, `has been due for deletion since ${image.tags.get(PRUNE_TAG)}`)
    : undefined
}

/** When an image is due for deletion by its tag, in milliseconds since 1970; `undefined` when the tag holds no time. */
export function readDueTime({ tags }: Image): number | undefined {
  const due = tags.get(PRUNE_TAG) ?? ''
  const time = TIME.test(due) ? Date.parse(due) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** A time in ISO 8601 with its time zone, or a day in UTC: without a time zone its meaning depends on the machine. */
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/

function skip({ id }: Image, why: string): Skip {
  return { level: 'notice', message: `${id} also has the checksum, but ${why}: it is skipped.` }
}

const DAY = 24 * 60 * 60 * 1000

function tooOld(image: Image, { maxAgeDays }: LookUp, now: number): Skip | undefined {
  if (maxAgeDays === undefined) return undefined
  const age = (now - bakedAt(image)) / DAY
  if (age <= maxAgeDays && !isDeprecated(image, now)) return undefined
  const old = isDeprecated(image, now) ? 'deprecated' : `${Math.floor(age)} days old`
  return { level: 'info', message: `${image.id} is ${old}: it is skipped.` }
}

function notNew({ id, creationDate }: Image, { newerThan }: LookUp): Skip | undefined {
  if (newerThan === undefined || Date.parse(creationDate) > newerThan) return undefined
  return { level: 'info', message: `${id} is available, but a new image is requested: it is skipped.` }
}

function isDeprecated({ deprecationTime }: Image, now: number): boolean {
  return deprecationTime !== undefined && Date.parse(deprecationTime) <= now
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

function describeRequirements({ maxAgeDays, newerThan }: LookUp): string {
  const parts = [
    maxAgeDays === undefined ? '' : ` and is at most ${maxAgeDays} days old`,
    newerThan === undefined ? '' : ' and is newer than this run',
  ]
  return parts.join('')
}

/** A new image has a tag that excludes it from every look-up. */
export class ExcludedImage extends Error {}

/** How long EC2 may not find an image by a new tag, in seconds (EC2 developer guide, "Eventual consistency"). */
const FOUND_WITHIN = 5 * 60

/**
 * Waits until the look-up returns an image that was just tagged: tags are eventually consistent, and the next job sends the same
 * query.
 *
 * @throws {@link ExcludedImage} when the image has a tag that excludes it, Error when it is not returned within five minutes.
 */
export async function waitUntilFound(ec2: Ec2, checksum: string, id: string): Promise<void> {
  let isAnnounced = false
  const image = await poll(ec2, FOUND_WITHIN, async () => {
    const found = (await describeCandidates(ec2, checksum)).find(candidate => candidate.id === id)
    if (!found && !isAnnounced) info(`Waiting up to 5 minutes until EC2 finds ${id} in ${ec2.region} by its tags.`)
    isAnnounced = true
    return found
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

const TAG_ADVICE = 'If the template sets that tag, for example with the tags of its base image, remove it there.'
