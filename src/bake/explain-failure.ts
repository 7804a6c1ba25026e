import { BuildError } from '../packer/build.ts'
import { type ConsoleReader, consoleTitle, printConsoleOutput } from '../packer/console-output.ts'
import { describeDiagnosis, diagnose } from '../packer/diagnoses.ts'
import { cancelled } from '../runner/cancel.ts'
import { type Excerpt, ExplainedError } from '../runner/explained-error.ts'
import { info } from '../runner/log.ts'

/** The title of the group with Packer's output. */
export const BUILD_TITLE = 'Packer: build'

/** How many lines of a console output the summary shows. */
const EXCERPT_LENGTH = 20

/**
 * Explains why Packer has failed: prints the console output of the instance and a diagnosis. An explanation must not change the result
 * of a step, nor delay it: this never throws, takes 5 s at most, and ends at once after a cancel.
 *
 * @returns The failure with its explanation; any other error as it is.
 */
export async function explainFailure(cause: unknown, reader: ConsoleReader): Promise<unknown> {
  if (!(cause instanceof BuildError) || cancelled.aborted) return cause
  const { failure, output, instance } = cause.remains
  const lines = instance ? await showConsole(instance, reader) : []
  if (cancelled.aborted) return cause
  const found = diagnose({ failure, output, console: lines })
  const diagnosis = found && describeDiagnosis(found)
  if (diagnosis) info(diagnosis)
  const excerpts = [quote("Packer's output before its clean-up", BUILD_TITLE, output)]
  if (instance) excerpts.push(quote(`The console output of ${instance}`, consoleTitle(instance), lines))
  return new ExplainedError(cause.message, { diagnosis, excerpts }, { cause })
}

async function showConsole(instance: string, reader: ConsoleReader): Promise<readonly string[]> {
  const output = await reader.read(instance)
  if (cancelled.aborted) return []
  await printConsoleOutput(instance, output)
  return output.kind === 'lines' ? output.lines : []
}

function quote(what: string, group: string, lines: readonly string[]): Excerpt {
  return {
    title: `${what}, last lines (the rest is in the group "${group}" of the step's log)`,
    lines: lines.slice(-EXCERPT_LENGTH),
  }
}
