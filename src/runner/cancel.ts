import { info, messageOf, warn } from './log.ts'

const controller = new AbortController()

/** Aborted when this process must end. The reason is an error that names the signal, or the uncaught error. */
export const cancelled: AbortSignal = controller.signal

/**
 * Listens for the signals that ask this process to end. The runner sends SIGINT when a job is cancelled or a step times out,
 * SIGTERM after 7.5 s and SIGKILL after 10 s (actions/runner, ProcessInvoker). Only the first one matters.
 */
export function listenForCancel(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel(signal))
  // A closed output means that the process that reads it has ended.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => cancel('a closed output'))
  // Packer must be stopped and its leftovers removed then too. The step fails with this error.
  process.on('uncaughtException', error => controller.abort(error))
}

/** Makes the handler of a failure that must not fail the step: it prints the message and the note as a warning. It rethrows a cancel. */
export function warnAndContinue(note: string): (error: unknown) => undefined {
  return error => {
    cancelled.throwIfAborted()
    warn(`${messageOf(error)} ${note}`)
  }
}

function cancel(cause: string): void {
  if (cancelled.aborted) return
  controller.abort(new Error(`Cancelled by ${cause}.`))
  info(`Cancelled by ${cause}.`)
}
