import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** A path below a tree in which every character stands for one byte: names need not be UTF-8. An ASCII path is the same as text. */
export type ByteName = string

/** An entry of a tree: a file's bytes, a link with its target, or another kind. */
export type Content = string | Buffer | { readonly link: ByteName } | { readonly kind: 'directory' | 'fifo' | 'socket' }

export const DIRECTORY: Content = { kind: 'directory' }
export const FIFO: Content = { kind: 'fifo' }
export const SOCKET: Content = { kind: 'socket' }

/** A link. A relative target is relative to the link's directory. */
export function linkTo(link: ByteName): Content {
  return { link }
}

/** The name's UTF-8 bytes, as the key of a tree. */
export function utf8(name: string): ByteName {
  return Buffer.from(name).toString('latin1')
}

/** Files in a real temporary directory, readable by every user of the machine. */
export interface Tree {
  /** An absolute path without links. */
  readonly directory: string
  /** An absolute path below the tree, joined without normalization. */
  at(file: string): string
  add(contents: Readonly<Record<ByteName, Content>>): void
  [Symbol.dispose](): void
}

/** Makes a tree with these entries, and the directories above them. */
export function makeTree(contents: Readonly<Record<ByteName, Content>>): Tree {
  const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'definition-'))
  fs.chmodSync(directory, 0o755)
  const servers: net.Server[] = []
  function add(more: Readonly<Record<ByteName, Content>>): void {
    for (const [name, content] of Object.entries(more)) {
      const server = put(`${utf8(directory)}/${name}`, content)
      if (server) servers.push(server)
    }
  }
  add(contents)
  return {
    directory,
    at: file => `${directory}/${file}`,
    add,
    [Symbol.dispose]: () => {
      for (const server of servers) server.close()
      fs.rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Whether names on this disk are plain bytes, and case-sensitive. On most disks of macOS they are not. */
export const namesAreBytes = probeNames()

function probeNames(): boolean {
  using tree = makeTree({ a: '' })
  try {
    tree.add({ '\xff': '' })
  } catch {
    return false
  }
  return !fs.existsSync(tree.at('A'))
}

function put(name: ByteName, content: Content): net.Server | undefined {
  const file = Buffer.from(name, 'latin1')
  fs.mkdirSync(Buffer.from(name.slice(0, name.lastIndexOf('/')), 'latin1'), { recursive: true })
  if (typeof content === 'string' || Buffer.isBuffer(content)) fs.writeFileSync(file, content)
  else if ('link' in content) fs.symlinkSync(Buffer.from(content.link, 'latin1'), file)
  else if (content.kind === 'directory') fs.mkdirSync(file, { recursive: true })
  else if (content.kind === 'fifo') execFileSync('mkfifo', [file.toString()])
  else return net.createServer().listen(file.toString()).unref()
  return undefined
}

/** A tree, the definition in it, and its checksum, which the reference in Python computed. */
export interface GoldenTree {
  readonly about: string
  readonly files: Readonly<Record<ByteName, string | { readonly link: ByteName }>>
  readonly entries: readonly string[]
  readonly checksum: string
}

/** The content of `fixtures/checksums.json`: trees with their files, and seeds of trees for `growTree`. */
export interface GoldenChecksums {
  readonly trees: readonly GoldenTree[]
  readonly seeds: readonly { readonly seed: number; readonly checksum: string }[]
}

/** Reads the committed checksums. They must never change: images are tagged with such checksums. */
export function readGoldenChecksums(): GoldenChecksums {
  return JSON.parse(fs.readFileSync(new URL('../fixtures/checksums.json', import.meta.url), 'utf8'))
}

/** A random tree, and directories and files in it that are the definition. */
export interface RandomTree extends Tree {
  readonly seed: number
  /** Absolute paths in the spellings that a user could specify. */
  readonly entries: readonly string[]
}

/** Makes a random tree. It is the same for the same seed, in every directory. A definition may contain everything in it. */
export function growTree(seed: number): RandomTree {
  const tree = makeTree({ 'outside/file': 'outside', 'outside/directory/file': 'outside too', inside: DIRECTORY })
  const dice = makeDice(seed)
  const grown: Grown = { root: utf8(tree.directory), files: [], directories: [] }
  growDirectory('inside', dice, grown)
  return { ...tree, seed, entries: chooseEntries(dice, grown).map(entry => tree.at(entry)) }
}

interface Grown {
  readonly root: ByteName
  /** Files and links to files. */
  readonly files: ByteName[]
  /** Directories and links to directories. */
  readonly directories: ByteName[]
}

const DEEPEST = 4

function growDirectory(directory: ByteName, dice: Dice, grown: Grown): void {
  fs.mkdirSync(Buffer.from(`${grown.root}/${directory}`, 'latin1'), { recursive: true })
  grown.directories.push(directory)
  const depth = directory.split('/').length
  for (let count = depth === 1 ? 6 + dice.below(10) : dice.below(8); count > 0; count--) {
    const entry = `${directory}/${dice.pick(['', '', '', '.'])}${dice.pick(NAMES)}`
    if (fs.lstatSync(Buffer.from(`${grown.root}/${entry}`, 'latin1'), { throwIfNoEntry: false })) continue
    if (depth < DEEPEST && dice.chance(0.35)) growDirectory(entry, dice, grown)
    else growLeaf(entry, dice, grown)
  }
}

function growLeaf(entry: ByteName, dice: Dice, grown: Grown): void {
  if (dice.chance(0.8)) {
    put(`${grown.root}/${entry}`, chooseContent(dice))
    grown.files.push(entry)
    return
  }
  const isHidden = entry.slice(entry.lastIndexOf('/') + 1).startsWith('.')
  const kind = dice.pick(['files', 'files', 'directories', 'outside', isHidden ? 'nothing' : 'outside'] as const)
  if (kind === 'nothing') put(`${grown.root}/${entry}`, linkTo('nothing there'))
  else if (kind === 'outside') growLink(entry, dice.pick(['outside/file', 'outside/directory']), grown)
  else if (grown[kind].length > 0) growLink(entry, dice.pick(grown[kind]), grown)
}

function growLink(entry: ByteName, target: ByteName, grown: Grown): void {
  put(`${grown.root}/${entry}`, linkTo(`${grown.root}/${target}`))
  const isFile = fs.statSync(Buffer.from(`${grown.root}/${target}`, 'latin1')).isFile()
  grown[isFile ? 'files' : 'directories'].push(entry)
}

/** Names that are sorted, matched or printed differently if they are used as text, as patterns or as several words. */
const NAMES: readonly ByteName[] = [
  ...['a', 'a-b', 'a.b', 'a b', 'a!', 'A', 'b', 'B', 'ab', 'a~', '0', '10', '9', 'z', '_'],
  ...['[a]', 'a*', 'a?', '#a', '!a', '~', '-x', '--', '{a,b}', '$(a)', '%41', '\\', 'a\\b', ','],
  ...[' a', 'a ', "it's", '"a"', 'a\nb', 'a\rb', '\n', '\t', '\x01', '\x7f', '..a', '...', 'a.git'],
  ...['\uff21', '\u{1f600}', '\ue000', '\ufffd', '\u00e9', 'e\u0301', '\u00df', '\u0130', '\u65e5\u672c', '\u200b'].map(
    utf8,
  ),
  ...['\xff', '\xfe\x80', 'a\xff', '\xc3', '\xed\xa0\x80', '\xf4\x90\x80\x80', '\xc0\xaf'],
]

const NOISE = makeNoise(2 * 1024 * 1024)

function makeNoise(size: number): Buffer {
  const random = mulberry32(1)
  return Buffer.from(Uint32Array.from({ length: size / 4 }, () => random() * 2 ** 32).buffer)
}

const SIZES = [0, 0, 1, 20, 262_143, 262_144, 262_145, 524_288, 1_048_577, 1_300_000]

function chooseContent(dice: Dice): Buffer {
  const size = dice.chance(0.1) ? dice.pick(SIZES) : 1 + dice.below(60)
  const start = dice.below(NOISE.length - size)
  return NOISE.subarray(start, start + size)
}

/** Spellings of one path that must not be normalized. */
const SPELLINGS: readonly ((parent: string, name: string) => string)[] = [
  (parent, name) => `./${parent}${name}`,
  (parent, name) => `${parent}/${name}`,
  (parent, name) => `${parent}./${name}`,
  (parent, name) => `inside/../${parent}${name}`,
  (parent, name) => `outside/directory/../../${parent}/.//${name}`,
]

const ENDINGS = ['', '', '', '/', '//', '/.', '/./']

function chooseEntries(dice: Dice, { files, directories }: Grown): string[] {
  const entries: string[] = []
  for (let count = 1 + dice.below(4); count > 0; count--) {
    const isFile = dice.chance(0.15)
    const paths = (isFile ? files : dice.chance(0.5) ? ['inside'] : directories).filter(isText)
    if (paths.length > 0) entries.push(spell(dice, dice.pick(paths)) + (isFile ? '' : dice.pick(ENDINGS)))
    if (dice.chance(0.15)) entries.push(...entries.slice(-1))
  }
  return entries.length > 0 ? entries : ['inside']
}

/** Inputs are text: a name that is not UTF-8 can't be an entry, but it can be below one. */
function isText(name: ByteName): boolean {
  return utf8(Buffer.from(name, 'latin1').toString()) === name
}

function spell(dice: Dice, entry: ByteName): string {
  const text = Buffer.from(entry, 'latin1').toString()
  const cut = text.lastIndexOf('/') + 1
  if (dice.chance(0.5)) return text
  return dice.pick(SPELLINGS)(text.slice(0, cut), text.slice(cut))
}

export interface Dice {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
}

/** Makes a source of random values that are the same for the same seed. */
export function makeDice(seed: number): Dice {
  const random = mulberry32(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  function pick<Item>(items: readonly Item[]): Item {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('There is nothing to pick from.')
    return item
  }
  return { below, chance: probability => random() < probability, pick }
}

/** Tommy Ettinger's generator: numbers from 0 to 1, without 1. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
