import fs from 'node:fs'
import path from 'node:path'
import { type Sink, toLines } from './lines.ts'

/**
 * The two files that Packer writes its output to, read while Packer writes. Standard error needs its own file: with Packer's debug
 * log it contains the unescaped output of provisioners, which could be mistaken for Packer's own messages.
 */
export interface PackerLog {
  /** The open files for Packer's stdout and stderr. */
  readonly files: readonly [number, number]
  /** Passes new lines to the readers, some hundred kilobytes at most. Returns whether there was anything new. */
  readLines(): boolean
  close(): void
}

/** Functions that receive the lines of each file. */
export interface Readers {
  stdout(line: string): void
  stderr(line: string): void
}

/** Opens the files in a directory. Creates them if they don't exist, readable by this user only. */
export function openLog(directory: string, { stdout, stderr }: Readers): PackerLog {
  const out = tail(stdoutIn(directory), toLines(stdout))
  const err = tail(path.join(directory, 'stderr'), toLines(stderr))
  return {
    files: [out.file, err.file],
    readLines: () => [out.read(), err.read()].includes(true),
    close: () => {
      fs.closeSync(out.file)
      fs.closeSync(err.file)
    },
  }
}

/** The path of the file with Packer's standard output. */
export function stdoutIn(directory: string): string {
  return path.join(directory, 'stdout')
}

const chunk = Buffer.allocUnsafeSlow(256 * 1024)

function tail(name: string, sink: Sink): { file: number; read(): boolean } {
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
