import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setOutput, summary } from '@actions/core'
import { type Checksum, summarize } from '../../definition/checksum.ts'
import { toText } from '../../definition/files.ts'
import type { HashedFile } from '../../definition/hash-files.ts'
import type { FoundImage, Outcome } from '../../ec2/images.ts'
import { cancelled } from '../../runner/cancel.ts'
import { onGitHub } from '../../runner/environment.ts'
import { escapeControlCharacters, fail, group, info, messageOf, printed, warn } from '../../runner/log.ts'
import { drawTimeline, duration } from '../../runner/timeline.ts'
import { unlessAborted } from '../../runner/wait.ts'
import type { Inputs } from './inputs.ts'

/** Removes the JSON file of an earlier run, so that a failure leaves no id behind. A link is removed, not its target. */
export function removeOutputFile(file: string): void {
  try {
    fs.rmSync(file, { force: true })
  } catch (cause) {
    // A part of its path is a file, so that there is none; whoever needs the path says so.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOTDIR') return
    throw new Error(
      `output-file: ${file} can't be removed: ${messageOf(cause)}. Name a file that this step may replace.`,
      { cause },
    )
  }
}

/** Shows every ingredient with its digest, and sets the checksum's output: it needs no credentials to be of use. */
export async function publishChecksum(checksum: Checksum): Promise<void> {
  const { value, files, ingredients } = checksum
  await group(`Definition: ${count(files, 'file')}`, () => showFiles(files))
  if (ingredients.length > 0) {
    const lines = ingredients.map(({ kind, title, digest }) => `${digest}  ${kind}: ${escapeControlCharacters(title)}`)
    await group(`Further ingredients: ${ingredients.length}`, () => info(lines))
  }
  info(
    `Checksum ${value} of ${count(files, 'file')}${ingredients.length > 0 ? ` and ${count(ingredients, 'further ingredient')}` : ''}`,
  )
  setOutputs({ ami_config_checksum: value })
}

/** Many lines at a time, for speed, but not more than V8 keeps among its small objects, for memory. */
async function showFiles(files: readonly HashedFile[]): Promise<void> {
  const lines = 500
  for (let start = 0; start < files.length; start += lines) {
    info(files.slice(start, start + lines).map(({ digest, path: file }) => `${digest}  ${toText(file)}`))
    await unlessAborted(cancelled, printed())
  }
}

/** GitHub drops a step's whole summary when it is longer than 1 MiB (GitHub docs, "Adding a job summary"). */
const MAX_LINE_LENGTH = 500

/**
 * Says in the log and in the job's summary why there is no image yet. A long line is cut.
 *
 * @param reasons Some dozens of lines at most.
 */
export function publishReasons(reasons: readonly string[]): void {
  const lines = reasons.map(line => (line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line))
  info(lines)
  summary.addRaw(`<pre>${lines.map(escapeHtml).join('\n')}</pre>`, true)
}

/** Hands the image on: the JSON file first, then the step's outputs, then the job's summary. */
export async function publish(outcome: Outcome, inputs: Inputs, checksum: Checksum): Promise<void> {
  const result = outcome.how === 'skipped' ? publishNothing() : publishOrRemove(outcome, inputs)
  await writeSummary([
    ...result,
    ['Region', inputs.region],
    ['Template', escapeHtml(escapeControlCharacters(inputs.template.name))],
    ['Checksum', `<code>${checksum.value}</code>`],
    ['Ingredients', describeIngredients(checksum)],
    ['Time', duration(process.uptime())],
  ])
}

type Row = readonly [title: string, html: string]

function publishOrRemove(found: FoundImage, inputs: Inputs): Row[] {
  try {
    return publishImage(found, inputs)
  } catch (cause) {
    fs.rmSync(inputs.outputFile, { force: true })
    throw cause
  }
}

function publishImage(found: FoundImage, { region, outputFile }: Inputs): Row[] {
  const { how, image, ids } = found
  info(
    `${how === 'hit' ? 'Hit' : 'Baked'}: ${image.id} (${escapeControlCharacters(image.name)}, ${image.creationDate}) in ${region}`,
  )
  writeOutputFile(outputFile, image.id)
  setOutputs({
    ami_ids: JSON.stringify(Object.fromEntries(ids)),
    ami_name: image.name,
    ami_creation_date: image.creationDate,
    cache_hit: String(how === 'hit'),
    // The last one: a step that can't set them all fails, and then has no id.
    ami_id: image.id,
  })
  const copies = [...ids].filter(([name]) => name !== region).map(([name, id]) => `${id} in ${name}`)
  if (copies.length > 0) info(`Copies: ${copies.join(', ')}`)
  const name = escapeHtml(escapeControlCharacters(image.name))
  return [['Image', `<code>${image.id}</code> ${name}`], ['Result', how], ...describeCopies(found, region)]
}

function describeCopies({ how, ids, healed }: FoundImage, region: string): Row[] {
  const copies = [...ids].filter(([name]) => name !== region)
  return copies.map(([name, id]) => [name, `<code>${id}</code> ${healed?.has(name) ? 'healed' : how}`])
}

function publishNothing(): Row[] {
  info('Skipped: there is no image, and on-miss says not to bake one.')
  setOutputs({ ami_id: '', cache_hit: 'false' })
  return [['Result', 'a miss, not baked']]
}

function describeIngredients(checksum: Checksum): string {
  const kinds = [...summarize(checksum)].map(([kind, digest]) => `<code>${kind}=${digest}</code>`)
  const base = checksum.baseImage ? `, baked from <code>${checksum.baseImage}</code>` : ''
  return `${kinds.join(' ')} (${count(checksum.files, 'file')}${base})`
}

function count(things: readonly unknown[], noun: string): string {
  return things.length === 1 ? `1 ${noun}` : `${things.length} ${noun}s`
}

/** Fails the step, which then has no image. Where outputs can't be set the annotation alone says so. */
export function publishFailure(cause: unknown): void {
  fail(cause)
  try {
    setOutputs({ cache_hit: 'false' })
  } catch (error) {
    info(messageOf(error))
  }
}

/** Written beside its place and renamed into it: there is never half a file, and a link in its place is replaced. */
function writeOutputFile(file: string, id: string): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`)
  try {
    fs.writeFileSync(temporary, `{"ami_id": "${id}"}`, { flag: 'wx' })
    fs.renameSync(temporary, file)
  } catch (cause) {
    fs.rmSync(temporary, { force: true })
    throw new Error(
      `output-file: ${file} can't be written: ${messageOf(cause)}. Name a place that this step may write to.`,
      { cause },
    )
  }
}

function setOutputs(outputs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(outputs)) {
    if (onGitHub) setOutput(name, value)
    else info(`${name}=${value}`)
  }
}

async function writeSummary(rows: readonly Row[]): Promise<void> {
  if (!onGitHub) return
  try {
    const reasons = summary.stringify()
    summary.emptyBuffer().addHeading('AMI Bakery', 3)
    summary.addTable(rows.map(([title, text]) => [{ data: title, header: true }, text]))
    const timeline = drawTimeline()
    if (timeline.length > 0) summary.addRaw(`<pre>${timeline.join('\n')}</pre>`, true)
    summary.addRaw(reasons)
    await summary.write()
  } catch (cause) {
    warn(`The job summary could not be written: ${messageOf(cause)}`)
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
