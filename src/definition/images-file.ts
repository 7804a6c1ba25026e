import { escapeControlCharacters, messageOf } from '../runner/log.ts'
import { checkParents, checkRegions } from './images-file/parents.ts'
import { describeUnknown, type Given, type GivenSettings, type Image, readSections } from './images-file/sections.ts'
import { readText } from './images-file/text.ts'
import { isGiven, isMap, type RawValue } from './raw-value.ts'
import {
  type ImageSettings,
  isSettingName,
  parseSetting,
  parseSettings,
  type RawSettings,
  type SettingName,
} from './settings.ts'

/** A valid images file. */
export interface ImagesFile {
  /** As it was given. */
  readonly path: string
  /** The names of its images, in its order. */
  readonly names: readonly string[]
  /**
   * The settings of one image.
   *
   * @throws Error that suggests a name when the file has no such image.
   */
  settings(name: string): ImageSettings
  /**
   * The settings of one image where inputs of the step replace those of the file. What enters the checksum can't be replaced,
   * and a `candidate` of the file can't be switched off.
   *
   * @throws Error that begins with the input's name.
   */
  settingsWith(name: string, inputs: RawSettings): ImageSettings
  /** The beginning of an error about an image's setting: `images-file: ami-bakery.yml:12: image web: aws-region: `. */
  prefix(name: string, key: SettingName | 'parent'): string
}

/** Where an image is baked, which may come from elsewhere than the file. */
export type PlaceSettings = ReadonlyMap<'aws-region' | 'aws-subnet-id', string>

export interface ImagesFileOptions {
  /** The inputs that replace the settings of every image, so that a parent is where its child is. */
  readonly inputs: PlaceSettings
  /** What the environment gives for images where neither the inputs nor the file specify it. */
  readonly environment: PlaceSettings
}

/**
 * Reads the images file (YAML 1.2 or JSON), checks all of it and parses the settings of every image. A key without a value is
 * not given, so that the default holds; an empty text, list or map replaces the default by nothing. The file's path, like all
 * paths in it, is relative to the workspace.
 *
 * @throws Error that begins with `images-file: `, names file, line, image and key, and says what to write. An error about an
 *   input, or about the environment, begins with the setting's name instead.
 */
export async function readImagesFile(path: string, options: ImagesFileOptions): Promise<ImagesFile> {
  const file = `images-file: ${escapeControlCharacters(path)}`
  const prefix = (line: number, keys: readonly string[]) => `${file}:${line}: ${describePath(keys)}`
  const text = readText(path)
  // The YAML parser is loaded only by those runs that have a file.
  const { parseYaml } = await import('./images-file/tree.ts')
  const { defaults, images } = readSections(parseYaml(text, prefix), prefix)
  checkParents(images)
  const given = new Map(images.map(image => [image.name, combine(image, defaults, options)]))
  checkSize([...given.values()], file)
  for (const [setting, value] of defaults) checkDefault(setting, value)
  const parsed = images.map(image => [image.name, parseImage(image, given.get(image.name) ?? new Map())] as const)
  const settings = new Map(parsed)
  checkRegions(images, settings)
  return makeImagesFile({ path, images, given, settings })
}

/** The keys that lead to a place, as in `image web: aws-region: `. */
function describePath(keys: readonly string[]): string {
  const [section, name, ...others] = keys
  const path = section === 'images' && name !== undefined ? [`image ${name}`, ...others] : keys
  return path.map(key => `${escapeControlCharacters(key.slice(0, 100))}: `).join('')
}

/** An image's key replaces the default's; its `parent` replaces a default `base-ami`. */
function combine(image: Image, defaults: GivenSettings, { inputs, environment }: ImagesFileOptions): GivenSettings {
  const given = new Map([...defaults, ...image.own])
  const base = image.own.get('base-ami')
  if (image.parent && base && isGiven(base.raw)) {
    const problem = `an image with a parent is baked from the image of ${image.parent.name}. Remove one of the two.`
    throw new Error(base.prefix + problem)
  }
  if (image.parent) given.delete('base-ami')
  for (const [setting, raw] of environment) {
    if (!isGiven(given.get(setting)?.raw ?? '')) given.set(setting, { raw, prefix: `${setting}: ` })
  }
  for (const [setting, raw] of inputs) if (isGiven(raw)) given.set(setting, { raw, prefix: `${setting}: ` })
  return given
}

