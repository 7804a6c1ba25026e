import { cancelled } from './cancel.ts'
import { onGitHub } from './environment.ts'
import { unlessAborted } from './wait.ts'

/**
 * Whether `post` finishes a cancelled bake. On GitHub it does: the runner kills this process ten seconds after the cancel
 * (actions/runner, ProcessInvoker). Elsewhere there is no `post`, and this process finishes the bake before it ends.
 */
export function isLeftToPost(): boolean {
  return onGitHub && cancelled.aborted
}

/** Waits for clean-up. On GitHub a cancel ends the wait: then it throws the reason of the cancel, and `post` cleans up. */
export async function unlessLeftToPost<Result>(work: Promise<Result>): Promise<Result> {
  return onGitHub ? await unlessAborted(cancelled, work) : await work
}
