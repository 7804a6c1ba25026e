/** A line longer than this is cut: Packer's output must not fill the memory, whatever a provisioner prints. */
const LONGEST_LINE = 1024 * 1024

/** Takes bytes as they come. */
export type Sink = (bytes: Buffer) => void

/**
 * Cuts a stream of bytes into lines of text, wherever the reads fall: a character or a line may be split over several.
 * `\n` and `\r\n` end a line; invalid UTF-8 becomes U+FFFD; lines over 1 MiB lose their end.
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
