import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { cancelled } from './cancel.ts'
import { unlessAborted } from './patience.ts'

/** Where a program runs, and with what environment. */
export interface Surroundings {
  readonly directory: string
  readonly environment: Readonly<NodeJS.ProcessEnv>
}

/** How a program ended, and what it printed. */
export interface Ending {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a short program to its end, without a shell and without input: some wait for what comes on an open stdin, and one
 * that ends while it is written to is an error that nobody catches (@actions/exec does that).
 *
 * @throws Error when it can't be started. A program that fails is no error: its exit code is returned.
 */
export async function runProgram(program: string, args: readonly string[], where: Surroundings): Promise<Ending> {
  const { directory: cwd, environment: env } = where
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
  const work = Promise.all([ended, text(child.stdout), text(child.stderr)])
  try {
    const [exitCode, stdout, stderr] = await unlessAborted(cancelled, work)
    return { exitCode, stdout, stderr }
  } finally {
    child.kill()
  }
}
