import { given } from './github.ts'

/** For tests alone, which can't wait for minutes: a number that every wait is multiplied with. */
const scale = Number(given('AMI_BAKERY_TIME_SCALE') ?? 1)

/** A time to wait, from seconds to milliseconds. */
export function milliseconds(seconds: number): number {
  return seconds * 1000 * scale
}
