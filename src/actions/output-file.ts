import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { messageOf } from '../runner/log.ts'

/**
 * Removes the JSON file of an earlier run, so that there is no id after a failed step. A link is removed, not its target.
 *
 * @throws Error that begins with `output-file`.
 */
export function removeOutputFile(file: string): void {
  try {
    fs.rmSync(file, { force: true })
  } catch (cause) {
    // A part of the path is a file, so that the JSON file does not exist. The function that writes it reports the error.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOTDIR') return
    const message = `output-file: ${file} can't be removed: ${messageOf(cause)}. Specify a file that this step may replace.`
    throw new Error(message, { cause })
  }
}

/**
 * Writes a file atomically: to a temporary file that is then renamed, so that a link at this path is replaced and the file is
 * never incomplete.
 *
 * @throws Error that begins with `output-file`.
 */
export function writeOutputFile(file: string, content: string): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`)
  try {
    fs.writeFileSync(temporary, content, { flag: 'wx' })
    fs.renameSync(temporary, file)
  } catch (cause) {
    fs.rmSync(temporary, { force: true })
    const message = `output-file: ${file} can't be written: ${messageOf(cause)}. Specify a path that this step may write to.`
    throw new Error(message, { cause })
  }
}
