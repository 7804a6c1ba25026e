import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateImageCommand,
  CreateKeyPairCommand,
  CreateTagsCommand,
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from './support/ec2.ts'
import { FAILING_AFTERWARDS, vanish } from './support/interruption.ts'
import type { Fault, FaultyEc2 } from './support/proxy.ts'
import { cancel, type Running } from './support/runner.ts'
import { INPUTS, type Scene, setScene, takeStock } from './support/scene.ts'
import { hasTools } from './support/tools.ts'
import { hclTemplate, selfTaggingTemplate, withSteps } from './support/workspace.ts'

const NOTHING = { instances: [], keyPairs: [], securityGroups: [] }
const TEMPLATE_DIGEST = createHash('sha1').update('ami/app.pkr.hcl').digest('hex').slice(0, 8)
const SLOW_BUILD = 'if [ "$1" = build ]; then sleep 3; fi'
const HOLDER = 'https://github.com/example/other/actions/runs/1/attempts/1'

describe.skipIf(!hasTools('moto_server', 'packer', 'packer_plugins'))('the lease', () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  /** A step whose waits are this part of what they are. */
  function start(scene: Scene, scale: number, inputs: Record<string, string> = {}): Running {
    const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: String(scale) }
    return scene.start({ inputs: { ...INPUTS, ...inputs }, env })
  }

  async function leaseName(scene: Scene): Promise<string> {
    const { outputs } = await start(scene, 1, { 'on-miss': 'skip' }).ended
    return `ami-bakery-${outputs.ami_config_checksum}-${TEMPLATE_DIGEST}`
  }

  /** A lease of another run, which nobody renews. */
  async function plantLease(ec2: FaultyEc2, KeyName: string, tags: Record<string, string> = {}): Promise<string> {
    const Tags = Object.entries({ ami_bakery_run: HOLDER, ...tags }).map(([Key, Value]) => ({ Key, Value }))
    const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags }]
    const { KeyPairId = '' } = await ec2.client().send(new CreateKeyPairCommand({ KeyName, TagSpecifications }))
    return KeyPairId
  }

  async function findLeases(ec2: FaultyEc2): Promise<string[]> {
    return (await ec2.inventory()).keyPairs.filter(name => name.startsWith('ami-bakery-'))
  }

  function count({ requests }: FaultyEc2, action: string): number {
    return requests.filter(request => request.action === action).length
  }

  test('eight runs at once bake one image and hand on the same id', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const runs = await Promise.all(Array.from({ length: 8 }, () => start(scene, 0.5).ended))
    for (const run of runs) expect(run.exitCode, run.log).toBe(0)
    expect(count(scene.ec2, 'CreateImage')).toBe(1)
    expect(new Set(runs.map(({ outputs }) => outputs.ami_id)).size).toBe(1)
    expect(runs.filter(({ outputs }) => outputs.cache_hit === 'false')).toHaveLength(1)
    expect(runs.flatMap(({ annotations }) => annotations)).toEqual([])
    for (const { log } of runs) expect(log).not.toContain('PRIVATE KEY')
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({
      ...NOTHING,
      images: [runs[0]?.outputs.ami_config_checksum],
    })
  })

  test.each(['RunInstances', 'CreateImage'])(
    'when the one that bakes vanishes after %s, one of the others bakes',
    async action => {
      await using scene = await setScene(moto, hclTemplate())
      scene.ec2.slowImages(3_000)
      const running = Array.from({ length: 4 }, () => start(scene, 0.05))
      await scene.ec2.asked(action)
      await sleep(500)
      const [leader] = running.filter(one => one.log().includes('Packer: build'))
      if (!leader) throw new Error('Nobody bakes.')
      await vanish(leader, scene)
      const runs = await Promise.all(running.filter(one => one !== leader).map(({ ended }) => ended))
      for (const run of runs) expect(run.exitCode, run.log).toBe(0)
      expect(new Set(runs.map(({ outputs }) => outputs.ami_id)).size).toBe(1)
      expect(count(scene.ec2, 'RunInstances')).toBe(2)
      expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({
        ...NOTHING,
        images: [runs[0]?.outputs.ami_config_checksum],
      })
    },
    120_000,
  )

  test('what a vanished run has left is removed by the next one that bakes', async () => {
    await using scene = await setScene(moto, hclTemplate())
    scene.ec2.slowImages(3_000)
    const first = start(scene, 0.05)
    await scene.ec2.asked('CreateImage')
    await sleep(500)
    await vanish(first, scene)
    const left = await takeStock(scene.ec2, 'us-east-1')
    expect([left.instances, left.securityGroups, left.keyPairs].map(({ length }) => length)).toEqual([1, 1, 2])

    const { exitCode, log, outputs, annotations } = await start(scene, 0.05).ended
    expect(exitCode, log).toBe(0)
    expect(annotations).toEqual([])
    expect(log).toContain('has not given a sign of life')
    expect(log).toContain(`Terminating ${left.instances[0]}`)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ ...NOTHING, images: [outputs.ami_config_checksum] })
  })

  test('a lease of any checksum that has been dead for a day is buried by the next one that bakes', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const KeyName = `packer_${crypto.randomUUID()}`
    await scene.ec2.client().send(new CreateKeyPairCommand({ KeyName }))
    const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, KeyName }
    await scene.ec2.client().send(new RunInstancesCommand(launch))
    const dead = `ami-bakery-${'0'.repeat(40)}-00000000`
    const tags = { ami_bakery_key_pairs: `${KeyName} default`, ami_bakery_launching: 'true', ami_bakery_counter: '3' }
    await plantLease(scene.ec2, dead, tags)
    const early = await start(scene, 0.1).ended
    expect(early.exitCode, early.log).toBe(0)
    expect(await findLeases(scene.ec2)).toEqual([dead])

    const later = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*864e5}'
    const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.1', NODE_OPTIONS: `--import=${later}` }
    scene.workspace.write({ 'ami/more': 'more' })
    const late = await scene.start({ env }).ended
    expect(late.exitCode, late.log).toBe(0)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject(NOTHING)
  })

  test('that is dead takes no image with it which its owner has finished after all', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const dead = 'f'.repeat(40)
    const KeyName = `packer_${crypto.randomUUID()}`
    const tags = { ami_bakery_key_pairs: KeyName, ami_bakery_launching: 'true', ami_bakery_counter: '3' }
    await plantLease(scene.ec2, `ami-bakery-${dead}-00000000`, tags)
    const client = scene.ec2.client()
    await client.send(new CreateKeyPairCommand({ KeyName }))
    const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, KeyName }
    const { Instances = [] } = await client.send(new RunInstancesCommand(launch))
    const make = async (Name: string, tags: Record<string, string>) => {
      const { ImageId = '' } = await client.send(new CreateImageCommand({ InstanceId: Instances[0]?.InstanceId, Name }))
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
      if (Tags.length > 0) await client.send(new CreateTagsCommand({ Resources: [ImageId], Tags }))
    }
    await make('finished', { ami_config_checksum: dead, ami_bakery_baked_at: new Date().toISOString() })
    await make('tagged by its template', { ami_config_checksum: dead })
    await make('unfinished', {})

    const later = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*864e5}'
    const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.1', NODE_OPTIONS: `--import=${later}` }
    const { exitCode, log, outputs } = await scene.start({ env }).ended
    expect(exitCode, log).toBe(0)
    const { images, ...rest } = await takeStock(scene.ec2, 'us-east-1')
    expect([...images].sort(), log).toEqual([dead, `failed:${dead}`, outputs.ami_config_checksum].sort())
    expect(rest).toMatchObject(NOTHING)
  })

  const troubles: readonly (readonly [string, Fault])[] = [
    ['ec2:DescribeKeyPairs', { action: 'DescribeKeyPairs', error: 'UnauthorizedOperation' }],
    ['ec2:CreateKeyPair', { action: 'CreateKeyPair', times: 1, error: 'UnauthorizedOperation' }],
    ['ec2:CreateKeyPair', { action: 'CreateKeyPair', times: 1, error: 'TagPolicyViolation' }],
    ['ec2:CreateKeyPair', { action: 'CreateKeyPair', times: 1, error: 'KeyPairLimitExceeded' }],
    ['ec2:CreateTags', { action: 'CreateTags', times: 1, error: 'UnauthorizedOperation' }],
    ['ec2:DescribeKeyPairs', { action: 'DescribeKeyPairs', answer: '', isMalformed: true }],
  ]
  test.each(troubles)('is one warning when %s goes wrong, and the bake goes on: %j', async (permission, fault) => {
    await using scene = await setScene(moto, hclTemplate())
    scene.ec2.fail(fault)
    const { exitCode, log, annotations, outputs } = await start(scene, 0.2).ended
    expect(exitCode, log).toBe(0)
    expect(annotations).toEqual([{ level: 'warning', message: expect.stringContaining(permission) }])
    scene.ec2.mend()
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ ...NOTHING, images: [outputs.ami_config_checksum] })
  })

  test('is taken when the answer that gave it was lost', async () => {
    await using scene = await setScene(moto, hclTemplate())
    scene.ec2.fail({ action: 'CreateKeyPair', times: 1, lost: true })
    const { exitCode, log, annotations } = await start(scene, 1).ended
    expect(exitCode, log).toBe(0)
    expect(annotations).toEqual([])
    expect(log).not.toContain('bakes this checksum')
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject(NOTHING)
  })

  test('may be removed by a janitor: the image is taken all the same', async () => {
    await using scene = await setScene(moto, hclTemplate(), SLOW_BUILD)
    const running = start(scene, 1)
    await running.printed(/Packer: build/)
    for (const KeyName of await findLeases(scene.ec2)) {
      await scene.ec2.client().send(new DeleteKeyPairCommand({ KeyName }))
    }
    const { exitCode, log, outputs } = await running.ended
    expect(exitCode, log).toBe(0)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ ...NOTHING, images: [outputs.ami_config_checksum] })
  })

  test.each([hclTemplate(), selfTaggingTemplate()])(
    'may be lost to another run that was faster: its image is taken, ours goes',
    async template => {
      await using scene = await setScene(moto, template)
      const name = await leaseName(scene)
      const [, , checksum = ''] = name.split('-')
      scene.ec2.slowImages(2_000)
      const running = start(scene, 1)
      await scene.ec2.asked('CreateImage')
      await scene.ec2.client().send(new DeleteKeyPairCommand({ KeyName: name }))
      await plantLease(scene.ec2, name)
      // The newest image counts, and ours is asked for already.
      await sleep(1_100)
      const other = await scene.ec2.makeImage({ ami_config_checksum: checksum })
      const { exitCode, log, outputs } = await running.ended
      expect(exitCode, log).toBe(0)
      expect(outputs).toMatchObject({ ami_id: other, cache_hit: 'false' })
      const { images, ...rest } = await takeStock(scene.ec2, 'us-east-1')
      expect(images.filter(value => value === checksum)).toHaveLength(1)
      expect(rest).toMatchObject({ ...NOTHING, keyPairs: [name] })
    },
  )

  test('is not asked for when wait-for-other-bakes is 0, nor on a hit', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const { exitCode, log } = await start(scene, 1, { 'wait-for-other-bakes': '0' }).ended
    expect(exitCode, log).toBe(0)
    await start(scene, 1).ended
    const ours = scene.ec2.requests.filter(({ agent }) => agent.includes('ami-bakery'))
    expect(ours.filter(({ action }) => action.includes('KeyPair'))).toEqual([])
  })

  test('is free at once when a bake fails, and the next one bakes', async () => {
    const failOnce =
      'if [ "$1" = build ] && mkdir "$(dirname "$0")/failed" 2> /dev/null; then sleep 3; echo no >&2; exit 1; fi'
    await using scene = await setScene(moto, hclTemplate(), failOnce)
    const runs = await Promise.all([start(scene, 0.2).ended, start(scene, 0.2).ended])
    const log = runs.map(run => run.log).join('\n')
    expect(runs.map(({ exitCode }) => exitCode).sort(), log).toEqual([0, 1])
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject(NOTHING)
  })

  test('is waited for no longer than wanted, and the message names who has it', async () => {
    await using scene = await setScene(moto, hclTemplate())
    await plantLease(scene.ec2, await leaseName(scene))
    const { exitCode, annotations, log } = await start(scene, 0.1, { 'wait-for-other-bakes': '0.5' }).ended
    expect(exitCode, log).toBe(1)
    const said = `^wait-for-other-bakes: after 0.5 minutes ${HOLDER} still bakes .*more than 5 minutes tell whether`
    const message = expect.stringMatching(new RegExp(said))
    expect(annotations).toEqual([{ level: 'error', message }])
    expect(log).toMatch(new RegExp(`Waiting: ${HOLDER} bakes this checksum since \\d{4}-`))
    expect(count(scene.ec2, 'RunInstances')).toBe(0)
    expect(await findLeases(scene.ec2)).toHaveLength(1)
  })

  test('is waited for with ten requests a minute at most, and the waiting ends at once on a cancel', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const name = await leaseName(scene)
    const id = await plantLease(scene.ec2, name)
    const running = start(scene, 0.1)
    await running.printed(/Waiting/)
    scene.ec2.requests.length = 0
    await sleep(12_000)
    const asked = scene.ec2.requests.map(({ action }) => action)
    expect(new Set(asked)).toEqual(new Set(['DescribeKeyPairs', 'DescribeImages']))
    expect(asked.length).toBeGreaterThan(10)
    expect(asked.length).toBeLessThanOrEqual(20)
    const begun = performance.now()
    running.process.kill('SIGINT')
    expect((await running.ended).exitCode).toBe(1)
    expect(performance.now() - begun).toBeLessThan(2_000)
    await running.post()
    const { KeyPairs } = await scene.ec2.client().send(new DescribeKeyPairsCommand({}))
    expect(KeyPairs?.map(({ KeyPairId }) => KeyPairId)).toEqual([id])
  })

  test('is respected as long as it is renewed, by the tags alone', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const name = await leaseName(scene)
    const id = await plantLease(scene.ec2, name)
    const running = start(scene, 0.02)
    for (let counter = 1; counter < 10; counter++) {
      await sleep(1_500)
      const Tags = [{ Key: 'ami_bakery_counter', Value: String(counter) }]
      await scene.ec2.client().send(new CreateTagsCommand({ Resources: [id], Tags }))
    }
    expect(running.process.exitCode).toBe(null)
    const image = await scene.ec2.makeImage({ ami_config_checksum: name.split('-')[2] ?? '' })
    const { exitCode, outputs, log } = await running.ended
    expect(exitCode, log).toBe(0)
    expect(outputs).toMatchObject({ ami_id: image, cache_hit: 'true' })
    expect(await findLeases(scene.ec2)).toEqual([name])
  })

  test('with force-bake who has waited takes the image that is newer than itself', async () => {
    await using scene = await setScene(moto, hclTemplate(), SLOW_BUILD)
    await start(scene, 1).ended
    const runs = await Promise.all([1, 2, 3].map(() => start(scene, 0.2, { 'force-bake': 'true' }).ended))
    for (const run of runs) expect(run.exitCode, run.log).toBe(0)
    expect(new Set(runs.map(({ outputs }) => outputs.ami_id)).size).toBe(1)
    expect(count(scene.ec2, 'CreateImage')).toBe(2)
  })

  test('is given back first of all by post when the step was killed', async () => {
    await using scene = await setScene(moto, hclTemplate())
    scene.ec2.slowImages(3_000)
    const running = start(scene, 1)
    await scene.ec2.asked('CreateImage')
    running.process.kill('SIGKILL')
    await running.ended
    expect(await findLeases(scene.ec2)).toHaveLength(1)
    scene.ec2.requests.length = 0
    const { log } = await running.post()
    const ours = scene.ec2.requests.filter(
      ({ agent, action }) => agent.includes('ami-bakery') && !/^Describe/.test(action),
    )
    expect(ours[0]?.parameters.get('KeyPairId'), log).toMatch(/^key-/)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ ...NOTHING, images: [] })
  })

  test('is given back no sooner than the image of a failed bake is no hit any more', async () => {
    await using scene = await setScene(moto, withSteps(selfTaggingTemplate(), ...FAILING_AFTERWARDS))
    const { exitCode, log } = await start(scene, 0.2).ended
    expect(exitCode, log).toBe(1)
    const told = scene.ec2.requests.map(({ parameters }) => [...parameters].join(' '))
    const marked = told.findIndex(request => request.includes('Value,failed:'))
    const given = told.findIndex(request => /^Action,DeleteKeyPair\b.* KeyPairId,/.test(request))
    expect(marked).toBeGreaterThan(0)
    expect(given).toBeGreaterThan(marked)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({
      ...NOTHING,
      images: [expect.stringMatching(/^failed:/)],
    })
  })

  const silences = [
    ['is settled', 'DescribeKeyPairs', []],
    ['is given back', 'DeleteKeyPair', [expect.stringMatching(/^[0-9a-f]{40}$/)]],
  ] as const
  test.each(silences)('keeps no cancelled step when EC2 is silent while it %s', async (_, action, images) => {
    await using scene = await setScene(moto, hclTemplate())
    const running = start(scene, 1)
    await running.printed(/Packer: build/)
    scene.ec2.fail({ action, about: /^(KeyPairId=key-|Filter\.1\.Value\.1=ami-bakery-)/, hang: true })
    scene.ec2.requests.length = 0
    // Packer deletes its own key pair first.
    await scene.ec2.asked(action, action === 'DeleteKeyPair' ? 2 : 1)
    const begun = performance.now()
    const run = await cancel(running)
    // The runner's SIGTERM would come after 7.5 s.
    expect(performance.now() - begun, run.log).toBeLessThan(7_000)
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringMatching(/^Cancelled by SIGINT/) }])
    expect([run.exitCode, run.outputs.ami_id]).toEqual([1, undefined])
    scene.ec2.mend()
    const post = await running.post()
    expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
    expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toMatchObject({ ...NOTHING, images })
  })

  test('is given back by post when the step was killed after the image was accepted, and the image stays', async () => {
    await using scene = await setScene(moto, hclTemplate())
    // Packer deletes its own key pair first.
    scene.ec2.fail({ action: 'DeleteKeyPair', after: 1, hang: true })
    const running = start(scene, 1)
    await scene.ec2.asked('DeleteKeyPair', 2)
    running.process.kill('SIGKILL')
    await running.ended
    scene.ec2.mend()
    const { log } = await running.post()
    const stock = await takeStock(scene.ec2, 'us-east-1')
    expect(stock, log).toMatchObject({ ...NOTHING, images: [expect.stringMatching(/^[0-9a-f]{40}$/)] })
  })
})
