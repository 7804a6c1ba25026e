import { OptionError } from '../../runner/option-error.ts'
import type { Entry, ParameterStore, Version } from './store.ts'

/** How long a new value may take to be readable, in seconds. */
const READABLE_WITHIN = 5 * 60

/** A version to write, and which one must stand in the end. */
export interface Change {
  readonly entry: Entry
  /** The newest version that was read; `undefined` for a new parameter. */
  readonly over: Version | undefined
  /** Chooses the version that must stand among those since `over`, from the oldest to the newest; `undefined` for the newest. */
  choose(versions: readonly Version[]): Version | undefined
}

/**
 * Writes a version and waits until it is readable. SSM has no conditional write: if others have written meanwhile, the chosen version is
 * written once more, with its own description, until it is the newest.
 *
 * @returns The version that stands; `undefined` when the parameter to create exists already.
 * @throws OptionError when a version is not readable within five minutes.
 */
export async function writeVersion(store: ParameterStore, change: Change): Promise<Version | undefined> {
  let { entry, over } = change
  for (;;) {
    const number = await store.write(entry, over)
    if (number === undefined) return undefined
    const versions = await waitUntilReadable(store, { entry, number, base: baseOf(number, over) })
    const newest = versions.at(-1)
    const chosen = change.choose(versions)
    if (!chosen || chosen === newest) return newest
    entry = chosen
    over = newest
  }
}

/** A parameter that was deleted meanwhile begins with version 1 again. */
function baseOf(number: number, over: Version | undefined): number {
  return over && over.number < number ? over.number : 0
}

interface Written {
  readonly entry: Entry
  readonly number: number
  /** The newest version before it. */
  readonly base: number
}

/** The versions since the base, once the written one is among them. */
async function waitUntilReadable(store: ParameterStore, written: Written): Promise<readonly Version[]> {
  const { entry, number, base } = written
  const readable = await store.poll(READABLE_WITHIN, async () => {
    const current = await store.read()
    // A repeated request has written the same before: what others wrote meanwhile may still be unreadable.
    if (!current || current.version < number) return undefined
    // Also for the next number: AWS does not document whether SSM numbers a version when it is written or when it is validated.
    const versions = (await store.history()).filter(version => version.number > base)
    const isComplete = (versions.at(-1)?.number ?? 0) >= current.version
    return isComplete && versions.some(version => isSame(version, entry)) ? versions : undefined
  })
  if (readable) return readable
  throw new OptionError(
    'ssmParameter',
    `${store.name} in ${store.region}: ${entry.value} is not readable ${READABLE_WITHIN / 60} minutes after it was written. ` +
      'SSM validates the id first, and drops it silently if the image is not available in the region or the role lacks ' +
      'ec2:DescribeImages. Check both, and run the job again.',
  )
}

/** Whether a version has this value and this description. */
export function isSame(version: Entry, { value, description }: Entry): boolean {
  return version.value === value && version.description === description
}
