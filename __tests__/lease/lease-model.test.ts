import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { FoundImage } from '../../src/ec2/images.ts'
import { HEARTBEAT_TAG } from '../../src/lease/acquire.ts'
import { type KeyPair, type KeyPairs, LeaseError, OWNER_TAG } from '../../src/lease/key-pairs.ts'
import { type Lease, makeLease } from '../../src/lease/lease.ts'
import { runExclusively } from '../../src/lease/with-lease.ts'
import { captureLog } from '../support/capture-log.ts'
import { makeDice } from '../support/definitions.ts'
import { describedImage } from '../support/described-image.ts'

/** A second takes two milliseconds in this file. The scale is used only with an endpoint on this machine. */
const SCALE = vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.002'
  process.env.AWS_ENDPOINT_URL_EC2 = 'http://127.0.0.1:9'
  return 0.002
})
const seconds = (count: number) => sleep(count * 1000 * SCALE)

captureLog()

type Dice = ReturnType<typeof makeDice>
const NAME = 'ami-bakery-model'

/** A model of EC2 for leases: names are unique, and a delete by an unknown id succeeds. */
interface World {
  readonly dice: Dice
  readonly pairs: Map<string, KeyPair>
  readonly bakes: { isActive(): boolean }[]
  image: FoundImage | undefined
  events: number
  /** The most bakes that ran at the same time, without those whose run or lease was disturbed. */
  most: number
  cleanUps: number
}

/** A run, which can be killed or suspended: its requests never end, or only after it resumes. */
interface Run {
  readonly owner: string
  isKilled: boolean
  isDisturbed: boolean
  suspended: Promise<unknown> | undefined
}

async function request<Answer>(world: World, actor: Run, effect: () => Answer): Promise<Answer> {
  await whileRunning(actor)
  await seconds(world.dice.below(4))
  const answer = effect()
  await seconds(world.dice.below(4))
  await whileRunning(actor)
  return answer
}

async function whileRunning(actor: Run): Promise<void> {
  await actor.suspended
  if (actor.isKilled) await new Promise(() => {})
}

let count = 0

function makeRun(): Run {
  return { owner: `owner-${++count}`, isKilled: false, isDisturbed: false, suspended: undefined }
}

function storeFor(world: World, actor: Run): KeyPairs {
  const { pairs, dice } = world
  const byId = (id: string) => [...pairs.values()].find(pair => pair.id === id)
  return {
    list: () => request(world, actor, () => [...pairs.values()]),
    create: async (name, tags) => {
      const id = await request(world, actor, () => {
        if (pairs.has(name)) return undefined
        const created = { id: `key-${++count}`, name, created: new Date(), tags }
        pairs.set(name, created)
        return created.id
      })
      // The answer is lost, and the SDK repeats the request.
      return dice.chance(0.15) ? undefined : id
    },
    tag: (id, tags) =>
      request(world, actor, () => {
        const pair = byId(id)
        if (!pair) throw new LeaseError('InvalidKeyPair.NotFound')
        pairs.set(pair.name, { ...pair, tags: new Map([...pair.tags, ...tags]) })
      }),
    remove: id =>
      request(world, actor, () => {
        const pair = byId(id)
        if (pair) pairs.delete(pair.name)
      }),
  }
}

async function bake(world: World, actor: Run, lease: Lease): Promise<FoundImage> {
  let isActive = true
  world.bakes.push({ isActive: () => isActive && !actor.isDisturbed })
  try {
    for (let left = 30 + world.dice.below(600); left > 0; left -= 10) {
      world.most = Math.max(world.most, world.bakes.filter(one => one.isActive()).length)
      await seconds(10)
      await whileRunning(actor)
    }
    if (world.dice.chance(0.1)) {
      world.events++
      throw new Error('The bake has failed.')
    }
    const isOurs = await lease.confirmOwnership()
    await whileRunning(actor)
    if (!isOurs && world.image) return world.image
    world.image = imageNamed(`ami-${world.bakes.length}`)
    return world.image
  } finally {
    isActive = false
  }
}

