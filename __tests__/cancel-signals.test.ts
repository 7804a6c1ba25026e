import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identify } from '../src/runner/process.ts'
import { type Ec2Server, startEc2 } from './support/ec2.ts'
import { kill, WAITING } from './support/interruption.ts'
import { cancel, type Running, startPlainly } from './support/runner.ts'
import { canSetScene, NOTHING, processesIn, type Scene, setScene, takeStock } from './support/scene.ts'
import { hclTemplate, selfTaggingTemplate, withSteps } from './support/workspace.ts'

let moto: Ec2Server

describe.skipIf(!canSetScene)('signals and post', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  describe('cancelled before Packer builds, the step ends within a second', () => {
    test.for(['DescribeImages', 'DescribeSecurityGroups'])('while EC2 does not answer %s', async action => {
      await using scene = await setScene(moto, hclTemplate())
      scene.ec2.fail({ action, hang: true })
      const running = scene.start()
      await scene.ec2.asked(action)
      await expectEarlyEnd(running, scene)
    })

    test.for(['version', 'init', 'inspect', 'validate'])('during packer %s', async command => {
      const hang = `if [ "$1" = ${command} ]; then touch "$0-is-at-it"; exec sleep 20; fi`
      await using scene = await setScene(moto, hclTemplate(), hang)
      const running = scene.start()
      while (!scene.workspace.has('bin/packer-is-at-it')) await sleep(5)
      await expectEarlyEnd(running, scene)
    })
  })

  test('of many signals Packer gets one SIGTERM, and SIGINT never', async () => {
    await using scene = await setScene(moto, hclTemplate(), DEAF_PACKER)
    const running = scene.start()
    await scene.packer()
    await sleep(200)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT', 'SIGTERM'] as const) {
      running.process.kill(signal)
      await sleep(300)
    }
    const run = await running.ended
    const post = await running.post()
    expect(run.exitCode, run.log).toBe(1)
    expect(post.exitCode, post.log).toBe(0)
    expect(scene.workspace.read('bin/packer.signals')).toBe('SIGTERM\n')
  })

  test.for(['SIGTERM', 'SIGINT'] as const)(
    'outside GitHub everything is cleaned up before %s ends it',
    async signal => {
      await using scene = await setScene(moto, selfTaggingTemplate())
      scene.ec2.slowTermination(2_000)
      const running = startPlainly(scene.workspace.directory, {
        ...scene.env,
        PACKER_JSON_PATH: 'ami/app.pkr.hcl',
        AMI_DEFINITION_DIRS: 'ami',
        AWS_REGION: 'us-east-1',
      })
      await running.printed(/Terminating the source/)
      running.process.kill(signal)
      const run = await running.ended
      expect(run.exitCode, run.log).toBe(1)
      expect(run.log).toMatch(new RegExp(`^Error: Cancelled by ${signal}`, 'm'))
      const { images, snapshots, ...rest } = await takeStock(scene.ec2, 'us-east-1')
      expect(rest, run.log).toEqual({ instances: [], keyPairs: [], securityGroups: [] })
      expect([images, snapshots.length]).toEqual([[expect.stringMatching(/^failed:/)], 1])
      expect(processesIn(await scene.packer())).toEqual([])
      expect(fs.readdirSync(running.temp)).toEqual([])
      expect(scene.workspace.has('ami/.ami_id.json')).toBe(false)
    },
  )

  test('post asks AWS nothing after a clean bake, nor after a hit', async () => {
    await using scene = await setScene(moto, hclTemplate())
    for (const hit of ['false', 'true']) {
      const running = scene.start()
      const run = await running.ended
      expect(run.outputs.cache_hit, run.log).toBe(hit)
      const before = scene.ec2.requests.length
      const post = await running.post()
      console.log(`post after ${hit === 'true' ? 'a hit' : 'a clean bake'}: ${post.seconds.toFixed(3)} s`)
      expect([post.exitCode, post.log, scene.ec2.requests.length - before]).toEqual([0, '', 0])
    }
  })

  test('post finds Packer when the step was killed before it could write down its number', async () => {
    await using scene = await setScene(moto, withSteps(hclTemplate(), WAITING))
    const running = scene.start()
    await running.printed(/waiting/)
    await kill(running)
    const [record = ''] = fs.readdirSync(running.temp).filter(name => name.startsWith('ami-bakery-'))
    const facts = path.join(running.temp, record, 'bake.json')
    const { packer, ...rest } = JSON.parse(fs.readFileSync(facts, 'utf8'))
    expect(packer.pid).toBe(await scene.packer())
    fs.writeFileSync(facts, JSON.stringify(rest))
    const post = await running.post()
    expect(post.log).toContain('Cleanly cancelled builds')
    expect(processesIn(packer.pid)).toEqual([])
    expect(await takeStock(scene.ec2, 'us-east-1')).toEqual(NOTHING)
  })

  describe('a poisoned state is harmless', () => {
    const facts = { region: 'us-east-1', checksum: 'a'.repeat(40), begun: '2026-01-01T00:00:00.000Z' }
    const cases: readonly (readonly [string, (victim: Victim) => unknown, 'elsewhere'?])[] = [
      ['a record outside the runner’s directory', victim => ({ ...facts, main: victim, packer: victim }), 'elsewhere'],
      ['another process with the number of Packer', victim => ({ ...facts, packer: { ...victim, started: '1' } })],
      ['another process with the number of the step', victim => ({ ...facts, main: { ...victim, started: '1' } })],
      ['a negative number', victim => ({ ...facts, packer: { ...victim, pid: -victim.pid } })],
      ['no number', () => ({ ...facts, packer: { pid: 'all', started: {} } })],
      ['a template that is none', () => ({ ...facts, template: {} })],
      ['a repository that is none', () => ({ ...facts, repository: ['all'] })],
      ['an image that is none', () => ({ ...facts, accepted: [{ region: 'us-east-1', id: 'i-0123456789abcdef0' }] })],
      [
        'a region that is none',
        () => ({ ...facts, accepted: [{ region: 'a.example/', id: 'ami-0123456789abcdef0' }] }),
      ],
      ['images that are none', () => ({ ...facts, accepted: [null] })],
      ['a record that says nothing', () => ({})],
      ['a record that is nothing', () => null],
      ['junk', () => Symbol('junk')],
    ]
    test.for(cases)('%s', async ([, poison, place]) => {
      await using scene = await setScene(moto, hclTemplate())
      using victim = startVictim()
      const running = scene.start({ inputs: {} })
      await running.ended
      const directory = path.join(place ? scene.workspace.directory : running.temp, 'ami-bakery-poisoned')
      fs.mkdirSync(directory)
      fs.writeFileSync(path.join(directory, 'bake.json'), JSON.stringify(poison(victim.id)) ?? '{"region": "us-ea')
      const post = await running.post({ STATE_bake: directory })
      expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
      expect(victim.process.exitCode ?? victim.process.signalCode).toBeNull()
      expect(scene.ec2.requests).toEqual([])
    })

    test.for(['', 'nonsense', '/', '/etc', '../..'])('%j instead of a record', async state => {
      await using scene = await setScene(moto, hclTemplate())
      const running = scene.start({ inputs: {} })
      await running.ended
      const post = await running.post({ STATE_bake: state })
      expect([post.exitCode, post.log]).toEqual([0, ''])
    })
  })
})

