import type { RegionalImageId } from '../runner/ids.ts'
import { messageOf } from '../runner/log.ts'
import { type Ec2, errorCode } from './client.ts'
import { CHECKSUM_TAG } from './tag-names.ts'
import { tagResource } from './tags.ts'

/**
 * Sets the tag that makes an image a hit, whether or not the step is cancelled meanwhile.
 *
 * @param value The checksum, or that of a candidate.
 * @throws Error with the command that sets it.
 */
export async function tagChecksum(ec2: Ec2, id: string, value: string): Promise<void> {
  await tagResource({ ...ec2, signal: undefined }, id, new Map([[CHECKSUM_TAG, value]])).catch(cause => {
    const room = errorCode(cause) === 'TagLimitExceeded' ? `\n${LEAVE_ROOM} Remove a tag of ${id} first:` : ''
    throw new Error(`${messageOf(cause)}${room}\n${describeUntagged({ region: ec2.region, id }, value)}`, { cause })
  })
}

/** How many tags this action sets on one image at most: nine on the baked image, one more on a copy of it. */
const MAX_TAGS = 10

/** What to do when an image has too many tags. */
export const LEAVE_ROOM = `The template must leave room for up to ${MAX_TAGS} tags that this action sets.`

/** Says that a verified image is kept although the step fails, and that it is a hit for the next run. */
export function describeKept(id: string): string {
  return `${id} is kept: the next run finds it.`
}

/** Says that a verified image is kept although it could not be tagged, and the command that makes it a hit. */
export function describeUntagged({ region, id }: RegionalImageId, value: string): string {
  const command = `aws ec2 create-tags --region ${region} --resources ${id} --tags Key=${CHECKSUM_TAG},Value=${value}`
  return `${id} is kept. To make it a hit: ${command}`
}
