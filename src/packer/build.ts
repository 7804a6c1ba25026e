import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { cancelled } from '../runner/cancel.ts'
import { onGitHub } from '../runner/environment.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { type ProcessId, sendSignal } from '../runner/process.ts'
import { enterPhase } from '../runner/timeline.ts'
import { milliseconds } from '../runner/wait.ts'
import { type Packer, type StartedPacker, startPacker } from './cli.ts'
import { type CreatedResources, trackCreatedResources } from './created-resources.ts'
import { assertDiskSpace } from './disk-space.ts'
import {
  type ArtifactMessage,
  advise,
  imagesOf,
  isCleanupError,
  isDiagnostic,
  phaseOf,
  readMessage,
} from './messages.ts'
import { openLog, type PackerLog } from './output-files.ts'
import { createAttribution } from './said.ts'

/** The images that Packer says it has made: for each region their ids. */
export type Artifacts = ReadonlyMap<string, ReadonlySet<string>>

/** What is reported of a build as it goes on, so that it can be cleaned up after even if this process is killed. */
export interface BuildReport {
  /** Packer's own process. */
  readonly packer?: ProcessId
  /** What Packer has begun to create. */
  readonly resources?: CreatedResources
  /** Packer could not remove all that it created. */
  readonly cleanupFailed?: true
  /** Packer was asked to stop. */
  readonly terminationRequested?: true
  /** How many lines of Packer's stdout and stderr have been printed. */
  readonly linesPrinted?: readonly [number, number]
  /** The region that Packer worked in, where its artifact shows that it is another one. */
  readonly bakedIn?: string
}

/** Where a build runs and what it reports. */
export interface BuildOptions {
  /** The directory for the files with Packer's output. */
  readonly directory: string
  /** The region of the look-up. */
  readonly region: string
  /** Called with everything new. Throws when it can't be written down, as where the disk is full. */
  report(news: BuildReport): void
}

/**
 * Runs `packer build` to its end, showing what it prints as it comes.
 *
 * @param args The arguments after `build -machine-readable`: variables and the template.
 * @throws Error when Packer fails or is killed, with Packer's own last error in its message; when a second build begins to
 *   make something on EC2; and when the step is cancelled: then Packer may still be at work.
 */
export async function buildImages(packer: Packer, args: readonly string[], options: BuildOptions): Promise<Artifacts> {
  const { directory, report } = options
  const screen = createLogPrinter()
  const output = readOutput(options)
  const log = openLog(directory, {
    stdout: line => screen.add(0, output.read(line)),
    stderr: line => screen.add(1, line),
  })
  try {
    cancelled.throwIfAborted()
    const started = startPacker(packer, ['build', '-machine-readable', ...args], log.files)
    if (started.process) report({ packer: started.process })
    const ending = await waitForEnd(started, { ...options, stop: output.stop, showMore: () => show(log, screen) })
    cancelled.throwIfAborted()
    assertSingleBuild(output.builds())
    if (ending !== 0) throw new Error(`packer build ended with ${ending}: ${advise(output.reason())}`)
    reportRegion(options, output)
    return output.artifacts()
  } finally {
    reportIfPossible(options, { linesPrinted: screen.shown() })
    log.close()
  }
}

/** A build counts that makes something on EC2, also one that makes no image of it (skip_create_ami, amazon-ebsvolume). */
function assertSingleBuild(builds: readonly string[]): void {
  if (builds.length < 2) return
  throw new OptionError(
    'only',
    `${builds.length} builds of the template create something on EC2: ${builds.map(escapeControlCharacters).join(', ')}. ` +
      'A checksum stands for one image. Choose one of them by packer-only.',
  )
}

/** A template may say another region than `aws-region`: what the bake has made is there. */
function reportRegion(options: BuildOptions, output: Output): void {
  const { region } = options
  const artifacts = [...output.artifacts()]
  const { images } = output.traces()
  // A builder prints the image that it makes, and not the copies of it.
  const [made] = artifacts.find(([, ids]) => images.some(id => ids.has(id))) ?? []
  const bakedIn = made ?? (output.artifacts().has(region) ? region : artifacts.at(0)?.[0])
  if (bakedIn && bakedIn !== region) reportIfPossible(options, { bakedIn })
}

