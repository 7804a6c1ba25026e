import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace, type Workspace } from '../support/workspace.ts'

describe.skipIf(!hasTools('moto_server'))('a plan', { concurrent: true }, () => {
  const startAccount = useAccounts()

  /** A repository with an images file: each image has a template and a directory of its own name. */
  function makeRepository(images: Readonly<Record<string, string>>, file = ''): Workspace {
    const lines = Object.entries(images).map(
      ([name, more]) => `  ${name}: { packer-template: ${name}/t.pkr.hcl, ami-definition-dirs: ${name}${more} }`,
    )
    const templates = Object.keys(images).map(name => [`${name}/t.pkr.hcl`, `${hclTemplate()}# ${name}`])
    return makeWorkspace({
      'ami-bakery.yml': file || ['defaults: { aws-region: us-east-1 }', 'images:', ...lines].join('\n'),
      ...Object.fromEntries(templates),
    })
  }

  async function plan(
    ec2: FaultyEc2,
    workspace: Workspace,
    inputs: Readonly<Record<string, string>> = {},
  ): Promise<Run> {
    return await runAction({ action: 'plan', workspace: workspace.directory, inputs, env: ec2.environment })
  }

  function parse(run: Run, output: string) {
    return JSON.parse(run.outputs[output] ?? 'null')
  }

  /** The checksum of each image, as a plan has it. */
  async function checksums(ec2: FaultyEc2, workspace: Workspace): Promise<Record<string, string>> {
    const entries = Object.entries<{ ami_config_checksum: string }>(parse(await plan(ec2, workspace), 'plan'))
    return Object.fromEntries(entries.map(([name, entry]) => [name, entry.ami_config_checksum]))
  }

  test('a plan of an empty account has a row for every image and no file', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: '', db: '' })
    workspace.write({ '.ami_ids.json': '{}' })
    const run = await plan(ec2, workspace)
    expect(run.exitCode, run.log).toBe(0)
    expect(run.annotations).toEqual([])
    const entries = parse(run, 'plan')
    expect(parse(run, 'matrix')).toEqual([
      { image: 'web', ami_config_checksum: entries.web.ami_config_checksum },
      { image: 'db', ami_config_checksum: entries.db.ami_config_checksum },
    ])
    expect(run.outputs).toMatchObject({ any_miss: 'true', ami_ids: '{}', resolved: '{}', last_ami_ids: '{}' })
    expect(parse(run, 'layers')).toEqual([parse(run, 'matrix')])
    expect(entries.web).toMatchObject({ result: 'miss', reason: 'No image in us-east-1 has this checksum.' })
    expect(workspace.has('.ami_ids.json')).toBe(false)
    expect(run.summary).toContain('web')
    expect(ec2.requests.map(({ action }) => action)).toEqual(['DescribeImages'])
  })

  test('a plan of hits writes a file for Terraform and sends one request', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: '', db: '' })
    const known = await checksums(ec2, workspace)
    const web = await ec2.makeImage({ ami_config_checksum: known.web ?? '' })
    const db = await ec2.makeImage({ ami_config_checksum: known.db ?? '', ami_bakery_template: 'db/t.pkr.hcl' })
    ec2.requests.length = 0
    const run = await plan(ec2, workspace, { 'on-miss': 'fail' })
    expect(run.exitCode, run.log).toBe(0)
    expect(run.outputs).toMatchObject({ any_miss: 'false', matrix: '[]', layers: '[]' })
    expect(parse(run, 'ami_ids')).toEqual({ web, db })
    expect(workspace.read('.ami_ids.json')).toBe(`{"ami_ids": {"web": "${web}", "db": "${db}"}}`)
    expect(ec2.requests.map(({ action }) => action)).toEqual(['DescribeImages'])
  })

  test('a plan and the main action compute the same checksum, and agree on hit and miss', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: ", packer-vars: { v: 1.10 }, packer-only: ['a.b'], strict: true", db: '' })
    const known = await checksums(ec2, workspace)
    const image = await ec2.makeImage({ ami_config_checksum: known.web ?? '' })
    const inputs = { image: 'web', 'on-miss': 'skip' }
    const hit = await runAction({ workspace: workspace.directory, inputs, env: ec2.environment })
    expect(hit.outputs, hit.log).toMatchObject({ ami_config_checksum: known.web, ami_id: image, cache_hit: 'true' })
    expect(fs.readFileSync(`${workspace.directory}/web/.ami_id.json`, 'utf8')).toBe(`{"ami_id": "${image}"}`)
    const miss = await runAction({
      workspace: workspace.directory,
      inputs: { ...inputs, image: 'db' },
      env: ec2.environment,
    })
    expect(miss.outputs, miss.log).toMatchObject({ ami_config_checksum: known.db, ami_id: '', cache_hit: 'false' })
  })

  test('an image that a region lacks is a copy', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: ', regions: [eu-west-1, eu-west-2]' })
    const { web: checksum = '' } = await checksums(ec2, workspace)
    const source = await ec2.makeImage({ ami_config_checksum: checksum })
    await ec2.makeImage({ ami_config_checksum: checksum, ami_bakery_image: source }, 'eu-west-1')
    await ec2.makeImage({ ami_config_checksum: checksum, ami_bakery_image: 'ami-00000000' }, 'eu-west-2')
    const run = await plan(ec2, workspace)
    expect(parse(run, 'plan').web).toMatchObject({
      result: 'copy',
      ami_id: source,
      reason: 'Not available in eu-west-2.',
    })
    expect(run.outputs).toMatchObject({ any_miss: 'true', ami_ids: '{}' })
  })

  test('images that differ only in their names share one row', async () => {
    await using ec2 = await startAccount()
    const image = '{ packer-template: web/t.pkr.hcl, ami-definition-dirs: web, output-file: ids.json'
    const file = `defaults: { aws-region: us-east-1 }\nimages:\n  a: ${image} }\n  b: ${image} }\n  c: ${image}, regions: [eu-west-1] }\n`
    using workspace = makeRepository({ web: '' }, file)
    const run = await plan(ec2, workspace)
    expect(parse(run, 'matrix').map(({ image }: { image: string }) => image)).toEqual(['a', 'c'])
    expect(Object.keys(parse(run, 'plan'))).toEqual(['a', 'b', 'c'])
  })

  test('a plan with on-miss fail fails after its outputs are set', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: '', db: '' })
    const run = await plan(ec2, workspace, { 'on-miss': 'fail', images: 'db' })
    expect(run.exitCode).toBe(1)
    expect(run.annotations).toEqual([
      { level: 'error', message: 'on-miss: these images are no hit: db (miss). Bake them first.' },
    ])
    expect(parse(run, 'matrix')).toHaveLength(1)
  })

  test('a plan with on-miss last writes the newest published image of the name instead of a miss, with a warning', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: '', db: '' })
    const known = await checksums(ec2, workspace)
    const db = await ec2.makeImage({ ami_config_checksum: known.db ?? '' })
    const sha1 = (digit: string) => digit.repeat(40)
    const tags = (digit: string, more = {}) => ({
      ami_bakery_image_name: 'web',
      ami_config_checksum: sha1(digit),
      ...more,
    })
    const at = (year: number) => ({ ami_bakery_baked_at: `${year}-01-01T00:00:00Z` })
    await ec2.makeImage(tags('1', at(2020)))
    const newest = await ec2.makeImage(tags('2', at(2021)))
    await ec2.makeImage(tags('3', { ...at(2022), ami_bakery_revoked: 'boots badly' }))
    await ec2.makeImage({ ...tags('4', at(2023)), ami_config_checksum: `failed:${sha1('4')}` })
    await ec2.makeImage(tags('5', { ...at(2024), ami_bakery_repository: 'example/other' }))
    ec2.requests.length = 0
    const run = await plan(ec2, workspace, { 'on-miss': 'last' })
    expect(run.exitCode, run.log).toBe(0)
    expect(parse(run, 'last_ami_ids')).toEqual({ web: newest })
    expect(workspace.read('.ami_ids.json')).toBe(`{"ami_ids": {"web": "${newest}", "db": "${db}"}}`)
    expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining(newest) }])
    expect(ec2.requests.map(({ action }) => action)).toEqual(['DescribeImages', 'DescribeImages'])
    using others = makeRepository({ other: '' })
    const nothing = await plan(ec2, others, { 'on-miss': 'last' })
    expect(nothing.annotations.at(-1)?.message).toBe(
      'on-miss: these images have no earlier image: other (miss). Bake them first.',
    )
  })

  test('a plan with more misses than max-misses fails and counts the reasons', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ a: '', b: '', c: '' })
    const run = await plan(ec2, workspace, { 'max-misses': '2' })
    expect(run.exitCode).toBe(1)
    expect(run.annotations.at(-1)?.message).toMatch(
      /^max-misses: 3 images are a miss, more than 2: 3 × No image in us-east-1 has this checksum\./,
    )
    expect((await plan(ec2, workspace, { 'max-misses': '3' })).exitCode).toBe(0)
    const one = await plan(ec2, workspace, { images: 'a', 'max-misses': '0' })
    expect(one.annotations.at(-1)?.message).toMatch(/^max-misses: 1 image is a miss, more than 0: /)
  })

  test('a plan of 200 images sends four requests, and one of 257 misses fails', async () => {
    await using ec2 = await startAccount()
    const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`i${index}`, '']))
    using two = makeRepository(names(200))
    const run = await plan(ec2, two)
    expect(parse(run, 'matrix')).toHaveLength(200)
    expect(ec2.requests).toHaveLength(4)
    using most = makeRepository(names(256))
    expect(parse(await plan(ec2, most), 'matrix')).toHaveLength(256)
    using many = makeRepository(names(257))
    const refused = await plan(ec2, many)
    expect(refused.outputs).not.toHaveProperty('matrix')
    expect(refused.annotations.at(-1)?.message).toContain('257 images must be baked or copied')
  })

  test('a plan sends no request that the look-up policy does not allow, in any mode', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: ', regions: [eu-west-1], base-ami: newest:amazon/al2023-*', db: '' })
    for (const onMiss of ['report', 'fail', 'last']) await plan(ec2, workspace, { 'on-miss': onMiss })
    const policy = JSON.parse(fs.readFileSync(new URL('../../docs/iam/look-up.json', import.meta.url), 'utf8'))
    const allowed = policy.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action)
    expect([...new Set(ec2.requests.map(({ service, action }) => `${service}:${action}`))]).toEqual(allowed)
  })

  test('one template and checksum in two regions has a row for each region that lacks an image', async () => {
    await using ec2 = await startAccount()
    const image = 'packer-template: web/t.pkr.hcl, ami-definition-dirs: web, output-file: ids.json'
    const file = `images:\n  a: { ${image}, aws-region: us-east-1 }\n  b: { ${image}, aws-region: eu-west-1 }\n`
    using workspace = makeRepository({ web: '' }, file)
    const { a: checksum = '', b: same } = await checksums(ec2, workspace)
    expect(same).toBe(checksum)
    const id = await ec2.makeImage({ ami_config_checksum: checksum })
    const run = await plan(ec2, workspace)
    expect(parse(run, 'matrix')).toEqual([{ image: 'b', ami_config_checksum: checksum }])
    expect(parse(run, 'ami_ids')).toEqual({ a: id })
  })

  test('a plan fails and sets no output when one region gives no clear answer', async () => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: ', regions: [eu-west-1]', db: '' })
    ec2.fail({ action: 'DescribeImages', region: 'eu-west-1', error: 'UnauthorizedOperation' })
    const run = await plan(ec2, workspace)
    expect(run.exitCode).toBe(1)
    expect(run.outputs).toEqual({})
    expect(run.annotations.at(-1)?.message).toContain('eu-west-1')
  })

  test('a base image is searched once, and another step uses what the plan has found', async () => {
    await using ec2 = await startAccount()
    const base = ', base-ami: newest:amazon/al2023-*'
    using workspace = makeRepository({ web: base, db: base })
    const run = await plan(ec2, workspace)
    expect(parse(run, 'resolved')).toEqual({ 'newest:amazon/al2023-*': 'ami-03cf127a' })
    expect(ec2.requests).toHaveLength(2)
    const resolved = JSON.stringify({ 'newest:amazon/al2023-*': 'ami-11111111' })
    const later = await plan(ec2, workspace, { resolved })
    expect(parse(later, 'plan').web.ami_config_checksum).not.toBe(parse(run, 'plan').web.ami_config_checksum)
    expect(ec2.requests).toHaveLength(3)
    const inputs = { image: 'web', 'on-miss': 'skip', resolved }
    const bake = await runAction({ workspace: workspace.directory, inputs, env: ec2.environment })
    expect(bake.outputs.ami_config_checksum, bake.log).toBe(parse(later, 'plan').web.ami_config_checksum)
  })

  test.each([
    ['images', 'nothing', /^images: .*nothing/],
    ['on-miss', 'bake', /^on-miss: "bake" is unknown/],
    ['max-misses', 'many', /^max-misses: "many" is not a whole number/],
    ['resolved', '[]', /^resolved: it is not a JSON object/],
    ['resolved', '{"a":"b"}', /^resolved: "b" is not the id of an image/],
    ['images-file', 'nowhere.yml', /^images-file: nowhere\.yml/],
  ])('a wrong value of %s (%s) is an error that names the input, before any request', async (name, value, message) => {
    await using ec2 = await startAccount()
    using workspace = makeRepository({ web: '' })
    const run = await plan(ec2, workspace, { [name]: value })
    expect(run.exitCode).toBe(1)
    expect(run.annotations.at(-1)?.message).toMatch(message)
    expect(ec2.requests).toEqual([])
  })
})

