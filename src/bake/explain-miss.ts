import { listChangedFiles } from '../definition/changed-files.ts'
import { type Checksum, summarize } from '../definition/checksum.ts'
import type { Ec2 } from '../ec2/client.ts'
import type { Image } from '../ec2/images.ts'
import { findNewestOfLine, type Line } from '../ec2/line.ts'
import { COMMIT_TAG, INGREDIENTS_TAG } from '../ec2/tag-names.ts'
import { cancelled } from '../runner/cancel.ts'
import { escapeControlCharacters, messageOf } from '../runner/log.ts'

/** Why an image has to be baked. */
export interface Explanation {
  /** The newest published image of the line, whatever its checksum and age. */
  readonly last: Image | undefined
  /** Some dozens of lines for people at most. */
  readonly reasons: readonly string[]
}

/**
 * Explains a miss: which ingredients differ from those of the newest image of this template. An explanation must not fail a step:
 * an error becomes a line of it. Takes some 15 seconds at most.
 *
 * @returns Some dozens of lines for people at most.
 * @throws Error when the step is cancelled.
 */
export async function explainMiss(ec2: Ec2, line: Line, checksum: Checksum): Promise<Explanation> {
  const name = line.imageName ?? line.template
  try {
    const last = await findNewestOfLine(ec2, line)
    return { last, reasons: last ? await compare(last, name, checksum) : [`There is no image of ${name} yet.`] }
  } catch (error) {
    cancelled.throwIfAborted()
    const reason = `What has changed since the newest image of ${name} is unknown: ${messageOf(error)}`
    return { last: undefined, reasons: [reason] }
  }
}

async function compare(earlier: Image, template: string, checksum: Checksum): Promise<string[]> {
  const commit = earlier.tags.get(COMMIT_TAG) ?? ''
  const known = /^[0-9a-f]{40}$/.test(commit) ? commit : undefined
  const title = `${earlier.id} (${escapeControlCharacters(earlier.name)})${known ? ` of commit ${known.slice(0, 10)}` : ''}`
  const differing = findDifferences(readSummary(earlier), summarize(checksum))
  if (differing.length === 0) return [`The newest image of ${template}, ${title}, has the same ingredients.`]
  const isOfFiles = differing.some(kind => /^(files|var-files|strict)\b/.test(kind))
  const changes = known && isOfFiles ? await listChangedFiles(known, checksum) : []
  return [`Since the newest image of ${template}, ${title}, these have changed: ${differing.join(', ')}.`, ...changes]
}

function readSummary({ tags }: Image): ReadonlyMap<string, string> {
  const words = (tags.get(INGREDIENTS_TAG) ?? '').split(' ').map(word => word.split('='))
  return new Map(words.map(([kind = '', digest = '']) => [kind, digest]))
}

function findDifferences(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const kinds = new Set([...now.keys(), ...before.keys()].filter(kind => /^[a-z-]+$/.test(kind)))
  return [...kinds].flatMap(kind => {
    const [then, today] = [before.get(kind), now.get(kind)]
    if (then === today) return []
    return then === undefined ? `${kind} (new)` : today === undefined ? `${kind} (removed)` : kind
  })
}
