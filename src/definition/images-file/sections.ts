import { messageOf } from '../../runner/log.ts'
import { findNearest } from '../nearest.ts'
import { isSpecified, quote, type RawValue, toText } from '../raw-value.ts'
import { isSettingName, SETTING_NAMES, type SettingName } from '../settings.ts'
import type { Dictionary, Prefix, Tree } from './tree.ts'

/** The two parts of an images file, before their values are parsed. */
export interface Sections {
  readonly defaults: SpecifiedSettings
  readonly images: readonly Image[]
}

/** An image of the file, before its values are parsed. */
export interface Image {
  readonly name: string
  readonly own: SpecifiedSettings
  readonly parent: Parent | undefined
  /** The prefix of an error about the image's key. It contains the line of the key, or of the image if the key is missing. */
  prefix(key: string): string
}

export interface Parent {
  readonly name: string
  readonly prefix: string
}

/** The value of one setting, from the file, an input or the environment. */
export interface Specified {
  readonly raw: RawValue
  /** The prefix of an error about it. */
  readonly prefix: string
}

export type SpecifiedSettings = ReadonlyMap<SettingName, Specified>

const EXAMPLE = 'Write "images:" and below it the name of each image with its settings.'

/**
 * Reads names and keys, and the form of each value: a text, a list of texts or a map of texts. A key without a value is
 * skipped.
 *
 * @throws Error that begins with the prefix for the line and says what to specify.
 */
export function readSections(root: Tree, prefix: Prefix): Sections {
  if (root.kind === 'nothing') throw new Error(`${prefix(1, [])}the file is empty. ${EXAMPLE}`)
  if (root.kind !== 'map') throw new Error(`${prefix(1, [])}a map is expected here, not a ${root.kind}. ${EXAMPLE}`)
  for (const [key, { line }] of root.entries) checkSection(key, prefix(line, []))
  const defaults = findSection(root, 'defaults', prefix)
  const images = findSection(root, 'images', prefix)
  if (!images || images.entries.size === 0) {
    throw new Error(`${prefix(root.entries.get('images')?.line ?? 1, [])}the file has no image. ${EXAMPLE}`)
  }
  const reading = { raws: new Map<Tree, RawValue>(), prefix }
  return {
    defaults: defaults ? readDefaults(defaults, reading) : new Map(),
    images: [...images.entries].map(([name, { line, value }]) => readImage({ name, line, value }, reading)),
  }
}

const SECTIONS = ['defaults', 'images']

function checkSection(key: string, prefix: string): void {
  if (SECTIONS.includes(key)) return
  const advice = isSettingName(key) ? 'Write it below defaults or below an image. ' : suggest(key, SECTIONS)
  throw new Error(`${prefix}${quote(key)} is not a known key here. ${advice}The keys here are defaults and images.`)
}

function findSection(root: Dictionary, key: string, prefix: Prefix): Dictionary | undefined {
  const section = root.entries.get(key)
  if (!section || section.value.kind === 'nothing') return undefined
  if (section.value.kind === 'map') return section.value
  const advice = 'Write names and values below it.'
  throw new Error(`${prefix(section.line, [key])}a map is expected here, not a ${section.value.kind}. ${advice}`)
}

interface Reading {
  /** The values that have been read. An alias and its anchor have the same value. */
  readonly raws: Map<Tree, RawValue>
  readonly prefix: Prefix
}

const NOT_IN_DEFAULTS = ['parent', 'output-file']

/** The keys that are allowed in `defaults`. */
export const DEFAULT_KEYS: readonly string[] = SETTING_NAMES.filter(name => !NOT_IN_DEFAULTS.includes(name))

/** The keys that are allowed below an image. */
export const IMAGE_KEYS: readonly string[] = [...SETTING_NAMES, 'parent']

