import type { RegionalImage } from '../../ec2/images.ts'
import { CHECKSUM_TAG } from '../../ec2/tag-names.ts'
import { escapeControlCharacters, notice } from '../../runner/log.ts'
import { setOutputs } from '../outputs.ts'
import { createRecord } from '../record.ts'
import { cutLine, escapeHtml, writeTableSummary } from '../summary.ts'
import type { Publication } from './publications.ts'

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
    published: JSON.stringify(done.map(({ label }) => label)),
    record: writeRecord(done),
  })
  await writeTableSummary(['Image', 'AMI', 'Tag before', 'Result'], publications.map(toCells))
}

function idsByRegion(images: readonly RegionalImage[]): Record<string, string> {
  return Object.fromEntries(images.map(({ ec2, image }) => [ec2.region, image.id]))
}

interface Done {
  readonly label: string
  readonly images: readonly RegionalImage[]
  readonly changed: readonly RegionalImage[]
}

function writeRecord(done: readonly Done[]): string {
  const record = createRecord('publish', done.at(0)?.images.at(0)?.image.owner)
  for (const { label, changed } of done) for (const one of changed) record.add(one, `Published as ${label}`)
  return record.text()
}

function toCells({ label, outcome }: Publication): string[] {
  if (outcome.kind === 'missing') return [escapeHtml(label), '–', '–', toHtml(`not published: ${outcome.message}`)]
  const { id, tags } = outcome.image.image
  const before = `<code>${toHtml(tags.get(CHECKSUM_TAG) ?? '')}</code>`
  return [escapeHtml(label), `<code>${id}</code>`, before, toHtml(describeResult(outcome))]
}

function describeResult(outcome: Exclude<Publication['outcome'], { readonly kind: 'missing' }>): string {
  if (outcome.kind === 'failed') return `failed: ${outcome.message}`
  const { images, changed } = outcome.published
  const regions = images.map(({ ec2 }) => ec2.region).join(', ')
  return `${changed.length > 0 ? 'published' : 'was published before'} in ${regions}`
}

function toHtml(text: string): string {
  return escapeHtml(escapeControlCharacters(cutLine(text)))
}

/** @throws Error that names the images that could not be published. */
export function assertAllPublished(publications: readonly Publication[]): void {
  const failures = publications.flatMap(({ label, outcome }) =>
    outcome.kind === 'failed' ? [`${label}: ${outcome.message}`] : [],
  )
  if (failures.length === 0) return
  const count = publications.length - failures.length
  throw new Error(
    `Could not publish ${failures.length === 1 ? 'an image' : `${failures.length} images`}; the other ${count} are not affected.\n${failures.join('\n')}\nRun it again to finish.`,
  )
}
