import { CHECKSUM_TAG } from './tag-names.ts'

/**
 * The state of an image. `blocked` and `once` are both revoked: `blocked` also keeps its definition from being baked again. A
 * `failed` image comes from a failed bake or copy, and is never used.
 */
export type StateName = 'published' | 'candidate' | 'blocked' | 'once' | 'failed'

/** What the value of an image's checksum tag says. */
export interface ImageState {
  readonly name: StateName
  /** 40 hex digits. */
  readonly checksum: string
  /** For a revoked image its value before; for any other its own value. */
  readonly former: string
}

const PREFIXES = { candidate: 'candidate:', failed: 'failed:', blocked: 'revoked:', once: 'revoked-once:' } as const

/** Reads the state of an image from its checksum tag; `undefined` when it has no such tag, or one that this action did not set. */
export function readState({ tags }: { readonly tags: ReadonlyMap<string, string> }): ImageState | undefined {
  return parseState(tags.get(CHECKSUM_TAG))
}

/** Parses the value of a checksum tag; `undefined` when this action did not set it. */
export function parseState(value: string | undefined): ImageState | undefined {
  const [, prefix = '', former = '', checksum] =
    /^(revoked:|revoked-once:)?((?:candidate:|failed:)?([0-9a-f]{40}))$/.exec(value ?? '') ?? []
  if (!checksum) return undefined
  return { name: nameOf(prefix || former), checksum, former }
}

function nameOf(value: string): StateName {
  if (value.startsWith(PREFIXES.once)) return 'once'
  if (value.startsWith(PREFIXES.blocked)) return 'blocked'
  if (value.startsWith(PREFIXES.candidate)) return 'candidate'
  return value.startsWith(PREFIXES.failed) ? 'failed' : 'published'
}

/** The value of the checksum tag for an image that is not published yet. */
export function candidateValue(checksum: string): string {
  return PREFIXES.candidate + checksum
}

/** The value of the checksum tag for an image of a failed bake or copy. */
export function failedValue(checksum: string): string {
  return PREFIXES.failed + checksum
}

/** The value of the checksum tag for a revoked image whose definition may not be baked again. */
export function revokedValue(former: string): string {
  return PREFIXES.blocked + former
}

/** The value of the checksum tag for a revoked image whose definition may be baked again. */
export function revokedOnceValue(former: string): string {
  return PREFIXES.once + former
}

/**
 * The values of the checksum tag that a look-up asks for: those of a hit, and those that block the definition. With `candidate`
 * also that of a candidate.
 */
export function valuesToFind(checksum: string, states: 'published' | 'published or candidate'): readonly string[] {
  const blocks = [revokedValue(checksum), revokedValue(candidateValue(checksum))]
  return [checksum, ...blocks, ...(states === 'published' ? [] : [candidateValue(checksum)])]
}
