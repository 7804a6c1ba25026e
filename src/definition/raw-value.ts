/**
 * The value of one setting, from an input or from the images file: a text, the entries of a list, or a map. In a map the value
 * of a key without a value is `undefined`.
 */
export type RawValue = string | readonly string[] | RawMap

export type RawMap = ReadonlyMap<string, string | undefined>

/** Whether a value is specified. An empty or blank one is not. */
export function isSpecified(raw: RawValue): boolean {
  if (typeof raw === 'string') return raw.trim() !== ''
  return isMap(raw) ? raw.size > 0 : raw.length > 0
}

/** Whether a value is a map, and neither a text nor a list. */
export function isMap(raw: RawValue): raw is RawMap {
  return typeof raw !== 'string' && 'get' in raw
}

/**
 * The value as one text, without surrounding blanks.
 *
 * @throws Error when it is a list or a map.
 */
export function toText(raw: RawValue): string {
  if (typeof raw === 'string') return raw.trim()
  const kind = isMap(raw) ? 'map' : 'list'
  throw new Error(`one value is expected here, not a ${kind}. Write only the value after the colon.`)
}

/**
 * The entries of a list, without surrounding blanks and without empty ones. Only a text is split at the separators.
 *
 * @throws Error when it is a map.
 */
export function toEntries(raw: RawValue, separator: string | RegExp): string[] {
  if (isMap(raw)) throw new Error('a list is expected here, not a map. Write each entry after a dash.')
  const entries = typeof raw === 'string' ? raw.split(separator) : raw
  return entries.map(entry => entry.trim()).filter(entry => entry !== '')
}

/** The text in double quotes for a message, shortened when it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
