import type { Image } from '../../ec2/images.ts'
import { escapeControlCharacters, info, warn } from '../../runner/log.ts'
import type { Resolved } from '../base-images.ts'
import { titleOf } from '../image-checksum.ts'
import { writeOutputFile } from '../output-file.ts'
import { setOutputs } from '../outputs.ts'
import { cutLine, escapeHtml, writeTableSummary } from '../summary.ts'
import type { Inputs } from './inputs.ts'
import type { PlanEntry, Rows } from './plan-images.ts'

/** What the images file and EC2's answers say. */
export interface Plan {
  readonly entries: readonly PlanEntry[]
  /** What must be baked or copied. */
  readonly rows: Rows
  /** The newest published image of the line, by image name; empty unless on-miss is last. */
  readonly last: ReadonlyMap<string, Image>
  readonly resolved: Resolved
}

/** The most jobs of a matrix (GitHub docs, "Running variations of jobs in a workflow"). */
const MAX_ROWS = 256

/** Prints the plan, sets its outputs, writes the JSON file and the job's summary. */
export async function publishPlan(plan: Plan, { onMiss, outputFile }: Inputs): Promise<void> {
  const { entries, rows, last, resolved } = plan
  for (const { image, result, id, reason, warning } of entries) {
    if (warning) warn(`${titleOf(image)}: ${warning}`)
    info(cutLine(`${titleOf(image)}: ${result}${id ? ` ${id}` : ''}. ${escapeControlCharacters(reason)}`))
  }
  const ids = idsOf(plan, onMiss)
  if (ids.size === entries.length) writeOutputFile(outputFile, fileContent(ids))
  if (rows.matrix.length <= MAX_ROWS) setOutputs(matrixOutputs(rows))
  setOutputs({
    ami_ids: toJson(entries.flatMap(({ image, result, id }) => (result === 'hit' && id ? [[titleOf(image), id]] : []))),
    plan: toJson(entries.map(entry => [titleOf(entry.image), describeEntry(entry)])),
    last_ami_ids: toJson([...last].map(([name, { id }]) => [name, id])),
    resolved: toJson([...resolved]),
  })
  await writeTableSummary(['Image', 'Result', 'AMI', 'Why'], entries.map(toCells))
}

/** As Terraform reads it by `-var-file`; names need no escape. */
function fileContent(ids: ReadonlyMap<string, string>): string {
  return `{"ami_ids": {${[...ids].map(([name, id]) => `"${name}": "${id}"`).join(', ')}}}`
}

/** The ids for Terraform: those of the hits, and with `last` those of the newest images of the others. */
function idsOf({ entries, last }: Plan, onMiss: Inputs['onMiss']): ReadonlyMap<string, string> {
  return new Map(
    entries.flatMap(({ image, result, id }): [string, string][] => {
      const name = titleOf(image)
      if (result === 'hit' && id) return [[name, id]]
      const substitute = onMiss === 'last' ? last.get(name) : undefined
      if (!substitute) return []
      warn(`${name} is no hit (${result}): its newest image ${substitute.id} is used instead.`)
      return [[name, substitute.id]]
    }),
  )
}

function matrixOutputs({ matrix, layers }: Rows): Record<string, string> {
  return {
    matrix: JSON.stringify(matrix),
    any_miss: String(matrix.length > 0),
    layers: JSON.stringify(layers),
  }
}

function describeEntry({ image, result, id, reason }: PlanEntry): object {
  return { result, ...(id && { ami_id: id }), ami_config_checksum: image.checksum.value, reason: cutLine(reason) }
}

function toCells({ image, result, id, reason }: PlanEntry): string[] {
  const why = escapeHtml(escapeControlCharacters(cutLine(reason)))
  return [escapeHtml(titleOf(image)), result, id ? `<code>${id}</code>` : '–', why]
}

function toJson(entries: Iterable<readonly [string, unknown]>): string {
  return JSON.stringify(Object.fromEntries(entries))
}

/**
 * Fails the step, after its outputs are set, when the plan is not acceptable.
 *
 * @throws Error that counts the misses and their reasons.
 */
export function assertAccepted({ entries, rows, last }: Plan, { onMiss, maxMisses }: Inputs): void {
  const due = entries.filter(({ result }) => result !== 'hit')
  if (rows.matrix.length > MAX_ROWS) {
    throw new Error(
      `${rows.matrix.length} images must be baked or copied, but a job matrix has at most ${MAX_ROWS}. Plan fewer by images.`,
    )
  }
  const misses = entries.filter(({ result }) => result === 'miss')
  if (maxMisses !== undefined && misses.length > maxMisses) {
    const count = misses.length === 1 ? '1 image is a miss' : `${misses.length} images are a miss`
    throw new Error(`max-misses: ${count}, more than ${maxMisses}: ${countReasons(misses)}`)
  }
  if (onMiss === 'fail' && due.length > 0) {
    throw new Error(`on-miss: these images are no hit: ${listNames(due)}. Bake them first.`)
  }
  const without = onMiss === 'last' ? due.filter(({ image }) => !last.has(titleOf(image))) : []
  if (without.length > 0)
    throw new Error(`on-miss: these images have no earlier image: ${listNames(without)}. Bake them first.`)
}

function listNames(entries: readonly PlanEntry[]): string {
  return entries.map(({ image, result }) => `${titleOf(image)} (${result})`).join(', ')
}

/** Ids differ from image to image, so that they are left out of a reason that is counted. */
function countReasons(misses: readonly PlanEntry[]): string {
  const reasons = Map.groupBy(misses, ({ reason }) => reason.replace(/\bami-[0-9a-f]+\b/g, 'ami-…'))
  const lines = [...reasons].map(([reason, entries]) => `${entries.length} × ${cutLine(reason)}`)
  return `${lines.slice(0, 10).join(' ')} Have tags been deleted, or has a default changed? Else raise max-misses.`
}
