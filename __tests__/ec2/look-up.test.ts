import http from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { ACCOUNT, type Ec2Server, type FirstImage, startEc2 } from '../support/ec2.ts'
import { type Run, runAction } from '../support/runner.ts'
import { serve } from '../support/serve.ts'
import { CHECKSUM as OF_TEMPLATE, tagSet } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

/** The checksum of a definition that is one file with the content `hello\n`. */
const CHECKSUM = 'd4bb773a0da54b50d60e6089e12ed7e53c7e423c'

describe.skipIf(!hasTools('moto_server'))('the look-up', () => {
  let ec2: Ec2Server | undefined
  afterEach(() => ec2?.stop())

  function image(number: number, more: Partial<FirstImage>): FirstImage {
    const tags = { ami_config_checksum: CHECKSUM, ...more.tags }
    const id = `ami-${String(number).repeat(17)}`
    return {
      ami_id: id,
      name: `image ${number}`,
      owner_id: ACCOUNT,
      creation_date: '2026-01-01T00:00:00.000Z',
      ...more,
      tags,
    }
  }

  /** Runs a step whose definition has {@link CHECKSUM} without Packer: a miss ends with an error that names it. */
  async function lookUp(...images: readonly FirstImage[]): Promise<Run> {
    ec2 = await startEc2(...images)
    using workspace = makeWorkspace({ 'app.pkr.hcl': hclTemplate(), 'ami/a': 'hello\n' })
    return await runAction({
      workspace: workspace.directory,
      inputs: { 'packer-template': 'app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' },
      env: { ...ec2.environment, PATH: '/nowhere' },
    })
  }

  function expectMiss(run: Run): void {
    expect(run.log).toContain('Miss: ')
    expect(run.outputs).toEqual({ ami_config_checksum: CHECKSUM, cache_hit: 'false', last_ami_id: '' })
    expect(run.annotations.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', message: expect.stringContaining('packer') },
    ])
    expect(run.exitCode).toBe(1)
  }

  test('the look-up returns the newest of several images', async () => {
    const run = await lookUp(
      image(1, { creation_date: '2026-03-01T00:00:00.000Z' }),
      image(2, { creation_date: '2026-03-03T00:00:00.000Z' }),
      image(3, { creation_date: '2026-03-02T00:00:00.000Z' }),
    )
    expect(run.outputs).toMatchObject({ ami_id: `ami-${'2'.repeat(17)}`, cache_hit: 'true' })
    expect(run.outputs).toMatchObject({ ami_name: 'image 2', ami_creation_date: expect.stringContaining('2026-03-03') })
  })

  test('the look-up chooses between images of the same second by their ids', async () => {
    const run = await lookUp(image(1, {}), image(3, {}), image(2, {}))
    expect(run.outputs.ami_id).toBe(`ami-${'3'.repeat(17)}`)
  })

  test('the look-up does not return an image of another owner', async () => {
    expectMiss(await lookUp(image(1, { owner_id: '999999999999' })))
  })

  test.each(['pending', 'failed'] as const)('the look-up does not return an image in the state %s', async state => {
    expectMiss(await lookUp(image(1, { state })))
  })

  test('the look-up does not return an image with another checksum', async () => {
    expectMiss(await lookUp(image(1, { tags: { ami_config_checksum: CHECKSUM.toUpperCase() } })))
  })

  test('the look-up skips an image of another template, with a notice', async () => {
    const run = await lookUp(image(1, { tags: { ami_bakery_template: 'other.pkr.hcl' } }))
    expectMiss(run)
    expect(run.annotations).toContainEqual({ level: 'notice', message: expect.stringContaining('other.pkr.hcl') })
  })

  test('the look-up returns an image of the same template', async () => {
    const run = await lookUp(image(1, { tags: { ami_bakery_template: 'app.pkr.hcl' } }))
    expect(run.outputs.cache_hit).toBe('true')
  })

  test('a look-up whose template lies outside the definition warns', async () => {
    const run = await lookUp(image(1, {}))
    expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('app.pkr.hcl') }])
  })
})

