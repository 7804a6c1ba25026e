import type { Region } from '../definition/settings.ts'
import { connect } from '../ec2/client.ts'
import { describeImage, type RegionalImage } from '../ec2/images.ts'
import { describeLaunchPermissions } from '../ec2/launch-permissions.ts'
import { cancelled } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { enterPhase } from '../runner/timeline.ts'
import { finishCopy } from './finish-copy.ts'
import { obtainCopy } from './obtain-copy.ts'
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
  const sourceImage = await readSource(source, options)
  assertShareable(sourceImage, regions)
  const results = await Promise.allSettled(regions.map(region => copyToRegion(sourceImage, region)))
  if (cancelled.aborted) info('Started copies continue on EC2. The next run uses them.')
  cancelled.throwIfAborted()
  return collect(results, regions)
}

/** Describes the image again: if it was just baked, its tags are newer than its description. */
async function readSource({ ec2, image }: RegionalImage, options: CopyOptions): Promise<SourceImage> {
  const permissions = await describeLaunchPermissions(ec2, image.id)
  return {
    image: (await describeImage(ec2, image.id)) ?? image,
    region: ec2.region,
    checksum: options.checksum,
    permissions,
    firstTags: options.tags,
  }
}

/** Without a specified key a copy gets the account's default key, which can't be shared (AWS: "Share an AMI with specific AWS accounts"). */
function assertShareable({ image, permissions }: SourceImage, regions: readonly Region[]): void {
  const keyless = regions.filter(({ kmsKey }) => kmsKey === undefined).map(({ name }) => name)
  if (!image.isEncrypted || permissions.length === 0 || keyless.length === 0) return
  throw new OptionError(
    'regions',
    `${image.id} is encrypted and shared with other accounts, which can't use a copy that is encrypted with the default key. ` +
      `Specify a KMS key for ${keyless.join(', ')}: ${keyless.map(name => `${name}=<key>`).join(', ')}.`,
  )
}

async function copyToRegion(source: SourceImage, region: Region): Promise<readonly [string, string]> {
  const ec2 = connect(region.name, cancelled)
  const copy = await obtainCopy(source, { ec2, kmsKey: region.kmsKey })
  await finishCopy({ ec2, kmsKey: region.kmsKey }, source, copy)
  info(`${region.name}: the look-up finds ${copy.id}, the copy of ${source.image.id}.`)
  return [region.name, copy.id]
}

function collect(
  results: readonly PromiseSettledResult<readonly [string, string]>[],
  regions: readonly Region[],
): ReadonlyMap<string, string> {
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? `${regions[index]?.name}: ${messageOf(result.reason)}` : [],
  )
  const copies = new Map(results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : [])))
  if (failures.length === 0) return copies
  const kept = [...copies].map(([name, id]) => `${id} in ${name}`).join(', ')
  const advice = `${kept ? `These copies are finished and kept: ${kept}. ` : ''}The next run makes the missing copies.`
  throw new OptionError('regions', `Could not copy the image to\n${failures.join('\n')}\n${advice}`)
}
