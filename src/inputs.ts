import fs from 'node:fs'
import path from 'node:path'
import { getInput } from '@actions/core'
import { fromWorkspace, given } from './github.ts'
import { readTemplate, type Template } from './template.ts'

/** Everything the user asked for, read once, fully parsed: nobody after this file tests an input again. */
export interface Inputs {
  readonly template: Template
  /** Absolute, otherwise exactly as given: the checksum's order depends on every byte. */
  readonly definition: readonly string[]
  readonly region: string
  readonly subnetId: string | undefined
  /** Absolute path of the directory Packer runs in. */
  readonly workingDirectory: string
  readonly githubToken: string | undefined
  /** Absolute path of the JSON file that takes the image's id. */
  readonly outputFile: string
}

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
  return {
    template,
    definition: readDefinition(),
    region: readRegion(),
    subnetId: optional('aws-subnet-id', 'AWS_SUBNET_ID'),
    workingDirectory: readWorkingDirectory(template),
    githubToken: optional('github-token'),
    outputFile,
  }
}

function readDefinition(): string[] {
  const entries = required('ami-definition-dirs', 'AMI_DEFINITION_DIRS')
    .split(/[,\n]/)
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
  if (entries.length === 0) throw new Error(missing('ami-definition-dirs', ['AMI_DEFINITION_DIRS']))
  return entries.map(fromWorkspace)
}

function readRegion(): string {
  const region = required('aws-region', 'AWS_REGION', 'AWS_DEFAULT_REGION')
  if (/^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/.test(region)) return region
  throw new Error(`aws-region: ${JSON.stringify(region)} is not the name of an AWS region. Give one like us-east-1.`)
}

function readWorkingDirectory(template: Template): string {
  const directory = optional('working-directory')
  if (!directory) return template.directory
  const place = fromWorkspace(directory)
  if (isDirectory(place)) return place
  throw new Error(`working-directory: ${place} is not a directory. Name the directory that Packer is to run in.`)
}

function required(name: string, ...fallbacks: readonly string[]): string {
  const value = optional(name, ...fallbacks)
  if (value === undefined) throw new Error(missing(name, fallbacks))
  return value
}

function optional(name: string, ...fallbacks: readonly string[]): string | undefined {
  return getInput(name) || fallbacks.map(given).find(value => value !== undefined)
}

function missing(name: string, fallbacks: readonly string[]): string {
  return `${name}: is required. Give it under "with:", or set ${fallbacks.join(' or ')} in the environment.`
}

function isDirectory(place: string): boolean {
  return fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false
}
