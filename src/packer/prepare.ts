import fs from 'node:fs'
import type { JsonBuilder, Template } from '../definition/template.ts'
import type { Variable } from '../definition/variables.ts'
import { run } from '../runner/exec.ts'
import { REGION } from '../runner/ids.ts'
import { group, info } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'
import { enterPhase } from '../runner/timeline.ts'
import { type Packer, runPacker } from './cli.ts'
import { addHint } from './messages.ts'

/** A template to build, and what is passed to Packer with it. */
export interface Build {
  readonly template: Template
  /** The region of the look-up. */
  readonly region: string
  /** Variables that the template may declare. */
  readonly optionalVariables: readonly Variable[]
  /** Variables that the template must declare, because their values are included in the checksum. */
  readonly requiredVariables: readonly Variable[]
  readonly variableFiles: readonly string[]
  readonly only: readonly string[]
  /** For downloads of plugins from GitHub. */
  readonly githubToken: string | undefined
}

/**
 * Checks that Packer can build the template, before anything costs money: Packer's version, the plugins, the template. Installs the
 * plugins that are missing.
 *
 * @returns The arguments for `packer build`: variables and the template.
 * @throws Error that says what is missing or invalid, in Packer's own words if it printed any. OptionError if an option is invalid.
 */
export async function prepareBuild(packer: Packer, build: Build): Promise<string[]> {
  enterPhase('prepare')
  assertRegion(build)
  return await group('Packer: version, plugins, validation', async () => {
    const version = await readVersion(packer)
    await (build.template.language === 'hcl2' ? initialize(packer, build) : installAmazonPlugin(packer, build, version))
    const { variables, only } = argumentsFor(build, await declaredVariables(packer, build.template))
    const args = [...variables, ...only, build.template.path]
    await command(packer, ['validate', ...evaluation(version, build.template), ...args])
    return args
  })
}

/** If a variable has two values, Packer uses the later one. */
function argumentsFor(
  { optionalVariables, requiredVariables, variableFiles, only }: Build,
  declared: ReadonlySet<string>,
): { variables: string[]; only: string[] } {
  const missing = requiredVariables.find(({ name }) => !declared.has(name))
  if (missing) {
    const option = missing.name === 'base_ami' ? 'baseAmi' : 'variables'
    const fix = 'Declare it in the template, or do not specify it.'
    throw new OptionError(option, `The template does not declare the variable ${missing.name}. ${fix}`)
  }
  const values = [...optionalVariables.filter(({ name }) => declared.has(name)), ...requiredVariables]
  return {
    variables: [
      ...variableFiles.map(file => `-var-file=${file}`),
      ...values.map(({ name, value }) => `-var=${name}=${value}`),
    ],
    only: only.length > 0 ? [`-only=${only.join(',')}`] : [],
  }
}

/**
 * Checks that a legacy template creates its image in the region of the look-up, if the template states the regions of all builders.
 * Otherwise the artifact shows the region after the bake.
 */
function assertRegion({ template, region, optionalVariables, requiredVariables, variableFiles }: Build): void {
  if (template.language !== 'json' || variableFiles.length > 0) return
  const passed = [...optionalVariables, ...requiredVariables].map(({ name, value }) => [name, value] as const)
  const values = new Map<string, unknown>([...template.variables, ...passed])
  const regions = new Set(template.builders.map(builder => statedRegion(builder, values)))
  if (regions.size === 0 || regions.has(undefined) || regions.has(region)) return
  throw new OptionError(
    'template',
    `The template creates its image in ${[...regions].join(', ')}, but the region of the look-up is ${region}. ` +
      "Set the template's region to the variable aws_region, or correct aws-region.",
  )
}

/** @returns `undefined` when the image can be in other regions too, or when the template does not state the region. */
function statedRegion(builder: JsonBuilder, values: ReadonlyMap<string, unknown>): string | undefined {
  if ('ami_regions' in builder) return undefined
  const [, variable] = /^\{\{ *user +[`"]([^`"]+)[`"] *\}\}$/.exec(String(builder.region)) ?? []
  const value = variable === undefined ? builder.region : values.get(variable)
  return typeof value === 'string' && REGION.test(value) ? value : undefined
}

type Version = readonly [major: number, minor: number, patch: number]

const GET_PACKER = 'Use hashicorp/setup-packer before this step, or install Packer on the runner.'

/** The first command runs without standard input: another program of this name may wait for it, like that of cracklib. */
const READ_VERSION = ['-c', 'exec packer version < /dev/null'] as const

