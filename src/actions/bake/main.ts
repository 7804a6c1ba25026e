import { onMiss } from '../../bake/on-miss.ts'
import { computeChecksum } from '../../definition/checksum.ts'
import { listFiles } from '../../definition/files.ts'
import { hashFiles } from '../../definition/hash-files.ts'
import { selectEntries } from '../../definition/patterns.ts'
import { warnIfUncounted } from '../../definition/template.ts'
import { findBaseImage } from '../../ec2/base-image.ts'
import { connect } from '../../ec2/client.ts'
import { fillRegions, findInRegions } from '../../regions/regions.ts'
import { cancelled } from '../../runner/cancel.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { locateOutputFile, readInputs } from './inputs.ts'
import { publish, publishChecksum, removeOutputFile } from './outputs.ts'

/** Finds the image that carries the definition's checksum, or bakes it, and hands it on. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const outputFile = locateOutputFile()
  removeOutputFile(outputFile)
  const inputs = readInputs(outputFile)

  const ec2 = connect(inputs.region, cancelled)
  const definition = listFiles(await selectEntries(inputs.definition))
  warnIfUncounted(inputs, definition)
  const files = await hashFiles(definition)
  const baseImage = await findBaseImage(ec2, inputs.baseAmi)
  const checksum = await computeChecksum(files, inputs, baseImage)
  await publishChecksum(checksum)

  const hit = await findInRegions(ec2, inputs, checksum)
  const found = hit ?? (await onMiss(ec2, inputs, checksum))
  const outcome = await fillRegions(ec2, found, { inputs, checksum })
  await publish(outcome, inputs, checksum)
}
