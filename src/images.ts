import {
  CreateTagsCommand,
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  type EC2Client,
  type Image as Ec2Image,
} from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, NOT_EC2, poll, type SendOptions } from './ec2.ts'
import { messageOf, printable, warn } from './log.ts'
import { milliseconds } from './patience.ts'
import type { PlacedId } from './record.ts'

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
export interface PlacedImage {
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
  readonly healed?: ReadonlySet<string>
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

/** Matches an AMI's id: 8 hex digits in old accounts, 17 since 2016 (AWS: "Amazon EC2 resource IDs"). */
export const IMAGE_ID = /^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/

/**
 * Waits until EC2 says that an image is available. A new image may be unknown to EC2 for a while (EC2 developer guide,
 * "Eventual consistency").
 *
 * @throws Error when the image fails, or is still not there after half an hour.
 */
export async function waitUntilAvailable(ec2: Ec2, id: string): Promise<Image> {
  const image = await poll(ec2, 30 * 60, async () => {
    const found = await describeImage(ec2, id)
    return found?.state === 'pending' ? undefined : found
  })
  if (image?.state === 'available') return image
  const reason = image?.stateReason ? ` EC2 says: ${printable(image.stateReason)}` : ''
  const state = image?.state ?? 'still pending'
  throw new Error(`${id} in ${ec2.region} did not become available: its state is ${state}.${reason}`)
}

/**
 * Puts tags on an image. An existing tag gets the new value.
 *
 * @throws Error that names the image and the permission.
 */
export async function tagImage(ec2: Ec2, id: string, tags: ReadonlyMap<string, string>): Promise<void> {
  const Tags = [...tags].map(([Key, Value]) => ({ Key, Value }))
  await ask(ec2, 'ec2:CreateTags', (client, options) =>
    client.send(new CreateTagsCommand({ Resources: [id], Tags }), options),
  )
}

/**
 * Puts the tag on a good image that makes it a hit, whether or not the step is cancelled meanwhile.
 *
 * @throws Error with the command that does it.
 */
export async function tagChecksum(ec2: Ec2, id: string, checksum: string): Promise<void> {
  await tagImage({ ...ec2, signal: undefined }, id, new Map([[CHECKSUM_TAG, checksum]])).catch(cause => {
    throw new Error(`${messageOf(cause)}\n${describeUntagged({ region: ec2.region, id }, checksum)}`, { cause })
  })
}

/** Says that a good image stays, whatever goes wrong besides. */
export function describeKept(id: string): string {
  return `${id} is good and stays: the next run finds it.`
}

/** Says what becomes of a good image that could not be tagged, and what a person types to make it a hit. */
export function describeUntagged({ region, id }: PlacedId, checksum: string): string {
  const command = `aws ec2 create-tags --region ${region} --resources ${id} --tags Key=${CHECKSUM_TAG},Value=${checksum}`
  return `${id} is good and stays. To make it a hit: ${command}`
}

/** Describes one image; `undefined` when EC2 does not know it, or not yet. */
export async function describeImage(ec2: Ec2, id: string): Promise<Image | undefined> {
  try {
    return (await describeImages(ec2, { ImageIds: [id] })).at(0)
  } catch (error) {
    if (errorCode(error) === 'InvalidAMIID.NotFound') return undefined
    throw error
  }
}

/**
 * Describes the images that EC2 answers a question with, all pages of them.
 *
 * @param seconds How long it may take in all. A look-up has another question before it at most, of 18 seconds.
 * @throws Error for anything but a clear answer. The SDK makes an answer without images of an empty page, of a proxy's HTML
 *   and of an error document under status 200; EC2's own answer always has the list, be it empty.
 */
export async function describeImages(ec2: Ec2, question: DescribeImagesCommandInput, seconds = 40): Promise<Image[]> {
  const described: Ec2Image[] = []
  const tokens = new Set<string>()
  const patience = AbortSignal.timeout(milliseconds(seconds))
  let token: string | undefined
  do {
    const command = new DescribeImagesCommand(token ? { ...question, NextToken: token } : question)
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
