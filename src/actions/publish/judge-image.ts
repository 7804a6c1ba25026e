import { backupTag, dueForDeletion } from '../../ec2/choose-image.ts'
import type { Ec2 } from '../../ec2/client.ts'
import { describeImage, describeImages, type Image, type RegionalImage } from '../../ec2/images.ts'
import { describeRevocation, isRevoked } from '../../ec2/revoked.ts'
import { readState } from '../../ec2/state.ts'
import { CHECKSUM_TAG, IMAGE_TAG, PARENT_TAG, PRUNE_TAG } from '../../ec2/tag-names.ts'
import { escapeControlCharacters } from '../../runner/log.ts'
import type { OneImage } from './inputs.ts'

/** An image that may be published, and its checksum. */
export interface Publishable extends RegionalImage {
  readonly checksum: string
}

/**
 * Finds the image with an id and makes sure that it may be published.
 *
 * @throws Error that begins with the input's name, names the state of the image, and says what to do.
 */
export async function findPublishable(ec2: Ec2, { id, checksum }: OneImage): Promise<Publishable> {
  const Filters = [{ Name: 'image-id', Values: [id] }]
  const [image] = await describeImages(ec2, { Owners: ['self'], Filters, IncludeDisabled: true })
  if (!image) throw await explainUnknown(ec2, id)
  const problem = describeProblem(image)
  if (problem !== undefined) throw new Error(`ami-id: ${id} in ${ec2.region} ${problem}`)
  const own = readState(image)?.checksum ?? ''
  if (checksum === undefined || checksum === own) return { ec2, image, checksum: own }
  throw new Error(
    `ami-config-checksum: ${id} has the checksum ${own}, not ${checksum}. Specify the outputs of the same bake.`,
  )
}

async function explainUnknown(ec2: Ec2, id: string): Promise<Error> {
  const image = await describeImage(ec2, id)
  const advice = 'Publish an image of the account of the credentials.'
  // EC2 describes a deregistered image for a while (AWS: DescribeImages).
  if (image && image.state !== 'deregistered')
    return new Error(`ami-id: ${id} in ${ec2.region} is an image of account ${image.owner}. ${advice}`)
  return new Error(
    `ami-id: there is no image ${id} in ${ec2.region}. Check the id, aws-region, and the account of the credentials.`,
  )
}

function describeProblem(image: Image): string | undefined {
  const { state, tags } = image
  if (state === 'pending') return 'is pending. Wait until it is available.'
  if (state !== 'available') return `is ${state}. Bake another one.`
  const source = tags.get(IMAGE_TAG)
  if (source) return `is a copy of ${escapeControlCharacters(source)}. Publish that one, in its own region.`
  const backup = backupTag(image)
  if (backup !== undefined) return `is a backup of an instance (tag ${escapeControlCharacters(backup)}).`
  const value = tags.get(CHECKSUM_TAG)
  const name = readState(image)?.name
  if (name === 'failed') return 'comes from a failed bake. Bake another one.'
  if (isRevoked(image)) return `is ${describeRevocation(image)}. Restore it first, or bake another one.`
  if (value === undefined) return `has no tag ${CHECKSUM_TAG}: this action did not bake it, or did not finish it.`
  if (name === undefined)
    return `has the tag ${CHECKSUM_TAG}=${escapeControlCharacters(value)}, which is not a checksum.`
  if (!dueForDeletion(image, Date.now())) return undefined
  const due = tags.get(PRUNE_TAG)
  return `has been due for deletion since ${due}. Empty its tag ${PRUNE_TAG} first, or bake another one.`
}

/**
 * Makes sure that the image which an image was baked from is published. One that does not exist any more decides nothing.
 *
 * @throws Error that names the parent's state and says what to do.
 */
export async function assertParentPublished({ ec2, image }: RegionalImage): Promise<void> {
  const id = image.tags.get(PARENT_TAG)
  const parent = id ? await describeImage(ec2, id) : undefined
  if (!parent) return
  const name = readState(parent)?.name ?? 'untagged'
  if (name === 'published' && !isRevoked(parent)) return
  const state = isRevoked(parent) ? describeRevocation(parent) : name
  const advice = name === 'candidate' ? 'Publish the parent first.' : 'Bake it again from another one.'
  throw new Error(`${image.id} was baked from ${parent.id}, whose state is ${state}, not published. ${advice}`)
}
