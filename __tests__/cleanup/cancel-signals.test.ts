import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identify } from '../../src/runner/process.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { kill, WAITING } from '../support/interruption.ts'
import { cancel, type Running, startPlainly } from '../support/runner.ts'
import { canSetScene, NOTHING, processesIn, type Scene, setScene, takeStock } from '../support/scene.ts'
import { hclTemplate, selfTaggingTemplate, withSteps } from '../support/workspace.ts'

let moto: Ec2Server

describe.skipIf(!canSetScene)('signals and post', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  describe('cancel before Packer builds', () => {
    test.for(['DescribeImages', 'DescribeSecurityGroups'])(
      'a step that is cancelled before Packer builds ends at once, while EC2 does not answer %s',
      async action => {
        await using scene = await setScene(moto, hclTemplate())
        scene.ec2.fail({ action, hang: true })
        const running = scene.start()
        await scene.ec2.asked(action)
        await expectEarlyEnd(running, scene)
      },
    )

    test.for(['version', 'init', 'inspect', 'validate'])(
      'a step that is cancelled before Packer builds ends at once, during packer %s',
      async command => {
        const hang = `if [ "$1" = ${command} ]; then touch "$0-is-running"; exec sleep 20; fi`
        await using scene = await setScene(moto, hclTemplate(), hang)
        const running = scene.start()
        while (!scene.workspace.has('bin/packer-is-running')) await sleep(5)
        await expectEarlyEnd(running, scene)
      },
    )
  })

  test('Packer gets one SIGTERM of many signals, and no SIGINT', async () => {
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
    'outside GitHub the step cleans up before it ends after %s',
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

  test('post sends no request after a clean bake or a hit', async () => {
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

  test('post removes what Packer’s output names when the step was killed before it saved Packer’s process id', async () => {
    await using scene = await setScene(moto, withSteps(hclTemplate(), WAITING))
    const running = scene.start()
    await running.printed(/waiting/)
    await kill(running)
    const packer = await scene.packer()
    const [directory = ''] = fs.readdirSync(running.temp).filter(name => name.startsWith('ami-bakery-'))
    const file = path.join(running.temp, directory, 'bake.json')
    const entry = JSON.parse(fs.readFileSync(file, 'utf8'))
    expect(entry.phase).toMatchObject({ name: 'building', build: { packer: { pid: packer } } })
    fs.writeFileSync(file, JSON.stringify({ ...entry, phase: { name: 'preparing' } }))
    const post = await running.post()
    process.kill(-packer, 'SIGKILL')
    expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
    expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
  })

  describe('untrusted state', () => {
    const identity = { region: 'us-east-1', checksum: 'a'.repeat(40), startedAt: '2026-01-01T00:00:00.000Z' }
    const entry = { ...identity, phase: { name: 'preparing' } }
    /** If post accepts an entry, it kills `main`: the victim shows that it does not. */
    const building = (packer: unknown) => ({ ...identity, phase: { name: 'building', build: { packer } } })
    const verified = (main: Victim, images?: unknown) => ({
      ...identity,
      main,
      phase: { name: 'verified', build: {}, ...(images !== undefined && { images }) },
    })
    const cases: readonly (readonly [string, (victim: Victim) => unknown, 'elsewhere'?])[] = [
      ['outside the runner’s directory', victim => ({ ...building(victim), main: victim }), 'elsewhere'],
      ['with another process under the process id of Packer', victim => building({ ...victim, started: '1' })],
      [
        'with another process under the process id of the step',
        victim => ({ ...entry, main: { ...victim, started: '1' } }),
      ],
      ['with a negative process id', victim => ({ ...building({ ...victim, pid: -victim.pid }), main: victim })],
      ['without a process id', victim => ({ ...building({ pid: 'all', started: {} }), main: victim })],
      ['with an invalid template', victim => ({ ...entry, main: victim, template: {} })],
      ['with an invalid repository', victim => ({ ...entry, main: victim, repository: ['all'] })],
      ['without the start of the bake', victim => ({ ...entry, main: victim, startedAt: undefined })],
      ['without a phase', victim => ({ ...identity, main: victim })],
      ['with an unknown phase', victim => ({ ...identity, main: victim, phase: { name: 'leasing', build: {} } })],
      ['with a build that is missing', victim => ({ ...identity, main: victim, phase: { name: 'building' } })],
      ['with an invalid image', victim => verified(victim, [{ region: 'us-east-1', id: 'i-0123456789abcdef0' }])],
      ['with an invalid region', victim => verified(victim, [{ region: 'a.example/', id: 'ami-0123456789abcdef0' }])],
      ['with an empty image', victim => verified(victim, [null])],
      ['with images that are missing', victim => verified(victim)],
      ['that is an empty object', () => ({})],
      ['that is null', () => null],
      ['that is not JSON', () => Symbol('junk')],
    ]
    test.for(cases)('post ignores a journal %s', async ([, poison, place]) => {
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

    test.for(['', 'nonsense', '/', '/etc', '../..'])('post ignores the state %j, which is no journal', async state => {
      await using scene = await setScene(moto, hclTemplate())
      const running = scene.start({ inputs: {} })
      await running.ended
      const post = await running.post({ STATE_bake: state })
      expect([post.exitCode, post.log]).toEqual([0, ''])
    })
  })
})

/** A `packer` that logs the signals that it gets, and runs for eight seconds. */
const DEAF_PACKER = `
if [ "$1" = build ]; then
  trap 'echo SIGTERM >> "$0.signals"' TERM
  trap 'echo SIGINT >> "$0.signals"' INT
  echo $$ > "$(dirname "$0")/pid"
  for turn in $(seq 80); do sleep 0.1; done
  exit 1
fi`

async function expectEarlyEnd(running: Running, scene: Scene): Promise<void> {
  const startedAt = performance.now()
  const run = await cancel(running)
  // The runner's SIGTERM would come after 7.5 s.
  expect(performance.now() - startedAt, run.log).toBeLessThan(7_000)
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

/** A process of another program, in its own process group. */
function startVictim(): { id: Victim; process: ChildProcess; [Symbol.dispose](): void } {
  const victim = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  const id = identify(victim.pid ?? 0)
  if (!id) throw new Error('The victim did not start.')
  return { id, process: victim, [Symbol.dispose]: () => void victim.kill() }
}
