import type { Image } from '../../ec2/images.ts'
import { findNewestOfLine } from '../../ec2/line.ts'
import { IMAGE_NAME_TAG, REPOSITORY_TAG, TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import { messageOf, notice } from '../../runner/log.ts'
import type { Target } from './targets.ts'

/**
 * Finds the image to use instead of the first target: the newest published image of the same name or template that is no target itself, even
 * if that one is not revoked yet or could not be. `undefined` if there is none; a failure is a notice.
 */
export async function findReplacement(targets: readonly Target[]): Promise<Image | undefined> {
  const source = targets.at(0)?.unit.images.at(0)
  if (!source) return undefined
  const { ec2, image } = source
  const [template, imageName, repository] = [TEMPLATE_TAG, IMAGE_NAME_TAG, REPOSITORY_TAG].map(key =>
    image.tags.get(key),
  )
  if (template === undefined) return undefined
  const except = new Set(targets.flatMap(({ unit }) => unit.images.map(one => one.image.id)))
  try {
    return await findNewestOfLine(ec2, { template, imageName, repository, except })
  } catch (error) {
    ec2.signal?.throwIfAborted()
    notice(`Could not look for an image to use instead. ${messageOf(error)}`)
    return undefined
  }
}
