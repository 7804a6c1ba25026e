/** What the text of a template says of a source: its attributes, as they are written. */
export type Attributes = ReadonlyMap<string, string>

/**
 * Finds the sources in the text of HCL2 files. It is no parser of HCL: what it does not understand it leaves out, so that
 * whoever asks knows less, never something wrong.
 *
 * @returns For each `type.name` its attributes: once as the source block says, and once more for each build that changes some.
 */
export function findSources(texts: readonly string[]): ReadonlyMap<string, readonly Attributes[]> {
  const blocks = texts.flatMap(text => blocksIn(simplify(text)))
  const sources = new Map<string, Attributes[]>()
  const add = (name: string, attributes: Attributes) => sources.set(name, [...(sources.get(name) ?? []), attributes])
  for (const { labels, attributes } of blocks) {
    if (labels.length === 2) add(labels.join('.'), attributes)
  }
  for (const { labels, attributes } of blocks) {
    const [reference = ''] = labels
    const [type, plain] = reference.replace(/^source\./, '').split('.')
    if (labels.length !== 1 || !type || !plain) continue
    const [, name] = /^"([\w-]+)"$/.exec(attributes.get('name') ?? `"${plain}"`) ?? []
    if (!name) continue
    for (const base of sources.get(`${type}.${plain}`)?.slice(0, 1) ?? []) {
      add(`${type}.${name}`, new Map([...base, ...attributes]))
    }
  }
  return sources
}

/** Without comments and long texts, and with every string that isn't plain made `"?"`: then braces are braces. */
function simplify(text: string): string {
  return text.replace(NO_CODE, piece => {
    if (!piece.startsWith('"')) return '\n'
    if (/^"[\w./ -]*"$/.test(piece)) return piece
    return /^"\$\{\s*((?:var|local)\.\w+)\s*\}"$/.exec(piece)?.[1] ?? '"?"'
  })
}

const NO_CODE = /#.*|\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|<<-?(\w+)\r?\n[\s\S]*?^[ \t]*\1[ \t]*\r?$/gm

interface Block {
  readonly labels: readonly string[]
  readonly attributes: Attributes
}

function blocksIn(text: string): Block[] {
  return [...text.matchAll(/\bsource[ \t]+("?[\w.-]+"?)(?:[ \t]+("?[\w.-]+"?))?[ \t]*\{/g)].flatMap(match => {
    const labels = match.slice(1).flatMap(label => label?.replaceAll('"', '') ?? [])
    const body = outermost(text.slice(match.index + match[0].length))
    return body === undefined ? [] : { labels, attributes: attributesIn(body) }
  })
}

/** The text up to the brace that ends the block, without what stands between braces itself. */
function outermost(text: string): string | undefined {
  let depth = 1
  let body = ''
  for (const character of text) {
    if (character === '}') depth--
    if (depth === 0) return body
    if (depth === 1) body += character
    if (character === '{') depth++
  }
  return undefined
}

function attributesIn(body: string): Attributes {
  const lines = body.matchAll(/^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*\r?$/gm)
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]))
}
