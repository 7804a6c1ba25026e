import { getInput } from '@actions/core'

/**
 * Reads the arguments `name=value` of the command line, which are the inputs where no runner passes them.
 *
 * @throws Error that lists the inputs if an argument is not one of them.
 */
export function assertArguments(names: readonly string[]): void {
  const wrong = listArguments().find(argument => !names.some(name => argument.startsWith(`${name}=`)))
  if (wrong === undefined) return
  throw new Error(`${JSON.stringify(wrong)} is not an argument. Write name=value with one of ${names.join(', ')}.`)
}

/**
 * Reads an input from the command line's arguments, else from the step's environment.
 *
 * @returns Its value, without surrounding blanks unless `keepBlanks` is set; empty when it is not specified.
 */
export function readInput(name: string, { keepBlanks = false }: { readonly keepBlanks?: boolean } = {}): string {
  const argument = listArguments()
    .findLast(given => given.startsWith(`${name}=`))
    ?.slice(name.length + 1)
  if (argument !== undefined) return keepBlanks ? argument : argument.trim()
  return getInput(name, { trimWhitespace: !keepBlanks })
}

/**
 * Reads an input that accepts one of a few words.
 *
 * @param words The first one is the default.
 * @throws Error that begins with the input's name and lists the words.
 */
export function readWord<Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word {
  const value = readInput(name) || words[0]
  const known = words.find(word => word === value)
  if (known) return known
  throw new Error(`${name}: ${JSON.stringify(value)} is unknown. Specify one of ${words.join(', ')}.`)
}

/** The runner passes none to an action. They come from a command line, which may also be that of a `run` step. */
function listArguments(): readonly string[] {
  return process.argv.slice(2)
}
