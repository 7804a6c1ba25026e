/** Lines of a longer output. */
export interface Excerpt {
  /** What the lines are, and where the rest is. */
  readonly title: string
  /** Some dozens of lines at most. They are untrusted. */
  readonly lines: readonly string[]
}

/** What explains a failure, apart from its message. */
export interface FailureDetails {
  /** One line on the cause and on what to do, when the failure has a known shape. */
  readonly diagnosis: string | undefined
  readonly excerpts: readonly Excerpt[]
}

/** A failure with its explanation. The diagnosis is the last line of the message. */
export class ExplainedError extends Error {
  readonly details: FailureDetails

  constructor(message: string, details: FailureDetails, options?: ErrorOptions) {
    super(details.diagnosis ? `${message.trimEnd()}\n${details.diagnosis}` : message, options)
    this.details = details
  }
}

/** The explanation of an error, or of the error that caused it; `undefined` when there is none. */
export function detailsOf(error: unknown): FailureDetails | undefined {
  if (error instanceof ExplainedError) return error.details
  return error instanceof Error ? detailsOf(error.cause) : undefined
}
