import { cancelled } from './cancel.ts'
import { onGitHub } from './environment.ts'
import { unlessAborted } from './wait.ts'

/**
 * Which process finishes a cancelled bake. On GitHub it is `post`: the runner kills this process ten seconds after the cancel
 * (actions/runner, ProcessInvoker). Elsewhere no `post` follows, so that this process does it before it ends.
 */
export function isLeftToPost(): boolean {
  return onGitHub && cancelled.aborted
}

/** Waits for clean-up unless it is left to `post` meanwhile: then it throws the reason of the cancel. */
export async function unlessLeftToPost<Result>(work: Promise<Result>): Promise<Result> {
  return onGitHub ? await unlessAborted(cancelled, work) : await work
}
