import { getInput } from '@actions/core'
import { onGitHub } from './environment.ts'

/**
 * Reads the arguments `name=value` of the command line, which are the inputs outside GitHub.
 *
 * @throws Error that lists the inputs when an argument is none of them.
 */
export function assertArguments(names: readonly string[]): void {
  const wrong = readArguments().find(([name]) => !names.includes(name))
  if (!wrong) return
  throw new Error(
    `${JSON.stringify(wrong.join('='))} is not an argument. Write name=value with one of ${names.join(', ')}.`,
  )
}

/**
 * Reads an input: outside GitHub from the command line's arguments, else from the step's environment.
 *
 * @returns Its value, without surrounding blanks unless `keepBlanks` is set; empty when it is not specified.
 */
export function readInput(name: string, { keepBlanks = false }: { readonly keepBlanks?: boolean } = {}): string {
  const [, argument] = readArguments().findLast(([known]) => known === name) ?? []
  if (argument !== undefined) return keepBlanks ? argument : argument.trim()
  return getInput(name, { trimWhitespace: !keepBlanks })
}

/** On GitHub the runner starts an action without arguments. */
function readArguments(): [name: string, value: string][] {
  if (onGitHub) return []
  return process.argv.slice(2).map(argument => {
    const sign = argument.indexOf('=')
    return sign === -1 ? [argument, ''] : [argument.slice(0, sign), argument.slice(sign + 1)]
  })
}