/** In characters, of all images; each value counts as eight more. A file that repeats little stays far below. */
const LARGEST_RESULT = 8 * 1024 * 1024

function checkSize(images: readonly GivenSettings[], file: string): void {
  const sizes = new Map<RawValue, number>()
  let total = 0
  for (const { raw } of images.flatMap(given => [...given.values()])) {
    const size = sizes.get(raw) ?? sizeOf(raw)
    sizes.set(raw, size)
    total += size
  }
  if (total <= LARGEST_RESULT) return
  const problem = `aliases and defaults repeat so much that all settings together are larger than ${LARGEST_RESULT >> 20} MiB.`
  throw new Error(`${file}: ${problem} Repeat less.`)
}

function sizeOf(raw: RawValue): number {
  const texts = typeof raw === 'string' ? [raw] : isMap(raw) ? [...raw].flat() : raw
  return texts.reduce((size, text) => size + 8 + (text?.length ?? 0), 0)
}

/** A wrong default is an error even where every image replaces it. */
function checkDefault(setting: SettingName, { raw, prefix }: Given): void {
  try {
    parseSetting(setting, raw)
  } catch (cause) {
    throw new Error(prefix + messageOf(cause), { cause })
  }
}

function parseImage(image: Image, given: GivenSettings): ImageSettings {
  const raw = new Map([...given].map(([setting, { raw }]) => [setting, raw]))
  return parseSettings(raw, {
    name: image.name,
    parent: image.parent?.name,
    prefix: setting => given.get(setting)?.prefix ?? image.prefix(setting),
    advice: setting => {
      const elsewhere = setting === 'aws-region' ? ', or set AWS_REGION in the environment' : ''
      return `Write it below ${image.name} or below defaults${elsewhere}.`
    },
  })
}

interface Content {
  readonly path: string
  readonly images: readonly Image[]
  readonly given: ReadonlyMap<string, GivenSettings>
  readonly settings: ReadonlyMap<string, ImageSettings>
}

function makeImagesFile({ path, images, given, settings }: Content): ImagesFile {
  const byName = new Map(images.map(image => [image.name, image]))
  const names = [...byName.keys()]
  function find<Value>(name: string, values: ReadonlyMap<string, Value>): Value {
    const value = values.get(name)
    if (value !== undefined) return value
    throw new Error(describeUnknown(name, names, escapeControlCharacters(path)))
  }
  return {
    path,
    names,
    settings: name => find(name, settings),
    settingsWith: (name, inputs) => {
      const replaced = parseImage(find(name, byName), replace(find(name, given), inputs))
      return { ...replaced, candidate: replaced.candidate || find(name, settings).candidate }
    },
    prefix: (name, key) => {
      const from = isSettingName(key) ? find(name, given).get(key)?.prefix : undefined
      return from ?? find(name, byName).prefix(key)
    },
  }
}

/** What enters the checksum. A plan reads only the file: with an input instead, plan and bake would differ. */
const IN_CHECKSUM: readonly SettingName[] = [
  ...(['packer-template', 'ami-definition-dirs', 'packer-vars', 'packer-var-files', 'packer-only'] as const),
  ...(['base-ami', 'extra-ingredients', 'strict'] as const),
]

function replace(given: GivenSettings, inputs: RawSettings): GivenSettings {
  const replaced = new Map(given)
  for (const [setting, raw] of inputs) {
    if (!isGiven(raw)) continue
    if (IN_CHECKSUM.includes(setting)) {
      const problem =
        "can't be given beside image: it is included in the checksum, which plan computes from the file alone."
      throw new Error(`${setting}: ${problem} Write it in the images file.`)
    }
    replaced.set(setting, { raw, prefix: `${setting}: ` })
  }
  return replaced
}