async function readVersion({ directory, environment }: Packer): Promise<Version> {
  const { exitCode, stdout, stderr } = await run('/bin/sh', READ_VERSION, { directory, environment })
  const failure = stderr.startsWith('/bin/sh: ') ? SHELL_FAILURES.get(exitCode) : undefined
  if (failure) throw new Error(`packer: ${failure}. ${GET_PACKER}`)
  const [, major, minor, patch] = /^Packer v(\d+)\.(\d+)\.(\d+)/m.exec(stdout) ?? []
  if (!major) throw new Error(`packer: ${describeNoVersion(stdout, stderr)}. ${GET_PACKER}`)
  const version = [Number(major), Number(minor), Number(patch)] as const
  info(`Packer ${version.join('.')}`)
  if (isAtLeast(version, [1, 7, 0])) return version
  throw new Error(`packer: version ${version.join('.')} is too old; 1.7 or newer is required. ${GET_PACKER}`)
}

/** The exit codes of a shell that can't run a program (POSIX.1-2024, "Exit Status for Commands"). */
const SHELL_FAILURES: ReadonlyMap<number, string> = new Map([
  [126, 'the file on PATH is not executable'],
  [127, 'not found on PATH'],
])

/** HashiCorp's Packer too prints only an error when it can't write its log or read its configuration. */
function describeNoVersion(stdout: string, stderr: string): string {
  const answer = firstError(stdout) || firstError(withoutLog(stderr))
  return `the program on PATH does not print a version as HashiCorp's Packer does, but ${JSON.stringify(answer.slice(0, 200))}`
}

function isAtLeast(version: Version, wanted: Version): boolean {
  const index = version.findIndex((part, position) => part !== wanted[position])
  return index === -1 || (version[index] ?? 0) > (wanted[index] ?? 0)
}

async function initialize(packer: Packer, { template, githubToken }: Build): Promise<void> {
  await command(withToken(packer, githubToken), ['init', template.path])
}

/** A legacy template can't specify plugins, and from 1.10 on Packer includes none. */
async function installAmazonPlugin(packer: Packer, { template, githubToken }: Build, version: Version): Promise<void> {
  if (template.language !== 'json' || !isAtLeast(version, [1, 10, 0])) return
  if (!template.builders.some(({ type }) => String(type).startsWith('amazon-'))) return
  const { stdout } = await runPacker(packer, ['plugins', 'installed'])
  if (stdout.includes('packer-plugin-amazon')) return
  await command(withToken(packer, githubToken), ['plugins', 'install', 'github.com/hashicorp/amazon'])
}

function withToken(packer: Packer, githubToken: string | undefined): Packer {
  if (!githubToken || packer.environment.PACKER_GITHUB_API_TOKEN) return packer
  return { ...packer, environment: { ...packer.environment, PACKER_GITHUB_API_TOKEN: githubToken } }
}

/** For an undeclared `-var` Packer fails with an HCL2 template, and ignores it with a JSON template. */
async function declaredVariables(packer: Packer, template: Template): Promise<ReadonlySet<string>> {
  if (template.language === 'json') return new Set(template.variables.keys())
  const output = await command(packer, ['inspect', template.path])
  const [, variables = ''] = output.split(/^> (?:input|local)-variables:$/m)
  return new Set([...variables.matchAll(/^var\.([^:]+): /gm)].map(match => match[1] ?? ''))
}

/** From 1.8.5 on a flag makes validation evaluate data sources; before that, it fails on a template that uses one. */
function evaluation(version: Version, template: Template): string[] {
  if (template.language === 'json') return []
  if (isAtLeast(version, [1, 8, 5])) return ['-evaluate-datasources']
  return template.files.some(hasDataSource) ? ['-syntax-only'] : []
}

function hasDataSource(file: string): boolean {
  return /^\s*data\s+"|[{,\s]"data"\s*:/m.test(fs.readFileSync(file, 'utf8'))
}

/** Returns what Packer prints on standard output. */
async function command(packer: Packer, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runPacker(packer, args)
  if (exitCode === 0) return stdout
  info(`${stdout}${stderr}`.split('\n'))
  const words = args.slice(0, args[0] === 'plugins' ? 3 : 1).join(' ')
  const reason = firstError(stdout) || firstError(withoutLog(stderr)) || 'it printed no reason'
  throw new Error(`packer ${words} failed: ${addHint(reason)}`)
}

/** Removes the lines of Packer's debug log, which PACKER_LOG adds to standard error. */
function withoutLog(stderr: string): string {
  return stderr.replaceAll(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d .*\n?/gm, '')
}

/** The paragraph with the reason: the first that starts with `Error`, else the first one; and two more. */
function firstError(output: string): string {
  const paragraphs = output.trim().split(/\n\s*\n/)
  const start = Math.max(
    0,
    paragraphs.findIndex(paragraph => paragraph.trimStart().startsWith('Error')),
  )
  return paragraphs.slice(start, start + 3).join('\n')
}
