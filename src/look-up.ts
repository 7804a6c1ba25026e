import type { Checksum } from './checksum.ts'
import { type Ec2, poll } from './ec2.ts'
import { bakedAt, byAge, CHECKSUM_TAG, describeImages, type FoundImage, type Image, TEMPLATE_TAG } from './images.ts'
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
  const hit = choose(candidates, inputs)
  for (const image of candidates) objectionTo(image, inputs)?.()
  if (!hit)
    info(`Miss: no image in ${ec2.region} has the tag ${CHECKSUM_TAG}=${checksum.value}${requirements(inputs)}.`)
  else if (isDeprecated(hit)) warn(`${hit.id} is deprecated since ${hit.deprecationTime}. It is used all the same.`)
  return hit && found(ec2, hit)
}

/** Asks the same again without a word, as often as it takes while another run bakes. */
export async function findAgain(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<FoundImage | undefined> {
  const hit = choose(await askForImages(ec2, checksum.value), inputs)
  return hit && found(ec2, hit)
}

function choose(candidates: readonly Image[], inputs: Inputs): Image | undefined {
  return candidates
    .filter(image => !objectionTo(image, inputs))
    .sort(byAge)
    .at(-1)
}

function found({ region }: Ec2, image: Image): FoundImage {
  return { how: 'hit', image, ids: new Map([[region, image.id]]) }
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

/** Why an image is passed over: a function that says it. */
function objectionTo(image: Image, inputs: Inputs): (() => void) | undefined {
  return otherTemplate(image, inputs) ?? tooOld(image, inputs) ?? notNew(image, inputs)
}

function otherTemplate({ id, tags }: Image, { template }: Inputs): (() => void) | undefined {
  const other = tags.get(TEMPLATE_TAG)
  if (other === undefined || other === template.name) return undefined
  const baked = `was baked from ${printable(other)}, not from ${template.name}`
  return () => notice(`${id} has the checksum too, but ${baked}: it is passed over.`)
}

const DAY = 24 * 60 * 60 * 1000

function tooOld(image: Image, { maxAgeDays }: Inputs): (() => void) | undefined {
  if (maxAgeDays === undefined) return undefined
  const age = (Date.now() - bakedAt(image)) / DAY
  if (age <= maxAgeDays && !isDeprecated(image)) return undefined
  const old = isDeprecated(image) ? 'deprecated' : `${Math.floor(age)} days old`
  return () => info(`${image.id} is ${old}: it is passed over.`)
}

function notNew({ id, creationDate }: Image, { forceBake }: Inputs): (() => void) | undefined {
  if (!forceBake || Date.parse(creationDate) > STARTED) return undefined
  return () => info(`${id} is there, but force-bake asks for a new one.`)
}

/** When this run began. EC2 gives whole seconds, so that an image of that very second counts as old: a bake too many does no harm. */
const STARTED = Date.now() - process.uptime() * 1000

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
