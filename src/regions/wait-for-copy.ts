import { type DescribeSnapshotsCommandInput, paginateDescribeSnapshots, type Snapshot } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { describeImage, type Image } from '../ec2/images.ts'
import { IMAGE_TAG } from '../ec2/tag-names.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'
import { stageOf } from './stage.ts'

/** How long a copy may take, in seconds: large snapshots to far regions need more than an hour. */
export const COPY_TIMEOUT = 2 * 60 * 60
/** How long EC2 may not know a copy before the copy counts as deregistered, in seconds. */
const NOT_FOUND_LIMIT = 60
/** How long a request for the progress may take, in seconds: it must not delay the wait. */
const PROGRESS_LIMIT = 10

/**
 * Waits until a copy of an image is available, and prints its progress every minute.
 *
 * @returns `undefined` when the copy is deregistered, disabled, or unknown to EC2 for a minute.
 * @throws Error when the copy fails, with EC2's reason, or is not available within {@link COPY_TIMEOUT}.
 */
export async function waitForCopy(ec2: Ec2, source: string, id: string): Promise<Image | undefined> {
  const printProgress = createProgress(ec2, source, id)
  let knownAt = performance.now()
  const end = await poll(ec2, COPY_TIMEOUT, async () => {
    const image = await describeImage(ec2, id)
    const stage = image && stageOf(image)
    if (stage === 'available') return { image }
    if (stage === 'unusable') return { image: undefined }
    if (image && stage === 'failed') throw describeFailure(ec2, image)
    if (image) knownAt = performance.now()
    await printProgress(image?.state ?? 'not known to EC2 yet')
    return performance.now() - knownAt > milliseconds(NOT_FOUND_LIMIT) ? { image: undefined } : undefined
  })
  if (end) return end.image
  throw new Error(`The copy ${id} is still pending after two hours. It continues; the next run waits for it.`)
}

function describeFailure({ region }: Ec2, { id, state, stateReason }: Image): Error {
  const reason = escapeControlCharacters(stateReason ?? 'EC2 states no reason')
  const advice = `If you specified a KMS key, it must be a key in ${region} that the role may use.`
  return new Error(`The copy ${id} has failed (${state}): ${reason}. ${advice}`)
}

function createProgress(ec2: Ec2, source: string, id: string): (state: string) => Promise<void> {
  return onceAMinute(async (seconds, state) => {
    const percent = await readPercent(ec2, source).catch(() => undefined)
    info(`${ec2.region}: ${id} is ${state}${percent ? `, ${percent}` : ''} after ${seconds} s.`)
  })
}

/** Makes a function that does the work on its first call, and on later calls when a minute has passed since the last time. */
export function onceAMinute<Args extends readonly unknown[]>(
  work: (seconds: number, ...args: Args) => Promise<void> | void,
): (...args: Args) => Promise<void> {
  const startedAt = performance.now()
  let next = 0
  return async (...args) => {
    const passed = performance.now() - startedAt
    if (passed < next) return
    next = passed + milliseconds(60)
    await work(Math.round(passed / 1000), ...args)
  }
}

/** The progress of the copy's slowest snapshot. */
async function readPercent(ec2: Ec2, source: string): Promise<string | undefined> {
  const snapshots = await describeSnapshots(ec2, {
    OwnerIds: ['self'],
    Filters: [
      { Name: `tag:${IMAGE_TAG}`, Values: [source] },
      { Name: 'status', Values: ['pending'] },
    ],
  })
  const percents = snapshots.map(({ Progress = '' }) => Number.parseInt(Progress, 10)).filter(Number.isFinite)
  return percents.length > 0 ? `${Math.min(...percents)}%` : undefined
}

/** In pages: without MaxResults EC2 sends one answer, which takes too long in a large account (AWS: DescribeSnapshots). */
async function describeSnapshots(ec2: Ec2, question: DescribeSnapshotsCommandInput): Promise<Snapshot[]> {
  const limit = AbortSignal.timeout(milliseconds(PROGRESS_LIMIT))
  const paging = { pageSize: 1000, stopOnSameToken: true }
  return await ask(
    ec2,
    'ec2:DescribeSnapshots',
    async (client, options) => {
      const snapshots: Snapshot[] = []
      for await (const page of paginateDescribeSnapshots({ client, ...paging }, question, options)) {
        snapshots.push(...(page.Snapshots ?? []))
      }
      return snapshots
    },
    limit,
  )
}
