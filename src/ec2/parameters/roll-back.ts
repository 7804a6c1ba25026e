import { info } from '../../runner/log.ts'
import { OptionError } from '../../runner/option-error.ts'
import type { Ec2 } from '../client.ts'
import { describeImages, type Image } from '../images.ts'
import { parseState } from '../state.ts'
import { CHECKSUM_TAG, REVOKED_TAG } from '../tag-names.ts'
import { connectToSsm } from './client.ts'
import { assertImageParameter, readNewest } from './image-parameter.ts'
import { isLater, type Mark, markOfRun, parseMark, type RunIds, toDescription } from './mark.ts'
import { isSame, writeVersion } from './settle.ts'
import { type Entry, openParameter, type ParameterStore, type Version } from './store.ts'

/** A parameter that must not hold a revoked image. */
export interface RollBackOptions {
  /** The region of the parameter and of the images. */
  readonly ec2: Ec2
  readonly name: string
  /** The ids of the revoked images in this region. Their tags say so already. */
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
  const { ec2, name, run, to, revoked } = options
  const store = openParameter(connectToSsm(ec2.region, ec2.signal), name)
  const findGood = (ids: readonly string[]) => findGoodImages(ec2, ids)
  const rolledBack = await moveAway(store, { revoked, to, mark: markOfRun(run), findGood })
  if (rolledBack) info(`${ec2.region}: ${name} is rolled back from ${rolledBack.from} to ${rolledBack.to}.`)
  return rolledBack
}

/** What a roll-back needs besides the parameter. */
export interface Retreat {
  readonly revoked: ReadonlySet<string>
  readonly to: string | undefined
  readonly mark: Mark | undefined
  /** Which of the images are good. */
  findGood(ids: readonly string[]): Promise<ReadonlySet<string>>
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
    const standing = await writeVersion(store, {
      entry,
      over,
      choose: versions => chooseGood(versions, { entry, over, revoked }),
    })
    // Another revocation may have revoked it between the check and the write, and have read the parameter before the write.
    const isGood = standing?.value !== to || (await retreat.findGood([to])).has(to)
    if (!isGood) revoked = new Set([...revoked, to])
  }
}

async function chooseTarget(store: ParameterStore, { revoked, to, findGood }: Retreat): Promise<string> {
  const ids = to ? [to] : (await store.history()).map(({ value }) => value)
  const candidates = [...new Set(ids.toReversed())].filter(id => !revoked.has(id))
  const good = candidates.length > 0 ? await findGood(candidates) : new Set<string>()
  const target = candidates.find(id => good.has(id))
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

async function findGoodImages(ec2: Ec2, ids: readonly string[]): Promise<ReadonlySet<string>> {
  // By a filter, because a request by ids fails as a whole when one of the images is gone.
  const query = { Owners: ['self'], Filters: [{ Name: 'image-id', Values: [...ids] }] }
  return new Set((await describeImages(ec2, query)).filter(isGood).map(({ id }) => id))
}

/** Whether an image may be launched: available, published and not revoked. */
export function isGood({ state, tags }: Image): boolean {
  return state === 'available' && parseState(tags.get(CHECKSUM_TAG))?.name === 'published' && !tags.get(REVOKED_TAG)
}
