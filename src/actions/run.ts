import { listenForCancel } from '../runner/cancel.ts'
import { fail } from '../runner/log.ts'

/** The work of an action, and the report of its failure. */
export interface Action {
  readonly main: () => Promise<void>
  /** Reports the failure; by default as the step's error annotation, with exit code 1. */
  readonly onFailure?: (cause: unknown) => void | Promise<void>
}

/** Runs an action from its start to the end of the process. The errors of an action are caught only here. */
export function runAction({ main, onFailure = fail }: Action): void {
  listenForCancel()
  end(main().catch(onFailure))
}

/** Runs the clean-up of an action. It ignores a closed output: clean-up must finish even if nothing reads the log. */
export function runPost(post: () => Promise<void>): void {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
  end(post())
}

/** Exits once stdout is flushed: a program that Packer has left running, or an open connection, must not delay the step. */
function end(work: Promise<void>): void {
  work.catch(fail).finally(() => process.stdout.write('', () => process.exit()))
}
