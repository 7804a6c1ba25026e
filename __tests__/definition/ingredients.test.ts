import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Checksum, computeChecksum, type IngredientOptions, summarize } from '../../src/definition/checksum.ts'
import { readDefinition } from '../../src/definition/definition.ts'
import { listFiles } from '../../src/definition/files.ts'
import { selectEntries } from '../../src/definition/patterns.ts'
import { readTemplate, type Template } from '../../src/definition/template.ts'
import { REFERENCE, runReference } from '../support/reference.ts'
import { hclTemplate, makeWorkspace, type Workspace } from '../support/workspace.ts'

/** What is included in the checksum, in addition to the files of the workspace's directory `ami`. */
interface Ingredients extends Omit<IngredientOptions, 'strict'> {
  readonly strict?: boolean
  readonly template?: Template
}

async function checksumWith(
  workspace: Workspace,
  more: Ingredients = {},
  entry = `${workspace.directory}/ami`,
): Promise<Checksum> {
  const { strict = false, template = readTemplate(`${workspace.directory}/app.pkr.hcl`), ...options } = more
  return await computeChecksum(await readDefinition([entry]), { ...options, strict: strict ? template : undefined })
}

async function checksumOf(workspace: Workspace, more: Ingredients = {}): Promise<string> {
  return (await checksumWith(workspace, more)).value
}

