import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { computeChecksum, findChanged } from '../src/checksum.ts'
import { listDefinition } from '../src/definition.ts'
import {
  DIRECTORY,
  FIFO,
  growTree,
  linkTo,
  makeTree,
  namesAreBytes,
  readGoldenChecksums,
  SOCKET,
  type Tree,
  utf8,
} from './support/definitions.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

describe('the checksum of', () => {
  test('a directory with one file `a` that says hello is the one of DESIGN.md', async () => {
    using tree = makeTree({ a: 'hello\n' })
    expect(await checksumOf(tree.directory)).toBe('d4bb773a0da54b50d60e6089e12ed7e53c7e423c')
  })

  test.skipIf(!namesAreBytes).each(readGoldenChecksums().trees)('$about is the golden one', async golden => {
    using tree = makeTree(golden.files)
    expect(await checksumOf(...golden.entries.map(tree.at))).toBe(golden.checksum)
  })

  test.skipIf(!namesAreBytes)('random trees are the golden ones', async () => {
    for (const { seed, checksum } of readGoldenChecksums().seeds) {
      using tree = growTree(seed)
      expect(await checksumOf(...tree.entries), `of the tree grown from ${seed}`).toBe(checksum)
    }
  })
})

describe('a file counts', () => {
  test('at any depth', () => {
    using tree = makeTree({ a: '', 'b/c': '', 'd/e/f/g/h/i/j/k': '', none: DIRECTORY, 'no/ne': DIRECTORY })
    expect(listBelow(tree)).toEqual(['a', 'b/c', 'd/e/f/g/h/i/j/k'])
  })

  test('unless its own name begins with a dot, hidden directories being entered', () => {
    using tree = makeTree({ '.a': '', '..b': '', '...': '', '.d/e': '', '.d/.f': '', '.d/..g/h': '', 'i.j': '' })
    expect(listBelow(tree)).toEqual(['.d/..g/h', '.d/e', 'i.j'])
  })

  test('in a given directory that is hidden', () => {
    using tree = makeTree({ '.ami/a': '', '.ami/.b': '' })
    expect(listBelow(tree, '.ami')).toEqual(['.ami/a'])
  })

  test('as itself when it is given, whatever its name', () => {
    using tree = makeTree({ 'a/b': '', 'a/.c': '', 'd/.e': '', 'd/f': '' })
    expect(listBelow(tree, 'a/.c', 'd/.e', 'a/b')).toEqual(['a/.c', 'a/b', 'd/.e'])
  })

  test('in directories and files that only resemble those of Git', () => {
    using tree = makeTree({ '.github/a': '', 'x.git/b': '', '.git-crypt/c': '', 'git/d': '', 'sub/.git': 'gitdir: ..' })
    expect(listBelow(tree)).toEqual(['.git-crypt/c', '.github/a', 'git/d', 'x.git/b'])
  })

  test('by its content alone: a new name in its place, other modes and times change nothing', async () => {
    using tree = makeTree({ a: 'one', m: 'two', z: 'three', hollow: DIRECTORY })
    const before = await checksumOf(tree.directory)
    fs.renameSync(tree.at('m'), tree.at('n'))
    fs.chmodSync(tree.at('n'), 0o755)
    fs.utimesSync(tree.at('n'), 0, 0)
    fs.rmdirSync(tree.at('hollow'))
    expect(await checksumOf(tree.directory)).toBe(before)
    expect(before).toBe(checksumOfContents('one', 'two', 'three'))
  })

  test('by its content to the byte: line ends and empty files change the checksum', async () => {
    using tree = makeTree({ 'lf/a': 'a\n', 'crlf/a': 'a\r\n', 'more/a': 'a\n', 'more/b': '' })
    expect(await checksumOf(tree.at('lf'))).toBe(checksumOfContents('a\n'))
    expect(await checksumOf(tree.at('crlf'))).toBe(checksumOfContents('a\r\n'))
    expect(await checksumOf(tree.at('more'))).toBe(checksumOfContents('a\n', ''))
  })

  test.each([0, 1, 1023, 1024, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 512 * KIB, MIB, 3 * MIB + 7])(
    'whole when it has %i bytes',
    async size => {
      const content = Buffer.alloc(size, 'version of some 16')
      using tree = makeTree({ big: content, small: 'small' })
      const { files } = await computeChecksum(listDefinition([tree.directory]))
      expect(files.map(file => file.digest)).toEqual([sha1(content), sha1('small')])
    },
  )

  test('with the digests of its fellows, in 40 lower-case digits, and a word for the tags', async () => {
    using tree = makeTree({ a: 'hello\n', b: '' })
    const checksum = await computeChecksum(listDefinition([tree.directory]))
    expect(checksum).toEqual({
      value: checksumOfContents('hello\n', ''),
      files: [
        { path: tree.at('a'), digest: 'f572d396fae9206628714fb2ce00f72e94f2258f', isLfsPointer: false },
        { path: tree.at('b'), digest: 'da39a3ee5e6b4b0d3255bfef95601890afd80709', isLfsPointer: false },
      ],
      ingredients: `files=${checksum.value.slice(0, 10)}`,
    })
  })
})

