import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Identifies a process; a later process with the same id differs in `started`. */
export interface ProcessId {
  readonly pid: number
  /** The time at which it was started, in the format of the operating system. */
  readonly started: string
}

/** Identifies a running process; `undefined` when there is none, or only an unreaped zombie. */
export function identify(pid: number): ProcessId | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedElsewhere(pid)
  return started ? { pid, started } : undefined
}

/** Whether exactly this process still runs. */
export function isRunning({ pid, started }: ProcessId): boolean {
  return identify(pid)?.started === started
}

/** Sends a signal to exactly this process, if it still runs. */
export function sendSignal(target: ProcessId, name: NodeJS.Signals): void {
  if (isRunning(target)) sendTo(target.pid, name)
}

/** Kills exactly this process, and waits until it has ended, for at most one second. */
export async function killAndWait(target: ProcessId): Promise<void> {
  sendSignal(target, 'SIGKILL')
  for (let attempt = 0; attempt < 100 && isRunning(target); attempt++) await sleep(10)
}

/**
 * Kills the remaining processes of the group that a process leads or has led. The system does not reuse a process id while a
 * group of that id exists, so that another process with the id proves that the group has ended.
 */
export function killGroup(leader: ProcessId): void {
  const present = identify(leader.pid)
  if (present && present.started !== leader.started) return
  sendTo(-leader.pid, 'SIGKILL')
}

/** Kills a process and all its descendants that run now. It never throws: a process that has ended is no error. */
export function killTree(pid: number): void {
  for (const target of [pid, ...descendantsOf(pid)]) if (target > 1) sendTo(target, 'SIGKILL')
}

function descendantsOf(root: number): number[] {
  const children = Map.groupBy(listProcesses(), ({ parent }) => parent)
  const found: number[] = []
  for (let parents = [root]; parents.length > 0; found.push(...parents)) {
    parents = parents.flatMap(parent => children.get(parent) ?? []).map(({ pid }) => pid)
  }
  return found
}

function listProcesses(): { readonly pid: number; readonly parent: number }[] {
  try {
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).matchAll(/(\d+) +(\d+)/g)
    return [...rows].map(([, pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
  } catch {
    return []
  }
}

function sendTo(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name)
  } catch {
    // It has ended meanwhile.
  }
}

/** Field 3 of the file is the state, field 22 the start in clock ticks since boot (proc(5)). Field 2 may hold any text. */
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
