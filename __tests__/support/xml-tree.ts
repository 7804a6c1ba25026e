/** A value as it was sent: a text, or the values within it by their names. */
export interface Value {
  readonly text: string
  readonly parts: readonly (readonly [name: string, value: Value])[]
}

interface Element {
  readonly name: string
  text: string
  readonly parts: [string, Value][]
}

const TOKEN = /<\?.*?\?>|<!--.*?-->|<(?<end>\/?)(?<name>[\w:.-]+)[^<>]*?(?<empty>\/?)>|(?<text>[^<]+)/gs
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/**
 * Reads an XML document without regard to attributes and namespaces. The value's only part is the root.
 *
 * @throws Error when it is not well-formed.
 */
export function readXml(document: string): Value {
  const root: Element = { name: '', text: '', parts: [] }
  const open = [root]
  let read = 0
  for (const { 0: token, index, groups = {} } of document.matchAll(TOKEN)) {
    const parent = open.at(-1)
    if (index !== read || !parent) break
    read += token.length
    const { end, name, empty, text } = groups
    if (text !== undefined) parent.text += decode(text)
    if (end === '/' && open.pop()?.name !== name) throw new Error(`not well-formed: ${token} ends nothing.`)
    if (end !== '' || name === undefined) continue
    const element: Element = { name, text: '', parts: [] }
    parent.parts.push([name, element])
    if (empty === '') open.push(element)
  }
  if (read < document.length || open.length !== 1)
    throw new Error(`not well-formed at ${document.slice(read, read + 40)}`)
  return root
}

function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (entity, decimal, hexadecimal, name) => {
    if (name) return ENTITIES[name] ?? entity
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hexadecimal, 16))
  })
}
