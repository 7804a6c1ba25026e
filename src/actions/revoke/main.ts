import { connect, type Ec2 } from '../../ec2/client.ts'
import { describeImage } from '../../ec2/images.ts'
import { listEnabledRegions } from '../../regions/enabled-regions.ts'
import { describeEverywhere, groupUnits } from '../../regions/units.ts'
import { cancelled } from '../../runner/cancel.ts'
import { group, info, messageOf } from '../../runner/log.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { nameSetting } from '../name-setting.ts'
import { type Changes, changeImages, type Found } from './change-images.ts'
import { type Inputs, readInputs, type Task } from './inputs.ts'
import { assertFinished, describeTargets, reportRevocation } from './outputs.ts'
import { findDestinations, NO_ROLL_BACKS, rollBackParameters } from './parameters.ts'
import { findReplacement } from './replacement.ts'
import { chooseTargets, type Target, UnknownId } from './targets.ts'
import { findUsage } from './usage.ts'

/** Revokes an image with its copies and its descendants, or restores them. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const inputs = await readInputs()
  try {
    await run(inputs)
  } catch (cause) {
    throw nameSetting(cause)
  }
}

async function run(inputs: Inputs): Promise<void> {
  const { task, dryRun } = inputs
  const found = await findTargets(inputs, await connectRegions(inputs))
  const { targets } = found
  await group(`Images to ${task.kind}`, () => info(describeTargets(found, inputs)))
  if (task.kind === 'revoke') assertFewEnough(targets, task.maxImages)
  const changes = dryRun ? await preview(found, task) : await changeImages(found, task)
  const usage = await findUsage(targets.flatMap(({ unit }) => unit.images))
  const replacement = task.kind === 'revoke' ? await findReplacement(targets) : undefined
  await reportRevocation({ found, changes, usage, replacement }, inputs)
  assertFinished(changes, task)
}

/** Logs what would become of the parameters. The images are in the log already. */
async function preview({ targets, destinations }: Found, task: Task): Promise<Changes> {
  const images = targets.flatMap(({ unit }) => unit.images)
  if (task.kind === 'revoke' && task.parameters.names.length > 0) {
    const { names } = task.parameters
    await group('Parameters to roll back', async () => {
      const { rolledBack, problems } = await rollBackParameters(images, task.parameters, destinations, 'preview')
      if (Object.keys(rolledBack).length + problems.length === 0)
        info(`None of these holds one of the images: ${names.join(', ')}.`)
    })
  }
  return { done: [], failures: [], record: '', rollBacks: NO_ROLL_BACKS }
}

async function connectRegions({ region, regions }: Inputs): Promise<readonly Ec2[]> {
  const others = regions ?? (await listRegions(region))
  return [...new Set([region, ...others])].map(name => connect(name, cancelled))
}

async function listRegions(region: string): Promise<readonly string[]> {
  try {
    return await listEnabledRegions(connect(region, cancelled))
  } catch (cause) {
    cancelled.throwIfAborted()
    throw new Error(`regions: ${messageOf(cause)} Or specify the regions.`, { cause })
  }
}

async function findTargets({ subject, task, descendants }: Inputs, regions: readonly Ec2[]): Promise<Found> {
  const units = groupUnits(await describeEverywhere(regions))
  const [reason, rollBackTo] = task.kind === 'revoke' ? [task.reason, task.rollBackTo] : []
  try {
    const found = chooseTargets(units, { subject, descendants }, reason)
    return { ...found, destinations: findDestinations(units, found.targets, rollBackTo) }
  } catch (error) {
    if (error instanceof UnknownId && 'id' in subject) throw await explainUnknown(subject.id, regions)
    throw error
  }
}

/** The account's own images have been described: the image belongs to another account, is a backup, or does not exist. */
async function explainUnknown(id: string, regions: readonly Ec2[]): Promise<Error> {
  const answers = await Promise.all(regions.map(ec2 => describeImage(ec2, id)))
  // EC2 describes a deregistered image for a while (AWS: DescribeImages).
  const image = answers.find(answer => answer !== undefined && answer.state !== 'deregistered')
  const names = regions.map(({ region }) => region).join(', ')
  if (!image) {
    return new Error(
      `ami-id: there is no image ${id} in ${names}. Check the id, the account of the credentials, and regions.`,
    )
  }
  return new Error(
    `ami-id: ${id} is an image of account ${image.owner}, or a backup of an instance. Specify an image that this action baked, with credentials of its account.`,
  )
}

/** @throws Error with the list of the images, before any change. */
function assertFewEnough(targets: readonly Target[], maxImages: number): void {
  if (targets.length <= maxImages) return
  const ids = targets.map(({ unit }) => unit.id).join(', ')
  throw new Error(
    `max-images: ${targets.length} images would be revoked, more than ${maxImages}: ${ids}. Nothing was changed. ` +
      `If this is right, set max-images to ${targets.length}.`,
  )
}
