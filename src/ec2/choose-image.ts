import { escapeControlCharacters } from '../runner/log.ts'
import { DAY } from '../runner/wait.ts'
import { bakedAt, byAge, type Image } from './images.ts'
import { describeRevocation } from './revoked.ts'
import { UNREADABLE } from './scan-results.ts'
import { candidateValue, readState } from './state.ts'
import { IMAGE_NAME_TAG, IMAGE_TAG, PARENT_TAG, PRUNE_TAG, REVOKED_TAG, TEMPLATE_TAG } from './tag-names.ts'

/** What an image must be to be a hit. */
export interface LookUp {
  /** 40 hex digits. */
  readonly checksum: string
  /** The name of the template that it is baked from, as in its tag. */
  readonly template: string
  /** Its name in the images file; absent without such a file. */
  readonly imageName?: string | undefined
  /** Whether an image that is not published yet is a hit too, if there is no published one. */
  readonly candidate?: boolean
  /** An older image is not a hit; absent when the age does not matter. */
  readonly maxAgeDays?: number | undefined
  /**
   * An image is not a hit when it is older than this many days, and a fix for a critical vulnerability of it has been known for
   * longer than this; absent when vulnerabilities do not matter.
   */
  readonly criticalFixDays?: number | undefined
  /**
   * Only an image that was created later is a hit; in milliseconds since 1970. EC2's dates are whole seconds, so that an image of
   * the same second is not a hit.
   */
  readonly newerThan?: number | undefined
  /** The look-up of the image that this one is baked from. */
  readonly parent?: LookUp | undefined
}

/** The available images of a region by checksum, in every state that was asked for. */
export type Described = ReadonlyMap<string, readonly Image[]>

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
  /** The revoked image that keeps the definition from being baked; absent while a good published image exists. */
  readonly block: Image | undefined
}

/**
 * Chooses the newest published image that no rule excludes, else the newest such candidate if the look-up accepts one. Sends and
 * prints nothing.
 *
 * @param described Images of the checksums of the image and of its ancestors.
 */
export function chooseImage(described: Described, lookUp: LookUp, now: number = Date.now()): Choice {
  return judge(lookUp, { described, now, choices: new Map() })
}

/** What images are judged by. Each look-up of a chain is decided once: a child's images all ask for their parent's. */
interface Evidence {
  readonly described: Described
  readonly now: number
  readonly choices: Map<LookUp, Choice>
}

function judge(lookUp: LookUp, evidence: Evidence): Choice {
  const known = evidence.choices.get(lookUp)
  if (known) return known
  const choice = makeChoice(lookUp, evidence)
  evidence.choices.set(lookUp, choice)
  return choice
}

function makeChoice(lookUp: LookUp, evidence: Evidence): Choice {
  const { described, now } = evidence
  const images = (described.get(lookUp.checksum) ?? []).toSorted(byAge).reverse()
  const judged = images
    .filter(
      image => readState(image)?.name === 'published' || (lookUp.candidate && readState(image)?.name === 'candidate'),
    )
    .map(image => ({ image, reason: reasonToSkip(image, lookUp, evidence) }))
  const good = judged.flatMap(({ image, reason }) => (reason ? [] : image))
  return {
    hit: good.find(image => readState(image)?.name === 'published') ?? good.at(0),
    skips: judged.flatMap(({ reason }) => reason ?? []),
    block: findBlock(images, lookUp, now),
  }
}

function findBlock(images: readonly Image[], lookUp: LookUp, now: number): Image | undefined {
  const isGood = (image: Image) =>
    readState(image)?.name === 'published' &&
    !(otherTemplate(image, lookUp) ?? reasonToSkipCopy(image) ?? dueForDeletion(image, now))
  if (images.some(isGood)) return undefined
  return images.find(image => readState(image)?.name === 'blocked' && !otherTemplate(image, lookUp) && !backup(image))
}

