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
