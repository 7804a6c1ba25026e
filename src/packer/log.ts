import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { given } from '../github.ts'
import { type Sink, toLines } from './lines.ts'

/**
 * The two files that Packer writes its output to, followed while they grow. They are two because what a provisioner prints
 * reaches stderr unescaped when Packer's debug log is on, where it could pass for one of Packer's own messages.
 */
export interface PackerLog {
  /** The open files for Packer's stdout and stderr. */
  readonly files: readonly [number, number]
  /** Hands on the lines that have come since the last call, at most some megabytes of them. Answers whether there were any. */
  readLines(): boolean
  /** Closes and removes the files. */
  remove(): void
}

/**
 * Creates the files, for this user's eyes only, in the runner's directory for temporary files.
 *
 * @throws Error when there is no room for them.
 */
export function createLog(onStdout: (line: string) => void, onStderr: (line: string) => void): PackerLog {
  const directory = fs.mkdtempSync(path.join(given('RUNNER_TEMP') ?? os.tmpdir(), 'ami-bakery-'))
  const stdout = followFile(path.join(directory, 'stdout'), toLines(onStdout))
  const stderr = followFile(path.join(directory, 'stderr'), toLines(onStderr))
  return {
    files: [stdout.file, stderr.file],
    readLines: () => [stdout.read(), stderr.read()].includes(true),
    remove: () => {
      fs.closeSync(stdout.file)
      fs.closeSync(stderr.file)
      fs.rmSync(directory, { recursive: true, force: true })
    },
  }
}

const chunk = Buffer.allocUnsafeSlow(1024 * 1024)
const CHUNKS_AT_A_TIME = 8

function followFile(name: string, sink: Sink): { file: number; read(): boolean } {
  const file = fs.openSync(name, 'ax+', 0o600)
  let position = 0
  function read(): boolean {
    const start = position
    for (let count = 0; count < CHUNKS_AT_A_TIME; count++) {
      const size = fs.readSync(file, chunk, 0, chunk.length, position)
      if (size === 0) break
      position += size
      sink(chunk.subarray(0, size))
    }
    return position > start
  }
  return { file, read }
}
