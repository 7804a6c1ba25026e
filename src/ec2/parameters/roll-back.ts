import { IMAGE_ID } from '../../runner/ids.ts'
import { info } from '../../runner/log.ts'
import { OptionError } from '../../runner/option-error.ts'
import type { Ec2 } from '../client.ts'
import { type GoodImages, goodImagesIn } from '../good-images.ts'
import { connectToSsm } from './client.ts'
import { assertImageParameter, blameParameter, readNewest } from './image-parameter.ts'
import { isLater, type Mark, markOfRun, parseMark, type RunIds, toDescription } from './mark.ts'
import { isSame, writeVersion } from './settle.ts'
import { type Entry, openParameter, type ParameterStore, type Version } from './store.ts'

/** A parameter that must not hold a revoked image. */
export interface RollBackOptions {
  /** The region of the parameter and of the images. */
  readonly ec2: Ec2
  readonly name: string
  /** The ids of the revoked images in this region. Their tags say so already, unless they could not be tagged. */
  readonly revoked: ReadonlySet<string>
  /** The image of this region to go back to; `undefined` for the newest good one of the parameter's history. */
  readonly to: string | undefined
  readonly run: RunIds | undefined
}

/** The images that a parameter held before a roll-back, and after it. */
export interface RolledBack {
  readonly from: string
  readonly to: string
}

/**
 * Moves a parameter away from a revoked image: to the specified image, else to the newest earlier version of its history whose image is
 * available, published and not revoked. A good image that another run publishes meanwhile stands.
 *
 * @returns `undefined` when the parameter does not exist or holds no revoked image: then it costs one request.
 * @throws OptionError that names the parameter and its region when there is no such image; then the value stays.
 */
export async function rollBackParameter(options: RollBackOptions): Promise<RolledBack | undefined> {
  const rolledBack = await workOn(options, moveAway)
  const { ec2, name } = options
  if (rolledBack) info(`${ec2.region}: ${name} is rolled back from ${rolledBack.from} to ${rolledBack.to}.`)
  return rolledBack
}

/**
 * Says what {@link rollBackParameter} would do, and writes nothing.
 *
 * @throws OptionError under the same conditions.
 */
export async function previewRollBack(options: RollBackOptions): Promise<RolledBack | undefined> {
  const planned = await workOn(options, planRetreat)
  const { ec2, name } = options
  if (planned) info(`${ec2.region}: ${name} would be rolled back from ${planned.from} to ${planned.to}.`)
  return planned
}

/** Opens the parameter. An error of the work begins with its name. */
async function workOn({ ec2, name, run, to, revoked }: RollBackOptions, work: typeof moveAway) {
  const store = openParameter(connectToSsm(ec2.region, ec2.signal), name)
  const retreat = { revoked, to, mark: markOfRun(run), good: goodImagesIn(ec2) }
  return await blameParameter({ name, signal: ec2.signal }, () => work(store, retreat))
}

/** What a roll-back needs besides the parameter. */
export interface Retreat {
  readonly revoked: ReadonlySet<string>
  readonly to: string | undefined
  readonly mark: Mark | undefined
  readonly good: GoodImages
}

/** The rule of {@link rollBackParameter}, for any store. */
export async function moveAway(store: ParameterStore, retreat: Retreat): Promise<RolledBack | undefined> {
  let revoked = retreat.revoked
  let from: string | undefined
  for (;;) {
    const current = await store.read()
    if (!current || !revoked.has(current.value)) return from && current ? { from, to: current.value } : undefined
    assertImageParameter(store, current)
    const over = await readNewest(store, current)
    if (!revoked.has(over.value)) return from ? { from, to: over.value } : undefined
    from ??= over.value
    const to = await chooseTarget(store, { ...retreat, revoked })
    const entry = { value: to, description: toDescription(laterOf(retreat.mark, parseMark(over.description))) }
    const choose = (versions: readonly Version[]) => chooseGood(versions, { entry, over, revoked })
    const standing = await writeVersion(store, { entry, over, choose })
    // Another revocation may have revoked it between the check and the write, and have read the parameter before the write.
    if (standing && parseMark(standing.description) && !(await retreat.good.includes(standing.value)))
      revoked = new Set([...revoked, standing.value])
  }
}

/** The rule of {@link previewRollBack}, for any store. */
export async function planRetreat(store: ParameterStore, retreat: Retreat): Promise<RolledBack | undefined> {
  const current = await store.read()
  if (!current || !retreat.revoked.has(current.value)) return undefined
  assertImageParameter(store, current)
  return { from: current.value, to: await chooseTarget(store, retreat) }
}

async function chooseTarget(store: ParameterStore, { revoked, to, good }: Retreat): Promise<string> {
  if (to && !revoked.has(to) && (await good.includes(to))) return to
  const ids = to ? [] : (await store.history()).map(({ value }) => value)
  const candidates = [...new Set(ids.toReversed())].filter(id => IMAGE_ID.test(id) && !revoked.has(id))
  const usable = candidates.length > 0 ? await good.among(candidates) : new Set<string>()
  const target = candidates.find(id => usable.has(id))
  if (target) return target
  const where = `${store.name} in ${store.region} holds a revoked image`
  const lack = to
    ? `${to} is not an available, published image of this account that is not revoked`
    : 'no earlier version in its history is an available, published image of this account that is not revoked'
  throw new OptionError(
    'ssmParameter',
    `${where}, and ${lack}. The value stays. Publish a good image, or specify one with roll-back-to.`,
  )
}

interface Attempt {
  readonly entry: Entry
  readonly over: Version
  readonly revoked: ReadonlySet<string>
}

/** A good image that was published since then, by a later run than the one of the revoked image, takes precedence. */
export function chooseGood(versions: readonly Version[], { entry, over, revoked }: Attempt): Version | undefined {
  const before = parseMark(over.description)
  const published = versions.filter(version => {
    const mark = parseMark(version.description)
    return !revoked.has(version.value) && !isSame(version, entry) && (!mark || isLater(mark, before))
  })
  return published.at(-1) ?? versions.findLast(version => isSame(version, entry))
}

/** A roll-back outside a workflow, or by a run that is not the latest, must not let an earlier run publish again. */
function laterOf(mark: Mark | undefined, other: Mark | undefined): Mark | undefined {
  return isLater(mark, other) ? mark : other
}
