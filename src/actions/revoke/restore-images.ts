import { cancelDeprecation, deprecateImage } from '../../ec2/deprecation.ts'
import { describeImage, type RegionalImage } from '../../ec2/images.ts'
import { isRevoked } from '../../ec2/revoked.ts'
import { readState } from '../../ec2/state.ts'
import { CHECKSUM_TAG, DEPRECATION_BEFORE_TAG, REVOKED_BY_TAG, REVOKED_TAG } from '../../ec2/tag-names.ts'
import { tagResource } from '../../ec2/tags.ts'
import { type Failure, forEachImage } from '../each-image.ts'
import { NEVER } from './revoke-images.ts'
import type { Target } from './targets.ts'

/** What a restore has done. */
export interface Restored {
  readonly done: readonly RegionalImage[]
  readonly failures: readonly Failure[]
}

/**
 * Gives revoked images back what they had: the former value of the checksum tag, the former deprecation time, and no objection, in this
 * order. Each step has the specified source image last, then the reason by which a repeat finds the others is still there after
 * a failure. A candidate is a candidate again.
 */
export async function restoreImages(targets: readonly Target[]): Promise<Restored> {
  const failures: Failure[] = []
  let groups = groupByRank(targets)
  for (const step of [restoreValue, restoreDeprecation, removeObjection]) {
    const done: (readonly RegionalImage[])[] = []
    for (const [rank, group] of groups.entries()) {
      if (step === removeObjection && rank === SPECIFIED && failures.length > 0) continue
      const result = await forEachImage(group, step)
      failures.push(...result.failures)
      done.push(result.done)
    }
    groups = done
  }
  const confirmed = await forEachImage(groups.flat(), assertRestored)
  return { done: confirmed.done, failures: [...failures, ...confirmed.failures] }
}

/** @throws Error if another run has revoked the image again meanwhile. */
async function assertRestored({ ec2, image }: RegionalImage): Promise<void> {
  const now = await describeImage(ec2, image.id)
  if (now && isRevoked(now)) throw new Error('another run has revoked it again meanwhile.')
}

/** The rank of the specified source images. */
const SPECIFIED = 2

/** Descendants first, then the copies of what is specified, then its source images. */
function groupByRank(targets: readonly Target[]): readonly (readonly RegionalImage[])[] {
  const of = (role: Target['role']) => targets.filter(target => target.role === role).map(({ unit }) => unit)
  const specified = of('specified').flatMap(({ images }) => images.map((one, index) => ({ one, isFirst: index === 0 })))
  return [
    of('descendant').flatMap(({ images }) => images),
    specified.filter(({ isFirst }) => !isFirst).map(({ one }) => one),
    specified.filter(({ isFirst }) => isFirst).map(({ one }) => one),
  ]
}

/** Whether anything of a revocation is left on an image. */
export function isMarked({ image }: RegionalImage): boolean {
  return isRevoked(image) || MARKS.some(key => image.tags.get(key))
}

/** The tags of a revoked image besides its checksum tag. */
const MARKS = [REVOKED_TAG, REVOKED_BY_TAG, DEPRECATION_BEFORE_TAG]

async function restoreValue({ ec2, image }: RegionalImage): Promise<void> {
  const state = readState(image)
  if (state?.name !== 'blocked' && state?.name !== 'once') return
  await tagResource(ec2, image.id, new Map([[CHECKSUM_TAG, state.former]]))
}

/** A former time that has passed meanwhile can't be set again (EC2 API reference, EnableImageDeprecation): the image stays deprecated. */
async function restoreDeprecation({ ec2, image }: RegionalImage): Promise<void> {
  const before = image.tags.get(DEPRECATION_BEFORE_TAG)
  if (!before) return
  if (before === NEVER) return await cancelDeprecation(ec2, image.id)
  const time = new Date(before)
  if (time.getTime() > Date.now()) await deprecateImage(ec2, image.id, time)
}

async function removeObjection({ ec2, image }: RegionalImage): Promise<void> {
  const kept = MARKS.filter(key => image.tags.get(key))
  if (kept.length > 0) await tagResource(ec2, image.id, new Map(kept.map(key => [key, ''])))
}
