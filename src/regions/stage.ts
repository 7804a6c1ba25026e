import type { Image } from '../ec2/images.ts'
import { failedValue } from '../ec2/state.ts'
import { CHECKSUM_TAG } from '../ec2/tag-names.ts'

/** The stage of a copy. */
export type Stage = 'pending' | 'available' | 'failed' | 'unusable'

/** The states of AWS's DescribeImages; `pending`, `transient`, and states that AWS may add, are pending here. */
const STAGES: Readonly<Record<string, Stage>> = {
  available: 'available',
  failed: 'failed',
  invalid: 'failed',
  error: 'failed',
  // EC2's answer can contain both; neither can be launched.
  deregistered: 'unusable',
  disabled: 'unusable',
}

/** The stage of a copy with this state. */
export function stageOf({ state }: Image): Stage {
  return STAGES[state] ?? 'pending'
}

/** Whether a copy has failed, by its state, or by the tag of the run that made it. */
export function hasFailed(copy: Image, checksum: string): boolean {
  return stageOf(copy) === 'failed' || copy.tags.get(CHECKSUM_TAG) === failedValue(checksum)
}
