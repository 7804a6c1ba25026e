import fs from 'node:fs'
import path from 'node:path'
import { CreateTagsCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { packerEnvironment } from '../support/packer.ts'
import { runAction, startPlainly } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, jsonTemplate, makeWorkspace } from '../support/workspace.ts'

/** A build block that changes a file of the definition while it runs. */
const changingBuild = `
build {
  sources = ["source.amazon-ebs.app"]
  post-processor "shell-local" { inline = ["echo changed >> ami/app.conf"] }
}
`

describe.skipIf(!hasTools('moto_server', 'packer', 'packer_plugins'))('a step of the action', () => {
  let ec2: Ec2Server
  let env: Record<string, string>

  beforeAll(async () => {
    ec2 = await startEc2()
    env = { ...ec2.environment, ...packerEnvironment() }
  })
  beforeEach(() => ec2.reset())
  afterAll(() => ec2.stop())

  const inputs = {
    'packer-template': 'ami/app.pkr.hcl',
    'ami-definition-dirs': 'ami',
    'aws-region': 'us-east-1',
  }

  test('a step bakes on a miss, tags the image and sets its id as output', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'ami/app.conf': 'port=80\n' })
    const run = await runAction({ workspace: workspace.directory, inputs, env })

    expect(run.exitCode, run.log).toBe(0)
    const [image, ...others] = (await ec2.inventory()).images
    expect(others).toEqual([])
    const tags = Object.fromEntries((image?.Tags ?? []).map(({ Key, Value }) => [Key, Value]))
    expect(tags).toEqual({
      ami_config_checksum: run.outputs.ami_config_checksum,
      ami_bakery_template: 'ami/app.pkr.hcl',
      ami_bakery_baked_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      ami_bakery_ingredients: `files=${run.outputs.ami_config_checksum?.slice(0, 10)}`,
      ami_bakery_repository: 'example/app',
      ami_bakery_commit: '3b18e512dba79e4c8300dd08aeb37f8e728b8dad',
      ami_bakery_run: 'https://github.com/example/app/actions/runs/4711/attempts/1',
    })
    expect(run.outputs).toEqual({
      ami_id: image?.ImageId,
      ami_config_checksum: expect.stringMatching(/^[0-9a-f]{40}$/),
      cache_hit: 'false',
      last_ami_id: '',
      state: 'published',
      ami_ids: JSON.stringify({ 'us-east-1': image?.ImageId }),
      ami_name: image?.Name,
      ami_creation_date: image?.CreationDate,
    })
    expect(workspace.read('ami/.ami_id.json')).toBe(`{"ami_id": "${image?.ImageId}"}`)
    expect(run.summary).toContain(image?.ImageId)
    expect(run.annotations).toEqual([])
  })

  test('the next run finds the image without Packer on PATH and has the same outputs', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'ami/app.conf': 'port=80\n' })
    const first = await runAction({ workspace: workspace.directory, inputs, env })
    const second = await runAction({ workspace: workspace.directory, inputs, env: { ...env, PATH: '/nowhere' } })

    expect(second.exitCode, second.log).toBe(0)
    expect(second.outputs).toEqual({ ...first.outputs, cache_hit: 'true' })
    expect((await ec2.inventory()).images).toHaveLength(1)
  })

  test('a step bakes again when one byte of the definition has changed', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'ami/app.conf': 'port=80\n' })
    const first = await runAction({ workspace: workspace.directory, inputs, env })
    workspace.write({ 'ami/app.conf': 'port=81\n' })
    const second = await runAction({ workspace: workspace.directory, inputs, env })

    expect(second.outputs.cache_hit, second.log).toBe('false')
    expect(second.outputs.ami_id).not.toBe(first.outputs.ami_id)
    expect(workspace.read('ami/.ami_id.json')).toContain(second.outputs.ami_id)
  })

  test('a bake leaves only the image and its snapshot on EC2', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    await runAction({ workspace: workspace.directory, inputs, env })
    const { images, snapshots, ...rest } = await ec2.inventory()
    expect([images.length, snapshots.length]).toEqual([1, 1])
    expect(rest).toEqual({ instances: [], keyPairs: [], securityGroups: [] })
  })

  test('an image that a legacy JSON template has tagged itself is a hit', async () => {
    using workspace = makeWorkspace({ 'ami/ami.json': jsonTemplate(), 'ami/app.conf': 'port=80\n' })
    const legacy = { ...inputs, 'packer-template': 'ami/ami.json' }
    const first = await runAction({ workspace: workspace.directory, inputs: legacy, env })
    expect(first.exitCode, first.log).toBe(0)
    expect(first.outputs.cache_hit).toBe('false')
    const second = await runAction({ workspace: workspace.directory, inputs: legacy, env })
    expect(second.outputs).toEqual({ ...first.outputs, cache_hit: 'true' })
  })

  test('a step bakes a directory of HCL2 files', async () => {
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate(),
      'ami/more.pkr.hcl': 'variable "config_checksum" {}',
    })
    const run = await runAction({
      workspace: workspace.directory,
      inputs: { ...inputs, 'packer-template': 'ami' },
      env,
    })
    expect(run.exitCode, run.log).toBe(0)
    expect(workspace.read('ami/.ami_id.json')).toContain(run.outputs.ami_id)
  })

  test('subnet and checksum are passed to a template that declares them', async () => {
    const declared = 'variable "aws_subnet_id" {}\nvariable "config_checksum" {}\n'
    const tagged = 'tags = { sum = var.config_checksum, subnet = var.aws_subnet_id }'
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': declared + hclTemplate(tagged) })
    const run = await runAction({
      workspace: workspace.directory,
      inputs: { ...inputs, 'aws-subnet-id': 'subnet-1' },
      env,
    })
    expect(run.exitCode, run.log).toBe(0)
    expect((await ec2.inventory()).images[0]?.Tags).toEqual(
      expect.arrayContaining([
        { Key: 'sum', Value: run.outputs.ami_config_checksum },
        { Key: 'subnet', Value: 'subnet-1' },
      ]),
    )
  })

  test('the action works outside GitHub with only the environment variables of the Docker image', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const started = startPlainly(workspace.directory, {
      ...env,
      PACKER_JSON_PATH: 'ami/app.pkr.hcl',
      AMI_DEFINITION_DIRS: `${workspace.directory}/ami`,
      AWS_DEFAULT_REGION: 'us-east-1',
    })
    const run = await started.ended
    expect(run.exitCode, run.log).toBe(0)
    const image = (await ec2.inventory()).images[0]
    expect(workspace.read('ami/.ami_id.json')).toBe(`{"ami_id": "${image?.ImageId}"}`)
    expect(run.log).toContain(`ami_id=${image?.ImageId}\n`)
    expect(run.log).not.toMatch(/^::/m)
  })

  test.each(['it\'s a "quoted" $(name)', 'spaced  out; name', '-dash ünïcode'])(
    'a step bakes in the path %s',
    async name => {
      using workspace = makeWorkspace({ [`${name}/a.pkr.hcl`]: hclTemplate() }, name)
      const given = { ...inputs, 'packer-template': `${name}/a.pkr.hcl`, 'ami-definition-dirs': name }
      const run = await runAction({ workspace: workspace.directory, inputs: given, env })
      expect(run.exitCode, run.log).toBe(0)
      expect(workspace.read(`${name}/.ami_id.json`)).toContain(run.outputs.ami_id)
    },
  )

  test('two templates that share a definition never get each other’s image', async () => {
    using workspace = makeWorkspace({ 'ami/one.pkr.hcl': hclTemplate(), 'ami/two.pkr.hcl': hclTemplate() })
    const one = { ...inputs, 'packer-template': 'ami/one.pkr.hcl' }
    const two = { ...inputs, 'packer-template': 'ami/two.pkr.hcl' }
    const first = await runAction({ workspace: workspace.directory, inputs: one, env })
    const second = await runAction({ workspace: workspace.directory, inputs: two, env })
    expect(second.outputs.cache_hit).toBe('false')
    expect(second.annotations).toEqual([{ level: 'notice', message: expect.stringContaining('ami/one.pkr.hcl') }])
    const again = await runAction({ workspace: workspace.directory, inputs: one, env })
    expect(again.outputs).toMatchObject({ ami_id: first.outputs.ami_id, cache_hit: 'true' })
  })

  test('a step fails when the definition changes during the bake, and the image is not a later hit', async () => {
    const template = hclTemplate().replace(/build .*/, changingBuild)
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template, 'ami/app.conf': 'port=80\n' })
    const given = { ...inputs, 'working-directory': '.' }
    const run = await runAction({ workspace: workspace.directory, inputs: given, env })
    expect(run.exitCode, run.log).toBe(1)
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringContaining('ami/app.conf') }])
    expect(run.outputs).not.toHaveProperty('ami_id')
    expect(workspace.has('ami/.ami_id.json')).toBe(false)
  })

  test('a bake that fails removes the JSON file of an earlier run', async () => {
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate('nonsense = true'),
      'ami/.ami_id.json': '{"ami_id": "ami-00000000"}',
    })
    const run = await runAction({ workspace: workspace.directory, inputs, env })
    expect(run.exitCode).toBe(1)
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringContaining('nonsense') }])
    expect(fs.readdirSync(path.join(workspace.directory, 'ami'))).toEqual(['app.pkr.hcl'])
  })

  test('an image that was tagged by hand with another checksum is not found', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const first = await runAction({ workspace: workspace.directory, inputs, env })
    const Tags = [{ Key: 'ami_config_checksum', Value: 'f'.repeat(40) }]
    await ec2.client().send(new CreateTagsCommand({ Resources: [first.outputs.ami_id ?? ''], Tags }))
    const second = await runAction({ workspace: workspace.directory, inputs, env })
    expect(second.outputs.cache_hit).toBe('false')
  })
})
