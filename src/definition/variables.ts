import { isMap, quote, type RawMap, type RawValue } from './raw-value.ts'

/** A variable of the template and its value, as the user specified them. */
export interface Variable {
  readonly name: string
  readonly value: string
}

/** The variables that the action passes to Packer itself. */
const RESERVED = ['aws_region', 'aws_subnet_id', 'config_checksum', 'base_ami']

/**
 * Reads a map, or a text of `name=value` lines and `name<<END` … `END` blocks, as in `GITHUB_OUTPUT`. Blanks of a value are
 * kept.
 *
 * @throws Error that gives the line's number or the variable's name, never a value: it may be a secret.
 */
export function parseVariables(raw: RawValue): Variable[] {
  if (typeof raw === 'string') return readLines(raw)
  if (isMap(raw)) return readMap(raw)
  throw new Error('a map is expected here, not a list. Write name: value below it, or a text of name=value lines.')
}

function readMap(map: RawMap): Variable[] {
  const variables = new Map<string, string>()
  for (const [key, value] of map) {
    const name = key.trim()
    const where = `the entry ${quote(name)}`
    if (!isName(name)) {
      throw new Error(`${where} is not a valid variable name. Use letters, digits, _, - and dots after a letter or _.`)
    }
    checkName(name, variables, where)
    if (value !== undefined) variables.set(name, value)
  }
  return toVariables(variables)
}

function readLines(text: string): Variable[] {
  const lines = text.split(/\r?\n/)
  const variables = new Map<string, string>()
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line.trim() === '') continue
    const where = `line ${index + 1}`
    const { name, rest, isBlock } = splitLine(line, where)
    if (!isName(name)) throw new Error(`${where} has no valid variable name before its sign. Write name=value.`)
    checkName(name, variables, where)
    if (!isBlock) {
      variables.set(name, rest)
      continue
    }
    const end = lines.indexOf(rest.trim(), index + 1)
    if (end === -1)
      throw new Error(
        `${where} begins a value of several lines that does not end. Write name<<END, the value, and END.`,
      )
    variables.set(name, lines.slice(index + 1, end).join('\n'))
    index = end
  }
  return toVariables(variables)
}

function toVariables(variables: ReadonlyMap<string, string>): Variable[] {
  return [...variables].map(([name, value]) => ({ name, value }))
}

function splitLine(line: string, where: string): { name: string; rest: string; isBlock: boolean } {
  const [, name = '', sign, rest = ''] = /^(.*?)(=|<<)(.*)$/s.exec(line) ?? []
  const isBlock = sign === '<<'
  if (sign && !(isBlock && rest.trim() === '')) return { name: name.trim(), rest, isBlock }
  throw new Error(`${where} is not of the form name=value. Write it so, or as name<<END, the value, and END.`)
}

function isName(name: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(name)
}

function checkName(name: string, variables: ReadonlyMap<string, string>, where: string): void {
  if (RESERVED.includes(name))
    throw new Error(`${where} sets ${name}, which this action passes to Packer itself. Remove it.`)
  if (variables.has(name)) throw new Error(`${where} sets ${name} again. Remove one of the two.`)
}
