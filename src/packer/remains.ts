import { escapeControlCharacters, removeTerminalSequences } from '../runner/log.ts'
import type { BuildLine } from './attribution.ts'
import type { CreatedResources } from './created-resources.ts'
import type { Evidence } from './diagnoses.ts'
import { isOfCleanUp, startsCleanUp } from './messages.ts'

/** What remains of a failed build to explain it. */
export interface BuildRemains extends Omit<Evidence, 'console'> {
  /** The instance that was launched, if one was. */
  readonly instance: string | undefined
}

/** Collects from the lines of a build what explains its failure. */
export interface RemainsCollector {
  readLine(line: BuildLine): void
  /** @param failure Why the build failed, in Packer's words. */
  remains(failure: string): BuildRemains
}

/** How many lines of a build are kept. */
const LAST_LINES = 20
/** Longer ones are cut, in characters. */
const MAX_LINE_LENGTH = 500

/**
 * Makes a collector that has read no line yet.
 *
 * @param resources What the build has created so far.
 * @param cleaningUp Called with the id of an instance that still runs when Packer begins to clean up after an error.
 */
export function collectRemains(
  resources: () => CreatedResources,
  cleaningUp: (instance: string) => void,
): RemainsCollector {
  const output: string[] = []

  function readLine(line: BuildLine): void {
    if (!isOfCleanUp(line)) output.push(toReadable(line.text))
    if (output.length > LAST_LINES) output.shift()
    if (!startsCleanUp(line)) return
    const { instances, images } = resources()
    const instance = instances.at(-1)
    // After a bake without an error the instance is terminated too.
    if (instance && images.length === 0) cleaningUp(instance)
  }

  return { readLine, remains: failure => ({ failure, output, instance: resources().instances.at(-1) }) }
}

function toReadable(line: string): string {
  return escapeControlCharacters(removeTerminalSequences(line.slice(0, MAX_LINE_LENGTH)).trimEnd())
}
