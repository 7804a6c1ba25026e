import { escapeControlCharacters, info, notice, warn } from '../runner/log.ts'
import { type Ec2, poll } from './client.ts'
import { bakedAt, byAge, CHECKSUM_TAG, describeImages, type FoundImage, type Image, TEMPLATE_TAG } from './images.ts'

/** The tag whose value says why an image must not be used any more. An empty value says that it may be used again. */
export const REVOKED_TAG = 'ami_bakery_revoked'
/** The tag that holds the time from which on an image may be deleted, in ISO 8601. With an empty value it may not. */
export const PRUNE_TAG = 'ami_bakery_prune'
/** The tag that holds an image's name in the images file. */
export const IMAGE_NAME_TAG = 'ami_bakery_image_name'

/** The image to look up: what makes an image a hit. */
export interface LookUp {
  /** 40 hex digits. */
  readonly checksum: string
  /** The name of the template that it is baked from, as in the tag. */
  readonly template: string
  /** Its name in the images file; absent without such a file. */
  readonly imageName?: string | undefined
  /** An older image is no hit; absent where no image is too old. */
  readonly maxAgeDays?: number | undefined
  /**
   * Only an image that was created later is a hit; in milliseconds since 1970. EC2 gives whole seconds, so that an image of that
   * very second is no hit: one bake more does no harm.
   */
  readonly newerThan?: number | undefined
}

/** Why an image that has the checksum is passed over, and how it is said: as an annotation of the step or in its log. */
export interface Skip {
  readonly level: 'notice' | 'info'
  readonly message: string
}

/** What was chosen, and why not another. */
export interface Choice {
  readonly hit: Image | undefined
  /** Those of the newest images first. */
  readonly skips: readonly Skip[]
}

/**
 * Looks for the newest available image of this account that has the checksum and meets the requirements, and says of every
 * other one with the checksum why it is passed over.
 *
 * @returns `undefined` when EC2 says clearly that there is none.
 * @throws Error for anything but a clear answer.
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
    warn(`${hit.id} is deprecated since ${hit.deprecationTime}. It is used all the same.`)
  return hit && toFound(ec2, hit)
}

/** The same look-up without a line in the log, as often as needed while another run bakes. */
export async function findImageQuietly(ec2: Ec2, lookUp: LookUp): Promise<FoundImage | undefined> {
  const { hit } = chooseImage(await describeCandidates(ec2, lookUp.checksum), lookUp)
  return hit && toFound(ec2, hit)
}

function toFound({ region }: Ec2, image: Image): FoundImage {
  return { how: 'hit', image, ids: new Map([[region, image.id]]) }
}

/**
 * Describes the available images of this account that have the checksum, whatever else they are.
 *
 * @throws Error for anything but a clear answer.
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
 * Whether an image is what EC2 was asked for. EC2's answer may still have an image that was deregistered (AWS: DescribeImages),
 * or one whose tag has another value since (EC2 developer guide, "Eventual consistency"): the filter finds it by the old
 * value, its description has the new one, like `failed:<checksum>`.
 */
export function isCandidate({ state, tags }: Image, checksum: string): boolean {
  return state === 'available' && tags.get(CHECKSUM_TAG) === checksum
}

/** Chooses the newest of the candidates that no rule excludes. Asks nothing and prints nothing. */
export function chooseImage(candidates: readonly Image[], lookUp: LookUp, now: number = Date.now()): Choice {
  const judged = candidates
    .toSorted(byAge)
    .reverse()
    .map(image => ({ image, skip: reasonToSkip(image, lookUp, now) }))
  return { hit: judged.find(({ skip }) => !skip)?.image, skips: judged.flatMap(({ skip }) => skip ?? []) }
}

/** Why a candidate is passed over; `undefined` when it is good. */
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
 * Why a copy of a chosen image is passed over: what the source can't tell. Template, age and deletion are decided by the source:
 * `prune` deletes a copy only with its source, whatever the copy's own tag says.
 */
export function reasonToSkipCopy(image: Image): Skip | undefined {
  return backup(image) ?? revoked(image)
}

function otherTemplate(image: Image, { template, imageName }: LookUp): Skip | undefined {
  const { tags } = image
  const other = tags.get(TEMPLATE_TAG)
  if (other === undefined || other === template) return undefined
  // Its template has moved.
  if (imageName !== undefined && tags.get(IMAGE_NAME_TAG) === imageName) return undefined
  return passOver(image, `was baked from ${escapeControlCharacters(other)}, not from ${template}`)
}

