import { describe, expect, test } from 'vitest'
import type { Definition } from '../../src/actions/prune/account.ts'
import type { Image } from '../../src/ec2/images.ts'
import { checksum, copyOf, daysAgo, decideOn, type Given, judge, prunable, TEMPLATE } from '../support/prunable.ts'
import { DAY, NOW } from '../support/random-account.ts'

const NEWEST = prunable(9, 40)
const UNUSED = 'mark: nothing uses it'

describe('a copy whose source was not described', () => {
  const copy = prunable(1, 100, { ami_bakery_image: 'ami-00000000' })
  const elsewhere = new Set(['ap-south-1'])

  test('is a unit of its own when every region was asked', () => {
    expect(judge({ home: [NEWEST], away: [copy] })['ami-11111111']).toBe(UNUSED)
  })

  test.each([
    [undefined, 'keep: its source ami-00000000 may be in a region, which regions leaves out'],
    ['ap-south-1', 'keep: its source ami-00000000 may be in ap-south-1, which regions leaves out'],
    ['us-east-1', UNUSED],
  ])('with the source region %s and a region that was left out has this result: %s', (sourceRegion, expected) => {
    const given = { home: [NEWEST], away: [{ ...copy, sourceRegion }], account: { unaskedRegions: elsewhere } }
    expect(judge(given)['ami-11111111']).toBe(expected)
  })

  test('that was never finished is deleted, wherever its source is', () => {
    const unfinished = prunable(1, 100, { ami_bakery_image: 'ami-00000000', ami_config_checksum: undefined })
    const given = { home: [NEWEST], away: [unfinished], account: { unaskedRegions: elsewhere } }
    expect(judge(given)['ami-11111111']).toBe('delete: an unfinished copy, older than grace-days')
  })

  test('is not missing for an image that is no copy', () => {
    const given = { home: [NEWEST, prunable(1, 100)], account: { unaskedRegions: elsewhere } }
    expect(judge(given)['ami-11111111']).toBe(UNUSED)
  })
})

describe('a unit that nothing uses', () => {
  test('gets a mark for the time when grace-days are over', () => {
    const verdicts = decideOn({ home: [NEWEST, prunable(1, 100)], retention: { graceDays: 3 } })
    expect(verdicts).toMatchObject([
      { result: 'keep', due: undefined },
      { result: 'mark', due: NOW + 3 * DAY },
    ])
  })

  test.each([
    ['2026-06-01T11:59:59.999Z', 'delete: due since 2026-06-01T11:59:59.999Z, and nothing uses it'],
    ['2026-06-01T12:00:00Z', 'delete: due since 2026-06-01T12:00:00.000Z, and nothing uses it'],
    ['2026-06-01T12:00:00.001Z', 'wait: marked, due on 2026-06-01T12:00:00.001Z'],
    ['', UNUSED],
    ['soon', UNUSED],
  ])('and is marked with %j has this result at 2026-06-01T12:00:00.000Z: %s', (due, expected) => {
    const verdicts = decideOn({ home: [NEWEST, prunable(1, 100, { ami_bakery_prune: due })] })
    expect(verdicts.map(({ result, reason }) => `${result}: ${reason}`)).toContain(expected)
    expect(verdicts[1]?.due).toBe(expected === UNUSED ? NOW + 14 * DAY : Date.parse(due))
  })
})

describe('max-deletions', () => {
  const due = { ami_bakery_prune: daysAgo(1) }

  test('leaves what is due to a later run, the newest bakes last', () => {
    const home = [prunable(3, 300, due), prunable(1, 100, due), NEWEST, prunable(2, 200, due)]
    expect(judge({ home, retention: { maxDeletions: { units: 2 } } })).toEqual({
      'ami-33333333': `delete: due since ${daysAgo(1)}, and nothing uses it`,
      'ami-22222222': `delete: due since ${daysAgo(1)}, and nothing uses it`,
      'ami-11111111': 'later: due, but max-deletions is 2 in a run',
      'ami-99999999': `keep: the newest published image of ${TEMPLATE}`,
    })
  })

  test.each([
    [0, 0],
    [1, 1],
    [30, 1],
    [40, 2],
    [79, 3],
    [100, 4],
  ])('of %d percent lets %d of 4 units be deleted when the account has 5', (percent, expected) => {
    const home = [NEWEST, ...[1, 2, 3, 4].map(digit => prunable(digit, 100, due))]
    const results = Object.values(judge({ home, retention: { maxDeletions: { percent } } }))
    expect(results.filter(result => result.startsWith('delete: '))).toHaveLength(expected)
    expect(results.filter(result => result === `later: due, but max-deletions is ${expected} in a run`)).toHaveLength(
      4 - expected,
    )
  })
})

