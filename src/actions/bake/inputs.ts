import fs from 'node:fs'
import path from 'node:path'
import { getInput } from '@actions/core'
import { readVariables, type Variable } from '../../definition/old-variables.ts'
import { readTemplate, type Template } from '../../definition/template.ts'
import { env, fromWorkspace } from '../../runner/environment.ts'
import { messageOf } from '../../runner/log.ts'

/** Everything the user asked for, read once, fully parsed: nobody after this file tests an input again. */
export interface Inputs {
  readonly template: Template
  /** Absolute, otherwise exactly as given: the checksum's order depends on every byte. Patterns and exclusions are among them. */
  readonly definition: readonly string[]
  readonly region: string
  /** Further regions that the image must be available in; the look-up's own is not among them. */
  readonly regions: readonly Region[]
  readonly subnetId: string | undefined
  /** Handed to Packer and counted. */
  readonly variables: readonly Variable[]
  /** Absolute paths. */
  readonly variableFiles: readonly string[]
  readonly only: readonly string[]
  readonly baseAmi: BaseAmi | undefined
  readonly extraIngredients: readonly string[]
  readonly strict: boolean
  readonly onMiss: OnMiss
  readonly forceBake: boolean
  readonly maxAgeDays: number | undefined
  /** Minutes to wait for another run that bakes the same checksum; 0 for baking without a lease. */
  readonly waitForOtherBakes: number
  /** Absolute path of the directory Packer runs in. */
  readonly workingDirectory: string
  readonly githubToken: string | undefined
  /** Absolute path of the JSON file that takes the image's id. */
  readonly outputFile: string
}

/** A further region that the image must be available in. */
export interface Region {
  readonly name: string
  /** The KMS key that encrypts the copy there: an id, an alias, or the ARN of either. */
  readonly kmsKey: string | undefined
}

/** The image to bake from: an id, or the newest image of an owner whose name matches a pattern. */
export type BaseAmi = { readonly id: string } | { readonly owner: string; readonly pattern: string }

const ON_MISS = ['bake', 'skip', 'fail'] as const
export type OnMiss = (typeof ON_MISS)[number]

/**
 * Where the JSON file goes, found before any other input is judged so that an earlier one can be removed first.
 *
 * @throws Error that begins with the input's name when the place can't be known.
 */
export function locateOutputFile(): string {
  const outputFile = optional('output-file')
  if (outputFile) return fromWorkspace(outputFile)
  const template = fromWorkspace(required('packer-template', 'PACKER_JSON_PATH'))
  const directory = isDirectory(template) ? template : path.dirname(template)
  return path.join(directory, '.ami_id.json')
}

/**
 * Reads every input and its fallback.
 *
 * @throws Error that begins with the input's name, quotes the value and says what to do.
 */
export function readInputs(outputFile: string): Inputs {
  const template = readTemplate(fromWorkspace(required('packer-template', 'PACKER_JSON_PATH')))
  const region = readRegion()
  return {
    template,
    definition: readDefinition(),
    region,
    regions: readRegions(region),
    subnetId: optional('aws-subnet-id', 'AWS_SUBNET_ID'),
    variables: readVariables('packer-vars', getInput('packer-vars', { trimWhitespace: false })),
    variableFiles: readVariableFiles(),
    only: list('packer-only', /[,\n]/),
    baseAmi: readBaseAmi(),
    extraIngredients: list('extra-ingredients', '\n'),
    strict: readBoolean('strict'),
    onMiss: readOnMiss(),
    forceBake: readBoolean('force-bake'),
    maxAgeDays: readNumber('max-age-days'),
    waitForOtherBakes: readNumber('wait-for-other-bakes') ?? 60,
    workingDirectory: readWorkingDirectory(template),
    githubToken: optional('github-token'),
    outputFile: checkOutputDirectory(outputFile),
  }
}

function readDefinition(): string[] {
  const entries = split(required('ami-definition-dirs', 'AMI_DEFINITION_DIRS'), /[,\n]/)
  if (entries.length > 0) return entries
  throw new Error(missing('ami-definition-dirs', ['AMI_DEFINITION_DIRS']))
}

const REGION = /^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/

function readRegion(): string {
  const region = required('aws-region', 'AWS_REGION', 'AWS_DEFAULT_REGION')
  if (REGION.test(region)) return region
  throw new Error(`aws-region: ${JSON.stringify(region)} is not the name of an AWS region. Give one like us-east-1.`)
}