describe('a link', () => {
  test('to a directory is neither entered nor counted, even when it leads back', () => {
    using tree = makeTree({
      'ami/a': '',
      'ami/sub/up': linkTo('..'),
      'ami/here': linkTo('.'),
      'ami/out': linkTo('../other'),
      'ami/.hidden': linkTo('../other'),
      'other/b': '',
    })
    expect(listBelow(tree, 'ami')).toEqual(['ami/a'])
  })

  test('to a file counts in its own place with the content behind it', async () => {
    using tree = makeTree({ 'ami/a': linkTo('../other/z'), 'ami/b': 'b', 'ami/c': linkTo('a'), 'other/z': 'z' })
    expect(listBelow(tree, 'ami')).toEqual(['ami/a', 'ami/b', 'ami/c'])
    expect(await checksumOf(tree.at('ami'))).toBe(checksumOfContents('z', 'b', 'z'))
  })

  test('is hidden by its own name, not by that of its target', () => {
    using tree = makeTree({ 'ami/a': linkTo('../.b'), 'ami/.c': linkTo('../d'), '.b': '', d: '' })
    expect(listBelow(tree, 'ami')).toEqual(['ami/a'])
  })

  test('that is given is followed, and its name is the one that sorts', () => {
    using tree = makeTree({ 'real/f': '', ami: linkTo('real'), file: linkTo('real/f'), z: linkTo('ami') })
    expect(listBelow(tree, 'z', 'real', 'file', 'ami')).toEqual(['ami/f', 'file', 'real/f', 'z/f'])
  })
})

describe('hidden entries that could not be counted', () => {
  test('are skipped before anything is asked of them', () => {
    using tree = makeTree({
      a: '',
      '.fifo': FIFO,
      '.socket': SOCKET,
      '.nothing': linkTo('nowhere'),
      '.loop': linkTo('.loop'),
      '.device': linkTo('/dev/zero'),
    })
    expect(listBelow(tree)).toEqual(['a'])
  })
})

