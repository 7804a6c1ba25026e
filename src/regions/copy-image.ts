import { DescribeImageAttributeCommand } from '@aws-sdk/client-ec2'
import type { Region } from '../definition/settings.ts'
import { ask, connect } from '../ec2/client.ts'
import { describeImage, type RegionalImage } from '../ec2/images.ts'
import { onceVisible } from '../ec2/requests.ts'
import { cancelled } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { enterPhase } from '../runner/timeline.ts'
import { finishCopy } from './finish-copy.ts'
import { obtainCopy } from './obtain-copy.ts'
import type { SourceImage } from './source-image.ts'

/**
 * Copies an image to regions that lack it, to all of them at once, and makes the copies such that the look-up finds them.
 *
 * @returns The copies' ids by region.
 * @throws Error that says of each region that failed why; the copies in the others are good and stay. When the step is
 *   cancelled, copies that were begun go on: their tags tell the next run, which takes them.
 */
export async function copyToRegions(
  source: RegionalImage,
  regions: readonly Region[],
  checksum: string,
): Promise<ReadonlyMap<string, string>> {
  enterPhase('copy')
  const original = await readSource(source, checksum)
  assertShareable(original, regions)
  const results = await Promise.allSettled(regions.map(region => copyToRegion(original, region)))
  if (cancelled.aborted) info('Copies that were begun go on. The next run takes them.')
  cancelled.throwIfAborted()
  return collect(results, regions)
}

/** The image is described anew: one that was just baked has got its tags since. */
async function readSource({ ec2, image }: RegionalImage, checksum: string): Promise<SourceImage> {
  const command = new DescribeImageAttributeCommand({ ImageId: image.id, Attribute: 'launchPermission' })
  const { LaunchPermissions: permissions = [] } = await onceVisible(ec2, () =>
    ask(ec2, 'ec2:DescribeImageAttribute', (client, options) => client.send(command, options)),
  )
  return { image: (await describeImage(ec2, image.id)) ?? image, region: ec2.region, checksum, permissions }
}

/** Without a key the copy gets the account's default one, which can't be shared (AWS: "Share an AMI with specific AWS accounts"). */
function assertShareable({ image, permissions }: SourceImage, regions: readonly Region[]): void {
  const keyless = regions.filter(({ kmsKey }) => kmsKey === undefined).map(({ name }) => name)
  if (!image.isEncrypted || permissions.length === 0 || keyless.length === 0) return
  throw new OptionError(
    'regions',
    `${image.id} is encrypted and shared with others, who could not use a copy under the default key. ` +
      `Give a KMS key for ${keyless.join(', ')}: ${keyless.map(name => `${name}=<key>`).join(', ')}.`,
  )
}

async function copyToRegion(source: SourceImage, region: Region): Promise<readonly [string, string]> {
  const ec2 = connect(region.name, cancelled)
  const copy = await obtainCopy(source, { ec2, kmsKey: region.kmsKey })
  await finishCopy({ ec2, kmsKey: region.kmsKey }, source, copy)
  info(`${region.name}: ${copy.id} is a copy of ${source.image.id} and is found by its tag.`)
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
  const advice = `${kept ? `These are good and stay: ${kept}. ` : ''}The next run copies what is missing.`
  throw new OptionError('regions', `The image could not be copied to\n${failures.join('\n')}\n${advice}`)
}
