import {
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  type EC2Client,
  type Image as Ec2Image,
} from '@aws-sdk/client-ec2'
import { IMAGE_ID } from '../runner/ids.ts'
import { escapeControlCharacters, warn } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'
import { ask, type Ec2, errorCode, NOT_EC2, poll, type SendOptions } from './client.ts'
import { readScan, type Scan, tolerateScanTimes } from './scan-results.ts'
import { readTagList } from './tag-list.ts'
import { BAKED_AT_TAG, IMAGE_TAG } from './tag-names.ts'

/** An AMI, from a complete description by EC2. */
export interface Image {
  readonly id: string
  /** The account that owns it: 12 digits. */
  readonly owner: string
  readonly name: string
  readonly description: string
  /** ISO 8601. */
  readonly creationDate: string
  readonly state: string
  /** EC2's reason when it failed. */
  readonly stateReason: string | undefined
  readonly tags: ReadonlyMap<string, string>
  /** ISO 8601; `undefined` when the image is never deprecated. */
  readonly deprecationTime: string | undefined
  /** The instance that the image was created from, where EC2 knows it. */
  readonly sourceInstance: string | undefined
  /** The image that this one was created or copied from, where EC2 knows it. */
  readonly sourceImage: string | undefined
  /** The region of that image. */
  readonly sourceRegion: string | undefined
  /** Like `x86_64` or `arm64`. */
  readonly architecture: string
  /** `ebs` or `instance-store`. */
  readonly rootDeviceType?: string | undefined
  readonly snapshots: readonly string[]
  readonly isEncrypted: boolean
  /** Amazon Inspector's results; absent when it has not scanned the image. */
  readonly scan?: Scan | undefined
  /** The size of the volumes that its snapshots make, in GiB. */
  readonly gib: number
  /** When an instance was last launched from it, in ISO 8601, up to a day late; `undefined` says nothing (AWS: Image). */
  readonly lastLaunchedTime: string | undefined
  /** Whether EC2 refuses to deregister it. */
  readonly isProtected: boolean
}

/** An image and its region. */
export interface RegionalImage {
  readonly ec2: Ec2
  readonly image: Image
}

/** The result of a run: an image, or none because a miss is not baked. */
export type Outcome = FoundImage | { readonly how: 'skipped' }

/** An image that a run returns, and whether it was a hit or had to be baked. */
export interface FoundImage {
  readonly how: 'hit' | 'baked'
  readonly state: 'published' | 'candidate'
  readonly image: Image
  /** The image's id in each region. */
  readonly ids: ReadonlyMap<string, string>
  /** The regions that the image was copied to in this run. */
  readonly copied?: ReadonlySet<string>
}

/** Sorts images from the oldest bake to the newest, those of the same time by their ids. */
export function byAge(a: Image, b: Image): number {
  return bakedAt(a) - bakedAt(b) || (a.id < b.id ? -1 : 1)
}

/** Whether an image is a copy of another, by EC2's description or by its tag. */
export function isCopyOf({ sourceImage, tags }: Image, id: string): boolean {
  return sourceImage === id || tags.get(IMAGE_TAG) === id
}

/** When an image was baked, in milliseconds since 1970: by its tag, because a copy is created later, else by its creation date. */
export function bakedAt({ creationDate, tags }: Image): number {
  const tagged = Date.parse(tags.get(BAKED_AT_TAG) ?? '')
  return Number.isNaN(tagged) ? Date.parse(creationDate) : tagged
}

/** How long an image may be pending after Packer has waited for it, in seconds. */
const AVAILABLE_WITHIN = 30 * 60
/** How long EC2 may not know a new image (EC2 developer guide, "Eventual consistency"), in seconds. */
const KNOWN_WITHIN = 3 * 60

/** This account has no image with that id. */
export class UnknownImage extends Error {}

/**
 * Waits until EC2 says that an image of this account is available.
 *
 * @throws {@link UnknownImage} when EC2 does not know it for three minutes; Error when it fails, is deregistered, or is still
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
  const reason = image.stateReason ? ` EC2's reason: ${escapeControlCharacters(image.stateReason)}` : ''
  throw new Error(`${id} in ${ec2.region} did not become available: its state is ${image.state}.${reason}`)
}

function unknown({ region }: Ec2, id: string, seen: Image | undefined): Error {
  const minutes = `${KNOWN_WITHIN / 60} minutes`
  if (seen)
    return new Error(`${id} in ${region} was pending, and then unknown to EC2 for ${minutes}: it was deregistered.`)
  return new UnknownImage(`EC2 does not know ${id} in ${region}, ${minutes} after Packer created it.`)
}

/** Without images that another account shares with this one; with an image that was deregistered, so that its state can be reported. */
async function findOwn(ec2: Ec2, id: string): Promise<Image | undefined> {
  return (await describeUnlessGone(ec2, { ImageIds: [id], Owners: ['self'] })).at(0)
}

/** Describes one image, also if it was just deregistered; `undefined` when EC2 does not know it yet, or no longer. */
export async function describeImage(ec2: Ec2, id: string): Promise<Image | undefined> {
  return (await describeUnlessGone(ec2, { ImageIds: [id] })).at(0)
}

/** Describes images as they are now. An image that EC2 does not know stays as it was described before. */
export async function describeAgain(images: readonly RegionalImage[]): Promise<readonly RegionalImage[]> {
  return await Promise.all(
    images.map(async ({ ec2, image }) => ({ ec2, image: (await describeImage(ec2, image.id)) ?? image })),
  )
}