function readDefaults(section: Dictionary, reading: Reading): SpecifiedSettings {
  const path = ['defaults']
  for (const key of NOT_IN_DEFAULTS) {
    const entry = section.entries.get(key)
    if (!entry) continue
    const problem = `${key} is not allowed here, because it applies to one image. Write it below the image.`
    throw new Error(reading.prefix(entry.line, path) + problem)
  }
  return onlySettings(readKeys(section, DEFAULT_KEYS, { ...reading, path }))
}

function readImage({ name, line, value }: { name: string; line: number; value: Tree }, reading: Reading): Image {
  checkName(name, reading.prefix(line, ['images']))
  const path = ['images', name]
  if (value.kind === 'text' || value.kind === 'list') {
    const problem = `the settings of the image are expected here, not a ${value.kind}. Write keys and values below the name.`
    throw new Error(reading.prefix(line, path) + problem)
  }
  const specified =
    value.kind === 'map' ? readKeys(value, IMAGE_KEYS, { ...reading, path }) : new Map<string, Specified>()
  return {
    name,
    own: onlySettings(specified),
    parent: readParent(specified.get('parent')),
    prefix: key => specified.get(key)?.prefix ?? reading.prefix(line, [...path, key]),
  }
}

/** The name is used in tags, in rows of a matrix and in names of files. */
function checkName(name: string, prefix: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return
  const rule = 'Use up to 64 letters, digits, dots, _ and -, the first a letter or digit.'
  throw new Error(`${prefix}${quote(name)} is not a valid image name. ${rule}`)
}

function readParent(specified: Specified | undefined): Parent | undefined {
  if (!specified || !isSpecified(specified.raw)) return undefined
  try {
    return { name: toText(specified.raw), prefix: specified.prefix }
  } catch (cause) {
    throw new Error(specified.prefix + messageOf(cause), { cause })
  }
}

function readKeys(
  section: Dictionary,
  keys: readonly string[],
  { path, raws, prefix }: Reading & { readonly path: readonly string[] },
): Map<string, Specified> {
  const specified = new Map<string, Specified>()
  for (const [key, { line, value }] of section.entries) {
    if (!keys.includes(key)) {
      const known = `The keys of ${path.length > 1 ? 'an image' : 'defaults'} are ${keys.join(', ')}.`
      throw new Error(`${prefix(line, path)}${quote(key)} is not a known key. ${suggest(key, keys)}${known}`)
    }
    if (value.kind === 'nothing') continue
    const begin = prefix(line, [...path, key])
    const raw = raws.get(value) ?? toRaw(value, begin)
    raws.set(value, raw)
    specified.set(key, { raw, prefix: begin })
  }
  return specified
}

function onlySettings(specified: ReadonlyMap<string, Specified>): SpecifiedSettings {
  return new Map([...specified].flatMap(([key, value]) => (isSettingName(key) ? [[key, value] as const] : [])))
}

function toRaw(tree: Exclude<Tree, { kind: 'nothing' }>, prefix: string): RawValue {
  if (tree.kind === 'text') return tree.text
  if (tree.kind === 'list')
    return tree.entries.flatMap((entry, index) => textOf(entry, `${prefix}entry ${index + 1}`) ?? [])
  return new Map([...tree.entries].map(([key, { value }]) => [key, textOf(value, `${prefix}the entry ${quote(key)}`)]))
}

function textOf(tree: Tree, what: string): string | undefined {
  if (tree.kind === 'nothing') return undefined
  if (tree.kind === 'text') return tree.text
  throw new Error(`${what} is a ${tree.kind}, but one text is expected. Put it in quotes if it is a text.`)
}

/** Describes that the file has no such image. */
export function describeUnknown(name: string, names: readonly string[], file: string): string {
  const shown = names.slice(0, 20)
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : ''
  return `${quote(name)} is not an image of ${file}. ${suggest(name, names)}Its images are ${shown.join(', ')}${more}.`
}

function suggest(written: string, words: readonly string[]): string {
  const nearest = findNearest(written, words)
  return nearest === undefined ? '' : `Did you mean ${nearest}? `
}
