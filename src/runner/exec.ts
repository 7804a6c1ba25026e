import { getExecOutput } from '@actions/exec'
import { cancelled } from './cancel.ts'
import { unlessAborted } from './wait.ts'

/** Where a program runs, and with what environment. */
export interface ExecOptions {
  readonly directory: string
  readonly environment: Readonly<NodeJS.ProcessEnv>
  /** Kills the program when it is aborted. Without it only a cancel ends the wait for the program. */
  readonly limit?: AbortSignal
}

/** How a program ended, and what it printed. */
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a short program to its end. A cancel does not wait for it.
 *
 * The `input` option of `@actions/exec` is never used: with it, even an empty one, a program that ends before it has read its
 * input is an EPIPE that nothing catches.
 *
 * @throws Error when the program is not on PATH or can't be started, or the limit's reason. A program that fails is no error:
 *   its exit code is returned.
 */
export async function run(program: string, args: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const { directory: cwd, environment, limit } = options
  const defined = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  const common = { cwd, env: Object.fromEntries(defined), silent: true, ignoreReturnCode: true }
  if (limit) return await runLimited(program, args, { ...common, limit })
  return await unlessAborted(cancelled, getExecOutput(program, [...args], common))
}

/** Prints its process id, which `@actions/exec` does not tell, and becomes the program. */
const ANNOUNCE = 'echo "$$" >&2; exec "$@"'

interface LimitedOptions {
  readonly cwd: string
  readonly env: Record<string, string>
  readonly silent: boolean
  readonly ignoreReturnCode: boolean
  readonly limit: AbortSignal
}

async function runLimited(program: string, args: readonly string[], options: LimitedOptions): Promise<ExecResult> {
  const { limit, ...common } = options
  const printed: string[] = []
  const listeners = { stderr: (bytes: Buffer) => void printed.push(bytes.toString()) }
  const result = getExecOutput('sh', ['-c', ANNOUNCE, 'sh', program, ...args], { ...common, listeners })
  try {
    const { exitCode, stdout, stderr } = await unlessAborted(limit, result)
    return { exitCode, stdout, stderr: stderr.slice(stderr.indexOf('\n') + 1) }
  } catch (cause) {
    if (limit.aborted) killQuietly(Number.parseInt(printed.join(''), 10))
    throw cause
  }
}

function killQuietly(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
