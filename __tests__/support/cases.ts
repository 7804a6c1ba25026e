/**
 * How many random cases a test runs: all of them, or the share of them in `AMI_BAKERY_CASES`, which mutation testing sets because it
 * runs the tests hundreds of times.
 */
export function cases(all: number): number {
  return Math.ceil(all * Number(process.env.AMI_BAKERY_CASES ?? 1))
}
