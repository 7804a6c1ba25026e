import { escapeControlCharacters } from '../runner/log.ts'

/**
 * A path in which every character stands for one byte, because a file's name need not be UTF-8. Comparing two of them
 * compares their raw bytes, so that `Array.sort` returns the order of the checksum.
 */
export type BytePath = string

/** The bytes of a path that is text. */
export function toBytePath(text: string): BytePath {
  return Buffer.from(text).toString('latin1')
}

/** The path for calls to the file system: its bytes, or text if they are ASCII, because that is faster. */
export function toFileSystem(path: BytePath): string | Buffer {
  return isAscii(path) ? path : toBytes(path)
}

/** The path for the log, on one line. */
export function toText(path: BytePath): string {
  return escapeControlCharacters(isAscii(path) ? path : toBytes(path).toString())
}

/** The raw bytes of a path. */
export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1')
}

function isAscii(path: BytePath): boolean {
  return !/[^\0-\x7f]/.test(path)
}
