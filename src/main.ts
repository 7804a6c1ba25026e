import { bake } from './bake.ts'
import { cancelled } from './cancel.ts'
import { computeChecksum } from './checksum.ts'
import { listDefinition } from './definition.ts'
import { connect } from './ec2.ts'
import { findImage } from './images.ts'
import { locateOutputFile, readInputs } from './inputs.ts'
import { publish, publishChecksum, removeOutputFile } from './outputs.ts'
import { warnIfUncounted } from './template.ts'

/** Finds the image that carries the definition's checksum, or bakes it, and hands it on. */
export async function main(): Promise<void> {
  const outputFile = locateOutputFile()
  removeOutputFile(outputFile)
  const inputs = readInputs(outputFile)

  const definition = listDefinition(inputs.definition)
  warnIfUncounted(inputs.template, definition)
  const checksum = await computeChecksum(definition)
  await publishChecksum(checksum)

  const ec2 = connect(inputs.region, cancelled)
  const hit = await findImage(ec2, inputs.template.name, checksum)
  const outcome = hit ?? (await bake(ec2, inputs, checksum))
  await publish(outcome, inputs, checksum)
}
