/** An element of an XML document, without its attributes. */
export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  readonly text: string
}

interface Open {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

const TOKEN = /<\?.*?\?>|<!--.*?-->|<(\/?)([\w:.-]+)[^<>]*?(\/?)>|[^<]+|</gs

/** Parses the small XML of EC2's answers; `undefined` when it is not well-formed. */
export function parseXml(document: string): XmlElement | undefined {
  const stack: Open[] = [{ name: '', children: [], text: '' }]
  for (const [token, closing, name, empty] of document.matchAll(TOKEN)) {
    const top = stack.at(-1)
    if (!top) return undefined
    if (name && empty) top.children.push({ name, children: [], text: '' })
    else if (name && !closing) stack.push({ name, children: [], text: '' })
    else if (name) {
      const done = stack.pop()
      if (done?.name !== name) return undefined
      stack.at(-1)?.children.push({ ...done, text: done.children.length > 0 ? '' : decodeEntities(done.text) })
    } else if (token === '<') return undefined
    else if (!token.startsWith('<')) top.text += token
  }
  const [root] = stack
  return stack.length === 1 && root?.children.length === 1 ? root.children[0] : undefined
}

function decodeEntities(text: string): string {
  const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => characters[name] ?? '')
}

/** EC2's answer to a request that it refuses. */
export function errorDocument(code: string, message = `The proxy says ${code}.`): string {
  return `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>0</RequestID></Response>`
}

/** Replaces each outermost `<item>` of an answer. */
export function mapItems(body: string, replace: (item: string) => string): string {
  let depth = 0
  let start = 0
  let copied = 0
  let result = ''
  for (const match of body.matchAll(/<(\/?)item>/g)) {
    if (match[1] === '' && depth++ === 0) start = match.index
    if (match[1] === '/' && --depth === 0) {
      const end = match.index + match[0].length
      result += body.slice(copied, start) + replace(body.slice(start, end))
      copied = end
    }
  }
  return result + body.slice(copied)
}