/** The codes for an image that does not exist or was deregistered (AWS: "Error codes for the Amazon EC2 API"). */
const GONE = /^InvalidAMIID\.(NotFound|Unavailable)$/

async function describeUnlessGone(ec2: Ec2, query: DescribeImagesCommandInput): Promise<Image[]> {
  try {
    return await describeAll(ec2, query)
  } catch (error) {
    if (GONE.test(errorCode(error) ?? '')) return []
    throw error
  }
}

/** A response may contain deregistered images for a while (AWS: DescribeImages). */
function isThere({ state }: Image): boolean {
  return state !== 'deregistered'
}

/**
 * Describes the images that match a query, on all pages of the response, without deregistered ones.
 *
 * @param seconds The timeout. A look-up sends at most one other query before it, with a timeout of 18 seconds.
 * @throws Error for anything but a clear response. For an empty body, a proxy's HTML and an error document under status 200 the
 *   SDK returns a response without a list of images; a response of EC2 always has the list, even an empty one.
 */
export async function describeImages(ec2: Ec2, query: DescribeImagesCommandInput, seconds = 40): Promise<Image[]> {
  return (await describeAll(ec2, query, seconds)).filter(isThere)
}

/**
 * Describes the images that a query matches, for decisions that one missing image would change.
 *
 * @throws Error in the form of {@link describeImages}, also for a response with an incomplete image.
 */
export async function describeEveryImage(
  ec2: Ec2,
  query: DescribeImagesCommandInput,
  seconds: number,
): Promise<Image[]> {
  const described = await describePages(ec2, query, seconds)
  const odd = described.find(image => !isComplete(image))
  if (odd) throw malformed(ec2, describeOdd(odd))
  return described.map(toImage).filter(isThere)
}

/** How many images one page has at most. Without a size the response is one page, which may time out (AWS: DescribeImages). */
const PAGE_SIZE = 1000

async function describeAll(ec2: Ec2, query: DescribeImagesCommandInput, seconds = 40): Promise<Image[]> {
  return toImages(ec2, await describePages(ec2, query, seconds))
}

async function describePages(ec2: Ec2, query: DescribeImagesCommandInput, seconds: number): Promise<Ec2Image[]> {
  const described: Ec2Image[] = []
  const tokens = new Set<string>()
  const timeout = AbortSignal.timeout(milliseconds(seconds))
  let token: string | undefined
  do {
    const paged = query.ImageIds ? query : { MaxResults: PAGE_SIZE, ...query }
    const command = new DescribeImagesCommand(token ? { ...paged, NextToken: token } : paged)
    tolerateScanTimes(command)
    const send = (client: EC2Client, options: SendOptions) => client.send(command, options)
    const page = await ask(ec2, 'ec2:DescribeImages', send, timeout)
    if (!page.Images) throw malformed(ec2, 'the response has no list of images')
    described.push(...page.Images)
    token = page.NextToken
    if (token && tokens.has(token)) throw malformed(ec2, 'the response repeats the same page')
    tokens.add(token ?? '')
  } while (token)
  return described
}

function toImages(ec2: Ec2, described: readonly Ec2Image[]): Image[] {
  const odd = described.find(image => !isComplete(image))
  if (!odd) return described.map(toImage)
  const what = describeOdd(odd)
  const complete = described.filter(isComplete).map(toImage)
  if (complete.length === 0) throw malformed(ec2, what)
  warn(`ec2:DescribeImages in ${ec2.region}: ${what}. It is skipped.`)
  return complete
}

function describeOdd({ ImageId, CreationDate, State }: Ec2Image): string {
  const [id, date, state] = [ImageId, CreationDate, State].map(value => JSON.stringify(value ?? ''))
  return `an image has the id ${id}, the creation date ${date} and the state ${state}`
}

function malformed({ region }: Ec2, what: string): Error {
  return new Error(`ec2:DescribeImages in ${region}: ${what}. ${NOT_EC2}`)
}

function isComplete({ ImageId = '', CreationDate = '', State }: Ec2Image): boolean {
  const isDate =
    /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-][\d:]+)?)?$/.test(CreationDate) && !Number.isNaN(Date.parse(CreationDate))
  return IMAGE_ID.test(ImageId) && isDate && State !== undefined
}

function toImage(image: Ec2Image): Image {
  const { ImageId: id = '', Name: name = '', CreationDate: creationDate = '', State: state = '' } = image
  const tags = readTagList(image.Tags)
  const disks = image.BlockDeviceMappings ?? []
  return {
    id,
    name,
    creationDate,
    state,
    tags,
    owner: image.OwnerId ?? '',
    description: image.Description ?? '',
    stateReason: image.StateReason?.Message,
    snapshots: disks.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
    isEncrypted: disks.some(({ Ebs }) => Ebs?.Encrypted),
    architecture: image.Architecture ?? 'unknown',
    rootDeviceType: image.RootDeviceType,
    deprecationTime: image.DeprecationTime,
    sourceInstance: image.SourceInstanceId,
    sourceImage: image.SourceImageId,
    scan: readScan(image.ScanResults),
    gib: disks.reduce((sum, { Ebs }) => sum + (Ebs?.SnapshotId ? (Ebs.VolumeSize ?? 0) : 0), 0),
    lastLaunchedTime: image.LastLaunchedTime,
    // Any other value than `disabled` protects: with or without a cooldown, or until a cooldown ends.
    isProtected: (image.DeregistrationProtection ?? 'disabled') !== 'disabled',
    sourceRegion: image.SourceImageRegion,
  }
}
