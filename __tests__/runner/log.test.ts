import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { escapeControlCharacters, neutralizeCommands } from '../../src/runner/log.ts'
import { makeDice } from '../support/definitions.ts'

/** The invisible character that `neutralizeCommands` inserts into a command. */
const BREAK = '\u200b'

describe('a text with workflow commands', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['::set-output name=ami_id::ami-1', `:${BREAK}:set-output name=ami_id::ami-1`],
    ['  \t::add-mask::a', `  \t:${BREAK}:add-mask::a`],
    ['\u0085::debug::a', `\u0085:${BREAK}:debug::a`],
    ['\u00a0\u2003\u3000\u2028::debug::a', `\u00a0\u2003\u3000\u2028:${BREAK}:debug::a`],
    [' \u0085 \u00a0::debug::a', ` \u0085 \u00a0:${BREAK}:debug::a`],
    [':::debug::a', `:${BREAK}::debug::a`],
    ['a\r::debug::b', `a\r:${BREAK}:debug::b`],
    ['a\n::debug::b', `a\n:${BREAK}:debug::b`],
    ['a\r\n \n  ::debug::b', `a\r\n \n  :${BREAK}:debug::b`],
    ['::a::\n::b::\r::c::', `:${BREAK}:a::\n:${BREAK}:b::\r:${BREAK}:c::`],
    ['##[add-mask]a', `#${BREAK}#[add-mask]a`],
    ['    app: said ##[set-output name=ami_id;]ami-1', `    app: said #${BREAK}#[set-output name=ami_id;]ami-1`],
    ['##[a]##[b]###[c]', `#${BREAK}#[a]#${BREAK}#[b]##${BREAK}#[c]`],
    [' ::a::##[b]c', ` :${BREAK}:a::#${BREAK}#[b]c`],
  ]

  test.each(hostile)('is neutralized at the beginning of each command: %j', (text, expected) => {
    expect(neutralizeCommands(text)).toBe(expected)
  })

  test.each([
    '',
    'a plain line',
    'a::b::c',
    'arn:aws:ec2::123456789012:image/a',
    ': :a',
    '\n\n',
    'a # b ## c [d]',
    '#[a]',
    '# #[a]',
    '日本語 ::a::',
  ])('is not changed if it has no command: %j', text => {
    expect(neutralizeCommands(text)).toBe(text)
  })

  test('has no command after it is neutralized, in 2,000 random texts', () => {
    const texts = randomTexts(2000)
    expect(texts.filter(hasCommand).length).toBeGreaterThan(400)
    expect(texts.map(neutralizeCommands).filter(hasCommand)).toEqual([])
  })

  test('has no command either for comparisons that ignore invisible characters', () => {
    const texts = randomTexts(2000, BREAK)
    expect(texts.filter(hasCommandLoosely).length).toBeGreaterThan(40)
    expect(texts.map(neutralizeCommands).filter(hasCommandLoosely)).toEqual([])
  })

  test('is the same text apart from the inserted characters', () => {
    for (const text of randomTexts(500)) expect(neutralizeCommands(text).replaceAll(BREAK, '')).toBe(text)
  })

  test.each([
    ['line feeds', '\n'],
    ['carriage returns', '\r'],
    ['blanks', ' '],
    ['colons', ':'],
    ['number signs', '#'],
    ['commands', '::a::\n'],
  ])('with very many %s is neutralized in less than half a second', (_, sign) => {
    const begun = process.cpuUsage()
    neutralizeCommands(sign.repeat(MANY))
    expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(0.5)
  })
})

/** A provisioner's line of 1 MiB can have eight times as many: Packer's escapes turn two characters into a line feed. */
const MANY = 64 * 1024

