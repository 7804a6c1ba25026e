import { findAccount } from '../cleanup/account.ts'
import { endBake } from '../cleanup/end-bake.ts'
import {
  buildOf,
  type Journal,
  type JournalEntry,
  openJournal,
  temporaryFiles,
  verifiedImages,
} from '../cleanup/journal.ts'
import { cleanUpAfterLease } from '../cleanup/vanished-runs.ts'
import type { Template } from '../definition/template.ts'
import type { Variable } from '../definition/variables.ts'
import { valueFor } from '../ec2/choose-image.ts'
import { assertLastingCredentials } from '../ec2/credentials.ts'
import type { FoundImage } from '../ec2/images.ts'
import { type Finding, findImageQuietly } from '../ec2/look-up.ts'
import { describeKept } from '../ec2/tag-checksum.ts'
import type { Lease } from '../lease/lease.ts'
import { type LeaseOptions, nameLease, withLease } from '../lease/with-lease.ts'
import { type Artifacts, type BuildOptions, buildImages } from '../packer/build.ts'
import { createConsoleReader } from '../packer/console-output.ts'
import { assertDiskSpace } from '../packer/disk-space.ts'
import { packerEnvironment } from '../packer/environment.ts'
import { type Build, prepareBuild } from '../packer/prepare.ts'
import { cancelled, warnAndContinue } from '../runner/cancel.ts'
import { workflowRun } from '../runner/environment.ts'
import { isLeftToPost } from '../runner/finisher.ts'
import { group, info, messageOf, warn } from '../runner/log.ts'
import { addLine } from '../runner/option-error.ts'
import { identify } from '../runner/process.ts'
import { assertNotRevoked, chooseParent } from './current-state.ts'
import { BUILD_TITLE, explainFailure } from './explain-failure.ts'
import { rejectForks } from './fork-guard.ts'
import { type OpenBake, type VerifyOptions, verifyImages } from './verify.ts'

/** An image to bake. */
export interface BakeOptions extends Omit<VerifyOptions, 'baseImage'> {
  readonly template: Template
  readonly subnetId: string | undefined
  readonly variables: readonly Variable[]
  /** Absolute paths. */
  readonly variableFiles: readonly string[]
  readonly only: readonly string[]
  /** Absolute path of the directory that Packer runs in. */
  readonly workingDirectory: string
  /** Authenticates the download of plugins. */
  readonly githubToken: string | undefined
  /** How long to wait for another run that bakes the same checksum, in minutes; 0 to bake without a lease. */
  readonly waitForOtherBakes: number
  /**
   * `missing parent`: the image is baked because another one is baked from it. Such a bake needs a lease, because many jobs may
   * need the same parent at the same time.
   */
  readonly purpose: 'requested' | 'missing parent'
  /** The parent's image that the look-up returned; absent for an image without a parent. */
  readonly parentImage?: string | undefined
}

/**
 * Runs Packer on the template and makes its image a hit for the next look-up, or waits for another run that bakes the same. When
 * the bake fails, this removes everything that it created on EC2.
 *
 * @throws Error unless the image is verified, tagged, and returned by the look-up.
 */
export async function bake(options: BakeOptions): Promise<FoundImage> {
  rejectForks()
  assertDiskSpace(temporaryFiles())
  const journal = openJournal(await firstEntry(options))
  try {
    const latest = rememberFinding(options)
    const work = (lease: Lease) => bakeAndCleanUp(options, { journal, lease, latest })
    const image = await withLease(leaseOptions(options, journal, latest), work)
    journal.close()
    return image
  } catch (cause) {
    if (!buildOf(journal.entry()).packer) await abandon(journal, cause)
    throw cause === cancelled.reason ? describeCancel(cause, journal.entry()) : cause
  }
}

/** The look-up of a bake, which remembers what it has found last. */
interface LatestFinding {
  find(): Promise<FoundImage | undefined>
  /** The last finding, or a new one before the first. */
  last(): Promise<Finding>
}

function rememberFinding({ ec2, lookUp }: BakeOptions): LatestFinding {
  let finding: Finding | undefined
  async function renew(): Promise<Finding> {
    finding = await findImageQuietly(ec2, lookUp)
    return finding
  }
  return { find: async () => (await renew()).found, last: async () => finding ?? (await renew()) }
}

function leaseOptions(options: BakeOptions, journal: Journal, latest: LatestFinding): LeaseOptions {
  const { ec2, lookUp, waitForOtherBakes, tags, purpose } = options
  const { checksum, template: name, imageName } = lookUp
  const isParent = purpose === 'missing parent'
  const advice = `Without a lease, bake ${imageName ?? name} first, in a job before this one: see the output layers of plan.`
  return {
    ec2,
    checksum,
    template: name,
    waitForOtherBakes,
    tags,
    adviceWithoutLease: isParent ? advice : undefined,
    pace: isParent ? 'slowing' : 'steady',
    // Many jobs of a run may need an image of the images file. With force-bake another job's image may be too old for this one.
    afterSameRun: imageName === undefined || lookUp.newerThan !== undefined ? 'work' : 'fail',
    lookUp: latest.find,
    record: journal.lease,
    cleanUp: stale => cleanUpAfterLease(ec2.region, stale, stale.name === nameLease(checksum, name) ? name : undefined),
  }
}

