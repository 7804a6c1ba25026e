import { execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { unreadable } from '../../src/definition/files.ts'
import { findChanged } from '../../src/definition/hash-files.ts'
import {
  type ByteName,
  type Content,
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
} from '../support/definitions.ts'
import { computePlain, listPlain } from '../support/plain.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** The SHA-1 of 256 MiB of zeros, by `sha1sum`. */
const ZEROS = '7b91dbdc56c5781edf6c8847b4aa6965566c5c75'

/** A large file of Linux whose reads end every 4 KiB. */
const SHORT_READS = '/proc/kallsyms'

interface User {
  readonly uid?: number
  readonly gid?: number
}

/** A user without permissions: the system's `nobody` when the tests run as root, else the user that runs them. */
const OTHER_USER: User = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
const isThereOtherUser = await canChangeUser()

describe('the checksum', () => {
  test('of a directory with one file `a` with the line hello is that of the contract', async () => {
    using tree = makeTree({ a: 'hello\n' })
    expect(await checksumOf(tree.directory)).toBe('d4bb773a0da54b50d60e6089e12ed7e53c7e423c')
  })

  test.skipIf(!namesAreBytes).each(readGoldenChecksums().trees.map(golden => [golden.about, golden] as const))(
    'of the tree "%s" is the golden one',
    async (_, { files, entries, checksum }) => {
      using tree = makeTree(files)
      expect(await checksumOf(...entries.map(tree.at))).toBe(checksum)
    },
  )

  test.skipIf(!namesAreBytes)('of random trees is the golden one', async () => {
    for (const { seed, checksum } of readGoldenChecksums().seeds) {
      using tree = growTree(seed)
      expect(await checksumOf(...tree.entries), `of the tree grown from ${seed}`).toBe(checksum)
    }
  })
})

describe('a file is included in the checksum', () => {
  test('at any depth', () => {
    using tree = makeTree({ a: '', 'b/c': '', 'd/e/f/g/h/i/j/k': '', none: DIRECTORY, 'no/ne': DIRECTORY })
    expect(listBelow(tree)).toEqual(['a', 'b/c', 'd/e/f/g/h/i/j/k'])
  })

  test('unless its own name begins with a dot, also below a hidden directory', () => {
    using tree = makeTree({ '.a': '', '..b': '', '...': '', '.d/e': '', '.d/.f': '', '.d/..g/h': '', 'i.j': '' })
    expect(listBelow(tree)).toEqual(['.d/..g/h', '.d/e', 'i.j'])
  })

  test('if a specified directory is hidden', () => {
    using tree = makeTree({ '.ami/a': '', '.ami/.b': '' })
    expect(listBelow(tree, '.ami')).toEqual(['.ami/a'])
  })

  test('if it is specified itself, even if it is hidden', () => {
    using tree = makeTree({ 'a/b': '', 'a/.c': '', 'd/.e': '', 'd/f': '' })
    expect(listBelow(tree, 'a/.c', 'd/.e', 'a/b')).toEqual(['a/.c', 'a/b', 'd/.e'])
  })

  test('if its directory only resembles one of Git', () => {
    using tree = makeTree({ '.github/a': '', 'x.git/b': '', '.git-crypt/c': '', 'git/d': '', 'sub/.git': 'gitdir: ..' })
    expect(listBelow(tree)).toEqual(['.git-crypt/c', '.github/a', 'git/d', 'x.git/b'])
  })

  test('on a disk that does not return the types of directory entries', async context => {
    using tree = makeTree({ disk: DIRECTORY })
    using disk = mountDiskWithoutTypes(tree.at('disk'))
    if (!disk) return context.skip()
    fs.rmdirSync(tree.at('disk/lost+found'))
    tree.add({ 'disk/b': 'b', 'disk/a/c': 'c', 'disk/a/x\xff': 'x', 'disk/.h': '', 'disk/.d/e': 'e' })
    tree.add({ 'disk/link': linkTo('a/c'), 'disk/dir': linkTo('a'), 'disk/.gone': linkTo('gone') })
    const sorted = ['disk/.d/e', 'disk/a/c', 'disk/a/x\xff', 'disk/b', 'disk/link']
    expect(listBelow(tree, 'disk')).toEqual(sorted)
    expect(await checksumOf(tree.at('disk'))).toBe(checksumOfContents('e', 'c', 'x', 'b', 'c'))
    tree.add({ 'disk/a/fifo': FIFO })
    expect(() => listBelow(tree, 'disk')).toThrow('/disk/a/fifo is a FIFO')
  })

  test('by its content alone: another name with the same position, another mode or another time changes nothing', async () => {
    using tree = makeTree({ a: 'one', m: 'two', z: 'three', hollow: DIRECTORY })
    const before = await checksumOf(tree.directory)
    fs.renameSync(tree.at('m'), tree.at('n'))
    fs.chmodSync(tree.at('n'), 0o755)
    fs.utimesSync(tree.at('n'), 0, 0)
    fs.rmdirSync(tree.at('hollow'))
    expect(await checksumOf(tree.directory)).toBe(before)
    expect(before).toBe(checksumOfContents('one', 'two', 'three'))
  })

  test('byte by byte: another line end or an empty file changes the checksum', async () => {
    using tree = makeTree({ 'lf/a': 'a\n', 'crlf/a': 'a\r\n', 'more/a': 'a\n', 'more/b': '' })
    expect(await checksumOf(tree.at('lf'))).toBe(checksumOfContents('a\n'))
    expect(await checksumOf(tree.at('crlf'))).toBe(checksumOfContents('a\r\n'))
    expect(await checksumOf(tree.at('more'))).toBe(checksumOfContents('a\n', ''))
  })

  test.each([0, 1, 1023, 1024, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 512 * KIB, MIB, 3 * MIB + 7])(
    'completely when it has %i bytes',
    async size => {
      const content = Buffer.alloc(size, 'version of some 16')
      using tree = makeTree({ big: content, small: 'small' })
      const { files } = await computePlain(listPlain([tree.directory]))
      expect(files.map(file => file.digest)).toEqual([sha1(content), sha1('small')])
    },
  )

  test.skipIf(!fs.existsSync(SHORT_READS))('completely when the system returns it in small pieces', async () => {
    expect(await checksumOf(SHORT_READS)).toBe(sha1(sha1(fs.readFileSync(SHORT_READS))))
  })

  test('as executable if its owner may execute it, small or large', async () => {
    using tree = makeTree({ a: '', b: '', c: Buffer.alloc(2 * MIB), d: Buffer.alloc(2 * MIB) })
    fs.chmodSync(tree.at('a'), 0o655)
    fs.chmodSync(tree.at('b'), 0o744)
    fs.chmodSync(tree.at('c'), 0o655)
    fs.chmodSync(tree.at('d'), 0o744)
    const { files } = await computePlain(listPlain([tree.directory]))
    expect(files.map(({ isExecutable }) => isExecutable)).toEqual([false, true, false, true])
  })

  test('with its digest of 40 lower-case hex digits, which the result lists', async () => {
    using tree = makeTree({ a: 'hello\n', b: '' })
    const checksum = await computePlain(listPlain([tree.directory]))
    expect(checksum).toEqual({
      value: checksumOfContents('hello\n', ''),
      files: [
        {
          path: tree.at('a'),
          digest: 'f572d396fae9206628714fb2ce00f72e94f2258f',
          isLfsPointer: false,
          isExecutable: false,
        },
        {
          path: tree.at('b'),
          digest: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
          isLfsPointer: false,
          isExecutable: false,
        },
      ],
      ingredients: [],
      definition: [],
      options: {},
    })
  })
})

describe('a link', () => {
  test('to a directory is neither entered nor included, even if it points to its own directory', () => {
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

  test('to a file is included at its own path with the content of its target', async () => {
    using tree = makeTree({ 'ami/a': linkTo('../other/z'), 'ami/b': 'b', 'ami/c': linkTo('a'), 'other/z': 'z' })
    expect(listBelow(tree, 'ami')).toEqual(['ami/a', 'ami/b', 'ami/c'])
    expect(await checksumOf(tree.at('ami'))).toBe(checksumOfContents('z', 'b', 'z'))
  })

  test('is hidden if its own name begins with a dot, not if that of its target does', () => {
    using tree = makeTree({ 'ami/a': linkTo('../.b'), 'ami/.c': linkTo('../d'), '.b': '', d: '' })
    expect(listBelow(tree, 'ami')).toEqual(['ami/a'])
  })

  test('that is specified is followed, and sorted by its own name', () => {
    using tree = makeTree({ 'real/f': '', ami: linkTo('real'), file: linkTo('real/f'), z: linkTo('ami') })
    expect(listBelow(tree, 'z', 'real', 'file', 'ami')).toEqual(['ami/f', 'file', 'real/f', 'z/f'])
  })
})

describe('hidden FIFOs, sockets, devices and dangling links', () => {
  test('are skipped before they are read', () => {
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

describe('the paths of a definition', () => {
  test('begin with the specified string as it is, with one slash after it', () => {
    using tree = makeTree({ 'x/f': '', 'x/sub/g': '' })
    const spellings = ['x', 'x/', 'x//', './x', 'x/../x', 'x/.', '/x', 'x/sub/..']
    for (const spelling of spellings) {
      const given = tree.at(spelling)
      const prefix = given.endsWith('/') ? given : `${given}/`
      expect(listPlain([given])).toEqual([`${prefix}f`, `${prefix}sub/g`])
    }
  })

  test('are sorted as they were specified, not as they are resolved', async () => {
    using tree = makeTree({ 'b/f': 'b', 'z/f': 'z' })
    expect(await checksumOf(tree.at('b'), tree.at('z'))).toBe(checksumOfContents('b', 'z'))
    expect(await checksumOf(tree.at('b'), tree.at('./z'))).toBe(checksumOfContents('z', 'b'))
    expect(await checksumOf(tree.at('z/../b'), tree.at('z'))).toBe(checksumOfContents('b', 'z'))
    expect(await checksumOf(tree.at('b'), tree.at('b/../z'))).toBe(checksumOfContents('z', 'b'))
    expect(await checksumOf(tree.at('b'), tree.at('/z'))).toBe(checksumOfContents('z', 'b'))
  })

  test('of all directories form one sorted list, in any order of the directories', () => {
    using tree = makeTree({ 'one/a': '', 'one/z': '', 'one-more/b': '', 'two/c': '' })
    const sorted = ['one-more/b', 'one/a', 'one/z', 'two/c']
    expect(listBelow(tree, 'one', 'one-more', 'two')).toEqual(sorted)
    expect(listBelow(tree, 'two', 'one', 'one-more')).toEqual(sorted)
  })

  test('are included twice if they are reached twice', async () => {
    using tree = makeTree({ 'ami/a': 'a', 'ami/sub/b': 'b', 'ami/z': 'z' })
    expect(listBelow(tree, 'ami', 'ami/sub')).toEqual(['ami/a', 'ami/sub/b', 'ami/sub/b', 'ami/z'])
    expect(listBelow(tree, 'ami/a', 'ami/a')).toEqual(['ami/a', 'ami/a'])
    expect(await checksumOf(tree.at('ami/sub'), tree.at('ami/sub'))).toBe(checksumOfContents('b', 'b'))
  })

  const orders: readonly (readonly [string, readonly string[]])[] = [
    ['the separator is a byte like any other', ['a b/x', 'a!/x', 'a-b/x', 'a.b/x', 'a/x', 'a0/x', 'aa', 'b']],
    ['a directory is sorted among the files next to it', ['a', 'a b', 'a-/x', 'a.c', 'b/a', 'b/b/a', 'b/c', 'c']],
    ['capital letters first, digits as text', ['10', '9', 'A', 'B', '_', 'a', 'b']],
    ['names of other scripts', ['z', ...['\u00e9', '\u65e5', '\ue000', '\uff21', '\ufffd', '\u{1f600}'].map(utf8)]],
    ['decomposed letters before composed ones', [utf8('e\u0301'), 'f', utf8('\u00e9')]],
    [
      'names that are not UTF-8',
      ['a', '\x80', utf8('\u00e9'), utf8('\ue000'), utf8('\u{1f600}'), '\xfe', '\xff', '\xff\x01'],
    ],
    ['a directory whose name is not UTF-8', ['a/x', 'a\xff/x', 'b']],
    ['blanks, line ends and control characters', ['\x01', '\t', '\n', ' a', 'a', 'a\nb', 'a\rb', 'a ', 'b', '\x7f']],
    [
      'special characters of patterns and shells',
      ['!a', '"', '#a', '$(a)', "'", '*', '-x', '?', '[a]', '\\', '{a,b}', '~'],
    ],
  ]

  test.skipIf(!namesAreBytes).each(orders)('are sorted by their bytes: %s', (_, sorted) => {
    using tree = makeTree(Object.fromEntries(sorted.toReversed().map(name => [name, ''])))
    expect(listBelow(tree)).toEqual(sorted)
  })

  test('are used literally if they exist, even if they look like patterns', () => {
    const given = ['[a]', 'a*', '#a', '!a', '~', ' a', '{a,b}', '?', '-a']
    using tree = makeTree(Object.fromEntries(['a', 'ab', 'b', ...given].map(name => [`${name}/f`, ''])))
    for (const name of given) expect(listBelow(tree, name)).toEqual([`${name}/f`])
  })
})

describe('a definition is an error if it has', () => {
  const refused: readonly (readonly [string, Readonly<Record<ByteName, Content>>, string, RegExp])[] = [
    ['a path that does not exist', {}, 'ami', /\/ami does not exist\. Correct the path/],
    ['a path below a file', { ami: '' }, 'ami/sub', /\/ami\/sub does not exist: a part of it is a file/],
    ['a file with a slash after it', { ami: '' }, 'ami/', /\/ami\/ does not exist: a part of it is a file/],
    ['no file at all', { ami: DIRECTORY }, 'ami', /There is no file in \/.*\/ami\. Files whose name begins with "\."/],
    ['hidden files only', { 'ami/.a': '', 'ami/.d/.b': '' }, 'ami', /There is no file in/],
    ['links to directories only', { 'ami/a': linkTo('/') }, 'ami', /There is no file in/],
    ['a dangling link', { 'ami/a': linkTo('gone') }, 'ami', /\/ami\/a is a dangling link\. Remove it, or create/],
    [
      'a link to a path below a file',
      { 'ami/a': linkTo('b/c'), 'ami/b': '' },
      'ami',
      /\/ami\/a does not exist: a part of/,
    ],
    ['a dangling link as its directory', { ami: linkTo('gone') }, 'ami', /\/ami is a dangling link/],
    ['a link to itself', { 'ami/a': linkTo('a') }, 'ami', /\/ami\/a is a link that points to itself\. Remove it/],
    [
      'two links that point to each other',
      { ami: linkTo('b'), b: linkTo('ami') },
      'ami',
      /\/ami is a link that points to itself/,
    ],
    ['a FIFO', { 'ami/b/a': FIFO }, 'ami', /\/ami\/b\/a is a FIFO, which has no content to hash/],
    ['a FIFO as its directory', { ami: FIFO }, 'ami', /\/ami is a FIFO/],
    ['a FIFO behind a link', { 'ami/a': linkTo('../b'), b: FIFO }, 'ami', /\/ami\/a is a FIFO/],
    ['a socket', { 'ami/a': SOCKET }, 'ami', /\/ami\/a is a socket/],
    ['a socket as its directory', { ami: SOCKET }, 'ami', /\/ami is a socket/],
    ['a socket behind a link', { 'ami/a': linkTo('../b'), b: SOCKET }, 'ami', /\/ami\/a is a socket/],
    ['a device behind a link', { 'ami/a': linkTo('/dev/zero') }, 'ami', /\/ami\/a is a device/],
    ['a device as its directory', { ami: linkTo('/dev/null') }, 'ami', /\/ami is a device/],
    ['a Git directory', { 'ami/a': '', 'ami/.git/HEAD': '' }, 'ami', /\/ami\/\.git is a Git directory/],
    ['a deeply nested Git directory', { 'ami/.a/b/.git/HEAD': '' }, 'ami', /\/ami\/\.a\/b\/\.git is a Git directory/],
    ['an empty Git directory', { 'ami/a': '', 'ami/.git': DIRECTORY }, 'ami', /\/\.git is a Git directory/],
    [
      'a Git directory as its directory',
      { '.git/HEAD': '' },
      '.git',
      /\/\.git is a Git directory\. It changes with every checkout/,
    ],
    ['a link to a Git directory', { '.git/HEAD': '', g: linkTo('.git') }, 'g', /\/g is a Git directory/],
    ['a path with .. that is a Git directory', { '.git/x/f': '' }, '.git/x/..', /\/\.git\/x\/\.\. is a Git directory/],
    ['a Git directory with slashes after it', { '.git/HEAD': '' }, '.git//', /\/\.git\/\/ is a Git directory/],
  ]

  test.each(refused)('%s', (_, contents, given, message) => {
    using tree = makeTree({ ...contents, 'fine/a': '' })
    expect(() => listPlain([tree.at(given)])).toThrow(message)
    expect(() => listPlain([tree.at(given)])).toThrow(/^[^\n]*\.$/)
  })

  test('one bad directory among good ones', () => {
    using tree = makeTree({ 'one/a': '', 'two/b': '' })
    expect(() => listPlain(['one', 'gone', 'two'].map(tree.at))).toThrow(/gone does not exist/)
  })

  test('no file in any of its directories, which the message lists', () => {
    using tree = makeTree({ one: DIRECTORY, two: DIRECTORY })
    expect(() => listPlain([tree.at('one'), tree.at('two')])).toThrow(`${tree.at('one')}, ${tree.at('two')}`)
    expect(() => listPlain([])).toThrow(/There is no file/)
  })

  test('a file that was removed after it was listed', async () => {
    using tree = makeTree({ a: '', b: '' })
    const definition = listPlain([tree.directory])
    fs.rmSync(tree.at('b'))
    await expect(computePlain(definition)).rejects.toThrow(`${tree.at('b')} does not exist`)
  })

  test('a file that a directory replaced after it was listed', async () => {
    using tree = makeTree({ a: '' })
    const definition = listPlain([tree.directory])
    fs.rmSync(tree.at('a'))
    tree.add({ a: DIRECTORY })
    await expect(computePlain(definition)).rejects.toThrow(/^\/.*\/a (?!changed)/)
  })

  test('a file that a FIFO replaced after it was listed, without waiting for a writer', async () => {
    using tree = makeTree({ a: FIFO })
    const answer = await inNewProcess(`computePlain([${JSON.stringify(tree.at('a'))}])`)
    expect(answer).toMatchObject({ error: expect.stringMatching(/^\/.*\/a /) })
  })

  test('a path that the system refuses, with the system error as the cause', () => {
    using tree = makeTree({})
    const name = 'x'.repeat(300)
    expect(refusalOf(tree.at(name))).toMatchObject({
      message: expect.stringMatching(/x can't be read \(ENAMETOOLONG\)\. Make it readable/),
      cause: expect.objectContaining({ code: 'ENAMETOOLONG' }),
    })
    expect(refusalOf(tree.at('gone'))).toMatchObject({ cause: expect.objectContaining({ code: 'ENOENT' }) })
    tree.add({ dangling: linkTo('gone') })
    expect(refusalOf(tree.at('dangling'))).toMatchObject({ cause: expect.objectContaining({ code: 'ENOENT' }) })
  })

  test.each(['EACCES', 'EPERM'])('a path that the system forbids with %s', code => {
    const cause = Object.assign(new Error(code), { code })
    expect(unreadable('/a', cause)).toMatchObject({
      message: '/a may not be read by this user. Allow the user that runs the job to read it.',
      cause,
    })
  })

  test.each([
    [new Error('odd'), 'Error: odd'],
    ['odd', 'odd'],
    [undefined, 'undefined'],
  ])('a path that fails with an unknown error: %s', (cause, reason) => {
    expect(unreadable('/a', cause)).toMatchObject({
      message: `/a can't be read (${reason}). Make it readable, or remove it from the definition.`,
      cause,
    })
  })

  test.skipIf(!namesAreBytes)('a name with a line break or without UTF-8, which the message shows on one line', () => {
    using tree = makeTree({ 'x\n::set-output name=a::b\xff\x1b': linkTo('gone') })
    expect(() => listPlain([tree.directory])).toThrow(
      '/x\\u000a::set-output name=a::b\ufffd\\u001b is a dangling link.',
    )
  })
})

describe.skipIf(!isThereOtherUser)(
  'an error, and not another checksum, is the result for a user without permission to read',
  () => {
    test.each([
      ['an unreadable file', 'ami/sub/a', /\/ami\/sub\/a may not be read by this user\. Allow the user that runs/],
      ['an unreadable directory below', 'ami/sub', /\/ami\/sub may not be read by this user/],
      ['an unreadable directory', 'ami', /\/ami may not be read by this user/],
      ['a link to an unreadable file', 'other/b', /\/ami\/link may not be read by this user/],
      ['a link into an unreadable directory', 'other', /\/ami\/link may not be read by this user/],
    ])('%s', async (_, forbidden, message) => {
      using tree = makeTree({ 'ami/a': 'a', 'ami/sub/a': 'b', 'ami/link': linkTo('../other/b'), 'other/b': 'c' })
      const count = `computePlain(listPlain([${JSON.stringify(tree.at('ami'))}]))`
      expect(await inNewProcess(count, OTHER_USER)).toMatchObject({ value: checksumOfContents('a', 'c', 'b') })
      fs.chmodSync(tree.at(forbidden), 0)
      const { error } = await inNewProcess(count, OTHER_USER)
      fs.chmodSync(tree.at(forbidden), 0o755)
      expect(error).toMatch(message)
    })
  },
)

describe.concurrent('a large file', () => {
  test('of 256 MiB takes no more memory than a small one', async () => {
    using tree = makeTree({ big: '' })
    fs.truncateSync(tree.at('big'), 256 * MIB)
    const { value, peak } = await inNewProcess(`computePlain(listPlain([${JSON.stringify(tree.directory)}]))`)
    expect(value).toBe(sha1(ZEROS))
    expect(peak).toBeLessThan(120 * MIB)
  })

  const changes: readonly (readonly [string, (file: string) => void])[] = [
    ['grows', file => fs.appendFileSync(file, 'x')],
    ['grows and keeps its time', file => growKeepingTime(file)],
    ['shrinks', file => fs.truncateSync(file, fs.statSync(file).size - 1)],
    ['is written to in place', file => overwrite(file)],
  ]

  test.each(changes)('that %s while it is read is an error', async (_, change) => {
    using tree = makeTree({ small: '', big: '' })
    fs.truncateSync(tree.at('big'), 256 * MIB)
    fs.utimesSync(tree.at('big'), LONG_AGO, LONG_AGO)
    const definition = listPlain([tree.directory])
    using _timer = setInterval(change, 1, tree.at('big'))
    await expect(computePlain(definition)).rejects.toThrow(
      `${tree.at('big')} changed while it was read. No process may write to it during this step.`,
    )
  })
})

describe('a small file', () => {
  test('is an error when another process changes it while it is read', async () => {
    using tree = makeTree({ a: '' })
    using _writer = startResizing(tree.at('a'))
    await expect(hashUntil(performance.now() + 20_000, tree.at('a'))).rejects.toThrow('/a changed while it was read.')
  })
})

describe('many files', () => {
  test('with 100,000 paths are listed and hashed in little memory', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => [`ami/${index}`, 'x'.repeat(1000)] as const)
    const links = Array.from({ length: 100 }, (_, index) => [`link-${index}`, linkTo('ami')] as const)
    using tree = makeTree(Object.fromEntries([...names, ...links]))
    const entries = JSON.stringify(links.map(([name]) => tree.at(name)))
    const { value, peak } = await inNewProcess(`computePlain(listPlain(${entries}))`)
    expect(value).toBe(checksumOfContents(...Array.from({ length: 100_000 }, () => 'x'.repeat(1000))))
    expect(peak).toBeLessThan(200 * MIB)
  })

  test('do not block the event loop while they are read', async () => {
    using tree = makeTree({ a: 'a' })
    const definition = Array.from({ length: 50_000 }, () => tree.at('a'))
    expect(await countTurns(() => computePlain(definition))).toBeGreaterThan(0)
  })

  test('do not block the event loop while they are compared again', async () => {
    using tree = makeTree({ a: 'a' })
    const file = { path: tree.at('a'), digest: sha1('a'), isLfsPointer: false, isExecutable: false }
    const files = Array.from({ length: 50_000 }, () => file)
    expect(await countTurns(() => findChanged(files))).toBeGreaterThan(0)
  })

  test('can all be printed', async () => {
    const file = { path: '/a', digest: sha1(''), isLfsPointer: false, isExecutable: false }
    const printed = await runNode(`
      import { createReport } from ${source('actions/bake/outputs.ts')}
      const checksum = { value: '', ingredients: [], files: Array(200_000).fill(${JSON.stringify(file)}) }
      await createReport().definition({ checksum, settings: {} })`)
    expect(printed.split('\n').filter(line => line === `${file.digest}  /a`).length).toBe(200_000)
  })
})

describe('files that changed after they were hashed', () => {
  test('are found: with other bytes, removed, replaced by another kind, unreadable', async () => {
    using tree = makeTree({ a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', f: 'f', g: '' })
    const { files } = await computePlain(listPlain([tree.directory]))
    expect(await findChanged(files)).toEqual([])
    fs.writeFileSync(tree.at('b'), 'B')
    for (const name of ['c', 'd', 'e', 'g']) fs.rmSync(tree.at(name))
    tree.add({ d: DIRECTORY, e: linkTo('a') })
    fs.appendFileSync(tree.at('f'), 'f')
    expect(await findChanged(files)).toEqual(['b', 'c', 'd', 'e', 'f', 'g'].map(tree.at))
  })

  test('are only those with other bytes, not those with another time, written again, or replaced by a link', async () => {
    using tree = makeTree({ a: 'a', b: 'b', c: 'c', d: 'c' })
    const { files } = await computePlain(listPlain([tree.directory]))
    fs.utimesSync(tree.at('a'), 0, 0)
    fs.rmSync(tree.at('b'))
    fs.rmSync(tree.at('c'))
    tree.add({ b: 'b', c: linkTo('d') })
    expect(await findChanged(files)).toEqual([])
  })

  test('are found among large files too', async () => {
    using tree = makeTree({ a: Buffer.alloc(2 * MIB), b: Buffer.alloc(2 * MIB) })
    const { files } = await computePlain(listPlain([tree.directory]))
    expect(await findChanged(files)).toEqual([])
    overwrite(tree.at('b'))
    expect(await findChanged(files)).toEqual([tree.at('b')])
  })

  test('are found even if their size and time are the same', async () => {
    using tree = makeTree({ a: 'one' })
    fs.utimesSync(tree.at('a'), LONG_AGO, LONG_AGO)
    const { files } = await computePlain(listPlain([tree.directory]))
    fs.writeFileSync(tree.at('a'), 'two')
    fs.utimesSync(tree.at('a'), LONG_AGO, LONG_AGO)
    expect(await findChanged(files)).toEqual([tree.at('a')])
  })
})

describe('a Git LFS pointer', () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize 12345\n`

  test.each<readonly [string, string, boolean]>([
    ['is recognized', pointer, true],
    ['of the next version is recognized', pointer.replace('v1', 'v2'), true],
    ['of 1023 bytes is recognized', pointer.padEnd(1023, 'x'), true],
    ['is a text of less than 1024 bytes, not of 1024', pointer.padEnd(1024, 'x'), false],
    ['is not a text that only ends like one', `see: ${pointer}`, false],
    ['is not a text with another version line', pointer.replace('git-lfs', 'git-lfx'), false],
    ['is not an empty file', '', false],
    ['is not a large file that begins like one', pointer.padEnd(300 * KIB, 'x'), false],
    ['is not a very large file that begins like one', pointer.padEnd(2 * MIB, 'x'), false],
  ])('%s, and the file is included in the checksum like any other', async (_, content, isPointer) => {
    using tree = makeTree({ a: content })
    const { files, value } = await computePlain(listPlain([tree.directory]))
    expect(files.map(file => file.isLfsPointer)).toEqual([isPointer])
    expect(value).toBe(checksumOfContents(content))
  })

  test('is not recognized in the buffer of the previous file', async () => {
    using tree = makeTree({ a: pointer, b: 'version' })
    const { files } = await computePlain(listPlain([tree.directory]))
    expect(files.map(file => file.isLfsPointer)).toEqual([true, false])
  })
})

async function checksumOf(...entries: readonly string[]): Promise<string> {
  return (await computePlain(listPlain(entries))).value
}

/** Rule 4 of the contract, implemented a second time. */
function checksumOfContents(...contents: readonly string[]): string {
  return sha1(contents.map(sha1).join(''))
}

function sha1(content: string | Buffer): string {
  return createHash('sha1').update(content).digest('hex')
}

/** The list of these directories, as paths below the tree. */
function listBelow(tree: Tree, ...entries: readonly string[]): ByteName[] {
  const start = `${utf8(tree.directory)}/`
  return listPlain(entries.length > 0 ? entries.map(tree.at) : [tree.directory]).map(file => {
    return file.startsWith(start) ? file.slice(start.length) : `not below: ${file}`
  })
}

function refusalOf(entry: string): unknown {
  try {
    return listPlain([entry])
  } catch (cause) {
    return cause
  }
}

/** Mounts a disk whose directories contain only names, as those of old file systems do; `undefined` if mounting is not allowed. */
function mountDiskWithoutTypes(directory: string): Disposable | undefined {
  const image = `${directory}.image`
  try {
    fs.writeFileSync(image, Buffer.alloc(MIB))
    execFileSync('mkfs.ext2', ['-q', '-F', '-O', '^filetype', image], { stdio: 'ignore' })
    execFileSync('mount', ['-o', 'loop', image, directory], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', directory]) }
}

/** A time, in seconds, that no new file has. */
const LONG_AGO = 1_000_000_000

function growKeepingTime(file: string): void {
  fs.appendFileSync(file, 'x')
  fs.utimesSync(file, LONG_AGO, LONG_AGO)
}

function overwrite(file: string): void {
  const open = fs.openSync(file, 'r+')
  fs.writeSync(open, 'x', 0)
  fs.closeSync(open)
}

/** Starts a process that changes the size of a file again and again, until it is disposed of. */
function startResizing(file: string): Disposable {
  const script = `for (;;) for (const size of [100_000, 200_000]) fs.truncateSync(${JSON.stringify(file)}, size)`
  const writer = spawn(process.execPath, ['--eval', script], { stdio: 'ignore' })
  return { [Symbol.dispose]: () => writer.kill('SIGKILL') }
}

/** Hashes a file again and again. */
async function hashUntil(end: number, file: string): Promise<void> {
  while (performance.now() < end) {
    await computePlain([file])
    await setImmediate()
  }
}

async function countTurns(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  using _timer = setInterval(() => turns++, 1)
  await work()
  return turns
}

interface Answer {
  readonly value?: string
  readonly error?: string
  /** The peak memory of the process, in bytes. */
  readonly peak: number
}

/** Computes a checksum in a new process, whose memory contains nothing else. */
async function inNewProcess(expression: string, user: User = {}): Promise<Answer> {
  const script = `
    import { computePlain, listPlain } from ${support('plain.ts')}
    async function compute() {
      return ${expression}
    }
    const { value, error } = await compute().catch(cause => ({ error: cause.message }))
    console.log(JSON.stringify({ value, error, peak: process.resourceUsage().maxRSS * 1024 }))`
  return JSON.parse(await runNode(script, user))
}

/** Runs a module without an environment, and returns its output. */
async function runNode(script: string, user: User = {}): Promise<string> {
  const options = { ...user, cwd: '/', env: {}, timeout: 50_000, maxBuffer: 64 * MIB }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], options)
  return stdout
}

/** The import specifier of a file of `src`. */
function source(file: string): string {
  return JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href)
}

/** The import specifier of a support file of the tests. */
function support(file: string): string {
  return JSON.stringify(new URL(`../support/${file}`, import.meta.url).href)
}

/** Whether that user may run Node and read the sources. */
async function canChangeUser(): Promise<boolean> {
  return inNewProcess(`({ value: '' })`, OTHER_USER).then(
    () => true,
    () => false,
  )
}
