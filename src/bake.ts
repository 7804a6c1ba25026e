import { acceptImages } from './accept.ts'
import { cancelled } from './cancel.ts'
import type { Checksum } from './checksum.ts'
import { toText } from './definition.ts'
import type { Ec2 } from './ec2.ts'
import { onGitHub } from './github.ts'
import type { Outcome } from './images.ts'
import type { Inputs } from './inputs.ts'
import { endBake } from './leftovers/end-bake.ts'
import { findAccount } from './leftovers/remove.ts'
import { group, messageOf } from './log.ts'
import { buildImages } from './packer/build.ts'
import { packerEnvironment } from './packer/environment.ts'
import { prepareBuild } from './packer/prepare.ts'
import { identify } from './processes.ts'
import { type BakeFacts, type BakeRecord, openRecord } from './record.ts'

/**
 * Runs Packer on the template and makes its image one that the next look-up finds. When that fails, nothing stays on EC2.
 *
 * @throws Error in every case but that of an image that is finished, tagged, and found by its tag.
 */
export async function bake(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<Outcome> {
  refuseLfsPointers(checksum)
  const packer = { directory: inputs.workingDirectory, environment: packerEnvironment(inputs.region) }
  const args = await prepareBuild(packer, {
    template: inputs.template,
    variables: variablesFor(inputs, checksum),
    githubToken: inputs.githubToken,
  })
  const record = openRecord(await factsFor(ec2, checksum))
  try {
    const artifacts = await group('Packer: build', () => buildImages(packer, args, record))
    return await group('Verify and tag', () => acceptImages(artifacts, { ec2, inputs, checksum, record }))
  } catch (cause) {
    await abandon(record, cause)
    throw cause
  }
}

function refuseLfsPointers({ files }: Checksum): void {
  const pointer = files.find(file => file.isLfsPointer)
  if (!pointer) return
  const advice = 'Give actions/checkout "lfs: true", so that the bake gets the file and not the pointer.'
  throw new Error(`ami-definition-dirs: ${toText(pointer.path)} is a Git LFS pointer. ${advice}`)
}

function variablesFor({ region, subnetId }: Inputs, { value }: Checksum): ReadonlyMap<string, string> {
  const variables = new Map([['aws_region', region]])
  if (subnetId) variables.set('aws_subnet_id', subnetId)
  return variables.set('config_checksum', value)
}

async function factsFor(ec2: Ec2, { value }: Checksum): Promise<BakeFacts> {
  const account = await findAccount(ec2)
  const main = identify(process.pid)
  const facts = { region: ec2.region, checksum: value, begun: new Date().toISOString() }
  return { ...facts, ...(account && { account }), ...(main && { main }) }
}

/** Cleans up after a bake, unless `post` will: a cancelled step is killed before all of it could be done here. */
async function abandon(record: BakeRecord, cause: unknown): Promise<void> {
  if (!record.isOpen() || (onGitHub && cancelled.aborted)) return
  await endBake(record).catch(error => {
    throw new Error(`${messageOf(cause)}\n${messageOf(error)}`, { cause })
  })
}
