import fs from 'node:fs'
import path from 'node:path'
import { fromWorkspace } from '../runner/environment.ts'
import { IMAGE_ID, REGION } from '../runner/ids.ts'
import { messageOf } from '../runner/log.ts'
import { isMap, isSpecified, quote, type RawValue, toEntries, toText } from './raw-value.ts'
import { parseTags } from './tags.ts'
import { readTemplate, type Template } from './template.ts'
import { parseVariables, type Variable } from './variables.ts'

/** The settings of one image, from the inputs of an action or from the images file, fully parsed. */
export interface ImageSettings {
  /** Its name in the images file; `undefined` when it comes from inputs. */
  readonly name: string | undefined
  readonly template: Template
  /** Entries exactly as specified: the checksum's order depends on every byte. Patterns and exclusions are among them. */
  readonly definition: readonly string[]
  /** The region of the look-up and of the bake. */
  readonly region: string
  /** Further regions that the image must be available in; `region` is not among them. */
  readonly regions: readonly Region[]
  readonly subnetId: string | undefined
  /** Passed to Packer and included in the checksum. */
  readonly variables: readonly Variable[]
  /** Absolute paths. */
  readonly variableFiles: readonly string[]
  readonly only: readonly string[]
  readonly baseAmi: BaseAmi | undefined
  readonly extraIngredients: readonly string[]
  readonly strict: boolean
  readonly candidate: boolean
  readonly maxAgeDays: number | undefined
  /** Greater than 0. */
  readonly criticalFixDays: number | undefined
  /** Tags for all resources that the action itself creates. */
  readonly tags: ReadonlyMap<string, string>
  /** Absolute path of the directory that Packer runs in. */
  readonly workingDirectory: string
  /** Absolute path of the JSON file for the image's id. It may not be writable. */
  readonly outputFile: string
  readonly shareWith: readonly string[]
  /** Name of the SSM parameter for the image's id. */
  readonly ssmParameter: string | undefined
  /** The name of the image, in the same file, that this one is baked from. */
  readonly parent: string | undefined
}

/** A further region that the image must be available in. */
export interface Region {
  readonly name: string
  /** The KMS key that encrypts the copy there: an id, an alias, or the ARN of either. */
  readonly kmsKey: string | undefined
}

/** The image to bake from: an id, the newest image of an owner whose name matches a pattern, or an SSM parameter's value. */
export type BaseAmi =
  | { readonly id: string }
  | { readonly owner: string; readonly pattern: string }
  | { readonly parameter: string }

/** The parsed value of each setting, by its key in the images file, which is also the name of the input. */
interface ParsedSettings {
  readonly 'packer-template': Template
  readonly 'ami-definition-dirs': readonly string[]
  readonly 'aws-region': string
  readonly 'aws-subnet-id': string
  readonly 'packer-vars': readonly Variable[]
  readonly 'packer-var-files': readonly string[]
  readonly 'packer-only': readonly string[]
  readonly 'base-ami': BaseAmi
  readonly 'extra-ingredients': readonly string[]
  readonly strict: boolean
  readonly candidate: boolean
  readonly regions: readonly Region[]
  readonly 'max-age-days': number
  readonly 'critical-fix-days': number
  readonly tags: ReadonlyMap<string, string>
  readonly 'working-directory': string
  readonly 'output-file': string
  readonly 'share-with': readonly string[]
  readonly 'ssm-parameter': string
}

export type SettingName = keyof ParsedSettings

const PARSERS: { readonly [Name in SettingName]: (raw: RawValue) => ParsedSettings[Name] } = {
  'packer-template': parseTemplate,
  'ami-definition-dirs': raw => toEntries(raw, /[,\n]/),
  'aws-region': parseRegion,
  'aws-subnet-id': toText,
  'packer-vars': parseVariables,
  'packer-var-files': parseVariableFiles,
  'packer-only': raw => toEntries(raw, /[,\n]/),
  'base-ami': parseBaseAmi,
  'extra-ingredients': raw => toEntries(raw, '\n'),
  strict: parseBoolean,
  candidate: parseBoolean,
  regions: parseRegions,
  'max-age-days': parseNumber,
  'critical-fix-days': parsePositiveNumber,
  tags: parseTags,
  'working-directory': parseWorkingDirectory,
  'output-file': raw => fromWorkspace(toText(raw)),
  'share-with': parseShareWith,
  'ssm-parameter': parseSsmParameter,
}

/** The keys of all settings, in the order of the documentation. */
export const SETTING_NAMES: readonly SettingName[] = Object.keys(PARSERS).filter(isSettingName)

