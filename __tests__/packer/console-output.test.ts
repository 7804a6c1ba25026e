import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { toConsoleLines } from '../../src/packer/console-output.ts'

const ESC = '\u001b'
const lines = (text: string) => toConsoleLines(Buffer.from(text))

describe('the console output of an instance', () => {
  test.each([
    ['line ends of a serial console', 'a\r\nb\r\r\nc\rd\n\n\n', ['a', 'b', 'c', 'd']],
    ['colors', `[${ESC}[0;32m  OK  ${ESC}[0m] Started sshd`, ['[  OK  ] Started sshd']],
    ['cursor movements', `${ESC}[2J${ESC}[1;1H${ESC}[?25lboot${ESC}(B${ESC}7${ESC}c`, ['boot']],
    ['a title of a terminal', `${ESC}]0;title\u0007a ${ESC}]8;;https://example.com${ESC}\\b`, ['a b']],
    ['an unfinished sequence', `a${ESC}[12;`, ['a\\u001b[12;']],
    ['control characters', 'a\u0000\u0007\u007f\u009bb\tc', ['a\\u0000\\u0007\\u007f\\u009bb  c']],
    ['nothing', '', []],
    ['blank lines', ' \n\t\n', []],
  ])('is readable with %s', (_, text, expected) => {
    expect(lines(text)).toEqual(expected)
  })

  test('has U+FFFD for bytes that are not UTF-8', () => {
    expect(toConsoleLines(Buffer.from([0x61, 0xff, 0xfe, 0x62]))).toEqual(['a\ufffd\ufffdb'])
  })

  test('has its last 200 lines', () => {
    const all = Array.from({ length: 1000 }, (_, index) => `line ${index}`)
    expect(lines(all.join('\r\n'))).toEqual(all.slice(-200))
  })

  test('has the start of a line of 60,000 characters', () => {
    expect(lines(`${'x'.repeat(60_000)}\nend`)).toEqual([`${'x'.repeat(500)}…`, 'end'])
  })

  test.each([
    ['random bytes', randomBytes(1024 * 1024)],
    ['zero bytes', Buffer.alloc(1024 * 1024)],
    ['unfinished sequences', Buffer.from(`${ESC}[`.repeat(512 * 1024))],
    ['sequences without an end', Buffer.from(`${ESC}]`.repeat(512 * 1024))],
    ['a long sequence', Buffer.from(`${ESC}[${'1;'.repeat(512 * 1024)}`)],
  ])('is bounded, and without control characters, when it is a megabyte of %s', (_, bytes) => {
    const shown = toConsoleLines(bytes)
    expect(shown.length).toBeLessThanOrEqual(200)
    for (const line of shown) {
      expect(line.length).toBeLessThanOrEqual(501 * 6)
      expect(line).not.toMatch(/\p{Cc}/u)
    }
  })
})
