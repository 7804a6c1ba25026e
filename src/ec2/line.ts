import { reasonToSkipCopy } from './choose-image.ts'
import type { Ec2 } from './client.ts'
import { byAge, describeImages, type Image } from './images.ts'
import { chunk } from './look-up.ts'
import { readState } from './state.ts'
import { IMAGE_NAME_TAG, REPOSITORY_TAG, TEMPLATE_TAG } from './tag-names.ts'

/** The images that were baked one after the other for the same purpose: those of an image name, else those of a template. */
export interface Line {
  /** The image's name in the images file. */
  readonly imageName: string | undefined
  /** The name of the template. */
  readonly template: string
  /** The repository on GitHub; images of another one are of another line. */
  readonly repository: string | undefined
  /** The ids of images that are not wanted, whatever their tags say. */
  readonly except?: ReadonlySet<string>
}

/** How long the search may take, in seconds: its answer is of use, but not needed. */
const SECONDS = 10

/**
 * Finds the newest published image of a line, whatever its checksum and age. For a name without any image it is the newest one of the
 * template that has no name: it was baked before the images file.
 *
 * @throws Error for anything but a clear answer.
 */
export async function findNewestOfLine(ec2: Ec2, line: Line): Promise<Image | undefined> {
  const { imageName, template } = line
  const named = imageName === undefined ? [] : await describeTagged(ec2, IMAGE_NAME_TAG, [imageName])
  // One with a name is of the line of that name: several images of an images file may share a template.
  const tagged = named.length > 0 ? [] : await describeTagged(ec2, TEMPLATE_TAG, [template])
  const images = [...named, ...tagged.filter(({ tags }) => !tags.get(IMAGE_NAME_TAG))]
  return newestOf(
    images.filter(({ id }) => !line.except?.has(id)),
    line.repository,
  )
}

/** How many names one request may ask for: a filter has at most 200 values (EC2 user guide, "Filter resources"). */
const NAMES_PER_REQUEST = 190

/**
 * Finds the newest published image of each image name.
 *
 * @throws Error for anything but a clear answer.
 */
export async function findNewestByName(
  ec2: Ec2,
  names: readonly string[],
  repository: string | undefined,
): Promise<ReadonlyMap<string, Image>> {
  const answers = chunk(names, NAMES_PER_REQUEST).map(part => describeTagged(ec2, IMAGE_NAME_TAG, part))
  const lines = Map.groupBy((await Promise.all(answers)).flat(), ({ tags }) => tags.get(IMAGE_NAME_TAG) ?? '')
  return new Map(
    [...lines].flatMap(([name, images]) => {
      const newest = newestOf(images, repository)
      return newest ? [[name, newest] as const] : []
    }),
  )
}

async function describeTagged(ec2: Ec2, tag: string, values: readonly string[]): Promise<Image[]> {
  const escaped = values.map(value => value.replace(/[*?\\]/g, '\\$&'))
  const Filters = [{ Name: `tag:${tag}`, Values: escaped }]
  return await describeImages(ec2, { Owners: ['self'], Filters }, SECONDS)
}

function newestOf(images: readonly Image[], repository: string | undefined): Image | undefined {
  return images
    .filter(image => isPublished(image) && isOf(image, repository))
    .sort(byAge)
    .at(-1)
}

/** Whether an image is published: available, with a bare checksum, not revoked, and not a backup of an instance. */
export function isPublished(image: Image): boolean {
  return image.state === 'available' && readState(image)?.name === 'published' && !reasonToSkipCopy(image)
}

function isOf({ tags }: Image, repository: string | undefined): boolean {
  const other = tags.get(REPOSITORY_TAG)
  return repository === undefined || other === undefined || other === repository
}
