import { describe, expect, test } from 'vitest'
import { findUnits, lineOf, nameOf, newestFirst } from '../../src/actions/prune/units.ts'
import type { Image } from '../../src/ec2/images.ts'
import { AWAY, checksum, copyOf, HOME, prunable, TEMPLATE } from '../support/prunable.ts'

const SOURCE = prunable(1, 100)
const STATELESS = prunable(1, 100, { ami_config_checksum: 'latest' })

/** The ids of the copies of each unit, by that of its source. */
function group(home: readonly Image[], away: readonly Image[]): Record<string, string[]> {
  const located = [...home.map(image => ({ region: HOME, image })), ...away.map(image => ({ region: AWAY, image }))]
  return Object.fromEntries(
    findUnits(located).map(({ source, copies }) => [source.image.id, copies.map(({ image }) => image.id)]),
  )
}

/** As Packer copies an image: with the same tags, and known as a copy to EC2 alone. */
function copyByPacker(source: Image, digit: number, tags: Record<string, string> = {}): Image {
  return { ...copyOf(source, digit, { ami_bakery_image: undefined, ...tags }), sourceImage: source.id }
}

test.each<[string, Image[], Image[]]>([
  ['a copy by its tag', [SOURCE], [copyOf(SOURCE, 5)]],
  ['a copy in the same region', [SOURCE, copyOf(SOURCE, 5)], []],
  ['a copy that Packer made', [SOURCE], [copyByPacker(SOURCE, 5)]],
  ['a copy that Packer made and whose tag is empty', [SOURCE], [copyByPacker(SOURCE, 5, { ami_bakery_image: '' })]],
  [
    'a published copy that Packer made of a candidate',
    [prunable(1, 100, { ami_config_checksum: `candidate:${checksum(1)}` })],
    [copyByPacker(SOURCE, 5)],
  ],
])('%s is in the unit of its source', (_, home, away) => {
  expect(group(home, away)).toEqual({ 'ami-11111111': ['ami-55555555'] })
})

test.each<[string, Image[], Image[]]>([
  ['an image with another checksum', [SOURCE, prunable(5, 100)], []],
  ['a failed copy', [SOURCE], [copyOf(SOURCE, 5, { ami_config_checksum: `failed:${checksum(1)}` })]],
  ['a copy without a checksum', [SOURCE], [copyOf(SOURCE, 5, { ami_config_checksum: undefined })]],
  ['a copy with an empty checksum', [SOURCE], [copyOf(SOURCE, 5, { ami_config_checksum: '' })]],
  ['a copy whose source was not described', [SOURCE], [prunable(5, 100, { ami_bakery_image: 'ami-00000000' })]],
  ['an image that was baked from one of the same region', [SOURCE, copyByPacker(SOURCE, 5)], []],
  [
    'an image that EC2 calls a copy of one with another checksum',
    [SOURCE],
    [{ ...prunable(5, 100), sourceImage: SOURCE.id }],
  ],
  [
    'an image that EC2 calls a copy of one without a checksum',
    [STATELESS],
    [{ ...prunable(5, 100), sourceImage: STATELESS.id }],
  ],
  [
    'an image without a checksum that EC2 calls a copy of another one without',
    [STATELESS],
    [copyByPacker(STATELESS, 5)],
  ],
])('%s is a unit of its own', (_, home, away) => {
  expect(group(home, away)).toEqual({ 'ami-11111111': [], 'ami-55555555': [] })
})

test('a copy of a copy is in the unit of the source of both', () => {
  const copy = copyOf(SOURCE, 5)
  expect(group([SOURCE, copyOf(copy, 6)], [copy])).toEqual({ 'ami-11111111': ['ami-66666666', 'ami-55555555'] })
})

test('each image is a unit of its own when their tags lead in a circle', () => {
  const circle = [prunable(1, 100, { ami_bakery_image: 'ami-22222222' }), copyOf(SOURCE, 2)]
  expect(group(circle, [copyOf(SOURCE, 5)])).toEqual({ 'ami-11111111': [], 'ami-22222222': [], 'ami-55555555': [] })
})

test('an image that two pages of an answer contain is one unit without a copy', () => {
  expect(group([SOURCE, SOURCE], [])).toEqual({ 'ami-11111111': [] })
})

describe('two images', () => {
  const areOfSameLine = (...images: readonly Image[]) => {
    const [first, second] = findUnits(images.map(image => ({ region: HOME, image }))).map(lineOf)
    return first === second
  }

  test.each([
    ['templates', prunable(2, 100, { ami_bakery_template: 'other.pkr.hcl' })],
    ['repositories', prunable(2, 100, { ami_bakery_repository: 'example/other' })],
    ['repositories (one is unknown)', prunable(2, 100, { ami_bakery_repository: undefined })],
    ['architectures', { ...prunable(2, 100), architecture: 'arm64' }],
    ['names (one has none)', prunable(2, 100, { ami_bakery_image_name: 'web' })],
    ['names (one is the template of the other)', prunable(2, 100, { ami_bakery_image_name: TEMPLATE })],
  ])('of different %s are of different lines', (_, other) => {
    expect(areOfSameLine(SOURCE, other)).toBe(false)
  })

  test('of the same template are of the same line when they have no name', () => {
    expect(areOfSameLine(SOURCE, prunable(2, 100))).toBe(true)
  })

  test('of the same name are of the same line, whatever their templates are', () => {
    const named = [1, 2].map(digit =>
      prunable(digit, 100, { ami_bakery_image_name: 'web', ami_bakery_template: `${digit}.pkr.hcl` }),
    )
    expect(areOfSameLine(...named)).toBe(true)
  })
})

test.each([
  ['its name in the images file', 'web', { ami_bakery_image_name: 'web' }],
  ['its template when it has no name', TEMPLATE, {}],
  ['its template when its name is empty', TEMPLATE, { ami_bakery_image_name: '' }],
  ['empty when it has neither a name nor a template', '', { ami_bakery_template: undefined }],
])('the name of a line is %s: "%s"', (_, expected, tags) => {
  expect(nameOf(prunable(1, 100, tags))).toBe(expected)
})

test.each([[[1, 2, 3]], [[3, 1, 2]], [[2, 3, 1]]])(
  'units are sorted from the newest to the oldest, and by their ids when they are of the same time: %j',
  digits => {
    const images = [...digits.map(digit => prunable(digit, 100)), prunable(8, 90), prunable(9, 110)]
    const units = findUnits(images.map(image => ({ region: HOME, image })))
    expect(units.sort(newestFirst).map(({ source }) => source.image.id)).toEqual([
      'ami-88888888',
      'ami-33333333',
      'ami-22222222',
      'ami-11111111',
      'ami-99999999',
    ])
  },
)
