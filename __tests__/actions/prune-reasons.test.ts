import { describe, expect, test } from 'vitest'
import type { Definition } from '../../src/actions/prune/account.ts'
import { checksum, copyOf, daysAgo, type Given, judge, prunable, TEMPLATE } from '../support/prunable.ts'

const NEWEST = prunable(9, 40)
const OLD = prunable(1, 100)
const COPY = copyOf(OLD, 2)
const UNUSED = 'mark: nothing uses it'

/** The result of a unit that is not the newest of its line. */
function judgeOld(given: Partial<Given> = {}): string | undefined {
  return judge({ home: [NEWEST, OLD], away: [COPY], ...given })['ami-11111111']
}

describe('a published unit', () => {
  test.each<[string, Partial<Given>, string]>([
    ['its id is in keep', { retention: { keep: new Set(['ami-0', 'ami-11111111']) } }, 'keep lists ami-11111111'],
    ["its copy's id is in keep", { retention: { keep: new Set(['ami-22222222']) } }, 'keep lists ami-22222222'],
    ['its checksum is in keep', { retention: { keep: new Set([checksum(1)]) } }, `keep lists ${checksum(1)}`],
    [
      'it is protected from deregistration',
      { home: [NEWEST, { ...OLD, isProtected: true }] },
      'ami-11111111 is protected from deregistration',
    ],
    [
      'its copy is protected from deregistration',
      { away: [{ ...COPY, isProtected: true }] },
      'ami-22222222 is protected from deregistration',
    ],
    [
      'its copy has a checksum that prune does not know',
      { away: [copyOf(OLD, 2, { ami_config_checksum: 'latest' })] },
      'ami-22222222 has no state that prune knows',
    ],
    [
      'it was baked less than keep-days ago by its tag',
      { home: [prunable(9, 1), prunable(1, 100, { ami_bakery_baked_at: daysAgo(29) })], away: [] },
      'baked less than 30 days ago',
    ],
    [
      'its copy was baked less than keep-days ago',
      { away: [copyOf(OLD, 2, { ami_bakery_baked_at: daysAgo(29) })] },
      'baked less than 30 days ago',
    ],
  ])('is kept because %s', (_, given, reason) => {
    expect(judgeOld(given)).toBe(`keep: ${reason}`)
  })

  test.each([
    ['2026-05-31T00:00:00.000Z', 'keep: ami-22222222 was launched on 2026-05-31T00:00:00.000Z'],
    [daysAgo(89.9), `keep: ami-22222222 was launched on ${daysAgo(89.9)}`],
    [daysAgo(90), UNUSED],
    ['soon', 'keep: ami-22222222 was launched on soon'],
    [undefined, UNUSED],
  ])('whose copy was launched on %s has this result with keep-launched-days 90: %s', (lastLaunchedTime, expected) => {
    expect(judgeOld({ away: [{ ...COPY, lastLaunchedTime }] })).toBe(expected)
  })

  test.each([
    [['arn:a'], 'keep: ami-11111111 is used by arn:a'],
    [['arn:a', 'arn:b'], 'keep: ami-11111111 is used by arn:a and 1 more'],
    [['arn:a', 'arn:b', 'arn:c'], 'keep: ami-11111111 is used by arn:a and 2 more'],
    [[], UNUSED],
  ])('that is used by %j has this result: %s', (arns, expected) => {
    expect(judgeOld({ references: { 'ami-11111111': { known: arns } } })).toBe(expected)
  })

  test.each([
    [['111122223333'], 'keep: ami-11111111 is shared with 111122223333'],
    [['111122223333', 'all'], 'keep: ami-11111111 is shared with 111122223333 and 1 more'],
    [['all', 'b', 'c'], 'keep: ami-11111111 is shared with all and 2 more'],
    [[], UNUSED],
  ])('that is shared with %j while shared is keep has this result: %s', (accounts, expected) => {
    expect(judgeOld({ sharing: { 'ami-11111111': { known: accounts } } })).toBe(expected)
  })
})