function readRegions(lookUp: string): Region[] {
  const regions = list('regions', /[,\n]/).map(parseRegion)
  const again = regions.find(({ name }, index) => regions.findIndex(other => other.name === name) !== index)
  if (again) throw new Error(`regions: ${again.name} is given twice. Name every region once.`)
  return regions.filter(({ name }) => name !== lookUp)
}

function parseRegion(entry: string): Region {
  const [name = '', kmsKey] = entry.split('=', 2).map(part => part.trim())
  if (!REGION.test(name)) {
    throw new Error(
      `regions: ${JSON.stringify(name)} is not the name of an AWS region. Give eu-west-1 or eu-west-1=<KMS key>.`,
    )
  }
  // EC2 finds out about a wrong key only while it copies (AWS: CopyImage), so that what can be seen here is said here.
  const [, keyRegion = name] = /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(kmsKey ?? '') ?? []
  const isKey = kmsKey === undefined || /^[\w/:-]+$/.test(kmsKey)
  if (isKey && keyRegion === name) return { name, kmsKey }
  throw new Error(
    `regions: ${JSON.stringify(kmsKey)} is not a KMS key of ${name}. Give an id, an alias/…, or an ARN of that region.`,
  )
}

function readVariableFiles(): string[] {
  const files = list('packer-var-files', '\n').map(fromWorkspace)
  const wrong = files.find(file => !look(file)?.isFile())
  if (wrong === undefined) return files
  throw new Error(
    `packer-var-files: ${wrong} is not a file that can be read. Give the path of one variable file per line.`,
  )
}

function readBaseAmi(): BaseAmi | undefined {
  const value = optional('base-ami')
  if (!value) return undefined
  if (/^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/.test(value)) return { id: value }
  const [, owner, pattern] = /^newest:(\d{12}|self|amazon|aws-marketplace)\/(.+)$/.exec(value) ?? []
  if (owner && pattern) return { owner, pattern }
  const forms = 'Give ami-… or newest:<owner>/<name pattern>; the owner is 12 digits, self, amazon or aws-marketplace.'
  throw new Error(`base-ami: ${JSON.stringify(value)} is neither the id of an image nor a search for one. ${forms}`)
}

function readOnMiss(): OnMiss {
  const value = optional('on-miss') ?? 'bake'
  const known = ON_MISS.find(word => word === value)
  if (known) return known
  throw new Error(`on-miss: ${JSON.stringify(value)} is unknown. Give one of ${ON_MISS.join(', ')}.`)
}

/** The words that YAML 1.2 has for true and false, as in `getBooleanInput` of @actions/core; an empty one is false. */
function readBoolean(name: string): boolean {
  const value = optional(name) ?? 'false'
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw new Error(`${name}: ${JSON.stringify(value)} is neither true nor false. Give one of these words.`)
}

function readNumber(name: string): number | undefined {
  const value = optional(name)
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value)
  throw new Error(`${name}: ${JSON.stringify(value)} is not a number. Give one like 30.`)
}

function readWorkingDirectory(template: Template): string {
  const directory = optional('working-directory')
  if (!directory) return template.directory
  const place = fromWorkspace(directory)
  if (isDirectory(place)) return place
  throw new Error(`working-directory: ${place} is not a directory. Name the directory that Packer is to run in.`)
}

/** Better now than after the bake. */
function checkOutputDirectory(outputFile: string): string {
  const directory = path.dirname(outputFile)
  try {
    fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK)
  } catch (cause) {
    throw new Error(
      `output-file: ${directory} is no directory that this step may write to (${messageOf(cause)}). Name another place.`,
      { cause },
    )
  }
  return outputFile
}

function list(name: string, separator: string | RegExp): string[] {
  return split(optional(name) ?? '', separator)
}

function split(value: string, separator: string | RegExp): string[] {
  const entries = value.split(separator).map(entry => entry.trim())
  return entries.filter(entry => entry !== '')
}

function required(name: string, ...fallbacks: readonly string[]): string {
  const value = optional(name, ...fallbacks)
  if (value === undefined) throw new Error(missing(name, fallbacks))
  return value
}

function optional(name: string, ...fallbacks: readonly string[]): string | undefined {
  return getInput(name) || fallbacks.map(env).find(value => value !== undefined)
}

function missing(name: string, fallbacks: readonly string[]): string {
  return `${name}: is required. Give it under "with:", or set ${fallbacks.join(' or ')} in the environment.`
}

function isDirectory(place: string): boolean {
  return look(place)?.isDirectory() ?? false
}

/** What is at a path; `undefined` where nothing is, or nobody may look. */
function look(place: string): fs.Stats | undefined {
  try {
    return fs.statSync(place)
  } catch {
    return undefined
  }
}
