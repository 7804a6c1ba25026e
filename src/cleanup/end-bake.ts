import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../ec2/client.ts'
import { describeUntagged, tagChecksum } from '../ec2/images.ts'
import { keyPairsIn, removeLease } from '../lease/key-pairs.ts'
import { askToEnd, createLogPrinter, show } from '../packer/build.ts'
import { areEmpty, type CreatedResources, NO_RESOURCES, trackCreatedResources } from '../packer/created-resources.ts'
import { textOf } from '../packer/messages.ts'
import { openLog, stdoutIn } from '../packer/output-files.ts'
import { createAttribution } from '../packer/said.ts'
import { cancelled } from '../runner/cancel.ts'
import { onGitHub } from '../runner/environment.ts'
import { group, messageOf, warn } from '../runner/log.ts'
import { findWriter, isRunning, kill, killGroup } from '../runner/process.ts'
import { milliseconds, unlessAborted } from '../runner/wait.ts'
import { describeAccountMismatch } from './account.ts'
import { COMMANDS, listLeftovers } from './commands.ts'
import type { Journal, JournalEntry, RegionalImageId } from './journal.ts'
import { removeLeftovers } from './resources.ts'

/** How long Packer may clean up behind itself, … */
const PATIENCE = milliseconds(200)
/** … and how long all of it may take: five minutes after a cancel GitHub ends the job by force. */
const PATIENCE_IN_ALL = milliseconds(260)

/**
 * Ends a bake whose process was killed or has left: lets others bake, waits for Packer to clean up, showing the rest of what
 * it prints, and removes what it leaves.
 *
 * @throws Error that lists what could not be removed, with the commands that do.
 */
export async function endAbandonedBake(record: Journal): Promise<void> {
  const deadline = new AbortController()
  setTimeout(() => deadline.abort(new Error('there was no time left')), PATIENCE_IN_ALL)
  const { main, terminated, accepted } = record.facts()
  if (main) await kill(main)
  notePacker(record)
  const { packer } = record.facts()
  if (packer && isRunning(packer) && !terminated) askToEnd(packer)
  const leaseGone = giveBack(record.facts(), deadline.signal)
  if (packer && !accepted) await group('Packer: the rest of its output', () => waitForPacker(record))
  await leaseGone
  if (!accepted) return await endBake(record, deadline.signal)
  const untagged = await finishTags(record.facts(), accepted, deadline.signal)
  if (record.facts().isUnclean) await endBake(record, deadline.signal)
  if (untagged.length > 0) throw new Error(untagged.join('\n'))
  record.close()
}

/** The step may have ended before its images had the tag, or just after. Answers what went wrong. */
async function finishTags(
  facts: JournalEntry,
  accepted: readonly RegionalImageId[],
  deadline: AbortSignal,
): Promise<readonly string[]> {
  const stranger = await describeAccountMismatch(connect(facts.region, deadline), facts)
  if (stranger) return [`${stranger}.`, ...accepted.map(image => describeUntagged(image, facts.checksum))]
  const tagged = accepted.map(({ region, id }) => tagChecksum(connect(region, deadline), id, facts.checksum))
  const results = await Promise.allSettled(tagged)
  return results.flatMap(result => (result.status === 'rejected' ? [messageOf(result.reason)] : []))
}

/** Whoever started Packer may have been killed before it could write down which process that is. */
function notePacker(record: Journal): void {
  if (record.facts().packer) return
  const packer = findWriter(stdoutIn(record.directory))
  if (packer) record.note({ packer })
}

/** Lets others bake. A lease that stays is held for dead after some minutes, which harms nobody. Never throws. */
async function giveBack(facts: JournalEntry, deadline: AbortSignal): Promise<void> {
  const { region, lease } = facts
  if (!lease) return
  try {
    const ec2 = connect(region, deadline)
    const stranger = await describeAccountMismatch(ec2, facts)
    if (stranger) throw new Error(stranger)
    await removeLease(keyPairsIn(ec2), lease)
  } catch (error) {
    const command = COMMANDS.keyPair(region, lease.name)
    warn(`The lease that keeps others from baking the same could not be deleted: ${messageOf(error)}\n${command}`)
  }
}

/**
 * Ends a bake that did not end well, once Packer is done or beyond waiting for: kills what is left of Packer, removes what is
 * left on EC2, and closes the record.
 *
 * @param deadline What is not removed when it is aborted is left.
 * @throws Error that lists what could not be removed, or the reason of a cancel, after which `post` goes on; then the record
 *   stays open.
 */
export async function endBake(record: Journal, deadline?: AbortSignal): Promise<void> {
  const facts = record.facts()
  if (facts.packer) killGroup(facts.packer)
  const traces = await readTraces(record)
  if (areEmpty(traces)) return record.close()
  const work = () => removeLeftovers(facts, traces, deadline)
  const left = await group('Clean-up on EC2', () => (onGitHub ? unlessAborted(cancelled, work()) : work()))
  if (left.length > 0) {
    throw new Error(`Left on EC2, because it could not be removed. Remove it by hand:\n${listLeftovers(left)}`)
  }
  record.close()
}

async function waitForPacker(record: Journal): Promise<void> {
  const { packer, shown } = record.facts()
  const screen = createLogPrinter(shown)
  const log = openLog(record.directory, {
    stdout: line => screen.add(0, textOf(line)),
    stderr: line => screen.add(1, line),
  })
  const end = performance.now() + PATIENCE
  while (packer && isRunning(packer) && performance.now() < end) {
    await show(log, screen)
    await sleep(200)
  }
  await show(log, screen)
  log.close()
}

/** Packer's output tells all of them, as long as it is there. */
async function readTraces({ directory, facts }: Journal): Promise<CreatedResources> {
  const told = fs.existsSync(stdoutIn(directory)) ? await readLog(directory) : NO_RESOURCES
  return areEmpty(told) ? (facts().traces ?? told) : told
}

async function readLog(directory: string): Promise<CreatedResources> {
  const { note, traces } = trackCreatedResources()
  const { attribute } = createAttribution()
  function read(line: string): void {
    const said = attribute(textOf(line) ?? '')
    if (said) note(said)
  }
  const log = openLog(directory, { stdout: read, stderr: () => {} })
  while (log.readLines()) await sleep(0)
  log.close()
  return traces()
}
