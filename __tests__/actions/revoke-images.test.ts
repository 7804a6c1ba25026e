import { hash } from 'node:crypto'
import type { Image as Ec2Image } from '@aws-sdk/client-ec2'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../src/actions/each-image.ts'
import { isMarked, restoreImages } from '../../src/actions/revoke/restore-images.ts'
import {
  confirmHidden,
  deprecate,
  hide,
  type ImageToRevoke,
  object,
  prepareRevocation,
} from '../../src/actions/revoke/revoke-images.ts'
import type { Target } from '../../src/actions/revoke/targets.ts'
import { describeImages, type RegionalImage } from '../../src/ec2/images.ts'
import type { Unit } from '../../src/regions/units.ts'
import { captureLog } from '../support/capture-log.ts'
import { makeDice } from '../support/definitions.ts'
import { type Actor, type ModelEc2, makeActor, makeModelEc2, type Request, refusal } from '../support/model-ec2.ts'

/** Waits are short in this file. The scale is used only with an endpoint on this machine. */
vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.05'
  process.env.AWS_ENDPOINT_URL_EC2 = 'http://127.0.0.1:9'
})

const HOME = 'us-east-1'
const AWAY = 'eu-west-1'
const WEB = hash('sha1', 'web')
const MINUTE = 60 * 1000
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString()

type Tags = Readonly<Record<string, string>>

let ec2: ModelEc2
let requests: Request[]
const log = captureLog()
beforeEach(() => {
  ec2 = makeModelEc2(makeDice(1))
  requests = []
})

/** A run whose requests are listed. `answer` may answer in place of EC2. */
function makeRun(answer?: Actor['answer']): Actor {
  return makeActor({
    answer: request => {
      if (request.name !== 'DescribeImagesCommand') requests.push(request)
      return answer?.(request)
    },
  })
}

/** Creates an image and describes it as a run finds it. */
async function addImage(
  tags: Tags,
  more: Partial<Ec2Image> = {},
  run = makeRun(),
  region = HOME,
): Promise<RegionalImage> {
  const id = ec2.add(region, tags, more)
  const here = ec2.connect(run, region)
  const [image] = await describeImages(here, {
    Owners: ['self'],
    Filters: [{ Name: 'image-id', Values: [id] }],
    IncludeDisabled: true,
  })
  if (!image) throw new Error(`The model lacks ${id}.`)
  return { ec2: here, image }
}

function targetOf(images: readonly RegionalImage[], more: Partial<Target> = {}): Target {
  const unit: Unit = { id: images[0]?.image.id ?? '', images }
  return { unit, role: 'specified', reason: 'bad', ...more }
}

const tagsOf = ({ image }: RegionalImage) => Object.fromEntries(ec2.images.get(image.id)?.tags ?? [])
const messagesOf = ({ failures }: { readonly failures: readonly Failure[] }) => failures.map(({ message }) => message)

