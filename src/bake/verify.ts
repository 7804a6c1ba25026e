import { markFailed } from '../cleanup/invalidate-image.ts'
import type { Journal } from '../cleanup/journal.ts'
import { buildOf } from '../cleanup/journal.ts'
import { toText } from '../definition/byte-path.ts'
import { type Checksum, summarize } from '../definition/checksum.ts'
import { assertUnchanged, findAdded } from '../definition/definition.ts'
import { type LookUp, valueFor } from '../ec2/choose-image.ts'
import { connect, type Ec2, errorCode } from '../ec2/client.ts'
import { ELSEWHERE } from '../ec2/credentials.ts'
import {
  describeImage,
  type FoundImage,
  type Image,
  type RegionalImage,
  UnknownImage,
  waitUntilAvailable,
} from '../ec2/images.ts'
import { ExcludedImage, findImageQuietly, waitUntilFound } from '../ec2/look-up.ts'
import { describeKept, LEAVE_ROOM, tagChecksum } from '../ec2/tag-checksum.ts'
import {
  BAKED_AT_TAG,
  BASE_TAG,
  CHECKSUM_TAG,
  COMMIT_TAG,
  IMAGE_NAME_TAG,
  IMAGE_TAG,
  INGREDIENTS_TAG,
  PARENT_TAG,
  REPOSITORY_TAG,
  RUN_TAG,
  TEMPLATE_TAG,
} from '../ec2/tag-names.ts'
import { tagResource } from '../ec2/tags.ts'
import type { Lease } from '../lease/lease.ts'
import type { Artifacts } from '../packer/build.ts'
import { cancelled, warnAndContinue } from '../runner/cancel.ts'
import { workflowRun } from '../runner/environment.ts'
import { info, messageOf, warn } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { enterPhase } from '../runner/timeline.ts'
import { assertStillWanted, checkParent, RevokedDefinition } from './current-state.ts'

/** The image to verify. */
export interface VerifyOptions {
  readonly ec2: Ec2
  readonly checksum: Checksum
  /** The look-up that has to return the image. */
  readonly lookUp: LookUp
  /** The id of the image that it must be baked from; absent when the template chooses it. */
  readonly baseImage: string | undefined
  /** Further tags for the image, the lease, and copies. */
  readonly tags: ReadonlyMap<string, string>
}

/** The journal and the lease of the bake that is under way. */
export interface OpenBake {
  readonly journal: Journal
  readonly lease: Lease
}

/** The result: Packer's image is a hit now, or the lease was lost and another run's image is a hit already. */
export type Verdict =
  | { readonly kind: 'verified'; readonly found: FoundImage }
  | { readonly kind: 'superseded'; readonly id: string; readonly found: FoundImage }

/**
 * Verifies the image that Packer created: one in each region, available according to EC2, of a definition that has not changed
 * since its checksum was computed. Tags it, and waits until the look-up returns it. A verified image is kept even when it can't be
 * tagged.
 *
 * @throws Error that explains what is wrong with the image.
 */
export async function verifyImages(artifacts: Artifacts, options: VerifyOptions, open: OpenBake): Promise<Verdict> {
  enterPhase('verify')
  const { ec2, checksum } = options
  const { id, copies } = requireOneImagePerRegion(artifacts, ec2.region)
  await assertUnchanged(checksum)
  await warnOfAdded(checksum)
  const primary = await waitForImage(ec2, id).catch(error => throwElsewhere(error, id, options, open))
  await checkBaseImage(ec2, primary.image, options.baseImage)
  const winner = await findWinningImage(options, open.lease, id)
  if (winner) return { kind: 'superseded', id, found: winner }
  const confirmed = await Promise.allSettled(
    [...copies].map(([region, copy]) => waitForImage(connect(region, ec2.signal), copy)),
  )
  cancelled.throwIfAborted()
  await finish(primary, confirmed.flatMap(fulfilledValue), options, open.journal)
  throwIfAnyRejected(confirmed, describeKept(id))
  const state = options.lookUp.candidate ? 'candidate' : 'published'
  const found: FoundImage = { how: 'baked', state, image: primary.image, ids: new Map([[ec2.region, id], ...copies]) }
  return { kind: 'verified', found }
}

