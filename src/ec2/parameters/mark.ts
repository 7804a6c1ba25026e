/** An attempt of a workflow run, as the description of a parameter's version names it. */
export interface Mark {
  readonly run: bigint
  readonly attempt: bigint
}

/** A workflow run as the runner's variables have it. */
export interface RunIds {
  readonly id: string
  readonly attempt: string
}

/** The mark of a workflow run; `undefined` outside a run, and for a runner whose ids are not numbers. */
export function markOfRun(run: RunIds | undefined): Mark | undefined {
  return run && /^\d+$/.test(run.id) && /^\d+$/.test(run.attempt)
    ? { run: BigInt(run.id), attempt: BigInt(run.attempt) }
    : undefined
}

/** Finds the mark in the description of a version; `undefined` when a person or another program wrote it. */
export function parseMark(description: string): Mark | undefined {
  const [, id, attempt] = /(?:^|\s)ami-bakery run=(\d+)\.(\d+)(?:\s|$)/.exec(description) ?? []
  return id && attempt ? markOfRun({ id, attempt }) : undefined
}

/** The description of a version that a run writes. Without a mark any run may write over it. */
export function toDescription(mark: Mark | undefined): string {
  return mark ? `ami-bakery run=${mark.run}.${mark.attempt}` : 'ami-bakery'
}

/** Whether a mark is of a later run than another, by the run's id and then by its attempt. No mark is the earliest. */
export function isLater(mark: Mark | undefined, other: Mark | undefined): boolean {
  if (!mark || !other) return mark !== undefined
  return mark.run > other.run || (mark.run === other.run && mark.attempt > other.attempt)
}
