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
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { FAILING_AFTERWARDS, vanish } from '../support/interruption.ts'
import type { Fault, FaultyEc2 } from '../support/proxy.ts'
import { cancel, type Running } from '../support/runner.ts'
import { INPUTS, type Scene, setScene, takeStock } from '../support/scene.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, selfTaggingTemplate, withSteps } from '../support/workspace.ts'

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

  /** Starts a step whose waits are scaled by this factor. */
  function start(scene: Scene, scale: number, inputs: Record<string, string> = {}): Running {
    const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: String(scale) }
    return scene.start({ inputs: { ...INPUTS, ...inputs }, env })
  }

  async function leaseName(scene: Scene): Promise<string> {
    const { outputs } = await start(scene, 1, { 'on-miss': 'skip' }).ended
    return `ami-bakery-${outputs.ami_config_checksum}-${TEMPLATE_DIGEST}`
  }

  /** Creates a lease of another run without a heartbeat. */
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

  test('eight runs at once bake one image and return the same id', async () => {
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
    'when the run that bakes vanishes after %s, one of the waiting runs bakes',
    async action => {
      await using scene = await setScene(moto, hclTemplate())
      scene.ec2.slowImages(3_000)
      const running = Array.from({ length: 4 }, () => start(scene, 0.05))
      await scene.ec2.asked(action)
      await sleep(500)
      const [leader] = running.filter(one => one.log().includes('Packer: build'))
      if (!leader) throw new Error('No run bakes.')
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

  test('the next run that bakes removes what a vanished run has left', async () => {
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
    expect(log).toMatch(/No heartbeat from .* for 5 minutes; removing its stale lease key-/)
    expect(log).toContain(`Terminating ${left.instances[0]}`)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ ...NOTHING, images: [outputs.ami_config_checksum] })
  })

  test('the next run that bakes removes a lease of any checksum that has had no heartbeat for a day', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const KeyName = `packer_${crypto.randomUUID()}`
    await scene.ec2.client().send(new CreateKeyPairCommand({ KeyName }))
    const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, KeyName }
    await scene.ec2.client().send(new RunInstancesCommand(launch))
    const expired = `ami-bakery-${'0'.repeat(40)}-00000000`
    const tags = { ami_bakery_key_pairs: `${KeyName} default`, ami_bakery_launching: 'true', ami_bakery_counter: '3' }
    await plantLease(scene.ec2, expired, tags)
    const early = await start(scene, 0.1).ended
    expect(early.exitCode, early.log).toBe(0)
    expect(await findLeases(scene.ec2)).toEqual([expired])

    const later = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*864e5}'
    const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.1', NODE_OPTIONS: `--import=${later}` }
    scene.workspace.write({ 'ami/more': 'more' })
    const late = await scene.start({ env }).ended
    expect(late.exitCode, late.log).toBe(0)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject(NOTHING)
  })

  test('the removal of an expired lease removes no image that its owner has finished', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const checksum = 'f'.repeat(40)
    const KeyName = `packer_${crypto.randomUUID()}`
    const tags = { ami_bakery_key_pairs: KeyName, ami_bakery_launching: 'true', ami_bakery_counter: '3' }
    await plantLease(scene.ec2, `ami-bakery-${checksum}-00000000`, tags)
    const client = scene.ec2.client()
    await client.send(new CreateKeyPairCommand({ KeyName }))
    const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, KeyName }
    const { Instances = [] } = await client.send(new RunInstancesCommand(launch))
    const make = async (Name: string, tags: Record<string, string>) => {
      const { ImageId = '' } = await client.send(new CreateImageCommand({ InstanceId: Instances[0]?.InstanceId, Name }))
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
      if (Tags.length > 0) await client.send(new CreateTagsCommand({ Resources: [ImageId], Tags }))
    }
    await make('finished', { ami_config_checksum: checksum, ami_bakery_baked_at: new Date().toISOString() })
    await make('tagged by its template', { ami_config_checksum: checksum })
    await make('unfinished', {})

    const later = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*864e5}'
    const env = { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.1', NODE_OPTIONS: `--import=${later}` }
    const { exitCode, log, outputs } = await scene.start({ env }).ended
    expect(exitCode, log).toBe(0)
    const { images, ...rest } = await takeStock(scene.ec2, 'us-east-1')
    expect([...images].sort(), log).toEqual([checksum, `failed:${checksum}`, outputs.ami_config_checksum].sort())
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
  test.each(troubles)(
    'a bake goes on without a lease, with one warning, when %s fails: %j',
    async (permission, fault) => {
      await using scene = await setScene(moto, hclTemplate())
      scene.ec2.fail(fault)
      const { exitCode, log, annotations, outputs } = await start(scene, 0.2).ended
      expect(exitCode, log).toBe(0)
      expect(annotations).toEqual([{ level: 'warning', message: expect.stringContaining(permission) }])
      scene.ec2.mend()
      expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({
        ...NOTHING,
        images: [outputs.ami_config_checksum],
      })
    },
  )

  test('a lease is acquired when the response to its creation was lost', async () => {
    await using scene = await setScene(moto, hclTemplate())
    scene.ec2.fail({ action: 'CreateKeyPair', times: 1, lost: true })
    const { exitCode, log, annotations } = await start(scene, 1).ended
    expect(exitCode, log).toBe(0)
    expect(annotations).toEqual([])
    expect(log).not.toContain('baking this checksum')
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject(NOTHING)
  })

  test('an image is kept when something deletes the lease during the bake', async () => {
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
    'a run that lost its lease to a faster run uses the image of that run and removes its own',
    async template => {
      await using scene = await setScene(moto, template)
      const name = await leaseName(scene)
      const [, , checksum = ''] = name.split('-')
      scene.ec2.slowImages(2_000)
      const running = start(scene, 1)
      await scene.ec2.asked('CreateImage')
      await scene.ec2.client().send(new DeleteKeyPairCommand({ KeyName: name }))
      await plantLease(scene.ec2, name)
      // The newest image is the hit, and this run's own has been requested already.
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

  test('no lease is requested when wait-for-other-bakes is 0, nor on a hit', async () => {
    await using scene = await setScene(moto, hclTemplate())
    const { exitCode, log } = await start(scene, 1, { 'wait-for-other-bakes': '0' }).ended
    expect(exitCode, log).toBe(0)
    await start(scene, 1).ended
    const ours = scene.ec2.requests.filter(({ agent }) => agent.includes('ami-bakery'))
    expect(ours.filter(({ action }) => action.includes('KeyPair'))).toEqual([])
  })

  test('a bake that fails releases its lease, and the waiting run bakes', async () => {
    const failOnce =
      'if [ "$1" = build ] && mkdir "$(dirname "$0")/failed" 2> /dev/null; then sleep 3; echo no >&2; exit 1; fi'
    await using scene = await setScene(moto, hclTemplate(), failOnce)
    const runs = await Promise.all([start(scene, 0.2).ended, start(scene, 0.2).ended])
    const log = runs.map(run => run.log).join('\n')
    expect(runs.map(({ exitCode }) => exitCode).sort(), log).toEqual([0, 1])
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject(NOTHING)
  })

  test('the wait for a lease ends after wait-for-other-bakes minutes, and the error names the run that holds it', async () => {
    await using scene = await setScene(moto, hclTemplate())
    await plantLease(scene.ec2, await leaseName(scene))
    const { exitCode, annotations, log } = await start(scene, 0.1, { 'wait-for-other-bakes': '0.5' }).ended
    expect(exitCode, log).toBe(1)
    const said = `^wait-for-other-bakes: After 0.5 minutes ${HOLDER} is still baking this checksum\\. .*a stale lease is removed after 5 minutes`
    const message = expect.stringMatching(new RegExp(said))
    expect(annotations).toEqual([{ level: 'error', message }])
    expect(log).toMatch(new RegExp(`Waiting: ${HOLDER} has been baking this checksum since \\d{4}-`))
    expect(count(scene.ec2, 'RunInstances')).toBe(0)
    expect(await findLeases(scene.ec2)).toHaveLength(1)
  })

  test('a waiting run sends ten requests a minute at most, and ends at once on a cancel', async () => {
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

  test('a lease with a heartbeat is not removed, and the waiting run uses the image of its holder', async () => {
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

  test('with force-bake a run that has waited uses an image that is newer than itself', async () => {
    await using scene = await setScene(moto, hclTemplate(), SLOW_BUILD)
    await start(scene, 1).ended
    const runs = await Promise.all([1, 2, 3].map(() => start(scene, 0.2, { 'force-bake': 'true' }).ended))
    for (const run of runs) expect(run.exitCode, run.log).toBe(0)
    expect(new Set(runs.map(({ outputs }) => outputs.ami_id)).size).toBe(1)
    expect(count(scene.ec2, 'CreateImage')).toBe(2)
  })

  test('post releases the lease before all other clean-up when the step was killed', async () => {
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
      ({ agent, action }) => agent.includes('ami-bakery') && !/^(Describe|Get)/.test(action),
    )
    expect(ours[0]?.parameters.get('KeyPairId'), log).toMatch(/^key-/)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ ...NOTHING, images: [] })
  })

  test('a failed bake releases the lease only after its image is no longer a hit', async () => {
    await using scene = await setScene(moto, withSteps(selfTaggingTemplate(), ...FAILING_AFTERWARDS))
    const { exitCode, log } = await start(scene, 0.2).ended
    expect(exitCode, log).toBe(1)
    const sent = scene.ec2.requests.map(({ parameters }) => [...parameters].join(' '))
    const marked = sent.findIndex(request => request.includes('Value,failed:'))
    const released = sent.findIndex(request => /^Action,DeleteKeyPair\b.* KeyPairId,/.test(request))
    expect(marked).toBeGreaterThan(0)
    expect(released).toBeGreaterThan(marked)
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({
      ...NOTHING,
      images: [expect.stringMatching(/^failed:/)],
    })
  })

  const silences = [
    ['confirms the ownership of its lease', 'DescribeKeyPairs', []],
    ['releases its lease', 'DeleteKeyPair', [expect.stringMatching(/^[0-9a-f]{40}$/)]],
  ] as const
  test.each(silences)(
    'a cancelled step ends at once although EC2 does not answer while the step %s',
    async (_, action, images) => {
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
    },
  )

  test('post releases the lease and keeps the image when the step was killed after the image was verified', async () => {
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
