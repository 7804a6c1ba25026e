import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { info } from '../log.ts'
import { type Packer, startPacker } from './command.ts'
import { createLog, type PackerLog } from './log.ts'
import { imagesOf, readMessage } from './messages.ts'

/** The images that Packer says it has made: for each region their ids. */
export type Artifacts = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Runs `packer build` to its end, showing what it prints as it comes.
 *
 * @param args The arguments after `build -machine-readable`: variables and the template.
 * @throws Error when Packer fails or is killed, with Packer's own last error in its message.
 */
export async function buildImages(packer: Packer, args: readonly string[]): Promise<Artifacts> {
  const artifacts = new Map<string, Set<string>>()
  let shown: string[] = []
  let lastError = 'it says nothing about the reason'

  function onStdout(line: string): void {
    const message = readMessage(line)
    if (message?.kind === 'artifact') addImages(artifacts, message.property, message.value)
    if (message?.kind === 'failure') lastError = message.text
    if (message?.kind === 'text') shown.push(message.text)
  }

  const log = createLog(onStdout, line => shown.push(line))
  try {
    const ended = startPacker(packer, ['build', '-machine-readable', ...args], log.files)
    const outcome = await followUntil(ended, log, () => {
      if (shown.length > 0) info(...shown)
      shown = []
    })
    if (outcome === 0) return artifacts
    throw new Error(`packer build ended with ${outcome}: ${lastError}`)
  } finally {
    log.remove()
  }
}

/** How often Packer's log is read, in milliseconds. */
const PACE = 100

async function followUntil<Outcome>(ended: Promise<Outcome>, log: PackerLog, show: () => void): Promise<Outcome> {
  const outcome = ended.then(value => ({ value }))
  for (;;) {
    const end = await Promise.race([outcome, sleep(PACE, undefined, { ref: false })])
    while (log.readLines()) {
      show()
      await setImmediate()
    }
    if (end) return end.value
  }
}

function addImages(artifacts: Map<string, Set<string>>, property: string, value: string): void {
  if (property !== 'id') return
  for (const [region, image] of imagesOf(value)) {
    artifacts.set(region, (artifacts.get(region) ?? new Set()).add(image))
  }
}
