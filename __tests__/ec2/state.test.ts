import { describe, expect, test } from 'vitest'
import {
  candidateValue,
  failedValue,
  parseState,
  revokedOnceValue,
  revokedValue,
  valuesToFind,
} from '../../src/ec2/state.ts'

const C = '41522d15bdd7068bfe6832356f3de202f955e837'

describe('the value of the checksum tag', () => {
  test.each([
    [C, 'published', C],
    [candidateValue(C), 'candidate', `candidate:${C}`],
    [failedValue(C), 'failed', `failed:${C}`],
    [revokedValue(C), 'blocked', C],
    [revokedValue(candidateValue(C)), 'blocked', `candidate:${C}`],
    [revokedOnceValue(C), 'once', C],
    [revokedOnceValue(candidateValue(C)), 'once', `candidate:${C}`],
    [revokedValue(failedValue(C)), 'blocked', `failed:${C}`],
  ])('%s is the state %s, with the former value %s', (value, name, former) => {
    expect(parseState(value)).toEqual({ name, checksum: C, former })
  })

  test.each([
    [undefined],
    [''],
    ['latest'],
    [C.slice(1)],
    [`${C}0`],
    [`x${C}`],
    [C.toUpperCase()],
    [`candidate:`],
    [`candidate:candidate:${C}`],
    [`revoked:revoked:${C}`],
    [`candidate:revoked:${C}`],
    [`other:${C}`],
    [` ${C}`],
  ])('%j is no state', value => {
    expect(parseState(value)).toBeUndefined()
  })
})

test('a look-up asks for the checksum and for what blocks it, and for a candidate only if it accepts one', () => {
  const published = [C, `revoked:${C}`, `revoked:candidate:${C}`]
  expect(valuesToFind(C, 'published')).toEqual(published)
  expect(valuesToFind(C, 'published or candidate')).toEqual([...published, `candidate:${C}`])
})
