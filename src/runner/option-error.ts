import { cancelled } from './cancel.ts'
import { messageOf } from './log.ts'

/** The options of the core whose values the user specifies. Only an action knows the input or the key that sets them. */
export type Option =
  | 'template'
  | 'definition'
  | 'variables'
  | 'variableFiles'
  | 'only'
  | 'baseAmi'
  | 'regions'
  | 'shareWith'
  | 'ssmParameter'
  | 'waitForOtherBakes'

/** An error about a specified value. The message names the value; the action puts the name of its input before it. */
export class OptionError extends Error {
  readonly option: Option

  constructor(option: Option, message: string, options?: ErrorOptions) {
    super(message, options)
    this.option = option
  }
}

/** Runs `work` and throws its error as an `OptionError`. A cancel is thrown as it is. */
export async function blameOption<Result>(option: Option, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    cancelled.throwIfAborted()
    throw new OptionError(option, messageOf(cause), { cause })
  }
}

/** The same error with one more line in its message. */
export function addLine(error: unknown, line: string): Error {
  const message = `${messageOf(error)}\n${line}`
  return error instanceof OptionError
    ? new OptionError(error.option, message, { cause: error })
    : new Error(message, { cause: error })
}
