import type { RegionalImage } from '../../ec2/images.ts'
import type { Failure } from '../each-image.ts'
import { createRecord } from '../record.ts'
import { sign } from '../signature.ts'
import type { Revocation, Task } from './inputs.ts'
import { type Destinations, NO_ROLL_BACKS, type RollBacks, rollBackParameters } from './parameters.ts'
import { isMarked, restoreImages } from './restore-images.ts'
import { confirmHidden, deprecate, hide, type ImageToRevoke, object, prepareRevocation } from './revoke-images.ts'
import type { Targets } from './targets.ts'

/** What a step has changed. */
export interface Changes {
  /** The images that are as they should be, also those that were before. */
  readonly done: readonly RegionalImage[]
  readonly failures: readonly Failure[]
  /** One JSON object per line. */
  readonly record: string
  readonly rollBacks: RollBacks
}

/** What the step has found. */
export interface Found extends Targets {
  /** Where the parameters go back to. */
  readonly destinations: Destinations
}

/** Revokes or restores the images. What fails for one image is a failure in the result. */
export async function changeImages(found: Found, task: Task): Promise<Changes> {
  const { targets } = found
  if (task.kind === 'revoke') return await revokeTargets(found, task)
  const changed = targets.flatMap(({ unit, reason }) => unit.images.filter(isMarked).map(one => ({ ...one, reason })))
  const { done, failures } = await restoreImages(targets)
  return { done, failures, record: recordChanges('Restored', changed, failures), rollBacks: NO_ROLL_BACKS }
}

/**
 * Every step keeps the images out of use, so that a step that ends early leaves none in a worse state: first the objection, which the
 * look-up and a `publish` at the same time read; then the parameters, by which images are launched; then the value that every query for
 * the checksum reads.
 */
async function revokeTargets({ targets, destinations }: Found, { as, parameters }: Revocation): Promise<Changes> {
  const by = sign()
  const images = targets.flatMap(target => prepareRevocation(target, as, by))
  const objected = await object(images)
  // Also away from those that could not be tagged: they are as bad, and no parameter may go back to one of them.
  const rollBacks = await rollBackParameters(images, parameters, destinations)
  const hidden = await hide(objected.done)
  const deprecated = await deprecate(hidden.done)
  const unconfirmed = await confirmHidden(hidden.done)
  const failures = [objected, hidden, deprecated].flatMap(({ failures }) => failures).concat(unconfirmed)
  const done = deprecated.done.filter(one => !unconfirmed.some(({ image }) => image === one))
  return { done, failures, record: recordChanges('Revoked', images.filter(isToBeChanged), failures), rollBacks }
}

function isToBeChanged({ objection, hidden, isToBeDeprecated }: ImageToRevoke): boolean {
  return objection.size > 0 || hidden.size > 0 || isToBeDeprecated
}

interface ChangedImage extends RegionalImage {
  /** Why it is revoked. */
  readonly reason: string
}

function recordChanges(how: string, images: readonly ChangedImage[], failures: readonly Failure[]): string {
  const record = createRecord('revoke', images.at(0)?.image.owner)
  for (const one of images) {
    const failure = failures.find(({ image }) => image.image.id === one.image.id)
    record.add(one, `${how}${failure ? ', but not finished' : ''}: ${one.reason}`)
  }
  return record.text()
}
