import { describe, expect, test } from 'vitest'
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

  const list = (size: number) => `&a { extra-ingredients: &x [${'b,'.repeat(size)}] }`
  const text = `&a { extra-ingredients: &x "${'b'.repeat(MIB / 2)}" }`
  const longAlias = '*'.padEnd(40, 'a')
  const cases: readonly (readonly [about: string, content: string, end: RegExp])[] = [
    ['1 MiB of aliases', fill([`{ images: { a: { strict: &a b, packer-only: [`, '*a,', '] } } }']), /too many values/],
    ['1 MiB of aliases of an image', images(list(100), '*a'), /too many values/],
    [
      '1 MiB of long aliases',
      fill([`${web(`tags: { a: &${longAlias.slice(1)} b }`)}    packer-only:\n`, `    - ${longAlias}\n`, '']),
      /^$/,
    ],
    ['many aliases of a long list', images(list(25_000), '*a', 10_000), /larger than 8 MiB/],
    [
      'many aliases of two long lists',
      images(list(1_000), '{ packer-only: *x, extra-ingredients: *x }', 5_000),
      /larger than 8 MiB/,
    ],
    ['many aliases of a long text', images(text, '{ packer-only: *x }', 10_000), /larger than 8 MiB/],
    [
      'a list of aliases of a long text',
      fill([`${DEFAULTS}images: { a: ${text}, b: { packer-only: [`, '*x,', '] } }'], 50_000),
      /larger than 8 MiB/,
    ],
    [
      'a long default',
      images('', '', 10_000).replace('images:', `  packer-only: [${'b,'.repeat(50_000)}]\nimages:`),
      /larger than 8 MiB/,
    ],
    ['1 MiB of brackets', fill([DEFAULTS, '[', '']), /too many values/],
    ['ten levels of ten aliases', laugh(10), /is a list, but one text is expected/],
    [
      'a chain of parents',
      images('', '', 0) +
        Array.from({ length: 5_000 }, (_, number) => `  i${number + 1}: { parent: i${number} }\n`).join('') +
        '  i0:\n',
      /^$/,
    ],
  ]

  test.each(cases)('is read or is an error within a second of CPU time: %s', async (_, content, end) => {
    expect(content.length).toBeLessThanOrEqual(MIB)
    await read(web())
    const start = process.cpuUsage()
    const message = await read(content).then(
      () => '',
      cause => cause.message,
    )
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(1)
    expect(message).toMatch(end)
  })
})
