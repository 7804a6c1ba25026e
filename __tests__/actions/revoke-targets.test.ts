import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Inputs } from '../../src/actions/revoke/inputs.ts'
import { chooseTargets, type Targets, UnknownId } from '../../src/actions/revoke/targets.ts'
import type { Image } from '../../src/ec2/images.ts'
import { groupUnits } from '../../src/regions/units.ts'
import { makeDice } from '../support/definitions.ts'
import { describedImage } from '../support/described-image.ts'
import { makeActor, makeModelEc2 } from '../support/model-ec2.ts'

const ec2 = makeModelEc2(makeDice(1))
const HOME = ec2.connect(makeActor(), 'us-east-1')
const AWAY = ec2.connect(makeActor(), 'eu-west-1')

const BASE = hash('sha1', 'base')
const WEB = hash('sha1', 'web')
const APP = hash('sha1', 'app')

type Tags = Readonly<Record<string, string>>

function image(id: string, tags: Tags, more: Partial<Image> = {}): Image {
  return describedImage({
    id,
    creationDate: '2026-01-01T00:00:00.000Z',
    tags: new Map(Object.entries(tags)),
    ...more,
  })
}

const base = (tags: Tags = {}) => image('ami-base', { ami_config_checksum: BASE, ...tags })
const web = (tags: Tags = {}) => image('ami-web', { ami_config_checksum: WEB, ami_bakery_parent: 'ami-base', ...tags })
const app = (tags: Tags = {}) => image('ami-app', { ami_config_checksum: APP, ami_bakery_base: 'ami-web', ...tags })

interface Given extends Partial<Pick<Inputs, 'subject' | 'descendants'>> {
  readonly home: readonly Image[]
  readonly away?: readonly Image[]
  /** `undefined` to restore. */
  readonly reason?: string | undefined
}

function choose({ home, away = [], ...given }: Given): Targets {
  const images = [...home.map(one => ({ ec2: HOME, image: one })), ...away.map(one => ({ ec2: AWAY, image: one }))]
  const inputs = { subject: { id: 'ami-base' }, descendants: 'include', ...given } as const
  return chooseTargets(groupUnits(images), inputs, 'reason' in given ? given.reason : 'bad')
}

/** The chosen units in short: their images, role and reason, and the ids of the untagged images. */
function chosen(given: Given) {
  const { targets, untagged } = choose(given)
  return {
    targets: targets.map(({ unit, role, reason }) => [unit.images.map(({ image: { id } }) => id).join(), role, reason]),
    untagged: untagged.map(one => one.image.id),
  }
}

describe('an image that is specified by its id', () => {
  test('is chosen with its copies and what was baked from it, directly or not', () => {
    const copy = image('ami-copy', { ami_config_checksum: BASE, ami_bakery_image: 'ami-base' })
    expect(
      chosen({
        home: [app(), web(), base(), image('ami-other', { ami_config_checksum: hash('sha1', 'x') })],
        away: [copy],
      }),
    ).toEqual({
      targets: [
        ['ami-base,ami-copy', 'specified', 'bad'],
        ['ami-web', 'descendant', 'bad'],
        ['ami-app', 'descendant', 'bad'],
      ],
      untagged: [],
    })
  })

  test('is chosen alone without its descendants', () => {
    const other = image('ami-untagged', { ami_bakery_base: 'ami-base' })
    expect(chosen({ home: [base(), web(), other], descendants: 'leave' })).toEqual({
      targets: [['ami-base', 'specified', 'bad']],
      untagged: [],
    })
  })

  test('is chosen by the id of its copy too', () => {
    const copy = image('ami-copy', { ami_config_checksum: BASE, ami_bakery_image: 'ami-base' })
    expect(chosen({ home: [base()], away: [copy], subject: { id: 'ami-copy' } }).targets).toEqual([
      ['ami-base,ami-copy', 'specified', 'bad'],
    ])
  })

  test('is chosen when it is disabled', () => {
    const disabled = image('ami-base', { ami_config_checksum: BASE }, { state: 'disabled' })
    expect(chosen({ home: [disabled] }).targets).toEqual([['ami-base', 'specified', 'bad']])
  })

  test.each<[what: string, image: Image, problem: string]>([
    [
      'pending',
      image('ami-base', { ami_config_checksum: BASE }, { state: 'pending' }),
      'is pending. Wait until it is available, and run this again.',
    ],
    [
      'failed',
      image('ami-base', { ami_config_checksum: BASE }, { state: 'failed' }),
      "is failed: it can't be launched and is never used. Nothing needs to be done.",
    ],
    [
      'from a failed bake',
      base({ ami_config_checksum: `failed:${BASE}` }),
      'comes from a failed bake or copy: it is never used. Nothing needs to be done.',
    ],
    [
      'without a checksum',
      image('ami-base', {}),
      'has no tag ami_config_checksum: this action did not bake it, or did not finish it.',
    ],
    [
      'tagged by somebody else',
      base({ ami_config_checksum: 'latest\n' }),
      'has the tag ami_config_checksum=latest\\u000a, which is not a checksum of this action. Correct the tag.',
    ],
  ])('is refused when it is %s', (_, one, problem) => {
    expect(() => choose({ home: [one] })).toThrow(new Error(`ami-id: ami-base in us-east-1 ${problem}`))
  })

  test('is refused with the id of its source when a copy of it can’t be revoked', () => {
    const copy = image('ami-copy', { ami_bakery_image: 'ami-base' }, { state: 'failed' })
    expect(() => choose({ home: [base()], away: [copy], subject: { id: 'ami-copy' } })).toThrow(
      new Error(
        "ami-id: ami-copy in eu-west-1 is failed: it can't be launched and is never used. Nothing needs to be done. It is a copy of ami-base: specify that one.",
      ),
    )
  })

  test('is unknown when no image has the id', () => {
    expect(() => choose({ home: [base()], subject: { id: 'ami-none' } })).toThrow(UnknownId)
    const copyOfGone = image('ami-copy', { ami_config_checksum: BASE, ami_bakery_image: 'ami-gone' })
    expect(() => choose({ home: [], away: [copyOfGone], subject: { id: 'ami-gone' } })).toThrow(UnknownId)
  })
})

