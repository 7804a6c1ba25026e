import { messageOf } from '../../runner/log.ts'
import { OptionError } from '../../runner/option-error.ts'
import { type Current, DATA_TYPE, type ParameterStore, type Version } from './store.ts'

/**
 * Makes sure that a parameter has the type and the data type of an image's id. SSM can change neither (AWS: "Parameter data types").
 *
 * @throws OptionError that names both.
 */
export function assertImageParameter(store: ParameterStore, { type, dataType }: Current): void {
  if (type === 'String' && dataType === DATA_TYPE) return
  const wanted = `A launch by resolve:ssm needs the type String and the data type ${DATA_TYPE}`
  throw new OptionError(
    'ssmParameter',
    `${store.name} in ${store.region} has the type ${type} and the data type ${dataType}. ${wanted}, and SSM can't change ` +
      'them: delete the parameter, so that it is created anew, or specify another name.',
  )
}

/** How long the history may lag behind the value, in seconds. */
const HISTORY_WITHIN = 30

/**
 * Reads the newest version with its description, which GetParameter does not return.
 *
 * @throws Error when the history lags behind the value for half a minute.
 */
export async function readNewest(store: ParameterStore, current: Current): Promise<Version> {
  const newest = await store.poll(HISTORY_WITHIN, async () => {
    const last = (await store.history()).at(-1)
    return last && last.number >= current.version ? last : undefined
  })
  if (newest) return newest
  throw new OptionError(
    'ssmParameter',
    `${store.name} in ${store.region}: the history lacks version ${current.version}. Run the job again.`,
  )
}

/** Runs `work` and names the parameter in its error. A cancel is thrown as it is. */
export async function blameParameter<Result>(
  { name, signal }: { readonly name: string; readonly signal: AbortSignal | undefined },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof OptionError) throw cause
    throw new OptionError('ssmParameter', `${name}: ${messageOf(cause)}`, { cause })
  }
}
