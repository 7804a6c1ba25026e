import { createHash, hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Inputs } from '../actions/bake/inputs.ts'
import { workspace } from '../runner/environment.ts'
import { messageOf } from '../runner/log.ts'
import { toBytePath, toText } from './files.ts'
import { type HashedFile, hashFiles } from './hash-files.ts'
import type { Template } from './template.ts'

/** One thing beside the definition's files that enters the checksum. */
export interface Ingredient {
  /** The word for its kind, as in the tag `ami_bakery_ingredients`. */
  readonly kind: 'vars' | 'var-files' | 'only' | 'base-ami' | 'extra' | 'strict'
  /** What it is, for the log: never a variable's value. */
  readonly title: string
  /** SHA-1 in 40 lower-case hex digits. */
  readonly digest: string
}

/** Everything that entered the checksum, and the checksum. */
export interface Checksum {
  /** 40 lower-case hex digits: the value of the tag `ami_config_checksum`. */
  readonly value: string
  readonly files: readonly HashedFile[]
  readonly ingredients: readonly Ingredient[]
  /** The id of the image to bake from, where the user asked for one. */
  readonly baseImage: string | undefined
}

/**
 * Computes the checksum: the SHA-1 of the SHA-1s, in hex, of the definition's files and then of all other ingredients that
 * are in use. So plain use gives the same checksum as ever.
 */
export async function computeChecksum(
  files: readonly HashedFile[],
  inputs: Pick<Inputs, 'variables' | 'variableFiles' | 'only' | 'extraIngredients' | 'strict' | 'template'>,
  baseImage: string | undefined,
): Promise<Checksum> {
  const ingredients = [
    ...inputs.variables.map(({ name, value }) => ingredient('vars', name, 'var', name, value)).sort(byTitle),
    ...(await countVariableFiles(inputs)),
    ...inputs.only.map(entry => ingredient('only', entry, 'only', entry)).sort(byTitle),
    ...(baseImage ? [ingredient('base-ami', baseImage, 'base-ami', baseImage)] : []),
    ...inputs.extraIngredients.map(line => ingredient('extra', line, 'extra', line)),
    ...(inputs.strict ? [strictness(inputs.template, files)] : []),
  ]
  return { value: digestOf([files, ingredients]), files, ingredients, baseImage }
}

/**
 * The checksum's ingredients in short, for the tag `ami_bakery_ingredients`: a word for each kind in use, with the first ten
 * hex digits of the SHA-1 over its digests. Two images differ in a kind exactly if these digits do.
 */
export function summarize({ files, ingredients }: Checksum): ReadonlyMap<string, string> {
  const kinds = [...new Set(ingredients.map(({ kind }) => kind))]
  const counted = kinds.map(kind => [kind, ingredients.filter(one => one.kind === kind)] as const)
  return new Map([['files', files] as const, ...counted].map(([kind, ones]) => [kind, digestOf([ones]).slice(0, 10)]))
}

/** One after the other: joined, the digests of many files would fill the memory more than all else. */
function digestOf(lists: readonly (readonly { readonly digest: string }[])[]): string {
  const sha1 = createHash('sha1')
  for (const list of lists) for (const { digest } of list) sha1.update(digest)
  return sha1.digest('hex')
}

function ingredient(kind: Ingredient['kind'], title: string, ...parts: readonly string[]): Ingredient {
  return { kind, title, digest: hash('sha1', parts.join('\0')) }
}

/** By bytes, which is another order than that of JavaScript's strings. */
function byTitle(a: Ingredient, b: Ingredient): number {
  return Buffer.compare(Buffer.from(a.title), Buffer.from(b.title))
}

async function countVariableFiles({ variableFiles }: Pick<Inputs, 'variableFiles'>): Promise<Ingredient[]> {
  const files = await hashFiles(variableFiles.map(toBytePath)).catch(cause => {
    throw new Error(messageOf(cause).replace(/^ami-definition-dirs/, 'packer-var-files'), { cause })
  })
  return files.map(({ path: file, digest }) => ({ kind: 'var-files', title: toText(file), digest }))
}

/** What the files' contents don't tell: the template, and the files' names and executable bits. */
function strictness(template: Template, files: readonly HashedFile[]): Ingredient {
  const base = toBytePath(workspace())
  const parts = files.flatMap(file => [
    Buffer.from(`\0${path.posix.relative(base, file.path)}\0${file.isExecutable ? 'x' : '-'}`, 'latin1'),
  ])
  const digest = hash('sha1', Buffer.concat([Buffer.from('strict\0'), contentOf(template), ...parts]))
  return { kind: 'strict', title: 'template, names, modes', digest }
}

function contentOf({ path: place, files, isDirectory }: Template): Buffer {
  if (!isDirectory) return readTemplateFile(place)
  return Buffer.concat(files.flatMap(file => [Buffer.from(`${path.basename(file)}\0`), readTemplateFile(file)]))
}

/** What is no file is not opened: a FIFO would be waited on for ever. */
function readTemplateFile(file: string): Buffer {
  try {
    if (fs.statSync(file).isFile()) return fs.readFileSync(file)
  } catch (cause) {
    throw new Error(`packer-template: ${file} can't be read: ${messageOf(cause)}. Make it readable.`, { cause })
  }
  throw new Error(`packer-template: ${file} is not a file, whose content could be counted. Take it out of there.`)
}
