import type { Inputs } from '../actions/bake/inputs.ts'
import { endBake } from '../cleanup/end-bake.ts'
import type { Journal } from '../cleanup/journal.ts'
import { type Checksum, computeChecksum, summarize } from '../definition/checksum.ts'
import { listFiles, toText } from '../definition/files.ts'
import { findChanged } from '../definition/hash-files.ts'
import { selectEntries } from '../definition/patterns.ts'
import { connect, type Ec2, errorCode } from '../ec2/client.ts'
import { ELSEWHERE } from '../ec2/credentials.ts'
import {
  BAKED_AT_TAG,
  CHECKSUM_TAG,
  COMMIT_TAG,
  describeImage,
  describeKept,
  type FoundImage,
  IMAGE_TAG,
  type Image,
  INGREDIENTS_TAG,
  LEAVE_ROOM,
  REPOSITORY_TAG,
  type RegionalImage,
  TEMPLATE_TAG,
  tagChecksum,
  UnknownImage,
  waitUntilAvailable,
} from '../ec2/images.ts'
import { findImageQuietly, waitUntilFound } from '../ec2/look-up.ts'
import { tagResource } from '../ec2/tags.ts'
import type { Lease } from '../lease/lease.ts'
import type { Artifacts } from '../packer/build.ts'
import { cancelled, warnAndContinue } from '../runner/cancel.ts'
import { workflowRun } from '../runner/environment.ts'
import { escapeControlCharacters, info, messageOf, warn } from '../runner/log.ts'
import { enterPhase } from '../runner/timeline.ts'

/** What was baked, where, from what. */
export interface Bake {
  readonly ec2: Ec2
  readonly inputs: Inputs
  readonly checksum: Checksum
  readonly record: Journal
  readonly lease: Lease
}

/**
 * Accepts what Packer made: one image in each region, which EC2 confirms, of a definition that is still what the checksum says.
 * Tags it, and waits until the look-up finds it. Once it is good it stays, even when it can't be tagged, unless another run
 * has taken the lease meanwhile and was first.
 *
 * @throws Error that says what is wrong with it.
 */
export async function verifyImages(artifacts: Artifacts, bake: Bake): Promise<FoundImage> {
  enterPhase('verify')
  const { id, copies } = requireOneImagePerRegion(artifacts, bake.inputs.region)
  await confirmDefinition(bake.inputs, bake.checksum)
  const home = await confirm(bake.ec2, id).catch(error => refuseElsewhere(error, id, bake))
  await checkBaseImage(bake.ec2, home.image, bake.checksum)
  const first = await findWinningImage(bake, id)
  if (first) return first
  const confirmed = await Promise.allSettled(
    [...copies].map(([region, copy]) => confirm(connect(region, bake.ec2.signal), copy)),
  )
  cancelled.throwIfAborted()
  await finish(home, confirmed.flatMap(fulfilledValue), bake)
  throwIfAnyRejected(confirmed, describeKept(id))
  return { how: 'baked', image: home.image, ids: new Map([[bake.ec2.region, id], ...copies]) }
}

/**
 * Makes good images hits: the copies first, because whoever waits for the image itself takes its copies to be there. From
 * the record's note on nothing takes them back: another run may have found them.
 */
async function finish(home: RegionalImage, copies: readonly RegionalImage[], bake: Bake): Promise<void> {
  const placed = [...copies, home]
  await Promise.all(placed.map(one => tagOrigin(one, bake, home.image.id)))
  cancelled.throwIfAborted()
  bake.record.note({ accepted: placed.map(({ ec2, image }) => ({ region: ec2.region, id: image.id })) })
  const { value } = bake.checksum
  const results = await Promise.allSettled(copies.map(copy => tagAsHit(copy, value)))
  throwIfAnyRejected([...results, ...(await Promise.allSettled([tagAsHit(home, value)]))])
  const found = await Promise.allSettled(placed.map(one => waitUntilFound(one.ec2, value, one.image.id)))
  cancelled.throwIfAborted()
  throwIfAnyRejected(found, describeKept(home.image.id))
}

/** No request if the template has done it already. */
async function tagAsHit({ ec2, image }: RegionalImage, checksum: string): Promise<void> {
  if (image.tags.get(CHECKSUM_TAG) !== checksum) await tagChecksum(ec2, image.id, checksum)
}

function fulfilledValue<Value>(result: PromiseSettledResult<Value>): Value[] {
  return result.status === 'fulfilled' ? [result.value] : []
}

/** Joins all that went wrong, in one region or several, to one error. */
function throwIfAnyRejected(
  results: readonly PromiseSettledResult<unknown>[],
  ...consolation: readonly string[]
): void {
  const failures = results.flatMap(result => (result.status === 'rejected' ? [messageOf(result.reason)] : []))
  if (failures.length > 0) throw new Error([...new Set([...failures, ...consolation])].join('\n'))
}

/** The image in the region of the look-up, and its copies in others. */
function requireOneImagePerRegion(
  artifacts: Artifacts,
  wanted: string,
): { id: string; copies: ReadonlyMap<string, string> } {
  const ids = new Map<string, string>()
  for (const [region, images] of artifacts) {
    const [image, another] = images
    if (image && !another) ids.set(region, image)
    else
      throw new Error(
        `packer build made several images in ${region}: ${[...images].join(', ')}. A checksum stands for one.`,
      )
  }
  const id = ids.get(wanted)
  ids.delete(wanted)
  if (id) return { id, copies: ids }
  if (ids.size === 0) throw new Error(`packer build ended with 0, but names no image. ${NO_IMAGE}`)
  const made = [...ids].map(([region, other]) => `${other} in ${region}`).join(', ')
  throw new Error(
    `packer build made no image in ${wanted}, but ${made}. Let the template's region be the variable aws_region.`,
  )
}

