import type { Checksum } from './checksum.ts'
import { type Ec2, poll } from './ec2.ts'
import { bakedAt, CHECKSUM_TAG, describeImages, type FoundImage, type Image, TEMPLATE_TAG } from './images.ts'
import type { Inputs } from './inputs.ts'
import { info, notice, printable, warn } from './log.ts'

/**
 * Looks for the newest available image of this account that carries the checksum. Two templates that share a definition
 * don't get each other's image; an image may be too old, or older than the wish for a new one.
 *
 * @returns `undefined` when EC2 says clearly that there is none.
 * @throws Error for anything but a clear answer.
 */
export async function findImage(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<FoundImage | undefined> {
  const candidates = await askForImages(ec2, checksum.value)
  const images = candidates.filter(
    image => isOfTemplate(inputs, image) && isYoung(inputs, image) && isNew(inputs, image),
  )
  const image = images.sort(byAge).at(-1)
  if (!image) {
    info(`Miss: no image in ${ec2.region} has the tag ${CHECKSUM_TAG}=${checksum.value}${requirements(inputs)}.`)
    return undefined
  }
  if (isDeprecated(image)) warn(`${image.id} is deprecated since ${image.deprecationTime}. It is used all the same.`)
  return { how: 'hit', image, ids: new Map([[ec2.region, image.id]]) }
}

/**
 * Waits until the look-up returns an image, because the next job will ask that very question and tags appear late.
 *
 * @throws Error when it doesn't within five minutes.
 */
export async function waitUntilFound(ec2: Ec2, checksum: string, id: string): Promise<void> {
  const found = await poll(ec2, 5 * 60, async () => (await askForImages(ec2, checksum)).find(image => image.id === id))
  if (found) return
  throw new Error(
    `${id} in ${ec2.region} has its tags, but EC2 does not find it by them after 5 minutes. Run the job again.`,
  )
}

/**
 * Asks for the available images of this account that carry the checksum, whatever else they are. Recently deregistered images
 * may still be in the answer (AWS: DescribeImages), so their state is read once more.
 */
export async function askForImages(ec2: Ec2, checksum: string): Promise<Image[]> {
  const Filters = [
    { Name: `tag:${CHECKSUM_TAG}`, Values: [checksum] },
    { Name: 'state', Values: ['available'] },
  ]
  const images = await describeImages(ec2, { Owners: ['self'], Filters })
  return images.filter(image => image.state === 'available')
}

function isOfTemplate({ template }: Inputs, { id, tags }: Image): boolean {
  const other = tags.get(TEMPLATE_TAG)
  if (other === undefined || other === template.name) return true
  notice(
    `${id} has the checksum too, but was baked from ${printable(other)}, not from ${template.name}: it is passed over.`,
  )
  return false
}

const DAY = 24 * 60 * 60 * 1000

function isYoung({ maxAgeDays }: Inputs, image: Image): boolean {
  if (maxAgeDays === undefined) return true
  const age = (Date.now() - bakedAt(image)) / DAY
  if (age <= maxAgeDays && !isDeprecated(image)) return true
  info(`${image.id} is ${isDeprecated(image) ? 'deprecated' : `${Math.floor(age)} days old`}: it is passed over.`)
  return false
}

function isNew({ forceBake }: Inputs, image: Image): boolean {
  if (!forceBake || Date.parse(image.creationDate) > STARTED) return true
  info(`${image.id} is there, but force-bake asks for a new one.`)
  return false
}

/** When this run began. EC2 gives whole seconds, so that an image of that very second counts as old: a bake too many does no harm. */
const STARTED = Date.now() - process.uptime() * 1000

function byAge(a: Image, b: Image): number {
  return bakedAt(a) - bakedAt(b) || (a.id < b.id ? -1 : 1)
}

function isDeprecated({ deprecationTime }: Image): boolean {
  return deprecationTime !== undefined && Date.parse(deprecationTime) <= Date.now()
}

function requirements({ maxAgeDays, forceBake }: Inputs): string {
  const parts = [
    maxAgeDays === undefined ? '' : ` and is at most ${maxAgeDays} days old`,
    forceBake ? ' and is new' : '',
  ]
  return parts.join('')
}
