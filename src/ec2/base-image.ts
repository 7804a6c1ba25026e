import { escapeControlCharacters, info } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import type { Ec2 } from './client.ts'
import { byAge, describeImages, type Image } from './images.ts'

/** A search for the newest image of an owner. */
export interface ImageSearch {
  /** 12 digits, `self`, `amazon` or `aws-marketplace`. */
  readonly owner: string
  /** A pattern for the image's name with EC2's wildcards `*` and `?`. */
  readonly pattern: string
}

/**
 * Finds the newest image by the rules of Packer's `source_ami_filter`: available, of type machine, and not with an instance store
 * as its root device.
 *
 * @returns The image's id.
 * @throws OptionError when the search finds no image, or images of several architectures.
 */
export async function findNewestImage(ec2: Ec2, { owner, pattern }: ImageSearch): Promise<string> {
  const Filters = [
    { Name: 'name', Values: [pattern] },
    { Name: 'state', Values: ['available'] },
    { Name: 'image-type', Values: ['machine'] },
  ]
  const described = await describeImages(ec2, { Owners: [owner], Filters }, 18)
  const images = described.filter(({ rootDeviceType }) => rootDeviceType !== 'instance-store')
  const newest = images.sort(byAge).at(-1)
  if (!newest) {
    throw new OptionError(
      'baseAmi',
      `${owner} has no available image in ${ec2.region} whose name matches ${pattern}. Correct the pattern. ` +
        'EC2 does not list deprecated images of other accounts, nor images that the account\'s setting "Allowed AMIs" excludes.',
    )
  }
  assertSingleArchitecture(images, pattern)
  info(`Base image ${newest.id} (${escapeControlCharacters(newest.name)}, ${newest.creationDate})`)
  return newest.id
}

function assertSingleArchitecture(images: readonly Image[], pattern: string): void {
  const examples = new Map(images.map(({ architecture, name }) => [architecture, name]))
  if (examples.size < 2) return
  const listed = [...examples]
    .map(([architecture, name]) => `${architecture} (${escapeControlCharacters(name)})`)
    .join(', ')
  throw new OptionError(
    'baseAmi',
    `${pattern} matches images of several architectures: ${listed}. Narrow the pattern to one of them.`,
  )
}