/** The same numbers for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const WORDS = ['a', 'B', 'é', '漢', 'Ａ', '😀', 'a=b', 'x y', '$HOME', 'two\nlines', 'z'.repeat(300)]

describe('ingredients in addition to the files', () => {
  test.skipIf(!REFERENCE)('have the same checksum as with the reference, in 200 random combinations', async () => {
    using workspace = makeWorkspace({
      'app.pkr.hcl': hclTemplate(),
      'ami/a': 'hello\n',
      'ami/b': 'b',
      v1: 'x = 1',
      v2: 'y = 2',
    })
    const ours: string[] = []
    const calls: string[][] = []
    for (let seed = 1; seed <= 200; seed++) {
      const random = numbersFrom(seed)
      const some = <Thing>(things: readonly Thing[]): Thing[] => things.filter(() => random() < 0.4)
      const variables = some(['name', 'Name', 'größe', 'a_b', 'a-b']).map(name => ({
        name,
        value: some(WORDS).join(''),
      }))
      const only = some(['amazon-ebs.app', 'amazon-ebs.*', 'Ａ', '😀'])
      const extraIngredients = some(WORDS.filter(word => !word.includes('\n')))
      const variableFiles = some(['v1', 'v2', 'v1']).map(name => `${workspace.directory}/${name}`)
      const base = random() < 0.4 ? 'ami-0123456789abcdef0' : undefined
      const parent = !base && random() < 0.7 ? createHash('sha1').update(`${seed}`).digest('hex') : undefined
      calls.push([
        ...variables.flatMap(({ name, value }) => ['--var', `${name}=${value}`]),
        ...variableFiles.flatMap(file => ['--var-file', file]),
        ...only.flatMap(entry => ['--only', entry]),
        ...(base ? ['--base-ami', base] : []),
        ...(parent ? ['--parent', parent] : []),
        ...extraIngredients.flatMap(line => ['--extra', line]),
        `${workspace.directory}/ami`,
      ])
      const options = { variables, only, extraIngredients, variableFiles, baseImage: base, parent }
      ours.push(await checksumOf(workspace, options))
    }
    const theirs = runReference(calls)
    const differing = ours.flatMap((checksum, index) => (checksum === theirs[index] ? [] : [index + 1]))
    console.log(`200 combinations compared, ${differing.length} differ ${differing.join(' ')}`)
    expect(differing).toEqual([])
  })

  test('have the golden checksums', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': 'x', 'ami/a': 'hello\n' })
    expect(await checksumOf(workspace)).toBe('d4bb773a0da54b50d60e6089e12ed7e53c7e423c')
    const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
    const variables = [
      { name: 'b', value: '2' },
      { name: 'a', value: '1=1' },
    ]
    const expected = sha1(
      [
        sha1('hello\n'),
        sha1('var\0a\x001=1'),
        sha1('var\0b\x002'),
        sha1('only\0x'),
        sha1('base-ami\0ami-1'),
        sha1('extra\0e'),
      ].join(''),
    )
    expect(await checksumOf(workspace, { variables, only: ['x'], extraIngredients: ['e'], baseImage: 'ami-1' })).toBe(
      expected,
    )
    const parent = 'd4bb773a0da54b50d60e6089e12ed7e53c7e423c'
    const child = sha1([sha1('hello\n'), sha1('only\0x'), sha1(`parent\0${parent}`), sha1('extra\0e')].join(''))
    expect(await checksumOf(workspace, { only: ['x'], extraIngredients: ['e'], parent })).toBe(child)
  })

  test('are listed with their kinds, titles and digests, in the order in which they are included', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': 'x', 'ami/a': 'hello\n', 'v\n1': 'x = 1', v2: 'y = 2' })
    const names = ['b', '\u{1f600}', 'B', '\uff21', 'a']
    const checksum = await checksumWith(workspace, {
      variables: names.map(name => ({ name, value: `=${name}` })),
      variableFiles: ['v2', 'v\n1', 'v2'].map(name => `${workspace.directory}/${name}`),
      only: names,
      extraIngredients: ['z', 'a'],
      baseImage: 'ami-1',
      parent: 'f'.repeat(40),
      strict: true,
    })
    const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
    // By bytes; JavaScript's own order has the last two in the opposite order.
    const sorted = ['B', 'a', 'b', '\uff21', '\u{1f600}']
    const expected = [
      ...sorted.map(name => ['vars', name, sha1(`var\0${name}\0=${name}`)]),
      ['var-files', `${workspace.directory}/v2`, sha1('y = 2')],
      ['var-files', `${workspace.directory}/v\\u000a1`, sha1('x = 1')],
      ['var-files', `${workspace.directory}/v2`, sha1('y = 2')],
      ...sorted.map(entry => ['only', entry, sha1(`only\0${entry}`)]),
      ['base-ami', 'ami-1', sha1('base-ami\0ami-1')],
      ['parent', 'f'.repeat(40), sha1(`parent\0${'f'.repeat(40)}`)],
      ['extra', 'z', sha1('extra\0z')],
      ['extra', 'a', sha1('extra\0a')],
      ['strict', 'template, names, modes', expect.stringMatching(/^[0-9a-f]{40}$/)],
    ]
    expect(checksum.ingredients.map(({ kind, title, digest }) => [kind, title, digest])).toEqual(expected)
    expect(checksum.options.baseImage).toBe('ami-1')
    const digests = checksum.ingredients.map(({ digest }) => digest)
    expect(checksum.value).toBe(sha1([sha1('hello\n'), ...digests].join('')))
    const kinds = ['files', 'vars', 'var-files', 'only', 'base-ami', 'parent', 'extra', 'strict']
    expect([...summarize(checksum).keys()]).toEqual(kinds)
    expect(summarize(checksum).get('extra')).toBe(sha1(sha1('extra\0z') + sha1('extra\0a')).slice(0, 10))
  })

  test('include the bytes of the names with strict', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': 'template', 'ami/\u65e5': '' })
    process.env.GITHUB_WORKSPACE = workspace.directory
    const digest = createHash('sha1').update('strict\0template\0ami/\u65e5\0-').digest('hex')
    const { ingredients } = await checksumWith(workspace, { strict: true }, 'ami')
    expect(ingredients).toEqual([{ kind: 'strict', title: 'template, names, modes', digest }])
    delete process.env.GITHUB_WORKSPACE
  })

  test('include the template, the names and the executable bits with strict', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': 'template', 'ami/a': 'hello\n', 'ami/run.sh': '' })
    process.env.GITHUB_WORKSPACE = workspace.directory
    fs.chmodSync(`${workspace.directory}/ami/run.sh`, 0o744)
    const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
    const digest = sha1('strict\0template\0ami/a\0-\0ami/run.sh\0x')
    expect(await checksumOf(workspace, { strict: true })).toBe(sha1(sha1('hello\n') + sha1('') + digest))
    delete process.env.GITHUB_WORKSPACE
  })

  test('include the files of a template directory by name with strict, its auto variable files too', async () => {
    using workspace = makeWorkspace({
      'app.pkr.hcl': '',
      'ami/a': '',
      't/b.pkr.hcl': 'B',
      't/a.pkr.json': '{}',
      't/x.auto.pkrvars.hcl': 'X',
      't/other.hcl': 'no',
    })
    process.env.GITHUB_WORKSPACE = workspace.directory
    const strict = { strict: true, template: readTemplate(`${workspace.directory}/t`) }
    const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
    const digest = sha1('strict\0a.pkr.json\0{}b.pkr.hcl\0Bx.auto.pkrvars.hcl\0X\0ami/a\0-')
    expect(await checksumOf(workspace, strict)).toBe(sha1(sha1('') + digest))
    delete process.env.GITHUB_WORKSPACE
  })

  test('do not include a directory in a template directory with strict, and a device there is an error', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': '', 'ami/a': '', 't/a.pkr.hcl': 'A', 't/d.pkr.hcl/x': '' })
    const strict = () => ({ strict: true, template: readTemplate(`${workspace.directory}/t`) })
    const before = await checksumOf(workspace, strict())
    expect(before).toMatch(/^[0-9a-f]{40}$/)
    fs.symlinkSync('/dev/null', `${workspace.directory}/t/n.pkr.hcl`)
    await expect(checksumOf(workspace, strict())).rejects.toMatchObject({
      option: 'template',
      message: `${workspace.directory}/t/n.pkr.hcl is not a file and can't be included in the checksum. Remove it.`,
    })
  })

  test('are an error of the option template with strict if the template is removed after it was read', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': '', 'ami/a': '' })
    const path = `${workspace.directory}/app.pkr.hcl`
    const template = readTemplate(path)
    fs.rmSync(path)
    const reason = `ENOENT: no such file or directory, stat '${path}'`
    await expect(checksumOf(workspace, { strict: true, template })).rejects.toMatchObject({
      option: 'template',
      message: `${path} can't be read: ${reason}. Make it readable.`,
      cause: { code: 'ENOENT' },
    })
  })

  test('are an error of the option variableFiles if a variable file can’t be read', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': '', 'ami/a': '' })
    const gone = checksumOf(workspace, { variableFiles: [`${workspace.directory}/gone`] })
    await expect(gone).rejects.toMatchObject({
      option: 'variableFiles',
      message: expect.stringMatching(/gone does not exist/),
    })
  })

  test('are summarized kind by kind', async () => {
    using workspace = makeWorkspace({ 'app.pkr.hcl': 'x', 'ami/a': 'hello\n' })
    const checksum = await checksumWith(workspace, { extraIngredients: ['e'] })
    expect([...summarize(checksum)]).toEqual([
      ['files', 'd4bb773a0d'],
      ['extra', expect.stringMatching(/^[0-9a-f]{10}$/)],
    ])
  })
})

describe('the entries of a definition', () => {
  const files = {
    'app.pkr.hcl': 'x',
    'one/ami/a': '1',
    'two/ami/b': '2',
    'two/ami/.hidden': 'h',
    'two/ami/sub/c.log': '3',
    '[a]/f': '4',
    '!b/g': '5',
    '.hidden/h': '6',
    '.hidden/.h': '6',
    '.hidden/sub/.d/h': '7',
    '{one,two}/x': '9',
  }

  async function list(workspace: Workspace, ...entries: readonly string[]): Promise<string[]> {
    process.env.GITHUB_WORKSPACE = workspace.directory
    try {
      const listed = listFiles(await selectEntries(entries))
      return listed.map(file => file.slice(workspace.directory.length + 1))
    } finally {
      delete process.env.GITHUB_WORKSPACE
    }
  }

  test.each([
    [['*/ami'], ['one/ami/a', 'two/ami/b', 'two/ami/sub/c.log']],
    [['./*/ami'], ['one/ami/a', 'two/ami/b', 'two/ami/sub/c.log']],
    [['two/ami/*'], ['two/ami/b', 'two/ami/sub/c.log']],
    [['two/**'], ['two/ami/b', 'two/ami/sub/c.log']],
    [['two/ami', '!**/*.log'], ['two/ami/b']],
    [['two/ami', '!two/ami/sub'], ['two/ami/b']],
    [['two/./ami', '!two/ami/sub/'], ['two/./ami/b']],
    [['*/ami', '!two'], ['one/ami/a']],
    [['one/ami', 'two/ami', '!one/../two'], ['one/ami/a']],
    [['**/ami/[a-z]', '!two/ami'], ['one/ami/a']],
    [['one/ami/a', 'two/ami/sub/c.log', '!two/ami/sub'], ['one/ami/a']],
    [['two/ami/', '!two/ami/sub//'], ['two/ami/b']],
    [['two/ami', '!two/./*/sub'], ['two/ami/b']],
    [['two/ami', '! two/ami/sub'], ['two/ami/b']],
    [
      ['two/ami', '!nowhere', '!no/w*re'],
      ['two/ami/b', 'two/ami/sub/c.log'],
    ],
    [
      ['one/ami/', 'two/ami', '!one/ami'],
      ['two/ami/b', 'two/ami/sub/c.log'],
    ],
    [['o?e/ami'], ['one/ami/a']],
    [['[no]ne/ami'], ['one/ami/a']],
    [['[a]'], ['[a]/f']],
    [['!b', '!b*'], ['!b/g']],
    [['.hid*'], ['.hidden/h', '.hidden/sub/.d/h']],
    [['**/h'], ['.hidden/h', '.hidden/sub/.d/h']],
    [
      ['.hidden/*', '.hidden/sub/.*'],
      ['.hidden/h', '.hidden/sub/.d/h', '.hidden/sub/.d/h'],
    ],
    [['a*'], ['app.pkr.hcl']],
    [
      ['{one,two}*', 'one/*'],
      ['one/ami/a', '{one,two}/x'],
    ],
    [
      ['one/ami', 'one/*'],
      ['one/ami/a', 'one/ami/a'],
    ],
  ])('%j are these files: %j', async (entries, expected) => {
    using workspace = makeWorkspace(files)
    expect(await list(workspace, ...entries)).toEqual(expected)
  })

  test('can be patterns in a workspace whose own path has the characters of patterns', async () => {
    using workspace = makeWorkspace(files, 'a[b]*?\\c')
    expect(await list(workspace, '*/ami')).toEqual(['one/ami/a', 'two/ami/b', 'two/ami/sub/c.log'])
    expect(await list(workspace, 'two/ami', '!**/*.log')).toEqual(['two/ami/b'])
  })

  test('can exclude the whole workspace, which is an error', async () => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, 'one/ami', '!.')).rejects.toThrow(/^There is no file/)
  })

  test('ignore dangling links, unless a pattern matches one that is not hidden', async () => {
    using workspace = makeWorkspace(files)
    for (const link of ['two/ami/.broken', 'three']) fs.symlinkSync('nowhere', `${workspace.directory}/${link}`)
    expect(await list(workspace, 'two/ami/*')).toEqual(['two/ami/b', 'two/ami/sub/c.log'])
    expect(await list(workspace, 'two/ami', '!**/*.log')).toEqual(['two/ami/b'])
    await expect(list(workspace, 't*')).rejects.toThrow(/^\/.*three is a dangling link/)
  })

  test('can be a pattern that matches 20,000 files, in a few seconds', async () => {
    using workspace = makeWorkspace(files)
    for (let number = 0; number < 20_000; number++) fs.writeFileSync(`${workspace.directory}/one/ami/${number}.sh`, '')
    const begun = process.cpuUsage()
    expect(await list(workspace, 'one/**/*.sh')).toHaveLength(20_000)
    const { user, system } = process.cpuUsage(begun)
    // A comparison of every match with every other would take ten times as long.
    expect((user + system) / 1e6).toBeLessThan(12)
  })

  test('are an error if a pattern matches a name that is not UTF-8', async () => {
    using workspace = makeWorkspace(files)
    fs.writeFileSync(Buffer.concat([Buffer.from(`${workspace.directory}/one/ami/`), Buffer.from([0xff])]), '')
    await expect(list(workspace, 'one/ami/*')).rejects.toThrow(/^The pattern one\/ami\/\* .*(UTF-8|can't be resolved)/)
  })

  test('are an error that names a pattern that can’t be resolved', async () => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, 'app.pkr.hcl/x/*')).rejects.toThrow(/^The pattern app\.pkr\.hcl/)
  })

  test('are an error if a pattern matches nothing', async () => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, 'three/*')).rejects.toThrow(/^The pattern three\/\* matches nothing\./)
  })

  test('are an error if one neither exists nor is a pattern', async () => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, 'one', 'nowhere')).rejects.toThrow('/nowhere does not exist.')
  })

  test('can be absolute patterns and exclusions', async () => {
    using workspace = makeWorkspace(files)
    const at = (entry: string) => `${workspace.directory}/${entry}`
    expect(await list(workspace, at('*/ami'), `!${at('**/*.log')}`)).toEqual(['one/ami/a', 'two/ami/b'])
  })

  test('are an error if a pattern matches only hidden files', async () => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, 'two/ami/.h*')).rejects.toThrow('The pattern two/ami/.h* matches nothing')
  })

  test.each(['!', '! '])('are an error if one is %j, which excludes nothing', async entry => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, 'one', entry)).rejects.toThrow(
      '"!" alone excludes nothing. Write a path or a pattern after it.',
    )
  })

  test('can exclude a path that begins with "!"', async () => {
    using workspace = makeWorkspace(files)
    await expect(list(workspace, '!b', '!!b')).rejects.toThrow('There is no file in')
  })

  test('are an error if a pattern matches a dangling link, unless it is hidden or excluded', async () => {
    using workspace = makeWorkspace(files)
    fs.symlinkSync('gone', `${workspace.directory}/one/ami/link`)
    fs.symlinkSync('user@host', `${workspace.directory}/one/ami/.#a`)
    await expect(list(workspace, 'one/ami/*')).rejects.toThrow(/^\/.*link is a dangling link/)
    expect(await list(workspace, 'one/ami/*', '!one/ami/link')).toEqual(['one/ami/a'])
    expect(await list(workspace, 'one/ami', '!one/**/l*')).toEqual(['one/ami/a'])
  })

  test('are not affected by a dangling link elsewhere in the workspace', async () => {
    using workspace = makeWorkspace(files)
    fs.symlinkSync('gone', `${workspace.directory}/one/link`)
    expect(await list(workspace, 'two/ami', '!**/*.log')).toEqual(['two/ami/b'])
    expect(await list(workspace, '**/ami')).toEqual(['one/ami/a', 'two/ami/b', 'two/ami/sub/c.log'])
  })

  test('are an error if a pattern matches a link to itself', async () => {
    using workspace = makeWorkspace(files)
    const link = `${workspace.directory}/one/ami/link`
    fs.symlinkSync('link', link)
    expect(await list(workspace, 'one/ami', '!one/ami/link')).toEqual(['one/ami/a'])
    const error = await list(workspace, 'one/ami/*').catch(cause => cause)
    expect(error.message).toMatch(/^The pattern one\/ami\/\* can't be resolved: .*\. Remove it/)
    expect(error.message).toContain(link)
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('can be a pattern that matches a link to a directory, whose files are included once', async () => {
    using workspace = makeWorkspace(files)
    fs.symlinkSync('../two', `${workspace.directory}/one/link`)
    fs.symlinkSync('.', `${workspace.directory}/one/here`)
    expect(await list(workspace, 'one/*')).toEqual(['one/ami/a', 'one/link/ami/b', 'one/link/ami/sub/c.log'])
    expect(await list(workspace, 'one/*/ami')).toEqual(['one/link/ami/b', 'one/link/ami/sub/c.log'])
    expect(await list(workspace, 'one/link', '!one/**/*.log')).toEqual(['one/link/ami/b'])
  })

  test('can exclude a Git directory, which is an error otherwise', async () => {
    using workspace = makeWorkspace({ ...files, '.git/HEAD': 'x', a: 'a' })
    await expect(list(workspace, '.')).rejects.toThrow(/Git directory/)
    expect(await list(workspace, '.', '!.git')).toContain('./a')
  })
})
