import { hash } from 'node:crypto'
import type { Image as Ec2Image } from '@aws-sdk/client-ec2'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { assertParentPublished, findPublishable } from '../../src/actions/publish/judge-image.ts'
import { type PublishOptions, publishImage } from '../../src/actions/publish/publish-image.ts'
import type { RegionalImage } from '../../src/ec2/images.ts'
import { DAY } from '../../src/runner/wait.ts'
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
const CANDIDATE = `candidate:${WEB}`
const inDays = (days: number) => new Date(Date.now() + days * DAY).toISOString()

type Tags = Readonly<Record<string, string>>

let ec2: ModelEc2
const log = captureLog()
beforeEach(() => {
  ec2 = makeModelEc2(makeDice(1))
})

const add = (tags: Tags, more: Partial<Ec2Image> = {}, region = HOME) => ec2.add(region, tags, more)
const tagsOf = (id: string) => Object.fromEntries(ec2.images.get(id)?.tags ?? [])

function find(id: string, checksum?: string, run = makeActor()) {
  return findPublishable(ec2.connect(run, HOME), { kind: 'id', id, region: HOME, checksum })
}

describe('an image that is specified by its id may be published', () => {
  test.each([
    ['a candidate', CANDIDATE],
    ['a published image', WEB],
  ])('if it is %s', async (_, value) => {
    const id = add({ ami_config_checksum: value })
    add({ ami_config_checksum: value })
    for (const checksum of [undefined, WEB]) {
      const found = await find(id, checksum)
      expect([found.image.id, found.checksum, found.ec2.region]).toEqual([id, WEB, HOME])
    }
  })

  test.each<[what: string, tags: Tags, more: Partial<Ec2Image>, problem: string]>([
    ['it is pending', { ami_config_checksum: WEB }, { State: 'pending' }, 'is pending. Wait until it is available.'],
    ['it is disabled', { ami_config_checksum: WEB }, { State: 'disabled' }, 'is disabled. Bake another one.'],
    [
      'it is a copy',
      { ami_config_checksum: WEB, ami_bakery_image: 'ami-1\n' },
      {},
      'is a copy of ami-1\\u000a. Publish that one, in its own region.',
    ],
    [
      'it is a backup',
      { ami_config_checksum: WEB, 'aws:backup:source-resource': 'x' },
      {},
      'is a backup of an instance (tag aws:backup:source-resource).',
    ],
    [
      'it comes from a failed bake',
      { ami_config_checksum: `failed:${WEB}` },
      {},
      'comes from a failed bake. Bake another one.',
    ],
    [
      'it is revoked',
      { ami_config_checksum: `revoked:${WEB}`, ami_bakery_revoked: 'bad' },
      {},
      'is revoked (bad). Restore it first, or bake another one.',
    ],
    [
      'it has no checksum',
      {},
      {},
      'has no tag ami_config_checksum: this action did not bake it, or did not finish it.',
    ],
    [
      'its checksum is none',
      { ami_config_checksum: 'latest\n' },
      {},
      'has the tag ami_config_checksum=latest\\u000a, which is not a checksum.',
    ],
    [
      'it is due for deletion',
      { ami_config_checksum: CANDIDATE, ami_bakery_prune: '2026-01-01T00:00:00Z' },
      {},
      'has been due for deletion since 2026-01-01T00:00:00Z. Empty its tag ami_bakery_prune first, or bake another one.',
    ],
  ])('unless %s', async (_, tags, more, problem) => {
    const id = add(tags, more)
    await expect(find(id)).rejects.toThrow(new Error(`ami-id: ${id} in ${HOME} ${problem}`))
  })

  test('if it will be due for deletion only later', async () => {
    const id = add({ ami_config_checksum: CANDIDATE, ami_bakery_prune: inDays(1) })
    expect((await find(id)).image.id).toBe(id)
  })

  test('unless it has another checksum than the specified one', async () => {
    const id = add({ ami_config_checksum: CANDIDATE })
    const other = hash('sha1', 'other')
    await expect(find(id, other)).rejects.toThrow(
      new Error(
        `ami-config-checksum: ${id} has the checksum ${WEB}, not ${other}. Specify the outputs of the same bake.`,
      ),
    )
  })

  test('unless another account owns it', async () => {
    const id = add({ ami_config_checksum: WEB }, { OwnerId: '999999999999' })
    await expect(find(id)).rejects.toThrow(
      new Error(
        `ami-id: ${id} in ${HOME} is an image of account 999999999999. Publish an image of the account of the credentials.`,
      ),
    )
  })

  test.each([
    ['EC2 does not know it', 'ami-0fedcba9876543210'],
    ['it was deregistered', undefined],
  ])('unless %s', async (_, unknown) => {
    const id = unknown ?? add({ ami_config_checksum: WEB }, { State: 'deregistered' })
    await expect(find(id)).rejects.toThrow(
      new Error(
        `ami-id: there is no image ${id} in ${HOME}. Check the id, aws-region, and the account of the credentials.`,
      ),
    )
  })
})

