import fs from 'node:fs'
import path from 'node:path'
import { escapeControlCharacters } from '../runner/log.ts'

/**
 * A path whose every character stands for one byte, because a file's name need not be UTF-8. Comparing two of them
 * compares their raw bytes, so that `Array.sort` sorts as the checksum asks.
 */
export type BytePath = string

/** What is to be listed. */
export interface Selection {
  /** Absolute paths of directories and files, used as they are given. */
  readonly paths: readonly string[]
  /** Normalised paths that are left out with all that is below them. */
  readonly excluded: ReadonlySet<BytePath>
}

/**
 * Lists the files that define the AMI, sorted by the raw bytes of their paths. A file that is reached twice is listed
 * twice. Hidden files and links to directories below a given directory are left out; hidden directories are entered.
 *
 * @throws Error naming the path, for whatever can't be counted honestly: nothing there, nothing in it, dangling links,
 *   unreadable directories, FIFOs, sockets, devices, a `.git` directory.
 */
export function listFiles({ paths, excluded }: Selection): BytePath[] {
  const isExcluded = excluded.size === 0 ? () => false : (found: BytePath) => excluded.has(normalize(found))
  const files = paths.map(toBytePath).flatMap(given => listGiven(given, isExcluded))
  if (files.length > 0) return files.sort()
  throw new Error(
    `ami-definition-dirs: there is no file in ${paths.join(', ')}. Files whose name begins with "." don't count. ` +
      'Name the directories that hold what the image is made from.',
  )
}

/** Left out, with all that is below. */
type Exclusion = (found: BytePath) => boolean

function normalize(found: BytePath): BytePath {
  return path.posix.normalize(found).replace(/\/$/, '')
}

/** The bytes of a path that came as text. */
export function toBytePath(text: string): BytePath {
  return Buffer.from(text).toString('latin1')
}

/** The path as the file system takes it: its bytes, or a text where that is the same and quicker. */
export function toFileSystem(path: BytePath): string | Buffer {
  return isText(path) ? path : toBytes(path)
}

/** The path as a person reads it, on one line. */
export function toText(path: BytePath): string {
  return escapeControlCharacters(isText(path) ? path : toBytes(path).toString())
}

function isText(path: BytePath): boolean {
  return !/[^\0-\x7f]/.test(path)
}

function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1')
}

function listGiven(given: BytePath, isExcluded: Exclusion): BytePath[] {
  if (isBelowExcluded(normalize(given), isExcluded)) return []
  const stats = follow(given)
  if (stats.isFile()) return [given]
  if (!stats.isDirectory()) refuse(given, stats)
  if (isGit(fs.realpathSync.native(toFileSystem(given), 'buffer').toString('latin1'))) refuseGit(given)
  const files: BytePath[] = []
  walk(given, files, isExcluded)
  return files
}

function isBelowExcluded(found: BytePath, isExcluded: Exclusion): boolean {
  const above = path.posix.dirname(found)
  return isExcluded(found) || (above !== found && isBelowExcluded(above, isExcluded))
}

function isGit(directory: BytePath): boolean {
  return directory.endsWith('/.git')
}

function walk(directory: BytePath, files: BytePath[], isExcluded: Exclusion): void {
  if (isGit(directory)) refuseGit(directory)
  const prefix = directory.endsWith('/') ? directory : `${directory}/`
  for (const entry of entriesOf(directory, prefix)) {
    // Joined it is one text, which lives as long as the list; by a plus it would keep both its parts.
    const found = [prefix, entry.name].join('')
    if (isExcluded(found)) continue
    if (entry.isDirectory()) walk(found, files, isExcluded)
    else if (!entry.name.startsWith('.') && isCounted(found, entry)) files.push(found)
  }
}

function isCounted(path: BytePath, entry: Entry): boolean {
  if (entry.isFile()) return true
  const target = follow(path)
  if (!target.isFile() && !target.isDirectory()) refuse(path, target)
  return target.isFile()
}

type Kind = Pick<fs.Stats, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>

type Entry = Kind & { readonly name: BytePath }

function entriesOf(directory: BytePath, prefix: BytePath): Entry[] {
  try {
    return fs.readdirSync(toBytes(directory), { withFileTypes: true, encoding: 'latin1' })
  } catch {
    // Not every file system tells what a name stands for. Then Node would ask, but can't join such a name to the bytes.
    return entriesOneByOne(directory, prefix)
  }
}

function entriesOneByOne(directory: BytePath, prefix: BytePath): Entry[] {
  try {
    const names = fs.readdirSync(toFileSystem(directory), 'latin1')
    return names.map(name => Object.assign(fs.lstatSync(toFileSystem(prefix + name)), { name }))
  } catch (cause) {
    throw unreadable(directory, cause)
  }
}

function follow(path: BytePath): fs.Stats {
  try {
    return fs.statSync(toFileSystem(path))
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** Says why a path of the definition can't be read, and what to do. */
export function unreadable(path: BytePath, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const name = toText(path)
  if (code === 'ENOENT' && isLink(path)) {
    return new Error(`ami-definition-dirs: ${name} is a link to nothing. Remove it or create what it points to.`, {
      cause,
    })
  }
  const [what, advice] = REASONS[code] ?? [
    `can't be read (${code})`,
    'Make it readable, or take it out of the definition.',
  ]
  return new Error(`ami-definition-dirs: ${name} ${what}. ${advice}`, { cause })
}

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: [
    'does not exist',
    'Correct the path; relative ones begin at the workspace. Has the repository been checked out?',
  ],
  ENOTDIR: ['does not exist: a part of it is a file', 'Correct the path.'],
  ELOOP: ['is a link that leads back to itself', 'Remove it.'],
  EACCES: ['may not be read by this user', 'Give the user that runs the job permission to read it.'],
  EPERM: ['may not be read by this user', 'Give the user that runs the job permission to read it.'],
}

function isLink(path: BytePath): boolean {
  return fs.lstatSync(toFileSystem(path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function refuse(path: BytePath, kind: Kind): never {
  const what = kind.isFIFO() ? 'a FIFO' : kind.isSocket() ? 'a socket' : 'a device'
  throw new Error(
    `ami-definition-dirs: ${toText(path)} is ${what}, whose content is no definition. Take it out of there.`,
  )
}

function refuseGit(directory: BytePath): never {
  throw new Error(
    `ami-definition-dirs: ${toText(directory)} is a Git directory. It changes with every checkout, so that no image ` +
      'would ever be found again. Name the directories below it that define the AMI.',
  )
}