const NO_IMAGE =
  'Either one of its processes was killed, as where memory runs short, or the template makes no AMI (skip_create_ami, another builder).'

/** The image must carry the checksum of what it was made from, so nothing of that may have changed meanwhile. */
async function confirmDefinition(inputs: Inputs, checksum: Checksum): Promise<void> {
  const { files, ingredients, baseImage } = checksum
  const changed = await findChanged(files)
  if (changed.length > 0) {
    const advice = 'Let the bake write outside the definition, or to names that begin with ".".'
    throw new Error(`ami-definition-dirs: changed during the bake: ${changed.map(toText).join(', ')}. ${advice}`)
  }
  const now = await computeChecksum(files, inputs, baseImage)
  const other = ingredients.find(({ digest }, index) => now.ingredients[index]?.digest !== digest)
  if (other) {
    const input = other.kind === 'strict' ? 'packer-template' : 'packer-var-files'
    throw new Error(
      `${input}: changed during the bake: ${escapeControlCharacters(other.title)}. Let nothing write to it meanwhile.`,
    )
  }
  await warnOfAdded(inputs, checksum).catch(cause => {
    warn(`${messageOf(cause)} It came during the bake; the next run fails by it.`)
  })
}

async function warnOfAdded({ definition }: Inputs, { files }: Checksum): Promise<void> {
  const known = new Set(files.map(file => file.path))
  const added = listFiles(await selectEntries(definition)).filter(path => !known.has(path))
  if (added.length === 0) return
  warn(
    `ami-definition-dirs: new since the bake began: ${added.map(toText).join(', ')}. The next run gets another checksum.`,
  )
}

async function confirm(ec2: Ec2, id: string): Promise<RegionalImage> {
  const image = await waitUntilAvailable(ec2, id)
  info(`${id} in ${ec2.region} is available.`)
  return { ec2, image }
}

/**
 * What EC2 does not know at all was made in another account. Packer has succeeded there and removed the rest itself; here there
 * is nothing to look for.
 */
function refuseElsewhere(error: unknown, id: string, { ec2, record }: Bake): never {
  if (!(error instanceof UnknownImage)) throw error
  const { account, isUnclean } = record.facts()
  if (!isUnclean) record.close()
  const command = `aws ec2 describe-images --region ${ec2.region} --image-ids ${id}`
  const place = account ? ` This step's account is ${account}.` : ''
  const left = `${id} is left there, without the tag of a hit. With Packer's credentials: ${command}`
  throw new Error(`${error.message} ${ELSEWHERE}${place}\n${left}`, { cause: error })
}

/**
 * An intermediary image of Packer's is gone by now, or about to be (AWS: DescribeImages shows recently deregistered ones), so
 * that its id tells nothing about the base.
 */
async function checkBaseImage(ec2: Ec2, { id, sourceImage }: Image, { baseImage }: Checksum): Promise<void> {
  if (!baseImage || !sourceImage || sourceImage === baseImage) return
  const source = await describeImage(ec2, sourceImage).catch(warnAndContinue('What it was made from is not checked.'))
  if (source?.state !== 'available' || source.sourceImage === baseImage) return
  throw new Error(
    `base-ami: ${id} was made from ${sourceImage}, not from ${baseImage}. Let the template bake from var.base_ami.`,
  )
}

/** A lease can go: a frozen machine wakes up, somebody tidies up key pairs. Then there may be an image already, and ours goes. */
async function findWinningImage(
  { ec2, inputs, checksum, record, lease }: Bake,
  id: string,
): Promise<FoundImage | undefined> {
  if (await lease.settle()) return undefined
  const other = await findImageQuietly(ec2, inputs, checksum).catch(warnAndContinue(`${id} is taken.`))
  if (!other || other.image.id === id) {
    info(`The lease is gone, but there is no other image: ${id} is taken.`)
    return undefined
  }
  info(`The lease was lost, and another run has baked ${other.image.id} meanwhile: it is taken, and ${id} goes.`)
  await endBake(record).catch(warnAndContinue(`${other.image.id} is good all the same.`))
  return { ...other, how: 'baked' }
}

async function tagOrigin({ ec2, image }: RegionalImage, { inputs, checksum }: Bake, original: string): Promise<void> {
  const origin = originTags(inputs, checksum)
  // A copy of an intermediary image, as the plugin makes it to encrypt, is no copy of ours in EC2's eyes.
  const tags = image.id === original ? origin : new Map([...origin, [IMAGE_TAG, original]])
  await tagResource(ec2, image.id, tags).catch(error => {
    const room = errorCode(error) === 'TagLimitExceeded' ? ` ${LEAVE_ROOM}` : ''
    warnAndContinue(`The image is good without these tags.${room}`)(error)
  })
}

/** Where the image comes from, for people and for the next look-up. */
function originTags({ template }: Inputs, checksum: Checksum): ReadonlyMap<string, string> {
  const tags = new Map([
    [TEMPLATE_TAG, template.name],
    [BAKED_AT_TAG, new Date().toISOString()],
    [INGREDIENTS_TAG, [...summarize(checksum)].map(([kind, digest]) => `${kind}=${digest}`).join(' ')],
  ])
  if (checksum.baseImage) tags.set('ami_bakery_base', checksum.baseImage)
  const run = workflowRun()
  if (!run) return tags
  return tags.set(REPOSITORY_TAG, run.repository).set(COMMIT_TAG, run.commit).set('ami_bakery_run', run.url)
}
