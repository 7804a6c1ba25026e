import type { BaseAmi } from '../actions/bake/inputs.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import type { Ec2 } from './client.ts'
import { byAge, describeImages, type Image } from './images.ts'

/**
 * Finds the image that is to be baked from. An id is taken as it stands, without asking EC2; a search gives the newest image
 * that Packer's own `source_ami_filter` would find: available, of type machine, on EBS.
 *
 * @returns The image's id; `undefined` when the user leaves the choice to the template.
 * @throws Error when the search finds nothing, or images of several architectures.
 */
export async function findBaseImage(ec2: Ec2, baseAmi: BaseAmi | undefined): Promise<string | undefined> {
  if (baseAmi === undefined || 'id' in baseAmi) return baseAmi?.id
  const { owner, pattern } = baseAmi
  const Filters = [
    { Name: 'name', Values: [pattern] },
    { Name: 'state', Values: ['available'] },
    { Name: 'image-type', Values: ['machine'] },
    { Name: 'root-device-type', Values: ['ebs'] },
  ]
  const images = await describeImages(ec2, { Owners: [owner], Filters }, 18)
  const newest = images.sort(byAge).at(-1)
  if (!newest) {
    throw new Error(
      `base-ami: ${owner} has no available image in ${ec2.region} whose name matches ${pattern}. Correct the pattern; ` +
        'a deprecated image is found by its id alone, and the account\'s setting "Allowed AMIs" hides others.',
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
  throw new Error(
    `base-ami: ${pattern} matches images of several architectures: ${listed}. Narrow the pattern to one of them.`,
  )
}
