import { cancelled } from './cancel.ts'
import { messageOf } from './log.ts'

/** The options of the core whose values people specify. An action knows by which input, or which key of a file. */
export type Option =
  | 'template'
  | 'definition'
  | 'variables'
  | 'variableFiles'
  | 'only'
  | 'baseAmi'
  | 'regions'
  | 'waitForOtherBakes'

/** A specified value can't be used. The message names the value; the action puts the name of its input before it. */
export class OptionError extends Error {
  readonly option: Option

  constructor(option: Option, message: string, options?: ErrorOptions) {
    super(message, options)
    this.option = option
  }
}

/** Makes every error of some work an error of an option's value; a cancel passes. */
export async function blameOption<Result>(option: Option, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    cancelled.throwIfAborted()
    throw new OptionError(option, messageOf(cause), { cause })
  }
}

/** The same error with a further line in its message. */
export function addLine(error: unknown, line: string): Error {
  const message = `${messageOf(error)}\n${line}`
  return error instanceof OptionError
    ? new OptionError(error.option, message, { cause: error })
    : new Error(message, { cause: error })
}
