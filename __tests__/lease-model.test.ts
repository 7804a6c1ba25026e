import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { FoundImage } from '../src/ec2/images.ts'
import { HEARTBEAT_TAG } from '../src/lease/acquire.ts'
import { type KeyPair, type KeyPairs, LeaseError, OWNER_TAG } from '../src/lease/key-pairs.ts'
import { type Lease, makeLease } from '../src/lease/lease.ts'
import { runExclusively } from '../src/lease/with-lease.ts'
import { makeDice } from './support/definitions.ts'

/** A second of the contract takes two milliseconds here. */
const SCALE = vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.002'
  return 0.002
})
const seconds = (count: number) => sleep(count * 1000 * SCALE)

beforeAll(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterAll(() => vi.restoreAllMocks())

type Dice = ReturnType<typeof makeDice>
const NAME = 'ami-bakery-model'

/** EC2 as far as leases go: names are unique, a delete by an unknown id succeeds. */
interface World {
  readonly dice: Dice
  readonly pairs: Map<string, KeyPair>
  readonly bakes: { isActive(): boolean }[]
  image: FoundImage | undefined
  events: number
  /** The most bakes that ever ran at once, those not counted whose run or lease was disturbed. */
  most: number
  burials: number
}

/** A run, which can be killed and frozen: its requests never end, or not until it thaws. */
interface Actor {
  readonly owner: string
  isKilled: boolean
  isDisturbed: boolean
  frozen: Promise<unknown> | undefined
}

async function request<Answer>(world: World, actor: Actor, effect: () => Answer): Promise<Answer> {
  await alive(actor)
  await seconds(world.dice.below(4))
  const answer = effect()
  await seconds(world.dice.below(4))
  await alive(actor)
  return answer
}

async function alive(actor: Actor): Promise<void> {
  await actor.frozen
  if (actor.isKilled) await new Promise(() => {})
}

let count = 0

function makeActor(): Actor {
  return { owner: `owner-${++count}`, isKilled: false, isDisturbed: false, frozen: undefined }
}

function storeFor(world: World, actor: Actor): KeyPairs {
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
      // The answer is lost, and the SDK asks again.
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

async function bake(world: World, actor: Actor, lease: Lease): Promise<FoundImage> {
  let isActive = true
  world.bakes.push({ isActive: () => isActive && !actor.isDisturbed })
  try {
    for (let left = 30 + world.dice.below(600); left > 0; left -= 10) {
      world.most = Math.max(world.most, world.bakes.filter(one => one.isActive()).length)
      await seconds(10)
      await alive(actor)
    }
    if (world.dice.chance(0.1)) {
      world.events++
      throw new Error('The bake has failed.')
    }
    const isOurs = await lease.confirmOwnership()
    await alive(actor)
    if (!isOurs && world.image) return world.image
    world.image = imageNamed(`ami-${world.bakes.length}`)
    return world.image
  } finally {
    isActive = false
  }
}

function imageNamed(id: string): FoundImage {
  const times = { creationDate: '2026-01-01T00:00:00Z', deprecationTime: undefined, state: 'available' }
  const sources = {
    sourceInstance: undefined,
    sourceImage: undefined,
    architecture: 'x86_64',
    description: '',
    stateReason: undefined,
    isEncrypted: false,
    snapshots: [],
  }
  return { how: 'baked', image: { id, name: id, tags: new Map(), ...times, ...sources }, ids: new Map() }
}

async function run(world: World, actor: Actor, wantsNew = false): Promise<string> {
  const keyPairs = storeFor(world, actor)
  const lease = makeLease(keyPairs, () => {})
  const { owner } = actor
  const old = wantsNew ? world.image : undefined
  const claim = {
    keyPairs,
    name: NAME,
    tags: new Map([
      [OWNER_TAG, owner],
      [HEARTBEAT_TAG, '0'],
    ]),
    minutes: 600,
    signal: undefined,
    lookUp: () => request(world, actor, () => (world.image === old ? undefined : world.image)),
    beforeCreate: () => lease.remember({ name: NAME, owner }),
    cleanUp: () => request(world, actor, () => void world.burials++),
  }
  const { image } = await runExclusively(claim, lease, ours => bake(world, actor, ours))
  return image.id
}

async function disturb(world: World, actors: readonly Actor[]): Promise<void> {
  const { dice, pairs } = world
  for (let left = 1 + dice.below(3); left > 0; left--) {
    await seconds(10 + dice.below(400))
    world.events++
    const actor = dice.pick(actors)
    const what = dice.pick(['kill', 'freeze', 'freeze shortly', 'janitor'])
    const target =
      what === 'janitor' ? actors.find(({ owner }) => pairs.get(NAME)?.tags.get(OWNER_TAG) === owner) : actor
    if (target) target.isDisturbed = true
    if (what === 'kill') actor.isKilled = true
    if (what === 'freeze') actor.frozen = seconds(300 + dice.below(600))
    if (what === 'freeze shortly') actor.frozen = seconds(dice.below(200))
    if (what === 'janitor') pairs.delete(NAME)
  }
}

/** Lets some runs begin at about the same time, disturbs them, and lets a last one clear up. */
async function play(seed: number): Promise<World> {
  const dice = makeDice(seed)
  const world: World = { dice, pairs: new Map(), bakes: [], image: undefined, events: 0, most: 0, burials: 0 }
  const actors = Array.from({ length: 2 + dice.below(4) }, makeActor)
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
  const last = makeActor()
  while (!(await run(world, last, true).catch(() => undefined)));
  return world
}

test('under 200 schedules of kills, freezes, delays, lost answers and janitors no two bake at once under leases that hold', async () => {
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
  expect(sum(({ burials }) => burials)).toBeGreaterThan(20)
  expect(sum(({ bakes }) => bakes.length)).toBeGreaterThan(420)
  for (const { seed, most, pairs, bakes, events } of worlds) {
    expect([seed, most]).toEqual([seed, 1])
    expect([seed, ...pairs.keys()]).toEqual([seed])
    // The last run bakes anew.
    expect(bakes.length, `seed ${seed}`).toBeLessThanOrEqual(2 + events)
  }
}, 120_000)
