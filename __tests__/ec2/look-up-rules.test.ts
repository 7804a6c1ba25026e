import { describe, expect, test } from 'vitest'
import { chooseImage, type LookUp, reasonToSkipCopy } from '../../src/ec2/choose-image.ts'
import type { Image } from '../../src/ec2/images.ts'
import { groupByChecksum, isAsFiltered } from '../../src/ec2/look-up.ts'
import { CHECKSUM } from '../support/tags.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const STARTED_AT = NOW - 60_000
const daysAgo = (days: number) => new Date(NOW - days * 24 * 60 * 60 * 1000).toISOString()

/** An image with the checksum, baked ten days ago from the template of the look-up. */
function image(tags: Readonly<Record<string, string>> = {}, more: Partial<Image> = {}): Image {
  return {
    id: 'ami-11111111',
    name: 'app',
    description: '',
    creationDate: daysAgo(10),
    state: 'available',
    owner: '123456789012',
    stateReason: undefined,
    deprecationTime: undefined,
    sourceInstance: undefined,
    sourceImage: undefined,
    sourceRegion: undefined,
    architecture: 'x86_64',
    snapshots: [],
    isEncrypted: false,
    gib: 8,
    lastLaunchedTime: undefined,
    isProtected: false,
    tags: new Map(Object.entries({ ami_config_checksum: CHECKSUM, ami_bakery_template: 'app.pkr.hcl', ...tags })),
    ...more,
  }
}

const WANTED: LookUp = { checksum: CHECKSUM, template: 'app.pkr.hcl' }

/** `hit`, or the reason for which the only candidate is skipped. */
function judge(candidate: Image, wanted: Partial<LookUp> = {}): string {
  const { hit, skips } = chooseImage(groupByChecksum([candidate]), { ...WANTED, ...wanted }, NOW)
  if (hit) expect([hit, skips]).toEqual([candidate, []])
  return hit ? 'hit' : skips.map(({ level, message }) => `${level}: ${message}`).join('\n')
}

describe('a candidate of the look-up', () => {
  const templates: readonly (readonly [string, Record<string, string>, string | undefined, string])[] = [
    ['this template', {}, undefined, 'hit'],
    ['another template', { ami_bakery_template: 'b.json' }, undefined, 'from b.json, not from app.pkr.hcl'],
    ['a template without a name', { ami_bakery_template: '' }, undefined, 'from , not from app.pkr.hcl'],
    ['another template, with an image name', { ami_bakery_template: 'b.json' }, 'web', 'from b.json'],
    ['a moved template', { ami_bakery_template: 'b.json', ami_bakery_image_name: 'web' }, 'web', 'hit'],
    ['another image', { ami_bakery_template: 'b.json', ami_bakery_image_name: 'db' }, 'web', 'from b.json'],
    ['another image of this template', { ami_bakery_image_name: 'db' }, 'web', 'hit'],
    ['a named image', { ami_bakery_template: 'b.json', ami_bakery_image_name: 'web' }, undefined, 'from b.json'],
    ['a nameless image', { ami_bakery_template: 'b.json', ami_bakery_image_name: '' }, '', 'hit'],
  ]
  test.each(templates)(
    'from %s, with the tags %j, for the image name %j has this result: %s',
    (_, tags, imageName, expected) => {
      expect(judge(image(tags), { imageName })).toContain(expected)
    },
  )

  test('without a template tag is a hit for every template', () => {
    expect(judge(image({}, { tags: new Map([['ami_config_checksum', CHECKSUM]]) }))).toBe('hit')
  })

  test.each([
    ['aws:backup:source-resource', 'is skipped'],
    ['aws:backup:', 'is skipped'],
    ['aws:dlm:lifecycle-policy-id', 'is skipped'],
    ['aws:cloudformation:stack-name', 'hit'],
    ['aws:backups', 'hit'],
    ['my:aws:backup:tag', 'hit'],
  ])('with the tag %s, which AWS may have set, is %s', (key, expected) => {
    expect(judge(image({ [key]: '' }))).toContain(expected)
  })

  test.each([
    ['boots badly', 'is revoked (boots badly): it is skipped.'],
    ['a\n::error::b', 'is revoked (a\\u000a::error::b)'],
    [' ', 'is revoked ( )'],
    ['', 'hit'],
  ])('with the revocation reason %j has this result: %s', (reason, expected) => {
    expect(judge(image({ ami_bakery_revoked: reason }))).toContain(expected)
  })

  test('is not skipped for a tag whose key only begins like that of a revoked image', () => {
    expect(judge(image({ ami_bakery_revoked_by: 'https://github.com/example/app/actions/runs/1' }))).toBe('hit')
  })

  test.each([
    ['2026-06-01T12:00:00Z', 'due for deletion since 2026-06-01T12:00:00Z'],
    ['2026-06-01T11:59:59.999Z', 'due for deletion'],
    ['2026-06-01T13:59:00+02:00', 'due for deletion'],
    ['2026-06-01T11:59Z', 'due for deletion'],
    ['2026-06-01', 'due for deletion'],
    ['2026-06-01T12:00:01Z', 'hit'],
    ['2026-06-01T11:59:00-02:00', 'hit'],
    ['2026-06-02', 'hit'],
    ['', 'hit'],
    ['yesterday', 'hit'],
    ['0', 'hit'],
    ['2020', 'hit'],
    ['2020-01-01T00:00:00', 'hit'],
    ['2020-13-01T00:00:00Z', 'hit'],
    ['1 January 2020', 'hit'],
    ['2020-01-01T00:00:00Z ', 'hit'],
  ])('with ami_bakery_prune=%j has this result at 12:00 UTC on 2026-06-01: %s', (due, expected) => {
    expect(judge(image({ ami_bakery_prune: due }))).toContain(expected)
  })

  const ages: readonly (readonly [number | undefined, Partial<Image>, Record<string, string>, string])[] = [
    [undefined, {}, {}, 'hit'],
    [10, {}, {}, 'hit'],
    [9.9, {}, {}, 'info: ami-11111111 is 10 days old: it is skipped.'],
    [0, {}, {}, 'is skipped'],
    [30, {}, { ami_bakery_baked_at: daysAgo(31) }, '31 days old'],
    [5, { creationDate: daysAgo(1) }, { ami_bakery_baked_at: 'never' }, 'hit'],
    [undefined, { deprecationTime: daysAgo(1) }, {}, 'hit'],
    [30, { deprecationTime: daysAgo(1) }, {}, 'info: ami-11111111 is deprecated: it is skipped.'],
    [30, { deprecationTime: daysAgo(0) }, {}, 'is deprecated'],
    [30, { deprecationTime: daysAgo(-1) }, {}, 'hit'],
  ]
  test.each(ages)(
    'with %j days as its maximum age, %j and the tags %j has this result: %s',
    (maxAgeDays, more, tags, expected) => {
      expect(judge(image(tags, more), { maxAgeDays })).toContain(expected)
    },
  )

  test.each([
    [daysAgo(0.001), 'a new image is requested'],
    [new Date(STARTED_AT).toISOString(), 'a new image is requested'],
    [new Date(STARTED_AT + 1).toISOString(), 'hit'],
  ])('that was created at %s has this result if only images since 11:59 are hits: %s', (creationDate, expected) => {
    expect(judge(image({}, { creationDate }), { newerThan: STARTED_AT })).toContain(expected)
  })

  test('is skipped for one reason, first the template and last the age', () => {
    const [template, backup, revoked, due] = [
      { ami_bakery_template: 'b.json' },
      { 'aws:backup:source-resource': '' },
      { ami_bakery_revoked: 'x' },
      { ami_bakery_prune: '2026-01-01' },
    ]
    const words = [
      [{ ...template, ...backup, ...revoked, ...due }, 'from b.json'],
      [{ ...backup, ...revoked, ...due }, 'is a backup'],
      [{ ...revoked, ...due }, 'is revoked'],
      [due, 'has been due'],
      [{}, 'is 10 days old'],
    ] as const
    for (const [tags, expected] of words) {
      const line = judge(image(tags), { maxAgeDays: 1, newerThan: STARTED_AT })
      expect(line).toContain(expected)
      expect(line).not.toContain('\n')
    }
  })
})

