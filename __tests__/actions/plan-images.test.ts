import { describe, expect, test } from 'vitest'
import type { DefinedImage } from '../../src/actions/image-checksum.ts'
import { listRows, type PlanEntry, planImages } from '../../src/actions/plan/plan-images.ts'
import type { ImageSettings } from '../../src/definition/settings.ts'
import type { Image } from '../../src/ec2/images.ts'
import { groupByChecksum } from '../../src/ec2/look-up.ts'
import { DAY } from '../../src/runner/wait.ts'
import { definedImage } from '../support/defined-image.ts'
import { describedImage } from '../support/described-image.ts'
import { CHECKSUM } from '../support/tags.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const daysAgo = (days: number) => new Date(NOW - days * DAY)

type Tags = Readonly<Record<string, string>>

/** An image with the checksum that is ten days old. */
function ami(id: string, tags: Tags = {}, more: Partial<Image> = {}): Image {
  return describedImage({
    id,
    creationDate: daysAgo(10).toISOString(),
    tags: new Map(Object.entries({ ami_config_checksum: CHECKSUM, ...tags })),
    ...more,
  })
}

/** Plans one image with these settings, in an account that has these images by region. */
function plan(settings: Partial<ImageSettings>, account: Readonly<Record<string, readonly Image[]>>) {
  const image = definedImage({ name: 'web', checksum: CHECKSUM, settings })
  const regions = new Map(Object.entries(account).map(([region, images]) => [region, groupByChecksum(images)]))
  return planImages([image], regions, NOW).map(({ image: _, ...entry }) => entry)[0]
}

const HOME = 'us-east-1'
const FIX = { severity: 'CRITICAL', scannedAt: undefined }

describe('the plan of an image', () => {
  test.each<[what: string, settings: Partial<ImageSettings>, images: readonly Image[], expected: object]>([
    ['no image', {}, [], { result: 'miss', reason: 'No image in us-east-1 has this checksum.' }],
    [
      'two images that are too old',
      { maxAgeDays: 9 },
      [ami('ami-00000001'), ami('ami-00000002', {}, { creationDate: daysAgo(11).toISOString() })],
      { result: 'miss', reason: 'ami-00000001 is 10 days old: it is skipped.' },
    ],
    [
      'a revoked image',
      {},
      [ami('ami-00000001', { ami_config_checksum: `revoked:${CHECKSUM}`, ami_bakery_revoked: 'boots badly' })],
      { result: 'revoked', reason: 'The definition is revoked: ami-00000001 (boots badly).' },
    ],
    [
      'a candidate',
      { candidate: true },
      [ami('ami-00000001', { ami_config_checksum: `candidate:${CHECKSUM}` })],
      {
        result: 'candidate',
        id: 'ami-00000001',
        reason: 'The image has this checksum, but is not published yet.',
      },
    ],
    [
      'a published image',
      {},
      [ami('ami-00000001')],
      { result: 'hit', id: 'ami-00000001', reason: 'The image has this checksum.' },
    ],
    [
      'a published image that was scanned',
      {},
      [ami('ami-00000001', {}, { scan: { ...FIX, fixes: new Map() } })],
      {
        result: 'hit',
        id: 'ami-00000001',
        reason: 'The image has this checksum. Amazon Inspector: highest severity CRITICAL.',
      },
    ],
    [
      'a published image that should have been scanned',
      { criticalFixDays: 7 },
      [ami('ami-00000001')],
      {
        result: 'hit',
        id: 'ami-00000001',
        reason: 'The image has this checksum. Amazon Inspector has not scanned the image.',
      },
    ],
    [
      'a published image whose fix is of tomorrow',
      { criticalFixDays: 7 },
      [ami('ami-00000001', {}, { scan: { ...FIX, fixes: new Map([['critical', daysAgo(-1)]]) } })],
      {
        result: 'hit',
        id: 'ami-00000001',
        reason:
          'The image has this checksum. Amazon Inspector: highest severity CRITICAL. Fixes available: critical since ' +
          '2026-06-02T12:00:00.000Z.',
        warning:
          'ami-00000001: Amazon Inspector gives a time in the future (2026-06-02T12:00:00.000Z) for a critical fix. It is ignored.',
      },
    ],
  ])('says for %s with the settings %j what a bake would do, and why', (_, settings, images, expected) => {
    expect(plan(settings, { [HOME]: images })).toEqual(expected)
  })

  test('is a miss in a region that was not described', () => {
    expect(plan({}, {})).toEqual({ result: 'miss', reason: 'No image in us-east-1 has this checksum.' })
  })
})

