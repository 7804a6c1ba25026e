import type { Ec2 } from '../../ec2/client.ts'
import { isGood } from '../../ec2/good-images.ts'
import { byAge, type RegionalImage } from '../../ec2/images.ts'
import type { Unit } from '../../regions/units.ts'
import { cancelled } from '../../runner/cancel.ts'
import { workflowRun } from '../../runner/environment.ts'
import { info, messageOf, warn } from '../../runner/log.ts'
import { settleAll } from '../../runner/parallel.ts'
import { nameSetting } from '../name-setting.ts'
import type { ParameterNames } from './parameter-names.ts'
import type { Target } from './targets.ts'

/** Which image a parameter goes back to, by region. An absent region goes by the parameter's history. */
export type Destinations = ReadonlyMap<string, string>

/**
 * Finds the image to roll back to in each region: the image itself or its copy.
 *
 * @throws Error that begins with `roll-back-to`, before any change.
 */
export function findDestinations(
  units: readonly Unit[],
  targets: readonly Target[],
  id: string | undefined,
): Destinations {
  if (id === undefined) return new Map()
  const unit = units.find(({ images }) => images.some(({ image }) => image.id === id))
  if (!unit)
    throw new Error(`roll-back-to: none of the account's images in these regions is ${id}. Check the id and regions.`)
  if (targets.some(target => target.unit === unit))
    throw new Error(`roll-back-to: ${id} would be revoked itself. Specify another image.`)
  const good = unit.images.filter(({ image }) => isGood(image)).sort((a, b) => byAge(a.image, b.image))
  if (good.length > 0) return new Map(good.map(({ ec2, image }) => [ec2.region, image.id]))
  throw new Error(`roll-back-to: ${id} is not available, published and unrevoked. Specify an image that is.`)
}

/** Parameters that were rolled back, and why others were not. */
export interface RollBacks {
  /** Parameter → region → the id of the image that it holds now. */
  readonly rolledBack: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly problems: readonly string[]
}

export const NO_ROLL_BACKS: RollBacks = { rolledBack: {}, problems: [] }

/** How many parameters are worked on at the same time: SSM answers 40 GetParameter a second (AWS: "Systems Manager quotas"). */
const AT_ONCE = 10

/** Whether parameters are changed, or only what would be changed is logged. */
type Mode = 'change' | 'preview'

/** Moves the parameters away from the images, in every region that has some of them. A failure does not keep others from being moved. */
export async function rollBackParameters(
  images: readonly RegionalImage[],
  { names, problem }: ParameterNames,
  destinations: Destinations,
  mode: Mode = 'change',
): Promise<RollBacks> {
  const unread = problem === undefined ? [] : [problem]
  if (names.length === 0) return { rolledBack: {}, problems: unread }
  const regions = [...Map.groupBy(images, ({ ec2 }) => ec2)]
  const places = regions.flatMap(([ec2, members]) => names.map(name => ({ ec2, name, members })))
  const results = await settleAll(places, AT_ONCE, place => rollBack(place, destinations, mode))
  cancelled.throwIfAborted()
  const rolledBack: Record<string, Record<string, string>> = {}
  const problems = [...unread]
  for (const [index, result] of results.entries()) {
    const { name, ec2 } = places[index] ?? { name: '' }
    if (result.status === 'rejected') problems.push(messageOf(nameSetting(result.reason)))
    else if (ec2 && result.value) rolledBack[name] = { ...rolledBack[name], [ec2.region]: result.value }
  }
  for (const problem of problems) info(problem)
  return { rolledBack, problems }
}

interface Place {
  readonly ec2: Ec2
  readonly name: string
  readonly members: readonly RegionalImage[]
}

async function rollBack(
  { ec2, name, members }: Place,
  destinations: Destinations,
  mode: Mode,
): Promise<string | undefined> {
  cancelled.throwIfAborted()
  const { previewRollBack, rollBackParameter } = await import('../../ec2/parameters/roll-back.ts')
  const to = destinations.get(ec2.region)
  const revoked = new Set(members.map(({ image }) => image.id))
  const options = { ec2, name, revoked, to, run: workflowRun() }
  if (mode === 'preview') return (await previewRollBack(options))?.to
  const rolledBack = await rollBackParameter(options)
  if (rolledBack && destinations.size > 0 && !to)
    warn(
      `roll-back-to: it has no copy in ${ec2.region}. ${name} is rolled back to ${rolledBack.to} of its history there.`,
    )
  return rolledBack?.to
}
