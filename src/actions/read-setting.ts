import { parseSetting, type SettingName } from '../definition/settings.ts'
import { env } from '../runner/environment.ts'
import { IMAGE_ID } from '../runner/ids.ts'
import { readInput } from '../runner/inputs.ts'
import { messageOf } from '../runner/log.ts'

/**
 * Reads an input by the rule of a setting.
 *
 * @param rule The setting; by default that of the input's name.
 * @throws Error that begins with the input's name.
 */
export function readSetting<Name extends SettingName>(input: string, rule: Name) {
  try {
    return parseSetting(rule, readInput(input, { keepBlanks: rule === 'tags' }))
  } catch (cause) {
    throw new Error(`${input}: ${messageOf(cause)}`, { cause })
  }
}

/** @throws Error that begins with `aws-region` if neither the input nor the environment specifies it. */
export function readRegion(): string {
  const given = readSetting('aws-region', 'aws-region')
  const region = given ?? regionOfEnvironment()
  if (region !== undefined) return region
  throw new Error('aws-region: is required. Specify it, or set AWS_REGION in the environment.')
}

/** The region of the environment, the fallback of the input `aws-region`. */
export function regionOfEnvironment(): string | undefined {
  return env('AWS_REGION') ?? env('AWS_DEFAULT_REGION')
}

/** @throws Error that begins with the input's name. */
export function readImageId(input: string): string | undefined {
  const id = readInput(input)
  if (id === '' || IMAGE_ID.test(id)) return id || undefined
  throw new Error(`${input}: ${JSON.stringify(id)} is not the id of an image. Specify one like ami-0123456789abcdef0.`)
}

/** @throws Error that begins with `ami-config-checksum`. */
export function readChecksum(): string | undefined {
  const checksum = readInput('ami-config-checksum')
  if (checksum === '' || /^[0-9a-f]{40}$/.test(checksum)) return checksum || undefined
  const rule = 'Specify 40 hex digits, as in the output ami_config_checksum.'
  throw new Error(`ami-config-checksum: ${JSON.stringify(checksum)} is not a checksum. ${rule}`)
}