function imageNamed(id: string): FoundImage {
  const image = describedImage({ id, creationDate: '2026-01-01T00:00:00Z' })
  return { how: 'baked', state: 'published', image, ids: new Map() }
}

async function run(world: World, actor: Run, wantsNew = false): Promise<string> {
  const keyPairs = storeFor(world, actor)
  const lease = makeLease(keyPairs, () => {})
  const { owner } = actor
  const old = wantsNew ? world.image : undefined
  const leaseRequest = {
    keyPairs,
    name: NAME,
    tags: new Map([
      [OWNER_TAG, owner],
      [HEARTBEAT_TAG, '0'],
    ]),
    minutes: 600,
    pace: 'steady' as const,
    signal: undefined,
    lookUp: () => request(world, actor, () => (world.image === old ? undefined : world.image)),
    beforeCreate: () => lease.remember({ name: NAME, owner }),
    cleanUp: () => request(world, actor, () => void world.cleanUps++),
  }
  const { image } = await runExclusively(leaseRequest, lease, ours => bake(world, actor, ours))
  return image.id
}

async function disturb(world: World, actors: readonly Run[]): Promise<void> {
  const { dice, pairs } = world
  for (let left = 1 + dice.below(3); left > 0; left--) {
    await seconds(10 + dice.below(400))
    world.events++
    const actor = dice.pick(actors)
    const what = dice.pick(['kill', 'suspend', 'suspend shortly', 'delete lease'])
    const target =
      what === 'delete lease' ? actors.find(({ owner }) => pairs.get(NAME)?.tags.get(OWNER_TAG) === owner) : actor
    if (target) target.isDisturbed = true
    if (what === 'kill') actor.isKilled = true
    if (what === 'suspend') actor.suspended = seconds(300 + dice.below(600))
    if (what === 'suspend shortly') actor.suspended = seconds(dice.below(200))
    if (what === 'delete lease') pairs.delete(NAME)
  }
}

/** Starts some runs at about the same time, disturbs them, and starts a last one that removes what they left. */
async function play(seed: number): Promise<World> {
  const dice = makeDice(seed)
  const world: World = { dice, pairs: new Map(), bakes: [], image: undefined, events: 0, most: 0, cleanUps: 0 }
  const actors = Array.from({ length: 2 + dice.below(4) }, makeRun)
  const runs = actors.map(async actor => {
    await seconds(dice.below(60))
    const killed = (async () => {
      while (!actor.isKilled) await seconds(5)
    })()
    const outcome = run(world, actor).catch((error: Error) => {
      if (error.message !== 'The bake has failed.') throw error
    })
    await Promise.race([outcome, killed])
  })
  await Promise.all([...runs, disturb(world, actors)])
  for (const actor of actors) actor.isKilled = true
  const last = makeRun()
  while (!(await run(world, last, true).catch(() => undefined)));
  return world
}

test('two undisturbed runs never bake at the same time, in 200 random schedules of kills, delays, lost answers and deleted leases', async () => {
  const seeds = Array.from({ length: 200 }, (_, index) => index + 1)
  const worlds: (World & { seed: number })[] = []
  async function work(): Promise<void> {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      worlds.push({ ...(await play(seed)), seed })
    }
  }
  await Promise.all(Array.from({ length: 50 }, work))
  expect(worlds).toHaveLength(200)
  const sum = (what: (world: World) => number) => worlds.reduce((total, world) => total + what(world), 0)
  expect(sum(({ cleanUps }) => cleanUps)).toBeGreaterThan(20)
  expect(sum(({ bakes }) => bakes.length)).toBeGreaterThan(420)
  for (const { seed, most, pairs, bakes, events } of worlds) {
    expect([seed, most]).toEqual([seed, 1])
    expect([seed, ...pairs.keys()]).toEqual([seed])
    // The last run always bakes.
    expect(bakes.length, `seed ${seed}`).toBeLessThanOrEqual(2 + events)
  }
}, 120_000)
