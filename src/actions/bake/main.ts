import { findBaseImage } from '../../ec2/base-image.ts'
import { cancelled } from '../../runner/cancel.ts'
import { computeChecksum } from '../../definition/checksum.ts'
import { countFiles } from '../../definition/hash-files.ts'
import { listDefinition } from '../../definition/files.ts'
import { connect } from '../../ec2/client.ts'
import { selectEntries } from '../../definition/patterns.ts'
import { locateOutputFile, readInputs } from './inputs.ts'
import { onMiss } from '../../bake/on-miss.ts'
import { publish, publishChecksum, removeOutputFile } from './outputs.ts'
import { refuseWindows } from '../../runner/platform.ts'
import { fillRegions, findInRegions } from '../../regions/regions.ts'
import { warnIfUncounted } from '../../definition/template.ts'

/** Finds the image that carries the definition's checksum, or bakes it, and hands it on. */
export async function main(): Promise<void> {
  refuseWindows()
  const outputFile = locateOutputFile()
  removeOutputFile(outputFile)
  const inputs = readInputs(outputFile)

  const ec2 = connect(inputs.region, cancelled)
  const definition = listDefinition(await selectEntries(inputs.definition))
  warnIfUncounted(inputs, definition)
  const files = await countFiles(definition)
  const baseImage = await findBaseImage(ec2, inputs.baseAmi)
  const checksum = await computeChecksum(files, inputs, baseImage)
  await publishChecksum(checksum)

  const hit = await findInRegions(ec2, inputs, checksum)
  const found = hit ?? (await onMiss(ec2, inputs, checksum))
  const outcome = await fillRegions(ec2, found, { inputs, checksum })
  await publish(outcome, inputs, checksum)
}