test.each([
  [29.99, 'keep: baked less than 30 days ago'],
  [30, UNUSED],
])('a unit of %d days has this result with keep-days 30: %s', (days, expected) => {
  expect(judge({ home: [prunable(9, 1), prunable(1, days)] })['ami-11111111']).toBe(expected)
})

describe('the newest of a line', () => {
  test('are as many as keep-last says, and the reason counts them', () => {
    const home = [prunable(1, 100), prunable(2, 90), prunable(3, 80)]
    expect(judge({ home, retention: { keepLast: 2 } })).toEqual({
      'ami-33333333': `keep: the newest published image of ${TEMPLATE}`,
      'ami-22222222': `keep: number 2 of the newest of ${TEMPLATE}`,
      'ami-11111111': UNUSED,
    })
  })

  test('of the same time is the one with the greater id', () => {
    expect(judge({ home: [prunable(1, 100), prunable(2, 100)] })).toEqual({
      'ami-22222222': `keep: the newest published image of ${TEMPLATE}`,
      'ami-11111111': UNUSED,
    })
  })
})

describe('prune', () => {
  const OLD = prunable(1, 100)
  const web: Definition = { imageName: 'web', template: 'web.pkr.hcl', checksums: { known: [] } }

  test.each<[string, Image[]]>([
    ['image of another template', [prunable(1, 100, { ami_bakery_template: 'web.pkr.hcl' })]],
    ['image of another repository', [prunable(1, 100, { ami_bakery_repository: 'example/other' })]],
    ['image without a repository', [prunable(1, 100, { ami_bakery_repository: undefined })]],
    ['image with a copy of another repository', [OLD, copyOf(OLD, 2, { ami_bakery_repository: 'example/other' })]],
    ['backup of an instance', [prunable(1, 100, { 'aws:backup:source-resource': 'i-1' })]],
  ])('considers no %s', (_, home) => {
    expect(judge({ home })).toEqual({})
  })

  test.each([
    ['the template', ['ami-11111111'], { ami_bakery_template: 'web.pkr.hcl' }],
    ['the name and another template', ['ami-11111111'], { ami_bakery_template: 'x', ami_bakery_image_name: 'web' }],
    ['the template and another name', [], { ami_bakery_template: 'web.pkr.hcl', ami_bakery_image_name: 'db' }],
  ])('considers these units with %s of an image of the images file: %j', (_, expected, tags) => {
    const given = { home: [prunable(1, 100, tags)], account: { definitions: [web] } }
    expect(Object.keys(judge(given))).toEqual(expected)
  })

  test('considers the units of every repository that is named', () => {
    const home = [
      OLD,
      prunable(2, 100, { ami_bakery_repository: 'example/other' }),
      prunable(3, 100, { ami_bakery_repository: '' }),
    ]
    const retention = { repositories: new Set(['example/other', undefined]) }
    expect(Object.keys(judge({ home, retention }))).toEqual(['ami-22222222', 'ami-33333333'])
  })
})