/** Whether a key is the name of a setting. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(PARSERS, name)
}

/** The values of the settings of one image. A missing, empty or blank one is not specified. */
export type RawSettings = ReadonlyMap<SettingName, RawValue>

/** The source of the settings of one image. */
export interface SettingsSource {
  /** Its name in the images file. */
  readonly name: string | undefined
  readonly parent: string | undefined
  /** The beginning of an error about a setting, like `aws-region: `. */
  prefix(setting: SettingName): string
  /** How to specify a required setting. */
  advice(setting: SettingName): string
}

/**
 * Parses the settings of one image and applies the defaults. The same for inputs and for the images file, so that the same
 * settings give the same result.
 *
 * @throws Error that begins with the source's prefix, quotes the value and says what to specify.
 */
export function parseSettings(raw: RawSettings, source: SettingsSource): ImageSettings {
  const parse = <Name extends SettingName>(name: Name) => parseFrom(name, raw, source)
  const template = required('packer-template', parse('packer-template'), source)
  const region = required('aws-region', parse('aws-region'), source)
  return {
    name: source.name,
    template,
    definition: required('ami-definition-dirs', parse('ami-definition-dirs'), source),
    region,
    regions: (parse('regions') ?? []).filter(({ name }) => name !== region),
    subnetId: parse('aws-subnet-id'),
    variables: parse('packer-vars') ?? [],
    variableFiles: parse('packer-var-files') ?? [],
    only: parse('packer-only') ?? [],
    baseAmi: parse('base-ami'),
    extraIngredients: parse('extra-ingredients') ?? [],
    strict: parse('strict') ?? false,
    candidate: parse('candidate') ?? false,
    maxAgeDays: parse('max-age-days'),
    criticalFixDays: parse('critical-fix-days'),
    tags: parse('tags') ?? new Map(),
    workingDirectory: parse('working-directory') ?? template.directory,
    outputFile: parse('output-file') ?? path.join(template.directory, '.ami_id.json'),
    shareWith: parse('share-with') ?? [],
    ssmParameter: parse('ssm-parameter'),
    parent: source.parent,
  }
}

/**
 * Parses one setting; `undefined` when it is not specified.
 *
 * @throws Error that quotes the value and says what to specify. It does not contain the setting's name.
 */
export function parseSetting<Name extends SettingName>(name: Name, raw: RawValue): ParsedSettings[Name] | undefined {
  return isSpecified(raw) ? PARSERS[name](raw) : undefined
}

function parseFrom<Name extends SettingName>(
  name: Name,
  raw: RawSettings,
  source: SettingsSource,
): ParsedSettings[Name] | undefined {
  try {
    return parseSetting(name, raw.get(name) ?? '')
  } catch (cause) {
    throw new Error(source.prefix(name) + messageOf(cause), { cause })
  }
}

function required<Value>(name: SettingName, value: Value | undefined, source: SettingsSource): Value {
  const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0)
  if (!isEmpty) return value
  throw new Error(`${source.prefix(name)}is required. ${source.advice(name)}`)
}

function parseTemplate(raw: RawValue): Template {
  return readTemplate(fromWorkspace(toText(raw)))
}

function parseRegion(raw: RawValue): string {
  const region = toText(raw)
  if (REGION.test(region)) return region
  throw new Error(`${quote(region)} is not the name of an AWS region. Specify one like us-east-1.`)
}

function parseRegions(raw: RawValue): Region[] {
  const pairs = isMap(raw) ? [...raw] : toEntries(raw, /[,\n]/).map(splitAtSign)
  const regions = new Map<string, Region>()
  for (const [name, kmsKey] of pairs) {
    const region = makeRegion(name.trim(), kmsKey?.trim())
    if (regions.has(region.name)) throw new Error(`${region.name} is specified twice. Specify every region once.`)
    regions.set(region.name, region)
  }
  return [...regions.values()]
}

function splitAtSign(entry: string): [name: string, kmsKey: string | undefined] {
  const sign = entry.indexOf('=')
  return sign === -1 ? [entry, undefined] : [entry.slice(0, sign), entry.slice(sign + 1)]
}

function makeRegion(name: string, kmsKey: string | undefined): Region {
  if (!REGION.test(name)) {
    throw new Error(`${quote(name)} is not the name of an AWS region. Specify eu-west-1 or eu-west-1=<KMS key>.`)
  }
  if (kmsKey === undefined || isKeyIn(name, kmsKey)) return { name, kmsKey }
  throw new Error(`${quote(kmsKey)} is not a KMS key of ${name}. Specify an id, an alias/…, or an ARN of that region.`)
}

