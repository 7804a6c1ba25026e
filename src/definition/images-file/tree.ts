import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Pair, parseDocument } from 'yaml'

/** A value of a YAML file: scalars are texts as they are written. Nothing, `~` and `null` without quotes are `nothing`. */
export type Tree = Nothing | Text | List | Dictionary

export interface Nothing {
  readonly kind: 'nothing'
}

export interface Text {
  readonly kind: 'text'
  readonly text: string
}

export interface List {
  readonly kind: 'list'
  readonly entries: readonly Tree[]
}

export interface Dictionary {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  /** The line of the key, from 1 on. */
  readonly line: number
  readonly value: Tree
}

/** The beginning of an error about a line, at the end of a path of keys. */
export type Prefix = (line: number, path: readonly string[]) => string

/** So many parts (scalars, signs, white space) have 25,000 lines of settings; with a million `yaml` takes seconds. */
const MOST_PARTS = 300_000

/**
 * Reads the one document of a YAML 1.2 file by the failsafe schema, so that `1.10` stays what it is. An alias gives the same
 * object as its anchor, so that the tree is never larger than the file; a walk over it may be. Merge keys and tags (`!!int`)
 * are not supported: a value is always taken as it is written.
 *
 * @throws Error that begins with the prefix for the line and says what to write.
 */
export function parseYaml(source: string, prefix: Prefix): Tree {
  const lines = new LineCounter()
  if (hasTooManyParts(source)) {
    throw new Error(`${prefix(1, [])}the file has too many values. Remove some: at most ${MOST_PARTS} parts are read.`)
  }
  // Its own check for duplicate keys compares each key with each other; `toTree` makes a better one.
  const document = parseDocument(source, {
    ...{ version: '1.2', schema: 'failsafe', merge: false, uniqueKeys: false },
    ...{ prettyErrors: false, logLevel: 'error', lineCounter: lines },
  })
  function fail(offset: number, problem: string, depth = 4): never {
    const path = pathTo(document.contents, offset).slice(0, depth)
    throw new Error(prefix(lines.linePos(offset).line, path) + problem)
  }
  const [error] = document.errors
  // Where the file is broken the innermost key is a guess.
  if (error) fail(error.pos[0], explain(error), 3)
  return toTree(document.contents, { lines, fail, anchors: new Map() })
}

/** A file has fewer parts than twice its characters, so that only a large one is counted. */
function hasTooManyParts(source: string): boolean {
  if (source.length < MOST_PARTS / 2) return false
  let parts = 0
  for (const _ of new Lexer().lex(source)) if (++parts > MOST_PARTS) return true
  return false
}

/** The keys that lead to a place of the file, as far as its lines tell: the file may be broken just there. */
function pathTo(node: unknown, offset: number): string[] {
  if (!isMap(node)) return []
  const pair = node.items.findLast(({ key }) => isScalar(key) && startOf(key) <= offset)
  if (!pair || !isScalar(pair.key)) return []
  return [String(pair.key.value), ...pathTo(pair.value, offset)]
}

function explain({ code, message }: Document['errors'][number]): string {
  return EXPLANATIONS[code] ?? `the YAML is not valid: ${message}. Correct it there.`
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab stands where YAML wants spaces. Indent with spaces.',
  BLOCK_AS_IMPLICIT_KEY:
    'a second "key: value" stands where one value is wanted. Correct the indentation, or put the value in quotes.',
  BAD_INDENT:
    'the indentation is not that of the lines around it. Indent all keys of a map alike, and close every bracket.',
  MISSING_CHAR: 'a closing quote or bracket, or the colon behind a key, is missing. Write it.',
  BAD_SCALAR_START: 'a value begins with a character that has a meaning in YAML. Put the value in quotes.',
  MULTIPLE_DOCS: 'a second document begins after "---". Write everything into one.',
  RESOURCE_EXHAUSTION: 'the values are nested too deeply. A setting is a text, a list or a map of texts.',
}

interface Context {
  readonly lines: LineCounter
  readonly anchors: Map<string, Tree>
  fail(offset: number, problem: string): never
}

/** In the order of the file, so that an alias means the last value before it that has its anchor. */
function toTree(node: unknown, context: Context): Tree {
  if (isAlias(node)) return context.anchors.get(node.source) ?? failUnknown(node, context)
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return { kind: 'nothing' }
  if (node.tag) {
    const tag = node.tag.replace(/^tag:yaml\.org,2002:/, '!!')
    context.fail(startOf(node), `the value has the tag ${tag}. Remove the tag: every value is taken as it is written.`)
  }
  const tree = isScalar(node) ? toScalar(node, context) : isSeq(node) ? toList(node, context) : toMap(node, context)
  if (node.anchor) context.anchors.set(node.anchor, tree)
  return tree
}

function failUnknown(alias: Located & { source: string }, { fail }: Context): never {
  const anchor = alias.source
  return fail(startOf(alias), `*${anchor} repeats no value before it. Write &${anchor} before the value to repeat.`)
}

interface Located {
  readonly range?: readonly [number, number, number] | null | undefined
}

function startOf({ range }: Located): number {
  return range?.[0] ?? 0
}

type YamlScalar = Located & { readonly value: unknown; readonly type?: string }

function toScalar(node: YamlScalar, { fail }: Context): Nothing | Text {
  const text = String(node.value)
  if (node.type === 'PLAIN' && /^(~|null|Null|NULL)?$/.test(text)) return { kind: 'nothing' }
  if (!text.isWellFormed() || text.includes('\0'))
    fail(startOf(node), 'the value has a character that no input can have: U+0000, or half a character. Remove it.')
  return { kind: 'text', text }
}

function toList({ items }: { readonly items: readonly unknown[] }, context: Context): List {
  return { kind: 'list', entries: items.map(item => toTree(item, context)) }
}

function toMap({ items }: { readonly items: readonly Pair<unknown, unknown>[] }, context: Context): Dictionary {
  const entries = new Map<string, Entry>()
  for (const pair of items) {
    const { key, offset } = toKey(pair.key, context)
    const earlier = entries.get(key)
    if (earlier) context.fail(offset, `the key is in line ${earlier.line} already. Remove one of the two.`)
    entries.set(key, { line: context.lines.linePos(offset).line, value: toTree(pair.value, context) })
  }
  return { kind: 'map', entries }
}

function toKey(node: unknown, context: Context): { key: string; offset: number } {
  const offset = isScalar(node) || isAlias(node) || isMap(node) || isSeq(node) ? startOf(node) : 0
  if (isScalar(node) && node.type === 'PLAIN' && node.value === '<<')
    context.fail(
      offset,
      'merge keys are not supported. Write the keys out, or write those of all images below defaults.',
    )
  const tree = toTree(node, context)
  if (tree.kind === 'text') return { key: tree.text, offset }
  // `null` is a word like any other where a name is wanted.
  if (tree.kind === 'nothing' && isScalar(node) && node.value !== '') return { key: String(node.value), offset }
  return context.fail(offset, 'a key is not a text. Write a name before the colon.')
}
