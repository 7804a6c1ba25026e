/** Longer lines are cut, so that no output of a provisioner can fill the memory, in bytes. */
const LONGEST_LINE = 1024 * 1024

/** Receives bytes in chunks of any size. */
export type Sink = (bytes: Buffer) => void

/**
 * Splits a stream of bytes into lines of text. A character or a line may be split over several chunks. `\n` and `\r\n` end a
 * line; invalid UTF-8 becomes U+FFFD; a line over 1 MiB is cut at its end.
 */
export function toLines(onLine: (line: string) => void): Sink {
  let parts: Buffer[] = []
  let size = 0

  function keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, LONGEST_LINE - size)
    if (kept.length > 0) parts.push(Buffer.from(kept))
    size += kept.length
  }

  function end(): void {
    const line = Buffer.concat(parts).toString()
    parts = []
    size = 0
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  return bytes => {
    let start = 0
    for (let feed = bytes.indexOf(0x0a); feed !== -1; feed = bytes.indexOf(0x0a, start)) {
      keep(bytes.subarray(start, feed))
      end()
      start = feed + 1
    }
    keep(bytes.subarray(start))
  }
}
