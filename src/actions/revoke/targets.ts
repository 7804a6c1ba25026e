import type { RegionalImage } from '../../ec2/images.ts'
import { readState } from '../../ec2/state.ts'
import { CHECKSUM_TAG, REVOKED_TAG } from '../../ec2/tag-names.ts'
import { findDescendants, stateOfUnit, type Unit } from '../../regions/units.ts'
import { escapeControlCharacters } from '../../runner/log.ts'
import type { Inputs, Subject } from './inputs.ts'

/** A unit to revoke or to restore. */
export interface Target {
  readonly unit: Unit
  /** Whether the inputs specify it, or it descends from one that they specify. */
  readonly role: 'specified' | 'descendant'
  /** Why it is revoked. */
  readonly reason: string
}

/** The units to revoke or to restore, and the images that descend from them, but are none of this action's. */
export interface Targets {
  readonly targets: readonly Target[]
  readonly untagged: readonly RegionalImage[]
}

/**
 * Chooses the units that an id or a checksum stands for, and their descendants. A unit that is revoked already keeps its reason, and
 * gives it to its descendants.
 *
 * @param reason The reason for units that are not revoked yet; `undefined` to restore: then only descendants that were revoked with the
 *   same reason are chosen.
 * @throws Error that begins with the input's name and names the state of the image that was found.
 */
export function chooseTargets(
  units: readonly Unit[],
  { subject, descendants }: Pick<Inputs, 'subject' | 'descendants'>,
  reason: string | undefined,
): Targets {
  const specified = findSubject(units, subject)
  const targets: Target[] = specified.map(unit => ({
    unit,
    role: 'specified',
    reason: reasonOf(unit) ?? reason ?? '',
  }))
  if (descendants === 'leave') return { targets, untagged: [] }
  const chosen = new Set(specified)
  const untagged = new Set<RegionalImage>()
  for (const target of targets.slice()) {
    for (const unit of findDescendants(units, [target.unit]).filter(unit => !chosen.has(unit))) {
      const state = stateOfUnit(unit)
      if (state === undefined) for (const one of unit.images) untagged.add(one)
      if (state === undefined || state.name === 'failed') continue
      if (reason === undefined && reasonOf(unit) !== target.reason) continue
      chosen.add(unit)
      targets.push({ unit, role: 'descendant', reason: reasonOf(unit) ?? target.reason })
    }
  }
  return { targets, untagged: [...untagged] }
}

/** Why a unit is revoked; `undefined` when it is not. */
export function reasonOf({ images }: Unit): string | undefined {
  return images.map(({ image }) => image.tags.get(REVOKED_TAG)).find(Boolean)
}

function findSubject(units: readonly Unit[], subject: Subject): readonly Unit[] {
  if ('id' in subject) return [findById(units, subject.id)]
  const { checksum } = subject
  const found = units.filter(unit => stateOfUnit(unit)?.checksum === checksum)
  const usable = found.filter(unit => stateOfUnit(unit)?.name !== 'failed')
  if (usable.length > 0) return usable
  const what = found.length > 0 ? 'only images of failed bakes have' : 'no image has'
  throw new Error(
    `ami-config-checksum: ${what} the checksum ${checksum} in these regions. There is nothing to revoke. Check it, and specify ami-id for one image.`,
  )
}

/** @throws Error that names the state of the image. The image exists. */
function findById(units: readonly Unit[], id: string): Unit {
  const located = units.flatMap(unit => unit.images.map(found => ({ unit, found })))
  const one = located.find(({ found }) => found.image.id === id)
  if (!one) throw new UnknownId(id)
  const { unit, found } = one
  const problem = describeProblem(found)
  if (problem === undefined) return unit
  const source = unit.id === id ? '' : ` It is a copy of ${unit.id}: specify that one.`
  throw new Error(`ami-id: ${id} in ${found.ec2.region} ${problem}${source}`)
}

/** None of the account's images has this id. */
export class UnknownId extends Error {}

/** A disabled image can be revoked: that also keeps its definition from being baked again. */
const REVOCABLE = ['available', 'disabled']

function describeProblem({ image }: RegionalImage): string | undefined {
  if (image.state === 'pending') return 'is pending. Wait until it is available, and run this again.'
  if (!REVOCABLE.includes(image.state)) {
    return `is ${image.state}: it can't be launched and is never used. Nothing needs to be done.`
  }
  const value = image.tags.get(CHECKSUM_TAG)
  const state = readState(image)
  if (state?.name === 'failed') return 'comes from a failed bake or copy: it is never used. Nothing needs to be done.'
  if (state) return undefined
  if (value === undefined) return `has no tag ${CHECKSUM_TAG}: this action did not bake it, or did not finish it.`
  return `has the tag ${CHECKSUM_TAG}=${escapeControlCharacters(value)}, which is not a checksum of this action. Correct the tag.`
}
