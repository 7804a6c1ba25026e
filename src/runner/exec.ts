import { getExecOutput } from '@actions/exec'
import { cancelled } from './cancel.ts'
import { killTree } from './process.ts'
import { unlessAborted } from './wait.ts'

/** The directory and the environment that a program runs in. */
export interface ExecOptions {
  readonly directory: string
  readonly environment: Readonly<NodeJS.ProcessEnv>
  /** When it is aborted, the program and its child processes are killed. Without it a cancel only ends the wait for the program. */
  readonly limit?: AbortSignal
}

/** The exit code and the output of a program. */
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a short program to its end. A cancel ends the wait for it.
 *
 * The `input` option of `@actions/exec` must not be used: with it, even with an empty input, a program that ends before it has
 * read the input causes an EPIPE error that can't be caught.
 *
 * @throws Error when the program is not on PATH or can't be started, or the limit's reason. An exit code other than 0
 *   is no error: it is returned.
 */
export async function run(program: string, args: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const { directory: cwd, environment, limit } = options
  const defined = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  const common = { cwd, env: Object.fromEntries(defined), silent: true, ignoreReturnCode: true }
  if (limit) return await runLimited(program, args, { ...common, limit })
  return await unlessAborted(cancelled, getExecOutput(program, [...args], common))
}

/** A shell script that prints its process id, which `@actions/exec` does not return, and then runs the program in the same process. */
const PRINT_PID = 'echo "$$" >&2; exec "$@"'

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
  const result = getExecOutput('sh', ['-c', PRINT_PID, 'sh', program, ...args], { ...common, listeners })
  try {
    const { exitCode, stdout, stderr } = await unlessAborted(limit, result)
    return { exitCode, stdout, stderr: stderr.slice(stderr.indexOf('\n') + 1) }
  } catch (cause) {
    if (limit.aborted) killTree(Number.parseInt(printed.join(''), 10))
    throw cause
  }
}
