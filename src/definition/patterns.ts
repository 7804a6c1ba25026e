import fs from 'node:fs'
import path from 'node:path'
import { fromWorkspace, workspace } from '../runner/environment.ts'
import { escapeControlCharacters, messageOf } from '../runner/log.ts'
import { type BytePath, toBytePath } from './byte-path.ts'
import type { Selection } from './files.ts'

/**
 * Resolves the entries of a definition: paths, patterns and exclusions. An entry that exists is used literally, whatever
 * characters it has. Otherwise an entry with `*`, `?` or `[` is a pattern, and one that begins with `!` excludes its matches.
 *
 * @throws Error that names a pattern that matches nothing or can't be resolved.
 */
export async function selectEntries(entries: readonly string[]): Promise<Selection> {
  const paths: string[] = []
  const excluded = new Set<BytePath>()
  for (const entry of entries) {
    if (isPattern(entry)) for (const match of await matchesOf(entry)) paths.push(match)
    else if (!isExclusion(entry)) paths.push(fromWorkspace(entry))
    else for (const match of await resolve(entry.slice(1).trim())) excluded.add(toBytePath(path.normalize(match)))
  }
  return { paths, excluded }
}

function exists(entry: string): boolean {
  try {
    return fs.lstatSync(fromWorkspace(entry), { throwIfNoEntry: false }) !== undefined
  } catch {
    // The path is too long, or its parent is a file or an unreadable directory.
    return false
  }
}

/** Whether an entry is an exclusion, and not a path. */
export function isExclusion(entry: string): boolean {
  return entry.startsWith('!') && !exists(entry)
}

/** Whether an entry is a pattern, and not a path. */
export function isPattern(entry: string): boolean {
  return /[*?[]/.test(entry) && !entry.startsWith('!') && !exists(entry)
}

async function matchesOf(pattern: string): Promise<string[]> {
  const matches = new Set(await resolve(pattern))
  const included = [...matches].filter(match => !isBelowAnother(match, matches) && !isHiddenFile(match))
  if (included.length > 0) return included.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  throw new Error(`The pattern ${pattern} matches nothing. Correct it: it is relative to the workspace.`)
}

/** A matched directory is included with everything below it. A match below it would be included twice. */
function isBelowAnother(match: string, matches: ReadonlySet<string>): boolean {
  const above = path.dirname(match)
  return above !== match && (matches.has(above) || isBelowAnother(above, matches))
}

/** Hidden files are skipped before they are read: they may be dangling links. */
function isHiddenFile(match: string): boolean {
  if (!path.basename(match).startsWith('.')) return false
  try {
    return !fs.statSync(match).isDirectory()
  } catch {
    return true
  }
}

async function resolve(pattern: string): Promise<readonly string[]> {
  if (pattern === '') throw new Error('"!" alone excludes nothing. Write a path or a pattern after it.')
  if (exists(pattern)) return [fromWorkspace(pattern).replace(/\/+$/, '')]
  const absolute = path.isAbsolute(pattern) ? pattern : `${escapeGlob(workspace())}/${pattern}`
  const matches = await glob(path.normalize(absolute)).catch(cause => {
    const reason = escapeControlCharacters(messageOf(cause)).replace(/\.$/, '')
    const advice = 'Remove it, or specify the paths without a pattern.'
    throw new Error(`The pattern ${pattern} can't be resolved: ${reason}. ${advice}`, {
      cause,
    })
  })
  const odd = matches.find(match => match.includes('\ufffd'))
  if (odd === undefined) return matches
  throw new Error(
    `The pattern ${pattern} matches ${escapeControlCharacters(odd)}, whose name is not UTF-8. Specify its directory instead.`,
  )
}

/** Loaded on demand: only patterns need it. Directories are not listed with it: it is slow, and its result differs from the checksum's rules. */
async function glob(pattern: string): Promise<readonly string[]> {
  const { create } = await import('@actions/glob')
  const search = async (options: object) =>
    await (await create(pattern, { implicitDescendants: false, ...options })).glob()
  try {
    return await search({ omitBrokenSymbolicLinks: false })
  } catch {
    // There is a dangling link below. It belongs to the definition only if the pattern matches the link itself.
    const matches = await search({ omitBrokenSymbolicLinks: true })
    return [...new Set([...matches, ...(await search({ followSymbolicLinks: false }))])]
  }
}

/** Escapes a path, so that the pattern matches nothing else. */
export function escapeGlob(literal: string): string {
  return literal.replaceAll('\\', '\\\\').replace(/[[?*]/g, '[$&]')
}
