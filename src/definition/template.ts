import fs from 'node:fs'
import path from 'node:path'
import { workspace } from '../runner/environment.ts'
import { messageOf } from '../runner/log.ts'
import { type BytePath, toBytePath, toFileSystem } from './byte-path.ts'

/** The Packer template, in one of the two languages that Packer knows. */
export type Template = Hcl2Template | JsonTemplate

interface TemplateBase {
  /** Absolute, of the file or of the directory of files. */
  readonly path: string
  /** The directory that it is in; the path itself if it is a directory. */
  readonly directory: string
  /** Its path below the workspace, or only its name when it is elsewhere: the value of the tag `ami_bakery_template`. */
  readonly name: string
  readonly isDirectory: boolean
  /** Absolute paths of the files that Packer reads for the template; in a directory, also its auto variable files. */
  readonly files: readonly string[]
}

export interface Hcl2Template extends TemplateBase {
  readonly language: 'hcl2'
}

export interface JsonTemplate extends TemplateBase {
  readonly language: 'json'
  /** The user variables that the template declares, with their defaults as they are written. */
  readonly variables: ReadonlyMap<string, unknown>
  readonly builders: readonly JsonBuilder[]
}

/** A builder's settings, as they are written. */
export type JsonBuilder = Readonly<Record<string, unknown>>

/**
 * Reads the template at an absolute path. A directory and the endings `.pkr.hcl` and `.pkr.json` are
 * HCL2; Packer reads any other file as a legacy JSON template.
 *
 * @throws Error that names the path when it is not a template or can't be read.
 */
export function readTemplate(template: string): Template {
  const stats = describe(template)
  const name = nameBelowWorkspace(template)
  if (stats.isDirectory()) {
    return { language: 'hcl2', path: template, directory: template, name, isDirectory: true, files: filesIn(template) }
  }
  const common = { path: template, directory: path.dirname(template), name, isDirectory: false, files: [template] }
  if (isHcl2(template)) return { language: 'hcl2', ...common }
  const content = parse(template)
  return {
    language: 'json',
    ...common,
    variables: new Map(Object.entries(content.variables ?? {})),
    builders: readBuilders(content),
  }
}

/** Finds the template's files that are not in the definition. Without `strict` a change to one does not change the checksum. */
export function findFilesOutside({ files }: Template, definition: readonly BytePath[]): string[] {
  return files.filter(file => !definition.some(included => isSameFile(included, file)))
}

function isSameFile(included: BytePath, file: string): boolean {
  if (!included.endsWith(toBytePath(`/${path.basename(file)}`))) return false
  const [one, other] = [fs.statSync(toFileSystem(included)), fs.statSync(file)]
  return one.dev === other.dev && one.ino === other.ino
}

function describe(template: string): fs.Stats {
  try {
    const stats = fs.statSync(template)
    if (stats.isFile() || stats.isDirectory()) return stats
  } catch (cause) {
    throw new Error(`${template} can't be read: ${messageOf(cause)}. ${ADVICE}`, { cause })
  }
  throw new Error(`${template} is neither a file nor a directory. ${ADVICE}`)
}

const ADVICE = 'Specify a .json template, a .pkr.hcl or .pkr.json file, or a directory of those.'

function filesIn(directory: string): string[] {
  const names = listNames(directory)
  if (!names.some(isHcl2)) {
    throw new Error(`The directory ${directory} has no .pkr.hcl or .pkr.json file. ${ADVICE}`)
  }
  const read = names.filter(name => isHcl2(name) || /\.auto\.pkrvars\.(hcl|json)$/.test(name))
  return read.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(name => path.join(directory, name))
}

/** Packer ignores directories, even one whose name ends with `.pkr.hcl`. */
function listNames(directory: string): string[] {
  try {
    const entries = fs.readdirSync(directory, { withFileTypes: true })
    return entries.filter(entry => !entry.isDirectory()).map(({ name }) => name)
  } catch (cause) {
    throw new Error(`${directory} can't be read: ${messageOf(cause)}. ${ADVICE}`, { cause })
  }
}

function isHcl2(file: string): boolean {
  return file.endsWith('.pkr.hcl') || file.endsWith('.pkr.json')
}

function readBuilders({ builders }: JsonContent): JsonBuilder[] {
  return Array.isArray(builders) ? builders.filter(isObject) : []
}

interface JsonContent {
  readonly variables?: object | null
  readonly builders?: unknown
}

function parse(template: string): JsonContent {
  const content = parseJson(template)
  if (isObject(content) && (content.variables === undefined || isObject(content.variables))) return content
  const advice = 'Write {"variables": {…}, "builders": […]}, or HCL2 in a file whose name ends with .pkr.hcl.'
  throw new Error(`${template} is not a legacy template. ${advice}`)
}

function parseJson(template: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(template, 'utf8'))
  } catch (cause) {
    const advice = 'A legacy template must be JSON; the name of an HCL2 template ends with .pkr.hcl.'
    throw new Error(`${template} is not valid JSON: ${messageOf(cause)}. ${advice}`, { cause })
  }
}

function isObject(value: unknown): value is JsonBuilder {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameBelowWorkspace(template: string): string {
  const below = path.relative(workspace(), template)
  if (below === '') return '.'
  return below === '..' || below.startsWith('../') ? path.basename(template) : below
}
