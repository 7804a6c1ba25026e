/** What a run that does not hit spends its time on. */
export type Phase = 'wait' | 'prepare' | 'launch' | 'provision' | 'image' | 'clean-up' | 'verify' | 'copy'

const entered = new Map<Phase, number>()

/** Begins a phase, which ends the one before it. One that has begun already doesn't begin again: builds may run side by side. */
export function enterPhase(phase: Phase): void {
  if (!entered.has(phase)) entered.set(phase, performance.now())
}

/** How many characters the bars of all phases take together. */
const WIDTH = 48

/** Draws the phases until now, one a line: when it began, a bar, how long it took. Nothing when there was none. */
export function drawTimeline(): readonly string[] {
  const phases = [...entered].map(([phase, begun]) => ({ phase, begun: begun / 1000 }))
  const start = phases.at(0)?.begun ?? 0
  const now = performance.now() / 1000
  const column = (time: number) => Math.round(((time - start) / (now - start)) * (WIDTH - 1))
  return phases.map(({ phase, begun }, index) => {
    const end = phases[index + 1]?.begun ?? now
    const bar = `${' '.repeat(column(begun))}${'█'.repeat(column(end) - column(begun) + 1)}`
    return `${phase.padEnd(10)}${clock(begun - start).padStart(7)}  ${bar.padEnd(WIDTH)}  ${duration(end - begun)}`
  })
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** A length of time for people, like `41 s` or `5 min 12 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