describe('the input image', () => {
  test('the input image can not be combined with an input that is included in the checksum', async () => {
    using workspace = makeWorkspace({
      'ami-bakery.yml':
        'images: { web: { aws-region: us-east-1, packer-template: t.pkr.hcl, ami-definition-dirs: . } }',
      't.pkr.hcl': hclTemplate(),
    })
    const inputs = { image: 'web', strict: 'true' }
    const run = await runAction({ workspace: workspace.directory, inputs })
    expect(run.annotations.at(-1)?.message).toMatch(/^strict: can't be specified together with image/)
    const unknown = await runAction({ workspace: workspace.directory, inputs: { image: 'wep' } })
    expect(unknown.annotations.at(-1)?.message).toMatch(/^image: .*wep.*web/)
  })

  test('an earlier output file is kept when the images file is wrong', async () => {
    using workspace = makeWorkspace({ 'ami-bakery.yml': 'images: { web: { strikt: true } }', '.ami_id.json': '{}' })
    const run = await runAction({
      workspace: workspace.directory,
      inputs: { image: 'web', 'output-file': '.ami_id.json' },
    })
    expect(run.annotations.at(-1)?.message).toMatch(
      /^images-file: ami-bakery\.yml:1: image web: "strikt" is not a known key/,
    )
    expect(workspace.has('.ami_id.json')).toBe(true)
  })
})
