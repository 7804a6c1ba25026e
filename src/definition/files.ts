import fs from 'node:fs'
import path from 'node:path'
import { type BytePath, toBytePath, toBytes, toFileSystem, toText } from './byte-path.ts'

/** The paths to list, and the paths to exclude. */
export interface Selection {
  /** Absolute paths of directories and files, used as they were specified. */
  readonly paths: readonly string[]
  /** Normalized paths that are excluded, together with everything below them. */
  readonly excluded: ReadonlySet<BytePath>
}

/**
 * Lists the files that define the AMI, sorted by the raw bytes of their paths. A file that is reached twice is listed
 * twice. Hidden files and links to directories below a specified directory are not listed; hidden directories are entered.
 *
 * @throws Error that names the path, for anything that can't be hashed deterministically: a missing path, no file at all, a
 *   dangling link, an unreadable directory, a FIFO, socket or device, a `.git` directory.
 */
export function listFiles({ paths, excluded }: Selection): BytePath[] {
  const isExcluded = excluded.size === 0 ? () => false : (found: BytePath) => excluded.has(normalize(found))
  const files = paths.map(toBytePath).flatMap(entry => listEntry(entry, isExcluded))
  if (files.length > 0) return files.sort()
  throw new Error(
    `There is no file in ${paths.join(', ')}. Files whose name begins with "." are not included. ` +
      'Specify the directories that define the AMI.',
  )
}

/** Whether a path is excluded, together with everything below it. */
type Exclusion = (found: BytePath) => boolean

function normalize(found: BytePath): BytePath {
  return path.posix.normalize(found).replace(/\/$/, '')
}

function listEntry(entry: BytePath, isExcluded: Exclusion): BytePath[] {
  if (isBelowExcluded(normalize(entry), isExcluded)) return []
  const stats = follow(entry)
  if (stats.isFile()) return [entry]
  if (!stats.isDirectory()) throw unsupported(entry, stats)
  if (isGit(fs.realpathSync.native(toFileSystem(entry), 'buffer').toString('latin1'))) throw gitDirectory(entry)
  const files: BytePath[] = []
  walk(entry, files, isExcluded)
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
  if (isGit(directory)) throw gitDirectory(directory)
  const prefix = directory.endsWith('/') ? directory : `${directory}/`
  for (const entry of entriesOf(directory, prefix)) {
    // V8 keeps both parts of a concatenated string in memory, but not those of a joined one.
    const found = [prefix, entry.name].join('')
    if (isExcluded(found)) continue
    if (entry.isDirectory()) walk(found, files, isExcluded)
    else if (!entry.name.startsWith('.') && isIncluded(found, entry)) files.push(found)
  }
}

function isIncluded(path: BytePath, entry: Entry): boolean {
  if (entry.isFile()) return true
  const target = follow(path)
  if (!target.isFile() && !target.isDirectory()) throw unsupported(path, target)
  return target.isFile()
}

type Kind = Pick<fs.Stats, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>

type Entry = Kind & { readonly name: BytePath }

function entriesOf(directory: BytePath, prefix: BytePath): Entry[] {
  try {
    return fs.readdirSync(toBytes(directory), { withFileTypes: true, encoding: 'latin1' })
  } catch {
    // If the file system does not return the types of entries, Node reads them, but fails for a name in this encoding.
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

/** The error for a path of the definition that can't be read, with the reason and the remedy. */
export function unreadable(path: BytePath, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const name = toText(path)
  if (code === 'ENOENT' && isLink(path)) {
    return new Error(`${name} is a dangling link. Remove it, or create its target.`, {
      cause,
    })
  }
  const [what, advice] = REASONS[code] ?? [
    `can't be read (${code})`,
    'Make it readable, or remove it from the definition.',
  ]
  return new Error(`${name} ${what}. ${advice}`, { cause })
}

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: [
    'does not exist',
    'Correct the path: it is relative to the workspace. Check out the repository before this step.',
  ],
  ENOTDIR: ['does not exist: a part of it is a file', 'Correct the path.'],
  ELOOP: ['is a link that points to itself', 'Remove it.'],
  EACCES: ['may not be read by this user', 'Allow the user that runs the job to read it.'],
  EPERM: ['may not be read by this user', 'Allow the user that runs the job to read it.'],
}

function isLink(path: BytePath): boolean {
  return fs.lstatSync(toFileSystem(path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function unsupported(path: BytePath, kind: Kind): Error {
  const what = kind.isFIFO() ? 'a FIFO' : kind.isSocket() ? 'a socket' : 'a device'
  return new Error(`${toText(path)} is ${what}, which has no content to hash. Remove it from the definition.`)
}

function gitDirectory(directory: BytePath): Error {
  return new Error(
    `${toText(directory)} is a Git directory. It changes with every checkout, so that no look-up would ever be a hit. ` +
      'Specify the directories below it that define the AMI.',
  )
}