describe('the choice of the look-up', () => {
  const at = (id: string, days: number, tags = {}) =>
    image(tags, { id: `ami-${id.repeat(8)}`, creationDate: daysAgo(days) })

  test('is the newest image that no rule excludes, with the reasons for all others from the newest to the oldest', () => {
    const images = [
      at('1', 4),
      at('2', 3),
      at('3', 1, { ami_bakery_revoked: 'x' }),
      at('4', 5, { ami_bakery_prune: '2026-01-01' }),
      at('5', 2, { 'aws:dlm:lifecycle-policy-id': 'policy-1' }),
    ]
    const { hit, skips } = chooseImage(groupByChecksum(images), WANTED, NOW)
    expect(hit?.id).toBe('ami-22222222')
    expect(skips.map(({ message }) => message.slice(0, 12))).toEqual(['ami-33333333', 'ami-55555555', 'ami-44444444'])
  })

  test('is the same in every order of the answer, which is not changed', () => {
    const images = Object.freeze([at('1', 2), at('3', 2), at('2', 2)])
    for (const order of [images, images.toReversed()])
      expect(chooseImage(groupByChecksum(order), WANTED, NOW).hit?.id).toBe('ami-33333333')
  })

  test('is no image if all are skipped or there is none', () => {
    expect(chooseImage(groupByChecksum([at('1', 1, { ami_bakery_revoked: 'x' })]), WANTED, NOW).hit).toBeUndefined()
    expect(chooseImage(new Map(), WANTED, NOW)).toEqual({ hit: undefined, skips: [], block: undefined })
  })
})

describe('an answer of EC2', () => {
  test.each([
    ['available', CHECKSUM, true],
    ['available', `failed:${CHECKSUM}`, false],
    ['available', `revoked:${CHECKSUM}`, false],
    ['available', `candidate:${CHECKSUM}`, false],
    ['available', CHECKSUM.toUpperCase(), false],
    ['available', '', false],
    ['deregistered', CHECKSUM, false],
    ['pending', CHECKSUM, false],
    ['disabled', CHECKSUM, false],
  ])('with an image that is %s and has the checksum %j contains a candidate: %j', (state, value, expected) => {
    expect(isAsFiltered(image({ ami_config_checksum: value }, { state }), CHECKSUM)).toBe(expected)
  })

  test('with an image that has no checksum any more contains no candidate', () => {
    expect(isAsFiltered(image({}, { tags: new Map() }), CHECKSUM)).toBe(false)
  })
})

test('a copy is skipped if its own tags say that it is a backup or revoked; the tags of its source decide all else', () => {
  const [backup, revoked] = [{ 'aws:backup:source-resource': '' }, { ami_bakery_revoked: 'x' }]
  expect([backup, revoked].map(tags => reasonToSkipCopy(image(tags))?.level)).toEqual(['notice', 'notice'])
  const others = { ami_bakery_template: 'b.json', ami_bakery_prune: '2020-01-01', ami_bakery_revoked: '' }
  expect(reasonToSkipCopy(image(others, { deprecationTime: daysAgo(1) }))).toBeUndefined()
})
