import type { BakeIdentity } from './journal.ts'

/** How far the clocks of EC2 and of the runner can differ, in milliseconds. */
export const CLOCK_DIFFERENCE = 5 * 60_000

/** How far two times from EC2 can be apart for resources that belong together, in milliseconds. */
export const EC2_DIFFERENCE = 60_000

/**
 * Whether a resource was created after the bake started. A resource of unknown age was not.
 *
 * @param tolerance In milliseconds: {@link CLOCK_DIFFERENCE} or {@link EC2_DIFFERENCE}.
 */
export function isSince(
  { startedAt }: Pick<BakeIdentity, 'startedAt'>,
  created: Date | undefined,
  tolerance: number,
): boolean {
  return created !== undefined && created.getTime() > Date.parse(startedAt) - tolerance
}
