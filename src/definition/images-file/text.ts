import { isUtf8 } from 'node:buffer'
import fs from 'node:fs'
import { fromWorkspace } from '../../runner/environment.ts'
import { escapeControlCharacters, messageOf } from '../../runner/log.ts'

const MAX_FILE_SIZE = 1024 * 1024

/**
 * Reads the images file as text, without a byte order mark. A relative path is relative to the workspace.
 *
 * @throws Error that begins with `images-file: ` when the file does not exist, is larger than 1 MiB, or is not UTF-8.
 */
export function readText(path: string): string {
  const file = `images-file: ${escapeControlCharacters(path)}`
  const bytes = readBytes(fromWorkspace(path), file)
  if (bytes.includes(0)) throw new Error(`${file}:1: the file is UTF-16, UTF-32 or binary. Save it as UTF-8.`)
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes)
  const lines = bytes.toString('latin1').split('\n')
  const wrong = lines.findIndex(line => !isUtf8(Buffer.from(line, 'latin1')))
  throw new Error(`${file}:${wrong + 1}: the line is not UTF-8. Save the file as UTF-8.`)
}

/** Opens only a regular file: opening a FIFO would never return. */
function readBytes(path: string, file: string): Buffer {
  const stats = describe(path, file)
  if (!stats) throw new Error(`${file} does not exist. Correct the path, or check out the repository first.`)
  if (!stats.isFile()) throw new Error(`${file} is not a file. Specify a YAML file.`)
  if (stats.size > MAX_FILE_SIZE) throw new Error(`${file} is larger than 1 MiB. Remove repetitions.`)
  try {
    return fs.readFileSync(path)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function describe(path: string, file: string): fs.Stats | undefined {
  try {
    return fs.statSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function unreadable(file: string, cause: unknown): Error {
  return new Error(`${file} can't be read: ${messageOf(cause)}. Specify a YAML file that this user may read.`, {
    cause,
  })
}
