import { describe, expect, test } from 'vitest'
import type { Definition } from '../../src/actions/prune/account.ts'
import { checksum, copyOf, type Given, judge, prunable, TEMPLATE } from '../support/prunable.ts'

const NEWEST = prunable(9, 40)
const OLD = prunable(1, 100)
const COPY = copyOf(OLD, 2)
const GIVEN: Given = { home: [NEWEST, OLD], away: [COPY] }
const UNUSED = 'mark: nothing uses it'

/** The result of the old unit, which no rule keeps. */
function judgeOld(given: Partial<Given>): string | undefined {
  return judge({ ...GIVEN, ...given })['ami-11111111']
}

describe('a unit that no rule keeps', () => {
  test('is in doubt while a region is not known, because a copy may be there', () => {
    expect(judgeOld({ account: { unreadRegions: new Map([['ap-south-1', 'The request timed out.']]) } })).toBe(
      'unknown: the images of ap-south-1 are not known, and a copy may be there: The request timed out.',
    )
  })

  test.each<[string, Partial<Given>, string]>([
    ['references', { references: { 'ami-11111111': { unknown: 'no answer' } } }, 'unknown: no answer'],
    ['references of its copy', { references: { 'ami-22222222': { unknown: 'no answer' } } }, 'unknown: no answer'],
    ['references, which were not asked for', { account: { references: new Map() } }, 'unknown: it was not checked'],
    ['sharing', { sharing: { 'ami-11111111': { unknown: 'denied' } } }, 'unknown: denied'],
    ['sharing of its copy', { sharing: { 'ami-22222222': { unknown: 'denied' } } }, 'unknown: denied'],
    ['sharing, which was not asked for', { account: { sharing: new Map() } }, 'unknown: it was not checked'],
  ])('is in doubt when a check of this has failed: %s', (_, given, expected) => {
    expect(judgeOld(given)).toBe(expected)
  })

  test.each<[string, string, Partial<Given>]>([
    ['it is shared', 'unknown: no reports', { reports: { 'ami-11111111': { unknown: 'no reports' } } }],
    ['it is shared and they were not asked for', 'unknown: it was not checked', { account: { reports: new Map() } }],
    ['it is not shared', UNUSED, { sharing: {}, account: { reports: new Map() } }],
  ])('and whose usage reports are not known has this result when %s: %s', (_, expected, given) => {
    const sharing = { 'ami-11111111': { known: ['111122223333'] } }
    expect(judgeOld({ sharing, retention: { shared: 'usage' }, ...given })).toBe(expected)
  })

  test('is not in doubt because of what is asked for later', () => {
    const nothing = { references: new Map(), sharing: new Map(), reports: new Map() }
    expect(judgeOld({ account: { ...nothing, collected: 'descriptions' } })).toBe(UNUSED)
    expect(judgeOld({ account: { sharing: new Map(), collected: 'references' } })).toBe(UNUSED)
    expect(judgeOld({ account: { ...nothing, collected: 'references' } })).toBe('unknown: it was not checked')
  })
})

describe('a definition of the images file whose checksum can not be computed', () => {
  const unclear = (imageName: string, template: string): Definition => ({
    imageName,
    template,
    checksums: { unknown: `${imageName}: a file can't be read` },
  })

  /** The result of the old unit when it has the name "web" in the images file. */
  const judgeWeb = (definition: Definition) => {
    const home = [9, 1].map(digit => prunable(digit, 100, { ami_bakery_image_name: 'web' }))
    return judgeOld({ home, away: [], account: { definitions: [definition] } })
  }

  test('puts a unit of its name in doubt', () => {
    expect(judgeWeb(unclear('web', 'new.pkr.hcl'))).toBe("unknown: web: a file can't be read")
  })

  test('puts a unit of its template in doubt, because its name may be new', () => {
    expect(judgeWeb(unclear('db', TEMPLATE))).toBe("unknown: db: a file can't be read")
  })

  test('puts no unit of another line in doubt', () => {
    expect(judgeWeb(unclear('db', 'db.pkr.hcl'))).toBe(UNUSED)
  })
})

test('a definition of the images file with another checksum puts no unit in doubt', () => {
  const definition = { imageName: 'app', template: TEMPLATE, checksums: { known: [checksum(5)] } }
  expect(judgeOld({ account: { definitions: [definition] } })).toBe(UNUSED)
})

test('a unit that a rule keeps is kept whatever is not known about it', () => {
  const unknown = { unknown: 'no answer' }
  expect(
    judge({
      ...GIVEN,
      references: { 'ami-99999999': unknown, 'ami-11111111': unknown, 'ami-22222222': { known: ['arn:a'] } },
      account: { unreadRegions: new Map([['ap-south-1', 'no answer']]) },
    }),
  ).toEqual({
    'ami-99999999': `keep: the newest published image of ${TEMPLATE}`,
    'ami-11111111': 'keep: ami-22222222 is used by arn:a',
  })
})
