import { escapeControlCharacters } from '../runner/log.ts'
import type { Image } from './images.ts'
import { parseState } from './state.ts'
import { CHECKSUM_TAG, REVOKED_TAG } from './tag-names.ts'

/** Whether an image is revoked, by either of its two tags: a revocation, or a restore, may have set only one of them yet. */
export function isRevoked({ tags }: Image): boolean {
  const state = parseState(tags.get(CHECKSUM_TAG))?.name
  return Boolean(tags.get(REVOKED_TAG)) || state === 'blocked' || state === 'once'
}

/** The reason why an image is revoked, for a message. */
export function describeRevocation({ tags }: Image): string {
  return `revoked (${escapeControlCharacters(tags.get(REVOKED_TAG) || 'without a reason')})`
}
