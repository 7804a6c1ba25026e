import { escapeControlCharacters, messageOf } from '../runner/log.ts'
import { checkParents, checkRegions } from './images-file/parents.ts'
import {
  describeUnknown,
  type Image,
  readSections,
  type Specified,
  type SpecifiedSettings,
} from './images-file/sections.ts'
import { readText } from './images-file/text.ts'
import { isMap, isSpecified, type RawValue } from './raw-value.ts'
import {
  type ImageSettings,
  isSettingName,
  parseSetting,
  parseSettings,
  type RawSettings,
  type SettingName,
} from './settings.ts'

/** The content of a valid images file. */
export interface ImagesFile {
  /** As it was specified. */
  readonly path: string
  /** The names of its images, in the order of the file. */
  readonly names: readonly string[]
  /**
   * The settings of one image.
   *
   * @throws Error that suggests a similar name when the file has no such image.
   */
  settings(name: string): ImageSettings
  /**
   * The settings of one image, in which inputs of the step replace those of the file. An input can't replace a setting that is
   * included in the checksum, nor disable the `candidate` of the file.
   *
   * @throws Error that begins with the input's name.
   */
  settingsWith(name: string, inputs: RawSettings): ImageSettings
  /** The prefix of an error about an image's setting: `images-file: ami-bakery.yml:12: image web: aws-region: `. */
  prefix(name: string, key: SettingName | 'parent'): string
}

/** The region and the subnet of an image, which inputs and the environment can specify too. No value is blank. */
export type LocationSettings = ReadonlyMap<'aws-region' | 'aws-subnet-id', string>

export interface ImagesFileOptions {
  /** The inputs that replace the settings of every image, so that a parent and its child are in the same region. */
  readonly inputs: LocationSettings
  /** The values of the environment, for images for which neither the inputs nor the file specify one. */
  readonly environment: LocationSettings
}

/**
 * Reads the images file (YAML 1.2 or JSON), checks all of it and parses the settings of every image. The default applies to a key
 * without a value; an empty text, list or map overrides it, so that no value is specified. The file's path and all paths in it
 * are relative to the workspace.
 *
 * @throws Error that begins with `images-file: `, names file, line, image and key, and says what to specify. An error about an
 *   input, or about the environment, begins with the setting's name instead.
 */
export async function readImagesFile(path: string, options: ImagesFileOptions): Promise<ImagesFile> {
  const file = `images-file: ${escapeControlCharacters(path)}`
  const prefix = (line: number, keys: readonly string[]) => `${file}:${line}: ${describePath(keys)}`
  const text = readText(path)
  // Loaded on demand: only runs with an images file need the YAML parser.
  const { parseYaml } = await import('./images-file/tree.ts')
  const { defaults, images } = readSections(parseYaml(text, prefix), prefix)
  checkParents(images)
  const combined = images.map(image => [image, combine(image, defaults, options)] as const)
  const specified = new Map(combined.map(([image, own]) => [image.name, own]))
  checkSize([...specified.values()], file)
  for (const [setting, value] of defaults) checkDefault(setting, value)
  const settings = new Map(combined.map(([image, own]) => [image.name, parseImage(image, own)]))
  checkRegions(images, settings)
  return makeImagesFile({ path, images, specified, settings })
}

/** Describes the path of a value, as in `image web: aws-region: `. */
function describePath(keys: readonly string[]): string {
  const [section, name, ...others] = keys
  const path = section === 'images' && name !== undefined ? [`image ${name}`, ...others] : keys
  return path.map(key => `${escapeControlCharacters(key.slice(0, 100))}: `).join('')
}

