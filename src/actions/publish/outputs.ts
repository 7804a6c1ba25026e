import type { RegionalImage } from '../../ec2/images.ts'
import { CHECKSUM_TAG } from '../../ec2/tag-names.ts'
import { escapeControlCharacters, notice } from '../../runner/log.ts'
import { setOutputs } from '../outputs.ts'
import { createRecord } from '../record.ts'
import { cutLine, escapeHtml, writeTableSummary } from '../summary.ts'
import { INPUTS } from './inputs.ts'
import type { Publication } from './publications.ts'
import type { Published } from './publish-image.ts'

/** The names of all outputs. */
export const OUTPUTS = ['ami_ids', 'published', 'record'] as const

/** Prints the results, sets the outputs and writes the job's summary. */
export async function reportPublications(publications: readonly Publication[]): Promise<void> {
  for (const { label, outcome } of publications) {
    if (outcome.kind === 'missing') notice(`${label} is not published: ${outcome.message} Bake it first.`)
  }
  const done = publications.flatMap(({ label, outcome }) =>
    outcome.kind === 'published' ? [{ label, ...outcome.published }] : [],
  )
  setOutputs({
    ami_ids: JSON.stringify(Object.fromEntries(done.map(({ label, images }) => [label, idsByRegion(images)]))),
    published: JSON.stringify(done.filter(isAsWanted).map(({ label }) => label)),
    record: writeRecord(done),
  })
  await writeTableSummary(['Image', 'AMI', 'Tag before', 'Result'], publications.map(toCells))
}

function idsByRegion(images: readonly RegionalImage[]): Record<string, string> {
  return Object.fromEntries(images.map(({ ec2, image }) => [ec2.region, image.id]))
}

type Done = Published & { readonly label: string }

function isAsWanted({ warnings, problems }: Published): boolean {
  return warnings.length === 0 && problems.length === 0
}

function writeRecord(done: readonly Done[]): string {
  const record = createRecord('publish', done.at(0)?.images.at(0)?.image.owner)
  for (const { label, changed } of done) for (const one of changed) record.add(one, `Published as ${label}`)
  return record.text()
}

function toCells({ label, outcome }: Publication): string[] {
  if (outcome.kind === 'missing') return [escapeHtml(label), '–', '–', toHtml(`not published: ${outcome.message}`)]
  const [result, image] = [toHtml(describeResult(outcome)), outcome.image?.image]
  if (!image) return [escapeHtml(label), '–', '–', result]
  const before = `<code>${toHtml(image.tags.get(CHECKSUM_TAG) ?? '')}</code>`
  return [escapeHtml(label), `<code>${image.id}</code>`, before, result]
}

function describeResult(outcome: Exclude<Publication['outcome'], { readonly kind: 'missing' }>): string {
  if (outcome.kind === 'failed') return `failed: ${outcome.message}`
  const { images, changed, others, warnings, problems } = outcome.published
  const regions = images.map(({ ec2 }) => ec2.region).join(', ')
  const result = `${changed.length > 0 ? 'published' : 'was published before'} in ${regions}`
  const launchers = others.length > 0 ? [`not in share-with, but may launch it: ${others.join(', ')}`] : []
  return [result, ...launchers, ...warnings, ...problems].join('. ')
}

function toHtml(text: string): string {
  return escapeHtml(escapeControlCharacters(cutLine(text)))
}

/** @throws Error with the reasons for each image that could not be published. */
export function assertAllPublished(publications: readonly Publication[]): void {
  const failures = publications.flatMap(publication => {
    const reasons = reasonsOf(publication)
    return reasons === '' ? [] : [{ ...publication, reasons }]
  })
  const [first] = failures
  if (!first) return
  if (publications.length === 1) throw new Error(explainAlone(first))
  const lines = failures.map(({ label, reasons }) => `${label}: ${reasons}`).join('\n')
  const what = `Could not publish ${failures.length} of ${publications.length} images. The others are not affected.`
  throw new Error(`${what}\n${lines}\nRun it again to finish.`)
}

function reasonsOf({ outcome }: Publication): string {
  if (outcome.kind === 'missing') return ''
  return outcome.kind === 'failed' ? outcome.message : outcome.published.problems.join('\n')
}

/** An error about an input begins with its name. */
function explainAlone({ label, outcome, reasons }: Publication & { readonly reasons: string }): string {
  if (INPUTS.some(name => reasons.startsWith(`${name}: `))) return reasons
  return outcome.kind === 'failed'
    ? `Could not publish ${label}: ${reasons}`
    : `${label} is published, but not everything is as specified: ${reasons}`
}