describe.concurrent('the choice among the images of a response', () => {
  interface Answered {
    readonly id?: string
    readonly date?: string
    readonly state?: string
    readonly tags?: Readonly<Record<string, string>>
    readonly deprecated?: string
  }

  const [OLD, NEW] = ['ami-11111111', 'ami-22222222222222222']
  const JANUARY = '2026-01-01T00:00:00.000Z'
  const FEBRUARY = '2026-02-01T00:00:00.000Z'
  const MARCH = '2026-03-01T00:00:00.000Z'
  const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString()

  function item({ id = OLD, date = JANUARY, state = 'available', tags = {}, deprecated }: Answered): string {
    const deprecation = deprecated ? `<deprecationTime>${deprecated}</deprecationTime>` : ''
    return [
      `<item><imageId>${id}</imageId><name>name of ${id}</name><imageState>${state}</imageState>`,
      `<creationDate>${date}</creationDate>${deprecation}${tagSet({ ami_config_checksum: OF_TEMPLATE, ...tags })}</item>`,
    ].join('')
  }

  /** A look-up that gets this response, and bakes nothing. */
  async function choose(
    images: readonly Answered[],
    inputs: Readonly<Record<string, string>> = {},
  ): Promise<Run & { readonly question: Readonly<Record<string, string>> }> {
    const answer = imagesAnswer(images.map(item).join(''))
    let question = ''
    using served = await serve(
      http.createServer(async (request, response) => {
        question = await text(request)
        response.end(answer)
      }),
    )
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const given = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }
    const run = await runAction({
      workspace: workspace.directory,
      inputs: { ...given, 'on-miss': 'skip', ...inputs },
      env: {
        AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}`,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
    })
    return { ...run, question: Object.fromEntries(new URLSearchParams(question)) }
  }

  const idOf = ({ outputs }: Run) => outputs.ami_id

  test.each([['pending'], ['deregistered'], ['disabled'], ['']])(
    'an image in the state %j is not a hit, although the request was for available images',
    async state => {
      expect(idOf(await choose([{ state }, { id: NEW, date: '2020-01-01T00:00:00.000Z' }]))).toBe(NEW)
      expect(idOf(await choose([{ state }]))).toBe('')
    },
  )

  test('the look-up requests only available images of this account that have the checksum', async () => {
    const { question, outputs } = await choose([{}])
    const { Version: _, ...parameters } = question
    expect(parameters).toEqual({
      Action: 'DescribeImages',
      MaxResults: '1000',
      'Owner.1': 'self',
      'Filter.1.Name': 'tag:ami_config_checksum',
      'Filter.1.Value.1': outputs.ami_config_checksum,
      'Filter.1.Value.2': `revoked:${outputs.ami_config_checksum}`,
      'Filter.1.Value.3': `revoked:candidate:${outputs.ami_config_checksum}`,
      'Filter.2.Name': 'state',
      'Filter.2.Value.1': 'available',
    })
  })

  test('a hit is logged with the name and the region of the image', async () => {
    const { log, annotations, outputs } = await choose([{}])
    expect(log).toContain(`Hit: ${OLD} (name of ${OLD}, ${JANUARY}) in us-east-1\n`)
    expect(outputs).toMatchObject({ ami_ids: `{"us-east-1":"${OLD}"}`, ami_creation_date: JANUARY })
    expect(annotations).toEqual([])
  })

  test.each<readonly [order: string, images: readonly Answered[]]>([
    ['newest first', [{ id: NEW, date: MARCH }, {}]],
    ['newest last', [{}, { id: NEW, date: MARCH }]],
    ['same time', [{ id: NEW }, {}]],
    ['same time, greater id last', [{}, { id: NEW }]],
    [
      'a copy that was created later than it was baked',
      [
        { date: MARCH, tags: { ami_bakery_baked_at: JANUARY } },
        { id: NEW, date: FEBRUARY },
      ],
    ],
    ['a baking time that is not a time', [{}, { id: NEW, date: MARCH, tags: { ami_bakery_baked_at: 'yesterday' } }]],
  ])('the newest image is the hit in any order of the response: %s', async (_, images) => {
    expect(idOf(await choose(images))).toBe(NEW)
  })

  test('an image of another template is skipped and named on one line, although there is a hit', async () => {
    const other = { ami_bakery_template: 'ami/o\n::error::x.json' }
    const { outputs, annotations } = await choose([
      { tags: { ami_bakery_template: 'ami/app.pkr.hcl' } },
      { id: NEW, date: MARCH, tags: other },
    ])
    expect(outputs.ami_id).toBe(OLD)
    const message = `${NEW} also has the checksum, but was baked from ami/o\\u000a::error::x.json, not from ami/app.pkr.hcl: it is skipped.`
    expect(annotations).toEqual([{ level: 'notice', message }])
    expect(idOf(await choose([{ tags: { ami_bakery_template: '' } }]))).toBe('')
  })

  test.each([
    ['a backup that AWS Backup made', { 'aws:backup:source-resource': 'i-1' }, 'is a backup of an instance'],
    ['a backup that DLM made', { 'aws:dlm:lifecycle-policy-id': 'policy-1' }, 'is a backup of an instance'],
    ['revoked', { ami_bakery_revoked: 'boots badly' }, 'is revoked (boots badly)'],
    ['due for deletion', { ami_bakery_prune: JANUARY }, `has been due for deletion since ${JANUARY}`],
  ])('a newer image that is %s is skipped with a notice, and the older one is the hit', async (_, tags, why) => {
    const { outputs, annotations } = await choose([{ id: NEW, date: MARCH, tags }, {}])
    expect(outputs).toMatchObject({ ami_id: OLD, cache_hit: 'true' })
    const message = `${NEW} also has the checksum, but ${why}`
    expect(annotations).toEqual([{ level: 'notice', message: expect.stringContaining(message) }])
    const miss = await choose([{ id: NEW, date: MARCH, tags }])
    expect(miss.outputs).toMatchObject({ ami_id: '', cache_hit: 'false' })
    expect(miss.log).toContain('\nMiss: no other image in us-east-1 has the tag ami_config_checksum=')
  })

  test('an image that was revoked or marked for deletion and is no longer is a hit', async () => {
    const tags = { ami_bakery_revoked: '', ami_bakery_prune: '' }
    const { outputs, annotations } = await choose([{ tags }])
    expect([outputs.ami_id, annotations]).toEqual([OLD, []])
    expect(idOf(await choose([{ tags: { ami_bakery_prune: daysAgo(-1) } }]))).toBe(OLD)
    expect(idOf(await choose([{ tags: { ami_bakery_prune: 'soon' } }]))).toBe(OLD)
  })

  test.each([['failed:'], ['revoked:'], ['candidate:']])(
    'an image that EC2 still finds by the checksum although its tag now begins with %s is ignored silently',
    async prefix => {
      const old = { id: NEW, date: MARCH, tags: { ami_config_checksum: `${prefix}${OF_TEMPLATE}` } }
      const { outputs, annotations } = await choose([old, {}])
      expect([outputs.ami_id, annotations]).toEqual([OLD, []])
      const miss = await choose([old])
      expect([miss.outputs.cache_hit, miss.annotations]).toEqual(['false', []])
      expect(miss.log).toContain('\nMiss: no image in us-east-1 has the tag')
      expect(miss.log).not.toContain(`${NEW} also has the checksum`)
    },
  )

  test('of many skipped images the newest five are notices, and the others are lines in the log', async () => {
    const backups = Array.from({ length: 30 }, (_, day) => ({
      id: `ami-000000${String(day).padStart(2, '0')}`,
      date: daysAgo(day),
      tags: { 'aws:backup:source-resource': 'i-1' },
    }))
    const { outputs, annotations, log } = await choose([...backups, { date: daysAgo(100) }])
    expect(outputs.ami_id).toBe(OLD)
    expect(annotations.map(({ level, message }) => [level, message.slice(0, 12)])).toEqual(
      backups.slice(0, 5).map(({ id }) => ['notice', id]),
    )
    for (const { id } of backups) expect(log).toContain(`${id} also has the checksum, but is a backup of an instance`)
  })

  test('an image that was baked too long ago is skipped, and the log says how old it is', async () => {
    const tags = { ami_bakery_baked_at: daysAgo(10.5) }
    const miss = await choose([{ date: daysAgo(1), tags }], { 'max-age-days': '10' })
    expect(idOf(miss)).toBe('')
    expect(miss.log).toContain(`\n${OLD} is 10 days old: it is skipped.\n`)
    const checksum = miss.outputs.ami_config_checksum
    expect(miss.log).toContain(
      `\nMiss: no image in us-east-1 has the tag ami_config_checksum=${checksum} and is at most 10 days old.\n`,
    )
    expect(idOf(await choose([{ date: daysAgo(1), tags }], { 'max-age-days': '11' }))).toBe(OLD)
    expect(idOf(await choose([{ date: daysAgo(1) }], { 'max-age-days': '0' }))).toBe('')
  })

  test('with force-bake an earlier image is a miss, and the log says why', async () => {
    const miss = await choose([{ date: daysAgo(0) }], { 'force-bake': 'true' })
    expect(idOf(miss)).toBe('')
    expect(miss.log).toContain(`\n${OLD} is available, but a new image is requested: it is skipped.\n`)
    expect(miss.log).toMatch(/\nMiss: .* has the tag ami_config_checksum=[0-9a-f]{40} and is newer than this run\.\n/)
    expect(idOf(await choose([{ date: daysAgo(-1) }], { 'force-bake': 'true' }))).toBe(OLD)
  })

  test('a miss without further requirements is logged with the checksum alone', async () => {
    expect((await choose([])).log).toMatch(
      /\nMiss: no image in us-east-1 has the tag ami_config_checksum=[0-9a-f]{40}\.\n/,
    )
  })

  test('a deprecated image is a hit with a warning, and one with a later deprecation time a hit without', async () => {
    const deprecated = await choose([{ deprecated: daysAgo(1) }])
    expect(idOf(deprecated)).toBe(OLD)
    expect(deprecated.annotations).toEqual([
      {
        level: 'warning',
        message: expect.stringMatching(`^${OLD} has been deprecated since .*\\. It is used anyway\\.$`),
      },
    ])
    const some = await choose([{ deprecated: daysAgo(-1) }])
    expect([idOf(some), some.annotations]).toEqual([OLD, []])
  })

  test('with max-age-days a deprecated image is a miss', async () => {
    const miss = await choose([{ date: daysAgo(1), deprecated: daysAgo(0.1) }], { 'max-age-days': '30' })
    expect(idOf(miss)).toBe('')
    expect(miss.log).toContain(`\n${OLD} is deprecated: it is skipped.\n`)
    expect(miss.annotations).toEqual([])
    expect(idOf(await choose([{ date: daysAgo(1), deprecated: daysAgo(-1) }], { 'max-age-days': '30' }))).toBe(OLD)
  })

  test.each(['xami-11111111', 'ami-111111112', 'ami-1111111', 'ami-11111111x', 'ami-1111111G', 'i-11111111', ''])(
    'a response with the image id %j is an error',
    async id => {
      const { exitCode, annotations } = await choose([{ id }])
      const message = expect.stringContaining(`us-east-1: an image has the id "${id}", the creation date`)
      expect([exitCode, annotations]).toEqual([1, [{ level: 'error', message }]])
    },
  )
})