/** Applies the defaults. An image's key replaces the default's, and its `parent` replaces a default `base-ami`. */
function combine(
  image: Image,
  defaults: SpecifiedSettings,
  { inputs, environment }: ImagesFileOptions,
): SpecifiedSettings {
  const specified = new Map([...defaults, ...image.own])
  const base = image.own.get('base-ami')
  if (image.parent && base && isSpecified(base.raw)) {
    const problem = `an image with a parent is baked from the image of ${image.parent.name}. Remove one of the two.`
    throw new Error(base.prefix + problem)
  }
  if (image.parent) specified.delete('base-ami')
  for (const [setting, raw] of environment) {
    if (!isSpecified(specified.get(setting)?.raw ?? '')) specified.set(setting, { raw, prefix: `${setting}: ` })
  }
  for (const [setting, raw] of inputs) specified.set(setting, { raw, prefix: `${setting}: ` })
  return specified
}

/** The size limit for the settings of all images, in characters plus eight per value. Only aliases and defaults can exceed it. */
const MAX_TOTAL_SIZE = 8 * 1024 * 1024

function checkSize(images: readonly SpecifiedSettings[], file: string): void {
  const sizes = new Map<RawValue, number>()
  let total = 0
  for (const { raw } of images.flatMap(settings => [...settings.values()])) {
    const size = sizes.get(raw) ?? sizeOf(raw)
    sizes.set(raw, size)
    total += size
  }
  if (total <= MAX_TOTAL_SIZE) return
  const problem = `aliases and defaults repeat so much that all settings together are larger than ${MAX_TOTAL_SIZE >> 20} MiB.`
  throw new Error(`${file}: ${problem} Repeat less.`)
}

function sizeOf(raw: RawValue): number {
  const texts = typeof raw === 'string' ? [raw] : isMap(raw) ? [...raw].flat() : raw
  return texts.reduce((size, text) => size + 8 + (text?.length ?? 0), 0)
}

/** A wrong default is an error even if every image replaces it. */
function checkDefault(setting: SettingName, { raw, prefix }: Specified): void {
  try {
    parseSetting(setting, raw)
  } catch (cause) {
    throw new Error(prefix + messageOf(cause), { cause })
  }
}

function parseImage(image: Image, specified: SpecifiedSettings): ImageSettings {
  const raw = new Map([...specified].map(([setting, { raw }]) => [setting, raw]))
  return parseSettings(raw, {
    name: image.name,
    parent: image.parent?.name,
    prefix: setting => specified.get(setting)?.prefix ?? image.prefix(setting),
    advice: setting => {
      const elsewhere = setting === 'aws-region' ? ', or set AWS_REGION in the environment' : ''
      return `Write it below ${image.name} or below defaults${elsewhere}.`
    },
  })
}

interface Content {
  readonly path: string
  readonly images: readonly Image[]
  readonly specified: ReadonlyMap<string, SpecifiedSettings>
  readonly settings: ReadonlyMap<string, ImageSettings>
}

function makeImagesFile({ path, images, specified, settings }: Content): ImagesFile {
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
      const replaced = parseImage(find(name, byName), replace(find(name, specified), inputs))
      return { ...replaced, candidate: replaced.candidate || find(name, settings).candidate }
    },
    prefix: (name, key) => {
      const image = find(name, byName)
      const from = isSettingName(key) ? find(name, specified).get(key)?.prefix : undefined
      // The base image of an image with a parent is the parent's.
      return from ?? image.prefix(key === 'base-ami' && image.parent ? 'parent' : key)
    },
  }
}

/** The settings that are included in the checksum. A plan reads only the file: with an input, plan and bake would differ. */
const IN_CHECKSUM: readonly SettingName[] = [
  ...(['packer-template', 'ami-definition-dirs', 'packer-vars', 'packer-var-files', 'packer-only'] as const),
  ...(['base-ami', 'extra-ingredients', 'strict'] as const),
]

function replace(specified: SpecifiedSettings, inputs: RawSettings): SpecifiedSettings {
  const replaced = new Map(specified)
  for (const [setting, raw] of inputs) {
    if (!isSpecified(raw)) continue
    if (IN_CHECKSUM.includes(setting)) {
      const problem =
        "can't be specified together with image: it is included in the checksum, which plan computes from the file alone."
      throw new Error(`${setting}: ${problem} Write it in the images file.`)
    }
    replaced.set(setting, { raw, prefix: `${setting}: ` })
  }
  return replaced
}
