import { messageOf } from '../runner/log.ts'
import { DELETE_SNAPSHOTS } from './commands.ts'

/** A resource that a bake left on EC2 and that could not be removed. */
export interface Leftover {
  /** The command that removes it, or that finds it. */
  readonly command: string
  readonly reason: string
}

/** Formats leftovers for a message: each command on its own line, with the reason below. */
export function formatLeftovers(leftovers: readonly Leftover[]): string {
  const lines = leftovers.map(({ command, reason }) => `${command}\n  (${reason})`)
  const needsNewCli = leftovers.some(({ command }) => command.includes(DELETE_SNAPSHOTS))
  return [...lines, ...(needsNewCli ? [`${DELETE_SNAPSHOTS} requires an AWS CLI of June 2025 or newer.`] : [])].join(
    '\n',
  )
}

/** Why an untrusted resource is listed, and not removed. */
export const UNTRUSTED = "only the lease's tags attribute it to that run: look at it first"

/** The leftovers of a clean-up while it runs. */
export interface LeftoverList {
  /**
   * Waits for work that an AWS command can do too. If the work fails, the list contains the command until the same work succeeds.
   *
   * @returns `undefined` when the work failed.
   */
  attempt<Result>(command: string, work: Promise<Result>): Promise<Result | undefined>
  add(command: string, reason: string): void
  leftovers(): readonly Leftover[]
}

/**
 * Makes an empty list.
 *
 * @param deadline Once it is aborted, its reason is the reason of every later failure.
 */
export function makeLeftoverList(deadline: AbortSignal | undefined): LeftoverList {
  const reasons = new Map<string, string>()
  return {
    attempt: async (command, work) => {
      try {
        const result = await work
        reasons.delete(command)
        return result
      } catch (error) {
        reasons.set(command, messageOf(deadline?.aborted ? deadline.reason : error))
        return undefined
      }
    },
    add: (command, reason) => void reasons.set(command, reason),
    leftovers: () => [...reasons].map(([command, reason]) => ({ command, reason })),
  }
}