/**
 * Makes verified images hits: the copies first, because a run that waits for the image expects its copies. From the moment that the
 * journal lists them as verified they are kept: another run may have found them.
 */
async function finish(
  primary: RegionalImage,
  copies: readonly RegionalImage[],
  options: VerifyOptions,
  journal: Journal,
): Promise<void> {
  const images = [...copies, primary]
  await Promise.all(images.map(one => tagOrigin(one, options, primary.image.id)))
  cancelled.throwIfAborted()
  await assertUsable(images, options, journal)
  journal.verified(images.map(({ ec2, image }) => ({ region: ec2.region, id: image.id })))
  const value = valueFor(options.lookUp)
  const results = await Promise.allSettled(copies.map(copy => tagAsHit(copy, value)))
  throwIfAnyRejected([...results, ...(await Promise.allSettled([tagAsHit(primary, value)]))])
  const found = await Promise.allSettled(images.map(one => waitUntilFound(one.ec2, value, one.image.id)))
  cancelled.throwIfAborted()
  throwIfAnyRejected(found, isExcluded(found.at(-1)) ? `${primary.image.id} is kept.` : describeKept(primary.image.id))
}

/** The image of a definition that was revoked meanwhile is kept for an inspection, but marked as failed. */
async function assertUsable(
  images: readonly RegionalImage[],
  { ec2, lookUp, baseImage }: VerifyOptions,
  journal: Journal,
): Promise<void> {
  try {
    const own = images.find(image => image.ec2.region === ec2.region)?.image.id ?? ''
    const described = await assertStillWanted(ec2, lookUp, own)
    if (lookUp.parent && baseImage) await checkParent(ec2, described, lookUp.parent, baseImage)
  } catch (cause) {
    if (!(cause instanceof RevokedDefinition)) throw cause
    const marked = await Promise.allSettled(images.map(one => markFailed(one, journal.entry())))
    throwIfAnyRejected(marked, cause.message)
    const ids = images.map(({ image }) => image.id).join(', ')
    throw new Error(`${cause.message} ${ids} is marked as failed.`, { cause })
  }
}

/** Whether no look-up returns an image because of one of its tags. */
function isExcluded(result: PromiseSettledResult<void> | undefined): boolean {
  return result?.status === 'rejected' && result.reason instanceof ExcludedImage
}

/** Sends no request when the template has set the tag itself. */
async function tagAsHit({ ec2, image }: RegionalImage, value: string): Promise<void> {
  if (image.tags.get(CHECKSUM_TAG) !== value) await tagChecksum(ec2, image.id, value)
}

function fulfilledValue<Value>(result: PromiseSettledResult<Value>): Value[] {
  return result.status === 'fulfilled' ? [result.value] : []
}

/** Joins the errors of all regions to one. */
function throwIfAnyRejected(results: readonly PromiseSettledResult<unknown>[], ...notes: readonly string[]): void {
  const failures = results.flatMap(result => (result.status === 'rejected' ? [messageOf(result.reason)] : []))
  if (failures.length > 0) throw new Error([...new Set([...failures, ...notes])].join('\n'))
}

/** The image in the region of the look-up, and its copies in other regions. */
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
        `packer build made several images in ${region}: ${[...images].join(', ')}. A checksum identifies one image.`,
      )
  }
  const id = ids.get(wanted)
  ids.delete(wanted)
  if (id) return { id, copies: ids }
  if (ids.size === 0) throw new Error(`packer build exited with code 0 but reported no AMI. ${NO_IMAGE}`)
  const made = [...ids].map(([region, other]) => `${other} in ${region}`).join(', ')
  throw new Error(
    `packer build made no image in ${wanted}, but ${made}. Set the template's region to the variable aws_region.`,
  )
}

const NO_IMAGE =
  'Either one of its processes was killed (for example when out of memory), or the template makes no AMI (skip_create_ami, another builder).'

async function warnOfAdded(checksum: Checksum): Promise<void> {
  try {
    const added = await findAdded(checksum)
    if (added.length === 0) return
    warn(
      `New in the definition since the bake began: ${added.map(toText).join(', ')}. The next run has another checksum.`,
    )
  } catch (error) {
    warn(`${messageOf(error)} Added during the bake; the next run will fail on it.`)
  }
}

