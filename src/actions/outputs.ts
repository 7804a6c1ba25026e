import { setOutput } from '@actions/core'
import { onGitHub } from '../runner/environment.ts'
import { info } from '../runner/log.ts'

/** Sets outputs of the step, in this order. Outside GitHub it prints them, one per line. */
export function setOutputs(outputs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(outputs)) {
    if (onGitHub) setOutput(name, value)
    else info(`${name}=${value}`)
  }
}
