import { MAX_VALUE_LENGTH } from '../ec2/tags.ts'
import { currentActor, workflowRun } from '../runner/environment.ts'

/** Names the workflow run, its attempt and its actor, for the tags of the images that an action changes. */
export function sign(): string {
  const by = `by ${currentActor() ?? 'an unknown user'}`
  return `${workflowRun()?.url ?? 'outside GitHub'} ${by}`.slice(0, MAX_VALUE_LENGTH)
}