describe('a shared unit while shared is usage', () => {
  const report = (state: string, users: readonly string[] = []) => ({
    id: 'report-1',
    image: 'ami-11111111',
    requestedAt: Date.parse('2026-05-20T10:00:00Z'),
    state,
    users,
  })
  const marked = (due: string) => [NEWEST, prunable(1, 100, { ami_bakery_prune: due })]
  const candidate = [NEWEST, prunable(1, 100, { ami_config_checksum: `candidate:${checksum(1)}` })]
  const [due, pending] = [daysAgo(1), daysAgo(-1)]
  const deleted = `delete: due since ${due}, and nothing uses it`
  const used = 'keep: account 111122223333 uses ami-11111111, by the report of 2026-05-20'
  const unfinished = 'keep: ami-11111111 is shared, and there is no finished report on its use by other accounts'

  test.each<[string, string, Given['home'], ReturnType<typeof report>[]]>([
    ['is not marked, without a report', UNUSED, [NEWEST, OLD], []],
    ['is not marked, with users', used, [NEWEST, OLD], [report('available', ['111122223333', '444455556666'])]],
    ['is marked and not due, without a report', `wait: marked, due on ${pending}`, marked(pending), []],
    ['is marked and not due, with a user', used, marked(pending), [report('available', ['111122223333'])]],
    ['is due, without a report', unfinished, marked(due), []],
    ['is due at this moment, without a report', unfinished, marked(daysAgo(0)), []],
    ['is due, with a report that is not finished', unfinished, marked(due), [report('available'), report('pending')]],
    ['is due, with a user', used, marked(due), [report('available', ['111122223333'])]],
    ['is due, without a user', deleted, marked(due), [report('available')]],
    [
      'is due, with a user in a former report only',
      deleted,
      marked(due),
      [report('available', ['111122223333']), report('available')],
    ],
    ['is a candidate, without a report', unfinished, candidate, []],
    ['is a candidate, without a user', 'delete: a candidate, older than grace-days', candidate, [report('available')]],
  ])('that %s, has this result: %s', (_, expected, home, reports) => {
    const sharing = { 'ami-11111111': { known: ['111122223333'] } }
    const given = { home, sharing, reports: { 'ami-11111111': { known: reports } } }
    expect(judge({ ...given, retention: { shared: 'usage' } })['ami-11111111']).toBe(expected)
  })

  test('is kept by the use of any of its shared images', () => {
    const sharing = { 'ami-11111111': { known: ['all'] }, 'ami-22222222': { known: ['all'] } }
    const reports = {
      'ami-11111111': { known: [report('available', ['111122223333'])] },
      'ami-22222222': { known: [report('available')] },
    }
    expect(judgeOld({ sharing, reports, retention: { shared: 'usage' } })).toBe(used)
  })
})

describe('a unit that needs no mark', () => {
  const states = {
    'a candidate': { ami_config_checksum: `candidate:${checksum(1)}` },
    'from a failed bake or copy': { ami_config_checksum: `failed:${checksum(1)}` },
    'an unfinished copy': { ami_config_checksum: undefined, ami_bakery_image: 'ami-33333333' },
  }

  test.each(Object.entries(states))('and is %s is kept until it is older than grace-days', (what, tags) => {
    const results = [13, 14, 14.01].map(days => judgeOld({ home: [NEWEST, prunable(1, days, tags)], away: [] }))
    expect(results).toEqual([
      `keep: ${what}, not older than grace-days`,
      `keep: ${what}, not older than grace-days`,
      `delete: ${what}, older than grace-days`,
    ])
  })

  test('is kept while its copy is not older than grace-days', () => {
    const source = prunable(1, 100, states['a candidate'])
    const copy = copyOf(source, 2, { ami_bakery_baked_at: daysAgo(1) })
    expect(judgeOld({ home: [NEWEST, source], away: [copy] })).toBe('keep: a candidate, not older than grace-days')
  })
})

test('a candidate with a published copy is marked before it is deleted', () => {
  const candidate = prunable(1, 100, { ami_config_checksum: `candidate:${checksum(1)}` })
  const copy = copyOf(candidate, 2, { ami_config_checksum: checksum(1) })
  expect(judgeOld({ home: [NEWEST, candidate], away: [copy] })).toBe(UNUSED)
})

