import {
  type DescribeImageReferencesResult,
  type ImageReference,
  paginateDescribeImageReferences,
} from '@aws-sdk/client-ec2'
import { settleAll } from '../runner/parallel.ts'
import { ask, type Ec2, NOT_EC2 } from './client.ts'
import { chunk } from './look-up.ts'

/** How many images one request may name (EC2 API reference, DescribeImageReferences). */
const IMAGES_PER_REQUEST = 10

/** How many requests are sent at once to a region: few enough not to be throttled, and to need little memory. */
const REQUESTS_AT_ONCE = 4

/** How many versions of a launch template are searched, from the newest on; 10 by default (EC2 API reference, ResourceTypeOption). */
const VERSION_DEPTH = '10000'

/** The ARNs of the resources that refer to an image, or the reason why they are not known. */
export type ReferencesResult = PromiseSettledResult<readonly string[]>

/**
 * Finds the resources of this account, in the region, that refer to images: instances in every state, launch templates to version depth
 * 10,000, SSM parameters, recipes of Image Builder. EC2 does not know of any other use, such as launch configurations or resources of
 * other accounts. Each ten images are asked about on their own, so that a failure concerns only these. Throws only the reason of a
 * cancel.
 *
 * @returns For each image the ARNs of the resources, an empty list when there are none, or the reason why they are not known.
 */
export async function settleReferences(
  ec2: Ec2,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ReferencesResult>> {
  const chunks = chunk([...new Set(ids)], IMAGES_PER_REQUEST)
  const results = await settleAll(chunks, REQUESTS_AT_ONCE, async images => await describeReferences(ec2, images))
  ec2.signal?.throwIfAborted()
  return new Map(
    chunks.flatMap((images, index) => {
      const result = results[index]
      return images.map((id): [string, ReferencesResult] => [id, resultFor(id, result)])
    }),
  )
}

function resultFor(
  id: string,
  result: PromiseSettledResult<ReadonlyMap<string, readonly string[]>> | undefined,
): ReferencesResult {
  if (result?.status === 'fulfilled') return { status: 'fulfilled', value: result.value.get(id) ?? [] }
  return { status: 'rejected', reason: result?.reason }
}

async function describeReferences(ec2: Ec2, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const references: ImageReference[] = []
  for (const { ImageReferences } of await askForPages(ec2, ids)) {
    if (!ImageReferences) throw malformed(ec2, 'the response has no list of references')
    references.push(...ImageReferences)
  }
  const odd = references.find(({ ImageId = '', Arn }) => !ids.includes(ImageId) || !Arn)
  if (odd) throw malformed(ec2, `the response has a reference to ${odd.ImageId} by ${odd.Arn}`)
  const byImage = Map.groupBy(references, ({ ImageId = '' }) => ImageId)
  return new Map([...byImage].map(([id, found]) => [id, found.flatMap(({ Arn }) => Arn ?? [])]))
}

async function askForPages(ec2: Ec2, ids: readonly string[]): Promise<DescribeImageReferencesResult[]> {
  return await ask(ec2, 'ec2:DescribeImageReferences', async (client, options) => {
    const pages: DescribeImageReferencesResult[] = []
    for await (const page of paginateDescribeImageReferences({ client }, queryFor(ids), options)) pages.push(page)
    return pages
  })
}

function malformed({ region }: Ec2, what: string): Error {
  return new Error(`ec2:DescribeImageReferences in ${region}: ${what}. ${NOT_EC2}`)
}

/** Without `MaxResults`: the API reference names no maximum. The response may have several pages nevertheless. */
function queryFor(ids: readonly string[]) {
  const depth = [{ OptionName: 'version-depth' as const, OptionValues: [VERSION_DEPTH] }]
  return {
    ImageIds: [...ids],
    IncludeAllResourceTypes: true,
    ResourceTypes: [{ ResourceType: 'ec2:LaunchTemplate' as const, ResourceTypeOptions: depth }],
  }
}
