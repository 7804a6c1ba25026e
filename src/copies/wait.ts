import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2.ts'
import { describeImage, IMAGE_TAG, type Image } from '../images.ts'
import { info, printable } from '../log.ts'
import { milliseconds } from '../patience.ts'

/** How long a copy may take, in seconds: large snapshots to far regions need more than an hour. */
export const LIMIT = 2 * 60 * 60

/**
 * Waits until a copy of an image is available, telling every minute how far it is.
 *
 * @returns `undefined` when the copy is gone. EC2 may not know a new one for some seconds, so that only a minute of it counts.
 * @throws Error when the copy fails, with EC2's reason, or isn't available within {@link LIMIT}.
 */
export async function waitForCopy(ec2: Ec2, source: string, id: string): Promise<Image | undefined> {
  const tell = createProgress(ec2, source, id)
  let knownAt = performance.now()
  const end = await poll(ec2, LIMIT, async () => {
    const image = await describeImage(ec2, id)
    if (image?.state === 'available') return { image }
    if (image?.state === 'failed') {
      const reason = printable(image.stateReason ?? 'EC2 gives no reason')
      throw new Error(
        `The copy ${id} has failed: ${reason}. A KMS key must be one of ${ec2.region} that the role may use.`,
      )
    }
    if (image?.state === 'pending') {
      knownAt = performance.now()
      await tell()
    }
    return performance.now() - knownAt > milliseconds(60) ? { image: undefined } : undefined
  })
  if (end) return end.image
  throw new Error(`The copy ${id} is still pending after two hours. It goes on; the next run waits for it.`)
}

function createProgress(ec2: Ec2, source: string, id: string): () => Promise<void> {
  return onceAMinute(async seconds => {
    const percent = await readPercent(ec2, source).catch(() => undefined)
    info(`${ec2.region}: ${id} is pending${percent ? `, ${percent}` : ''} after ${seconds} s.`)
  })
}

/** Makes a function that does the work when it is called for the first time, and again once a minute has passed since. */
export function onceAMinute(work: (seconds: number) => Promise<void> | void): () => Promise<void> {
  const begun = performance.now()
  let next = 0
  return async () => {
    const passed = performance.now() - begun
    if (passed < next) return
    next = passed + milliseconds(60)
    await work(Math.round(passed / 1000))
  }
}

/** How far the slowest snapshot of the copy is, where the role may ask. */
async function readPercent(ec2: Ec2, source: string): Promise<string | undefined> {
  const Filters = [
    { Name: `tag:${IMAGE_TAG}`, Values: [source] },
    { Name: 'status', Values: ['pending'] },
  ]
  const { Snapshots = [] } = await ask(ec2, 'ec2:DescribeSnapshots', (client, options) =>
    client.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters }), options),
  )
  const percents = Snapshots.map(({ Progress = '' }) => Number.parseInt(Progress, 10)).filter(Number.isFinite)
  return percents.length > 0 ? `${Math.min(...percents)}%` : undefined
}
