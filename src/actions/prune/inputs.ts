import type { ImagesFile } from '../../definition/images-file.ts'
import { toEntries } from '../../definition/raw-value.ts'
import { env } from '../../runner/environment.ts'
import { IMAGE_ID, REGION } from '../../runner/ids.ts'
import { assertArguments, readInput, readWord } from '../../runner/inputs.ts'
import { openImagesFile } from '../images-file.ts'
import { regionOfEnvironment } from '../read-setting.ts'
import type { Retention } from './account.ts'

/** The inputs of `prune`, read once and fully parsed. */
export interface Inputs {
  /** The images file, read with the region of the inputs and with that of the file; both may compute a checksum. */
  readonly files: readonly ImagesFile[]
  /** A region whose partition has the account's images. */
  readonly region: string
  /** The regions whose images may be pruned; all that are enabled when it is `undefined`. */
  readonly regions: readonly string[] | undefined
  readonly retention: Omit<Retention, 'now'>
  readonly dryRun: boolean
}

/** The names of all inputs. */
export const INPUTS = [
  'images-file',
  'templates',
  'repositories',
  'aws-region',
  'regions',
  'keep-last',
  'keep-days',
  'keep-launched-days',
  'keep',
  'shared',
  'grace-days',
  'max-deletions',
  'dry-run',
] as const

const SHARED = ['keep', 'usage'] as const

/** EC2 deletes a usage report after 30 days (AWS: ImageUsageReport); the step runs once a day. */
const MAX_GRACE_DAYS_WITH_REPORTS = 28

/**
 * Reads every input and the images file.
 *
 * @throws Error that begins with the input's name.
 */
export async function readInputs(): Promise<Inputs> {
  assertArguments(INPUTS)
  const templates = readEntries('templates')
  if (readInput('images-file') === '' && templates.length === 0) {
    throw new Error(
      'images-file: neither images-file nor templates is specified, so that no image may be pruned. Specify one of them.',
    )
  }
  const files = readInput('images-file') === '' ? [] : await openBoth()
  const [region, retention] = [readRegion(files), readRetention(templates)]
  return { files, region, regions: readRegions(region), retention, dryRun: readDryRun() }
}

/**
 * The input `aws-region` replaces the file's regions. A base image that is searched for may be another one in each region, so that the
 * file is read with its own regions too.
 */
async function openBoth(): Promise<readonly ImagesFile[]> {
  const file = await openImagesFile()
  const region = readInput('aws-region') || regionOfEnvironment()
  const environment = new Map(region ? [['aws-region' as const, region]] : [])
  return [file, await openImagesFile({ inputs: new Map(), environment })]
}

function readRetention(templates: readonly string[]): Inputs['retention'] {
  const shared = readWord('shared', SHARED)
  const graceDays = readDays('grace-days', 14, 1)
  if (shared === 'usage' && graceDays > MAX_GRACE_DAYS_WITH_REPORTS) {
    const reason = 'EC2 deletes a usage report after 30 days, before the image is due'
    throw new Error(
      `grace-days: ${graceDays} is too long with shared: usage: ${reason}. Specify ${MAX_GRACE_DAYS_WITH_REPORTS} at most.`,
    )
  }
  return {
    repositories: readRepositories(),
    templates: new Set(templates),
    keepLast: readDays('keep-last', 3, 1),
    keepDays: readDays('keep-days', 30, 0),
    keepLaunchedDays: readDays('keep-launched-days', 90, 0),
    keep: readKeep(),
    shared,
    graceDays,
    maxDeletions: readMaxDeletions(),
  }
}

function readEntries(name: string): string[] {
  return toEntries(readInput(name), /[,\n]/)
}

function readRepositories(): ReadonlySet<string | undefined> {
  const given = readEntries('repositories')
  const own = env('GITHUB_REPOSITORY')
  const wrong = given.find(name => name !== 'none' && !/^[\w.-]+\/[\w.-]+$/.test(name))
  if (wrong !== undefined) {
    throw new Error(
      `repositories: ${JSON.stringify(wrong)} is not the name of a repository. Specify owner/name, or none for images without one.`,
    )
  }
  if (!own && given.length === 0) {
    throw new Error(
      'repositories: is required, because GITHUB_REPOSITORY is not set. Specify owner/name, or none for images without one.',
    )
  }
  const others = given.map(name => (name === 'none' ? undefined : name))
  return new Set([...(own ? [own] : []), ...others])
}

function readRegion(files: readonly ImagesFile[]): string {
  const region = readInput('aws-region') || regionOfEnvironment() || regionOf(files)
  if (region && REGION.test(region)) return region
  const what = region ? `${JSON.stringify(region)} is not a region` : 'is required'
  throw new Error(`aws-region: ${what}. Specify one like us-east-1.`)
}

function regionOf([file]: readonly ImagesFile[]): string | undefined {
  const [name] = file?.names ?? []
  return name === undefined ? undefined : file?.settings(name).region
}

function readRegions(region: string): readonly string[] | undefined {
  const given = readEntries('regions')
  const wrong = given.find(name => !REGION.test(name))
  if (wrong !== undefined)
    throw new Error(`regions: ${JSON.stringify(wrong)} is not a region. Specify names like eu-west-1.`)
  return given.length === 0 ? undefined : [...new Set([region, ...given])]
}

function readDays(name: string, standard: number, least: number): number {
  const value = readInput(name)
  if (value === '') return standard
  if (/^\d{1,6}$/.test(value) && Number(value) >= least) return Number(value)
  throw new Error(
    `${name}: ${JSON.stringify(value)} is not a whole number of at least ${least}. Specify one like ${standard}.`,
  )
}

function readKeep(): ReadonlySet<string> {
  const entries = readEntries('keep')
  const wrong = entries.find(entry => !IMAGE_ID.test(entry) && !/^[0-9a-f]{40}$/.test(entry))
  if (wrong === undefined) return new Set(entries)
  throw new Error(
    `keep: ${JSON.stringify(wrong)} is neither the id of an image nor a checksum of 40 hex digits. Correct it.`,
  )
}

function readMaxDeletions(): Retention['maxDeletions'] {
  const value = readInput('max-deletions') || '20'
  const [, number = '', percent] = /^(\d{1,6})(%)?$/.exec(value) ?? []
  if (number !== '' && !percent) return { units: Number(number) }
  if (number !== '' && Number(number) <= 100) return { percent: Number(number) }
  throw new Error(
    `max-deletions: ${JSON.stringify(value)} is neither a whole number nor a percentage. Specify one like 20 or 10%.`,
  )
}

/** Outside GitHub an input is an argument, which `@actions/core` does not read. */
function readDryRun(): boolean {
  const value = readInput('dry-run')
  if (value === '') return true
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw new Error(`dry-run: ${JSON.stringify(value)} is not true or false. Specify one of them.`)
}
