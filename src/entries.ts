import fs from 'node:fs'
import path from 'node:path'
import type { GlobOptions } from '@actions/glob'
import { type BytePath, type Selection, toBytePath } from './definition.ts'
import { fromWorkspace, workspace } from './github.ts'
import { messageOf, printable } from './log.ts'

/**
 * Resolves the entries of `ami-definition-dirs`: patterns and exclusions too. An entry that exists is taken literally, whatever characters it has; one that doesn't and
 * has `*`, `?` or `[` is a pattern; one that begins with `!` leaves out what it matches.
 *
 * @throws Error naming a pattern that matches nothing, or what it meets that can't be read.
 */
export async function selectEntries(entries: readonly string[]): Promise<Selection> {
  const paths: string[] = []
  const excluded = new Set<BytePath>()
  for (const entry of entries) {
    if (isPattern(entry)) paths.push(...(await matchesOf(entry)))
    else if (!isExclusion(entry)) paths.push(fromWorkspace(entry))
    else for (const match of await resolve(entry.slice(1).trim())) excluded.add(toBytePath(path.normalize(match)))
  }
  return { paths, excluded }
}

function exists(entry: string): boolean {
  return fs.lstatSync(fromWorkspace(entry), { throwIfNoEntry: false }) !== undefined
}

function isExclusion(entry: string): boolean {
  return entry.startsWith('!') && !exists(entry)
}

function isPattern(entry: string): boolean {
  return /[*?[]/.test(entry) && !entry.startsWith('!') && !exists(entry)
}

async function matchesOf(pattern: string): Promise<string[]> {
  const matches = await resolve(pattern)
  const counted = matches.filter(match => !isBelowAnother(match, matches) && !isHiddenFile(match))
  if (counted.length > 0) return counted.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  throw new Error(
    `ami-definition-dirs: the pattern ${pattern} matches nothing. Correct it; it begins at the workspace.`,
  )
}

/** A matched directory counts with all that is below it, so that a match down there would count twice. */
function isBelowAnother(match: string, matches: readonly string[]): boolean {
  return matches.some(other => match.startsWith(`${other}/`))
}

function isHiddenFile(match: string): boolean {
  return path.basename(match).startsWith('.') && !fs.statSync(match, { throwIfNoEntry: false })?.isDirectory()
}

async function resolve(pattern: string): Promise<string[]> {
  if (pattern === '')
    throw new Error('ami-definition-dirs: "!" leaves out nothing by itself. Put a path or a pattern behind it.')
  if (exists(pattern)) return [fromWorkspace(pattern).replace(/\/+$/, '')]
  const absolute = path.isAbsolute(pattern) ? pattern : `${literally(workspace())}/${pattern}`
  try {
    return await glob(path.normalize(absolute))
  } catch (cause) {
    const reason = printable(messageOf(cause)).replace(/\.$/, '')
    const advice = 'Remove it, or name what counts without a pattern.'
    throw new Error(`ami-definition-dirs: the pattern ${pattern} meets what can't be read: ${reason}. ${advice}`, {
      cause,
    })
  }
}

async function glob(pattern: string): Promise<string[]> {
  // It is a slow lister and gives other files than the checksum counts, so that nothing else uses it, nor pays for it.
  const { create } = await import('@actions/glob')
  const list = async (links: GlobOptions) =>
    await (await create(pattern, { implicitDescendants: false, ...links })).glob()
  const matches = await list({ omitBrokenSymbolicLinks: false }).catch(() => undefined)
  if (matches) return matches
  // A link to nothing anywhere in the workspace is enough to make it fail. Only one that matches counts.
  const [whole, links] = [await list({}), await list({ followSymbolicLinks: false })]
  return [...whole, ...links.filter(match => !fs.existsSync(match))]
}

/** The path as a pattern that matches nothing else. */
function literally(place: string): string {
  return place.replaceAll('\\', '\\\\').replace(/[[?*]/g, '[$&]')
}
