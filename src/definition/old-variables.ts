/** A variable of the template and its value, as the user gave them. */
export interface Variable {
  readonly name: string
  readonly value: string
}

/** The variables that the action hands over itself. */
const RESERVED = ['aws_region', 'aws_subnet_id', 'config_checksum', 'base_ami']

/**
 * Reads `name=value` lines and `name<<END` … `END` blocks, as in `GITHUB_OUTPUT`. A value is kept to the last blank.
 *
 * @throws Error that begins with the input's name and gives the line's number, never a value: it may be a secret.
 */
export function readVariables(input: string, text: string): Variable[] {
  const lines = text.split(/\r?\n/)
  const variables: Variable[] = []
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line.trim() === '') continue
    const where = `${input}: line ${index + 1}`
    const { name, rest, isBlock } = splitLine(line, where)
    checkName(name, variables, where)
    if (!isBlock) {
      variables.push({ name, value: rest })
      continue
    }
    const end = lines.indexOf(rest.trim(), index + 1)
    if (end === -1)
      throw new Error(
        `${where} begins a value of several lines that does not end. Write name<<END, the value, and END.`,
      )
    variables.push({ name, value: lines.slice(index + 1, end).join('\n') })
    index = end
  }
  return variables
}

function splitLine(line: string, where: string): { name: string; rest: string; isBlock: boolean } {
  const [, name = '', sign, rest = ''] = /^(.*?)(=|<<)(.*)$/s.exec(line) ?? []
  const isBlock = sign === '<<'
  if (sign && !(isBlock && rest.trim() === '')) return { name: name.trim(), rest, isBlock }
  throw new Error(`${where} is not of the form name=value. Write it so, or as name<<END, the value, and END.`)
}

function checkName(name: string, variables: readonly Variable[], where: string): void {
  if (!/^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(name))
    throw new Error(`${where} has no proper name of a variable before its sign. Write name=value.`)
  if (RESERVED.includes(name))
    throw new Error(`${where} sets ${name}, which this action hands over itself. Remove the line.`)
  if (variables.some(variable => variable.name === name))
    throw new Error(`${where} sets ${name} again. Remove one of the two.`)
}
