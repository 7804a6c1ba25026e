import type { Region } from '../definition/settings.ts'
import { connect } from '../ec2/client.ts'
import { describeImage, type Image, type RegionalImage } from '../ec2/images.ts'
import { describeLaunchPermissions, nameOfPermission, toPermission } from '../ec2/launch-permissions.ts'
import { cancelled } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { enterPhase } from '../runner/timeline.ts'
import { finishCopy, prepareCopy } from './finish-copy.ts'
import { type Destination, obtainCopy } from './obtain-copy.ts'
import type { CopyOptions, SourceImage } from './source-image.ts'

/**
 * Copies an image to the regions that lack it, all at once, and tags the copies so that the look-up finds them.
 *
 * @returns The copies' ids by region.
 * @throws OptionError with the reason for each region that failed; the copies in the other regions are kept. On a cancel it throws
 *   the reason of the cancel, and started copies continue: the next run finds them by their tags.
 */
export async function copyToRegions(
  source: RegionalImage,
  regions: readonly Region[],
  options: CopyOptions,
): Promise<ReadonlyMap<string, string>> {
  enterPhase('copy')
  const copies = await copyTo(source, regions.map(toDestination), { ...options, finish: finishCopy })
  for (const { ec2, image } of copies)
    info(`${ec2.region}: the look-up finds ${image.id}, the copy of ${source.image.id}.`)
  return new Map(copies.map(({ ec2, image }) => [ec2.region, image.id]))
}

/**
 * Copies an image that is not published yet, all at once. The copies are complete, but not hits.
 *
 * @throws Error under the same conditions.
 */
export async function prepareCopies(
  source: RegionalImage,
  destinations: readonly Destination[],
  options: CopyOptions,
): Promise<readonly RegionalImage[]> {
  return await copyTo(source, destinations, { ...options, finish: prepareCopy })
}

/** The place of the copies for a region. */
export function toDestination({ name, kmsKey }: Region): Destination {
  return { ec2: connect(name, cancelled), kmsKey }
}

interface CopyWork extends CopyOptions {
  readonly finish: (to: Destination, source: SourceImage, copy: Image) => Promise<void>
}

async function copyTo(
  source: RegionalImage,
  destinations: readonly Destination[],
  work: CopyWork,
): Promise<readonly RegionalImage[]> {
  if (destinations.length === 0) return []
  const sourceImage = await readSource(source, work)
  assertShareable(sourceImage, destinations)
  const results = await Promise.allSettled(
    destinations.map(async to => {
      const image = await obtainCopy(sourceImage, to)
      await work.finish(to, sourceImage, image)
      return { ec2: to.ec2, image }
    }),
  )
  if (cancelled.aborted) info('Started copies continue on EC2. The next run uses them.')
  cancelled.throwIfAborted()
  return collect(results, destinations)
}

/** Describes the image again: if it was just baked, its tags are newer than its description. */
async function readSource({ ec2, image }: RegionalImage, options: CopyOptions): Promise<SourceImage> {
  const permissions = await describeLaunchPermissions(ec2, image.id)
  const accounts = new Set([...permissions.map(nameOfPermission), ...(options.shareWith ?? [])])
  accounts.delete(image.owner)
  return {
    ec2,
    image: (await describeImage(ec2, image.id)) ?? image,
    checksum: options.checksum,
    permissions: [...accounts].map(toPermission),
    firstTags: options.tags,
  }
}

/** Without a specified key a copy gets the account's default key, which can't be shared (AWS: "Share an AMI with specific AWS accounts"). */
function assertShareable({ image, permissions }: SourceImage, destinations: readonly Destination[]): void {
  const keyless = destinations.filter(({ kmsKey }) => kmsKey === undefined).map(({ ec2 }) => ec2.region)
  if (!image.isEncrypted || permissions.length === 0 || keyless.length === 0) return
  throw new OptionError(
    'regions',
    `${image.id} is encrypted and shared with other accounts, which can't use a copy that is encrypted with the default key. ` +
      `Specify a KMS key for ${keyless.join(', ')}: ${keyless.map(name => `${name}=<key>`).join(', ')}.`,
  )
}

function collect(
  results: readonly PromiseSettledResult<RegionalImage>[],
  destinations: readonly Destination[],
): readonly RegionalImage[] {
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? `${destinations[index]?.ec2.region}: ${messageOf(result.reason)}` : [],
  )
  const copies = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  if (failures.length === 0) return copies
  const kept = copies.map(({ ec2, image }) => `${image.id} in ${ec2.region}`).join(', ')
  const advice = `${kept ? `These copies are finished and kept: ${kept}. ` : ''}The next run makes the missing copies.`
  throw new OptionError('regions', `Could not copy the image to\n${failures.join('\n')}\n${advice}`)
}
