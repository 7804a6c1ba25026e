import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { cancelled } from '../runner/cancel.ts'
import { onGitHub } from '../runner/environment.ts'
import { escapeControlCharacters, info } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { type ProcessId, sendSignal } from '../runner/process.ts'
import { enterPhase } from '../runner/timeline.ts'
import { milliseconds } from '../runner/wait.ts'
import { createAttribution } from './attribution.ts'
import { type Packer, type StartedPacker, startPacker } from './cli.ts'
import { type CreatedResources, trackCreatedResources } from './created-resources.ts'
import { assertDiskSpace } from './disk-space.ts'
import {
  type ArtifactMessage,
  addHint,
  imagesOf,
  isCleanupError,
  isDiagnostic,
  phaseOf,
  readMessage,
} from './messages.ts'
import { openLog, type PackerLog } from './output-files.ts'
import { type BuildRemains, collectRemains } from './remains.ts'

/** The images that Packer reports as created: the ids for each region. */
export type Artifacts = ReadonlyMap<string, ReadonlySet<string>>

/** What is reported while a build runs, so that clean-up is possible even if this process is killed. */
export interface BuildReport {
  /** Packer's own process. */
  readonly packer?: ProcessId
  /** What Packer has started to create. */
  readonly resources?: CreatedResources
  /** Packer could not remove everything that it created. */
  readonly cleanupFailed?: true
  /** Packer has been sent SIGTERM. */
  readonly terminationRequested?: true
  /** How many lines of Packer's stdout and stderr have been printed. */
  readonly linesPrinted?: readonly [number, number]
  /** The region that Packer worked in, if its artifact shows another one than that of the look-up. */
  readonly bakedIn?: string
}

/** Where a build keeps its output, and what it reports to. */
export interface BuildOptions {
  /** The directory for the files with Packer's output. */
  readonly directory: string
  /** The region of the look-up. */
  readonly region: string
  /** Called with the id of an instance that still runs when Packer begins to clean up after an error; several times at most. */
  cleaningUp(instance: string): void
  /** Called with each change. Throws if the change can't be saved, for example when the disk is full. */
  report(change: BuildReport): void
}

/** Packer has failed. The message has Packer's reason, with a hint for known ones. */
export class BuildError extends Error {
  readonly remains: BuildRemains

  /** @param end How Packer ended, like `exited with code 1`. */
  constructor(end: string, remains: BuildRemains) {
    super(`packer build ${end}: ${addHint(remains.failure)}`)
    this.remains = remains
  }
}

/**
 * Runs `packer build` and prints its output while it runs.
 *
 * @param args The arguments after `build -machine-readable`: variables and the template.
 * @throws BuildError when Packer fails or is killed, with Packer's last error in the message; OptionError when a second build starts
 *   to create resources on EC2; the reason of a cancel, when Packer may still run.
 */
export async function buildImages(packer: Packer, args: readonly string[], options: BuildOptions): Promise<Artifacts> {
  const { directory } = options
  const printer = createLogPrinter()
  const output = readOutput(options)
  const log = openLog(directory, {
    stdout: line => printer.add(0, output.read(line)),
    stderr: line => printer.add(1, line),
  })
  try {
    cancelled.throwIfAborted()
    const started = startPacker(packer, ['build', '-machine-readable', ...args], log.files)
    if (started.process) reportProcess(options, started.process)
    const watch = { ...options, stop: output.stop, printNewLines: () => printNewLines(log, printer) }
    const end = await waitForEnd(started, watch)
    cancelled.throwIfAborted()
    assertSingleBuild(output.builds())
    if (end !== 0) throw new BuildError(describeEnd(end), output.remains())
    reportRegion(options, output)
    return output.artifacts()
  } finally {
    reportIfPossible(options, { linesPrinted: printer.linesPrinted() })
    log.close()
  }
}

/** A build that creates resources on EC2 but no image (skip_create_ami, amazon-ebsvolume) is one of the builds too. */
function assertSingleBuild(builds: readonly string[]): void {
  if (builds.length < 2) return
  throw new OptionError(
    'only',
    `${builds.length} builds of the template create resources on EC2: ${builds.map(escapeControlCharacters).join(', ')}. ` +
      'A checksum identifies one image. Select one build with packer-only; if builds share a name, rename them first.',
  )
}

/** A template can name another region than that of the look-up: the bake's resources are there then. */
function reportRegion(options: BuildOptions, output: Output): void {
  const { region } = options
  const artifacts = [...output.artifacts()]
  const { images } = output.resources()
  // A builder prints the id of the image that it creates, but not the ids of the copies.
  const [created] = artifacts.find(([, ids]) => images.some(id => ids.has(id))) ?? []
  const bakedIn = created ?? (output.artifacts().has(region) ? region : artifacts.at(0)?.[0])
  if (bakedIn && bakedIn !== region) reportIfPossible(options, { bakedIn })
}

/** Without a saved process, nobody could stop Packer once this process is killed. */
function reportProcess({ directory, report }: BuildOptions, packer: ProcessId): void {
  try {
    report({ packer })
  } catch (cause) {
    assertDiskSpace(directory)
    throw cause
  }
}

/** If the disk is full, the change stays in the memory of this process. */
function reportIfPossible({ report }: BuildOptions, change: BuildReport): void {
  try {
    report(change)
  } catch {
    // `assertDiskSpace` reports a full disk.
  }
}

