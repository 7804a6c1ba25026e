import fs from 'node:fs'
import { env } from '../runner/environment.ts'
import { escapeControlCharacters } from '../runner/log.ts'

/**
 * Makes sure that the template of a fork does not run with this repository's secrets: on `pull_request_target` a job has them
 * even when the pull request comes from a fork (GitHub docs, "Events that trigger workflows").
 *
 * @throws Error when the head is in a fork, or the event does not say where it is.
 */
export function rejectForks(): void {
  if (env('GITHUB_EVENT_NAME') !== 'pull_request_target') return
  const { base, head } = readRepositories()
  if (head && head === base) return
  throw new Error(
    `No bake on pull_request_target for a head in ${escapeControlCharacters(head ?? 'an unknown repository')}: its template ` +
      "would run with this repository's secrets. Set on-miss to skip for this event, and bake after the merge.",
  )
}

/** The full names of a pull request's base and head repositories, as far as the event has them. */
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