/**
 * The key of a tag that only the image of a running server has: AWS Backup copies the tags of an instance to the image that it
 * makes of it (AWS Backup developer guide, "Copying tags onto backups"), Data Lifecycle Manager does so on request.
 */
export function backupTag({ tags }: Image): string | undefined {
  return [...tags.keys()].find(key => key.startsWith('aws:backup:') || key.startsWith('aws:dlm:'))
}

function backup(image: Image): Skip | undefined {
  const key = backupTag(image)
  return key === undefined
    ? undefined
    : passOver(image, `is a backup of an instance (tag ${escapeControlCharacters(key)})`)
}

function revoked(image: Image): Skip | undefined {
  const reason = image.tags.get(REVOKED_TAG)
  return reason ? passOver(image, `is revoked (${escapeControlCharacters(reason)})`) : undefined
}

/** A value that can't be read deletes nothing: `prune` would not delete the image, and so it stays a hit. */
function dueForDeletion(image: Image, now: number): Skip | undefined {
  const due = image.tags.get(PRUNE_TAG) ?? ''
  if (!TIME.test(due) || !(Date.parse(due) <= now)) return undefined
  return passOver(image, `is due for deletion since ${due}`)
}

/** A time in ISO 8601 that names its zone, or a day in UTC: without a zone it is another time on every machine. */
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/

function passOver({ id }: Image, why: string): Skip {
  return { level: 'notice', message: `${id} has the checksum too, but ${why}: it is passed over.` }
}

const DAY = 24 * 60 * 60 * 1000

function tooOld(image: Image, { maxAgeDays }: LookUp, now: number): Skip | undefined {
  if (maxAgeDays === undefined) return undefined
  const age = (now - bakedAt(image)) / DAY
  if (age <= maxAgeDays && !isDeprecated(image, now)) return undefined
  const old = isDeprecated(image, now) ? 'deprecated' : `${Math.floor(age)} days old`
  return { level: 'info', message: `${image.id} is ${old}: it is passed over.` }
}

function notNew({ id, creationDate }: Image, { newerThan }: LookUp): Skip | undefined {
  if (newerThan === undefined || Date.parse(creationDate) > newerThan) return undefined
  return { level: 'info', message: `${id} is available, but a new image is asked for.` }
}

function isDeprecated({ deprecationTime }: Image, now: number): boolean {
  return deprecationTime !== undefined && Date.parse(deprecationTime) <= now
}

/** GitHub shows ten notices of a step; a daily backup of some servers would fill them. */
const MAX_NOTICES = 5

/** Says why images are passed over: the first few as annotations, all others in the log. */
export function printSkips(skips: readonly Skip[]): void {
  const notices = skips.filter(({ level }) => level === 'notice').slice(0, MAX_NOTICES)
  for (const skip of skips) {
    if (notices.includes(skip)) notice(skip.message)
    else info(skip.message)
  }
}

function describeRequirements({ maxAgeDays, newerThan }: LookUp): string {
  const parts = [
    maxAgeDays === undefined ? '' : ` and is at most ${maxAgeDays} days old`,
    newerThan === undefined ? '' : ' and is new',
  ]
  return parts.join('')
}

/** How long a new tag may take to be found, in seconds (EC2 developer guide, "Eventual consistency"). */
const FOUND_WITHIN = 5 * 60

/**
 * Waits until the look-up returns an image that was just tagged, because the next job asks the same and tags appear late.
 *
 * @throws Error when it is not returned within five minutes, or is passed over for one of its tags.
 */
export async function waitUntilFound(ec2: Ec2, checksum: string, id: string): Promise<void> {
  let isAnnounced = false
  const image = await poll(ec2, FOUND_WITHIN, async () => {
    const found = (await describeCandidates(ec2, checksum)).find(candidate => candidate.id === id)
    if (!found && !isAnnounced) info(`Waiting until EC2 finds ${id} in ${ec2.region} by its tags, 5 minutes at most.`)
    isAnnounced = true
    return found
  })
  if (!image) {
    throw new Error(
      `${id} in ${ec2.region} has its tags, but EC2 does not find it by them after 5 minutes. Run the job again.`,
    )
  }
  const skip = reasonToSkipCopy(image) ?? dueForDeletion(image, Date.now())
  if (skip) throw new Error(`The look-up in ${ec2.region} does not return the new image: ${skip.message} ${TAG_ADVICE}`)
}

const TAG_ADVICE = 'If the template gives it that tag, for example with the tags of its base image, leave the tag out.'