/** What Packer has printed so far. */
interface Output {
  /** Reads a line of stdout. Returns the text to print, if the line has one. */
  read(line: string): string | undefined
  artifacts(): Artifacts
  resources(): CreatedResources
  /** The names of the builds that create resources on EC2. */
  builds(): readonly string[]
  /** What explains a failure of Packer. */
  remains(): BuildRemains
  /** Aborted when Packer must stop. */
  readonly stop: AbortSignal
}

function readOutput(options: BuildOptions): Output {
  const secondBuild = new AbortController()
  const stop = AbortSignal.any([cancelled, secondBuild.signal])
  const artifacts = new Map<string, Set<string>>()
  const { attribute, builds } = createAttribution()
  const { readLine, resources } = trackCreatedResources()
  const failures: string[] = []
  const diagnostics: string[] = []
  const collector = collectRemains(resources, instance => {
    if (!stop.aborted) options.cleaningUp(instance)
  })

  function readText(text: string): void {
    const line = attribute(text)
    if (!line) return
    if (readLine(line)) reportIfPossible(options, { resources: resources() })
    if (isCleanupError(line)) reportIfPossible(options, { cleanupFailed: true })
    const phase = phaseOf(line)
    if (phase) enterPhase(phase)
    if (builds().length > 1) secondBuild.abort()
    collector.readLine(line)
  }

  function read(line: string): string | undefined {
    const message = readMessage(line)
    if (message?.kind === 'failure') failures.push(message.text)
    if (message?.kind === 'artifact') addImages(artifacts, message)
    if (message?.kind !== 'text') return undefined
    if (isDiagnostic(message.text)) diagnostics.push(message.text.trim())
    readText(message.text)
    return message.text
  }

  const reason = () => failures.at(-1) ?? (diagnostics.join('\n') || 'it printed no reason')
  return {
    read,
    artifacts: () => artifacts,
    resources,
    builds,
    remains: () => collector.remains(reason()),
    stop,
  }
}

/** How often Packer's output is read, in milliseconds. */
const READ_INTERVAL = 100

/**
 * How long Packer may clean up after a cancel before this process ends, in milliseconds. On GitHub the runner sends the next signal after
 * 7.5 s, and `post` continues.
 */
const TIMEOUT_AFTER_CANCEL = onGitHub ? 6_500 : milliseconds(200)

/** How long Packer may clean up after this process has stopped it, in milliseconds: to terminate an instance takes a minute or two. */
const TIMEOUT_AFTER_STOP = milliseconds(200)

interface Watch extends BuildOptions {
  /** When it is aborted, Packer is sent SIGTERM. */
  readonly stop: AbortSignal
  printNewLines(): Promise<void>
}

/** How Packer ended: its exit code, the signal that killed it, or not at all within the time after SIGTERM. */
type End = number | NodeJS.Signals | 'timeout'

async function waitForEnd(started: StartedPacker, { directory, report, stop, printNewLines }: Watch): Promise<End> {
  const ended = started.ended.then(end => ({ end }))
  let stoppedAt: number | undefined
  for (;;) {
    const result = await Promise.race([ended, sleep(READ_INTERVAL, undefined, { ref: false })])
    await printNewLines()
    if (result) return result.end
    assertDiskSpace(directory)
    if (!stop.aborted) continue
    if (stoppedAt === undefined) {
      stoppedAt = performance.now()
      if (started.process) requestTermination(started.process)
      report({ terminationRequested: true })
    }
    const timeout = cancelled.aborted ? TIMEOUT_AFTER_CANCEL : TIMEOUT_AFTER_STOP
    if (performance.now() > stoppedAt + timeout) return 'timeout'
  }
}

function describeEnd(end: End): string {
  if (end === 'timeout') return 'did not end after SIGTERM'
  return typeof end === 'number' ? `exited with code ${end}` : `was killed by ${end}`
}

/** Sends SIGTERM: Packer ignores a SIGINT to it alone, and cleans up after SIGTERM (hashicorp/packer, main.go, ForwardSignals). */
export function requestTermination(packer: ProcessId): void {
  info('Sent SIGTERM to Packer; waiting for it to clean up.')
  sendSignal(packer, 'SIGTERM')
}

interface LogPrinter {
  /** Adds a line of stdout (0) or stderr (1), with the text to print, if the line has one. */
  add(file: 0 | 1, text: string | undefined): void
  print(): void
  /** How many lines of stdout and of stderr were added. */
  linesPrinted(): readonly [number, number]
}

/**
 * Makes a printer of Packer's lines. It prints many lines at a time, and counts them.
 *
 * @param alreadyPrinted How many lines of each file another process has printed; they are skipped.
 */
export function createLogPrinter(alreadyPrinted: readonly [number, number] = [0, 0]): LogPrinter {
  const counts: [number, number] = [0, 0]
  let waiting: string[] = []
  return {
    add: (file, text) => {
      counts[file]++
      if (text !== undefined && counts[file] > alreadyPrinted[file]) waiting.push(text)
    },
    print: () => {
      if (waiting.length > 0) info(waiting)
      waiting = []
    },
    linesPrinted: () => counts,
  }
}

/** Prints the lines that Packer has written since the last call. Signals are handled between the reads. */
export async function printNewLines(log: PackerLog, printer: LogPrinter): Promise<void> {
  while (log.readLines()) {
    printer.print()
    await setImmediate()
  }
}

function addImages(artifacts: Map<string, Set<string>>, { property, value }: ArtifactMessage): void {
  if (property !== 'id') return
  for (const [region, image] of imagesOf(value)) {
    artifacts.set(region, (artifacts.get(region) ?? new Set()).add(image))
  }
}
