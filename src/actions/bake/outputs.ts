import fs from 'node:fs'
import { toText } from '../../definition/byte-path.ts'
import { type Checksum, summarize } from '../../definition/checksum.ts'
import type { HashedFile } from '../../definition/hash-files.ts'
import type { ImageSettings } from '../../definition/settings.ts'
import type { FoundImage, Outcome } from '../../ec2/images.ts'
import { describeScan } from '../../ec2/scan-results.ts'
import { cancelled } from '../../runner/cancel.ts'
import { detailsOf } from '../../runner/explained-error.ts'
import { escapeControlCharacters, fail, group, info, messageOf, printed } from '../../runner/log.ts'
import { drawTimeline, duration, lastPhase } from '../../runner/timeline.ts'
import { unlessAborted } from '../../runner/wait.ts'
import { type DefinedImage, listChain, titleOf } from '../image-checksum.ts'
import { nameSetting } from '../name-setting.ts'
import { writeOutputFile } from '../output-file.ts'
import { setOutputs } from '../outputs.ts'
import { cutLine, escapeHtml, type Row, writeSummary } from '../summary.ts'

/** The names of all outputs. */
export const OUTPUTS = [
  'ami_id',
  'ami_config_checksum',
  'cache_hit',
  'ami_ids',
  'ami_name',
  'ami_creation_date',
  'state',
  'last_ami_id',
] as const

type Outputs = Readonly<Partial<Record<(typeof OUTPUTS)[number], string>>>

/** Prints the step's results, sets its outputs, and writes its summary, also when it fails. */
export interface Report {
  /**
   * Prints every ingredient of the image and of its ancestors with its digest, and sets the output `ami_config_checksum`. It needs
   * no credentials.
   */
  definition(image: DefinedImage): Promise<void>
  /** Notes the image of an ancestor for the summary. After its bake the step is not a hit, whatever follows. */
  parent(parent: DefinedImage, id: string, how: FoundImage['how']): void
  /**
   * Prints why there is no image yet, and sets the output for the newest image of its line.
   *
   * @param reasons Some dozens of lines at most.
   */
  miss(reasons: readonly string[], lastImage: string | undefined): void
  /** Reports the image: first in the JSON file, then in the step's outputs, then in the job's summary. */
  outcome(outcome: Outcome, outputFile: string): Promise<void>
  /** Fails the step: prints the annotation, sets `cache_hit` and writes the summary. */
  failure(cause: unknown): Promise<void>
}

/** Creates the report of one step. */
export function createReport(): Report {
  let known: DefinedImage | undefined
  let shownReasons: readonly string[] = []
  let hasBakedParent = false
  const parents: Row[] = []

  async function definition(image: DefinedImage): Promise<void> {
    known = image
    for (const one of listChain(image)) await printIngredients(one)
    setOutputs({ ami_config_checksum: image.checksum.value, last_ami_id: '' } satisfies Outputs)
  }

  function parent(ancestor: DefinedImage, id: string, how: FoundImage['how']): void {
    hasBakedParent ||= how === 'baked'
    parents.push([`Parent ${escapeHtml(titleOf(ancestor))}`, `<code>${id}</code> ${how}`])
  }

  function miss(reasons: readonly string[], lastImage: string | undefined): void {
    shownReasons = reasons.map(cutLine)
    info(shownReasons)
    if (lastImage) setOutputs({ last_ami_id: lastImage } satisfies Outputs)
  }

  async function outcome(given: Outcome, outputFile: string): Promise<void> {
    // Packer has run in this step, if only for a parent, so that `cache_hit` is false.
    const result: Outcome = given.how === 'hit' && hasBakedParent ? { ...given, how: 'baked' } : given
    const rows = result.how === 'skipped' ? reportSkipped() : reportOrRemove(result, known?.settings, outputFile)
    await finish(rows, [])
  }

  async function failure(cause: unknown): Promise<void> {
    const error = nameSetting(cause)
    fail(error)
    try {
      setOutputs({ cache_hit: 'false' } satisfies Outputs)
    } catch (unset) {
      info(messageOf(unset))
    }
    await finish(describeFailure(error), quoteFailure(error))
  }

  async function finish(rows: readonly Row[], failure: readonly Text[]): Promise<void> {
    const details = known ? [...parents, ...describeDetails(known)] : []
    const time: Row = ['Time', duration(process.uptime())]
    await writeSummary([...rows, ...details, time], [...failure, drawTimeline(), shownReasons])
  }

  return { definition, parent, miss, outcome, failure }
}

async function printIngredients({ settings, checksum }: DefinedImage): Promise<void> {
  const { value, files, ingredients } = checksum
  const of = settings.name === undefined ? '' : ` of ${settings.name}`
  await group(`Definition${of}: ${count(files, 'file')}`, () => printFiles(files))
  if (ingredients.length > 0) {
    const lines = ingredients.map(({ kind, title, digest }) => `${digest}  ${kind}: ${escapeControlCharacters(title)}`)
    await group(`Further ingredients${of}: ${ingredients.length}`, () => info(lines))
  }
  const further = ingredients.length > 0 ? ` and ${count(ingredients, 'further ingredient')}` : ''
  info(`Checksum ${value}${of} of ${count(files, 'file')}${further}`)
}

