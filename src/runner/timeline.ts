/** A phase of a run that ends without a hit. */
export type Phase = 'wait' | 'prepare' | 'launch' | 'provision' | 'image' | 'clean-up' | 'verify' | 'copy'

/** The phases of one image, each with its start. */
interface Part {
  /** The image's name; empty if the run bakes only one. */
  readonly title: string
  readonly startedAt: Map<Phase, number>
}

const parts: Part[] = [{ title: '', startedAt: new Map() }]

/** Starts the phases of the next image of a run that bakes several. */
export function enterPart(title: string): void {
  parts.push({ title, startedAt: new Map() })
}

/** Starts a phase, which ends the previous one. A phase that has started does not start again: builds may run at the same time. */
export function enterPhase(phase: Phase): void {
  const startedAt = parts.at(-1)?.startedAt
  if (startedAt && !startedAt.has(phase)) startedAt.set(phase, performance.now())
}

/** The phase that a failure belongs to: the last one, apart from Packer's clean-up after it; `undefined` when there was none. */
export function lastPhase(): Phase | undefined {
  const phases = parts.flatMap(({ startedAt }) => [...startedAt.keys()])
  return phases.findLast(phase => phase !== 'clean-up')
}

/** The total length of the bars of all phases, in characters. */
const WIDTH = 48

/** Draws the phases until now, one a line: its start, a bar, its duration. Returns no line when there was no phase. */
export function drawTimeline(): readonly string[] {
  const phases = listPhases()
  const start = phases.at(0)?.started ?? 0
  const now = performance.now() / 1000
  const column = (time: number) => Math.round(((time - start) / (now - start)) * (WIDTH - 1))
  const width = Math.max(10, ...phases.map(({ name }) => name.length + 1))
  return phases.map(({ name, started }, index) => {
    const end = phases[index + 1]?.started ?? now
    const bar = `${' '.repeat(column(started))}${'█'.repeat(column(end) - column(started) + 1)}`
    return `${name.padEnd(width)}${clock(started - start).padStart(7)}  ${bar.padEnd(WIDTH)}  ${duration(end - started)}`
  })
}

/** The phases of all images in the order of their start, in seconds since the start of the process. */
function listPhases(): readonly { readonly name: string; readonly started: number }[] {
  return parts.flatMap(({ title, startedAt }) =>
    [...startedAt].map(([phase, time]) => ({ name: title ? `${title}: ${phase}` : phase, started: time / 1000 })),
  )
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
