import fs from 'node:fs'
import path from 'node:path'
import { cancelled } from '../runner/cancel.ts'
import { fromWorkspace, workspace } from '../runner/environment.ts'
import { escapeControlCharacters } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'
import { type BytePath, toBytePath } from './byte-path.ts'
import type { Checksum, IngredientOptions } from './checksum.ts'
import { createGit, type Difference, type Git, LINK, listDifferences, listTracked } from './git.ts'
import { escapeGlob, isExclusion, isPattern } from './patterns.ts'
import { createLocator, type GitPath, type Locator, realPath } from './repository.ts'

/** The time for all Git commands together, in seconds. For 100,000 files they take about one. */
const GIT_TIMEOUT = 5

/** A longer list explains no more, and GitHub drops a step's whole summary when it is longer than 1 MiB. */
const MAX_LINES = 50

/**
 * Lists the files that have changed since a commit: those that the checksum includes, and no others. It only explains a miss,
 * so that a failure is no error. It ends within a few seconds and needs no network.
 *
 * @returns Some dozens of lines at most; none if Git can't read a repository here.
 * @throws Error when the step is cancelled.
 */
export async function listChangedFiles(commit: string, checksum: Checksum): Promise<string[]> {
  const timeout = AbortSignal.timeout(milliseconds(GIT_TIMEOUT))
  const limit = AbortSignal.any([cancelled, timeout])
  try {
    const top = (await createGit(workspace(), limit)('rev-parse', '--show-toplevel')).replace(/\n$/, '')
    const git = createGit(top, limit)
    if (!(await hasCommit(git, commit, limit))) return [describeMissing(commit)]
    const included = findIncluded(checksum, createLocator(top))
    return included.pathspecs.length > 0 ? describeAll(await findChanges(git, commit, included)) : []
  } catch {
    cancelled.throwIfAborted()
    return timeout.aborted ? [`  Git did not list the changed files within ${GIT_TIMEOUT} seconds.`] : []
  }
}

async function hasCommit(git: Git, commit: string, limit: AbortSignal): Promise<boolean> {
  try {
    await git('cat-file', '-e', `${commit}^{commit}`)
    return true
  } catch {
    limit.throwIfAborted()
    return false
  }
}

function describeMissing(commit: string): string {
  const advice = 'To see the changed files here, set fetch-depth: 0 for actions/checkout.'
  return `  This checkout does not have the commit ${commit.slice(0, 10)}. ${advice}`
}

/** The part of the definition that is in the repository. */
interface Included {
  readonly files: ReadonlyMap<GitPath, BytePath>
  /** Pathspecs of directories and files that contain all of them. */
  readonly pathspecs: readonly string[]
  /** Pathspecs that match a deleted file if the checksum would include it. */
  readonly selection: readonly string[]
  readonly locate: Locator
  readonly strict: boolean
}

function findIncluded({ files: hashed, definition, options }: Checksum, locate: Locator): Included {
  const { variableFiles = [], strict }: IngredientOptions = options
  const others = [...variableFiles, ...(strict ? strict.files : [])].map(toBytePath)
  const files = new Map<GitPath, BytePath>()
  for (const file of [...hashed.map(file => file.path), ...others]) {
    const found = locate.file(file)
    if (found !== undefined) files.set(found, file)
  }
  const [exclusions, entries] = [definition.filter(isExclusion), definition.filter(entry => !isExclusion(entry))]
  const otherPathspecs = others.flatMap(file => literalPathspec(locate.file(file)))
  return {
    files,
    pathspecs: [
      ...entries.flatMap(entry => literalPathspec(locateEntry(splitPattern(entry).base, locate))),
      ...otherPathspecs,
    ],
    selection: [
      ...entries.flatMap(entry => selectionPathspecs(entry, 'top', locate)),
      ...otherPathspecs,
      ...exclusions.flatMap(entry => selectionPathspecs(entry.slice(1).trim(), 'top,exclude', locate)),
    ],
    locate,
    strict: strict !== undefined,
  }
}

