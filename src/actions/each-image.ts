import type { RegionalImage } from '../ec2/images.ts'
import { chunk } from '../ec2/look-up.ts'
import { cancelled } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'

/** An image that an action could not change as it should be. */
export interface Failure {
  readonly image: RegionalImage
  readonly message: string
}

/** How many images are changed at the same time. EC2 lets an account change some dozens at once, then about ten per second. */
const AT_ONCE = 10

/**
 * Changes images, some of them at the same time. A failure of one does not keep the others from being changed.
 *
 * @returns The images that were changed, and a failure for each of the others.
 * @throws The reason of a cancel.
 */
export async function forEachImage<One extends RegionalImage>(
  images: readonly One[],
  change: (one: One) => Promise<void>,
): Promise<{ readonly done: readonly One[]; readonly failures: readonly Failure[] }> {
  const done: One[] = []
  const failures: Failure[] = []
  for (const part of chunk(images, AT_ONCE)) {
    const results = await Promise.allSettled(part.map(change))
    cancelled.throwIfAborted()
    for (const [index, one] of part.entries()) {
      const result = results[index]
      if (result?.status === 'rejected') failures.push({ image: one, message: messageOf(result.reason) })
      else done.push(one)
    }
  }
  for (const { image, message } of failures) info(`${nameImage(image)} is not finished: ${message}`)
  return { done, failures }
}

/** An image's id and region, as messages name it. */
export function nameImage({ ec2, image }: RegionalImage): string {
  return `${image.id} in ${ec2.region}`
}
