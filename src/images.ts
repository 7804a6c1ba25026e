import {
  CreateTagsCommand,
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  type Image as Ec2Image,
} from '@aws-sdk/client-ec2'
import type { Checksum } from './checksum.ts'
import { ask, type Ec2, errorCode, poll } from './ec2.ts'
import { info, notice, printable, warn } from './log.ts'

/** The tag that makes an image a hit: its value is the checksum. */
export const CHECKSUM_TAG = 'ami_config_checksum'
/** The tag that says which template an image was baked from. */
export const TEMPLATE_TAG = 'ami_bakery_template'

/** An AMI of this account that EC2 has described in full. */
export interface Image {
  readonly id: string
  readonly name: string
  /** ISO 8601. */
  readonly creationDate: string
  readonly state: string
  readonly tags: ReadonlyMap<string, string>
  /** ISO 8601; `undefined` when the image is never deprecated. */
  readonly deprecationTime: string | undefined
  /** The instance that the image was made from, where EC2 tells it. */
  readonly sourceInstance: string | undefined
  readonly snapshots: readonly string[]
}

/** An image and where it is. */
export interface PlacedImage {
  readonly ec2: Ec2
  readonly image: Image
}

/** The image that this run hands on, and how it came by it. */
export interface Outcome {
  readonly how: 'hit' | 'baked'
  readonly image: Image
  /** The image's id in each region. */
  readonly ids: ReadonlyMap<string, string>
}

/** Matches an AMI's id: 8 hex digits in old accounts, 17 since 2016 (AWS: "Amazon EC2 resource IDs"). */
export const IMAGE_ID = /^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/

/**
 * Looks for the newest available image of this account that carries the checksum. Two templates that share a definition
 * don't get each other's image.
 *
 * @param template The value that the tag {@link TEMPLATE_TAG} must have on an image that has it at all.
 * @returns `undefined` when EC2 says clearly that there is none.
 * @throws Error for anything but a clear answer.
 */
export async function findImage(ec2: Ec2, template: string, checksum: Checksum): Promise<Outcome | undefined> {
  const candidates = await lookUp(ec2, checksum.value)
  const image = candidates
    .filter(candidate => isOf(template, candidate))
    .sort(byAge)
    .at(-1)
  if (!image) {
    info(`Miss: no available image in ${ec2.region} has the tag ${CHECKSUM_TAG}=${checksum.value}.`)
    return undefined
  }
  warnIfDeprecated(image)
  return { how: 'hit', image, ids: new Map([[ec2.region, image.id]]) }
}

/** Recently deregistered images may still be in the answer (AWS: DescribeImages), so their state is read once more. */
async function lookUp(ec2: Ec2, checksum: string): Promise<Image[]> {
  const Filters = [
    { Name: `tag:${CHECKSUM_TAG}`, Values: [checksum] },
    { Name: 'state', Values: ['available'] },
  ]
  const images = await describeImages(ec2, { Owners: ['self'], Filters })
  return images.filter(image => image.state === 'available')
}

function isOf(template: string, { id, tags }: Image): boolean {
  const other = tags.get(TEMPLATE_TAG)
  if (other === undefined || other === template) return true
  notice(`${id} has the checksum too, but was baked from ${printable(other)}, not from ${template}: it is passed over.`)
  return false
}

function byAge(a: Image, b: Image): number {
  return Date.parse(a.creationDate) - Date.parse(b.creationDate) || (a.id < b.id ? -1 : 1)
}

function warnIfDeprecated({ id, deprecationTime }: Image): void {
  if (deprecationTime === undefined || Date.parse(deprecationTime) > Date.now()) return
  warn(
    `${id} is deprecated since ${deprecationTime}. It is used all the same; bake a new one by changing its definition.`,
  )
}

/**
 * Waits until EC2 says that an image is available. A new image may be unknown to EC2 for a while (EC2 developer guide,
 * "Eventual consistency").
 *
 * @throws Error when the image fails, or is still not there after half an hour.
 */
export async function waitUntilAvailable(ec2: Ec2, id: string): Promise<Image> {
  const image = await poll(ec2, 30 * 60, async () => {
    const found = await describeOne(ec2, id)
    return found?.state === 'pending' ? undefined : found
  })
  if (image?.state === 'available') return image
  throw new Error(`${id} in ${ec2.region} did not become available: its state is ${image?.state ?? 'still pending'}.`)
}

/**
 * Waits until the look-up returns an image, because the next job will ask that very question and tags appear late.
 *
 * @throws Error when it doesn't within five minutes.
 */
export async function waitUntilFound(ec2: Ec2, checksum: string, id: string): Promise<void> {
  const found = await poll(ec2, 5 * 60, async () => (await lookUp(ec2, checksum)).find(image => image.id === id))
  if (found) return
  throw new Error(
    `${id} in ${ec2.region} has its tags, but EC2 does not find it by them after 5 minutes. Run the job again.`,
  )
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

async function describeOne(ec2: Ec2, id: string): Promise<Image | undefined> {
  try {
    return (await describeImages(ec2, { ImageIds: [id] })).at(0)
  } catch (error) {
    if (errorCode(error) === 'InvalidAMIID.NotFound') return undefined
    throw error
  }
}

/** Describes the images that EC2 answers a question with, all pages of them. */
export async function describeImages(ec2: Ec2, question: DescribeImagesCommandInput): Promise<Image[]> {
  const images: Ec2Image[] = []
  let token: string | undefined
  do {
    const page = await ask(ec2, 'ec2:DescribeImages', (client, options) =>
      client.send(new DescribeImagesCommand(token ? { ...question, NextToken: token } : question), options),
    )
    if (!page.Images)
      throw new Error(`ec2:DescribeImages in ${ec2.region}: the answer is not one of EC2's. Is a proxy in between?`)
    if (page.NextToken && page.NextToken === token)
      throw new Error(`ec2:DescribeImages in ${ec2.region}: EC2 gives the same page again and again.`)
    images.push(...page.Images)
    token = page.NextToken
  } while (token)
  return images.map(image => understand(ec2, image))
}

function understand({ region }: Ec2, image: Ec2Image): Image {
  const { ImageId: id = '', Name: name = '', CreationDate: creationDate = '', State: state = '' } = image
  if (!IMAGE_ID.test(id) || Number.isNaN(Date.parse(creationDate))) {
    throw new Error(
      `ec2:DescribeImages in ${region}: EC2 describes an image with id "${printable(id)}" and creation date "${printable(creationDate)}".`,
    )
  }
  const tags = new Map(image.Tags?.map(({ Key = '', Value = '' }) => [Key, Value]))
  const snapshots = (image.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? [])
  const { DeprecationTime: deprecationTime, SourceInstanceId: sourceInstance } = image
  return { id, name, creationDate, state, tags, deprecationTime, sourceInstance, snapshots }
}
