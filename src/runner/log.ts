import {
  error as annotateError,
  notice as annotateNotice,
  warning as annotateWarning,
  endGroup,
  startGroup,
} from '@actions/core'
import { onGitHub } from './environment.ts'

/** Prints lines in one write. Workflow commands in them are neutralized. */
export function info(lines: string | readonly string[]): void {
  const text = typeof lines === 'string' ? lines : lines.join('\n')
  process.stdout.write(`${neutralizeCommands(text)}\n`)
}

/** Waits until everything that was printed has been read, so that unread output does not fill the memory. */
export async function printed(): Promise<void> {
  if (process.stdout.writableNeedDrain) await new Promise<unknown>(resolve => process.stdout.write('', resolve))
}

/** A notice: an annotation of the step on GitHub, a line elsewhere. */
export function notice(message: string): void {
  if (onGitHub) annotateNotice(message)
  else info(message)
}

/** A warning: an annotation of the step on GitHub, a line elsewhere. */
export function warn(message: string): void {
  if (onGitHub) annotateWarning(message)
  else process.stderr.write(`Warning: ${message}\n`)
}

/** Fails the step: exit code 1 and an error annotation on GitHub, a line elsewhere. */
export function fail(cause: unknown): void {
  process.exitCode = 1
  const message = messageOf(cause)
  if (onGitHub) annotateError(message)
  else process.stderr.write(`Error: ${message}\n`)
}

let isFolded = false

/** Runs `work` in a foldable group of the log. A group inside a group is only a title: the runner can't fold it. */
export async function group<Result>(title: string, work: () => Result | Promise<Result>): Promise<Result> {
  if (!onGitHub || isFolded) {
    info(title)
    return await work()
  }
  isFolded = true
  startGroup(title)
  try {
    return await work()
  } finally {
    endGroup()
    isFolded = false
  }
}

/**
 * Neutralizes every workflow command in a text. The runner reads a line as a command when it begins with `::` after white
 * space, or has `##[` anywhere; a carriage return ends a line as a line feed does (actions/runner, ActionCommand.TryParseV2
 * and TryParse, StreamReader.ReadLine).
 */
export function neutralizeCommands(text: string): string {
  return text.replace(/(^|[\r\n])((?:[^\S\r\n]|\u0085)*):(?=:)/g, '$1$2:\u200b').replaceAll('##[', '#\u200b#[')
}

/** Puts an untrusted text on one line: control characters become escapes. For names, tags and messages of AWS. */
export function escapeControlCharacters(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/**
 * Removes the sequences that move a terminal's cursor or set its colors (ECMA-48: CSI, OSC, and the other escape sequences). What
 * remains may still have control characters.
 */
export function removeTerminalSequences(text: string): string {
  return text.replace(TERMINAL_SEQUENCE, '')
}

const TERMINAL_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\^-~])/g

/** The message of an error, or the text of anything else that was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
