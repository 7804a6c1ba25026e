import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { saveState } from '@actions/core'
import type { LeaseEntry } from '../lease/key-pairs.ts'
import type { BuildReport } from '../packer/build.ts'
import { env, onGitHub } from '../runner/environment.ts'
import { IMAGE_ID, REGION, type RegionalImageId } from '../runner/ids.ts'
import type { ProcessId } from '../runner/process.ts'

/** What identifies a bake and the resources that it created on EC2. */
export interface BakeIdentity {
  /** The region of the look-up. */
  readonly region: string
  /** The region that Packer worked in, if its artifact shows another one than that of the look-up. */
  readonly bakedIn?: string
  /** The account that the bake works in; absent when it could not be found. */
  readonly account?: string
  /** The checksum for the image. */
  readonly checksum: string
  /** When the bake started, in ISO 8601. */
  readonly startedAt: string
  /** The template's name in tags; absent when only the tags of a lease are known. */
  readonly template?: string
  /** The repository on GitHub that the bake belongs to. */
  readonly repository?: string
}

/** What Packer has reported so far. */
export type Build = Omit<BuildReport, 'bakedIn'>

/** The phase of a bake. */
export type Phase =
  /** Packer has not been started. */
  | { readonly name: 'preparing' }
  /** Packer runs or has run. If the bake ends in this phase, what Packer created must be removed. */
  | { readonly name: 'building'; readonly build: Build }
  /** The images are verified: they are kept, and get the checksum's tag if they don't have it yet. */
  | { readonly name: 'verified'; readonly build: Build; readonly images: readonly RegionalImageId[] }

/** The state of a bake that this process needs, and `post` if this process is killed. */
export interface JournalEntry extends BakeIdentity {
  /** The action's own process. */
  readonly main?: ProcessId
  /** The value of the checksum tag that makes the image a hit: the checksum, or that of a candidate. */
  readonly tagValue: string
  /** The lease of the bake; written before EC2 is asked for it. */
  readonly lease?: LeaseEntry
  readonly phase: Phase
}

/**
 * A directory in the runner's temporary directory, with Packer's output and the bake's state. It exists while the journal is open, which is
 * until the bake has succeeded or is cleaned up. Every change is on disk before the call returns.
 */
export interface Journal {
  readonly directory: string
  entry(): JournalEntry
  lease(lease: LeaseEntry): void
  /** Updates the state of the build. */
  build(change: BuildReport): void
  /** Enters the phase `verified`. */
  verified(images: readonly RegionalImageId[]): void
  isOpen(): boolean
  close(): void
}

const PREFIX = 'ami-bakery-'
const FILE = 'bake.json'

/** The name of the step's state that holds the journal's path for `post`. */
export const JOURNAL_STATE = 'bake'

/** Creates a journal and saves its path for `post`, before anything is started that needs clean-up. */
export function openJournal(first: JournalEntry): Journal {
  const directory = fs.mkdtempSync(path.join(temporaryFiles(), PREFIX))
  write(directory, first)
  if (onGitHub) saveState(JOURNAL_STATE, directory)
  return keepJournal(directory, first)
}

/**
 * Finds the journal that another process opened.
 *
 * @param directory The value of the step's state. It is not trusted: any program in the step can write it.
 * @returns `undefined` when there is no journal, or it is closed.
 */
export function findJournal(directory: string): Journal | undefined {
  if (path.dirname(directory) !== temporaryFiles() || !path.basename(directory).startsWith(PREFIX)) return undefined
  const entry = readEntry(path.join(directory, FILE))
  return entry && keepJournal(directory, entry)
}

function keepJournal(directory: string, first: JournalEntry): Journal {
  let entry = first
  let isOpen = true
  function change(next: JournalEntry): void {
    entry = next
    write(directory, entry)
  }
  return {
    directory,
    entry: () => entry,
    lease: lease => change({ ...entry, lease }),
    build: ({ bakedIn, ...reported }) => {
      const build = { ...buildOf(entry), ...reported }
      const phase = entry.phase.name === 'verified' ? { ...entry.phase, build } : { name: 'building' as const, build }
      change({ ...entry, ...(bakedIn && { bakedIn }), phase })
    },
    verified: images => change({ ...entry, phase: { name: 'verified', build: buildOf(entry), images } }),
    isOpen: () => isOpen,
    close: () => {
      isOpen = false
      fs.rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The state of a bake's build; empty before Packer is started. */
export function buildOf({ phase }: JournalEntry): Build {
  return phase.name === 'preparing' ? {} : phase.build
}

/** The verified images, which are kept in every case; none before the phase `verified`. */
export function verifiedImages({ phase }: JournalEntry): readonly RegionalImageId[] {
  return phase.name === 'verified' ? phase.images : []
}

/** Creates the directory again if another program has deleted it as a temporary file. */
function write(directory: string, entry: JournalEntry): void {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
  const temporary = path.join(directory, `${FILE}.new`)
  fs.writeFileSync(temporary, JSON.stringify(entry), { mode: 0o600 })
  fs.renameSync(temporary, path.join(directory, FILE))
}

/** The runner's directory for temporary files. */
export function temporaryFiles(): string {
  return path.resolve(env('RUNNER_TEMP') ?? os.tmpdir())
}

function readEntry(file: string): JournalEntry | undefined {
  try {
    const entry: unknown = JSON.parse(fs.readFileSync(file, 'utf8'))
    return isEntry(entry) ? entry : undefined
  } catch {
    // The file does not exist, or another program has written it.
    return undefined
  }
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false
  const isText = (name: string) => typeof Reflect.get(value, name) === 'string'
  return (
    ['region', 'checksum', 'startedAt'].every(isText) &&
    /^(candidate:)?[0-9a-f]{40}$/.test(String(Reflect.get(value, 'tagValue'))) &&
    ['template', 'repository'].every(name => isText(name) || Reflect.get(value, name) === undefined) &&
    isProcessId(Reflect.get(value, 'main')) &&
    isPhase(Reflect.get(value, 'phase'))
  )
}

function isPhase(value: unknown): value is Phase {
  if (typeof value !== 'object' || value === null || !('name' in value)) return false
  if (value.name === 'preparing') return true
  const build: unknown = Reflect.get(value, 'build')
  if (typeof build !== 'object' || build === null || !isProcessId(Reflect.get(build, 'packer'))) return false
  return value.name === 'building' || (value.name === 'verified' && areImageIds(Reflect.get(value, 'images')))
}

/** These images get the tag of a hit, so that the file must contain nothing but ids of images. */
function areImageIds(value: unknown): boolean {
  return Array.isArray(value) && value.every(({ region, id }) => REGION.test(region) && IMAGE_ID.test(id))
}

/** A number below 2 is init, or stands for a process group. */
function isProcessId(value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return false
  return Number.isInteger(value.pid) && Number(value.pid) > 1 && typeof value.started === 'string'
}