test.each(['latest', '', undefined])('an image with the checksum tag %j is kept', tag => {
  const home = [NEWEST, prunable(1, 100, { ami_config_checksum: tag })]
  expect(judgeOld({ home, away: [] })).toBe('keep: ami-11111111 has no state that prune knows')
})

describe('with an images file', () => {
  const defines = (...digits: readonly number[]): Definition[] => [
    { imageName: 'db', template: 'db.pkr.hcl', checksums: { unknown: "a file can't be read" } },
    { imageName: 'web', template: 'web.pkr.hcl', checksums: { known: digits.map(checksum) } },
  ]
  const block = 'keep: it is the last image that blocks a revoked definition of the images file'
  const revoked = (digit: number, days: number, tags: Record<string, string> = {}) =>
    prunable(digit, days, { ami_config_checksum: `revoked:${checksum(7)}`, ...tags })

  test.each([
    ['', 'keep: it has the checksum of web in the images file'],
    ['candidate:', 'keep: it has the checksum of web in the images file'],
    ['failed:', 'delete: from a failed bake or copy, older than grace-days'],
    ['revoked-once:', UNUSED],
    ['revoked:', block],
  ])('an image with the checksum tag "%s" and the checksum of a definition has this result: %s', (prefix, expected) => {
    const home = [NEWEST, prunable(1, 100, { ami_config_checksum: prefix + checksum(1) })]
    expect(judgeOld({ home, away: [], account: { definitions: defines(5, 1) } })).toBe(expected)
  })

  test('an image with another checksum is not kept', () => {
    expect(judgeOld({ account: { definitions: defines(5, 6) } })).toBe(UNUSED)
  })

  test('only the newest image that blocks a definition is kept', () => {
    expect(
      judge({ home: [revoked(2, 90), revoked(3, 80), revoked(1, 100)], account: { definitions: defines(7) } }),
    ).toEqual({ 'ami-22222222': UNUSED, 'ami-33333333': block, 'ami-11111111': UNUSED })
  })

  test('a block is kept for each line and each definition', () => {
    const other = revoked(3, 80, { ami_config_checksum: `revoked:candidate:${checksum(8)}` })
    const home = [revoked(1, 100), { ...revoked(2, 90), architecture: 'arm64' }, other]
    expect(judge({ home, account: { definitions: defines(7, 8) } })).toEqual({
      'ami-11111111': block,
      'ami-22222222': block,
      'ami-33333333': block,
    })
  })

  test('a block of a definition that the file no longer has is not kept', () => {
    expect(judge({ home: [revoked(1, 100)], account: { definitions: defines(5) } })).toEqual({ 'ami-11111111': UNUSED })
  })
})

test('the place among the newest of a line takes no revoked, failed or unpublished image', () => {
  const home = [
    prunable(8, 35, { ami_config_checksum: `revoked:${checksum(8)}` }),
    prunable(7, 34, { ami_config_checksum: `failed:${checksum(7)}` }),
    prunable(6, 33, { ami_config_checksum: `candidate:${checksum(6)}` }),
    prunable(5, 32, { ami_bakery_revoked: 'boots badly' }),
    { ...prunable(4, 31), state: 'disabled' },
    prunable(3, 90),
    NEWEST,
    OLD,
  ]
  expect(judge({ home, retention: { keepLast: 2 } })).toEqual({
    'ami-99999999': `keep: the newest published image of ${TEMPLATE}`,
    'ami-33333333': `keep: number 2 of the newest of ${TEMPLATE}`,
    'ami-88888888': UNUSED,
    'ami-77777777': 'delete: from a failed bake or copy, older than grace-days',
    'ami-66666666': 'delete: a candidate, older than grace-days',
    'ami-55555555': UNUSED,
    'ami-44444444': UNUSED,
    'ami-11111111': UNUSED,
  })
})

test('a line without a published image has no newest one that is kept', () => {
  const home = [prunable(1, 100, { ami_config_checksum: `candidate:${checksum(1)}` })]
  expect(judge({ home, retention: { keepLast: 2 } })).toEqual({
    'ami-11111111': 'delete: a candidate, older than grace-days',
  })
})
