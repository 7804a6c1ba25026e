import fs from 'node:fs'
import path from 'node:path'
import { type Sink, toLines } from './lines.ts'

/**
 * The two files that Packer writes its output to, read while they grow. They are two because what a provisioner prints
 * reaches stderr unescaped when Packer's debug log is on, where it could pass for one of Packer's own messages.
 */
export interface PackerLog {
  /** The open files for Packer's stdout and stderr. */
  readonly files: readonly [number, number]
  /** Hands on the lines that have come since the last call, some hundred kilobytes at most. Answers whether there were any. */
  readLines(): boolean
  close(): void
}

/** Who takes the lines of each file. */
export interface Readers {
  stdout(line: string): void
  stderr(line: string): void
}

/** Opens the files in a directory, where they are made if they aren't there yet, for this user's eyes only. */
export function openLog(directory: string, { stdout, stderr }: Readers): PackerLog {
  const out = follow(stdoutIn(directory), toLines(stdout))
  const err = follow(path.join(directory, 'stderr'), toLines(stderr))
  return {
    files: [out.file, err.file],
    readLines: () => [out.read(), err.read()].includes(true),
    close: () => {
      fs.closeSync(out.file)
      fs.closeSync(err.file)
    },
  }
}

/** The file that is Packer's standard output, and no other program's. */
export function stdoutIn(directory: string): string {
  return path.join(directory, 'stdout')
}

const chunk = Buffer.allocUnsafeSlow(256 * 1024)

function follow(name: string, sink: Sink): { file: number; read(): boolean } {
  const file = fs.openSync(name, 'a+', 0o600)
  let position = 0
  function read(): boolean {
    const size = fs.readSync(file, chunk, 0, chunk.length, position)
    position += size
    sink(chunk.subarray(0, size))
    return size > 0
  }
  return { file, read }
}