describe('what a revocation changes', () => {
  /** The tags that are set, and whether the image is deprecated. */
  async function plan(tags: Tags, more: Partial<Ec2Image> = {}, as: 'blocked' | 'once' = 'blocked') {
    const [one] = prepareRevocation(targetOf([await addImage(tags, more)]), as, 'run 1')
    return one && { ...Object.fromEntries([...one.objection, ...one.hidden]), deprecated: one.isToBeDeprecated }
  }

  const objection = { ami_bakery_revoked: 'bad', ami_bakery_revoked_by: 'run 1' }
  const never = { ami_bakery_deprecation_before: 'none', deprecated: true }

  test.each<[what: string, value: string, as: 'blocked' | 'once', revoked: string]>([
    ['a published image', WEB, 'blocked', `revoked:${WEB}`],
    ['a published image that may be baked again', WEB, 'once', `revoked-once:${WEB}`],
    ['a candidate', `candidate:${WEB}`, 'blocked', `revoked:candidate:${WEB}`],
    ['a candidate that may be baked again', `candidate:${WEB}`, 'once', `revoked-once:candidate:${WEB}`],
    ['an image whose objection was removed by hand', `revoked:${WEB}`, 'once', `revoked-once:${WEB}`],
    ['an image whose objection was removed by hand, for good', `revoked-once:${WEB}`, 'blocked', `revoked:${WEB}`],
  ])('of %s are the objection, the value of the checksum tag and the deprecation', async (_, value, as, revoked) => {
    expect(await plan({ ami_config_checksum: value }, {}, as)).toEqual({
      ...objection,
      ami_config_checksum: revoked,
      ...never,
    })
  })

  test('of an image without a checksum are the objection and the deprecation', async () => {
    expect(await plan({})).toEqual({ ...objection, ...never })
  })

  test('of an image that is revoked already for this reason is nothing but the other value', async () => {
    const done = { ...objection, ami_bakery_deprecation_before: 'none' }
    const soon = { DeprecationTime: inMinutes(1) }
    expect(await plan({ ...done, ami_config_checksum: `revoked:${WEB}` }, soon)).toEqual({ deprecated: false })
    expect(await plan({ ...done, ami_config_checksum: `revoked:${WEB}` }, soon, 'once')).toEqual({
      ami_config_checksum: `revoked-once:${WEB}`,
      deprecated: false,
    })
  })

  test.each([
    ['revoked:', 'once'],
    ['revoked-once:', 'blocked'],
  ] as const)(
    'of an image that is revoked for another reason is nothing: it keeps the value %s',
    async (prefix, as) => {
      const tags = { ami_bakery_revoked: 'worse', ami_bakery_deprecation_before: 'none' }
      const soon = { DeprecationTime: inMinutes(-9) }
      const image = await addImage({ ...tags, ami_config_checksum: `${prefix}${WEB}` }, soon)
      const [one] = prepareRevocation(targetOf([image]), as, 'run 1')
      expect(one).toMatchObject({ reason: 'worse', objection: new Map(), hidden: new Map(), isToBeDeprecated: false })
    },
  )

  test('of an image with the objection alone is the rest, as the former run would have done it', async () => {
    expect(await plan({ ami_bakery_revoked: 'worse', ami_config_checksum: WEB }, {}, 'once')).toEqual({
      ami_config_checksum: `revoked:${WEB}`,
      ...never,
    })
  })

  test('keeps the former deprecation time, unless one is kept already', async () => {
    const time = inMinutes(60)
    const before = { ami_config_checksum: WEB }
    expect(await plan(before, { DeprecationTime: time })).toMatchObject({ ami_bakery_deprecation_before: time })
    const kept = await plan({ ...before, ami_bakery_deprecation_before: 'none' }, { DeprecationTime: time })
    expect(kept).toEqual({ ...objection, ami_config_checksum: `revoked:${WEB}`, deprecated: true })
  })

  test.each([
    ['within three minutes', 2.9, false],
    ['later', 3.1, true],
  ])('is a deprecation time when the image is to be deprecated %s', async (_, minutes, isChanged) => {
    const result = await plan({ ami_config_checksum: WEB }, { DeprecationTime: inMinutes(minutes) })
    expect(result?.deprecated).toBe(isChanged)
  })

  test('of a disabled image is no deprecation', async () => {
    expect(await plan({ ami_config_checksum: WEB }, { State: 'disabled' })).toEqual({
      ...objection,
      ami_config_checksum: `revoked:${WEB}`,
      deprecated: false,
    })
  })

  test('leaves out copies of failed bakes and images that can’t be used any more', async () => {
    const [used, pending, moving, failed, invalid] = [
      await addImage({ ami_config_checksum: WEB }),
      await addImage({ ami_config_checksum: WEB }, { State: 'pending' }),
      await addImage({ ami_config_checksum: WEB }, { State: 'transient' }),
      await addImage({ ami_config_checksum: `failed:${WEB}` }),
      await addImage({ ami_config_checksum: WEB }, { State: 'invalid' }),
    ]
    const prepared = prepareRevocation(targetOf([used, pending, moving, failed, invalid]), 'blocked', 'run 1')
    expect(prepared.map(({ image: { id }, isToBeDeprecated }) => [id, isToBeDeprecated])).toEqual([
      [used.image.id, true],
      [pending.image.id, false],
      [moving.image.id, false],
    ])
  })
})

/** The images of one published unit, ready to be revoked. */
async function prepare(
  images: readonly RegionalImage[],
  as: 'blocked' | 'once' = 'blocked',
): Promise<readonly ImageToRevoke[]> {
  return prepareRevocation(targetOf(images), as, 'run 1')
}