/** Where the disk is full it stays in this process's memory. */
function reportIfPossible({ report }: BuildOptions, news: BuildReport): void {
  try {
    report(news)
  } catch {
    // A full disk is an error where it hinders Packer too.
  }
}

/** What Packer's output has told so far. */
interface Output {
  /** Takes a line of stdout, and answers what of it is for people. */
  read(line: string): string | undefined
  artifacts(): Artifacts
  traces(): CreatedResources
  /** The names of the builds that make something on EC2. */
  builds(): readonly string[]
  /** Why Packer failed, in its own words. */
  reason(): string
  /** Aborted when Packer must not go on. */
  readonly stop: AbortSignal
}

function readOutput(options: BuildOptions): Output {
  const several = new AbortController()
  const artifacts = new Map<string, Set<string>>()
  const { attribute, builds } = createAttribution()
  const { note, traces } = trackCreatedResources()
  const failures: string[] = []
  const diagnostics: string[] = []

  function follow(text: string): void {
    const said = attribute(text)
    if (!said) return
    if (note(said)) reportIfPossible(options, { resources: traces() })
    if (isCleanupError(said)) reportIfPossible(options, { cleanupFailed: true })
    const phase = phaseOf(said)
    if (phase) enterPhase(phase)
    if (builds().length > 1) several.abort()
  }

  function read(line: string): string | undefined {
    const message = readMessage(line)
    if (message?.kind === 'failure') failures.push(message.text)
    if (message?.kind === 'artifact') addImages(artifacts, message)
    if (message?.kind !== 'text') return undefined
    if (isDiagnostic(message.text)) diagnostics.push(message.text.trim())
    follow(message.text)
    return message.text
  }

  return {
    read,
    artifacts: () => artifacts,
    traces,
    builds,
    reason: () => failures.at(-1) ?? (diagnostics.join('\n') || 'it says nothing about the reason'),
    stop: AbortSignal.any([cancelled, several.signal]),
  }
}

/** How often Packer's log is read, in milliseconds. */
const PACE = 100

/**
 * How long Packer may clean up after a cancel before this process leaves it. On GitHub the runner would
 * send the next signal after 7.5 s, and `post` goes on.
 */
const PATIENCE_AFTER_CANCEL = onGitHub ? 6_500 : milliseconds(200)

/** How long Packer may clean up when this process has stopped it: an instance takes a minute or two to terminate. */
const PATIENCE_AFTER_STOP = milliseconds(200)

interface Watch extends BuildOptions {
  /** Packer is asked to end when this is aborted. */
  readonly stop: AbortSignal
  showMore(): Promise<void>
}

/** @returns How Packer ended, or that it still runs long after it was asked to end. */
async function waitForEnd(
  started: StartedPacker,
  { directory, report, stop, showMore }: Watch,
): Promise<number | string> {
  const ended = started.ended.then(ending => ({ ending }))
  let askedAt: number | undefined
  for (;;) {
    const end = await Promise.race([ended, sleep(PACE, undefined, { ref: false })])
    await showMore()
    if (end) return end.ending
    assertDiskSpace(directory)
    if (!stop.aborted) continue
    if (askedAt === undefined) {
      askedAt = performance.now()
      if (started.process) askToEnd(started.process)
      report({ terminationRequested: true })
    }
    const patience = cancelled.aborted ? PATIENCE_AFTER_CANCEL : PATIENCE_AFTER_STOP
    if (performance.now() > askedAt + patience) return 'no end'
  }
}

/** Packer ignores SIGINT sent to it alone; SIGTERM makes it clean up (hashicorp/packer, main.go, ForwardSignals). */
export function askToEnd(packer: ProcessId): void {
  info('Sent SIGTERM to Packer; waiting for it to clean up.')
  sendSignal(packer, 'SIGTERM')
}

interface LogPrinter {
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
export function createLogPrinter(shown: readonly [number, number] = [0, 0]): LogPrinter {
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
export async function show(log: PackerLog, screen: LogPrinter): Promise<void> {
  while (log.readLines()) {
    screen.print()
    await setImmediate()
  }
}

function addImages(artifacts: Map<string, Set<string>>, { property, value }: ArtifactMessage): void {
  if (property !== 'id') return
  for (const [region, image] of imagesOf(value)) {
    artifacts.set(region, (artifacts.get(region) ?? new Set()).add(image))
  }
}
