import {
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  type EC2Client,
  type Image as Ec2Image,
} from '@aws-sdk/client-ec2'
import { IMAGE_ID, type RegionalImageId } from '../runner/ids.ts'
import { escapeControlCharacters, messageOf, warn } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'
import { ask, type Ec2, errorCode, NOT_EC2, poll, type SendOptions } from './client.ts'
import { tagResource } from './tags.ts'

/** The tag that makes an image a hit: its value is the checksum. */
export const CHECKSUM_TAG = 'ami_config_checksum'
/** The tag that says which template an image was baked from. */
export const TEMPLATE_TAG = 'ami_bakery_template'
/** The tag that says which repository on GitHub an image was baked from. */
export const REPOSITORY_TAG = 'ami_bakery_repository'

/** The tag that an image's copies in other regions have: the id of the image that they come from. */
export const IMAGE_TAG = 'ami_bakery_image'

/** An AMI of this account that EC2 has described in full. */
export interface Image {
  readonly id: string
  readonly name: string
  readonly description: string
  /** ISO 8601. */
  readonly creationDate: string
  readonly state: string
  /** Why it failed, in EC2's words. */
  readonly stateReason: string | undefined
  readonly tags: ReadonlyMap<string, string>
  /** ISO 8601; `undefined` when the image is never deprecated. */
  readonly deprecationTime: string | undefined
  /** The instance that the image was made from, where EC2 tells it. */
  readonly sourceInstance: string | undefined
  /** The image that this one was made from or copied from, where EC2 tells it. */
  readonly sourceImage: string | undefined
  /** Like `x86_64` or `arm64`. */
  readonly architecture: string
  readonly snapshots: readonly string[]
  readonly isEncrypted: boolean
}

/** An image and where it is. */
export interface RegionalImage {
  readonly ec2: Ec2
  readonly image: Image
}

/** How the run ended: with an image, and how it came by it, or without one because the user wants no bake. */
export type Outcome = FoundImage | { readonly how: 'skipped' }

export interface FoundImage {
  readonly how: 'hit' | 'baked'
  readonly image: Image
  /** The image's id in each region. */
  readonly ids: ReadonlyMap<string, string>
  /** The regions that lacked the image and got it by a copy. */
  readonly copied?: ReadonlySet<string>
}

/** The order of images from the oldest bake to the newest; of the same time, by their ids. */
export function byAge(a: Image, b: Image): number {
  return bakedAt(a) - bakedAt(b) || (a.id < b.id ? -1 : 1)
}

/** Whether an image is a copy of another: EC2 tells it, or the tag. */
export function isCopyOf({ sourceImage, tags }: Image, id: string): boolean {
  return sourceImage === id || tags.get(IMAGE_TAG) === id
}

/** The tag that holds what the checksum was made of, kind by kind. */
export const INGREDIENTS_TAG = 'ami_bakery_ingredients'
/** The tag that holds the commit whose workflow baked an image. */
export const COMMIT_TAG = 'ami_bakery_commit'
/** The tag that says when an image was baked, in ISO 8601. */
export const BAKED_AT_TAG = 'ami_bakery_baked_at'

/** When an image was baked, in milliseconds since 1970. A copy is created later than that; its tag tells. */
export function bakedAt({ creationDate, tags }: Image): number {
  const tagged = Date.parse(tags.get(BAKED_AT_TAG) ?? '')
  return Number.isNaN(tagged) ? Date.parse(creationDate) : tagged
}

/** How long an image that Packer has waited for may be pending, in seconds. */
const AVAILABLE_WITHIN = 30 * 60
/** How long EC2 may not know a new image (EC2 developer guide, "Eventual consistency"), in seconds. */
const KNOWN_WITHIN = 3 * 60

/** EC2 has never known an image in this account. */
export class UnknownImage extends Error {}

/**
 * Waits until EC2 says that an image of this account is available.
 *
 * @throws {@link UnknownImage} when EC2 does not know it for three minutes, Error when it fails, is deregistered, or is still
 *   pending after half an hour.
 */
export async function waitUntilAvailable(ec2: Ec2, id: string): Promise<Image> {
  let [knownAt, seen]: [number, Image | undefined] = [performance.now(), undefined]
  const image = await poll(ec2, AVAILABLE_WITHIN, async () => {
    const found = await findOwn(ec2, id)
    if (found) [knownAt, seen] = [performance.now(), found]
    else if (performance.now() - knownAt > milliseconds(KNOWN_WITHIN)) throw unknown(ec2, id, seen)
    return found?.state === 'pending' ? undefined : found
  })
  if (image?.state === 'available') return image
  if (!image) throw new Error(`${id} in ${ec2.region} is still pending after ${AVAILABLE_WITHIN / 60} minutes.`)
  const reason = image.stateReason ? ` EC2 says: ${escapeControlCharacters(image.stateReason)}` : ''
  throw new Error(`${id} in ${ec2.region} did not become available: its state is ${image.state}.${reason}`)
}

function unknown({ region }: Ec2, id: string, seen: Image | undefined): Error {
  const what = `${id} in ${region} for ${KNOWN_WITHIN / 60} minutes`
  if (seen) return new Error(`EC2 has not known ${what} any more: something has deregistered it while it was pending.`)
  return new UnknownImage(`EC2 has not known ${what} after it was made.`)
}

/** One that another account shares is none of ours; one that was deregistered is told as that. */
async function findOwn(ec2: Ec2, id: string): Promise<Image | undefined> {
  return (await describeUnlessGone(ec2, { ImageIds: [id], Owners: ['self'] })).at(0)
}

/**
 * Puts the tag on a good image that makes it a hit, whether or not the step is cancelled meanwhile.
 *
 * @throws Error with the command that does it.
 */
