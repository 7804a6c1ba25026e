import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { imagesAnswer } from './support/answers.ts'
import { ACCOUNT, type Ec2Server, type FirstImage, SOURCE_IMAGE, startEc2 } from './support/ec2.ts'
import { packerEnvironment } from './support/packer.ts'
import { startProxy } from './support/proxy.ts'
import { type Run, runAction } from './support/runner.ts'
import { HAS_CHECKSUM } from './support/tags.ts'
import { hasTools } from './support/tools.ts'
import { hclTemplate, makeWorkspace, type Workspace } from './support/workspace.ts'

const DAY = 24 * 60 * 60 * 1000
const INPUTS = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }

describe.skipIf(!hasTools('moto_server', 'packer', 'packer_plugins'))('the modes', () => {
  let ec2: Ec2Server
  let env: Record<string, string>

  beforeAll(async () => {
    ec2 = await startEc2()
    env = { ...ec2.environment, ...packerEnvironment() }
  })
  beforeEach(() => ec2.reset())
  afterAll(() => ec2.stop())

  async function run(
    workspace: Workspace,
    inputs: Record<string, string> = {},
    more: Record<string, string> = {},
  ): Promise<Run> {
    return await runAction({
      workspace: workspace.directory,
      inputs: { ...INPUTS, ...inputs },
      env: { ...env, ...more },
    })
  }

  /** An image that the look-up of this workspace finds, baked so many days ago. */
  async function plantImage(workspace: Workspace, days: number): Promise<string> {
    const { outputs } = await run(workspace, { 'on-miss': 'skip', 'max-age-days': '0' })
    const baked = new Date(Date.now() - days * DAY).toISOString()
    return await ec2.makeImage({ ami_config_checksum: outputs.ami_config_checksum ?? '', ami_bakery_baked_at: baked })
  }

  describe('on a miss', () => {
    test('skip succeeds with an empty id, without Packer, and writes no file', async () => {
      using workspace = makeWorkspace({
        'ami/app.pkr.hcl': hclTemplate(),
        'ami/.ami_id.json': '{"ami_id": "ami-00000000"}',
      })
      const { exitCode, outputs, log } = await run(workspace, { 'on-miss': 'skip' }, { PATH: '/nowhere' })
      expect(exitCode, log).toBe(0)
      expect(outputs).toEqual({
        ami_id: '',
        cache_hit: 'false',
        ami_config_checksum: expect.stringMatching(/^[0-9a-f]{40}$/),
      })
      expect(workspace.has('ami/.ami_id.json')).toBe(false)
    })

    test('fail fails and names the checksum', async () => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      const { exitCode, outputs, annotations } = await run(workspace, { 'on-miss': 'fail' }, { PATH: '/nowhere' })
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([
        { level: 'error', message: expect.stringContaining(outputs.ami_config_checksum ?? '-') },
      ])
      expect(outputs).not.toHaveProperty('ami_id')
    })

    test('skip needs no permission but ec2:DescribeImages', async () => {
      await using proxy = await startProxy(ec2)
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      await run(workspace, { 'on-miss': 'skip' }, { ...proxy.environment })
      expect(new Set(proxy.requests.map(({ action }) => action))).toEqual(new Set(['DescribeImages']))
    })
  })

  // on-miss × force-bake × max-age-days, with an image that is 10 days old.
  const table: readonly (readonly [string, string, string, 'hit' | 'bake' | 'skip' | 'fail'])[] = [
    ['bake', 'false', '', 'hit'],
    ['bake', 'false', '30', 'hit'],
    ['bake', 'false', '5', 'bake'],
    ['bake', 'true', '', 'bake'],
    ['bake', 'true', '30', 'bake'],
    ['bake', 'true', '5', 'bake'],
    ['skip', 'false', '', 'hit'],
    ['skip', 'false', '30', 'hit'],
    ['skip', 'false', '5', 'skip'],
    ['skip', 'true', '', 'skip'],
    ['skip', 'true', '30', 'skip'],
    ['skip', 'true', '5', 'skip'],
    ['fail', 'false', '', 'hit'],
    ['fail', 'false', '30', 'hit'],
    ['fail', 'false', '5', 'fail'],
    ['fail', 'true', '', 'fail'],
    ['fail', 'true', '30', 'fail'],
    ['fail', 'true', '5', 'fail'],
  ]
  test.each(table)('on-miss %s, force-bake %s, max-age-days %j: %s', async (onMiss, force, age, expected) => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const old = await plantImage(workspace, 10)
    const { exitCode, outputs } = await run(workspace, { 'on-miss': onMiss, 'force-bake': force, 'max-age-days': age })
    expect(exitCode).toBe(expected === 'fail' ? 1 : 0)
    expect(outputs.cache_hit).toBe(String(expected === 'hit'))
    if (expected === 'hit') expect(outputs.ami_id).toBe(old)
    if (expected === 'bake') expect(outputs.ami_id).toMatch(/^ami-/)
    if (expected === 'bake') expect(outputs.ami_id).not.toBe(old)
    if (expected === 'bake') expect((await run(workspace, { 'max-age-days': '5' })).outputs.ami_id).toBe(outputs.ami_id)
    if (expected === 'skip') expect(outputs.ami_id).toBe('')
    if (expected === 'fail') expect(outputs).not.toHaveProperty('ami_id')
  })

  describe('the base image', () => {
    const template = `variable "base_ami" {}\n${hclTemplate().replace(/"ami-[^"]*"/, 'var.base_ami')}`
    let bases: Ec2Server
    // A server of its own, which is never reset: moto can't read its images' dates a second time.
    beforeAll(async () => {
      bases = await startEc2(
        base({ ami_id: 'ami-11111111111111111', name: 'base/x86/1', creation_date: '2026-01-01T00:00:00.000Z' }),
        base({ ami_id: 'ami-22222222222222222', name: 'base/x86/2', creation_date: '2026-02-01T00:00:00.000Z' }),
        base({ ami_id: 'ami-33333333333333333', name: 'mixed/1' }),
        base({ ami_id: 'ami-44444444444444444', name: 'mixed/2', architecture: 'arm64' }),
      )
    })
    afterAll(() => bases.stop())

    function base(image: Omit<FirstImage, 'owner_id'>): FirstImage {
      return { owner_id: ACCOUNT, ...image }
    }

    test('is found by owner and pattern, counted, handed over and tagged', async () => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      const searched = await run(workspace, { 'base-ami': `newest:${ACCOUNT}/base/x86/*` }, bases.environment)
      expect(searched.exitCode, searched.log).toBe(0)
      const image = (await bases.inventory()).images.find(({ ImageId }) => ImageId === searched.outputs.ami_id)
      expect(image?.Tags).toContainEqual({ Key: 'ami_bakery_base', Value: 'ami-22222222222222222' })
      const plain = await run(workspace, { 'on-miss': 'skip' }, bases.environment)
      expect(plain.outputs.ami_config_checksum).not.toBe(searched.outputs.ami_config_checksum)
      const byId = await run(workspace, { 'base-ami': 'ami-22222222222222222', 'on-miss': 'skip' }, bases.environment)
      expect(byId.outputs).toMatchObject({ ami_id: searched.outputs.ami_id, cache_hit: 'true' })
    })

    test.each([
      [`newest:${ACCOUNT}/nothing/*`, /nothing\/\*.*Allowed AMIs/],
      [`newest:${ACCOUNT}/mixed/*`, /x86_64 \(mixed\/1\), arm64 \(mixed\/2\)/],
      ['newest:canonical/x', /12 digits/],
      ['ubuntu', /12 digits/],
    ])('%s is an error', async (baseAmi, message) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      const { exitCode, annotations } = await run(workspace, { 'base-ami': baseAmi }, bases.environment)
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
    })

    test.each([hclTemplate(), 'json'])('must be declared by the template', async content => {
      const json = JSON.stringify({ builders: [{ type: 'amazon-ebs' }] })
      const file = content === 'json' ? 'ami.json' : 'app.pkr.hcl'
      using workspace = makeWorkspace({ [`ami/${file}`]: content === 'json' ? json : content })
      const inputs = { 'packer-template': `ami/${file}`, 'base-ami': SOURCE_IMAGE.ami_id }
      const { exitCode, annotations } = await run(workspace, inputs)
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([{ level: 'error', message: expect.stringMatching(/^base-ami: .*base_ami/) }])
    })
  })

  describe('variables', () => {
    const declared = 'variable "value" {}\nvariable "other" { default = "default" }\n'
    const template = `${declared}${hclTemplate('tags = { value = var.value, other = var.other }')}`

    test.each([
      ['plain=a=b', 'plain=a=b'],
      ['quotes', `"double" 'single' \`back\` $HOME $(id) \${x}`],
      ['UTF-8', 'größe ✓ 漢字'],
      ['blanks', '  kept  '],
    ])('reach the image unchanged: %s', async (_, value) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      const { exitCode, outputs, log } = await run(workspace, { 'packer-vars': `value=${value}` })
      expect(exitCode, log).toBe(0)
      const image = (await ec2.inventory()).images.find(({ ImageId }) => ImageId === outputs.ami_id)
      expect(image?.Tags).toContainEqual({ Key: 'value', Value: value })
    })

    test('reach the template unchanged when they have several lines or 100 KB', async () => {
      const measure = 'tags = { value = length(var.value), other = md5(var.other) }'
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': `${declared}${hclTemplate(measure)}` })
      const long = 'x'.repeat(100_000)
      const { exitCode, log } = await run(workspace, { 'packer-vars': `value=${long}\nother<<END\na\n\nb=c\nEND\n` })
      expect(exitCode, log).toBe(0)
      const [image] = (await ec2.inventory()).images.filter(({ Tags }) => Tags?.some(({ Key }) => Key === 'other'))
      expect(image?.Tags).toContainEqual({ Key: 'value', Value: '100000' })
      expect(image?.Tags).toContainEqual({ Key: 'other', Value: createHash('md5').update('a\n\nb=c').digest('hex') })
    })

    test('files and -only are handed over', async () => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template, 'vars/a.pkrvars.hcl': 'value = "from file"\n' })
      const { exitCode, outputs, log } = await run(workspace, {
        'packer-var-files': 'vars/a.pkrvars.hcl',
        'packer-only': 'amazon-ebs.app',
      })
      expect(exitCode, log).toBe(0)
      const image = (await ec2.inventory()).images.find(({ ImageId }) => ImageId === outputs.ami_id)
      expect(image?.Tags).toContainEqual({ Key: 'value', Value: 'from file' })
    })

    test.each([
      ['secret', /^packer-vars: line 1 .*form name=value/],
      ['value=1\n\n2value=secret', /^packer-vars: line 3 .*valid variable name/],
      ['=secret', /^packer-vars: line 1 .*valid variable name/],
      ['value=1\nvalue=secret', /^packer-vars: line 2 sets value again/],
      ['aws_region=secret', /^packer-vars: line 1 sets aws_region/],
      ['value<<END\nsecret', /^packer-vars: line 1 begins/],
      ['undeclared=secret', /^packer-vars: .*does not declare the variable undeclared/],
    ])('%j is an error that does not show the value', async (value, message) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      const { exitCode, annotations, log } = await run(workspace, { 'packer-vars': value })
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
      expect(log).not.toContain('secret')
      expect((await ec2.inventory()).keyPairs).toEqual([])
    })
  })

  describe('why it bakes', () => {
    test('is said for a changed file, with the commit and what Git knows', async () => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'ami/app.conf': 'one' })
      const git = (...args: string[]) =>
        execFileSync('git', args, { cwd: workspace.directory, encoding: 'utf8' }).trim()
      git('init', '--quiet')
      git('add', '.')
      git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message=test')
      const commit = git('rev-parse', 'HEAD')
      await run(workspace, {}, { GITHUB_SHA: commit })
      workspace.write({ 'ami/app.conf': 'two' })
      const { log, summary } = await run(workspace)
      expect(log).toContain(`of commit ${commit.slice(0, 10)}, these have changed: files.\n  M ami/app.conf`)
      expect(summary).toContain('M ami/app.conf')
    })

    test('is said for a new base image and for a changed variable', async () => {
      const template = `variable "base_ami" { default = "" }\nvariable "size" {}\n${hclTemplate()}`
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      await run(workspace, { 'packer-vars': 'size=1' })
      const inputs = { 'packer-vars': 'size=2', 'base-ami': SOURCE_IMAGE.ami_id, 'on-miss': 'skip' }
      expect((await run(workspace, inputs)).log).toContain('these have changed: vars, base-ami (new).')
    })

    test('is one more request, and none on a hit', async () => {
      await using proxy = await startProxy(ec2)
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      await run(workspace, { 'on-miss': 'skip' }, proxy.environment)
      expect(proxy.requests).toHaveLength(2)
      await run(workspace)
      proxy.requests.length = 0
      await run(workspace, {}, proxy.environment)
      expect(proxy.requests).toHaveLength(1)
    })
  })

  test('a deprecated image is a hit with a warning, and a miss when there is a greatest age', async () => {
    await using proxy = await startProxy(ec2)
    const image = '<imageId>ami-55555555555555555</imageId><imageState>available</imageState><name>old</name>'
    const dates =
      '<creationDate>2026-01-01T00:00:00.000Z</creationDate><deprecationTime>2026-02-01T00:00:00.000Z</deprecationTime>'
    const item = `<item>${image}${dates}${HAS_CHECKSUM}</item>`
    proxy.fail({ action: 'DescribeImages', answer: imagesAnswer(item) })
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const hit = await run(workspace, { 'on-miss': 'skip' }, proxy.environment)
    expect(hit.outputs).toMatchObject({ ami_id: 'ami-55555555555555555', cache_hit: 'true' })
    expect(hit.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('deprecated') }])
    const miss = await run(workspace, { 'on-miss': 'skip', 'max-age-days': '36500' }, proxy.environment)
    expect(miss.outputs.cache_hit).toBe('false')
  })
})
