/** A phase of a run that ends without a hit. */
export type Phase = 'wait' | 'prepare' | 'launch' | 'provision' | 'image' | 'clean-up' | 'verify' | 'copy'

const startedAt = new Map<Phase, number>()

/** Starts a phase, which ends the previous one. A phase that has started does not start again: builds may run at the same time. */
export function enterPhase(phase: Phase): void {
  if (!startedAt.has(phase)) startedAt.set(phase, performance.now())
}

/** The phase that a failure belongs to: the last one, apart from Packer's clean-up after it; `undefined` when there was none. */
export function lastPhase(): Phase | undefined {
  return [...startedAt.keys()].findLast(phase => phase !== 'clean-up')
}

/** The total length of the bars of all phases, in characters. */
const WIDTH = 48

/** Draws the phases until now, one a line: its start, a bar, its duration. Returns no line when there was no phase. */
export function drawTimeline(): readonly string[] {
  const phases = [...startedAt].map(([phase, time]) => ({ phase, started: time / 1000 }))
  const start = phases.at(0)?.started ?? 0
  const now = performance.now() / 1000
  const column = (time: number) => Math.round(((time - start) / (now - start)) * (WIDTH - 1))
  return phases.map(({ phase, started }, index) => {
    const end = phases[index + 1]?.started ?? now
    const bar = `${' '.repeat(column(started))}${'█'.repeat(column(end) - column(started) + 1)}`
    return `${phase.padEnd(10)}${clock(started - start).padStart(7)}  ${bar.padEnd(WIDTH)}  ${duration(end - started)}`
  })
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** A duration as text, like `41 s` or `5 min 12 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