/** EC2 reports a wrong key only during the copy (AWS: CopyImage). What can be checked earlier is checked here. */
function isKeyIn(region: string, key: string): boolean {
  const keyRegion = /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(key)?.[1] ?? region
  return keyRegion === region && /^[\w/:-]+$/.test(key)
}

function parseVariableFiles(raw: RawValue): string[] {
  const files = toEntries(raw, '\n').map(fromWorkspace)
  const wrong = files.find(file => !statOrUndefined(file)?.isFile())
  if (wrong === undefined) return files
  throw new Error(`${wrong} is not a readable file. Specify the path of one variable file per line.`)
}

function parseBaseAmi(raw: RawValue): BaseAmi {
  const value = toText(raw)
  if (IMAGE_ID.test(value)) return { id: value }
  const [, owner, pattern] = /^newest:(\d{12}|self|amazon|aws-marketplace)\/(.+)$/.exec(value) ?? []
  if (owner && pattern) return { owner, pattern }
  // SSM: GetParameter takes a name, a name with a version or label behind a colon, and the ARN of a shared parameter.
  const parameter = /^ssm:([\w./:-]+)$/.exec(value)?.[1]
  if (parameter) return { parameter }
  const forms = 'Specify ami-…, newest:<owner>/<name pattern> or ssm:<parameter name>'
  const owners = 'the owner is 12 digits, self, amazon or aws-marketplace.'
  throw new Error(`${quote(value)} is not a base image. ${forms}; ${owners}`)
}

/** Accepts the spellings of true and false of YAML 1.2, as `getBooleanInput` of @actions/core does. */
function parseBoolean(raw: RawValue): boolean {
  const value = toText(raw)
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw new Error(`${quote(value)} is neither true nor false. Specify one of these.`)
}

function parseNumber(raw: RawValue): number {
  const value = toText(raw)
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value)
  throw new Error(`${quote(value)} is not a number. Specify one like 30.`)
}

function parsePositiveNumber(raw: RawValue): number {
  const value = parseNumber(raw)
  if (value > 0) return value
  throw new Error(`${quote(toText(raw))} is not greater than 0. Specify a number like 30.`)
}

function parseWorkingDirectory(raw: RawValue): string {
  const directory = fromWorkspace(toText(raw))
  if (statOrUndefined(directory)?.isDirectory()) return directory
  throw new Error(`${directory} is not a directory. Specify the directory in which Packer runs.`)
}

const ACCOUNT = /^\d{12}$/

/** AWS Organizations API reference: `OrganizationArn` and `OrganizationalUnitArn`, in every partition. */
const ORGANIZATION =
  /^arn:aws[a-z-]*:organizations::\d{12}:(organization\/o-[a-z0-9]{10,32}|ou\/o-[a-z0-9]{10,32}\/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$/

function parseShareWith(raw: RawValue): string[] {
  const entries = toEntries(raw, /[,\n]/)
  const wrong = entries.find(entry => !ACCOUNT.test(entry) && !ORGANIZATION.test(entry))
  if (wrong === undefined) return [...new Set(entries)]
  const forms = 'Specify accounts of 12 digits, or ARNs of organizations or organizational units.'
  if (wrong === 'all') throw new Error(`"all" would make the image public, which is not supported. ${forms}`)
  throw new Error(`${quote(wrong)} is neither an account nor an organization. ${forms}`)
}

/** SSM allows 1011 characters for the whole ARN, whose part before the name has at most 61. */
const LONGEST_PARAMETER = 950

/** SSM API reference, PutParameter: letters, digits and .-_ in up to 15 levels, the first not beginning with aws or ssm. */
function parseSsmParameter(raw: RawValue): string {
  const name = toText(raw)
  const isName = /^(\/[\w.-]+){1,15}$/.test(name) && !/^\/(aws|ssm)/i.test(name)
  if (isName && name.length <= LONGEST_PARAMETER) return name
  const rule = 'letters, digits and .-_ in at most 15 levels, the first not beginning with aws or ssm.'
  throw new Error(`${quote(name)} is not a valid name of an SSM parameter. Specify one like /amis/web: ${rule}`)
}

/** The status of a file; `undefined` when it does not exist or can't be read. */
function statOrUndefined(file: string): fs.Stats | undefined {
  try {
    return fs.statSync(file)
  } catch {
    return undefined
  }
}