describe('a revocation', () => {
  test('sets the objection first, then hides the image, then deprecates it two minutes later', async () => {
    const images = await prepare([await addImage({ ami_config_checksum: WEB })])
    const before = Date.now()
    expect((await object(images)).done).toEqual(images)
    expect(images.map(tagsOf)).toEqual([
      { ami_config_checksum: WEB, ami_bakery_revoked: 'bad', ami_bakery_revoked_by: 'run 1' },
    ])
    expect((await hide(images)).done).toEqual(images)
    expect(images.map(tagsOf)).toMatchObject([
      { ami_config_checksum: `revoked:${WEB}`, ami_bakery_deprecation_before: 'none' },
    ])
    expect((await deprecate(images)).done).toEqual(images)
    const [image] = ec2.images.values()
    const time = Date.parse(image?.deprecationTime ?? '') - before
    expect(time).toBeGreaterThanOrEqual(2 * MINUTE)
    expect(time).toBeLessThan(3 * MINUTE)
  })

  test('of an image that is revoked already sends no request', async () => {
    const tags = { ami_bakery_revoked: 'bad', ami_bakery_revoked_by: 'x', ami_bakery_deprecation_before: 'none' }
    const deprecated = { DeprecationTime: inMinutes(-1) }
    const images = await prepare([await addImage({ ...tags, ami_config_checksum: `revoked:${WEB}` }, deprecated)])
    for (const step of [object, hide, deprecate]) expect(await step(images)).toEqual({ done: images, failures: [] })
    expect(requests).toEqual([])
  })

  test('of an image without room for a further tag hides it at least, and says that it is not finished', async () => {
    const run = makeRun(({ name, input }) => {
      const tags = name === 'CreateTagsCommand' && 'Tags' in input ? (input.Tags ?? []) : []
      if (tags.some(({ Key }) => Key === 'ami_bakery_revoked')) throw refusal('TagLimitExceeded')
      return undefined
    })
    const images = await prepare([await addImage({ ami_config_checksum: WEB }, {}, run)])
    const result = await object(images)
    expect(messagesOf(result)).toEqual([expect.stringContaining('TagLimitExceeded')])
    expect(images.map(tagsOf)).toEqual([{ ami_config_checksum: `revoked:${WEB}` }])
    const [bare] = await prepare([await addImage({}, {}, run)])
    if (!bare) throw new Error('It is not prepared.')
    requests = []
    expect(messagesOf(await object([bare]))).toEqual([expect.stringContaining('TagLimitExceeded')])
    expect(requests).toHaveLength(1)
  })

  test('that EC2 refuses for another reason leaves the image as it is', async () => {
    const run = makeRun(({ name }) => {
      if (name === 'CreateTagsCommand') throw refusal('UnauthorizedOperation')
      return undefined
    })
    const images = await prepare([await addImage({ ami_config_checksum: WEB }, {}, run)])
    expect((await object(images)).done).toEqual([])
    expect(images.map(tagsOf)).toEqual([{ ami_config_checksum: WEB }])
    expect(requests).toHaveLength(1)
  })
})

