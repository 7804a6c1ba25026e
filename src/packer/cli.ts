import { spawn } from 'node:child_process'
import { type ExecResult, run } from '../runner/exec.ts'
import { identify, type ProcessId } from '../runner/process.ts'

/** How Packer is run: where, and with what environment. */
export interface Packer {
  readonly directory: string
  readonly environment: Record<string, string>
}

/**
 * Runs a short Packer command to its end. Its answer is what it prints on standard output; standard error takes Packer's
 * debug log too, when the step sets PACKER_LOG.
 *
 * @param args The sub-command and its arguments; none of them meets a shell.
 * @throws Error when Packer can't be started. A command that fails is no error: its exit code is returned.
 */
export async function runPacker(packer: Packer, args: readonly string[]): Promise<ExecResult> {
  return await run('packer', args, packer)
}

/**
 * Starts Packer in a process group of its own, with files for its output.
 *
 * Ten seconds after a cancel the runner kills this process (actions/runner, ProcessInvoker). Packer must outlive that to
 * clean up behind itself; with pipes it would die of SIGPIPE at its next line and leave its instance on EC2.
 *
 * @param output The open files that take Packer's stdout and stderr.
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
