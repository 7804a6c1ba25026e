/** A command that the runner would obey. */
export interface Command {
  readonly name: string
  readonly properties: string
  readonly data: string
}

/**
 * Finds the workflow commands in a step's output, as `OutputManager` and `ActionCommand` of actions/runner do: line by line,
 * first the form `::name properties::data` at the line's start, then `##[name properties]data` anywhere in it.
 */
export function findCommands(output: string): Command[] {
  return output.split(/\r\n|\r|\n/).flatMap(line => newForm(line) ?? oldForm(line) ?? [])
}

/** .NET's `String.TrimStart` takes away U+0085 too, and not U+FEFF. */
const BLANKS = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/

function newForm(line: string): Command | undefined {
  const message = line.replace(BLANKS, '')
  if (!message.startsWith('::')) return undefined
  const end = message.indexOf('::', 2)
  return end < 0 ? undefined : commandOf(message.slice(2, end), message.slice(end + 2))
}

function oldForm(line: string): Command | undefined {
  const start = line.indexOf('##[')
  const end = line.indexOf(']', start)
  return start < 0 || end < 0 ? undefined : commandOf(line.slice(start + 3, end), line.slice(end + 1))
}

function commandOf(head: string, data: string): Command {
  const [name = '', ...properties] = head.split(' ')
  return { name, properties: properties.join(' '), data }
}
