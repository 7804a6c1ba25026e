import type { RegionalImage } from '../../ec2/images.ts'
import type { Refusal } from '../../ec2/parameters/set-parameter.ts'
import { shareImage } from '../../regions/share.ts'
import { cancelled } from '../../runner/cancel.ts'
import { workflowRun } from '../../runner/environment.ts'
import { messageOf } from '../../runner/log.ts'
import { createQueue } from '../../runner/parallel.ts'
import { nameSetting } from '../name-setting.ts'

/** With whom the images of a unit are shared. */
interface SharedImages {
  /** Those that more accounts may launch since this run. */
  readonly changed: readonly RegionalImage[]
  readonly others: readonly string[]
}

/**
 * Shares an image and its copies. Without accounts it sends no request.
 *
 * @throws Error with the reasons of all regions.
 */
export async function shareAll(images: readonly RegionalImage[], accounts: readonly string[]): Promise<SharedImages> {
  if (accounts.length === 0) return { changed: [], others: [] }
  const { settled, failures } = await settleRegions(images, one => shareImage(one, accounts))
  if (failures.length > 0) throw new Error(failures.join('\n'))
  const changed = settled.flatMap(({ one, result }) => (result.added.length > 0 ? [one] : []))
  return { changed, others: [...new Set(settled.flatMap(({ result }) => result.others))].sort() }
}

/** What became of the parameters. */
export interface Delivery {
  /** The images that a parameter holds since this run. */
  readonly moved: readonly RegionalImage[]
  /** Why parameters do not hold the image although nothing has failed. */
  readonly warnings: readonly string[]
  readonly problems: readonly string[]
}

/** SSM accepts few writes a second (AWS: "Systems Manager quotas"), and all images are published at the same time. */
const inTurn = createQueue(5)

/**
 * Sets the parameter of each region to the region's image. Without a name it sends no request. What fails is a problem in the result,
 * because the image is published already. A parameter that a later run has set is a warning, and a problem if this run is tried again:
 * people expect a re-run to publish.
 *
 * @param images The source image first, then its copies.
 */
export async function setParameters(images: readonly RegionalImage[], name: string | undefined): Promise<Delivery> {
  if (name === undefined) return { moved: [], warnings: [], problems: [] }
  // Loaded on demand: without a parameter the client of SSM is not needed.
  const { setParameter } = await import('../../ec2/parameters/set-parameter.ts')
  const [run, source = ''] = [workflowRun(), images.at(0)?.image.id]
  const set = ({ ec2, image }: RegionalImage) => inTurn(() => setParameter({ ec2, name, imageId: image.id, run }))
  const { settled, failures } = await settleRegions(images, set)
  const refusals = settled.flatMap(({ one, result }) =>
    result.how === 'refused' ? [describeRefusal(result, { region: one.ec2.region, name, source })] : [],
  )
  const isRerun = Number(run?.attempt ?? 1) > 1
  return {
    moved: settled.flatMap(({ one, result }) => (result.how === 'written' ? [one] : [])),
    warnings: isRerun ? [] : refusals,
    problems: [...failures, ...(isRerun ? refusals : [])],
  }
}

interface Refused {
  readonly region: string
  readonly name: string
  /** The id of the image itself: a copy can't be published. */
  readonly source: string
}

function describeRefusal({ imageId, laterRun }: Refusal, { region, name, source }: Refused): string {
  const reason = laterRun ? `which the later run ${laterRun} has set` : 'to which it was changed at the same time'
  const advice = `To go back on purpose, publish ${source} in a new run, or revoke ${imageId}.`
  return `ssm-parameter: ${name} in ${region} stays at ${imageId}, ${reason}. ${advice}`
}

interface Settled<Result> {
  readonly settled: readonly { readonly one: RegionalImage; readonly result: Result }[]
  readonly failures: readonly string[]
}

/**
 * Works on all regions, also when one of them fails.
 *
 * @throws The reason of a cancel.
 */
export async function settleRegions<Result>(
  images: readonly RegionalImage[],
  work: (one: RegionalImage) => Promise<Result>,
): Promise<Settled<Result>> {
  const results = await Promise.allSettled(images.map(async one => ({ one, result: await work(one) })))
  cancelled.throwIfAborted()
  return {
    settled: results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : [])),
    failures: results.flatMap(result => (result.status === 'rejected' ? [messageOf(nameSetting(result.reason))] : [])),
  }
}
