import { GetConsoleOutputCommand, type GetConsoleOutputCommandInput } from '@aws-sdk/client-ec2'
import { askOptional, type Ec2, isDenied } from '../ec2/client.ts'
import { escapeControlCharacters, group, info, messageOf, removeTerminalSequences } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'

/** The lines of an instance's console output, or one line on why there are none. */
export type ConsoleOutput =
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** Another request may succeed, unless it would be denied too. */
  | { readonly kind: 'none'; readonly reason: string; readonly isDenied: boolean }

/** Asks for the console output of one instance: while the instance still runs, and again when that gave nothing. */
export interface ConsoleReader {
  /** Asks at once, and does not wait. Only the first call asks. */
  ask(instance: string): void
  /** Waits 5 s at most. Asks again if nothing has come. Never throws, and ends at once after a cancel. */
  read(instance: string): Promise<ConsoleOutput>
}

/** How long a failing step may wait for the console output, in seconds. */
const TIMEOUT = 5

/** Makes a reader that has not asked yet. */
export function createConsoleReader(ec2: Ec2): ConsoleReader {
  let early: Promise<ConsoleOutput> | undefined

  function ask(instance: string): void {
    early ??= request(ec2, instance, AbortSignal.timeout(milliseconds(TIMEOUT)))
  }

  async function read(instance: string): Promise<ConsoleOutput> {
    const limit = AbortSignal.timeout(milliseconds(TIMEOUT))
    const first = await early
    if (first?.kind === 'lines' || first?.isDenied) return first
    return await request(ec2, instance, limit)
  }

  return { ask, read }
}

const ACTION = 'ec2:GetConsoleOutput'

/**
 * `Latest` returns what the instance has printed until now, on instances of the Nitro system only. Without it EC2 returns what it has
 * stored after the instance was started or terminated (EC2 API reference, GetConsoleOutput).
 */
const VARIANTS: readonly Pick<GetConsoleOutputCommandInput, 'Latest'>[] = [{ Latest: true }, {}]

/** Never throws: the console output only explains a failure. */
async function request(ec2: Ec2, instance: string, limit: AbortSignal): Promise<ConsoleOutput> {
  let reason = `EC2 has no console output of ${instance} yet.`
  for (const variant of VARIANTS) {
    try {
      const lines = await requestLines(ec2, { InstanceId: instance, ...variant }, limit)
      if (lines.length > 0) return { kind: 'lines', lines }
    } catch (error) {
      if (isDenied(error)) return { kind: 'none', isDenied: true, reason: describeDenial(instance) }
      reason = `The console output of ${instance} can't be shown: ${messageOf(error)}`
    }
    if (limit.aborted || ec2.signal?.aborted) break
  }
  return { kind: 'none', isDenied: false, reason }
}

async function requestLines(ec2: Ec2, input: GetConsoleOutputCommandInput, limit: AbortSignal): Promise<string[]> {
  const command = new GetConsoleOutputCommand(input)
  const { Output = '' } = await askOptional(ec2, ACTION, (client, options) => client.send(command, options), limit)
  return toConsoleLines(Buffer.from(Output, 'base64'))
}

function describeDenial(instance: string): string {
  return `The console output of ${instance} can't be shown: grant the role of this job ${ACTION} to see it.`
}

/** The most bytes that are read: EC2 returns the last 64 KB (EC2 API reference, GetConsoleOutput). */
const MAX_BYTES = 64 * 1024
/** The most lines that are shown. */
const MAX_LINES = 200
/** Longer lines are cut, in characters. */
const MAX_LINE_LENGTH = 500

/**
 * Makes the last 200 lines of a console output readable: without blank lines and terminal sequences, control characters escaped, long
 * lines cut, invalid UTF-8 as U+FFFD. The lines are untrusted: print them with a function that neutralizes workflow commands.
 */
export function toConsoleLines(bytes: Buffer): string[] {
  const text = removeTerminalSequences(bytes.subarray(-MAX_BYTES).toString()).replaceAll('\t', '  ')
  const lines = text.split(/[\r\n]+/).map(line => line.trimEnd())
  return lines
    .filter(line => line !== '')
    .slice(-MAX_LINES)
    .map(shorten)
}

function shorten(line: string): string {
  const start = escapeControlCharacters(line.slice(0, MAX_LINE_LENGTH))
  return line.length > MAX_LINE_LENGTH ? `${start}…` : start
}

/** The title of the group with an instance's console output. */
export function consoleTitle(instance: string): string {
  return `Console output of ${instance}`
}

/** Prints the lines as a folded group, or the reason why there are none. */
export async function printConsoleOutput(instance: string, output: ConsoleOutput): Promise<void> {
  if (output.kind === 'none') return info(output.reason)
  await group(consoleTitle(instance), () => info(output.lines))
}