describe('the log', () => {
  test('has no workflow command in any line', () => {
    const { stdout } = runLog(`
      info(['one', '::debug::two', 'three ##[debug]', ' four\\r::debug::five'])
      info('')
      info('six')`)
    expect(stdout).toBe(`one\n:${BREAK}:debug::two\nthree #${BREAK}#[debug]\n four\r:${BREAK}:debug::five\n\nsix\n`)
  })

  const everything = `
    const inside = await group('a title', async () => { info('inside'); return 'the result' })
    info(inside)
    await group('another', () => { throw new Error('lost') }).catch(cause => warn(cause.message))
    notice('two\\nlines')
    fail(new Error('it failed'))`

  test('is plain text outside GitHub, with warnings and errors on standard error', () => {
    expect(runLog(everything)).toEqual({
      stdout: 'a title\ninside\nthe result\nanother\ntwo\nlines\n',
      stderr: 'Warning: lost\nError: it failed\n',
      exitCode: 1,
    })
  })

  test('has groups and annotations on GitHub', () => {
    expect(runLog(everything, { GITHUB_ACTIONS: 'true' })).toEqual({
      stdout: [
        '::group::a title\ninside\n::endgroup::\nthe result\n::group::another\n::endgroup::\n',
        '::warning::lost\n::notice::two%0Alines\n::error::it failed\n',
      ].join(''),
      stderr: '',
      exitCode: 1,
    })
  })
})

describe('an untrusted text', () => {
  test.each([
    ['a\nb\r\nc', 'a\\u000ab\\u000d\\u000ac'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['\0\t\u001f', '\\u0000\\u0009\\u001f'],
    ['\u007f\u0085\u009f', '\\u007f\\u0085\\u009f'],
    ['a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['\n::set-output name=ami_id::ami-1', '\\u000a::set-output name=ami_id::ami-1'],
  ])('has escapes in place of control characters: %j', (text, expected) => {
    expect(escapeControlCharacters(text)).toBe(expected)
  })

  test.each(['', 'my image (v1.2) ~', 'caf\u00e9\u00a0日本語 \u{1f600}', '\\n'])(
    'is not changed if it has no control characters: %j',
    text => {
      expect(escapeControlCharacters(text)).toBe(text)
    },
  )
})

interface Printed {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | null
}

/** Runs statements in a new process, with the functions of `src/runner/log.ts` imported. */
function runLog(statements: string, env: Readonly<Record<string, string>> = {}): Printed {
  const log = JSON.stringify(new URL('../../src/runner/log.ts', import.meta.url).href)
  const script = `import { fail, group, info, notice, warn } from ${log}\n${statements}`
  const options = { env, encoding: 'utf8' } as const
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], options)
  return { stdout, stderr, exitCode: status }
}

function randomTexts(count: number, ...more: readonly string[]): string[] {
  const dice = makeDice(count)
  const signs = [...':::##[]\r\n \u00a0a', '::a::', '##[a]', ...more]
  return Array.from({ length: count }, () => Array.from({ length: dice.below(30) }, () => dice.pick(signs)).join(''))
}

/** Whether the runner would find a command of any name in a line of the text. */
function hasCommand(text: string): boolean {
  return readLines(text).some(line => hasNewForm(line) || hasOldForm(line))
}

/** As .NET's `StreamReader.ReadLine` does. */
function readLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/)
}

/** As `ActionCommand.TryParseV2` of actions/runner does. */
function hasNewForm(line: string): boolean {
  const message = trimStart(line)
  return message.startsWith('::') && message.includes('::', 2)
}

/** As `ActionCommand.TryParse` of actions/runner does. */
function hasOldForm(line: string): boolean {
  const prefix = line.indexOf('##[')
  return prefix >= 0 && line.includes(']', prefix)
}

/** As .NET's `String.TrimStart` does: `Char.IsWhiteSpace` knows U+0085, unlike `\s`, and not U+FEFF. */
function trimStart(line: string): string {
  return line.replace(/^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/, '')
}

/**
 * The same with .NET's culture-sensitive comparisons, which `StartsWith(string)` and `IndexOf(string)` use: they ignore U+200B.
 * The runner finds the name of the command by its offset from there.
 */
function hasCommandLoosely(text: string): boolean {
  return readLines(text).some(line => {
    const message = trimStart(line)
    return (
      nameOf(message, /^\u200b*:\u200b*:/, /:\u200b*:/g) === 'a' || nameOf(line, /#\u200b*#\u200b*\[/, /\]/g) === 'a'
    )
  })
}

function nameOf(line: string, start: RegExp, end: RegExp): string | undefined {
  const from = line.search(start)
  if (from < 0) return undefined
  const first = from + (start.source.startsWith('^') ? 2 : 3)
  end.lastIndex = first
  const last = end.exec(line)?.index
  return last === undefined ? undefined : line.slice(first, last).split(' ')[0]
}
