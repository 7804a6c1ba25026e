import { listenForCancel } from '../runner/cancel.ts'
import { fail } from '../runner/log.ts'

/** What an action does, and what it sets when that fails. */
export interface Action {
  readonly main: () => Promise<void>
  /** Reports the failure; by default as the step's error annotation, with exit code 1. */
  readonly onFailure?: (cause: unknown) => void | Promise<void>
}

/** Runs an action from its start to the end of the process. This is the only place that catches what an action throws. */
export function runAction({ main, onFailure = fail }: Action): void {
  listenForCancel()
  end(main().catch(onFailure))
}

/** Runs the clean-up of an action. It ignores a closed output: clean-up must finish even if nothing reads the log. */
export function runPost(post: () => Promise<void>): void {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
  end(post())
}

/** A program that Packer has left running, or a hanging connection, must not keep the step: the process exits once stdout is flushed. */
function end(work: Promise<void>): void {
  work.catch(fail).finally(() => process.stdout.write('', () => process.exit()))
}
