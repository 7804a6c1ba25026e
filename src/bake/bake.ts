import type { Inputs } from '../actions/bake/inputs.ts'
import { findAccount } from '../cleanup/account.ts'
import { endBake } from '../cleanup/end-bake.ts'
import { type Journal, type JournalEntry, openJournal, temporaryFiles } from '../cleanup/journal.ts'
import type { Checksum } from '../definition/checksum.ts'
import type { Ec2 } from '../ec2/client.ts'
import { demandLastingCredentials } from '../ec2/credentials.ts'
import { describeKept, type FoundImage } from '../ec2/images.ts'
import { withLease } from '../lease/with-lease.ts'
import { buildImages } from '../packer/build.ts'
import { assertDiskSpace } from '../packer/disk-space.ts'
import { packerEnvironment } from '../packer/environment.ts'
import { type Build, prepareBuild } from '../packer/prepare.ts'
import { cancelled } from '../runner/cancel.ts'
import { onGitHub, workflowRun } from '../runner/environment.ts'
import { group, messageOf, warn } from '../runner/log.ts'
import { identify } from '../runner/process.ts'
import { rejectForks } from './fork-guard.ts'
import { type Bake, verifyImages } from './verify.ts'

/**
 * Runs Packer on the template and makes its image one that the next look-up finds, or waits for another run that does so
 * already. When that fails, nothing stays on EC2.
 *
 * @throws Error in every case but that of an image that is finished, tagged, and found by its tag.
 */
export async function bake(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<FoundImage> {
  rejectForks()
  assertDiskSpace(temporaryFiles())
  const record = openJournal(await factsFor(ec2, inputs, checksum))
  const plan = { ec2, inputs, checksum, record }
  try {
    const image = await withLease(plan, lease => bakeAndCleanUp({ ...plan, lease }))
    record.close()
    return image
  } catch (cause) {
    if (!record.facts().packer) await abandon(record, cause)
    throw cause === cancelled.reason ? describeCancel(cause, record.facts()) : cause
  }
}

/** From when on an image stays all the same is told by the record alone: the cancel may have come at any time. */
function describeCancel(cause: unknown, { region, accepted = [] }: JournalEntry): unknown {
  const image = accepted.find(placed => placed.region === region)
  return image ? new Error(`${messageOf(cause)} ${describeKept(image.id)}`, { cause }) : cause
}

/** What a failed bake leaves goes before the lease does: whoever waits must not find it. */
async function bakeAndCleanUp(bake: Bake): Promise<FoundImage> {
  try {
    const image = await bakeImage(bake)
    if (bake.record.facts().isUnclean) await removeRest(bake.record)
    return image
  } catch (cause) {
    await abandon(bake.record, cause)
    throw cause
  }
}

/** Packer can succeed and leave its instance: that costs money, but not the image. */
async function removeRest(record: Journal): Promise<void> {
  await endBake(record).catch(error => {
    cancelled.throwIfAborted()
    warn(messageOf(error))
  })
}

async function bakeImage(bake: Bake): Promise<FoundImage> {
  const { ec2, inputs, checksum } = bake
  await demandLastingCredentials(ec2)
  const packer = { directory: inputs.workingDirectory, environment: packerEnvironment(inputs.region) }
  const args = await prepareBuild(packer, buildFor(inputs, checksum))
  const artifacts = await group('Packer: build', () => buildImages(packer, args, bake))
  return await group('Verify and tag', () => verifyImages(artifacts, bake))
}

function buildFor(inputs: Inputs, { value, baseImage }: Checksum): Build {
  const { template, region, subnetId, variables, variableFiles, only, githubToken } = inputs
  const offered = [
    { name: 'aws_region', value: region },
    ...(subnetId ? [{ name: 'aws_subnet_id', value: subnetId }] : []),
    { name: 'config_checksum', value },
  ]
  const demanded = [...variables, ...(baseImage ? [{ name: 'base_ami', value: baseImage }] : [])]
  return { template, region, offered, demanded, variableFiles, only, githubToken }
}

/** What must be known of this run by whoever cleans up behind it. */
async function factsFor(ec2: Ec2, { template }: Inputs, { value }: Checksum): Promise<JournalEntry> {
  const account = await findAccount(ec2)
  const main = identify(process.pid)
  const repository = workflowRun()?.repository
  const facts = { region: ec2.region, checksum: value, begun: new Date().toISOString(), template: template.name }
  return { ...facts, ...(account && { account }), ...(main && { main }), ...(repository && { repository }) }
}

/** Cleans up after a bake, unless `post` will: a cancelled step is killed before all of it could be done here. */
async function abandon(record: Journal, cause: unknown): Promise<void> {
  if (!record.isOpen() || (onGitHub && cancelled.aborted)) return
  const { accepted, isUnclean } = record.facts()
  if (accepted && !isUnclean) return record.close()
  await endBake(record).catch(error => {
    throw new Error(`${messageOf(cause)}\n${messageOf(error)}`, { cause })
  })
}
