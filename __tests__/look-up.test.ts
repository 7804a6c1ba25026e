import { afterEach, describe, expect, test } from 'vitest'
import { ACCOUNT, type Ec2Server, type FirstImage, startEc2 } from './support/ec2.ts'
import { type Run, runAction } from './support/runner.ts'
import { hasTools } from './support/tools.ts'
import { hclTemplate, makeWorkspace } from './support/workspace.ts'

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
    expect(run.outputs).toEqual({ ami_config_checksum: CHECKSUM, cache_hit: 'false' })
    expect(run.annotations.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', message: expect.stringContaining('packer') },
    ])
    expect(run.exitCode).toBe(1)
  }

  test('takes the newest of several images', async () => {
    const run = await lookUp(
      image(1, { creation_date: '2026-03-01T00:00:00.000Z' }),
      image(2, { creation_date: '2026-03-03T00:00:00.000Z' }),
      image(3, { creation_date: '2026-03-02T00:00:00.000Z' }),
    )
    expect(run.outputs).toMatchObject({ ami_id: `ami-${'2'.repeat(17)}`, cache_hit: 'true' })
    expect(run.outputs).toMatchObject({ ami_name: 'image 2', ami_creation_date: expect.stringContaining('2026-03-03') })
  })

  test('decides between images of the same second by their ids', async () => {
    const run = await lookUp(image(1, {}), image(3, {}), image(2, {}))
    expect(run.outputs.ami_id).toBe(`ami-${'3'.repeat(17)}`)
  })

  test('does not take an image of another owner', async () => {
    expectMiss(await lookUp(image(1, { owner_id: '999999999999' })))
  })

  test.each(['pending', 'failed'] as const)('does not take an image that is %s', async state => {
    expectMiss(await lookUp(image(1, { state })))
  })

  test('does not take an image with another checksum', async () => {
    expectMiss(await lookUp(image(1, { tags: { ami_config_checksum: CHECKSUM.toUpperCase() } })))
  })

  test('passes over an image of another template, with a notice', async () => {
    const run = await lookUp(image(1, { tags: { ami_bakery_template: 'other.pkr.hcl' } }))
    expectMiss(run)
    expect(run.annotations).toContainEqual({ level: 'notice', message: expect.stringContaining('other.pkr.hcl') })
  })

  test('takes an image of the same template', async () => {
    const run = await lookUp(image(1, { tags: { ami_bakery_template: 'app.pkr.hcl' } }))
    expect(run.outputs.cache_hit).toBe('true')
  })

  test('warns that the template lies outside the definition', async () => {
    const run = await lookUp(image(1, {}))
    expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('app.pkr.hcl') }])
  })
})
