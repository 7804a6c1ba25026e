import { createHash, hash } from 'node:crypto'
import fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { cancelled } from './cancel.ts'
import { type BytePath, toFileSystem, toText, unreadable } from './definition.ts'

/** A file of the definition and the SHA-1 of its bytes, in 40 lower-case hex digits. */
export interface CountedFile {
  readonly path: BytePath
  readonly digest: string
  /** Its owner may execute it. */
  readonly isExecutable: boolean
  /** Git LFS left its pointer in the file's place. */
  readonly isLfsPointer: boolean
}

/**
 * Reads the files of the definition, in the order of the list. Memory does not grow with their sizes.
 *
 * @throws Error naming the file that can't be read, or that changed while it was.
 */
export async function countFiles(definition: readonly BytePath[]): Promise<CountedFile[]> {
  const files: CountedFile[] = []
  for (const path of definition) files.push(await countFile(path))
  return files
}

/** The counted files whose bytes are others by now, or that are gone. */
export async function findChanged(files: readonly CountedFile[]): Promise<BytePath[]> {
  const changed: BytePath[] = []
  for (const file of files) {
    const now = await countFile(file.path).catch(() => undefined)
    if (now?.digest !== file.digest) changed.push(file.path)
  }
  return changed
}

/** Reads one file. */
export async function countFile(path: BytePath): Promise<CountedFile> {
  await letSignalsIn()
  const file = open(path)
  try {
    const before = fs.fstatSync(file, { bigint: true })
    const content = await digest(file)
    const after = fs.fstatSync(file, { bigint: true })
    const isExecutable = (before.mode & 0o100n) !== 0n
    if (before.size === after.size && before.mtimeNs === after.mtimeNs) return { path, isExecutable, ...content }
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    fs.closeSync(file)
  }
  throw new Error(
    `ami-definition-dirs: ${toText(path)} changed while it was read. Let nothing write to it during this step.`,
  )
}

/** Without `O_NONBLOCK` a FIFO that took the file's place since it was listed would be waited on for ever. */
function open(path: BytePath): number {
  try {
    return fs.openSync(toFileSystem(path), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

const buffer = Buffer.allocUnsafeSlow(256 * 1024)

async function digest(file: number): Promise<{ digest: string; isLfsPointer: boolean }> {
  let size = fill(file)
  const start = buffer.subarray(0, size)
  const isLfsPointer = size < LFS_POINTER_LIMIT && start.indexOf(LFS_POINTER_START) === 0
  if (size < buffer.length) return { digest: hash('sha1', start), isLfsPointer }
  const sha1 = createHash('sha1')
  for (; size > 0; size = fill(file)) {
    sha1.update(buffer.subarray(0, size))
    await letSignalsIn()
  }
  return { digest: sha1.digest('hex'), isLfsPointer }
}

/** Git LFS specification, "The Pointer": a text of less than 1024 bytes that begins with its version line. */
const LFS_POINTER_START = 'version https://git-lfs.github.com/spec/'
const LFS_POINTER_LIMIT = 1024

/** Reads until the buffer is full or the file ends: a short read alone is no end. */
function fill(file: number): number {
  let size = 0
  while (size < buffer.length) {
    const read = fs.readSync(file, buffer, size, buffer.length - size, null)
    if (read === 0) break
    size += read
  }
  return size
}

let lastPause = 0

/** Reading is synchronous for speed; ten times a second the event loop gets its turn, so that a cancel is heard. */
async function letSignalsIn(): Promise<void> {
  if (performance.now() - lastPause < 100) return
  await setImmediate()
  cancelled.throwIfAborted()
  lastPause = performance.now()
}