/** Whether an image is kept depends on the journal alone: a cancel may come at any time. */
function describeCancel(cause: unknown, entry: JournalEntry): unknown {
  const image = verifiedImages(entry).find(({ region }) => region === entry.region)
  return image ? new Error(`${messageOf(cause)} ${describeKept(image.id)}`, { cause }) : cause
}

/** Removes the leftovers of a failed bake before the lease is released: a waiting run must not find them. */
async function bakeAndCleanUp(options: BakeOptions, open: OpenBake & { latest: LatestFinding }): Promise<FoundImage> {
  const { journal } = open
  try {
    const baseImage = await chooseBaseImage(options, open.latest)
    const artifacts = await buildArtifacts({ ...options, baseImage }, open)
    const verdict = await group('Verify and tag', () => verifyImages(artifacts, { ...options, baseImage }, open))
    if (verdict.kind === 'superseded') return await yieldTo(verdict.found, verdict.id, journal)
    if (buildOf(journal.entry()).cleanupFailed) await removeLeftoversOrWarn(journal)
    return verdict.found
  } catch (cause) {
    await abandon(journal, cause)
    throw cause
  }
}

/** Uses another run's image, which is a hit already, and removes this run's own. */
async function yieldTo(found: FoundImage, id: string, journal: Journal): Promise<FoundImage> {
  const other = found.image.id
  info(`Lost the lease, and another run has baked ${other} meanwhile. Using it and removing ${id}.`)
  await endBake(journal).catch(warnAndContinue(`${other} is used anyway.`))
  return { ...found, how: 'baked' }
}

/** Packer can succeed and still leave its instance running. That costs money, but the image is valid. */
async function removeLeftoversOrWarn(journal: Journal): Promise<void> {
  await endBake(journal).catch(error => {
    cancelled.throwIfAborted()
    warn(messageOf(error))
  })
}

/** The image that is passed to Packer as `base_ami`; `undefined` when the template chooses it. */
async function chooseBaseImage(options: BakeOptions, latest: LatestFinding): Promise<string | undefined> {
  const { lookUp, parentImage, checksum } = options
  const finding = await latest.last()
  assertNotRevoked(finding.choice.block, lookUp)
  if (!lookUp.parent || parentImage === undefined) return checksum.options.baseImage
  return chooseParent(finding.described, lookUp.parent, parentImage)
}

/** A bake whose base image is chosen. */
interface BuildableOptions extends BakeOptions {
  readonly baseImage: string | undefined
}

async function buildArtifacts(options: BuildableOptions, { journal, lease }: OpenBake): Promise<Artifacts> {
  const { ec2, workingDirectory } = options
  await assertLastingCredentials(ec2)
  const packer = { directory: workingDirectory, environment: packerEnvironment(ec2.region) }
  const args = await prepareBuild(packer, buildFor(options))
  const reader = createConsoleReader(ec2)
  const watch: BuildOptions = {
    directory: journal.directory,
    region: ec2.region,
    cleaningUp: reader.ask,
    report: news => {
      journal.build(news)
      if (news.resources) lease.publishResources(news.resources)
    },
  }
  const build = group(BUILD_TITLE, () => buildImages(packer, args, watch))
  return await build.catch(async cause => {
    throw await explainFailure(cause, reader)
  })
}

function buildFor(options: BuildableOptions): Build {
  const { ec2, lookUp, template, subnetId, variables, variableFiles, only, githubToken, baseImage } = options
  const optionalVariables = [
    { name: 'aws_region', value: ec2.region },
    ...(subnetId ? [{ name: 'aws_subnet_id', value: subnetId }] : []),
    { name: 'config_checksum', value: valueFor(lookUp) },
  ]
  const requiredVariables = [...variables, ...(baseImage ? [{ name: 'base_ami', value: baseImage }] : [])]
  return { template, region: ec2.region, optionalVariables, requiredVariables, variableFiles, only, githubToken }
}

/** The facts about this bake that clean-up needs. */
async function firstEntry({ ec2, lookUp, template }: BakeOptions): Promise<JournalEntry> {
  const account = await findAccount(ec2)
  const main = identify(process.pid)
  const repository = workflowRun()?.repository
  return {
    region: ec2.region,
    checksum: lookUp.checksum,
    tagValue: valueFor(lookUp),
    startedAt: new Date().toISOString(),
    template: template.name,
    ...(account && { account }),
    ...(main && { main }),
    ...(repository && { repository }),
    phase: { name: 'preparing' },
  }
}

/** Cleans up after a failed bake, unless `post` does. */
async function abandon(journal: Journal, cause: unknown): Promise<void> {
  if (!journal.isOpen() || isLeftToPost()) return
  const isVerified = verifiedImages(journal.entry()).length > 0
  if (isVerified && !buildOf(journal.entry()).cleanupFailed) return journal.close()
  await endBake(journal).catch(error => {
    throw addLine(cause, messageOf(error))
  })
}
