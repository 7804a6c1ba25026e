import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { saveState } from '@actions/core'
import type { LeaseFacts } from '../lease/key-pairs.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { env, onGitHub } from '../runner/environment.ts'
import type { ProcessId } from '../runner/process.ts'

/** What must be known of a bake by whoever ends it: this process, or `post` after this process was killed. */
export interface JournalEntry {
  readonly region: string
  /** The region that Packer worked in, where its artifact shows that it is another one. */
  readonly bakedIn?: string
  /** The account that the bake works in; absent where it couldn't be told. */
  readonly account?: string
  /** The checksum that the image is to carry. */
  readonly checksum: string
  /** When the bake began, in ISO 8601. */
  readonly begun: string
  /** The template's name in tags; absent where only the tags of a lease tell of the bake, and don't tell it. */
  readonly template?: string
  /** The repository on GitHub that the bake is of. */
  readonly repository?: string
  /** The action's own process. */
  readonly main?: ProcessId
  readonly packer?: ProcessId
  /** The lease that keeps others from baking the same; noted before EC2 is asked for it. */
  readonly lease?: LeaseFacts
  /** What the bake has made and is good: it stays, and gets the checksum's tag if it hasn't yet. */
  readonly accepted?: readonly RegionalImageId[]
  /** Packer could not remove all that it had made. */
  readonly isUnclean?: boolean
  /** Packer has been asked to end. */
  readonly terminated?: boolean
  /** What Packer has begun to make, as far as this process has read; its output may tell more. */
  readonly traces?: CreatedResources
  /** How many lines of Packer's stdout and stderr have been shown. */
  readonly shown?: readonly [number, number]
}

/** An image's id, and the region that it is in. */
export interface RegionalImageId {
  readonly region: string
  readonly id: string
}

/**
 * A directory among the runner's temporary files, with Packer's output and the facts. As long as it is there the bake isn't
 * over: whoever has accepted or cleaned up what the bake made removes it.
 */
export interface Journal {
  readonly directory: string
  facts(): JournalEntry
  /** Adds facts. They are on disk before this returns. */
  note(more: Partial<JournalEntry>): void
  isOpen(): boolean
  /** The bake is over. */
  close(): void
}

const PREFIX = 'ami-bakery-'
const FACTS = 'bake.json'

/** The name of the step's state that leads `post` to the record. */
export const JOURNAL_STATE = 'bake'

/** Begins a record, and tells `post` of it, before anything is started that it would have to clean up. */
export function openJournal(first: JournalEntry): Journal {
  const directory = fs.mkdtempSync(path.join(temporaryFiles(), PREFIX))
  const record = keepJournal(directory, first)
  record.note({})
  if (onGitHub) saveState(JOURNAL_STATE, directory)
  return record
}

/**
 * Finds the record that another process began.
 *
 * @param directory What the step's state says, which anything in the step may have written there.
 * @returns `undefined` when there is none, or the bake is over.
 */
export function findJournal(directory: string): Journal | undefined {
  if (path.dirname(directory) !== temporaryFiles() || !path.basename(directory).startsWith(PREFIX)) return undefined
  const facts = readFacts(path.join(directory, FACTS))
  return facts && keepJournal(directory, facts)
}

function keepJournal(directory: string, first: JournalEntry): Journal {
  let facts = first
  let isOpen = true
  return {
    directory,
    facts: () => facts,
    note: more => {
      facts = { ...facts, ...more }
      // Somebody may have tidied up the temporary files.
      fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
      const temporary = path.join(directory, `${FACTS}.new`)
      fs.writeFileSync(temporary, JSON.stringify(facts), { mode: 0o600 })
      fs.renameSync(temporary, path.join(directory, FACTS))
    },
    isOpen: () => isOpen,
    close: () => {
      isOpen = false
      fs.rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The runner's directory for temporary files. */
export function temporaryFiles(): string {
  return path.resolve(env('RUNNER_TEMP') ?? os.tmpdir())
}

function readFacts(file: string): JournalEntry | undefined {
  try {
    const facts: unknown = JSON.parse(fs.readFileSync(file, 'utf8'))
    return isFacts(facts) ? facts : undefined
  } catch {
    // It is not there, or nothing that this action has written.
    return undefined
  }
}

function isFacts(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false
  const isText = (name: string) => typeof Reflect.get(value, name) === 'string'
  return (
    ['region', 'checksum', 'begun'].every(isText) &&
    ['main', 'packer'].every(name => isProcessId(Reflect.get(value, name))) &&
    ['template', 'repository'].every(name => isText(name) || Reflect.get(value, name) === undefined) &&
    arePlacedIds(Reflect.get(value, 'accepted') ?? [])
  )
}

/** They get the tag that makes them hits, whoever has written them there. */
function arePlacedIds(value: unknown): boolean {
  return Array.isArray(value) && value.every(({ region, id }) => REGION.test(region) && IMAGE_ID.test(id))
}

// Stated here once more, because with the files that have them every `post` would load the SDK.
const REGION = /^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/
const IMAGE_ID = /^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/

/** The numbers 0 and 1 and those below stand for more than one process. */
function isProcessId(value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return false
  return Number.isInteger(value.pid) && Number(value.pid) > 1 && typeof value.started === 'string'
}
