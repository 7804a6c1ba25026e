import { BAKED_AT_TAG } from '../../ec2/tag-names.ts'
import { escapeControlCharacters, info, warn } from '../../runner/log.ts'
import { setOutputs } from '../outputs.ts'
import { cutLine, escapeHtml, writeTableSummary } from '../summary.ts'
import { dueText, type Outcome } from './apply.ts'
import { imagesOf, nameOf } from './units.ts'

/** The names of all outputs. */
export const OUTPUTS = ['pruned', 'marked', 'kept', 'snapshot_gib', 'record'] as const

/** Whether the run has changed anything, or only says what it would change. */
export type Mode = 'changes' | 'rehearsal'

/** Prints the result, sets the outputs, and writes the job's summary. */
export async function publishOutcomes(outcomes: readonly Outcome[], record: string, mode: Mode): Promise<void> {
  const pruned = outcomes.flatMap(({ pruned }) => pruned)
  const gib = pruned.reduce((sum, { image }) => sum + image.gib, 0)
  const count = (wanted: Label) => outcomes.filter(outcome => labelOf(outcome) === wanted).length
  info(LABELS.map(label => `${wordFor(label, mode)}: ${count(label)}`).join(', '))
  const outputs: Record<(typeof OUTPUTS)[number], string> = {
    pruned: toJson(outcomes, ({ verdict, pruned }) => pruned.map(({ image }) => [image.id, verdict.reason])),
    marked: toJson(outcomes, outcome =>
      labelOf(outcome) === 'marked' ? idsOf(outcome).map(id => [id, dueText(outcome.verdict)]) : [],
    ),
    kept: toJson(outcomes, listKept),
    snapshot_gib: String(gib),
    record,
  }
  setOutputs(outputs)
  const rows = [...outcomes].sort((a, b) => placeOf(a) - placeOf(b)).map(outcome => toCells(outcome, mode))
  await writeTableSummary(['Line', 'AMI', 'Baked', 'Result', 'Why'], rows)
}

const LABELS = ['failed', 'pruned', 'marked', 'kept'] as const
type Label = (typeof LABELS)[number]

function labelOf({ verdict, pruned, note, isFailed }: Outcome): Label {
  if (isFailed) return 'failed'
  if (verdict.result === 'mark') return 'marked'
  return verdict.result === 'delete' && (pruned.length > 0 || !note) ? 'pruned' : 'kept'
}

function wordFor(label: Label, mode: Mode): string {
  return mode === 'rehearsal' && (label === 'pruned' || label === 'marked') ? `would be ${label}` : label
}

function toJson(
  outcomes: readonly Outcome[],
  entries: (outcome: Outcome) => readonly (readonly [id: string, text: string])[],
): string {
  return JSON.stringify(Object.fromEntries(outcomes.flatMap(entries).map(([id, text]) => [id, cutLine(text)])))
}

function idsOf({ verdict }: Outcome): readonly string[] {
  return imagesOf(verdict.unit).map(({ image }) => image.id)
}

/** Every image that still exists and was not marked now. */
function listKept(outcome: Outcome): readonly (readonly [string, string])[] {
  const label = labelOf(outcome)
  if (label === 'marked' || label === 'pruned') return []
  const gone = new Set(outcome.pruned.map(({ image }) => image.id))
  const { reason } = outcome.verdict
  return idsOf(outcome)
    .filter(id => !gone.has(id))
    .map(id => [id, outcome.note ?? reason])
}

/** Images that still run although a newer one is published come first: they are what a person may want to replace. */
function placeOf(outcome: Outcome): number {
  return outcome.verdict.isOutdated ? -1 : LABELS.indexOf(labelOf(outcome))
}

function toCells(outcome: Outcome, mode: Mode): string[] {
  const { source, copies } = outcome.verdict.unit
  const { image, region } = source
  const more = copies.length > 0 ? ` and ${copies.length} ${copies.length > 1 ? 'copies' : 'copy'}` : ''
  const label = outcome.verdict.isOutdated ? 'kept, still runs' : wordFor(labelOf(outcome), mode)
  return [
    toText(nameOf(image)),
    `<code>${image.id}</code> ${region}${more}`,
    (image.tags.get(BAKED_AT_TAG) ?? image.creationDate).slice(0, 10),
    label,
    toText(outcome.note ?? outcome.verdict.reason),
  ]
}

/** Names and messages are not trusted. */
function toText(text: string): string {
  return escapeHtml(escapeControlCharacters(cutLine(text)))
}

/** How many failures an annotation lists, and how many units of each; all of them are in the outputs. */
const MAX_LISTED = 20

/**
 * Fails the step when a check or a change has failed.
 *
 * @param others What failed apart from units.
 * @throws Error with the list.
 */
export function assertComplete(outcomes: readonly Outcome[], others: readonly string[]): void {
  const failed = outcomes.filter(({ isFailed }) => isFailed)
  const byReason = Map.groupBy(failed, ({ verdict, note }) => note ?? verdict.reason)
  const units = [...byReason].map(([reason, those]) => {
    const ids = those.map(({ verdict }) => verdict.unit.source.image.id)
    return `${listSome(ids, ', ')}: ${reason}`
  })
  const failures = [...new Set([...others, ...units])].map(escapeControlCharacters)
  if (failures.length === 0) return
  throw new Error(`Not everything could be checked or changed. What that concerns stays:\n${listSome(failures, '\n')}`)
}

function listSome(items: readonly string[], separator: string): string {
  const more = items.length > MAX_LISTED ? [`and ${items.length - MAX_LISTED} more`] : []
  return [...items.slice(0, MAX_LISTED), ...more].join(separator)
}

/** Says how much is left for the next runs. */
export function warnOfBacklog(outcomes: readonly Outcome[]): void {
  const later = outcomes.filter(({ verdict }) => verdict.result === 'later').length
  const now = outcomes.filter(({ verdict }) => verdict.result === 'delete').length
  if (later === 0) return
  const runs = now > 0 ? `: ${Math.ceil(later / now)} more runs of this size are needed` : ''
  warn(`max-deletions: ${later} units that are due stay in this run${runs}.`)
}
