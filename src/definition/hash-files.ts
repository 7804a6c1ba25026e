import { createHash, hash } from 'node:crypto'
import fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { cancelled } from '../runner/cancel.ts'
import { type BytePath, toFileSystem, toText } from './byte-path.ts'
import { unreadable } from './files.ts'

/** A file of the definition and the SHA-1 of its bytes, in 40 lower-case hex digits. */
export interface HashedFile {
  readonly path: BytePath
  readonly digest: string
  /** Its owner may execute it. */
  readonly isExecutable: boolean
  /** The file is a Git LFS pointer. */
  readonly isLfsPointer: boolean
}

/**
 * Hashes files, in the order of the list. Memory does not grow with their sizes. Small files are hashed without an `await`,
 * which would take a fifth of the time for 100,000 of them.
 *
 * @throws Error that names a file that can't be read, or that changed while it was read.
 */
export async function hashFiles(paths: readonly BytePath[]): Promise<HashedFile[]> {
  const files: HashedFile[] = []
  for (const path of paths) {
    if (isPauseDue()) await yieldToEventLoop()
    files.push(hashSmallFile(path) ?? (await hashLargeFile(path)))
  }
  return files
}

/** Finds the files whose content has changed since they were hashed, or that do not exist any more. */
export async function findChanged(files: readonly HashedFile[]): Promise<BytePath[]> {
  const changed: BytePath[] = []
  for (const { path, digest } of files) {
    if (isPauseDue()) await yieldToEventLoop()
    if ((await digestOf(path)) !== digest) changed.push(path)
  }
  return changed
}

async function digestOf(path: BytePath): Promise<string | undefined> {
  try {
    return (hashSmallFile(path) ?? (await hashLargeFile(path))).digest
  } catch {
    cancelled.throwIfAborted()
    return undefined
  }
}

/** A larger buffer is not faster. With a quarter of this size V8 needs 6 MB to optimize the loop over a large file. */
const buffer = Buffer.allocUnsafeSlow(1024 * 1024)

function hashSmallFile(path: BytePath): HashedFile | undefined {
  const file = open(path)
  try {
    const before = fs.fstatSync(file)
    if (before.size >= buffer.length) return undefined
    const content = buffer.subarray(0, readFully(file, before.size))
    if (content.length === buffer.length) return undefined
    const digest = hash('sha1', content)
    if (isSame(before, fs.fstatSync(file)))
      return { path, digest, isExecutable: isExecutable(before), isLfsPointer: isLfsPointer(content) }
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    fs.closeSync(file)
  }
  throw changed(path)
}

async function hashLargeFile(path: BytePath): Promise<HashedFile> {
  const file = open(path)
  try {
    const before = fs.fstatSync(file)
    const sha1 = createHash('sha1')
    for (let size = readFully(file, -1); size > 0; size = readFully(file, -1)) {
      sha1.update(buffer.subarray(0, size))
      if (isPauseDue()) await yieldToEventLoop()
    }
    if (isSame(before, fs.fstatSync(file)))
      return { path, digest: sha1.digest('hex'), isExecutable: isExecutable(before), isLfsPointer: false }
  } catch (cause) {
    cancelled.throwIfAborted()
    throw unreadable(path, cause)
  } finally {
    fs.closeSync(file)
  }
  throw changed(path)
}

function isExecutable({ mode }: fs.Stats): boolean {
  return (mode & fs.constants.S_IXUSR) !== 0
}

/** Without `O_NONBLOCK` this would never return for a FIFO that has replaced the file since it was listed. */
function open(path: BytePath): number {
  try {
    return fs.openSync(toFileSystem(path), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/**
 * Reads until the buffer is full or the file ends. A short read is not the end of a file, unless it ends at the file's
 * size. Files in /proc report size 0.
 */
function readFully(file: number, expected: number): number {
  let size = 0
  while (size < buffer.length) {
    const read = fs.readSync(file, buffer, size, buffer.length - size, null)
    size += read
    if (read === 0 || size === expected) break
  }
  return size
}

/** `mtimeMs` has a resolution of a quarter of a microsecond, which is less than the time between two reads. */
function isSame(before: fs.Stats, after: fs.Stats): boolean {
  return before.isFile() && before.size === after.size && before.mtimeMs === after.mtimeMs
}

function changed(path: BytePath): Error {
  return new Error(`${toText(path)} changed while it was read. No process may write to it during this step.`)
}

/** Git LFS specification, "The Pointer": a text of less than 1024 bytes that begins with its version line. */
function isLfsPointer(content: Buffer): boolean {
  return content.length < 1024 && content.indexOf('version https://git-lfs.github.com/spec/') === 0
}

let lastPause = 0

/** Files are read synchronously, which is faster. The event loop must run ten times a second, so that a cancel takes effect. */
function isPauseDue(): boolean {
  return performance.now() - lastPause > 100
}

async function yieldToEventLoop(): Promise<void> {
  await setImmediate()
  cancelled.throwIfAborted()
  lastPause = performance.now()
}
