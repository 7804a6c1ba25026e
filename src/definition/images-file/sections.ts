import { messageOf } from '../../runner/log.ts'
import { findNearest } from '../nearest.ts'
import { isGiven, quote, type RawValue, toText } from '../raw-value.ts'
import { isSettingName, SETTING_NAMES, type SettingName } from '../settings.ts'
import type { Dictionary, Prefix, Tree } from './tree.ts'

/** The two parts of an images file, as they are written. */
export interface Sections {
  readonly defaults: GivenSettings
  readonly images: readonly Image[]
}

/** An image of the file, as it is written. */
export interface Image {
  readonly name: string
  readonly own: GivenSettings
  readonly parent: Parent | undefined
  /** The beginning of an error about the image's key; its line is the image's where the key is missing. */
  prefix(key: string): string
}

export interface Parent {
  readonly name: string
  readonly prefix: string
}

/** What the file, an input or the environment gives for one setting. */
export interface Given {
  readonly raw: RawValue
  /** The beginning of an error about it. */
  readonly prefix: string
}

export type GivenSettings = ReadonlyMap<SettingName, Given>

const EXAMPLE = 'Write "images:" and below it the name of each image with its settings.'

/**
 * Reads names and keys, and the shape of each value: a text, a list of texts or a map of texts. A key without a value is left
 * out.
 *
 * @throws Error that begins with the prefix for the line and says what to write.
 */
export function readSections(root: Tree, prefix: Prefix): Sections {
  if (root.kind === 'nothing') throw new Error(`${prefix(1, [])}the file is empty. ${EXAMPLE}`)
  if (root.kind !== 'map') throw new Error(`${prefix(1, [])}a ${root.kind} stands where a map is wanted. ${EXAMPLE}`)
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
  throw new Error(`${prefix}${quote(key)} is not a known key here. ${advice}The file has defaults and images.`)
}

function findSection(root: Dictionary, key: string, prefix: Prefix): Dictionary | undefined {
  const section = root.entries.get(key)
  if (!section || section.value.kind === 'nothing') return undefined
  if (section.value.kind === 'map') return section.value
  const advice = 'Write names and values below it.'
  throw new Error(`${prefix(section.line, [key])}a ${section.value.kind} stands where a map is wanted. ${advice}`)
}

interface Reading {
  /** Values read so far: an alias shares that of its anchor. */
  readonly raws: Map<Tree, RawValue>
  readonly prefix: Prefix
}

const NOT_IN_DEFAULTS = ['parent', 'output-file']

/** The keys that may stand in `defaults`. */
export const DEFAULT_KEYS: readonly string[] = SETTING_NAMES.filter(name => !NOT_IN_DEFAULTS.includes(name))

/** The keys that may stand below an image. */
export const IMAGE_KEYS: readonly string[] = [...SETTING_NAMES, 'parent']

function readDefaults(section: Dictionary, reading: Reading): GivenSettings {
  const path = ['defaults']
  for (const key of NOT_IN_DEFAULTS) {
    const entry = section.entries.get(key)
    if (!entry) continue
    const problem = `${key} may not stand here, because it is for one image. Write it below the image.`
    throw new Error(reading.prefix(entry.line, path) + problem)
  }
  return onlySettings(readKeys(section, DEFAULT_KEYS, { ...reading, path }))
}

function readImage({ name, line, value }: { name: string; line: number; value: Tree }, reading: Reading): Image {
  checkName(name, reading.prefix(line, ['images']))
  const path = ['images', name]
  if (value.kind === 'text' || value.kind === 'list') {
    const problem = `a ${value.kind} stands where the settings of the image are wanted. Write keys and values below the name.`
    throw new Error(reading.prefix(line, path) + problem)
  }
  const given = value.kind === 'map' ? readKeys(value, IMAGE_KEYS, { ...reading, path }) : new Map<string, Given>()
  return {
    name,
    own: onlySettings(given),
    parent: readParent(given.get('parent')),
    prefix: key => given.get(key)?.prefix ?? reading.prefix(line, [...path, key]),
  }
}

/** Fit for a tag, a row of a matrix and the name of a file. */
function checkName(name: string, prefix: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return
  const rule = 'Use up to 64 letters, digits, dots, _ and -, the first a letter or digit.'
  throw new Error(`${prefix}${quote(name)} is not the name of an image. ${rule}`)
}

function readParent(given: Given | undefined): Parent | undefined {
  if (!given || !isGiven(given.raw)) return undefined
  try {
    return { name: toText(given.raw), prefix: given.prefix }
  } catch (cause) {
    throw new Error(given.prefix + messageOf(cause), { cause })
  }
}

function readKeys(
  section: Dictionary,
  keys: readonly string[],
  { path, raws, prefix }: Reading & { readonly path: readonly string[] },
): Map<string, Given> {
  const given = new Map<string, Given>()
  for (const [key, { line, value }] of section.entries) {
    if (!keys.includes(key)) {
      const known = `The keys of ${path.length > 1 ? 'an image' : 'defaults'} are ${keys.join(', ')}.`
      throw new Error(`${prefix(line, path)}${quote(key)} is not a known key. ${suggest(key, keys)}${known}`)
    }
    if (value.kind === 'nothing') continue
    const begin = prefix(line, [...path, key])
    const raw = raws.get(value) ?? toRaw(value, begin)
    raws.set(value, raw)
    given.set(key, { raw, prefix: begin })
  }
  return given
}

function onlySettings(given: ReadonlyMap<string, Given>): GivenSettings {
  return new Map([...given].flatMap(([key, value]) => (isSettingName(key) ? [[key, value] as const] : [])))
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
  throw new Error(`${what} is a ${tree.kind}, where one text is wanted. Put it in quotes if it is to be a text.`)
}

/** Says that the file has no such image. */
export function describeUnknown(name: string, names: readonly string[], file: string): string {
  const shown = names.slice(0, 20)
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : ''
  return `${quote(name)} is not an image of ${file}. ${suggest(name, names)}Its images are ${shown.join(', ')}${more}.`
}

function suggest(written: string, words: readonly string[]): string {
  const nearest = findNearest(written, words)
  return nearest === undefined ? '' : `Did you mean ${nearest}? `
}