async function waitForImage(ec2: Ec2, id: string): Promise<RegionalImage> {
  const image = await waitUntilAvailable(ec2, id)
  info(`${id} in ${ec2.region} is available.`)
  return { ec2, image }
}

/**
 * An image that EC2 does not know was created in another account. Packer succeeded there and removed its own resources; in this
 * account there is nothing to clean up.
 */
function throwElsewhere(error: unknown, id: string, { ec2 }: VerifyOptions, { journal }: OpenBake): never {
  if (!(error instanceof UnknownImage)) throw error
  const { account } = journal.entry()
  if (!buildOf(journal.entry()).cleanupFailed) journal.close()
  const command = `aws ec2 describe-images --region ${ec2.region} --image-ids ${id}`
  const own = account ? ` This step's account is ${account}.` : ''
  const left = `${id} is left in that account, without the tag ${CHECKSUM_TAG}. To describe it with Packer's credentials: ${command}`
  throw new Error(`${error.message} ${ELSEWHERE}${own}\n${left}`, { cause: error })
}

/**
 * Checks that the image was created from the specified base image. Packer deregisters an intermediate image by now (AWS:
 * DescribeImages may still show it), so that an unavailable source image proves nothing.
 */
async function checkBaseImage(ec2: Ec2, { id, sourceImage }: Image, baseImage: string | undefined): Promise<void> {
  if (!baseImage || !sourceImage || sourceImage === baseImage) return
  const source = await describeImage(ec2, sourceImage).catch(warnAndContinue(`The base image of ${id} is not checked.`))
  if (source?.state !== 'available' || source.sourceImage === baseImage) return
  const advice = 'Use var.base_ami as the source image in the template.'
  throw new OptionError('baseAmi', `${id} was made from ${sourceImage}, not from ${baseImage}. ${advice}`)
}

/** The lease may be lost: this machine was suspended, or something deletes key pairs. Then another image may be a hit already. */
async function findWinningImage(options: VerifyOptions, lease: Lease, id: string): Promise<FoundImage | undefined> {
  if (await lease.confirmOwnership()) return undefined
  const other = await findImageQuietly(options.ec2, options.lookUp).catch(warnAndContinue(`Keeping ${id}.`))
  if (other?.found && other.found.image.id !== id) return other.found
  info(`Lost the lease, but no other image exists: keeping ${id}.`)
  return undefined
}

async function tagOrigin({ ec2, image }: RegionalImage, options: VerifyOptions, primary: string): Promise<void> {
  const origin = originTags(options)
  // When the plugin encrypts, EC2 names the intermediate image as the source of a copy, not the primary image.
  const tags = image.id === primary ? origin : new Map([...origin, [IMAGE_TAG, primary]])
  await tagResource(ec2, image.id, tags).catch(error => {
    const room = errorCode(error) === 'TagLimitExceeded' ? ` ${LEAVE_ROOM}` : ''
    warnAndContinue(`The image can be used without these tags.${room}`)(error)
  })
}

/** The tags that describe where the image comes from, for people and for the look-up. */
function originTags({ lookUp, checksum, baseImage, tags: userTags }: VerifyOptions): ReadonlyMap<string, string> {
  const { template, imageName, parent } = lookUp
  const tags = new Map([
    ...userTags,
    [TEMPLATE_TAG, template],
    [BAKED_AT_TAG, new Date().toISOString()],
    [INGREDIENTS_TAG, [...summarize(checksum)].map(([kind, digest]) => `${kind}=${digest}`).join(' ')],
  ])
  if (baseImage) tags.set(parent ? PARENT_TAG : BASE_TAG, baseImage)
  if (imageName !== undefined) tags.set(IMAGE_NAME_TAG, imageName)
  const run = workflowRun()
  if (!run) return tags
  if (run.commit !== undefined) tags.set(COMMIT_TAG, run.commit)
  return tags.set(REPOSITORY_TAG, run.repository).set(RUN_TAG, run.url)
}
