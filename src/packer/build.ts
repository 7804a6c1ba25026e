import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { cancelled } from '../cancel.ts'
import { onGitHub } from '../github.ts'
import type { Lease } from '../lease/lease.ts'
import { info } from '../log.ts'
import { milliseconds } from '../patience.ts'
import { type ProcessId, signal } from '../processes.ts'
import type { BakeFacts, BakeRecord } from '../record.ts'
import { enterPhase } from '../timeline.ts'
import { type Packer, type StartedPacker, startPacker } from './command.ts'
import { openLog, type PackerLog } from './log.ts'
import { advise, imagesOf, isComplaint, phaseOf, readMessage } from './messages.ts'
import { demandRoom } from './room.ts'
import { collectTraces } from './traces.ts'

/** The images that Packer says it has made: for each region their ids. */
export type Artifacts = ReadonlyMap<string, ReadonlySet<string>>

/** Who must know of what Packer does, for when this process is killed: `post` by the record, other runs by the lease. */
export interface WatchedBake {
  readonly record: BakeRecord
  readonly lease: Pick<Lease, 'note'>
}

/**
 * Runs `packer build` to its end, showing what it prints as it comes.
 *
 * @param args The arguments after `build -machine-readable`: variables and the template.
 * @throws Error when Packer fails or is killed, with Packer's own last error in its message, and when the step is cancelled:
 *   then Packer may still be at work.
 */
export async function buildImages(packer: Packer, args: readonly string[], bake: WatchedBake): Promise<Artifacts> {
  const { record, lease } = bake
  const screen = createScreen()
  const artifacts = new Map<string, Set<string>>()
  const { note, traces } = collectTraces()
  let reason = 'it says nothing about the reason'

  function onStdout(line: string): void {
    const message = readMessage(line)
    if (message?.kind === 'artifact') addImages(artifacts, message.property, message.value)
    if (message?.kind === 'failure') reason = message.text
    if (message?.kind === 'text') follow(message.text)
    screen.add(0, message?.kind === 'text' ? message.text : undefined)
  }

  /** Where the disk is full it stays in this process's memory. */
  function remember(more: Partial<BakeFacts>): void {
    try {
      record.note(more)
    } catch {
      // That there is no room is said where it hinders Packer too.
    }
  }

  function follow(text: string): void {
    if (note(text)) {
      remember({ traces: traces() })
      lease.note(traces())
    }
    if (isComplaint(text)) remember({ isUnclean: true })
    const phase = phaseOf(text)
    if (phase) enterPhase(phase)
  }

  cancelled.throwIfAborted()
  const log = openLog(record.directory, { stdout: onStdout, stderr: line => screen.add(1, line) })
  try {
    const started = startPacker(packer, ['build', '-machine-readable', ...args], log.files)
    if (started.process) record.note({ packer: started.process })
    const ending = await waitForEnd(started, record, () => show(log, screen))
    cancelled.throwIfAborted()
    if (ending === 0) return artifacts
    throw new Error(`packer build ended with ${ending}: ${advise(reason)}`)
  } finally {
    remember({ shown: screen.shown() })
    log.close()
  }
}

/** How often Packer's log is read, in milliseconds. */
const PACE = 100

/**
 * How long Packer may clean up after a cancel before this process leaves it. On GitHub the runner would
 * send the next signal after 7.5 s, and `post` goes on.
 */
const PATIENCE = onGitHub ? 6_500 : milliseconds(200)

async function waitForEnd(
  started: StartedPacker,
  record: BakeRecord,
  showMore: () => Promise<void>,
): Promise<number | string> {
  const ended = started.ended.then(ending => ({ ending }))
  let leaveAt = Number.POSITIVE_INFINITY
  for (;;) {
    const end = await Promise.race([ended, sleep(PACE, undefined, { ref: false })])
    await showMore()
    if (end) return end.ending
    demandRoom(record.directory)
    if (cancelled.aborted && leaveAt === Number.POSITIVE_INFINITY) {
      leaveAt = performance.now() + PATIENCE
      if (started.process) askToEnd(started.process)
      record.note({ terminated: true })
    }
    if (performance.now() > leaveAt) throw cancelled.reason
  }
}

/** Packer ignores SIGINT sent to it alone; SIGTERM makes it clean up (hashicorp/packer, main.go, ForwardSignals). */
export function askToEnd(packer: ProcessId): void {
  info('Packer has been asked to stop and cleans up behind itself.')
  signal(packer, 'SIGTERM')
}

interface Screen {
  /** Takes a line of stdout (0) or stderr (1), and what of it is for people. */
  add(file: 0 | 1, text: string | undefined): void
  print(): void
  shown(): readonly [number, number]
}

/**
 * Shows Packer's lines, many at a time, and counts them.
 *
 * @param shown How many lines of each file have been shown before; they are passed over.
 */
export function createScreen(shown: readonly [number, number] = [0, 0]): Screen {
  const counts: [number, number] = [0, 0]
  let waiting: string[] = []
  return {
    add: (file, text) => {
      counts[file]++
      if (text !== undefined && counts[file] > shown[file]) waiting.push(text)
    },
    print: () => {
      if (waiting.length > 0) info(waiting)
      waiting = []
    },
    shown: () => counts,
  }
}

/** Shows all that Packer has printed since the last time, letting signals in between. */
export async function show(log: PackerLog, screen: Screen): Promise<void> {
  while (log.readLines()) {
    screen.print()
    await setImmediate()
  }
}

function addImages(artifacts: Map<string, Set<string>>, property: string, value: string): void {
  if (property !== 'id') return
  for (const [region, image] of imagesOf(value)) {
    artifacts.set(region, (artifacts.get(region) ?? new Set()).add(image))
  }
}
