import fs from 'node:fs'
import path from 'node:path'
import { fromWorkspace, workspace } from '../runner/environment.ts'
import { escapeControlCharacters, messageOf } from '../runner/log.ts'
import { type BytePath, type Selection, toBytePath } from './files.ts'

/**
 * Resolves the entries of `ami-definition-dirs`: patterns and exclusions too. An entry that exists is taken literally,
 * whatever characters it has; one that doesn't and has `*`, `?` or `[` is a pattern; one that begins with `!` leaves out
 * what it matches.
 *
 * @throws Error naming a pattern that matches nothing, or that can't be resolved.
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
    // It is too long, or below a file or an unreadable directory.
    return false
  }
}

/** Whether an entry leaves out what it matches. */
export function isExclusion(entry: string): boolean {
  return entry.startsWith('!') && !exists(entry)
}

/** Whether an entry stands for what it matches, and not for itself. */
export function isPattern(entry: string): boolean {
  return /[*?[]/.test(entry) && !entry.startsWith('!') && !exists(entry)
}

async function matchesOf(pattern: string): Promise<string[]> {
  const matches = new Set(await resolve(pattern))
  const counted = [...matches].filter(match => !isBelowAnother(match, matches) && !isHiddenFile(match))
  if (counted.length > 0) return counted.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  throw new Error(
    `ami-definition-dirs: the pattern ${pattern} matches nothing. Correct it; it begins at the workspace.`,
  )
}

/** A matched directory counts with all that is below it, so that a match down there would count twice. */
function isBelowAnother(match: string, matches: ReadonlySet<string>): boolean {
  const above = path.dirname(match)
  return above !== match && (matches.has(above) || isBelowAnother(above, matches))
}

/** What is hidden is passed over before anything else is asked of it: a link there may lead nowhere. */
function isHiddenFile(match: string): boolean {
  if (!path.basename(match).startsWith('.')) return false
  try {
    return !fs.statSync(match).isDirectory()
  } catch {
    return true
  }
}

async function resolve(pattern: string): Promise<readonly string[]> {
  if (pattern === '')
    throw new Error('ami-definition-dirs: "!" leaves out nothing by itself. Put a path or a pattern behind it.')
  if (exists(pattern)) return [fromWorkspace(pattern).replace(/\/+$/, '')]
  const absolute = path.isAbsolute(pattern) ? pattern : `${literally(workspace())}/${pattern}`
  const matches = await find(path.normalize(absolute)).catch(cause => {
    const reason = escapeControlCharacters(messageOf(cause)).replace(/\.$/, '')
    const advice = 'Remove it, or name what counts without a pattern.'
    throw new Error(`ami-definition-dirs: the pattern ${pattern} meets what can't be read: ${reason}. ${advice}`, {
      cause,
    })
  })
  const odd = matches.find(match => match.includes('\ufffd'))
  if (odd === undefined) return matches
  throw new Error(
    `ami-definition-dirs: the pattern ${pattern} matches ${escapeControlCharacters(odd)}, whose name is not UTF-8. Name its directory instead.`,
  )
}

/** It is a slow lister and gives other files than the checksum counts, so that nothing else uses it, nor pays for it. */
async function find(pattern: string): Promise<readonly string[]> {
  const { create } = await import('@actions/glob')
  const search = async (options: object) =>
    await (await create(pattern, { implicitDescendants: false, ...options })).glob()
  try {
    return await search({ omitBrokenSymbolicLinks: false })
  } catch {
    // Somewhere on the way is a link that leads nowhere. It is the definition's only if the pattern matches the link itself.
    const matches = await search({ omitBrokenSymbolicLinks: true })
    return [...new Set([...matches, ...(await search({ followSymbolicLinks: false }))])]
  }
}

/** The path as a pattern that matches nothing else. */
export function literally(place: string): string {
  return place.replaceAll('\\', '\\\\').replace(/[[?*]/g, '[$&]')
}
