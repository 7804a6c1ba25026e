import type { SettingName } from '../definition/settings.ts'
import { type Option, OptionError } from '../runner/option-error.ts'

/** The setting, or the input, that each option of the core comes from. */
const SETTING_OF: Readonly<Record<Exclude<Option, 'waitForOtherBakes'>, SettingName>> = {
  template: 'packer-template',
  definition: 'ami-definition-dirs',
  variables: 'packer-vars',
  variableFiles: 'packer-var-files',
  only: 'packer-only',
  baseAmi: 'base-ami',
  regions: 'regions',
  shareWith: 'share-with',
  ssmParameter: 'ssm-parameter',
}

/**
 * Names the setting in an error about its value.
 *
 * @param prefix The beginning of an error about a setting; by default the input's name.
 */
export function nameSetting(error: unknown, prefix = (setting: SettingName) => `${setting}: `): unknown {
  if (!(error instanceof OptionError)) return error
  const { option, message } = error
  const beginning = option === 'waitForOtherBakes' ? 'wait-for-other-bakes: ' : prefix(SETTING_OF[option])
  return new Error(beginning + message, { cause: error })
}
