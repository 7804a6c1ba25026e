import { describe, expect, test } from 'vitest'
import {
  chooseImage,
  doubtfulFix,
  findNewestPublished,
  type LookUp,
  listLevels,
  reasonToSkipCopy,
  valueFor,
} from '../../src/ec2/choose-image.ts'
import type { Image } from '../../src/ec2/images.ts'
import { groupByChecksum, isAsFiltered } from '../../src/ec2/look-up.ts'
import { type Scan, UNREADABLE } from '../../src/ec2/scan-results.ts'
import { DAY } from '../../src/runner/wait.ts'
import { makeDice } from '../support/definitions.ts'
import { describedImage } from '../support/described-image.ts'
import { CHECKSUM } from '../support/tags.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const STARTED_AT = NOW - 60_000
const daysAgo = (days: number) => new Date(NOW - days * DAY).toISOString()
/** The checksum of a parent. */
const BASE = 'b'.repeat(40)

/** An image with the checksum, baked ten days ago from the template of the look-up. */
function image(tags: Readonly<Record<string, string>> = {}, more: Partial<Image> = {}): Image {
  return describedImage({
    id: 'ami-11111111',
    name: 'app',
    creationDate: daysAgo(10),
    tags: new Map(Object.entries({ ami_config_checksum: CHECKSUM, ami_bakery_template: 'app.pkr.hcl', ...tags })),
    ...more,
  })
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
    [daysAgo(0.001), 'info: ami-11111111 is available, but a new image is requested: it is skipped.'],
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

/** A scan whose only fix is one of a critical finding, known since then. */
function scan(fix?: Date | typeof UNREADABLE): Scan {
  return { severity: 'critical', scannedAt: new Date(NOW), fixes: new Map(fix ? [['critical', fix]] : []) }
}

describe('an image of which Amazon Inspector knows vulnerabilities, with critical-fix-days 7,', () => {
  const at = (days: number) => new Date(daysAgo(days))
  const scans: readonly (readonly [string, Scan | undefined, oldest: 'hit' | 'miss'])[] = [
    ['that was never scanned', undefined, 'hit'],
    ['without a finding', { severity: undefined, scannedAt: undefined, fixes: new Map() }, 'hit'],
    ['without a fix', scan(), 'hit'],
    ['with an old fix of a high finding', { ...scan(), fixes: new Map([['high', at(1000)]]) }, 'hit'],
    ['with a fix in the future', scan(at(-1)), 'hit'],
    ['with a fix at an unreadable time', scan(UNREADABLE), 'hit'],
    ['with a fix of 6 days', scan(at(6)), 'hit'],
    ['with a fix of exactly 7 days', scan(at(7)), 'hit'],
    ['with a fix of 7 days and a second', scan(new Date(at(7).getTime() - 1000)), 'miss'],
    ['with a fix of 1000 days', scan(at(1000)), 'miss'],
    ['with a fix of 1970', scan(new Date(0)), 'miss'],
  ]
  const ages: readonly (readonly [days: number, (oldest: 'hit' | 'miss') => 'hit' | 'miss'])[] = [
    [0, () => 'hit'],
    [6, () => 'hit'],
    [7, () => 'hit'],
    [8, oldest => oldest],
    [100, oldest => oldest],
  ]
  const cells = scans.flatMap(([what, result, oldest]) =>
    ages.map(([days, expected]) => [what, days, expected(oldest), result] as const),
  )
  test.each(cells)('%s that is %d days old is a %s', (_, days, expected, result) => {
    const one = image({}, { creationDate: daysAgo(days), scan: result })
    const line = judge(one, { criticalFixDays: 7 })
    if (expected === 'hit') expect(line).toBe('hit')
    else expect(line).toMatch(/^info: ami-11111111 has a critical vulnerability with a fix available since .*Z: it is/)
    expect(judge(one)).toBe('hit')
  })

  test('is judged by the tag with the time of its bake, not by the date of a copy', () => {
    const tags = { ami_bakery_baked_at: daysAgo(8) }
    expect(judge(image(tags, { creationDate: daysAgo(1), scan: scan(at(8)) }), { criticalFixDays: 7 })).toMatch(/^info/)
  })

  const AGE = [undefined, 30, 9] as const
  const FORCED = [undefined, STARTED_AT] as const
  const PARENTS = ['none', 'current', 'other'] as const
  const combinations = [true, false].flatMap(isVulnerable =>
    AGE.flatMap(maxAgeDays =>
      FORCED.flatMap(newerThan => PARENTS.map(parent => ({ isVulnerable, maxAgeDays, newerThan, parent }))),
    ),
  )
  test.each(combinations)(
    'and which is 10 days old, is a hit or has the first reason that applies: %o',
    ({ isVulnerable, maxAgeDays, newerThan, parent }) => {
      const base = image({ ami_config_checksum: BASE }, { id: 'ami-bbbbbbbb' })
      const tags = { ami_bakery_parent: parent === 'other' ? 'ami-aaaaaaaa' : parent === 'current' ? base.id : '' }
      const child = image(tags, { scan: scan(at(isVulnerable ? 8 : 6)) })
      const wanted = { criticalFixDays: 7, maxAgeDays, newerThan, parent: { checksum: BASE, template: 'app.pkr.hcl' } }
      const { hit, skips } = chooseImage(groupByChecksum([child, base]), { ...WANTED, ...wanted }, NOW)
      const reasons = [
        maxAgeDays === 9 ? ['days old'] : [],
        isVulnerable ? ['critical'] : [],
        newerThan ? ['a new image is requested'] : [],
        parent === 'other' ? ['was baked from ami-aaaaaaaa'] : [],
      ].flat()
      expect(hit).toBe(reasons.length === 0 ? child : undefined)
      expect(skips.map(({ message }) => message)).toEqual(
        reasons.slice(0, 1).map(reason => expect.stringContaining(reason)),
      )
    },
  )

  test.each([3, 7, 30])(
    'causes at most one bake in critical-fix-days=%d days, whatever dates it claims, in 20 random years of daily runs',
    criticalFixDays => {
      for (let seed = 1; seed <= 20; seed++) {
        const dice = makeDice(seed)
        const images: Image[] = []
        const bakes: number[] = []
        for (let day = 0; day < 365; day++) {
          const now = NOW + (day + dice.below(1000) / 1000) * DAY
          const claim = () => new Date(now - (dice.below(2000) - 100) * DAY)
          const scanned = images.map(one => ({ ...one, scan: dice.chance(0.8) ? scan(claim()) : undefined }))
          if (chooseImage(groupByChecksum(scanned), { ...WANTED, criticalFixDays }, now).hit) continue
          bakes.push(now)
          images.push(
            image({}, { id: `ami-${String(day).padStart(8, '0')}`, creationDate: new Date(now).toISOString() }),
          )
        }
        const gaps = bakes.slice(1).map((time, index) => (time - (bakes[index] ?? 0)) / DAY)
        expect(Math.min(...gaps), `seed ${seed}`).toBeGreaterThan(criticalFixDays)
        expect(bakes.length).toBeLessThanOrEqual(1 + 365 / criticalFixDays)
      }
    },
  )

  test.each([
    ['in the future', scan(at(-1)), /a time in the future \(2026-06-02T12:00:00\.000Z\) for a critical fix\. It is/],
    ['unreadable', scan(UNREADABLE), /a time that is unreadable for a critical fix\. It is ignored\./],
    ['now', scan(at(0)), undefined],
    ['absent', scan(), undefined],
  ])('has a warning for a time that is %s', (_, result, expected) => {
    const warning = doubtfulFix(image({}, { scan: result }), { ...WANTED, criticalFixDays: 7 }, NOW)
    if (expected) expect(warning).toMatch(expected)
    else expect(warning).toBeUndefined()
    expect(doubtfulFix(image({}, { scan: result }), WANTED, NOW)).toBeUndefined()
  })
})

describe('an image that is not published yet', () => {
  const candidate = (id: string, days: number, tags = {}) =>
    image(
      { ami_config_checksum: `candidate:${CHECKSUM}`, ...tags },
      { id: `ami-${id.repeat(8)}`, creationDate: daysAgo(days) },
    )
  const published = (id: string, days: number, tags = {}) =>
    image(tags, { id: `ami-${id.repeat(8)}`, creationDate: daysAgo(days) })

  test.each([
    ['one candidate', [candidate('1', 1)], undefined, '1'],
    ['the newest candidate', [candidate('1', 1), candidate('2', 2)], undefined, '1'],
    ['a published image before a newer candidate', [candidate('1', 1), published('2', 2)], '2', '2'],
    [
      'a candidate instead of a revoked image',
      [candidate('1', 3), published('2', 2, { ami_bakery_revoked: 'x' })],
      undefined,
      '1',
    ],
    ['no revoked candidate', [candidate('1', 1, { ami_bakery_revoked: 'x' })], undefined, undefined],
    ['no candidate of another template', [candidate('1', 1, { ami_bakery_template: 'b.json' })], undefined, undefined],
    [
      'no candidate that is due for deletion',
      [candidate('1', 1, { ami_bakery_prune: '2026-01-01' })],
      undefined,
      undefined,
    ],
    ['nothing', [], undefined, undefined],
  ] as const)('among %s is chosen only with candidate', (_, images, without, expected) => {
    const idOf = (id: string | undefined) => id && `ami-${id.repeat(8)}`
    const choose = (wanted: Partial<LookUp>) =>
      chooseImage(groupByChecksum(images), { ...WANTED, ...wanted }, NOW).hit?.id
    expect([choose({}), choose({ candidate: false })]).toEqual([idOf(without), idOf(without)])
    expect(choose({ candidate: true })).toBe(idOf(expected))
  })

  test('is too old or vulnerable by the same rules', () => {
    const old = candidate('1', 31)
    const choose = (wanted: Partial<LookUp>) =>
      chooseImage(groupByChecksum([old]), { ...WANTED, candidate: true, ...wanted }, NOW).hit
    expect(choose({ maxAgeDays: 31 })).toBe(old)
    expect(choose({ maxAgeDays: 30 })).toBeUndefined()
  })

  test('gets another value of the checksum tag', () => {
    expect([valueFor(WANTED), valueFor({ ...WANTED, candidate: true })]).toEqual([CHECKSUM, `candidate:${CHECKSUM}`])
  })
})

describe('a revoked definition', () => {
  const revoked = (value: string, tags = {}) =>
    image({ ami_config_checksum: value + CHECKSUM, ami_bakery_revoked: 'x', ...tags }, { id: 'ami-22222222' })

  test.each([
    ['a revoked image', [revoked('revoked:')], true],
    ['a revoked candidate', [revoked('revoked:candidate:')], true],
    ['an image that may be baked again', [revoked('revoked-once:')], false],
    ['an image that is only marked', [revoked('')], false],
    ['a revoked image without a reason', [revoked('revoked:', { ami_bakery_revoked: '' })], true],
    ['a revoked image of another template', [revoked('revoked:', { ami_bakery_template: 'b.json' })], false],
    ['a revoked backup', [revoked('revoked:', { 'aws:backup:source-resource': '' })], false],
    ['a revoked image and a published one', [revoked('revoked:'), image()], false],
    [
      'a revoked image and an old published one',
      [revoked('revoked:'), image({ ami_bakery_baked_at: daysAgo(999) })],
      false,
    ],
    [
      'a revoked image and a candidate',
      [revoked('revoked:'), image({ ami_config_checksum: `candidate:${CHECKSUM}` })],
      true,
    ],
    ['a revoked image and a marked one', [revoked('revoked:'), image({ ami_bakery_revoked: 'y' })], true],
    [
      'a revoked image and one of another template',
      [revoked('revoked:'), image({ ami_bakery_template: 'b.json' })],
      true,
    ],
    ['a revoked image and one that is due', [revoked('revoked:'), image({ ami_bakery_prune: '2026-01-01' })], true],
    ['a revoked image and a backup', [revoked('revoked:'), image({ 'aws:dlm:policy': '' })], true],
    ['a failed image', [revoked('failed:')], false],
  ] as const)('is blocked or not by %s', (_, images, isBlocked) => {
    for (const more of [{}, { candidate: true }, { maxAgeDays: 1 }, { newerThan: STARTED_AT }]) {
      const { block } = chooseImage(groupByChecksum(images), { ...WANTED, ...more }, NOW)
      expect(block?.id, JSON.stringify(more)).toBe(isBlocked ? 'ami-22222222' : undefined)
    }
  })

  test('names its newest revoked image', () => {
    const older = { ...revoked('revoked:'), id: 'ami-33333333', creationDate: daysAgo(20) }
    expect(chooseImage(groupByChecksum([older, revoked('revoked:')]), WANTED, NOW).block?.id).toBe('ami-22222222')
  })
})

describe('a child', () => {
  const base = (id: string, days: number, tags = {}) =>
    image({ ami_config_checksum: BASE, ...tags }, { id: `ami-${id.repeat(8)}`, creationDate: daysAgo(days) })
  const BASE_LOOK_UP: LookUp = { checksum: BASE, template: 'app.pkr.hcl', imageName: 'base' }
  const child = image({ ami_bakery_parent: 'ami-bbbbbbbb' })

  test.each([
    ['its parent', [base('b', 5)], 'hit'],
    ['its parent, the newest of several', [base('b', 5), base('c', 6)], 'hit'],
    ['a newer image of its parent', [base('b', 5), base('c', 4)], 'the image of base is ami-cccccccc now'],
    ['a copy of its parent from another region', [base('c', 5, { ami_bakery_image: 'ami-bbbbbbbb' })], 'hit'],
    [
      'a copy of another image of its parent',
      [base('c', 5, { ami_bakery_image: 'ami-dddddddd' })],
      'is ami-cccccccc now',
    ],
    ['an image of its parent that is baked from the former', [{ ...base('c', 5), sourceImage: 'ami-bbbbbbbb' }], 'now'],
    ['another image of its parent only', [base('c', 4)], 'the image of base is ami-cccccccc now'],
    ['no image of its parent', [], 'hit'],
    ['its parent, which is too old', [base('b', 31)], 'the image of base is no hit any more'],
    ['its parent, which is vulnerable', [{ ...base('b', 20), scan: scan(new Date(0)) }], 'no hit any more'],
    ['its parent, which is marked as revoked', [base('b', 5, { ami_bakery_revoked: 'x' })], 'no hit any more'],
    ['its parent, which is revoked', [base('b', 5, { ami_config_checksum: `revoked:${BASE}` })], 'no hit any more'],
    [
      'another, revoked image of its parent',
      [base('c', 5, { ami_config_checksum: `revoked:${BASE}` })],
      'no hit any more',
    ],
    ['its parent, which is due for deletion', [base('b', 5, { ami_bakery_prune: '2026-01-01' })], 'no hit any more'],
    ['only a candidate of its parent', [base('c', 5, { ami_config_checksum: `candidate:${BASE}` })], 'hit'],
    ['only a failed image of its parent', [base('c', 5, { ami_config_checksum: `failed:${BASE}` })], 'hit'],
    ['only a backup of its parent', [base('c', 5, { 'aws:backup:source-resource': '' })], 'hit'],
    ['only an image of another template', [base('c', 5, { ami_bakery_template: 'b.json' })], 'hit'],
  ] as const)('whose account has %s has this result: %s', (_, parents, expected) => {
    const parent = { ...BASE_LOOK_UP, maxAgeDays: 30, criticalFixDays: 7 }
    const { hit, skips } = chooseImage(groupByChecksum([child, ...parents]), { ...WANTED, parent }, NOW)
    if (expected === 'hit') expect([hit, skips]).toEqual([child, []])
    else expect(skips.at(0)).toEqual({ level: 'info', message: expect.stringContaining(expected) })
  })

  test('without the tag, or with an empty one, is a hit whatever its parent is', () => {
    for (const tags of [{}, { ami_bakery_parent: '' }]) {
      const described = groupByChecksum([image(tags), base('c', 1)])
      expect(chooseImage(described, { ...WANTED, parent: BASE_LOOK_UP }, NOW).hit?.id).toBe('ami-11111111')
    }
  })

  test('that names something else than an image is a miss with an escaped name', () => {
    const odd = image({ ami_bakery_parent: 'a\n::error::b' })
    const { skips } = chooseImage(groupByChecksum([odd, base('b', 1)]), { ...WANTED, parent: BASE_LOOK_UP }, NOW)
    expect(skips.at(0)?.message).toContain('baked from a\\u000a::error::b, but the image of base is ami-bbbbbbbb now')
  })

  test('that is older than another one of the current parent gives way to it', () => {
    const other = image({ ami_bakery_parent: 'ami-cccccccc' }, { id: 'ami-22222222', creationDate: daysAgo(20) })
    const described = groupByChecksum([child, other, base('c', 1)])
    expect(chooseImage(described, { ...WANTED, parent: BASE_LOOK_UP }, NOW).hit?.id).toBe('ami-22222222')
  })

  test('that is a candidate may be of a candidate of its parent, and is a miss once that is baked anew', () => {
    const candidates = [base('b', 5), base('c', 4)].map(one => ({
      ...one,
      tags: new Map([...one.tags, ['ami_config_checksum', `candidate:${BASE}`]]),
    }))
    const own = image({ ami_config_checksum: `candidate:${CHECKSUM}`, ami_bakery_parent: 'ami-bbbbbbbb' })
    const lookUp = { ...WANTED, candidate: true, parent: { ...BASE_LOOK_UP, candidate: true } }
    const choose = (parents: readonly Image[]) => chooseImage(groupByChecksum([own, ...parents]), lookUp, NOW).hit?.id
    expect(choose(candidates.slice(0, 1))).toBe('ami-11111111')
    expect(choose(candidates)).toBeUndefined()
    expect(choose([...candidates.slice(0, 1), base('d', 9)])).toBeUndefined()
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

describe('the newest published image, which a miss reports', () => {
  const older = image({}, { id: 'ami-22222222', creationDate: daysAgo(20) })

  test.each<[what: string, newer: Image, id: string]>([
    ['an older one', image(), 'ami-11111111'],
    ['an older one although it is too old and due', image({ ami_bakery_prune: '2026-01-01' }), 'ami-11111111'],
    ['a newer candidate', image({ ami_config_checksum: `candidate:${CHECKSUM}` }), 'ami-22222222'],
    ['a newer failed image', image({ ami_config_checksum: `failed:${CHECKSUM}` }), 'ami-22222222'],
    ['a newer one of another template', image({ ami_bakery_template: 'b.json' }), 'ami-22222222'],
    ['a newer revoked one', image({ ami_bakery_revoked: 'boots badly' }), 'ami-22222222'],
    ['a newer backup', image({ 'aws:backup:source-resource': '' }), 'ami-22222222'],
  ])('is found beside %s', (_, newer, id) => {
    const lookUp = { ...WANTED, maxAgeDays: 5 }
    for (const images of [
      [newer, older],
      [older, newer],
    ])
      expect(findNewestPublished(groupByChecksum(images), lookUp)?.id).toBe(id)
  })

  test('is absent when no image has the checksum', () => {
    expect(findNewestPublished(groupByChecksum([]), WANTED)).toBeUndefined()
  })
})

test('the levels of a look-up are itself, its parent, and the parents of that', () => {
  const root: LookUp = { checksum: BASE, template: 'root.pkr.hcl' }
  const parent: LookUp = { checksum: BASE, template: 'base.pkr.hcl', parent: root }
  const child: LookUp = { ...WANTED, parent }
  expect(listLevels(child)).toEqual([child, parent, root])
})