/** A candidate with these tags, as `publish` finds it. */
async function findCandidate(tags: Tags = {}) {
  return await find(add({ ami_config_checksum: CANDIDATE, ...tags }))
}

describe('the parent of an image that is published', () => {
  test.each<[what: string, parent: Tags | undefined]>([
    ['is none', undefined],
    ['is published', { ami_config_checksum: WEB }],
    ['has an empty reason of a revocation', { ami_config_checksum: WEB, ami_bakery_revoked: '' }],
  ])('may be one that %s', async (_, tags) => {
    const parent = tags && add(tags)
    await expect(
      assertParentPublished(await findCandidate(parent ? { ami_bakery_parent: parent } : {})),
    ).resolves.toBeUndefined()
  })

  test('may be one that does not exist any more', async () => {
    const child = await findCandidate({ ami_bakery_parent: 'ami-0fedcba9876543210' })
    await expect(assertParentPublished(child)).resolves.toBeUndefined()
  })

  test.each<[tags: Tags, state: string, advice: string]>([
    [{ ami_config_checksum: CANDIDATE }, 'candidate', 'Publish the parent first.'],
    [
      { ami_config_checksum: WEB, ami_bakery_revoked: 'bad\n' },
      'revoked (bad\\u000a)',
      'Bake it again from another one.',
    ],
    [{ ami_config_checksum: `revoked:${WEB}` }, 'revoked (without a reason)', 'Bake it again from another one.'],
    [{ ami_config_checksum: `failed:${WEB}` }, 'failed', 'Bake it again from another one.'],
    [{}, 'untagged', 'Bake it again from another one.'],
  ])('may not have the tags %j', async (tags, state, advice) => {
    const parent = add(tags)
    const child = await findCandidate({ ami_bakery_parent: parent })
    await expect(assertParentPublished(child)).rejects.toThrow(
      new Error(`${child.image.id} was baked from ${parent}, whose state is ${state}, not published. ${advice}`),
    )
  })
})

