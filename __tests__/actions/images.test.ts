import type { Tag } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { startProxy } from '../support/proxy.ts'
import { runAction, startPlainly } from '../support/runner.ts'
import { canSetScene, setScene } from '../support/scene.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const FILE = `defaults: { aws-region: us-east-1, tags: { team: web, cost: "a = b" } }
images:
  web: { packer-template: ami/app.pkr.hcl, ami-definition-dirs: ami, regions: [eu-west-1] }
`

function tagsOf(tags: readonly Tag[] = []): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]))
}

describe.skipIf(!canSetScene)('an image of the images file', () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  test('an image of the images file is baked, tagged with its name, and copied, all with the tags of the file from creation on', async () => {
    await using scene = await setScene(moto, hclTemplate())
    scene.workspace.write({ 'ami-bakery.yml': FILE })
    const run = await scene.start({ inputs: { image: 'web' } }).ended
    expect(run.exitCode, run.log).toBe(0)
    const { images } = await scene.ec2.inventory()
    expect(tagsOf(images[0]?.Tags)).toMatchObject({ team: 'web', cost: 'a = b', ami_bakery_image_name: 'web' })
    const copies = await scene.ec2.inventory('eu-west-1')
    expect(tagsOf(copies.images[0]?.Tags)).toMatchObject({ team: 'web', cost: 'a = b', ami_bakery_image_name: 'web' })
    for (const action of ['CreateKeyPair', 'CopyImage']) {
      const request = scene.ec2.requests.find(
        ({ action: asked, agent }) => asked === action && agent.includes('ami-bakery'),
      )
      expect([...(request?.parameters.values() ?? [])], action).toEqual(expect.arrayContaining(['team', 'a = b']))
    }
    expect(scene.workspace.read('ami/.ami_id.json')).toBe(`{"ami_id": "${run.outputs.ami_id}"}`)
  })
})

describe.skipIf(!hasTools('moto_server'))('the output last_ami_id', () => {
  test('last_ami_id is the newest published image on a miss, also when the step fails, and empty on a hit', async () => {
    await using moto = await startEc2()
    await using ec2 = await startProxy(moto)
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const inputs = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }
    const run = async (onMiss: string) =>
      await runAction({
        workspace: workspace.directory,
        inputs: { ...inputs, 'on-miss': onMiss },
        env: ec2.environment,
      })
    expect((await run('skip')).outputs).toMatchObject({ last_ami_id: '', ami_id: '' })
    const template = { ami_bakery_template: 'ami/app.pkr.hcl' }
    const last = await ec2.makeImage({ ...template, ami_config_checksum: '1'.repeat(40) })
    await ec2.makeImage({ ...template, ami_config_checksum: `failed:${'2'.repeat(40)}` })
    expect((await run('skip')).outputs).toMatchObject({ last_ami_id: last, ami_id: '' })
    const failed = await run('fail')
    expect(failed.outputs).toMatchObject({ last_ami_id: last })
    expect(failed.outputs).not.toHaveProperty('ami_id')
    const hit = await ec2.makeImage({ ami_config_checksum: failed.outputs.ami_config_checksum ?? '' })
    expect((await run('fail')).outputs).toMatchObject({ last_ami_id: '', ami_id: hit })
  })

  test('last_ami_id is not empty when a region that lacks the image makes it a miss', async () => {
    await using moto = await startEc2()
    await using ec2 = await startProxy(moto)
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'ami-bakery.yml': FILE })
    const run = async (onMiss: string) =>
      await runAction({
        workspace: workspace.directory,
        inputs: { image: 'web', 'on-miss': onMiss },
        env: ec2.environment,
      })
    const { ami_config_checksum = '' } = (await run('skip')).outputs
    const tags = { ami_config_checksum, ami_bakery_template: 'ami/app.pkr.hcl', ami_bakery_image_name: 'web' }
    const image = await ec2.makeImage(tags)
    expect((await run('skip')).outputs).toMatchObject({ last_ami_id: image, ami_id: '', cache_hit: 'false' })
    const failed = await run('fail')
    expect(failed.outputs).toMatchObject({ last_ami_id: image, cache_hit: 'false' })
    expect(failed.outputs).not.toHaveProperty('ami_id')
  })

  test('last_ami_id is an image of the checksum that is too old, even if no tag names its line', async () => {
    await using moto = await startEc2()
    await using ec2 = await startProxy(moto)
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const inputs = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }
    const run = async () =>
      await runAction({
        workspace: workspace.directory,
        inputs: { ...inputs, 'on-miss': 'skip', 'max-age-days': '30' },
        env: ec2.environment,
      })
    const { ami_config_checksum = '' } = (await run()).outputs
    const old = { ami_config_checksum, ami_bakery_baked_at: '2020-01-01T00:00:00Z' }
    await ec2.makeImage({ ...old, ami_bakery_template: 'other/app.pkr.hcl' })
    await ec2.makeImage({ ...old, ami_bakery_revoked: 'boots badly' })
    expect((await run()).outputs).toMatchObject({ ami_id: '', last_ami_id: '' })
    const last = await ec2.makeImage(old)
    expect((await run()).outputs).toMatchObject({ ami_id: '', last_ami_id: last })
  })

  test('last_ami_id is never an image of another name, even if both have the same template', async () => {
    await using moto = await startEc2()
    await using ec2 = await startProxy(moto)
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'ami-bakery.yml': FILE })
    const run = async (inputs: Record<string, string>) =>
      await runAction({
        workspace: workspace.directory,
        inputs: { 'on-miss': 'skip', ...inputs },
        env: ec2.environment,
      })
    const plain = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }
    const template = { ami_bakery_template: 'ami/app.pkr.hcl' }
    await ec2.makeImage({ ...template, ami_bakery_image_name: 'worker', ami_config_checksum: '1'.repeat(40) })
    for (const inputs of [{ image: 'web' }, plain]) {
      expect((await run(inputs)).outputs).toMatchObject({ last_ami_id: '', ami_id: '' })
    }
    const earlier = await ec2.makeImage({ ...template, ami_config_checksum: '2'.repeat(40) })
    for (const inputs of [{ image: 'web' }, plain]) {
      expect((await run(inputs)).outputs).toMatchObject({ last_ami_id: earlier })
    }
  })
})

describe.skipIf(!hasTools('moto_server'))('outside GitHub', () => {
  test('outside GitHub arguments are the inputs, and an unknown one is an error that lists them', async () => {
    await using moto = await startEc2()
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const env = { ...moto.environment, AWS_REGION: 'us-east-1', PACKER_JSON_PATH: 'nowhere' }
    const args = ['packer-template=ami/app.pkr.hcl', 'ami-definition-dirs=ami', 'on-miss=skip']
    const run = await startPlainly(workspace.directory, env, args).ended
    expect(run.exitCode, run.log).toBe(0)
    expect(run.log).toContain('cache_hit=false')
    const wrong = await startPlainly(workspace.directory, env, ['--help']).ended
    expect(wrong.exitCode).toBe(1)
    expect(wrong.log).toContain('Error: "--help" is not an argument. Write name=value with one of packer-template,')
  })
})
