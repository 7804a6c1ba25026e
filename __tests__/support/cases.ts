/** All of them in CI. A tenth is enough to work with: the seeds are always the same. */
const SHARE = Number(process.env.AMI_BAKERY_CASES ?? (process.env.CI === 'true' ? 1 : 0.1))

/** How many of its random cases a test runs: the share of them in `AMI_BAKERY_CASES`. */
export function cases(all: number): number {
  return Math.ceil(all * SHARE)
}
