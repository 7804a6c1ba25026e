import { findBaseImage } from './base-image.ts'
import { cancelled } from './cancel.ts'
import { computeChecksum } from './checksum.ts'
import { countFiles } from './counted-files.ts'
import { listDefinition } from './definition.ts'
import { connect } from './ec2.ts'
import { selectEntries } from './entries.ts'
import { locateOutputFile, readInputs } from './inputs.ts'
import { onMiss } from './on-miss.ts'
import { publish, publishChecksum, removeOutputFile } from './outputs.ts'
import { refuseWindows } from './platform.ts'
import { fillRegions, findInRegions } from './regions.ts'
import { warnIfUncounted } from './template.ts'

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