describe('the ancestors of an image', () => {
  /** An old image of another line, and the newest of that line: only a descendant keeps the old one. */
  const base = prunable(1, 300, { ami_bakery_image_name: 'base' })
  const newestBase = prunable(8, 40, { ami_bakery_image_name: 'base' })
  const childOf = (parent: Image, digit: number, days: number, tags: Record<string, string> = {}) =>
    prunable(digit, days, { ami_bakery_parent: parent.id, ...tags })

  test('that stays are kept: its parent, and the parent of that', () => {
    const mid = childOf(base, 2, 200)
    expect(judge({ home: [base, mid, childOf(mid, 3, 100), newestBase] })).toEqual({
      'ami-11111111': 'keep: the parent or base of ami-22222222, which is kept',
      'ami-22222222': 'keep: the parent or base of ami-33333333, which is kept',
      'ami-33333333': `keep: the newest published image of ${TEMPLATE}`,
      'ami-88888888': 'keep: the newest published image of base',
    })
  })

  test.each<[string, Image]>([
    ['the base by its tag', prunable(3, 100, { ami_bakery_base: base.id })],
    ['the source by EC2', { ...prunable(3, 100), sourceImage: base.id }],
    ['the parent, and prune may not delete it', childOf(base, 3, 100, { ami_bakery_template: 'other.pkr.hcl' })],
    ['the parent, and it is a backup', childOf(base, 3, 100, { 'aws:backup:source-resource': 'i-1' })],
  ])('that stays are kept: %s', (_, child) => {
    expect(judge({ home: [base, newestBase, child] })['ami-11111111']).toBe(
      'keep: the parent or base of ami-33333333, which is kept',
    )
  })

  test('are not what EC2 calls the source of a copy', () => {
    const copy = { ...prunable(3, 100, { ami_bakery_image: 'ami-00000000' }), sourceImage: base.id }
    expect(judge({ home: [base, newestBase, copy] })['ami-11111111']).toBe(UNUSED)
  })

  test('that is marked are marked too', () => {
    expect(judge({ home: [base, newestBase, NEWEST, childOf(base, 2, 200)] })).toMatchObject({
      'ami-11111111': UNUSED,
      'ami-22222222': UNUSED,
    })
  })

  test('that is in doubt are in doubt too, unless they are kept or in doubt themselves', () => {
    const child = childOf(base, 2, 200)
    const unknown = { unknown: 'no answer' }
    const given: Given = {
      home: [base, newestBase, NEWEST, child, childOf(newestBase, 3, 200), childOf(child, 4, 150)],
      references: { 'ami-22222222': unknown, 'ami-33333333': unknown, 'ami-44444444': unknown },
    }
    expect(judge(given)).toMatchObject({
      'ami-11111111': 'unknown: the parent or base of ami-22222222, which is kept',
      'ami-22222222': 'unknown: no answer',
      'ami-33333333': 'unknown: no answer',
      'ami-44444444': 'unknown: no answer',
      'ami-88888888': 'keep: the newest published image of base',
    })
  })

  test('that is kept are kept although they are in doubt themselves, and so are those of a copy of theirs', () => {
    const older = prunable(7, 310, { ami_bakery_image_name: 'base' })
    const copy = { ...copyOf(base, 2, { ami_bakery_parent: older.id }), sourceImage: base.id }
    const given: Given = {
      home: [older, base, newestBase, childOf(base, 3, 100)],
      away: [copy],
      references: { 'ami-11111111': { unknown: 'no answer' } },
    }
    expect(judge(given)).toMatchObject({
      'ami-11111111': 'keep: the parent or base of ami-33333333, which is kept',
      'ami-77777777': 'keep: the parent or base of ami-22222222, which is kept',
    })
  })

  test('that was marked are not due any more when they are kept', () => {
    const marked = prunable(1, 300, { ami_bakery_image_name: 'base', ami_bakery_prune: daysAgo(1) })
    const [verdict] = decideOn({ home: [marked, newestBase, childOf(marked, 3, 100)] })
    expect(verdict).toMatchObject({ result: 'keep', due: undefined })
  })
})

describe('a unit', () => {
  const OLD = prunable(1, 100)
  const candidate = prunable(1, 10, { ami_config_checksum: `candidate:${checksum(1)}` })
  const running = { known: ['arn:aws:ssm:us-east-1:1:parameter/a', 'arn:aws:ec2:us-east-1:1:instance/i-1'] }
  const runs = { 'ami-11111111': running }
  const isOutdated = (given: Given) =>
    decideOn(given).find(({ unit }) => unit.source.image.id === 'ami-11111111')?.isOutdated

  test.each<[string, Given]>([
    ['it', { home: [NEWEST, OLD], references: runs }],
    ['its copy', { home: [NEWEST, OLD], away: [copyOf(OLD, 2)], references: { 'ami-22222222': running } }],
  ])('is outdated when instances use %s although a newer one of its line is published', (_, given) => {
    expect(isOutdated(given)).toBe(true)
  })

  test.each<[string, Given]>([
    ['is the newest of its line', { home: [OLD], references: runs }],
    ['is newer than every published one of its line', { home: [NEWEST, candidate], references: runs }],
    ['is of a line without a published one', { home: [candidate], references: runs }],
    ['is used by nothing', { home: [NEWEST, OLD] }],
    ['is used by a parameter', { home: [NEWEST, OLD], references: { 'ami-11111111': { known: ['arn:aws:ssm:a'] } } }],
    ['could not be checked', { home: [NEWEST, OLD], references: { 'ami-11111111': { unknown: 'no answer' } } }],
    ['was not checked', { home: [NEWEST, OLD], account: { references: new Map() } }],
  ])('is not outdated when it %s', (_, given) => {
    expect(isOutdated(given)).toBe(false)
  })
})
