import type { RegionalImage } from '../ec2/images.ts'
import { readState } from '../ec2/state.ts'
import { CHECKSUM_TAG } from '../ec2/tag-names.ts'
import { currentActor, workflowRun } from '../runner/environment.ts'
import { info } from '../runner/log.ts'

/** What an action has changed: evidence that outlives the image, its tags and the log. */
export interface ChangeRecord {
  /**
   * Adds a line to the record and to the log. Call it before a deletion and after any other change.
   *
   * @param reason Why the image is changed, and how.
   */
  add(changed: RegionalImage, reason: string): void
  /** One JSON object per line. */
  text(): string
}

/**
 * Creates the record of one step.
 *
 * @param account 12 digits; `undefined` when it is not known.
 */
export function createRecord(action: 'publish' | 'revoke' | 'prune', account: string | undefined): ChangeRecord {
  const lines: string[] = []

  function add({ ec2, image }: RegionalImage, reason: string): void {
    const line = JSON.stringify({
      action,
      account,
      region: ec2.region,
      id: image.id,
      tags: Object.fromEntries([...image.tags].filter(([key]) => key.startsWith('ami_bakery_'))),
      checksum: readState(image)?.checksum ?? image.tags.get(CHECKSUM_TAG),
      snapshots: image.snapshots,
      reason,
      actor: currentActor(),
      run: workflowRun()?.url,
      time: new Date().toISOString(),
    })
    lines.push(line)
    info(line)
  }

  return { add, text: () => lines.join('\n') }
}
