import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { cancelled } from './cancel.ts'
import { identify, killGroup } from './process.ts'
import { unlessAborted } from './wait.ts'

/** Where a program runs, and with what environment. */
export interface ExecOptions {
  readonly directory: string
  readonly environment: Readonly<NodeJS.ProcessEnv>
  /**
   * Ends the program early, in place of a cancel alone: the program and all processes that it has started are killed. Such
   * a program has a session of its own, without a terminal, so that it can't ask for a password there.
   */
  readonly limit?: AbortSignal
}

/** How a program ended, and what it printed. */
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a short program to its end, without a shell and without input: some wait for what comes on an open stdin, and one
 * that ends while it is written to is an error that nobody catches (@actions/exec does that).
 *
 * @throws Error when it can't be started, or the limit's reason. A program that fails is no error: its exit code is returned.
 */
export async function run(program: string, args: readonly string[], where: ExecOptions): Promise<ExecResult> {
  const { directory: cwd, environment: env, limit } = where
  const child = spawn(program, args, { cwd, env, detached: limit !== undefined, stdio: ['ignore', 'pipe', 'pipe'] })
  const group = limit && child.pid ? identify(child.pid) : undefined
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
  const work = Promise.all([ended, text(child.stdout), text(child.stderr)])
  try {
    const [exitCode, stdout, stderr] = await unlessAborted(limit ?? cancelled, work)
    return { exitCode, stdout, stderr }
  } finally {
    if (group) killGroup(group)
    else child.kill()
  }
}
