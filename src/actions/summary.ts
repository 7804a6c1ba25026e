import { summary } from '@actions/core'
import { onGitHub } from '../runner/environment.ts'
import { messageOf, warn } from '../runner/log.ts'

/** Keeps a summary short: GitHub drops one that is longer than 1 MiB (GitHub docs, "Adding a job summary"). */
const MAX_LINE_LENGTH = 500

/** A row of the summary's table: its title as text, and its content as HTML. */
export type Row = readonly [title: string, html: string]

/**
 * Adds a table and preformatted texts to the job's summary. A failure is only a warning.
 *
 * @param texts Each is a list of some dozens of lines at most; long lines are cut.
 */
export async function writeSummary(rows: readonly Row[], texts: readonly (readonly string[])[]): Promise<void> {
  await write(() => {
    if (rows.length > 0) summary.addTable(rows.map(([title, html]) => [{ data: title, header: true }, html]))
    for (const lines of texts.filter(({ length }) => length > 0)) {
      summary.addRaw(`<pre>${lines.map(cutLine).map(escapeHtml).join('\n')}</pre>`, true)
    }
  })
}

/** The most rows of a table: some hundreds of bytes each, far below 1 MiB together. */
const MAX_ROWS = 500

/** Adds a table with a heading for each column to the job's summary. A failure is a warning. */
export async function writeTableSummary(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  await write(() => {
    const header = headings.map(data => ({ data, header: true }))
    summary.addTable([header, ...rows.slice(0, MAX_ROWS).map(row => [...row])])
    if (rows.length > MAX_ROWS) summary.addRaw(`<p>… and ${rows.length - MAX_ROWS} more</p>`, true)
  })
}

async function write(addContent: () => void): Promise<void> {
  if (!onGitHub) return
  try {
    summary.addHeading('AMI Bakery', 3)
    addContent()
    await summary.write()
  } catch (cause) {
    warn(`The job summary could not be written: ${messageOf(cause)}`)
  }
}

/** Cuts a line to a length that fits log and summary. */
export function cutLine(line: string): string {
  return line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line
}

/** Converts text to HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