/** Why an image is skipped; `undefined` when no rule excludes it. */
function reasonToSkip(image: Image, lookUp: LookUp, evidence: Evidence): Skip | undefined {
  const { now } = evidence
  return (
    otherTemplate(image, lookUp) ??
    reasonToSkipCopy(image) ??
    dueForDeletion(image, now) ??
    tooOld(image, lookUp, now) ??
    vulnerable(image, lookUp, now) ??
    notNew(image, lookUp) ??
    otherParent(image, lookUp, evidence)
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
  return image.tags.get(REVOKED_TAG) ? skip(image, `is ${describeRevocation(image)}`) : undefined
}

/** Why an image that `prune` may delete at any moment is skipped. One whose value is not a time stays: `prune` does not delete it. */
export function dueForDeletion(image: Image, now: number): Skip | undefined {
  const due = readDueTime(image)
  if (due === undefined || due > now) return undefined
  return skip(image, `has been due for deletion since ${image.tags.get(PRUNE_TAG)}`)
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

function tooOld(image: Image, { maxAgeDays }: LookUp, now: number): Skip | undefined {
  if (maxAgeDays === undefined) return undefined
  const age = (now - bakedAt(image)) / DAY
  if (age <= maxAgeDays && !isDeprecated(image, now)) return undefined
  const old = isDeprecated(image, now) ? 'deprecated' : `${Math.floor(age)} days old`
  return { level: 'info', message: `${image.id} is ${old}: it is skipped.` }
}

/** The image's own age counts too, so that a fix that no new image gets causes one bake in so many days, not one in every run. */
function vulnerable(image: Image, { criticalFixDays }: LookUp, now: number): Skip | undefined {
  const since = image.scan?.fixes.get('critical')
  if (criticalFixDays === undefined || since === undefined || since === UNREADABLE) return undefined
  const days = Math.min(now - since.getTime(), now - bakedAt(image)) / DAY
  if (!(days > criticalFixDays)) return undefined
  const fact = `has a critical vulnerability with a fix available since ${since.toISOString()}`
  return { level: 'info', message: `${image.id} ${fact}: it is skipped.` }
}

/** Why the time of an image's critical fix is ignored; `undefined` when it is fine or absent, or does not matter to the look-up. */
export function doubtfulFix({ id, scan }: Image, { criticalFixDays }: LookUp, now: number): string | undefined {
  const since = criticalFixDays === undefined ? undefined : scan?.fixes.get('critical')
  if (since === undefined || (since !== UNREADABLE && since.getTime() <= now)) return undefined
  const time = since === UNREADABLE ? 'that is unreadable' : `in the future (${since.toISOString()})`
  return `${id}: Amazon Inspector gives a time ${time} for a critical fix. It is ignored.`
}

function notNew({ id, creationDate }: Image, { newerThan }: LookUp): Skip | undefined {
  if (newerThan === undefined || Date.parse(creationDate) > newerThan) return undefined
  return { level: 'info', message: `${id} is available, but a new image is requested: it is skipped.` }
}

/** Whether an image's deprecation time has passed. */
export function isDeprecated({ deprecationTime }: Image, now: number): boolean {
  return deprecationTime !== undefined && Date.parse(deprecationTime) <= now
}

/**
 * A parent that was baked anew under the same checksum makes its children misses. A parent that EC2 no longer has does not: its
 * children are still what their definition says. A copy of a child names the parent's image in the region that both were copied
 * from.
 */
function otherParent({ id, tags }: Image, { parent }: LookUp, evidence: Evidence): Skip | undefined {
  const own = tags.get(PARENT_TAG)
  if (!parent || !own) return undefined
  const current = judge(parent, evidence).hit
  if (current ? isOrCopies(current, own) : !hasImages(parent, evidence)) return undefined
  const name = parent.imageName ?? parent.template
  const state = current ? `the image of ${name} is ${current.id} now` : `the image of ${name} is no hit any more`
  return {
    level: 'info',
    message: `${id} was baked from ${escapeControlCharacters(own)}, but ${state}: it is skipped.`,
  }
}

/** By the copy's tag: EC2's source of an image may also be one that it was baked from. */
function isOrCopies({ id, tags }: Image, source: string): boolean {
  return id === source || tags.get(IMAGE_TAG) === source
}

/**
 * Whether EC2 has an image of the definition that was published, even if it is too old, vulnerable or revoked. A revoked candidate
 * counts too: a child must not outlive the revocation of what it may have been baked from.
 */
function hasImages(lookUp: LookUp, { described }: Evidence): boolean {
  const images = described.get(lookUp.checksum) ?? []
  return images.some(image => {
    const state = readState(image)?.name
    const wasUsed = state === 'published' || state === 'blocked'
    return wasUsed && !otherTemplate(image, lookUp) && !backup(image)
  })
}

/**
 * Finds the newest published image with the checksum itself, also one that is no hit, for example because of its age. It may have no
 * tag that names its line.
 */
export function findNewestPublished(described: Described, lookUp: LookUp): Image | undefined {
  const images = (described.get(lookUp.checksum) ?? []).filter(image => readState(image)?.name === 'published')
  return images
    .filter(image => !(otherTemplate(image, lookUp) ?? reasonToSkipCopy(image)))
    .sort(byAge)
    .at(-1)
}

/** The value of the checksum tag that makes a new image a hit of the look-up. */
export function valueFor({ checksum, candidate }: LookUp): string {
  return candidate ? candidateValue(checksum) : checksum
}

/** The look-ups of an image and of its ancestors. */
export function listLevels(lookUp: LookUp): readonly LookUp[] {
  return lookUp.parent ? [lookUp, ...listLevels(lookUp.parent)] : [lookUp]
}
