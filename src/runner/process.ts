import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that can't be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number
  /** When it was started, in whatever form the system tells it. */
  readonly started: string
}

/** Identifies a process that runs now; `undefined` when there is none, or only a zombie that nobody has buried. */
export function identify(pid: number): ProcessId | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedElsewhere(pid)
  return started ? { pid, started } : undefined
}

/** Whether this very process still runs. */
export function isRunning({ pid, started }: ProcessId): boolean {
  return identify(pid)?.started === started
}

/** Sends a signal to this very process, if it still runs. */
export function signal(target: ProcessId, name: NodeJS.Signals): void {
  if (isRunning(target)) sendTo(target.pid, name)
}

/** Kills this very process, and waits until it can do nothing any more; a second at most. */
export async function kill(target: ProcessId): Promise<void> {
  signal(target, 'SIGKILL')
  for (let attempt = 0; attempt < 100 && isRunning(target); attempt++) await sleep(10)
}

/**
 * Kills what is left of the process group that a process leads or has led. The number of a process is not given away again
 * while its group lives, so that a stranger under that number means that the group is gone.
 */
export function killGroup(leader: ProcessId): void {
  const present = identify(leader.pid)
  if (present && present.started !== leader.started) return
  sendTo(-leader.pid, 'SIGKILL')
}

function sendTo(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name)
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Field 3 of the file is the state, field 22 the start in clock ticks since boot (proc(5)); field 2 may hold anything. */
function startedOnLinux(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || state === 'X' ? undefined : fields[18]
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function startedElsewhere(pid: number): string | undefined {
  try {
    const [state = 'Z', ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    })
      .trim()
      .split(/\s+/)
    return state.startsWith('Z') ? undefined : started.join(' ')
  } catch {
    return undefined
  }
}
