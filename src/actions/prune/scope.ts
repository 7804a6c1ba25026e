import type { Image } from '../../ec2/images.ts'
import { IMAGE_NAME_TAG, REPOSITORY_TAG, TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import type { Account, Retention } from './account.ts'

/** Whether an image is of a repository whose images may be pruned. */
export function isOurs({ tags }: Image, { repositories }: Retention): boolean {
  return repositories.has(tags.get(REPOSITORY_TAG) || undefined)
}

/** Whether an image is in a line of the images file, or was baked from one of the templates. */
export function isSelected({ tags }: Image, { definitions }: Account, { templates }: Retention): boolean {
  const [name, template = ''] = [tags.get(IMAGE_NAME_TAG), tags.get(TEMPLATE_TAG)]
  if (templates.has(template)) return true
  return definitions.some(definition => (name ? definition.imageName === name : definition.template === template))
}