function literalPathspec(found: GitPath | undefined): string[] {
  return found === undefined ? [] : [`:(top,literal)${found}`]
}

/** A pattern of Git matches whole paths. The files below a matched directory need a second one (gitglossary, "pathspec"). */
function selectionPathspecs(entry: string, magic: string, locate: Locator): string[] {
  const { base, pattern } = splitPattern(entry)
  const found = locateEntry(base, locate)
  if (found === undefined) return []
  if (pattern === '') return [`:(${magic},literal)${found}`]
  const whole = `:(${magic},glob)${path.posix.join(escapeGlob(found), pattern.replace(/\/$/, ''))}`
  return pattern.endsWith('/') ? [`${whole}/**`] : [whole, `${whole}/**`]
}

/** Splits a pattern into a base without wildcards and the rest. The base of a path is the path itself. */
function splitPattern(entry: string): { readonly base: string; readonly pattern: string } {
  if (!isPattern(entry)) return { base: entry, pattern: '' }
  const parts = path.posix.normalize(entry).split('/')
  const first = parts.findIndex(part => /[*?[]/.test(part))
  const base = parts.slice(0, first).join('/') || (path.isAbsolute(entry) ? '/' : '.')
  return { base, pattern: parts.slice(first).join('/') }
}

function locateEntry(entry: string, locate: Locator): GitPath | undefined {
  const absolute = fromWorkspace(entry)
  const isDirectory = fs.statSync(absolute, { throwIfNoEntry: false })?.isDirectory() ?? false
  return isDirectory ? locate.directory(toBytePath(absolute)) : locate.file(toBytePath(absolute))
}

async function findChanges(git: Git, commit: string, included: Included): Promise<string[]> {
  const { files, pathspecs, selection, strict } = included
  const comparison = { commit, withModes: strict }
  const tracked = await listTracked(git, pathspecs)
  const links = findLinks(included, tracked)
  const all = [...pathspecs, ...[...links.keys()].flatMap(literalPathspec)]
  const present = (await listDifferences(git, comparison, all)).filter(({ status }) => status !== 'D')
  const deleted = (await listDifferences(git, comparison, selection)).filter(({ status }) => status === 'D')
  const changes = [
    ...present.filter(({ path: file }) => files.has(file)),
    ...present.flatMap(({ path: file }) => links.get(file) ?? []).map(modified),
    ...deleted.filter(({ path: file, isSubmodule }) => !files.has(file) && (isSubmodule || !isHidden(file))),
  ]
  const untracked = [...files.keys()].filter(file => !tracked.has(file))
  return [
    ...new Set(changes.sort(byPath).map(describeDifference)),
    ...untracked.sort().map(file => `  ? ${escapeControlCharacters(file)} (not in Git)`),
  ]
}

/** The links among the files, by their targets: the checksum includes the content of the target. */
function findLinks({ files, locate }: Included, tracked: ReadonlyMap<GitPath, string>): Map<GitPath, GitPath[]> {
  const links = new Map<GitPath, GitPath[]>()
  for (const [found, file] of files) {
    const target = tracked.get(found) === LINK ? locate.file(realPath(file)) : undefined
    if (target !== undefined) links.set(target, [...(links.get(target) ?? []), found])
  }
  return links
}

function modified(file: GitPath): Difference {
  return { status: 'M', path: file, isSubmodule: false }
}

function isHidden(file: GitPath): boolean {
  return path.posix.basename(file).startsWith('.')
}

function byPath(a: Difference, b: Difference): number {
  return a.path < b.path ? -1 : Number(a.path > b.path)
}

function describeDifference({ status, path: file, isSubmodule }: Difference): string {
  return `  ${status} ${escapeControlCharacters(file)}${isSubmodule ? ' (submodule)' : ''}`
}

function describeAll(changes: readonly string[]): string[] {
  if (changes.length === 0) return ['  Git finds no change in these files since that commit.']
  const more = changes.length - MAX_LINES
  return more > 0 ? [...changes.slice(0, MAX_LINES), `  … and ${more.toLocaleString('en-US')} more`] : [...changes]
}