describe('the paths', () => {
  test('begin with the given string as it is, with one slash after it', () => {
    using tree = makeTree({ 'x/f': '', 'x/sub/g': '' })
    const spellings = ['x', 'x/', 'x//', './x', 'x/../x', 'x/.', '/x', 'x/sub/..']
    for (const spelling of spellings) {
      const given = tree.at(spelling)
      const prefix = given.endsWith('/') ? given : `${given}/`
      expect(listDefinition([given])).toEqual([`${prefix}f`, `${prefix}sub/g`])
    }
  })

  test('sort by what was given, not by where it leads', async () => {
    using tree = makeTree({ 'b/f': 'b', 'z/f': 'z' })
    expect(await checksumOf(tree.at('b'), tree.at('z'))).toBe(checksumOfContents('b', 'z'))
    expect(await checksumOf(tree.at('b'), tree.at('./z'))).toBe(checksumOfContents('z', 'b'))
    expect(await checksumOf(tree.at('z/../b'), tree.at('z'))).toBe(checksumOfContents('b', 'z'))
    expect(await checksumOf(tree.at('b'), tree.at('b/../z'))).toBe(checksumOfContents('z', 'b'))
    expect(await checksumOf(tree.at('b'), tree.at('/z'))).toBe(checksumOfContents('z', 'b'))
  })

  test('of all directories make one list, whatever the order of the directories', () => {
    using tree = makeTree({ 'one/a': '', 'one/z': '', 'one-more/b': '', 'two/c': '' })
    const sorted = ['one-more/b', 'one/a', 'one/z', 'two/c']
    expect(listBelow(tree, 'one', 'one-more', 'two')).toEqual(sorted)
    expect(listBelow(tree, 'two', 'one', 'one-more')).toEqual(sorted)
  })

  test('that are reached twice count twice', async () => {
    using tree = makeTree({ 'ami/a': 'a', 'ami/sub/b': 'b', 'ami/z': 'z' })
    expect(listBelow(tree, 'ami', 'ami/sub')).toEqual(['ami/a', 'ami/sub/b', 'ami/sub/b', 'ami/z'])
    expect(listBelow(tree, 'ami/a', 'ami/a')).toEqual(['ami/a', 'ami/a'])
    expect(await checksumOf(tree.at('ami/sub'), tree.at('ami/sub'))).toBe(checksumOfContents('b', 'b'))
  })

  const orders: readonly (readonly [string, readonly string[]])[] = [
    ['the separator like any byte', ['a b/x', 'a!/x', 'a-b/x', 'a.b/x', 'a/x', 'a0/x', 'aa', 'b']],
    ['a directory among the files beside it', ['a', 'a b', 'a-/x', 'a.c', 'b/a', 'b/b/a', 'b/c', 'c']],
    ['capitals before the rest, digits as text', ['10', '9', 'A', 'B', '_', 'a', 'b']],
    ['names of other scripts', ['z', ...['\u00e9', '\u65e5', '\ue000', '\uff21', '\ufffd', '\u{1f600}'].map(utf8)]],
    ['composed after decomposed letters', [utf8('e\u0301'), 'f', utf8('\u00e9')]],
    ['names that are no UTF-8', ['a', '\x80', utf8('\u00e9'), utf8('\ue000'), utf8('\u{1f600}'), '\xfe', '\xff', '\xff\x01']],
    ['a directory that is no UTF-8', ['a/x', 'a\xff/x', 'b']],
    ['blanks, line ends and control characters', ['\x01', '\t', '\n', ' a', 'a', 'a\nb', 'a\rb', 'a ', 'b', '\x7f']],
    ['signs of patterns and shells', ['!a', '"', '#a', '$(a)', "'", '*', '-x', '?', '[a]', '\\', '{a,b}', '~']],
  ]

  test.skipIf(!namesAreBytes).each(orders)('sort by their bytes: %s', (_, sorted) => {
    const names = sorted[0] === 'a b/x' || sorted[0] === 'a' ? sorted : [...sorted]
    using tree = makeTree(Object.fromEntries([...names].reverse().map(name => [name, ''])))
    const bytes = sorted.toSorted((a, b) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')))
    expect(listBelow(tree)).toEqual(bytes)
  })

  test('of entries that look like patterns are taken as they are', () => {
    const given = ['[a]', 'a*', '#a', '!a', '~', ' a', '{a,b}', '?', '-a']
    using tree = makeTree(Object.fromEntries(['a', 'ab', 'b', ...given].map(name => [`${name}/f`, ''])))
    for (const name of given) expect(listBelow(tree, name)).toEqual([`${name}/f`])
  })
})
