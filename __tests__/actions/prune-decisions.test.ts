import { describe, expect, test } from 'vitest'
import type { Account, Retention } from '../../src/actions/prune/account.ts'
import { decide } from '../../src/actions/prune/decide.ts'
import type { Image } from '../../src/ec2/images.ts'
import { DAY } from '../../src/runner/wait.ts'
import { describedImage } from '../support/described-image.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const TEMPLATE = 'app.pkr.hcl'
const checksum = (digit: number) => String(digit).repeat(40)
const daysAgo = (days: number) => new Date(NOW - days * DAY).toISOString()

const RETENTION: Retention = {
  repositories: new Set(['example/app']),
  templates: new Set([TEMPLATE]),
  keepLast: 1,
  keepDays: 30,
  keepLaunchedDays: 90,
  keep: new Set(),
  shared: 'keep',
  graceDays: 14,
  maxDeletions: { units: 20 },
  now: NOW,
}

/** A published image of the line, baked so many days ago. */
function image(digit: number, days: number, tags: Readonly<Record<string, string>> = {}): Image {
  return describedImage({
    id: `ami-${String(digit).repeat(8)}`,
    creationDate: daysAgo(days),
    tags: new Map(
      Object.entries({
        ami_config_checksum: checksum(digit),
        ami_bakery_template: TEMPLATE,
        ami_bakery_repository: 'example/app',
        ...tags,
      }),
    ),
  })
}

interface Given {
  readonly home: readonly Image[]
  readonly away?: readonly Image[]
  readonly more?: Partial<Account>
  readonly retention?: Partial<Retention>
}

/** The result for each image that is the source of its unit: nothing refers to any image, and none is shared. */
function judge({ home, away = [], more, retention }: Given): Record<string, string> {
  const located = [
    ...home.map(one => ({ region: 'us-east-1', image: one })),
    ...away.map(one => ({ region: 'eu-west-1', image: one })),
  ]
  const nothing = new Map(located.map(({ image: { id } }) => [id, { known: [] }]))
  const account: Account = {
    images: located,
    unreadRegions: new Map(),
    unaskedRegions: new Set(),
    definitions: [],
    references: nothing,
    sharing: nothing,
    reports: new Map(),
    collected: 'everything',
    ...more,
  }
  const verdicts = decide(account, { ...RETENTION, ...retention })
  return Object.fromEntries(verdicts.map(({ unit, result, reason }) => [unit.source.image.id, `${result}: ${reason}`]))
}

describe('a copy whose source was not described', () => {
  const newest = image(9, 40)
  const copy = image(1, 100, { ami_bakery_image: 'ami-00000000' })
  const elsewhere = new Set(['ap-south-1'])

  test('is a unit of its own when every region was asked', () => {
    expect(judge({ home: [newest], away: [copy] })['ami-11111111']).toBe('mark: nothing uses it')
  })

  test.each([
    [undefined, 'keep: its source ami-00000000 may be in a region, which regions leaves out'],
    ['ap-south-1', 'keep: its source ami-00000000 may be in ap-south-1, which regions leaves out'],
    ['us-east-1', 'mark: nothing uses it'],
  ])('with the source region %s and a region that was left out has this result: %s', (sourceRegion, expected) => {
    const given = { home: [newest], away: [{ ...copy, sourceRegion }], more: { unaskedRegions: elsewhere } }
    expect(judge(given)['ami-11111111']).toBe(expected)
  })

  test('that was never finished is deleted, wherever its source is', () => {
    const unfinished = { ...copy, tags: new Map([...copy.tags].filter(([key]) => key !== 'ami_config_checksum')) }
    expect(judge({ home: [newest], away: [unfinished], more: { unaskedRegions: elsewhere } })['ami-11111111']).toMatch(
      /^delete: an unfinished copy/,
    )
  })
})

describe('a marked unit', () => {
  const newest = image(9, 40)
  test.each([
    [new Date(NOW - 1).toISOString(), 'delete'],
    [new Date(NOW).toISOString(), 'delete'],
    [new Date(NOW + 1).toISOString(), 'wait'],
    ['', 'mark'],
    ['soon', 'mark'],
  ])('that is due at %j has this result at 2026-06-01T12:00:00.000Z: %s', (due, expected) => {
    expect(judge({ home: [newest, image(1, 100, { ami_bakery_prune: due })] })['ami-11111111']).toMatch(
      new RegExp(`^${expected}: `),
    )
  })

  test('waits for a later run when max-deletions is reached, the newest bakes last', () => {
    const due = { ami_bakery_prune: daysAgo(1) }
    const home = [image(3, 300, due), image(1, 100, due), newest, image(2, 200, due)]
    const results = judge({ home, retention: { maxDeletions: { units: 2 } } })
    expect(results).toMatchObject({
      'ami-33333333': expect.stringMatching(/^delete: /),
      'ami-22222222': expect.stringMatching(/^delete: /),
      'ami-11111111': 'later: due, but max-deletions is 2 in a run',
      'ami-99999999': expect.stringMatching(/^keep: the newest published image of /),
    })
  })
})

describe('the age of a unit', () => {
  test.each([
    [29.99, /^keep: baked less than 30 days ago/],
    [30, /^mark: /],
  ])('of %d days with keep-days 30 has this result: %s', (days, expected) => {
    expect(judge({ home: [image(9, 1), image(1, days)] })['ami-11111111']).toMatch(expected)
  })

  test('is that of its youngest image', () => {
    const source = image(1, 100)
    const copy = image(2, 5, { ami_config_checksum: checksum(1), ami_bakery_image: source.id })
    expect(judge({ home: [image(9, 1), source], away: [copy] })['ami-11111111']).toMatch(/^keep: baked less than 30/)
  })
})

describe('the newest of a line', () => {
  test('are as many as keep-last says, and the reason counts them', () => {
    const home = [image(1, 100), image(2, 90), image(3, 80)]
    expect(judge({ home, retention: { keepLast: 2 } })).toEqual({
      'ami-33333333': `keep: the newest published image of ${TEMPLATE}`,
      'ami-22222222': `keep: number 2 of the newest of ${TEMPLATE}`,
      'ami-11111111': 'mark: nothing uses it',
    })
  })

  test('of the same time is the one with the greater id', () => {
    const results = judge({ home: [image(1, 100), image(2, 100)] })
    expect(results).toMatchObject({
      'ami-22222222': expect.stringMatching(/^keep: /),
      'ami-11111111': expect.stringMatching(/^mark: /),
    })
  })
})

test('the parent of an image that stays is kept, and so is the parent of that', () => {
  const [base, mid] = [
    image(1, 300, { ami_bakery_image_name: 'base' }),
    image(2, 200, { ami_bakery_parent: 'ami-11111111' }),
  ]
  const leaf = image(3, 100, { ami_bakery_parent: 'ami-22222222' })
  const newestBase = image(8, 40, { ami_bakery_image_name: 'base' })
  expect(judge({ home: [base, mid, leaf, newestBase] })).toMatchObject({
    'ami-33333333': expect.stringMatching(/^keep: the newest/),
    'ami-22222222': 'keep: the parent or base of ami-33333333, which is kept',
    'ami-11111111': 'keep: the parent or base of ami-22222222, which is kept',
  })
})
