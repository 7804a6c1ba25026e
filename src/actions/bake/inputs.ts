import fs from 'node:fs'
import path from 'node:path'
import type { ImagesFile } from '../../definition/images-file.ts'
import { isSpecified, type RawValue } from '../../definition/raw-value.ts'
import { type ImageSettings, parseSettings, type RawSettings, type SettingName } from '../../definition/settings.ts'
import { env, fromWorkspace } from '../../runner/environment.ts'
import { assertArguments, readInput, readWord } from '../../runner/inputs.ts'
import { messageOf } from '../../runner/log.ts'
import { parseResolved, type Resolved } from '../base-images.ts'
import { assertImage, openImagesFile } from '../images-file.ts'
import { readSetting } from '../read-setting.ts'

/** The inputs of the action, read once and fully parsed. */
export interface Inputs {
  /** The image's settings, from inputs or from the images file. */
  readonly settings: ImageSettings
  /** The images file that the image is from; absent when its settings are inputs. */
  readonly file: ImagesFile | undefined
  /** The beginning of an error about a setting: the input's name, or the place in the images file. */
  readonly prefix: (setting: SettingName) => string
  /** What another step has resolved searches for base images to. */
  readonly resolved: Resolved
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
  ['candidate'],
  ['regions'],
  ['max-age-days'],
  ['critical-fix-days'],
  ['tags'],
  ['working-directory'],
  ['output-file'],
]

/** The inputs that are not settings of an image. */
const OTHERS = [
  'image',
  'images-file',
  'resolved',
  'on-miss',
  'force-bake',
  'wait-for-other-bakes',
  'github-token',
] as const

/** The names of all inputs. */
export const INPUTS: readonly string[] = [...SETTINGS.map(([name]) => name), ...OTHERS]

/** Inputs of which only the path of the JSON file is known yet, so that an earlier file can be removed before they are judged. */
export interface OpenInputs {
  /** Absolute. */
  readonly outputFile: string
  /**
   * Reads every input and its fallback.
   *
   * @throws Error that begins with the input's name, quotes the value and says what to do.
   */
  read(): Inputs
}

/**
 * Finds the path of the JSON file. With an image of the images file, the whole file is read and checked first.
 *
 * @throws Error that begins with the input's name when the path can't be found.
 */
export async function openInputs(): Promise<OpenInputs> {
  assertArguments(INPUTS)
  const image = readInput('image')
  return image === '' ? openPlainInputs() : await openImage(image)
}

function openPlainInputs(): OpenInputs {
  const outputFile = locateOutputFile()
  const source = { name: undefined, parent: undefined, prefix: (name: string) => `${name}: `, advice: adviceFor }
  const read = () => {
    const settings = parseSettings(readSettings(withFallbacks), source)
    return readOthers({ settings, file: undefined, prefix: source.prefix }, outputFile)
  }
  return { outputFile, read }
}

function locateOutputFile(): string {
  const outputFile = readInput('output-file')
  if (outputFile) return fromWorkspace(outputFile)
  const template = withFallbacks('packer-template', 'PACKER_JSON_PATH')
  if (!template) throw new Error(`packer-template: is required. ${adviceFor('packer-template')}`)
  const file = fromWorkspace(template)
  return path.join(isDirectory(file) ? file : path.dirname(file), '.ami_id.json')
}

async function openImage(name: string): Promise<OpenInputs> {
  const file = await openImagesFile()
  assertImage(file, name, 'image')
  const given = readSettings(name => rawInput(name))
  const outputFile = fromWorkspace(readInput('output-file') || file.settings(name).outputFile)
  const prefix = (setting: SettingName) =>
    isSpecified(given.get(setting) ?? '') ? `${setting}: ` : file.prefix(name, setting)
  return { outputFile, read: () => readOthers({ settings: file.settingsWith(name, given), file, prefix }, outputFile) }
}

function readOthers(known: Pick<Inputs, 'settings' | 'file' | 'prefix'>, outputFile: string): Inputs {
  const inputs = {
    ...known,
    resolved: parseResolved(readInput('resolved')),
    onMiss: readWord('on-miss', ON_MISS),
    forceBake: readSetting('force-bake', 'strict') ?? false,
    waitForOtherBakes: readSetting('wait-for-other-bakes', 'max-age-days') ?? 60,
    githubToken: readInput('github-token') || undefined,
  }
  assertWritable(outputFile)
  return inputs
}

type ReadSetting = (name: SettingName, ...fallbacks: readonly string[]) => RawValue

function readSettings(read: ReadSetting): RawSettings {
  return new Map(SETTINGS.map(([name, ...fallbacks]) => [name, read(name, ...fallbacks)]))
}

function withFallbacks(name: SettingName, ...fallbacks: readonly string[]): string {
  return rawInput(name) || (fallbacks.map(env).find(value => value !== undefined) ?? '')
}

/** Variables and tags keep their blanks, which may be part of a value. */
function rawInput(name: SettingName): string {
  return readInput(name, { keepBlanks: name === 'packer-vars' || name === 'tags' })
}

function adviceFor(name: SettingName): string {
  const [, ...fallbacks] = SETTINGS.find(([setting]) => setting === name) ?? [name]
  const variables = fallbacks.length > 0 ? `, or set ${fallbacks.join(' or ')} in the environment` : ''
  return `Specify it under "with:"${variables}.`
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