describe('the last look of a revocation', () => {
  test('asks each region for the former values of all regions, at most 190 in a request', async () => {
    const asked: [region: string, values: number][] = []
    const run = makeRun(({ region, input }) => {
      const filters = 'Filters' in input ? (input.Filters ?? []) : []
      for (const { Name, Values = [] } of filters) if (Name !== 'image-id') asked.push([region, Values.length])
      return undefined
    })
    const checksums = Array.from({ length: 191 }, (_, index) => hash('sha1', `${index}`))
    const images = await Promise.all(checksums.map(value => addImage({ ami_config_checksum: value }, {}, run)))
    const copy = await addImage({ ami_bakery_image: 'ami-1' }, {}, run, AWAY)
    const again = await addImage({ ami_config_checksum: checksums[0] ?? '' }, {}, run, AWAY)
    const prepared = await prepare([...images, copy, again])
    await hide(prepared)
    expect(await confirmHidden(prepared)).toEqual([])
    expect(asked.sort()).toEqual(
      [AWAY, HOME].flatMap(region => [
        [region, 1],
        [region, 190],
      ]),
    )
  })

  test.each([
    ['blocked', 'candidate:', `revoked:candidate:${WEB}`],
    ['blocked', '', `revoked:${WEB}`],
    ['once', '', `revoked-once:${WEB}`],
  ] as const)(
    'hides an image again (%s) that a publication has given the value "%s<checksum>" meanwhile',
    async (as, prefix, value) => {
      const images = await prepare([await addImage({ ami_config_checksum: `${prefix}${WEB}` })], as)
      await hide(images)
      for (const { image } of images) ec2.images.get(image.id)?.tags.set('ami_config_checksum', `${prefix}${WEB}`)
      expect(await confirmHidden(images)).toEqual([])
      expect(images.map(tagsOf)).toMatchObject([{ ami_config_checksum: value }])
      const [one] = images
      expect(log()).toContain(
        `${one?.image.id} in ${HOME} has the checksum ${prefix}${WEB} again: setting ami_config_checksum to ${value}.`,
      )
      expect(log()).not.toContain('still finds')
    },
  )

  test('leaves other images with the checksum alone', async () => {
    const other = await addImage({ ami_config_checksum: WEB })
    const images = await prepare([await addImage({ ami_config_checksum: WEB })])
    await hide(images)
    expect(await confirmHidden(images)).toEqual([])
    expect(tagsOf(other)).toEqual({ ami_config_checksum: WEB })
  })

  test('warns when EC2 still finds images by their former tags', async () => {
    const describeStale = (id: string) => ({
      ...{ ImageId: id, CreationDate: '2026-01-01T00:00:00.000Z', State: 'available' },
      Tags: [{ Key: 'ami_config_checksum', Value: `revoked:${WEB}` }],
    })
    let stale: string[] = []
    const run = makeRun(({ name }) =>
      name === 'DescribeImagesCommand' && stale.length > 0 ? { Images: stale.map(describeStale) } : undefined,
    )
    const tags = { ami_config_checksum: WEB }
    const images = await prepare([await addImage(tags, {}, run), await addImage(tags, {}, run)])
    await hide(images)
    requests = []
    stale = images.map(({ image }) => image.id)
    expect(await confirmHidden(images)).toEqual([])
    expect(requests).toEqual([])
    const names = stale.map(id => `${id} in ${HOME}`).join(', ')
    expect(log()).toContain(`After 30 s EC2 still finds ${names} by the former tag, although it has the new one.`)
  })

  test('is a failure for each image of a region that gives no answer', async () => {
    let isDown = false
    const run = makeRun(({ name, region }) => {
      if (isDown && name === 'DescribeImagesCommand' && region === AWAY) throw refusal('UnauthorizedOperation')
      return undefined
    })
    const images = await prepare([
      await addImage({ ami_config_checksum: WEB }, {}, run),
      await addImage({ ami_config_checksum: WEB }, {}, run, AWAY),
    ])
    await hide(images)
    isDown = true
    expect(await confirmHidden(images)).toEqual([
      {
        image: images[1],
        message: expect.stringMatching(
          /^Could not check that EC2 no longer finds it by its checksum\. ec2:DescribeImages in eu-west-1: /,
        ),
      },
    ])
  })
})

