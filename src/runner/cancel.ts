import { info, messageOf, warn } from './log.ts'

const controller = new AbortController()

/** Aborted when this process is asked to end; the reason is an error that says so. */
export const cancelled: AbortSignal = controller.signal

/**
 * Hears the signals that ask this process to end. The runner sends SIGINT when a job is cancelled or a step times out,
 * SIGTERM after 7.5 s and SIGKILL after 10 s (actions/runner, ProcessInvoker). Only the first one matters.
 */
export function listenForCancel(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel(signal))
  // Nobody reads this process's output any more: whoever started it has gone.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => cancel('a closed output'))
  // Then too Packer must be ended, and what it leaves removed. The error is the reason that the step fails with.
  process.on('uncaughtException', error => controller.abort(error))
}

/** Makes what a failure is caught with that costs no image: a warning, with this after it. A cancel goes on its way. */
export function warnAndContinue(consolation: string): (error: unknown) => undefined {
  return error => {
    cancelled.throwIfAborted()
    warn(`${messageOf(error)} ${consolation}`)
  }
}

function cancel(cause: string): void {
  if (cancelled.aborted) return
  controller.abort(new Error(`Cancelled by ${cause}.`))
  info(`Cancelled by ${cause}.`)
}
