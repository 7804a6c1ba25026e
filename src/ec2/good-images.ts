import type { Ec2 } from './client.ts'
import { describeImage, describeImages, type Image } from './images.ts'
import { isRevoked } from './revoked.ts'
import { readState } from './state.ts'

/** Which images of this account a parameter may hold in one region. */
export interface GoodImages {
  /** Those of the images that are good, by one request. Tags of the last seconds may be missed. */
  among(ids: readonly string[]): Promise<ReadonlySet<string>>
  /** Whether an image is good by its newest tags: only a filter may see former ones (AWS: DescribeImages). */
  includes(id: string): Promise<boolean>
}

/** The good images of a region. Sends nothing. */
export function goodImagesIn(ec2: Ec2): GoodImages {
  async function among(ids: readonly string[]): Promise<ReadonlySet<string>> {
    // By a filter, because a request by ids fails as a whole when one of the images is gone.
    const query = { Owners: ['self'], Filters: [{ Name: 'image-id', Values: [...ids] }] }
    return new Set((await describeImages(ec2, query)).filter(isGood).map(({ id }) => id))
  }

  async function includes(id: string): Promise<boolean> {
    const image = await describeImage(ec2, id)
    return image !== undefined && isGood(image)
  }

  return { among, includes }
}

/** Whether a parameter may hold an image: it is available, published and not revoked. */
export function isGood(image: Image): boolean {
  const state = readState(image)?.name
  return image.state === 'available' && state === 'published' && !isRevoked(image)
}
