import { COMMANDS } from '../../cleanup/commands.ts'
import type { Image, RegionalImage } from '../../ec2/images.ts'
import { CHECKSUM_TAG, IMAGE_NAME_TAG, TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import { escapeControlCharacters, group, info, notice } from '../../runner/log.ts'
import { nameImage } from '../each-image.ts'
import { setOutputs } from '../outputs.ts'
import { cutLine, escapeHtml, writeTableSummary } from '../summary.ts'
import type { Changes } from './change-images.ts'
import type { Inputs, Task } from './inputs.ts'
import type { Target, Targets } from './targets.ts'
import type { Usage } from './usage.ts'

/** What the step has found and done. */
export interface Revoked {
  readonly found: Targets
  readonly changes: Changes
  readonly usage: Usage
  /** The image to use instead. */
  readonly replacement: Image | undefined
}

/** The names of all outputs. */
export const OUTPUTS = ['revoked', 'rolled_back', 'still_used_by', 'replacement', 'record'] as const

/** Lists the images, one per line, with what is not known about others. */
export function describeTargets({ targets, untagged }: Targets, { task, regions, dryRun }: Inputs): readonly string[] {
  const lines = targets.flatMap(({ unit, role, reason }) =>
    unit.images.map(one => {
      const what = one.image.id === unit.id ? role : `copy of ${unit.id}`
      return `${nameImage(one)}: ${describeState(one)}, ${nameOf(one)} (${what}). ${escapeControlCharacters(reason)}`
    }),
  )
  const others = untagged.map(
    one => `${nameImage(one)} is made of one of them, but has no tag ${CHECKSUM_TAG}: left as it is.`,
  )
  return [
    ...lines,
    ...others,
    'Images in other accounts that are made of these are not seen.',
    ...(regions ? [`Only ${regions.join(', ')} and aws-region are searched.`] : []),
    ...(dryRun ? [`dry-run: nothing is changed. Without it these would be ${task.kind}d.`] : []),
  ].map(cutLine)
}

function describeState({ image }: RegionalImage): string {
  const value = image.tags.get(CHECKSUM_TAG)
  return value === undefined ? image.state : escapeControlCharacters(value)
}

function nameOf({ image }: RegionalImage): string {
  return escapeControlCharacters(image.tags.get(IMAGE_NAME_TAG) ?? image.tags.get(TEMPLATE_TAG) ?? image.name)
}

/** Prints the result, sets the outputs and writes the job's summary. */
export async function reportRevocation(result: Revoked, { task, dryRun }: Inputs): Promise<void> {
  const { changes, usage, replacement } = result
  const users = [...new Set([...usage.references.values()].flat())].sort()
  for (const [id, arns] of usage.references) {
    if (arns.length > 0) info(cutLine(`${id} is still used by ${arns.map(escapeControlCharacters).join(', ')}.`))
  }
  if (task.kind === 'revoke' && !dryRun) await printFurtherCommands(changes.done)
  if (replacement) info(`The newest published image to use instead is ${replacement.id}.`)
  if (task.kind === 'restore' && !dryRun && changes.record === '')
    notice('The images are not revoked: nothing was restored.')
  setOutputs({
    revoked: JSON.stringify(task.kind === 'revoke' ? idsByRegion(changes.done) : {}),
    rolled_back: JSON.stringify(changes.rollBacks.rolledBack),
    still_used_by: JSON.stringify(users),
    replacement: replacement?.id ?? '',
    record: changes.record,
  })
  await writeTableSummary(['Image', 'Region', 'Name', 'Tag before', 'Result', 'Still used by'], toRows(result, task))
}

/** What this action never does itself: running instances lose nothing, but no new ones can be launched. */
async function printFurtherCommands(images: readonly RegionalImage[]): Promise<void> {
  await group('Commands that go further', () =>
    info([
      'To prevent further launches of the images (their launch permissions are lost):',
      ...images.map(({ ec2, image }) => COMMANDS.disableImage(ec2.region, image.id)),
      "To deregister them (they can't be restored):",
      ...images.map(({ ec2, image }) => COMMANDS.image(ec2.region, image.id)),
    ]),
  )
}

function idsByRegion(images: readonly RegionalImage[]): Record<string, readonly string[]> {
  const regions = Map.groupBy(images, ({ ec2 }) => ec2.region)
  return Object.fromEntries([...regions].map(([region, members]) => [region, members.map(({ image }) => image.id)]))
}

function toRows({ found, changes, usage }: Revoked, task: Task): readonly (readonly string[])[] {
  return found.targets.flatMap(target =>
    target.unit.images.map(one => [
      `<code>${one.image.id}</code>`,
      one.ec2.region,
      escapeHtml(cutLine(nameOf(one))),
      `<code>${escapeHtml(describeState(one))}</code>`,
      escapeHtml(describeResult({ target, one }, changes, task)),
      escapeHtml(cutLine(describeUsers(one.image.id, usage))) || '–',
    ]),
  )
}

interface Place {
  readonly target: Target
  readonly one: RegionalImage
}

function describeResult({ target, one }: Place, { done, failures }: Changes, task: Task): string {
  const { image } = one
  const what = image.id === target.unit.id ? target.role : `copy of ${target.unit.id}`
  if (failures.some(failure => failure.image.image.id === image.id)) return `not finished (${what})`
  const isDone = done.some(other => other.image.id === image.id)
  return `${isDone ? `${task.kind}d` : 'unchanged'} (${what}): ${cutLine(escapeControlCharacters(target.reason))}`
}

function describeUsers(id: string, { references, unseen }: Usage): string {
  const arns = references.get(id)?.map(arn => escapeControlCharacters(arn.replace(/^arn:[^:]*:/, ''))) ?? ['not known']
  const sharers = unseen.get(id)
  return [...arns, ...(sharers ? [`${sharers.join(', ')}: not seen`] : [])].join(', ')
}

/** @throws Error that names the images that are not finished, and the parameters that still hold a revoked image. */
export function assertFinished({ failures, rollBacks }: Changes, { kind }: Task): void {
  const images = failures.map(({ image, message }) => `${nameImage(image)}: ${message}`)
  const left = [...images, ...rollBacks.problems].map(cutLine)
  if (left.length === 0) return
  const result =
    images.length > 0
      ? `Could not ${kind} every image. The others are ${kind}d.`
      : `The images are ${kind}d, but not every parameter is rolled back.`
  throw new Error(`${result} These are left:\n${left.slice(0, 20).join('\n')}\nRun it again to finish them.`)
}
