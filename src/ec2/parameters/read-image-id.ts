import { IMAGE_ID } from '../../runner/ids.ts'
import { info } from '../../runner/log.ts'
import { blameOption, OptionError } from '../../runner/option-error.ts'
import { connectToSsm } from './client.ts'
import { readParameter } from './store.ts'

/** Half a minute is left for the look-up, of the minute that a clear answer may take; in seconds. */
const TIMEOUT = 18

/**
 * Reads the image id that a parameter holds.
 *
 * @param name The parameter's name, also with a version or a label, or the ARN of a parameter that another account shares.
 * @throws OptionError with the region and the reason: there is no such parameter, its value is not the id of an image, or SSM gives no
 *   clear answer.
 */
export async function readImageId(name: string, region: string, signal: AbortSignal): Promise<string> {
  const parameter = await blameOption('baseAmi', () => readParameter(connectToSsm(region, signal), name, TIMEOUT))
  if (!parameter) throw new OptionError('baseAmi', `SSM has no parameter ${name} in ${region}. Correct the name.`)
  const { value, version } = parameter
  if (!IMAGE_ID.test(value)) {
    // Not the value: that of a SecureString may be a secret.
    const advice = 'Specify a parameter whose value is an id like ami-0123456789abcdef0'
    throw new OptionError(
      'baseAmi',
      `The value of the SSM parameter ${name} in ${region} is not the id of an image. ${advice}.`,
    )
  }
  info(`Base image ${value} (SSM parameter ${name}, version ${version})`)
  return value
}
