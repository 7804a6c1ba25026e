import type { RegionalImage } from '../ec2/images.ts'
import { cancelled } from '../runner/cancel.ts'
import { info, messageOf } from '../runner/log.ts'
import { settleAll } from '../runner/parallel.ts'

/** An image that an action could not change as it should be. */
export interface Failure {
  readonly image: RegionalImage
  readonly message: string
}

/** The images that were changed, and a failure for each of the others. */
export interface Changed<One extends RegionalImage> {
  readonly done: readonly One[]
  readonly failures: readonly Failure[]
}

/** How many images are changed at the same time: few enough not to be throttled. */
const AT_ONCE = 10

/**
 * Changes images, some of them at the same time. A failure of one does not keep the others from being changed.
 *
 * @throws The reason of a cancel.
 */
export async function forEachImage<One extends RegionalImage>(
  images: readonly One[],
  change: (one: One) => Promise<void>,
): Promise<Changed<One>> {
  const results = await settleAll(images, AT_ONCE, async one => {
    cancelled.throwIfAborted()
    await change(one)
  })
  cancelled.throwIfAborted()
  const failures = images.flatMap((image, index) => {
    const result = results[index]
    return result?.status === 'rejected' ? [{ image, message: messageOf(result.reason) }] : []
  })
  for (const { image, message } of failures) info(`${nameImage(image)} is not finished: ${message}`)
  return { done: images.filter((_, index) => results[index]?.status === 'fulfilled'), failures }
}

/** An image's id and region, as messages name it. */
export function nameImage({ ec2, image }: RegionalImage): string {
  return `${image.id} in ${ec2.region}`
}
