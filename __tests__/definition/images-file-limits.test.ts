import { describe, expect, test } from 'vitest'
import { Lexer } from 'yaml'
import { DEFAULTS, FILE, useImagesFile, web } from '../support/images-file.ts'
import { messageFrom } from '../support/messages.ts'

const { read } = useImagesFile()

const MIB = 1024 * 1024

/** Repeats the part until the text has 1 MiB, or `count` times. */
function fill([begin, part, end]: readonly [string, string, string], count = MIB): string {
  const room = Math.floor((MIB - begin.length - end.length) / part.length)
  return begin + part.repeat(Math.min(room, count)) + end
}

/** A file whose images are the first one, and many more. */
function images(first: string, image: string, count = MIB): string {
  const numbered = Array.from({ length: Math.min(count, 60_000) }, (_, number) => `  i${number}: ${image}\n`)
  const content = `${DEFAULTS}images:\n  a: ${first}\n${numbered.join('')}`.slice(0, MIB)
  return content.slice(0, content.lastIndexOf('\n') + 1)
}

/** Each level repeats the previous one ten times. */
function laugh(levels: number): string {
  const lists = Array.from({ length: levels }, (_, level) => `- &l${level + 1} [${`*l${level},`.repeat(10)}]`)
  return web('extra-ingredients:', '- &l0 [lol]', ...lists)
}

describe('a large images file', () => {
  test('can have 1 MiB, but not one byte more', async () => {
    expect((await read(web().padEnd(MIB, '#'))).names).toEqual(['web'])
    expect(await messageFrom(() => read(web().padEnd(MIB + 1, '#')))).toBe(
      `images-file: ${FILE} is larger than 1 MiB. Remove repetitions.`,
    )
  })

  test('can have thousands of images', async () => {
    const image = '{ packer-vars: { version: 1.10 }, max-age-days: 30 }'
    const file = await read(images(image, image, 8_000))
    expect(file.names).toHaveLength(8_001)
    expect(file.settings('i7999').maxAgeDays).toBe(30)
  })

  const begin = `images-file: ${FILE}:`
  const tooMany = `${begin}1: the file has too many values. Remove some: it may have 300000 YAML tokens.`
  const tooLarge = `${begin} aliases and defaults repeat so much that all settings together are larger than 8 MiB. Repeat less.`
  const noText = `${begin}7: image web: extra-ingredients: entry 1 is a list, but one text is expected. Put it in quotes if it is a text.`

  test('can have 300,000 YAML tokens, but no more', async () => {
    const content = `${DEFAULTS}images: { web: { packer-only: [${'b,'.repeat(99_983)}] } }`
    expect([...new Lexer().lex(content)]).toHaveLength(300_000)
    expect((await read(content)).names).toEqual(['web'])
    expect(await messageFrom(() => read(`${content}\n`))).toBe(tooMany)
  })

  // Each value has its characters and eight more, so that the three defaults have 51; 16 images have 8 MiB.
  const forEach = (8 * MIB) / 16 - 51
  const values: readonly (readonly [about: string, setting: (more: number) => string])[] = [
    ['a text', more => `extra-ingredients: ${'b'.repeat(forEach - 8 + more)}`],
    ['a list', more => `extra-ingredients: [ a, ${'b'.repeat(forEach - 17 + more)} ]`],
    ['a map', more => `packer-vars: { a: ${'b'.repeat(forEach - 34 + more)}, b: ~ }`],
  ]

  test.each(values)('can have settings of 8 MiB with those that %s repeats, but no more', async (_, setting) => {
    const numbered = Array.from({ length: 16 }, (_, number) => `  i${number}:\n`).join('')
    const content = (more: number) => `${DEFAULTS}  ${setting(more)}\nimages:\n${numbered}`
    expect((await read(content(0))).names).toHaveLength(16)
    expect(await messageFrom(() => read(content(1)))).toBe(tooLarge)
  })

  const list = (size: number) => `&a { extra-ingredients: &x [${'b,'.repeat(size)}] }`
  const text = `&a { extra-ingredients: &x "${'b'.repeat(MIB / 2)}" }`
  const longAlias = '*'.padEnd(40, 'a')
  const cases: readonly (readonly [about: string, content: string, message: string])[] = [
    ['1 MiB of aliases', fill([`{ images: { a: { strict: &a b, packer-only: [`, '*a,', '] } } }']), tooMany],
    ['1 MiB of aliases of an image', images(list(100), '*a'), tooMany],
    [
      '1 MiB of long aliases',
      fill([`${web(`tags: { a: &${longAlias.slice(1)} b }`)}    packer-only:\n`, `    - ${longAlias}\n`, '']),
      '',
    ],
    ['many aliases of a long list', images(list(25_000), '*a', 10_000), tooLarge],
    [
      'many aliases of two long lists',
      images(list(1_000), '{ packer-only: *x, extra-ingredients: *x }', 5_000),
      tooLarge,
    ],
    ['many aliases of a long text', images(text, '{ packer-only: *x }', 10_000), tooLarge],
    [
      'a list of aliases of a long text',
      fill([`${DEFAULTS}images: { a: ${text}, b: { packer-only: [`, '*x,', '] } }'], 50_000),
      tooLarge,
    ],
    [
      'a long default',
      images('', '', 10_000).replace('images:', `  packer-only: [${'b,'.repeat(50_000)}]\nimages:`),
      tooLarge,
    ],
    ['1 MiB of brackets', fill([DEFAULTS, '[', '']), tooMany],
    ['ten levels of ten aliases', laugh(10), noText],
    [
      'a chain of parents',
      images('', '', 0) +
        Array.from({ length: 5_000 }, (_, number) => `  i${number + 1}: { parent: i${number} }\n`).join('') +
        '  i0:\n',
      '',
    ],
  ]

  test.each(cases)('is read or is an error within a second of CPU time: %s', async (_, content, message) => {
    expect(content.length).toBeLessThanOrEqual(MIB)
    await read(web())
    const start = process.cpuUsage()
    const thrown = await read(content).then(
      () => '',
      cause => cause.message,
    )
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(1)
    expect(thrown).toBe(message)
  })
})
