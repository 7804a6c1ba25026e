import { messageOf } from '../runner/log.ts'
import type { Leftover } from './commands.ts'

/** What could not be removed so far. */
export interface LeftoverList {
  /**
   * Waits for work that an AWS command could do as well. When it fails the command is on the list, until the same succeeds.
   *
   * @returns `undefined` when it failed.
   */
  attempt<Result>(command: string, work: Promise<Result>): Promise<Result | undefined>
  add(command: string, reason: string): void
  left(): readonly Leftover[]
}

/**
 * Makes an empty list.
 *
 * @param deadline When it is aborted, its reason is why the rest is left.
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
    left: () => [...reasons].map(([command, reason]) => ({ command, reason })),
  }
}
