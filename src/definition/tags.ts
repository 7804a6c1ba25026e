import { isMap, quote, type RawValue } from './raw-value.ts'

/** EC2 allows 50 tags on a resource. The action and the template set the others. */
const MOST_TAGS = 30

/**
 * Reads a map, or a text of `name=value` lines. Names and values have no surrounding blanks; a value may be empty. The tag
 * `Name` is allowed; the action sets `ami_config_checksum` and `ami_bakery_…` itself.
 *
 * @throws Error that contains the line's number or the tag's name, for a tag that EC2 would refuse (EC2 API reference, "Tag").
 */
export function parseTags(raw: RawValue): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (const { where, name, value } of readPairs(raw)) {
    checkName(name, where)
    checkValue(value, where)
    if (tags.has(name)) throw new Error(`${where} sets ${name} again. Remove one of the two.`)
    tags.set(name, value)
  }
  if (tags.size <= MOST_TAGS) return tags
  throw new Error(
    `${tags.size} tags are too many: EC2 allows 50, and other tags are set too. Specify at most ${MOST_TAGS}.`,
  )
}

interface Pair {
  /** Its line or entry, for a message. */
  readonly where: string
  readonly name: string
  readonly value: string
}

function readPairs(raw: RawValue): Pair[] {
  if (typeof raw === 'string') return raw.split(/\r?\n/).flatMap(readLine)
  if (!isMap(raw)) {
    throw new Error('a map is expected here, not a list. Write name: value below it, or a text of name=value lines.')
  }
  const pairs = [...raw].flatMap(([name, value]) => (value === undefined ? [] : [[name.trim(), value.trim()] as const]))
  return pairs.map(([name, value]) => ({ where: `the entry ${quote(name)}`, name, value }))
}

function readLine(line: string, index: number): Pair[] {
  if (line.trim() === '') return []
  const where = `line ${index + 1}`
  const sign = line.indexOf('=')
  if (sign === -1) throw new Error(`${where} is not of the form name=value. Write it so.`)
  return [{ where, name: line.slice(0, sign).trim(), value: line.slice(sign + 1).trim() }]
}

function checkName(name: string, where: string): void {
  if (name === '') throw new Error(`${where} has no tag name. Write name=value.`)
  if (/^aws:/i.test(name))
    throw new Error(`${where} sets ${quote(name)}, but AWS reserves the prefix aws:. Rename the tag.`)
  if (/^ami_(config_checksum$|bakery_)/.test(name))
    throw new Error(`${where} sets ${name}, which this action sets itself. Remove it.`)
  if ([...name].length > 127 || /\p{Cc}/u.test(name))
    throw new Error(`${where} has a name that EC2 would refuse. Specify at most 127 characters on one line.`)
}

function checkValue(value: string, where: string): void {
  if ([...value].length <= 256 && !/\p{Cc}/u.test(value)) return
  throw new Error(`${where} has a value that EC2 would refuse. Specify at most 256 characters on one line.`)
}
