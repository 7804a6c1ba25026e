import { connect, type Ec2 } from '../../ec2/client.ts'
import { describeImage } from '../../ec2/images.ts'
import { listEnabledRegions } from '../../regions/enabled-regions.ts'
import { describeEverywhere, groupUnits } from '../../regions/units.ts'
import { cancelled } from '../../runner/cancel.ts'
import { escapeControlCharacters, group, info } from '../../runner/log.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { nameSetting } from '../name-setting.ts'
import { type Inputs, readInputs, type Revocation } from './inputs.ts'
import { listTargets, report } from './outputs.ts'
import { restore } from './restore.ts'
import { revoke } from './revoke.ts'
import { chooseTargets, type Targets, UnknownId } from './targets.ts'

/** Revokes an image with its copies and its descendants, or restores them. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const inputs = readInputs()
  try {
    await changeImages(inputs, region => connect(region, cancelled))
  } catch (cause) {
    throw nameSetting(cause)
  }
}

/** @param toRegion Connects to a region. */
export async function changeImages(inputs: Inputs, toRegion: (region: string) => Ec2): Promise<void> {
  const { task, region, regions } = inputs
  const names = regions ? [region, ...regions] : [region, ...(await listEnabledRegions(toRegion(region)))]
  const all = [...new Set(names)].map(toRegion)
  const found = await findTargets(inputs, all)
  await group(`Images to ${task.kind}: ${found.targets.length}`, () => info(listTargets(found)))
  if (task.kind === 'revoke') assertFewEnough(found, task)
  const result = inputs.dryRun ? undefined : await (task.kind === 'revoke' ? revoke(found, task) : restore(found))
  await report(found, result, inputs)
}