describe('a restore', () => {
  const revoked = {
    ami_config_checksum: `revoked:${WEB}`,
    ami_bakery_revoked: 'bad',
    ami_bakery_revoked_by: 'run 1',
    ami_bakery_deprecation_before: 'none',
  }
  const empty = { ami_bakery_revoked: '', ami_bakery_revoked_by: '', ami_bakery_deprecation_before: '' }

  /** The requests in short: what is set on which image. */
  const changes = () =>
    requests.map(({ name, input }) => {
      if ('Tags' in input && 'Resources' in input) {
        return `${input.Resources?.[0]} ${(input.Tags ?? []).map(({ Key, Value }) => `${Key}=${Value}`).join()}`
      }
      return `${'ImageId' in input && input.ImageId} ${name.replace('Command', '')}`
    })

  test.each([
    [`revoked:${WEB}`, WEB],
    [`revoked-once:${WEB}`, WEB],
    [`revoked:candidate:${WEB}`, `candidate:${WEB}`],
    [`candidate:${WEB}`, `candidate:${WEB}`],
    [WEB, WEB],
  ])('makes %s %s again, and removes the deprecation and the objection', async (value, former) => {
    const one = await addImage({ ...revoked, ami_config_checksum: value })
    expect(await restoreImages([targetOf([one])])).toEqual({ done: [one], failures: [] })
    expect(tagsOf(one)).toEqual({ ...empty, ami_config_checksum: former })
    const id = one.image.id
    expect(changes()).toEqual([
      ...(value === former ? [] : [`${id} ami_config_checksum=${former}`]),
      `${id} DisableImageDeprecation`,
      `${id} ami_bakery_revoked=,ami_bakery_revoked_by=,ami_bakery_deprecation_before=`,
    ])
  })

  test('gives an image its former deprecation time, unless that has passed', async () => {
    const [soon, past] = [inMinutes(60), inMinutes(-60)]
    const [later, earlier] = [
      await addImage({ ...revoked, ami_bakery_deprecation_before: soon }),
      await addImage({ ...revoked, ami_bakery_deprecation_before: past }),
    ]
    expect((await restoreImages([targetOf([later, earlier])])).failures).toEqual([])
    expect(ec2.images.get(later.image.id)?.deprecationTime).toBe(soon)
    expect(changes().filter(change => /Deprecation$/.test(change))).toEqual([
      `${later.image.id} EnableImageDeprecation`,
    ])
    expect([later, earlier].map(tagsOf)).toEqual([
      { ...empty, ami_config_checksum: WEB },
      { ...empty, ami_config_checksum: WEB },
    ])
  })

  test('changes nothing about an image without a mark of a revocation', async () => {
    const one = await addImage({ ami_config_checksum: WEB, ...empty })
    expect(await restoreImages([targetOf([one])])).toEqual({ done: [one], failures: [] })
    expect(requests).toEqual([])
  })

  test('of an image that was never finished removes the objection alone', async () => {
    const one = await addImage({ ami_bakery_revoked: 'bad' })
    await restoreImages([targetOf([one])])
    expect(changes()).toEqual([`${one.image.id} ami_bakery_revoked=`])
  })

  test('empties only the marks that an image has', async () => {
    const one = await addImage({ ami_config_checksum: WEB, ami_bakery_revoked_by: 'run 1' })
    await restoreImages([targetOf([one])])
    expect(changes()).toEqual([`${one.image.id} ami_bakery_revoked_by=`])
  })

  test('does each step for descendants first, then for copies, and for the specified source image last', async () => {
    const [web, copy, app] = [
      await addImage(revoked),
      await addImage({ ...revoked, ami_bakery_image: 'ami-1' }, {}, makeRun(), AWAY),
      await addImage(revoked),
    ]
    await restoreImages([targetOf([web, copy]), targetOf([app], { role: 'descendant' })])
    const order = [app, copy, web].map(({ image }) => image.id)
    expect(changes().map(change => change.split(' ')[0])).toEqual([...order, ...order, ...order])
  })

  test('keeps the objection of the source image, by which a repeat finds the rest, when an image fails', async () => {
    let denied = ''
    const run = makeRun(({ input }) => {
      if ('Resources' in input && input.Resources?.[0] === denied) throw refusal('UnauthorizedOperation')
      return undefined
    })
    const [web, copy] = [await addImage(revoked, {}, run), await addImage(revoked, {}, run, AWAY)]
    denied = copy.image.id
    const result = await restoreImages([targetOf([web, copy])])
    expect(result.failures.map(({ image }) => image)).toEqual([copy])
    expect(result.done).toEqual([])
    expect(tagsOf(copy)).toEqual(revoked)
    expect(tagsOf(web)).toEqual({ ...revoked, ami_config_checksum: WEB })
  })

  test('goes on with the other copies when one fails', async () => {
    let denied = ''
    const run = makeRun(({ input }) => {
      if ('Resources' in input && input.Resources?.[0] === denied) throw refusal('UnauthorizedOperation')
      return undefined
    })
    const [web, copy, other] = [
      await addImage(revoked, {}, run),
      await addImage(revoked, {}, run, AWAY),
      await addImage(revoked, {}, run, AWAY),
    ]
    denied = copy.image.id
    const result = await restoreImages([targetOf([web, copy, other])])
    expect(result.done).toEqual([other])
    expect(tagsOf(other)).toEqual({ ...empty, ami_config_checksum: WEB })
  })

  test('is a failure for an image that another run revokes again meanwhile', async () => {
    const run = makeRun(({ name, input }) => {
      const ids = name === 'DescribeImagesCommand' && 'ImageIds' in input ? (input.ImageIds ?? []) : []
      for (const id of ids) ec2.images.get(id)?.tags.set('ami_bakery_revoked', 'worse')
      return undefined
    })
    const one = await addImage(revoked, {}, run)
    expect(await restoreImages([targetOf([one])])).toEqual({
      done: [],
      failures: [{ image: one, message: 'another run has revoked it again meanwhile.' }],
    })
  })

  test.each<[tags: Tags, isLeft: boolean]>([
    [{ ami_config_checksum: WEB, ...empty }, false],
    [{ ami_config_checksum: `revoked:${WEB}` }, true],
    [{ ami_config_checksum: `revoked-once:${WEB}` }, true],
    [{ ami_bakery_revoked: 'bad' }, true],
    [{ ami_bakery_revoked_by: 'run 1' }, true],
    [{ ami_bakery_deprecation_before: 'none' }, true],
  ])('has work to do with %j: %s', async (tags, isLeft) => {
    expect(isMarked(await addImage(tags))).toBe(isLeft)
  })
})
