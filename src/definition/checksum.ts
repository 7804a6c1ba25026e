import { createHash, hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { workspace } from '../runner/environment.ts'
import { messageOf } from '../runner/log.ts'
import { blameOption, OptionError } from '../runner/option-error.ts'
import { toBytePath, toText } from './byte-path.ts'
import { type HashedFile, hashFiles } from './hash-files.ts'
import type { Template } from './template.ts'
import type { Variable } from './variables.ts'

/** An ingredient of the checksum in addition to the definition's files. */
export interface Ingredient {
  /** Its kind, as in the tag `ami_bakery_ingredients`. */
  readonly kind: 'vars' | 'var-files' | 'only' | 'base-ami' | 'parent' | 'extra' | 'strict'
  /** Its name for the log; never the value of a variable. */
  readonly title: string
  /** SHA-1 in 40 lower-case hex digits. */
  readonly digest: string
}

/** A checksum and its ingredients. */
export interface Checksum {
  /** 40 lower-case hex digits: the value of the tag `ami_config_checksum`. */
  readonly value: string
  readonly files: readonly HashedFile[]
  readonly ingredients: readonly Ingredient[]
  /** The entries that the files were listed from, as specified. */
  readonly definition: readonly string[]
  readonly options: IngredientOptions
}

/** The ingredients in addition to the definition's files. An absent one is not included. */
export interface IngredientOptions {
  readonly variables?: readonly Variable[]
  /** Absolute paths. */
  readonly variableFiles?: readonly string[]
  readonly only?: readonly string[]
  /** The id of the image to bake from. */
  readonly baseImage?: string | undefined
  /** The checksum of the image to bake from. */
  readonly parent?: string | undefined
  readonly extraIngredients?: readonly string[]
  /** The template to include, together with the files' names and executable bits. */
  readonly strict?: Template | undefined
}

/** The hashed files of a definition, and the entries that they were listed from. */
export interface Definition {
  readonly entries: readonly string[]
  readonly files: readonly HashedFile[]
}

/**
 * Computes the checksum: the SHA-1 of the SHA-1s, in hex, of the definition's files and then of the other ingredients.
 * Without other ingredients it is the checksum that GumGum's Docker image computes.
 *
 * @throws OptionError for a variable file or a template that can't be read.
 */
export async function computeChecksum(
  { entries, files }: Definition,
  options: IngredientOptions = {},
): Promise<Checksum> {
  const { variables = [], variableFiles = [], only = [], baseImage, parent, extraIngredients = [], strict } = options
  const ingredients = [
    ...variables.map(({ name, value }) => ingredient('vars', name, 'var', name, value)).sort(byTitle),
    ...(await hashVariableFiles(variableFiles)),
    ...only.map(entry => ingredient('only', entry, 'only', entry)).sort(byTitle),
    ...(baseImage ? [ingredient('base-ami', baseImage, 'base-ami', baseImage)] : []),
    ...(parent ? [ingredient('parent', parent, 'parent', parent)] : []),
    ...extraIngredients.map(line => ingredient('extra', line, 'extra', line)),
    ...(strict ? [strictIngredient(strict, files)] : []),
  ]
  return { value: digestOf([files, ingredients]), files, ingredients, definition: entries, options }
}

/**
 * Summarizes the ingredients for the tag `ami_bakery_ingredients`: each kind, with the first ten hex digits of the SHA-1 of
 * its digests. Two images differ in a kind exactly if these digits differ.
 */
export function summarize({ files, ingredients }: Checksum): ReadonlyMap<string, string> {
  const kinds = [...new Set(ingredients.map(({ kind }) => kind))]
  const grouped = kinds.map(kind => [kind, ingredients.filter(one => one.kind === kind)] as const)
  return new Map([['files', files] as const, ...grouped].map(([kind, ones]) => [kind, digestOf([ones]).slice(0, 10)]))
}

/** Updates one by one: the joined digests of many files would need more memory than all the rest. */
function digestOf(lists: readonly (readonly { readonly digest: string }[])[]): string {
  const sha1 = createHash('sha1')
  for (const list of lists) for (const { digest } of list) sha1.update(digest)
  return sha1.digest('hex')
}

function ingredient(kind: Ingredient['kind'], title: string, ...parts: readonly string[]): Ingredient {
  return { kind, title, digest: hash('sha1', parts.join('\0')) }
}

/** Compares bytes: the order of JavaScript's strings is another. */
function byTitle(a: Ingredient, b: Ingredient): number {
  return Buffer.compare(Buffer.from(a.title), Buffer.from(b.title))
}

async function hashVariableFiles(paths: readonly string[]): Promise<Ingredient[]> {
  const files = await blameOption('variableFiles', () => hashFiles(paths.map(toBytePath)))
  return files.map(({ path: file, digest }) => ({ kind: 'var-files', title: toText(file), digest }))
}

/** The ingredient `strict`: the template, and the names and executable bits of the files. */
function strictIngredient(template: Template, files: readonly HashedFile[]): Ingredient {
  const base = toBytePath(workspace())
  const parts = files.flatMap(file => [
    Buffer.from(`\0${path.posix.relative(base, file.path)}\0${file.isExecutable ? 'x' : '-'}`, 'latin1'),
  ])
  const digest = hash('sha1', Buffer.concat([Buffer.from('strict\0'), contentOf(template), ...parts]))
  return { kind: 'strict', title: 'template, names, modes', digest }
}

function contentOf({ path: file, files, isDirectory }: Template): Buffer {
  if (!isDirectory) return readTemplateFile(file)
  return Buffer.concat(files.flatMap(file => [Buffer.from(`${path.basename(file)}\0`), readTemplateFile(file)]))
}

/** Opens only a regular file: opening a FIFO would never return. */
function readTemplateFile(file: string): Buffer {
  try {
    if (fs.statSync(file).isFile()) return fs.readFileSync(file)
  } catch (cause) {
    throw new OptionError('template', `${file} can't be read: ${messageOf(cause)}. Make it readable.`, { cause })
  }
  throw new OptionError('template', `${file} is not a file and can't be included in the checksum. Remove it.`)
}