export async function tagChecksum(ec2: Ec2, id: string, checksum: string): Promise<void> {
  await tagResource({ ...ec2, signal: undefined }, id, new Map([[CHECKSUM_TAG, checksum]])).catch(cause => {
    const room = errorCode(cause) === 'TagLimitExceeded' ? `\n${LEAVE_ROOM} Remove a tag of ${id} first:` : ''
    throw new Error(`${messageOf(cause)}${room}\n${describeUntagged({ region: ec2.region, id }, checksum)}`, { cause })
  })
}

/** The tags of this action, where all of them are there: the last one is of copies alone. */
const MOST_TAGS = 10

/** What to do when an image has too many tags. */
export const LEAVE_ROOM = `Let the template leave room for up to ${MOST_TAGS} tags of this action's.`

/** Says that a good image stays, whatever goes wrong besides. */
export function describeKept(id: string): string {
  return `${id} is good and stays: the next run finds it.`
}

/** Says what becomes of a good image that could not be tagged, and what a person types to make it a hit. */
export function describeUntagged({ region, id }: RegionalImageId, checksum: string): string {
  const command = `aws ec2 create-tags --region ${region} --resources ${id} --tags Key=${CHECKSUM_TAG},Value=${checksum}`
  return `${id} is good and stays. To make it a hit: ${command}`
}

/** Describes one image, also when it was just deregistered; `undefined` when EC2 does not know it, not yet or no more. */
export async function describeImage(ec2: Ec2, id: string): Promise<Image | undefined> {
  return (await describeUnlessGone(ec2, { ImageIds: [id] })).at(0)
}

/** Both codes say it of an image that was deregistered (AWS: "Error codes for the Amazon EC2 API"). */
const GONE = /^InvalidAMIID\.(NotFound|Unavailable)$/

async function describeUnlessGone(ec2: Ec2, question: DescribeImagesCommandInput): Promise<Image[]> {
  try {
    return await describeAll(ec2, question)
  } catch (error) {
    if (GONE.test(errorCode(error) ?? '')) return []
    throw error
  }
}

/** An answer shows images for a while that have been deregistered (AWS: DescribeImages). */
function isThere({ state }: Image): boolean {
  return state !== 'deregistered'
}

/**
 * Describes the images that EC2 answers a question with, all pages of them; those that were deregistered are none.
 *
 * @param seconds How long it may take in all. A look-up has another question before it at most, of 18 seconds.
 * @throws Error for anything but a clear answer. The SDK makes an answer without images of an empty page, of a proxy's HTML
 *   and of an error document under status 200; EC2's own answer always has the list, be it empty.
 */
export async function describeImages(ec2: Ec2, question: DescribeImagesCommandInput, seconds = 40): Promise<Image[]> {
  return (await describeAll(ec2, question, seconds)).filter(isThere)
}

/** The most that a page may hold. Without a size there is one page for all, which may take too long (AWS: DescribeImages). */
const PAGE = 1000

async function describeAll(ec2: Ec2, question: DescribeImagesCommandInput, seconds = 40): Promise<Image[]> {
  const described: Ec2Image[] = []
  const tokens = new Set<string>()
  const patience = AbortSignal.timeout(milliseconds(seconds))
  let token: string | undefined
  do {
    const paged = question.ImageIds ? question : { ...question, MaxResults: PAGE }
    const command = new DescribeImagesCommand(token ? { ...paged, NextToken: token } : paged)
    const send = (client: EC2Client, options: SendOptions) => client.send(command, options)
    const page = await ask(ec2, 'ec2:DescribeImages', send, patience)
    if (!page.Images) throw malformed(ec2, 'the answer has no list of images')
    described.push(...page.Images)
    token = page.NextToken
    if (token && tokens.has(token)) throw malformed(ec2, 'the same page comes again and again')
    tokens.add(token ?? '')
  } while (token)
  return understandAll(ec2, described)
}

function understandAll(ec2: Ec2, described: readonly Ec2Image[]): Image[] {
  const odd = described.find(image => !isWhole(image))
  if (!odd) return described.map(understand)
  const [id, date, state] = [odd.ImageId, odd.CreationDate, odd.State].map(value => JSON.stringify(value ?? ''))
  const what = `an image has the id ${id}, the creation date ${date} and the state ${state}`
  const whole = described.filter(isWhole).map(understand)
  if (whole.length === 0) throw malformed(ec2, what)
  warn(`ec2:DescribeImages in ${ec2.region}: ${what}. It is passed over.`)
  return whole
}

function malformed({ region }: Ec2, what: string): Error {
  return new Error(`ec2:DescribeImages in ${region}: ${what}. ${NOT_EC2}`)
}

function isWhole({ ImageId = '', CreationDate = '', State }: Ec2Image): boolean {
  const isDate =
    /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-][\d:]+)?)?$/.test(CreationDate) && !Number.isNaN(Date.parse(CreationDate))
  return IMAGE_ID.test(ImageId) && isDate && State !== undefined
}

function understand(image: Ec2Image): Image {
  const { ImageId: id = '', Name: name = '', CreationDate: creationDate = '', State: state = '' } = image
  const tags = new Map(image.Tags?.map(({ Key = '', Value = '' }) => [Key, Value]))
  const disks = image.BlockDeviceMappings ?? []
  return {
    id,
    name,
    creationDate,
    state,
    tags,
    description: image.Description ?? '',
    stateReason: image.StateReason?.Message,
    snapshots: disks.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
    isEncrypted: disks.some(({ Ebs }) => Ebs?.Encrypted),
    architecture: image.Architecture ?? 'unknown',
    deprecationTime: image.DeprecationTime,
    sourceInstance: image.SourceInstanceId,
    sourceImage: image.SourceImageId,
  }
}
