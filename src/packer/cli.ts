import { spawn } from 'node:child_process'
import { type ExecResult, run } from '../runner/exec.ts'
import { identify, type ProcessId } from '../runner/process.ts'

/** The directory and the environment that Packer runs in. */
export interface Packer {
  readonly directory: string
  readonly environment: Record<string, string>
}

/**
 * Runs a short Packer command and waits for it. Only standard output is its answer: standard error contains Packer's debug log too
 * when the step sets PACKER_LOG.
 *
 * @param args The subcommand and its arguments. They are not passed through a shell.
 * @throws Error when Packer can't be started. A command that fails is not an error: its exit code is returned.
 */
export async function runPacker(packer: Packer, args: readonly string[]): Promise<ExecResult> {
  return await run('packer', args, packer)
}

/**
 * Starts Packer in its own process group, with its output going to files.
 *
 * Ten seconds after a cancel the runner kills this process (actions/runner, ProcessInvoker), while Packer must continue to clean
 * up. With pipes SIGPIPE would kill Packer at its next line, and its instance would stay on EC2.
 *
 * @param output The open files for Packer's stdout and stderr.
 */
export function startPacker(
  { directory, environment }: Packer,
  args: readonly string[],
  output: readonly [stdout: number, stderr: number],
): StartedPacker {
  const child = spawn('packer', args, {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ['ignore', ...output],
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
  })
  return { process: child.pid ? identify(child.pid) : undefined, ended }
}

export interface StartedPacker {
  readonly process: ProcessId | undefined
  /** How Packer ended: its exit code, or the name of the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>
}
