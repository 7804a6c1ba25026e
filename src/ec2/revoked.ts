import { escapeControlCharacters } from '../runner/log.ts'
import type { Image } from './images.ts'
import { readState } from './state.ts'
import { REVOKED_TAG } from './tag-names.ts'

/** Whether an image is revoked, by either of its two tags: a revocation, or a restore, may have set only one of them yet. */
export function isRevoked(image: Image): boolean {
  const state = readState(image)?.name
  return Boolean(image.tags.get(REVOKED_TAG)) || state === 'blocked' || state === 'once'
}

/** The reason why an image is revoked, as its tag has it. */
export function reasonOfRevocation({ tags }: Image): string {
  return tags.get(REVOKED_TAG) || 'without a reason'
}

/** Why an image is revoked, for a message. */
export function describeRevocation(image: Image): string {
  return `revoked (${escapeControlCharacters(reasonOfRevocation(image))})`
}
