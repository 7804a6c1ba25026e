import fs from 'node:fs'
import path from 'node:path'
import { getInput } from '@actions/core'
import type { RawValue } from '../../definition/raw-value.ts'
import {
  type ImageSettings,
  parseSetting,
  parseSettings,
  type RawSettings,
  type SettingName,
} from '../../definition/settings.ts'
import { env, fromWorkspace } from '../../runner/environment.ts'
import { messageOf } from '../../runner/log.ts'
import { type Option, OptionError } from '../../runner/option-error.ts'

/** The inputs of the action, read once and fully parsed. */
export interface Inputs {
  /** The image's settings. */
  readonly settings: ImageSettings
  readonly onMiss: OnMiss
  readonly forceBake: boolean
  /** The time to wait for another run that bakes the same checksum, in minutes; 0 for a bake without a lease. */
  readonly waitForOtherBakes: number
  readonly githubToken: string | undefined
}

const ON_MISS = ['bake', 'skip', 'fail'] as const
export type OnMiss = (typeof ON_MISS)[number]

/** The settings that are inputs of this action, each with the environment variables that are its fallbacks. */
const SETTINGS: readonly (readonly [name: SettingName, ...fallbacks: readonly string[]])[] = [
  ['packer-template', 'PACKER_JSON_PATH'],
  ['ami-definition-dirs', 'AMI_DEFINITION_DIRS'],
  ['aws-region', 'AWS_REGION', 'AWS_DEFAULT_REGION'],
  ['aws-subnet-id', 'AWS_SUBNET_ID'],
  ['packer-vars'],
  ['packer-var-files'],
  ['packer-only'],
  ['base-ami'],
  ['extra-ingredients'],
  ['strict'],
  ['regions'],
  ['max-age-days'],
  ['working-directory'],
  ['output-file'],
]

/** The inputs that are not settings of an image. */
const OTHERS = ['on-miss', 'force-bake', 'wait-for-other-bakes', 'github-token'] as const

/** The names of all inputs. */
export const INPUTS: readonly string[] = [...SETTINGS.map(([name]) => name), ...OTHERS]

/**
 * Finds the path of the JSON file before any other input is parsed, so that an earlier file can be removed first.
 *
 * @returns An absolute path.
 * @throws Error that begins with the input's name when neither the path nor the template is specified.
 */
export function locateOutputFile(): string {
  const outputFile = getInput('output-file')
  if (outputFile) return fromWorkspace(outputFile)
  const template = rawInput('packer-template', 'PACKER_JSON_PATH')
  if (!template) throw new Error(`packer-template: is required. ${adviceFor('packer-template')}`)
  const file = fromWorkspace(template)
  return path.join(isDirectory(file) ? file : path.dirname(file), '.ami_id.json')
}

/**
 * Reads every input and its fallback.
 *
 * @throws Error that begins with the input's name, quotes the value and says what to specify.
 */
export function readInputs(outputFile: string): Inputs {
  const raw: RawSettings = new Map<SettingName, RawValue>(
    SETTINGS.map(([name, ...fallbacks]) => [name, rawInput(name, ...fallbacks)]),
  )
  const source = { name: undefined, parent: undefined, prefix: (name: string) => `${name}: `, advice: adviceFor }
  const inputs = {
    settings: parseSettings(raw, source),
    onMiss: readOnMiss(),
    forceBake: readSetting('force-bake', 'strict') ?? false,
    waitForOtherBakes: readSetting('wait-for-other-bakes', 'max-age-days') ?? 60,
    githubToken: getInput('github-token') || undefined,
  }
  assertWritable(outputFile)
  return inputs
}

/** The blanks around `packer-vars` are kept: they may be part of a value. */
function rawInput(name: SettingName, ...fallbacks: readonly string[]): string {
  const trimWhitespace = name !== 'packer-vars'
  return getInput(name, { trimWhitespace }) || (fallbacks.map(env).find(value => value !== undefined) ?? '')
}

function adviceFor(name: SettingName): string {
  const [, ...fallbacks] = SETTINGS.find(([setting]) => setting === name) ?? [name]
  const variables = fallbacks.length > 0 ? `, or set ${fallbacks.join(' or ')} in the environment` : ''
  return `Specify it under "with:"${variables}.`
}

/** Reads an input by the rule of a setting. */
function readSetting<Name extends 'strict' | 'max-age-days'>(input: string, rule: Name) {
  try {
    return parseSetting(rule, getInput(input))
  } catch (cause) {
    throw new Error(`${input}: ${messageOf(cause)}`, { cause })
  }
}

function readOnMiss(): OnMiss {
  const value = getInput('on-miss') || 'bake'
  const known = ON_MISS.find(word => word === value)
  if (known) return known
  throw new Error(`on-miss: ${JSON.stringify(value)} is unknown. Specify one of ${ON_MISS.join(', ')}.`)
}

/** Checked before the bake, because a bake whose id can't be written is lost. */
function assertWritable(outputFile: string): void {
  const directory = path.dirname(outputFile)
  try {
    fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK)
  } catch (cause) {
    const message = `output-file: ${directory} is not a writable directory (${messageOf(cause)}). Specify another path.`
    throw new Error(message, { cause })
  }
}

function isDirectory(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory()
  } catch {
    return false
  }
}

/** The input that sets each option of the core. */
const INPUT_OF: Readonly<Record<Option, string>> = {
  template: 'packer-template',
  definition: 'ami-definition-dirs',
  variables: 'packer-vars',
  variableFiles: 'packer-var-files',
  only: 'packer-only',
  baseAmi: 'base-ami',
  regions: 'regions',
  waitForOtherBakes: 'wait-for-other-bakes',
}

/** Puts the name of the input before the message of an error about its value. Returns other errors unchanged. */
export function nameInput(error: unknown): unknown {
  if (!(error instanceof OptionError)) return error
  return new Error(`${INPUT_OF[error.option]}: ${error.message}`, { cause: error })
}
