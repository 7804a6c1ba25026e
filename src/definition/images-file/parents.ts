import type { ImageSettings } from '../settings.ts'
import { describeUnknown, type Image } from './sections.ts'

/**
 * Checks that every parent is an image of the file, and that no image is its own ancestor.
 *
 * @throws Error that names the parent, or all images of the circle.
 */
export function checkParents(images: readonly Image[]): void {
  const byName = new Map(images.map(image => [image.name, image]))
  const checked = new Set<string>()
  for (const image of images) {
    const line = new Set<string>()
    for (let current: Image | undefined = image; current && !checked.has(current.name); current = findParent(current)) {
      if (line.has(current.name)) failCircle(current, [...line])
      line.add(current.name)
    }
    for (const name of line) checked.add(name)
  }
  function findParent({ parent }: Image): Image | undefined {
    if (!parent) return undefined
    const found = byName.get(parent.name)
    if (found) return found
    throw new Error(parent.prefix + describeUnknown(parent.name, [...byName.keys()], 'this file'))
  }
}

function failCircle(image: Image, line: readonly string[]): never {
  const circle = [...line.slice(line.indexOf(image.name)), image.name].join(' → ')
  throw new Error(`${image.prefix('parent')}${circle} is a circle. Remove the parent of one of these images.`)
}

/**
 * Checks that each image has the region of its parent: EC2 launches an image only in its own region.
 *
 * @throws Error that names both regions.
 */
export function checkRegions(images: readonly Image[], settings: ReadonlyMap<string, ImageSettings>): void {
  for (const { name, parent } of images) {
    if (!parent) continue
    const [own, other] = [settings.get(name)?.region, settings.get(parent.name)?.region]
    if (own === other) continue
    const problem = `${parent.name} is in ${other}, but ${name} is in ${own}. Specify the same aws-region for both.`
    throw new Error(parent.prefix + problem)
  }
}
