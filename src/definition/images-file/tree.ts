import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Pair,
  parseDocument,
} from 'yaml'

/** A value of a YAML file. Scalars are texts as they are written. An empty value, and `~` and `null` without quotes, are `nothing`. */
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
  /** The line of the key; the first line is 1. */
  readonly line: number
  readonly value: Tree
}

/** Makes the prefix of an error from the line and the keys that lead to the value. */
export type Prefix = (line: number, path: readonly string[]) => string

/** The most tokens (scalars, signs, white space) of a file. 25,000 lines of settings have so many; a million take `yaml` seconds. */
const MAX_TOKENS = 300_000

/**
 * Reads a YAML 1.2 file with one document by the failsafe schema, so that `1.10` stays `1.10`. An alias and its anchor are the
 * same object, so that the tree is never larger than the file; a walk over it may be longer. Merge keys and tags (`!!int`) are
 * not supported: a value is always read as it is written.
 *
 * @throws Error that begins with the prefix for the line and says what to specify.
 */
export function parseYaml(source: string, prefix: Prefix): Tree {
  const lines = new LineCounter()
  if (hasTooManyTokens(source)) {
    throw new Error(`${prefix(1, [])}the file has too many values. Remove some: it may have ${MAX_TOKENS} YAML tokens.`)
  }
  // The check for duplicate keys of `yaml` takes quadratic time; `toTree` has one that takes linear time.
  const document = parseDocument(source, {
    ...{ version: '1.2', schema: 'failsafe', merge: false, uniqueKeys: false },
    ...{ prettyErrors: false, lineCounter: lines },
  })
  function fail(offset: number, problem: string, depth = 4): never {
    const path = pathTo(document.contents, offset).slice(0, depth)
    throw new Error(prefix(lines.linePos(offset).line, path) + problem)
  }
  const [error] = document.errors
  // In an invalid file the innermost key is uncertain.
  if (error) fail(error.pos[0], explain(error), 3)
  return toTree(document.contents, { lines, fail, anchors: new Map() })
}

/** A file has fewer tokens than twice its characters, so that only the tokens of a large one are counted. */
function hasTooManyTokens(source: string): boolean {
  if (source.length < MAX_TOKENS / 2) return false
  let tokens = 0
  for (const _ of new Lexer().lex(source)) if (++tokens > MAX_TOKENS) return true
  return false
}

/** The keys that lead to an offset of the file, as far as they are known: the file may be invalid there. */
function pathTo(node: unknown, offset: number): string[] {
  if (!isMap(node)) return []
  const pair = node.items.findLast(({ key }) => isNode(key) && startOf(key) <= offset)
  if (!pair || !isScalar(pair.key)) return []
  return [String(pair.key.value), ...pathTo(pair.value, offset)]
}

function explain({ code, message }: Document['errors'][number]): string {
  return EXPLANATIONS[code] ?? `the YAML is not valid: ${message}. Correct it.`
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'YAML does not allow a tab here. Indent with spaces.',
  BLOCK_AS_IMPLICIT_KEY:
    'one value is expected here, but there is a second "key: value". Correct the indentation, or put the value in quotes.',
  BAD_INDENT:
    'the indentation differs from that of the lines around it. Indent all keys of a map alike, and close every bracket.',
  MISSING_CHAR: 'a closing quote or bracket, or the colon after a key, is missing. Write it.',
  BAD_SCALAR_START: 'a value begins with a character that has a meaning in YAML. Put the value in quotes.',
  MULTIPLE_DOCS: 'a second document begins after "---". Write everything into one document.',
  RESOURCE_EXHAUSTION: 'the values are nested too deeply. A setting is a text, a list or a map of texts.',
}

interface Context {
  readonly lines: LineCounter
  readonly anchors: Map<string, Tree>
  fail(offset: number, problem: string): never
}

/** Converts in the order of the file, because an alias stands for the last value before it that has its anchor. */
function toTree(node: unknown, context: Context): Tree {
  if (isAlias(node)) return context.anchors.get(node.source) ?? failUnknown(node, context)
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return { kind: 'nothing' }
  if (node.tag) {
    const tag = node.tag.replace(/^tag:yaml\.org,2002:/, '!!')
    context.fail(startOf(node), `the value has the tag ${tag}. Remove the tag: every value is read as it is written.`)
  }
  const tree = isScalar(node) ? toScalar(node, context) : isSeq(node) ? toList(node, context) : toMap(node, context)
  if (node.anchor) context.anchors.set(node.anchor, tree)
  return tree
}

function failUnknown(alias: Located & { source: string }, { fail }: Context): never {
  const anchor = alias.source
  return fail(
    startOf(alias),
    `no value before *${anchor} has the anchor &${anchor}. Write &${anchor} before the value to repeat.`,
  )
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
    fail(startOf(node), 'the value has a character that no input can have: U+0000 or an unpaired surrogate. Remove it.')
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
    if (earlier) context.fail(offset, `the key is already in line ${earlier.line}. Remove one of the two.`)
    entries.set(key, { line: context.lines.linePos(offset).line, value: toTree(pair.value, context) })
  }
  return { kind: 'map', entries }
}

function toKey(node: unknown, context: Context): { key: string; offset: number } {
  const offset = isNode(node) ? startOf(node) : 0
  if (isScalar(node) && node.type === 'PLAIN' && node.value === '<<')
    context.fail(
      offset,
      'merge keys are not supported. Write the keys out, or write the keys of all images below defaults.',
    )
  const tree = toTree(node, context)
  if (tree.kind === 'text') return { key: tree.text, offset }
  // As a key, `null` is a name like any other.
  if (isScalar(node) && node.value !== '') return { key: String(node.value), offset }
  return context.fail(offset, 'a key is not a text. Write a name before the colon.')
}
