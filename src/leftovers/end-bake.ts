import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../ec2.ts'
import { keyPairsIn, type LeaseFacts, removeLease } from '../lease/key-pairs.ts'
import { group, messageOf, warn } from '../log.ts'
import { askToEnd, createScreen, show } from '../packer/build.ts'
import { openLog } from '../packer/log.ts'
import { readMessage } from '../packer/messages.ts'
import { collectTraces, type Traces } from '../packer/traces.ts'
import { milliseconds } from '../patience.ts'
import { isRunning, killGroup, signal } from '../processes.ts'
import type { BakeRecord } from '../record.ts'
import { type Leftover, removeLeftovers } from './remove.ts'

/** How long Packer may clean up behind itself: five minutes after a cancel GitHub ends the job by force. */
const PATIENCE = milliseconds(200)

/**
 * Ends a bake whose process was killed or has left: lets others bake, waits for Packer to clean up, showing the rest of what it prints, and
 * removes what it leaves.
 *
 * @throws Error that lists what could not be removed, with the commands that do.
 */
export async function endAbandonedBake(record: BakeRecord): Promise<void> {
  const { region, main, packer, terminated, lease, accepted } = record.facts()
  if (main) signal(main, 'SIGKILL')
  if (lease) await giveBack(region, lease)
  if (accepted) return record.close()
  if (packer && isRunning(packer) && !terminated) askToEnd(record)
  await group('Packer: the rest of its output', () => waitForPacker(record))
  await endBake(record)
}

/** A lease that stays is held for dead after some minutes, which harms nobody. */
async function giveBack(region: string, lease: LeaseFacts): Promise<void> {
  await removeLease(keyPairsIn(connect(region)), lease).catch(error => {
    warn(
      `The key pair ${lease.name}, which keeps others from baking the same, could not be deleted: ${messageOf(error)}`,
    )
  })
}

/**
 * Ends a bake that did not end well, once Packer is done or beyond waiting for: kills what is left of Packer, removes what is
 * left on EC2, and closes the record.
 *
 * @throws Error that lists what could not be removed; then the record stays open.
 */
export async function endBake(record: BakeRecord): Promise<void> {
  const { packer } = record.facts()
  if (packer) killGroup(packer)
  const left = await group('Clean-up on EC2', async () => removeLeftovers(record.facts(), await readTraces(record)))
  if (left.length > 0) throw new Error(describe(left))
  record.close()
}

async function waitForPacker(record: BakeRecord): Promise<void> {
  const { packer, shown } = record.facts()
  const screen = createScreen(shown)
  const log = openLog(record.directory, {
    stdout: line => {
      const message = readMessage(line)
      screen.add(0, message?.kind === 'text' ? message.text : undefined)
    },
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

async function readTraces({ directory }: BakeRecord): Promise<Traces> {
  const { traces, note } = collectTraces()
  const log = openLog(directory, {
    stdout: line => {
      const message = readMessage(line)
      if (message?.kind === 'text') note(message.text)
    },
    stderr: () => {},
  })
  while (log.readLines()) await sleep(0)
  log.close()
  return traces
}

function describe(left: readonly Leftover[]): string {
  const lines = left.map(({ command, reason }) => `${command}\n  (${reason})`)
  return `Left on EC2, because it could not be removed. Remove it by hand:\n${lines.join('\n')}`
}
