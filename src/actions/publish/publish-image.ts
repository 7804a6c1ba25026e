import { reasonToSkipCopy } from '../../ec2/choose-image.ts'
import { byAge, describeAgain, isCopyOf, type RegionalImage } from '../../ec2/images.ts'
import { describeByValue } from '../../ec2/look-up.ts'
import { CHECKSUM_TAG, PUBLISHED_TAG } from '../../ec2/tag-names.ts'
import { tagResource } from '../../ec2/tags.ts'
import { prepareCopies } from '../../regions/copy-image.ts'
import type { Destination } from '../../regions/obtain-copy.ts'
import { publishUnit } from '../../regions/publish-unit.ts'
import { warnAndContinue } from '../../runner/cancel.ts'
import { type Delivery, setParameters, settleRegions, shareAll } from './deliver.ts'
import { assertParentPublished, type Publishable } from './judge-image.ts'

/** What an image is published with. */
export interface PublishOptions {
  /** The regions that it must be available in, besides its own. */
  readonly destinations: readonly Destination[]
  /** Tags that new copies and their snapshots have from the start. */
  readonly tags: ReadonlyMap<string, string>
  /** The accounts and organizations that may launch it in every region. */
  readonly shareWith: readonly string[]
  /** The SSM parameter that holds its id in every region. */
  readonly ssmParameter: string | undefined
  /** Names the run that publishes it. */
  readonly by: string
}

/** A published image with its copies. */
export interface Published extends Omit<Delivery, 'moved'> {
  readonly images: readonly RegionalImage[]
  /** Those of them that were changed or made. */
  readonly changed: readonly RegionalImage[]
  /** The accounts and organizations that may launch it although they are not specified. */
  readonly others: readonly string[]
}

/**
 * Publishes an image: copies it to the regions that lack it, shares it, makes the copies hits, then the image itself, and sets the
 * parameters last. Writes only what is missing, so that a repeat finishes what was interrupted.
 *
 * @throws Error with the reason; the image itself is not a hit unless it was one before. What fails once it is a hit is a problem in the
 *   result.
 */
export async function publishImage(image: Publishable, options: PublishOptions): Promise<Published> {
  const { checksum } = image
  await assertParentPublished(image)
  const finished = await findFinishedCopies(image, options.destinations)
  const lacking = options.destinations.filter(({ ec2 }) => !finished.some(copy => copy.ec2 === ec2))
  const prepared = await prepareCopies(image, lacking, {
    checksum,
    tags: options.tags,
    shareWith: options.shareWith,
  })
  const isPublished = image.image.tags.get(CHECKSUM_TAG) === checksum
  const copies = [...finished, ...prepared]
  const images = [image, ...copies]
  const shared = await shareAll(images, options.shareWith)
  if (!isPublished || prepared.length > 0) await publishUnit({ source: image, copies, checksum })
  const unmarked = images.filter(one => !one.image.tags.get(PUBLISHED_TAG))
  const { moved, ...delivery } = await deliver(images, unmarked, options)
  const touched = new Set([...unmarked, ...prepared, ...shared.changed, ...moved])
  const changed = await describeForRecord(images.filter(one => touched.has(one)))
  return { images, changed, others: shared.others, ...delivery }
}

/** Names the run on the images, then sets the parameters. A parameter is last: without the tag a repeat has to set both. */
async function deliver(
  images: readonly RegionalImage[],
  unmarked: readonly RegionalImage[],
  { by, ssmParameter }: PublishOptions,
): Promise<Delivery> {
  const { failures } = await settleRegions(unmarked, ({ ec2, image }) =>
    tagResource(ec2, image.id, new Map([[PUBLISHED_TAG, by]])),
  )
  if (failures.length > 0) return { moved: [], warnings: [], problems: failures }
  return await setParameters(images, ssmParameter)
}

async function describeForRecord(images: readonly RegionalImage[]): Promise<readonly RegionalImage[]> {
  const described = await describeAgain(images).catch(warnAndContinue('The record lacks the new tags.'))
  return described ?? images
}

/** The copies that are hits already: one request for each region. */
async function findFinishedCopies(
  { image, checksum }: Publishable,
  destinations: readonly Destination[],
): Promise<readonly RegionalImage[]> {
  const answers = destinations.map(async ({ ec2 }) => {
    const copies = (await describeByValue(ec2, checksum)).filter(copy => isCopyOf(copy, image.id))
    const newest = copies
      .filter(copy => !reasonToSkipCopy(copy))
      .sort(byAge)
      .at(-1)
    return newest ? [{ ec2, image: newest }] : []
  })
  return (await Promise.all(answers)).flat()
}
