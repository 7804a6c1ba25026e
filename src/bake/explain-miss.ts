import { listChangedFiles } from '../definition/changed-files.ts'
import { type Checksum, summarize } from '../definition/checksum.ts'
import type { Ec2 } from '../ec2/client.ts'
import {
  byAge,
  CHECKSUM_TAG,
  COMMIT_TAG,
  describeImages,
  type Image,
  INGREDIENTS_TAG,
  TEMPLATE_TAG,
} from '../ec2/images.ts'
import { reasonToSkipCopy } from '../ec2/look-up.ts'
import { cancelled } from '../runner/cancel.ts'
import { escapeControlCharacters, messageOf } from '../runner/log.ts'

/**
 * Explains a miss: which ingredients differ from those of the newest image of this template. An explanation must not fail a step:
 * an error becomes a line of it. Takes some 15 seconds at most.
 *
 * @returns Some dozens of lines for people at most.
 * @throws Error when the step is cancelled.
 */
export async function explainMiss(ec2: Ec2, template: string, checksum: Checksum): Promise<readonly string[]> {
  try {
    const earlier = await findEarlier(ec2, template)
    return earlier ? await compare(earlier, template, checksum) : [`There is no image of ${template} yet.`]
  } catch (error) {
    cancelled.throwIfAborted()
    return [`What has changed since the newest image of ${template} is unknown: ${messageOf(error)}`]
  }
}

async function findEarlier(ec2: Ec2, template: string): Promise<Image | undefined> {
  const Filters = [{ Name: `tag:${TEMPLATE_TAG}`, Values: [template.replace(/[*?\\]/g, '\\$&')] }]
  const images = await describeImages(ec2, { Owners: ['self'], Filters }, 10)
  return images.sort(byAge).findLast(isUsable)
}

/** A backup of an instance has the tags of its image, and a failed or revoked image is nothing to compare a definition with. */
function isUsable(image: Image): boolean {
  const value = image.tags.get(CHECKSUM_TAG) ?? ''
  return !reasonToSkipCopy(image) && !/^(failed|revoked|revoked-once):/.test(value)
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
