import type { Inputs } from '../actions/bake/inputs.ts'
import { publishReasons } from '../actions/bake/outputs.ts'
import type { Checksum } from '../definition/checksum.ts'
import { toText } from '../definition/files.ts'
import type { Ec2 } from '../ec2/client.ts'
import { explainMiss } from '../ec2/explain-miss.ts'
import type { Outcome } from '../ec2/images.ts'
import { bake } from './bake.ts'

/**
 * Does on a miss what the user wants done: bakes, or goes on without an image, or fails.
 *
 * @throws Error when the user wants a miss to fail, or the bake fails.
 */
export async function onMiss(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<Outcome> {
  publishReasons(await explainMiss(ec2, inputs, checksum))
  assertNoLfsPointers(checksum)
  if (inputs.onMiss === 'bake') return await bake(ec2, inputs, checksum)
  if (inputs.onMiss === 'skip') return { how: 'skipped' }
  throw new Error(
    `on-miss: there is no image in ${ec2.region} with the checksum ${checksum.value}. Bake it, or set on-miss to bake.`,
  )
}

/** The bake would bake the pointer, and without one no look-up of another checkout would find it. */
function assertNoLfsPointers({ files }: Checksum): void {
  const pointer = files.find(file => file.isLfsPointer)
  if (!pointer) return
  const advice = 'Give actions/checkout "lfs: true", so that the bake gets the file and not the pointer.'
  throw new Error(`ami-definition-dirs: ${toText(pointer.path)} is a Git LFS pointer. ${advice}`)
}
