import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { checksumTagOf, errorsOf, findAsOldTool, runSub } from '../support/lifecycle.ts'
import { canSetScene, INPUTS, setScene } from '../support/scene.ts'
import { selfTaggingTemplate } from '../support/workspace.ts'

describe.skipIf(!canSetScene)('a template that uses config_checksum', () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  const inputs = { ...INPUTS, candidate: 'true' }

  test('to tag its image itself never makes a candidate a hit, until it is published', async () => {
    await using scene = await setScene(moto, selfTaggingTemplate())
    const { ec2 } = scene
    const { outputs, log } = await scene.start({ inputs }).ended
    const { ami_id: id = '', ami_config_checksum: checksum = '', state } = outputs
    expect(state, log).toBe('candidate')
    const values = ec2.requests.flatMap(({ parameters }) => [...parameters.values()])
    expect(values).toContain(`candidate:${checksum}`)
    const tagged = ec2.requests.filter(({ action }) => action !== 'DescribeImages')
    expect(tagged.filter(({ parameters }) => [...parameters.values()].includes(checksum))).toEqual([])
    expect(await findAsOldTool(ec2, checksum)).toEqual([])
    const published = await runSub('publish', ec2, { 'ami-id': id, 'ami-config-checksum': checksum })
    expect(published.exitCode, published.log).toBe(0)
    expect(await checksumTagOf(ec2, id)).toBe(checksum)
    const hit = await scene.start({ inputs: INPUTS }).ended
    expect(hit.outputs, hit.log).toMatchObject({ ami_id: id, cache_hit: 'true', state: 'published' })
  })

  test('in the name of its image can’t bake a candidate, and the error says why', async () => {
    const template = selfTaggingTemplate().replace(/ami_name += .*/, `ami_name = "app-\${var.config_checksum}"`)
    await using scene = await setScene(moto, template)
    const run = await scene.start({ inputs }).ended
    expect(run.exitCode).toBe(1)
    expect(errorsOf(run)).toMatch(/candidate/)
    expect((await scene.ec2.inventory()).images).toEqual([])
  })
})