/** A `packer` that writes down the signals it gets, and goes on for eight seconds. */
const DEAF_PACKER = `
if [ "$1" = build ]; then
  trap 'echo SIGTERM >> "$0.signals"' TERM
  trap 'echo SIGINT >> "$0.signals"' INT
  echo $$ > "$(dirname "$0")/pid"
  for turn in $(seq 80); do sleep 0.1; done
  exit 1
fi`

async function expectEarlyEnd(running: Running, scene: Scene): Promise<void> {
  const begun = performance.now()
  const run = await cancel(running)
  // The runner's SIGTERM would come after 7.5 s.
  expect(performance.now() - begun, run.log).toBeLessThan(7_000)
  expect(run.exitCode, run.log).toBe(1)
  expect(run.annotations).toEqual([{ level: 'error', message: expect.stringContaining('Cancelled by SIGINT') }])
  expect(run.outputs).not.toHaveProperty('ami_id')
  expect(scene.workspace.has('ami/.ami_id.json')).toBe(false)
  expect(scene.workspace.has('bin/pid')).toBe(false)
  const post = await running.post()
  expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
  expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
}

type Victim = NonNullable<ReturnType<typeof identify>>

/** A process that nobody has any business with, in a group of its own. */
function startVictim(): { id: Victim; process: ChildProcess; [Symbol.dispose](): void } {
  const victim = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  const id = identify(victim.pid ?? 0)
  if (!id) throw new Error('The victim did not start.')
  return { id, process: victim, [Symbol.dispose]: () => void victim.kill() }
}
