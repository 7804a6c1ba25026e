import fs from 'node:fs'
import { env } from '../runner/environment.ts'
import { escapeControlCharacters } from '../runner/log.ts'

/**
 * Makes sure that no stranger's template runs with this repository's secrets: on `pull_request_target` a job has them even
 * when the pull request comes from a fork (GitHub docs, "Events that trigger workflows").
 *
 * @throws Error when the head is a fork's, or the event does not tell whose it is.
 */
export function rejectForks(): void {
  if (env('GITHUB_EVENT_NAME') !== 'pull_request_target') return
  const { base, head } = readRepositories()
  if (head && head === base) return
  throw new Error(
    `No bake on pull_request_target for a head in ${escapeControlCharacters(head ?? 'an unknown repository')}: it would run a ` +
      "stranger's template with this repository's secrets. Set on-miss to skip there, and bake after the merge.",
  )
}

/** The full names of the repositories that a pull request leads to and comes from, where the event tells them. */
function readRepositories(): { base: string | undefined; head: string | undefined } {
  try {
    const { pull_request } = JSON.parse(fs.readFileSync(env('GITHUB_EVENT_PATH') ?? '', 'utf8'))
    return { base: nameOf(pull_request.base.repo), head: nameOf(pull_request.head.repo) }
  } catch {
    return { base: undefined, head: undefined }
  }
}

function nameOf({ full_name }: { full_name: unknown }): string | undefined {
  return typeof full_name === 'string' ? full_name : undefined
}
