import { currentActor, workflowRun } from '../runner/environment.ts'

/** A tag's value has at most 256 characters (AWS: "Tag restrictions"). */
const MAX_LENGTH = 256

/** Names the workflow run, its attempt and its actor, for the tags of the images that an action changes. */
export function sign(): string {
  const by = `by ${currentActor() ?? 'an unknown user'}`
  return `${workflowRun()?.url ?? 'outside GitHub'} ${by}`.slice(0, MAX_LENGTH)
}