describe('a publication', () => {
  /** Publishes an image to the other region, and lists the requests: those that change something, and the others. */
  async function publish(id: string, more: Partial<PublishOptions> = {}, answer?: Actor['answer']) {
    const changes: Request[] = []
    const reads: string[] = []
    const run = makeActor({
      answer: request => {
        if (request.name.startsWith('Describe')) reads.push(request.region)
        else changes.push(request)
        return answer?.(request)
      },
    })
    const options: PublishOptions = {
      destinations: [{ ec2: ec2.connect(run, AWAY), kmsKey: undefined }],
      tags: new Map([['team', 'web']]),
      shareWith: [],
      ssmParameter: undefined,
      by: 'run 1',
      ...more,
    }
    const image = await find(id, undefined, run)
    reads.length = 0
    return { published: publishImage(image, options), changes, reads }
  }

  const idsOf = (images: readonly RegionalImage[]) => images.map(({ image }) => image.id)
  const copiesOf = (id: string) =>
    [...ec2.images.values()].filter(({ described }) => described.SourceImageId === id).map(one => one.id)

  test('makes copies first, then the image, and names the run on all of them', async () => {
    const id = add({ ami_config_checksum: CANDIDATE, ami_bakery_template: 't' })
    const { published, changes } = await publish(id)
    const result = await published
    const [copy = ''] = copiesOf(id)
    expect(idsOf(result.images)).toEqual([id, copy])
    expect(idsOf(result.changed)).toEqual([id, copy])
    expect(result).toMatchObject({ others: [], warnings: [], problems: [] })
    expect(result.changed.map(({ image }) => image.tags.get('ami_config_checksum'))).toEqual([WEB, WEB])
    expect(tagsOf(id)).toMatchObject({ ami_config_checksum: WEB, ami_bakery_published: 'run 1' })
    expect(tagsOf(copy)).toMatchObject({
      ...{ ami_config_checksum: WEB, ami_bakery_published: 'run 1', ami_bakery_image: id, team: 'web' },
    })
    const bare = changes.flatMap(({ region, input }) => {
      const tags = 'Tags' in input ? (input.Tags ?? []) : []
      return tags.some(({ Key, Value }) => Key === 'ami_config_checksum' && Value === WEB) ? [region] : []
    })
    expect(bare).toEqual([AWAY, HOME])
  })

  test('of an image that is published with its copies changes nothing', async () => {
    const id = add({ ami_config_checksum: WEB, ami_bakery_published: 'run 0' })
    const copy = add({ ami_config_checksum: WEB, ami_bakery_image: id, ami_bakery_published: 'run 0' }, {}, AWAY)
    const { published, changes, reads } = await publish(id)
    expect(idsOf((await published).images)).toEqual([id, copy])
    expect((await published).changed).toEqual([])
    expect(changes).toEqual([])
    // The look-up of the copies.
    expect(reads).toEqual([AWAY])
  })

  test('without further regions makes the image alone a hit', async () => {
    const id = add({ ami_config_checksum: CANDIDATE })
    const { published } = await publish(id, { destinations: [] })
    expect(idsOf((await published).images)).toEqual([id])
    expect(tagsOf(id)).toEqual({ ami_config_checksum: WEB, ami_bakery_published: 'run 1' })
  })

  test('makes only the copies that are missing', async () => {
    const id = add({ ami_config_checksum: WEB, ami_bakery_published: 'run 0' })
    add({ ami_config_checksum: WEB, ami_bakery_image: id, ami_bakery_published: 'run 0' }, {}, AWAY)
    const run = makeActor()
    const destinations = [AWAY, 'ap-south-1'].map(region => ({ ec2: ec2.connect(run, region), kmsKey: undefined }))
    const { published } = await publish(id, { destinations })
    expect((await published).images.map(one => one.ec2.region)).toEqual([HOME, AWAY, 'ap-south-1'])
    expect((await published).changed.map(one => one.ec2.region)).toEqual(['ap-south-1'])
  })

  test('names the run on images that are published without that tag', async () => {
    const id = add({ ami_config_checksum: WEB })
    const copy = add({ ami_config_checksum: WEB, ami_bakery_image: id, ami_bakery_published: 'run 0' }, {}, AWAY)
    const { published } = await publish(id)
    expect(idsOf((await published).changed)).toEqual([id])
    expect([id, copy].map(one => tagsOf(one).ami_bakery_published)).toEqual(['run 1', 'run 0'])
  })

  test('makes the copy that a published image lacks', async () => {
    const id = add({ ami_config_checksum: WEB, ami_bakery_published: 'run 0' })
    const { published } = await publish(id)
    expect(idsOf((await published).changed)).toEqual(copiesOf(id))
    expect(copiesOf(id).map(copy => tagsOf(copy).ami_config_checksum)).toEqual([WEB])
  })

  test('uses the newest of several copies, and neither a revoked one nor that of another image', async () => {
    const id = add({ ami_config_checksum: WEB, ami_bakery_published: 'run 0' })
    const copy = (tags: Tags, day: number) =>
      add(
        { ami_config_checksum: WEB, ami_bakery_image: id, ami_bakery_published: 'run 0', ...tags },
        { CreationDate: `2026-01-0${day}T00:00:00.000Z` },
        AWAY,
      )
    copy({}, 1)
    const newest = copy({}, 3)
    copy({}, 2)
    copy({ ami_bakery_revoked: 'bad' }, 4)
    copy({ ami_bakery_image: 'ami-0fedcba9876543210' }, 5)
    const { published, changes } = await publish(id)
    expect(idsOf((await published).images)).toEqual([id, newest])
    expect(changes).toEqual([])
  })

  test('shares the images before they are hits, and names who may launch them besides', async () => {
    const id = add({ ami_config_checksum: CANDIDATE })
    const shared = new Map<string, string[]>()
    const { published, changes } = await publish(id, { shareWith: ['111111111111'] }, ({ name, region, input }) => {
      if (name === 'DescribeImageAttributeCommand' && 'ImageId' in input) {
        const accounts = ['222222222222', ...(shared.get(region) ?? [])]
        return { ImageId: input.ImageId, LaunchPermissions: accounts.map(UserId => ({ UserId })) }
      }
      if (name !== 'ModifyImageAttributeCommand') return undefined
      const known = shared.get(region) ?? []
      shared.set(region, [...known, '111111111111'])
      return {}
    })
    expect((await published).others).toEqual(['222222222222'])
    const kinds = changes.map(({ name, region, input }) => {
      const tags = 'Tags' in input ? (input.Tags ?? []).map(({ Key }) => Key) : []
      return `${region} ${tags.includes('ami_config_checksum') ? 'hit' : name}`
    })
    expect(kinds.indexOf(`${HOME} hit`)).toBeGreaterThan(kinds.indexOf(`${HOME} ModifyImageAttributeCommand`))
    expect(kinds.indexOf(`${AWAY} hit`)).toBeGreaterThan(kinds.indexOf(`${HOME} ModifyImageAttributeCommand`))
  })

  test('whose parent is not published changes nothing', async () => {
    const id = add({ ami_config_checksum: CANDIDATE, ami_bakery_parent: add({ ami_config_checksum: CANDIDATE }) })
    const { published, changes } = await publish(id)
    await expect(published).rejects.toThrow(/whose state is candidate, not published/)
    expect(changes).toEqual([])
  })

  test('is a problem, not an error, when the run can’t be named on an image that is a hit already', async () => {
    const id = add({ ami_config_checksum: CANDIDATE })
    const { published } = await publish(id, {}, ({ input }) => {
      const tags = 'Tags' in input ? (input.Tags ?? []) : []
      if (tags.some(({ Key }) => Key === 'ami_bakery_published')) throw refusal('UnauthorizedOperation')
      return undefined
    })
    const result = await published
    expect(result.problems).toEqual([
      expect.stringMatching(/^ec2:CreateTags in us-east-1: .*UnauthorizedOperation/),
      expect.stringMatching(/^ec2:CreateTags in eu-west-1: .*UnauthorizedOperation/),
    ])
    expect(result).toMatchObject({ warnings: [] })
    expect(tagsOf(id).ami_config_checksum).toBe(WEB)
  })

  test('returns the images as they were found when they can’t be described again, with a warning', async () => {
    const id = add({ ami_config_checksum: WEB })
    let isNamed = false
    const { published } = await publish(id, { destinations: [] }, ({ name }) => {
      if (name === 'CreateTagsCommand') isNamed = true
      if (name === 'DescribeImagesCommand' && isNamed) throw refusal('UnauthorizedOperation')
      return undefined
    })
    expect((await published).changed.map(({ image }) => image.tags.has('ami_bakery_published'))).toEqual([false])
    expect(log()).toContain('The record lacks the new tags.')
  })
})
