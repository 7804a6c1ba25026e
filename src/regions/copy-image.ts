import { DescribeImageAttributeCommand, type LaunchPermission } from '@aws-sdk/client-ec2'
import type { Region } from '../actions/bake/inputs.ts'
import type { Checksum } from '../definition/checksum.ts'
import { ask, connect } from '../ec2/client.ts'
import { describeImage, type Image, type RegionalImage } from '../ec2/images.ts'
import { cancelled } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'
import { enterPhase } from '../runner/timeline.ts'
import { finishCopy } from './finish-copy.ts'
import { obtainCopy } from './obtain-copy.ts'
import { onceVisible } from './visible.ts'

/** The image that is copied, with what its copies must have too. */
export interface Original {
  readonly image: Image
  readonly region: string
  readonly checksum: string
  readonly permissions: readonly LaunchPermission[]
}

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
  checksum: Checksum,
): Promise<ReadonlyMap<string, string>> {
  enterPhase('copy')
  const original = await readOriginal(source, checksum.value)
  assertShareable(original, regions)
  const results = await Promise.allSettled(regions.map(region => heal(original, region)))
  if (cancelled.aborted) info('Copies that were begun go on. The next run takes them.')
  cancelled.throwIfAborted()
  return collect(results, regions)
}

/** The image is described anew: one that was just baked has got its tags since. */
async function readOriginal({ ec2, image }: RegionalImage, checksum: string): Promise<Original> {
  const command = new DescribeImageAttributeCommand({ ImageId: image.id, Attribute: 'launchPermission' })
  const { LaunchPermissions: permissions = [] } = await onceVisible(ec2, () =>
    ask(ec2, 'ec2:DescribeImageAttribute', (client, options) => client.send(command, options)),
  )
  return { image: (await describeImage(ec2, image.id)) ?? image, region: ec2.region, checksum, permissions }
}

/** Without a key the copy gets the account's default one, which can't be shared (AWS: "Share an AMI with specific AWS accounts"). */
function assertShareable({ image, permissions }: Original, regions: readonly Region[]): void {
  const keyless = regions.filter(({ kmsKey }) => kmsKey === undefined).map(({ name }) => name)
  if (!image.isEncrypted || permissions.length === 0 || keyless.length === 0) return
  throw new Error(
    `regions: ${image.id} is encrypted and shared with others, who could not use a copy under the default key. ` +
      `Give a KMS key for ${keyless.join(', ')}: ${keyless.map(name => `${name}=<key>`).join(', ')}.`,
  )
}

async function heal(original: Original, region: Region): Promise<readonly [string, string]> {
  const ec2 = connect(region.name, cancelled)
  const copy = await obtainCopy(original, { ec2, kmsKey: region.kmsKey })
  await finishCopy({ ec2, kmsKey: region.kmsKey }, original, copy)
  info(`${region.name}: ${copy.id} is a copy of ${original.image.id} and is found by its tag.`)
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
  throw new Error(`regions: the image could not be copied to\n${failures.join('\n')}\n${advice}`)
}