describe('the plan of a published image with regions', () => {
  const regions = ['eu-west-1', 'ap-south-1', 'sa-east-1'].map(name => ({ name, kmsKey: undefined }))
  const source = 'ami-00000001'
  const copy = (tags: Tags = {}) => ami('ami-0000000c', { ami_bakery_image: source, ...tags })
  const account = { [HOME]: [ami(source)], 'eu-west-1': [copy()], 'ap-south-1': [copy()], 'sa-east-1': [copy()] }

  test('is a hit when each of them has a copy', () => {
    expect(plan({ regions }, account)).toEqual({ result: 'hit', id: source, reason: 'The image has this checksum.' })
  })

  test.each<[what: string, images: readonly Image[]]>([
    ['no image', []],
    ['a copy that is not published yet', [copy({ ami_config_checksum: `candidate:${CHECKSUM}` })]],
    ['a copy of another image', [copy({ ami_bakery_image: 'ami-00000002' })]],
    ['a revoked copy', [copy({ ami_bakery_revoked: 'boots badly' })]],
    ['a backup', [copy({ 'aws:backup:source-resource': '' })]],
  ])('names the regions that lack a copy, such as one with %s', (_, images) => {
    const expected = { result: 'copy', id: source, reason: 'Not available in eu-west-1, sa-east-1.' }
    expect(plan({ regions }, { ...account, 'eu-west-1': images, 'sa-east-1': images })).toEqual(expected)
  })

  test('is a copy for a region that was not described', () => {
    expect(plan({ regions }, { [HOME]: [ami(source)], 'ap-south-1': [copy()] })).toMatchObject({ result: 'copy' })
  })

  test('is a hit without copies for a candidate, which publish copies', () => {
    expect(plan({ regions, candidate: true }, { [HOME]: [ami(source)] })).toMatchObject({ result: 'hit', id: source })
  })
})

describe('the rows of a plan', () => {
  const sums = { base: 'b', web: 'c', app: 'd' }
  const define = (name: keyof typeof sums, parent?: DefinedImage, settings: Partial<ImageSettings> = {}) =>
    definedImage({ name, checksum: sums[name].repeat(40), parent, settings })
  const base = define('base')
  const web = define('web', base)
  const app = define('app', web)
  const entry = (image: DefinedImage, result: PlanEntry['result'] = 'miss'): PlanEntry => {
    return { image, result, id: undefined, reason: '' }
  }

  const namesOf = (entries: readonly PlanEntry[]) =>
    listRows(entries).layers.map(layer => layer.map(({ image }) => image))

  test('have the name and the checksum, and are listed by layers and in one list', () => {
    const [one, other] = [base, web].map(({ settings, checksum }) => {
      return { image: settings.name, ami_config_checksum: checksum.value }
    })
    expect(listRows([base, web].map(image => entry(image)))).toEqual({ matrix: [one, other], layers: [[one], [other]] })
  })

  test('have the template in place of a name when there is no images file', () => {
    const image = define('web', undefined, { name: undefined })
    expect(listRows([entry(image)]).matrix).toEqual([{ image: 't.pkr.hcl', ami_config_checksum: sums.web.repeat(40) }])
  })

  test('are those of a miss and of a copy alone', () => {
    const others = (['hit', 'candidate', 'revoked'] as const).map(result => entry(base, result))
    expect(namesOf([...others, entry(web, 'miss'), entry(app, 'copy')])).toEqual([['web'], ['app']])
  })

  test('stand in the order of the layers, whatever the order of the images file', () => {
    expect(namesOf([app, web, base].map(image => entry(image)))).toEqual([['base'], ['web'], ['app']])
    expect(listRows([app, web, base].map(image => entry(image))).matrix.map(({ image }) => image)).toEqual([
      'base',
      'web',
      'app',
    ])
  })

  test('leave no layer empty when an image between two others is a hit', () => {
    expect(namesOf([entry(base), entry(web, 'hit'), entry(app)])).toEqual([['base'], ['app']])
  })

  test('are all in one layer when they have no ancestor that is a row', () => {
    expect(namesOf([entry(base, 'hit'), entry(web), entry(define('app'))])).toEqual([['web', 'app']])
  })

  test('are one row for images that are equal in all but the name', () => {
    const second = { ...web, settings: { ...web.settings, name: 'web-2' } }
    const child = define('app', second)
    expect(namesOf([web, second, child].map(image => entry(image)))).toEqual([['web'], ['app']])
  })

  test('are two rows for images of one checksum with different settings', () => {
    const regions = [{ name: 'eu-west-1', kmsKey: undefined }]
    const second = { ...web, settings: { ...web.settings, name: 'web-2', regions } }
    expect(namesOf([entry(web), entry(second)])).toEqual([['web', 'web-2']])
  })
})