/** Prints many lines at once, because that is faster, but not so many that V8 allocates the text as a large object. */
async function printFiles(files: readonly HashedFile[]): Promise<void> {
  const lines = 500
  for (let start = 0; start < files.length; start += lines) {
    info(files.slice(start, start + lines).map(({ digest, path: file }) => `${digest}  ${toText(file)}`))
    await unlessAborted(cancelled, printed())
  }
}

/** An id in the JSON file is valid only if the step succeeds. */
function reportOrRemove(found: FoundImage, settings: ImageSettings | undefined, outputFile: string): Row[] {
  try {
    return reportImage(found, settings, outputFile)
  } catch (cause) {
    fs.rmSync(outputFile, { force: true })
    throw cause
  }
}

function reportImage(found: FoundImage, settings: ImageSettings | undefined, outputFile: string): Row[] {
  const { how, state, image, ids } = found
  const region = settings?.region ?? ''
  const name = escapeControlCharacters(image.name)
  const unpublished = state === 'candidate' ? ', a candidate that is not published yet' : ''
  info(`${how === 'hit' ? 'Hit' : 'Baked'}: ${image.id} (${name}, ${image.creationDate}) in ${region}${unpublished}`)
  writeOutputFile(outputFile, `{"ami_id": "${image.id}"}`)
  setOutputs({
    ami_ids: JSON.stringify(Object.fromEntries(ids)),
    ami_name: image.name,
    ami_creation_date: image.creationDate,
    state,
    cache_hit: String(how === 'hit'),
    // The last one: a step that can't set all outputs fails, and must not have an id.
    ami_id: image.id,
  } satisfies Outputs)
  const scan = reportScan(found, settings)
  const copies = [...ids].filter(([other]) => other !== region)
  if (copies.length > 0) info(`Copies: ${copies.map(([other, id]) => `${id} in ${other}`).join(', ')}`)
  const rows = copies.map(
    ([other, id]): Row => [other, `<code>${id}</code> ${found.copied?.has(other) ? 'copied' : how}`],
  )
  return [
    ['Image', `<code>${image.id}</code> ${escapeHtml(name)}`],
    ['Result', state === 'candidate' ? `${how} (candidate, not published)` : how],
    ...scan,
    ...rows,
  ]
}

/** A new image is not scanned yet. For an older one without a scan there is a line only with `critical-fix-days`. */
function reportScan({ how, image }: FoundImage, settings: ImageSettings | undefined): Row[] {
  if (how === 'baked' || (!image.scan && settings?.criticalFixDays === undefined)) return []
  const scan = escapeControlCharacters(describeScan(image.scan))
  info(scan)
  return [['Vulnerabilities', escapeHtml(scan)]]
}

function reportSkipped(): Row[] {
  info('No image found; skipped because on-miss is skip.')
  setOutputs({ ami_id: '', state: '', cache_hit: 'false' } satisfies Outputs)
  return [['Result', 'a miss, not baked']]
}

function describeFailure(error: unknown): Row[] {
  const { diagnosis } = detailsOf(error) ?? {}
  const phase = lastPhase()
  return [
    ['Result', 'failed'],
    ...(phase ? [['Phase', phase] as const] : []),
    ...(diagnosis ? [['Diagnosis', escapeHtml(diagnosis.replace(/^Diagnosis: /, ''))] as const] : []),
  ]
}

type Text = readonly string[]

/** The message, without the diagnosis that is a row of the table, and the last lines of what was printed. */
function quoteFailure(error: unknown): Text[] {
  const { diagnosis, excerpts = [] } = detailsOf(error) ?? {}
  const message = messageOf(error)
    .split('\n')
    .filter(line => line !== diagnosis)
  const quotes = excerpts.filter(({ lines }) => lines.length > 0).map(({ title, lines }) => [`${title}:`, '', ...lines])
  return [message.slice(0, 50), ...quotes].map(lines => lines.map(escapeControlCharacters))
}

function describeDetails({ checksum, settings }: DefinedImage): Row[] {
  const { region, template } = settings
  return [
    ['Region', region],
    ['Template', escapeHtml(escapeControlCharacters(template.name))],
    ['Checksum', `<code>${checksum.value}</code>`],
    ['Ingredients', describeIngredients(checksum)],
  ]
}

function describeIngredients(checksum: Checksum): string {
  const kinds = [...summarize(checksum)].map(([kind, digest]) => `<code>${kind}=${digest}</code>`)
  const { baseImage } = checksum.options
  const base = baseImage ? `, baked from <code>${baseImage}</code>` : ''
  return `${kinds.join(' ')} (${count(checksum.files, 'file')}${base})`
}

function count(things: readonly unknown[], noun: string): string {
  return things.length === 1 ? `1 ${noun}` : `${things.length} ${noun}s`
}