describe('images that are specified by their checksum', () => {
  const again = image('ami-again', { ami_config_checksum: `candidate:${BASE}` })
  const failed = image('ami-failed', { ami_config_checksum: `failed:${BASE}` })
  const subject = { checksum: BASE }

  test('are all of them but those of failed bakes', () => {
    expect(chosen({ home: [image('ami-untagged', {}), base(), again, failed, app()], subject }).targets).toEqual([
      ['ami-base', 'specified', 'bad'],
      ['ami-again', 'specified', 'bad'],
    ])
  })

  test.each([
    ['no image has', []],
    ['only images of failed bakes have', [failed]],
  ])('are an error when %s it', (what, home) => {
    expect(() => choose({ home: [app(), ...home], subject })).toThrow(
      new Error(
        `ami-config-checksum: ${what} the checksum ${BASE} in these regions. There is nothing to revoke. Check it, and specify ami-id for one image.`,
      ),
    )
  })
})

describe('a descendant', () => {
  test('is not chosen when it comes from a failed bake', () => {
    expect(chosen({ home: [base(), web({ ami_config_checksum: `failed:${WEB}` })] })).toEqual({
      targets: [['ami-base', 'specified', 'bad']],
      untagged: [],
    })
  })

  test('without a checksum is named, with its copies, and its own descendants are chosen', () => {
    const own = image('ami-web', { ami_bakery_base: 'ami-base' })
    const copy = image('ami-copy', { ami_bakery_image: 'ami-web' })
    expect(chosen({ home: [base(), own, app()], away: [copy] })).toEqual({
      targets: [
        ['ami-base', 'specified', 'bad'],
        ['ami-app', 'descendant', 'bad'],
      ],
      untagged: ['ami-web', 'ami-copy'],
    })
  })

  test('of two specified images is chosen once', () => {
    const again = image('ami-again', { ami_config_checksum: BASE })
    const child = web({ ami_bakery_base: 'ami-again' })
    expect(chosen({ home: [base(), again, child], subject: { checksum: BASE } }).targets).toEqual([
      ['ami-base', 'specified', 'bad'],
      ['ami-again', 'specified', 'bad'],
      ['ami-web', 'descendant', 'bad'],
    ])
  })

  test('that is specified too stays a specified image', () => {
    const child = image('ami-child', { ami_config_checksum: BASE, ami_bakery_base: 'ami-base' })
    expect(chosen({ home: [base(), child], subject: { checksum: BASE } }).targets).toEqual([
      ['ami-base', 'specified', 'bad'],
      ['ami-child', 'specified', 'bad'],
    ])
  })
})

describe('the reason', () => {
  test('of an image that is revoked already stays, and is that of its descendants', () => {
    const home = [base({ ami_bakery_revoked: 'old' }), web(), app({ ami_bakery_revoked: 'own' })]
    expect(chosen({ home }).targets).toEqual([
      ['ami-base', 'specified', 'old'],
      ['ami-web', 'descendant', 'old'],
      ['ami-app', 'descendant', 'own'],
    ])
  })

  test('of a copy is that of its source, and an empty one is none', () => {
    const copy = image('ami-copy', {
      ami_config_checksum: BASE,
      ami_bakery_image: 'ami-base',
      ami_bakery_revoked: 'old',
    })
    expect(chosen({ home: [base({ ami_bakery_revoked: '' })], away: [copy] }).targets).toEqual([
      ['ami-base,ami-copy', 'specified', 'old'],
    ])
  })
})

describe('a restore', () => {
  test('chooses only descendants that were revoked for the same reason', () => {
    const revoked = (reason: string) => ({ ami_bakery_revoked: reason })
    const other = image('ami-other', { ami_config_checksum: hash('sha1', 'x'), ami_bakery_base: 'ami-base' })
    const home = [base(revoked('bad')), web(revoked('bad')), app(revoked('else')), other]
    expect(chosen({ home, reason: undefined }).targets).toEqual([
      ['ami-base', 'specified', 'bad'],
      ['ami-web', 'descendant', 'bad'],
    ])
  })

  test('of an image that has no reason any more chooses no descendant', () => {
    expect(chosen({ home: [base(), web(), app({ ami_bakery_revoked: 'bad' })], reason: undefined }).targets).toEqual([
      ['ami-base', 'specified', ''],
    ])
  })
})
