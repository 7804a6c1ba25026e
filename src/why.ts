import { cancelled } from './cancel.ts'
import { type Checksum, summarize } from './checksum.ts'
import type { Ec2 } from './ec2.ts'
import { environment, workspace } from './github.ts'
import { byAge, COMMIT_TAG, describeImages, type Image, INGREDIENTS_TAG, TEMPLATE_TAG } from './images.ts'
import type { Inputs } from './inputs.ts'
import { printable } from './log.ts'
import { runProgram } from './programs.ts'

/**
 * Says what a miss comes from: what is another than in the newest image of this template. It is a help, so that it never fails.
 *
 * @returns Lines for people.
 */
export async function explainMiss(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<readonly string[]> {
  const earlier = await findEarlier(ec2, inputs).catch(() => undefined)
  cancelled.throwIfAborted()
  return earlier ? await compare(earlier, inputs, checksum) : [`No image of ${inputs.template.name} is known yet.`]
}

async function findEarlier(ec2: Ec2, { template }: Inputs): Promise<Image | undefined> {
  const Filters = [{ Name: `tag:${TEMPLATE_TAG}`, Values: [template.name.replace(/[*?\\]/g, '\\$&')] }]
  const images = await describeImages(ec2, { Owners: ['self'], Filters }, 10)
  return images.sort(byAge).at(-1)
}

async function compare(earlier: Image, inputs: Inputs, checksum: Checksum): Promise<string[]> {
  const commit = earlier.tags.get(COMMIT_TAG) ?? ''
  const known = /^[0-9a-f]{40}$/.test(commit) ? commit : undefined
  const title = `${earlier.id} (${printable(earlier.name)})${known ? ` of commit ${known.slice(0, 10)}` : ''}`
  const differing = findDifferences(readSummary(earlier), summarize(checksum))
  if (differing.length === 0)
    return [`The newest image of ${inputs.template.name}, ${title}, has the same ingredients.`]
  const changes = known && differing.some(kind => kind.startsWith('files')) ? await changedFiles(known, inputs) : []
  return [
    `Since the newest image of ${inputs.template.name}, ${title}, these have changed: ${differing.join(', ')}.`,
    ...changes,
  ]
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
    return then === undefined ? `${kind} (new)` : today === undefined ? `${kind} (gone)` : kind
  })
}

/** What Git knows of the definition's changes since a commit; nothing, where it doesn't have the commit. */
async function changedFiles(commit: string, { definition }: Inputs): Promise<string[]> {
  const paths = definition.filter(entry => !entry.startsWith('!'))
  const args = ['-C', workspace(), 'diff', '--no-ext-diff', '--no-textconv', '--name-status', commit, '--', ...paths]
  const git = runProgram('git', args, { directory: process.cwd(), environment })
  const { exitCode, stdout } = await git.catch(() => ({ exitCode: 1, stdout: '' }))
  if (exitCode !== 0) return []
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => `  ${printable(line.replace('\t', ' '))}`)
}
