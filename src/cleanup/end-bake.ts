import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../ec2/client.ts'
import { describeUntagged, tagChecksum } from '../ec2/tag-checksum.ts'
import { keyPairsIn, removeLease } from '../lease/key-pairs.ts'
import { createAttribution } from '../packer/attribution.ts'
import { createLogPrinter, printNewLines, requestTermination } from '../packer/build.ts'
import { createConsoleReader, printConsoleOutput } from '../packer/console-output.ts'
import { areEmpty, type CreatedResources, NO_RESOURCES, trackCreatedResources } from '../packer/created-resources.ts'
import { textOf } from '../packer/messages.ts'
import { openLog, stdoutIn } from '../packer/output-files.ts'
import { unlessLeftToPost } from '../runner/finisher.ts'
import { group, messageOf, warn } from '../runner/log.ts'
import { isRunning, killAndWait, killGroup } from '../runner/process.ts'
import { milliseconds } from '../runner/wait.ts'
import { describeAccountMismatch } from './account.ts'
import { COMMANDS } from './commands.ts'
import { buildOf, type Journal, type JournalEntry, verifiedImages } from './journal.ts'
import { formatLeftovers } from './leftovers.ts'
import { removeLeftovers } from './resources.ts'

/** How long Packer may take to clean up, in milliseconds. */
const PACKER_CLEANUP_TIMEOUT = milliseconds(200)
/** How long the whole clean-up may take, in milliseconds: GitHub ends a job by force five minutes after a cancel. */
const TOTAL_TIMEOUT = milliseconds(260)

/**
 * Ends a bake whose process was killed or has ended before the bake: deletes its lease, waits for Packer to clean up, prints the rest of
 * Packer's output, and removes what the bake left.
 *
 * @throws Error that lists what could not be removed, with the commands to remove it.
 */
export async function endAbandonedBake(journal: Journal): Promise<void> {
  const deadline = new AbortController()
  setTimeout(() => deadline.abort(new Error('the time limit of the clean-up was reached')), TOTAL_TIMEOUT)
  const { main } = journal.entry()
  if (main) await killAndWait(main)
  const { packer, terminationRequested, cleanupFailed } = buildOf(journal.entry())
  const leaseDeleted = deleteLease(journal.entry(), deadline.signal)
  const printConsole = await askForConsole(journal)
  if (packer && isRunning(packer) && !terminationRequested) requestTermination(packer)
  const isVerified = verifiedImages(journal.entry()).length > 0
  if (packer && !isVerified) await group('Packer: the rest of its output', () => waitForPacker(journal))
  await printConsole?.()
  await leaseDeleted
  if (!isVerified) return await endBake(journal, deadline.signal)
  const untagged = await finishTags(journal.entry(), deadline.signal)
  if (cleanupFailed) await endBake(journal, deadline.signal)
  if (untagged.length > 0) throw new Error(untagged.join('\n'))
  journal.close()
}

/**
 * Asks for the console output of the instance if main was killed in the middle of the build: then nothing has explained why. Not after a
 * cancel. Returns a function that prints the answer.
 */
async function askForConsole(journal: Journal): Promise<(() => Promise<void>) | undefined> {
  const entry = journal.entry()
  const { packer, terminationRequested, linesPrinted } = buildOf(entry)
  if (entry.phase.name !== 'building' || !packer || terminationRequested || linesPrinted) return undefined
  const instance = (await readResources(journal)).instances.at(-1)
  if (!instance) return undefined
  const reader = createConsoleReader(connect(entry.region))
  reader.ask(instance)
  return async () => await printConsoleOutput(instance, await reader.read(instance))
}

/** Tags verified images, which the bake may not have done any more. Returns the failures. */
async function finishTags(entry: JournalEntry, deadline: AbortSignal): Promise<readonly string[]> {
  const images = verifiedImages(entry)
  const mismatch = await describeAccountMismatch(connect(entry.region, deadline), entry)
  if (mismatch) return [`${mismatch}.`, ...images.map(image => describeUntagged(image, entry.tagValue))]
  const tagged = images.map(({ region, id }) => tagChecksum(connect(region, deadline), id, entry.tagValue))
  const results = await Promise.allSettled(tagged)
  return results.flatMap(result => (result.status === 'rejected' ? [messageOf(result.reason)] : []))
}

/** Deletes the lease, so that other runs can bake. A failure is a warning: the lease becomes stale in a few minutes. Never throws. */
async function deleteLease(entry: JournalEntry, deadline: AbortSignal): Promise<void> {
  const { region, lease } = entry
  if (!lease) return
  try {
    const ec2 = connect(region, deadline)
    const mismatch = await describeAccountMismatch(ec2, entry)
    if (mismatch) throw new Error(mismatch)
    await removeLease(keyPairsIn(ec2), lease)
  } catch (error) {
    const command = COMMANDS.keyPair(region, lease.name)
    warn(`Could not delete the bake lease: ${messageOf(error)}\n${command}`)
  }
}

/**
 * Ends a failed bake, after Packer has ended or has had its time to clean up: kills the rest of Packer's process group, removes what is
 * left on EC2, and closes the journal.
 *
 * @param deadline When it is aborted, the rest counts as left.
 * @throws Error that lists what could not be removed, or the reason of a cancel after which `post` continues. The journal stays open
 *   then.
 */
export async function endBake(journal: Journal, deadline?: AbortSignal): Promise<void> {
  const entry = journal.entry()
  const { packer } = buildOf(entry)
  if (packer) killGroup(packer)
  const resources = await readResources(journal)
  if (areEmpty(resources)) return journal.close()
  const images = verifiedImages(entry).length > 0 ? 'keep' : 'remove'
  const removal = () => unlessLeftToPost(removeLeftovers(entry, { resources, images }, deadline))
  const leftovers = await group('Clean-up on EC2', removal)
  if (leftovers.length > 0)
    throw new Error(`Could not remove everything from EC2. Remove the rest by hand:\n${formatLeftovers(leftovers)}`)
  journal.close()
}

async function waitForPacker(journal: Journal): Promise<void> {
  const { packer, linesPrinted } = buildOf(journal.entry())
  const printer = createLogPrinter(linesPrinted)
  const log = openLog(journal.directory, {
    stdout: line => printer.add(0, textOf(line)),
    stderr: line => printer.add(1, line),
  })
  const end = performance.now() + PACKER_CLEANUP_TIMEOUT
  while (packer && isRunning(packer) && performance.now() < end) {
    await printNewLines(log, printer)
    await sleep(200)
  }
  await printNewLines(log, printer)
  log.close()
}

/** Reads the resources from Packer's output, or takes those of the journal if the output is lost. */
async function readResources({ directory, entry }: Journal): Promise<CreatedResources> {
  const read = fs.existsSync(stdoutIn(directory)) ? await readLog(directory) : NO_RESOURCES
  return areEmpty(read) ? (buildOf(entry()).resources ?? read) : read
}

async function readLog(directory: string): Promise<CreatedResources> {
  const { readLine, resources } = trackCreatedResources()
  const { attribute } = createAttribution()
  function read(line: string): void {
    const buildLine = attribute(textOf(line) ?? '')
    if (buildLine) readLine(buildLine)
  }
  const log = openLog(directory, { stdout: read, stderr: () => {} })
  while (log.readLines()) await sleep(0)
  log.close()
  return resources()
}
