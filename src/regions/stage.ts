import { CHECKSUM_TAG, type Image } from '../ec2/images.ts'

/** How far a copy of an image is. */
export type Stage = 'under way' | 'available' | 'failed' | 'gone'

/** The states of AWS's DescribeImages; `pending`, `transient`, and states that AWS may add, are under way. */
const STAGES: Readonly<Record<string, Stage>> = {
  available: 'available',
  failed: 'failed',
  invalid: 'failed',
  error: 'failed',
  // Both can still be in an answer; neither can be launched.
  deregistered: 'gone',
  disabled: 'gone',
}

/** How far a copy is by the state that EC2 gives it. */
export function stageOf({ state }: Image): Stage {
  return STAGES[state] ?? 'under way'
}

/** The value that the checksum's tag of an image has which came to nothing. */
export function failedValue(checksum: string): string {
  return `failed:${checksum}`
}

/** Whether a copy came to nothing: EC2 says so, or the run that made it. */
export function hasFailed(copy: Image, checksum: string): boolean {
  return stageOf(copy) === 'failed' || copy.tags.get(CHECKSUM_TAG) === failedValue(checksum)
}
