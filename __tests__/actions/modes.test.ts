import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { ACCOUNT, type Ec2Server, type FirstImage, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { packerEnvironment } from '../support/packer.ts'
import { startProxy } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { HAS_CHECKSUM } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace, type Workspace } from '../support/workspace.ts'

const DAY = 24 * 60 * 60 * 1000
const INPUTS = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }

describe.skipIf(!hasTools('moto_server', 'packer', 'packer_plugins'))('a step', () => {
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

  /** Adds an image that the look-up of this workspace finds, baked this number of days ago. */
  async function plantImage(workspace: Workspace, days: number): Promise<string> {
    const { outputs } = await run(workspace, { 'on-miss': 'skip', 'max-age-days': '0' })
    const baked = new Date(Date.now() - days * DAY).toISOString()
    return await ec2.makeImage({ ami_config_checksum: outputs.ami_config_checksum ?? '', ami_bakery_baked_at: baked })
  }

  describe('with a miss', () => {
    test('and on-miss skip succeeds with an empty id, without Packer, and writes no file', async () => {
      using workspace = makeWorkspace({
        'ami/app.pkr.hcl': hclTemplate(),
        'ami/.ami_id.json': '{"ami_id": "ami-00000000"}',
      })
      const { exitCode, outputs, log } = await run(workspace, { 'on-miss': 'skip' }, { PATH: '/nowhere' })
      expect(exitCode, log).toBe(0)
      expect(outputs).toEqual({
        ami_id: '',
        cache_hit: 'false',
        last_ami_id: '',
        state: '',
        ami_config_checksum: expect.stringMatching(/^[0-9a-f]{40}$/),
      })
      expect(workspace.has('ami/.ami_id.json')).toBe(false)
    })

    test('and on-miss fail is an error that names the checksum', async () => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      const { exitCode, outputs, annotations } = await run(workspace, { 'on-miss': 'fail' }, { PATH: '/nowhere' })
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([
        { level: 'error', message: expect.stringContaining(outputs.ami_config_checksum ?? '-') },
      ])
      expect(outputs).not.toHaveProperty('ami_id')
    })

    test('and on-miss skip needs only the permission ec2:DescribeImages', async () => {
      await using proxy = await startProxy(ec2)
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      await run(workspace, { 'on-miss': 'skip' }, { ...proxy.environment })
      expect(new Set(proxy.requests.map(({ action }) => action))).toEqual(new Set(['DescribeImages']))
    })
  })

  // on-miss, force-bake and max-age-days in all combinations, with an image that is 10 days old.
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
  test.each(table)(
    'with on-miss %s, force-bake %s and max-age-days %j has this result: %s',
    async (onMiss, force, age, expected) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      const old = await plantImage(workspace, 10)
      const { exitCode, outputs } = await run(workspace, {
        'on-miss': onMiss,
        'force-bake': force,
        'max-age-days': age,
      })
      expect(exitCode).toBe(expected === 'fail' ? 1 : 0)
      expect(outputs.cache_hit).toBe(String(expected === 'hit'))
      if (expected === 'hit') expect(outputs.ami_id).toBe(old)
      if (expected === 'bake') expect(outputs.ami_id).toMatch(/^ami-/)
      if (expected === 'bake') expect(outputs.ami_id).not.toBe(old)
      if (expected === 'bake')
        expect((await run(workspace, { 'max-age-days': '5' })).outputs.ami_id).toBe(outputs.ami_id)
      if (expected === 'skip') expect(outputs.ami_id).toBe('')
      if (expected === 'fail') expect(outputs).not.toHaveProperty('ami_id')
    },
  )

  describe('with base-ami', () => {
    const template = `variable "base_ami" {}\n${hclTemplate().replace(/"ami-[^"]*"/, 'var.base_ami')}`
    let bases: Ec2Server
    // A separate server that is never reset: moto can't read the dates of its images twice.
    beforeAll(async () => {
      bases = await startEc2(
        base({ ami_id: 'ami-11111111111111111', name: 'base/x86/1', creation_date: '2026-01-01T00:00:00.000Z' }),
        base({ ami_id: 'ami-22222222222222222', name: 'base/x86/2', creation_date: '2026-02-01T00:00:00.000Z' }),
        base({
          ami_id: 'ami-55555555555555555',
          name: 'base/x86/3',
          creation_date: '2026-03-01T00:00:00.000Z',
          root_device_type: 'instance-store',
        }),
        base({ ami_id: 'ami-33333333333333333', name: 'mixed/1' }),
        base({ ami_id: 'ami-44444444444444444', name: 'mixed/2', architecture: 'arm64' }),
      )
    })
    afterAll(() => bases.stop())

    function base(image: Omit<FirstImage, 'owner_id'>): FirstImage {
      return { owner_id: ACCOUNT, ...image }
    }

    test('finds the base image by owner and pattern, includes it in the checksum, passes it to Packer and tags it', async () => {
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
    ])('fails for %s, with the reason', async (baseAmi, message) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      const { exitCode, annotations } = await run(workspace, { 'base-ami': baseAmi }, bases.environment)
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
    })

    test.each([
      ['app.pkr.hcl', hclTemplate()],
      ['ami.json', JSON.stringify({ builders: [{ type: 'amazon-ebs' }] })],
    ])('fails if the template %s does not declare the variable base_ami', async (file, content) => {
      using workspace = makeWorkspace({ [`ami/${file}`]: content })
      const inputs = { 'packer-template': `ami/${file}`, 'base-ami': SOURCE_IMAGE.ami_id }
      const { exitCode, annotations } = await run(workspace, inputs)
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([{ level: 'error', message: expect.stringMatching(/^base-ami: .*base_ami/) }])
    })
  })

  describe('with variables', () => {
    const declared = 'variable "value" {}\nvariable "other" { default = "default" }\n'
    const template = `${declared}${hclTemplate('tags = { value = var.value, other = var.other }')}`

    test.each([
      ['plain=a=b', 'plain=a=b'],
      ['quotes', `"double" 'single' \`back\` $HOME $(id) \${x}`],
      ['UTF-8', 'größe ✓ 漢字'],
      ['blanks', '  kept  '],
    ])('passes their values to Packer unchanged: %s', async (_, value) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      const { exitCode, outputs, log } = await run(workspace, { 'packer-vars': `value=${value}` })
      expect(exitCode, log).toBe(0)
      const image = (await ec2.inventory()).images.find(({ ImageId }) => ImageId === outputs.ami_id)
      expect(image?.Tags).toContainEqual({ Key: 'value', Value: value })
    })

    test('passes values of several lines and of 100 KB to Packer unchanged', async () => {
      const measure = 'tags = { value = length(var.value), other = md5(var.other) }'
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': `${declared}${hclTemplate(measure)}` })
      const long = 'x'.repeat(100_000)
      const { exitCode, log } = await run(workspace, { 'packer-vars': `value=${long}\nother<<END\na\n\nb=c\nEND\n` })
      expect(exitCode, log).toBe(0)
      const [image] = (await ec2.inventory()).images.filter(({ Tags }) => Tags?.some(({ Key }) => Key === 'other'))
      expect(image?.Tags).toContainEqual({ Key: 'value', Value: '100000' })
      expect(image?.Tags).toContainEqual({ Key: 'other', Value: createHash('md5').update('a\n\nb=c').digest('hex') })
    })

    test('passes variable files and packer-only to Packer', async () => {
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
    ])('fails for packer-vars %j, and does not show the value', async (value, message) => {
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
      const { exitCode, annotations, log } = await run(workspace, { 'packer-vars': value })
      expect(exitCode).toBe(1)
      expect(annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
      expect(log).not.toContain('secret')
      expect((await ec2.inventory()).keyPairs).toEqual([])
    })
  })

  describe('that explains a miss', () => {
    test('names the commit of the newest image and the changed files', async () => {
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

    test('names a new base image and a changed variable', async () => {
      const template = `variable "base_ami" { default = "" }\nvariable "size" {}\n${hclTemplate()}`
      using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template })
      await run(workspace, { 'packer-vars': 'size=1' })
      const inputs = { 'packer-vars': 'size=2', 'base-ami': SOURCE_IMAGE.ami_id, 'on-miss': 'skip' }
      expect((await run(workspace, inputs)).log).toContain('these have changed: vars, base-ami (new).')
    })

    test('sends one more request, and none for a hit', async () => {
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

  test('has a hit with a warning for a deprecated image, and a miss with max-age-days', async () => {
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
