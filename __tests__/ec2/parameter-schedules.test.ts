import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { isLater, type Mark, parseMark, toDescription } from '../../src/ec2/parameters/mark.ts'
import { moveAway } from '../../src/ec2/parameters/roll-back.ts'
import { publishImage } from '../../src/ec2/parameters/set-parameter.ts'
import type { ParameterStore, Version } from '../../src/ec2/parameters/store.ts'
import { captureLog } from '../support/capture-log.ts'
import { cases } from '../support/cases.ts'
import { makeDice } from '../support/definitions.ts'
import { currentOf, type ModelParameter, ORDERS, put, validate } from '../support/model-parameter.ts'

captureLog()

type Dice = ReturnType<typeof makeDice>

/** A parameter, the state of the images, and what waits for its turn. */
interface World extends ModelParameter {
  readonly dice: Dice
  readonly revoked: Set<string>
  /** Requests that were sent, each of which takes effect when it is picked. */
  readonly waiting: (() => void)[]
  requests: number
}

const idOf = (letter: string) => `ami-${letter.repeat(8)}`
const IMAGES = ['a', 'b', 'c', 'd'].map(idOf)
const [A = '', B = ''] = IMAGES

async function turn<Answer>(world: World, effect: () => Answer): Promise<Answer> {
  world.requests++
  return await new Promise(resolve => world.waiting.push(() => resolve(effect())))
}

function storeFor(world: World): ParameterStore {
  const { versions, dice } = world
  return {
    name: '/amis/web',
    region: 'us-east-1',
    read: () => turn(world, () => currentOf(world)),
    history: () => turn(world, () => [...versions]),
    write: async (entry, over) => {
      const number = await turn(world, () => put(world, entry, over === undefined))
      // The answer was lost, and the SDK sends the request once more. With later numbers no run could tell its two versions apart.
      const isLost = world.order !== 'numbered later' && dice.chance(0.1)
      return isLost ? await turn(world, () => put(world, entry, over === undefined)) : number
    },
    poll: async (_, probe) => {
      for (let tries = 0; tries < 1000; tries++) {
        const answer = await probe()
        if (answer !== undefined) return answer
        await turn(world, () => {})
      }
      return undefined
    },
  }
}

function goodImages(world: World) {
  const isGood = (id: string) => !world.revoked.has(id)
  return {
    among: (ids: readonly string[]) => turn(world, () => new Set(ids.filter(isGood))),
    includes: (id: string) => turn(world, () => isGood(id)),
  }
}

interface Publishing {
  readonly mark: Mark
  readonly imageId: string
}

async function publish(world: World, { mark, imageId }: Publishing): Promise<string> {
  const good = goodImages(world)
  if (!(await good.includes(imageId))) return 'revoked'
  try {
    return (await publishImage(storeFor(world), { imageId, mark, good })).how
  } catch (error) {
    return error instanceof Error && /was revoked|no earlier version/.test(error.message) ? 'revoked' : `${error}`
  }
}

async function revoke(world: World, imageId: string, mark: Mark | undefined): Promise<string> {
  const good = goodImages(world)
  await turn(world, () => world.revoked.add(imageId))
  try {
    const moved = await moveAway(storeFor(world), { revoked: new Set([imageId]), to: undefined, mark, good })
    return moved ? 'rolled back' : 'unchanged'
  } catch (error) {
    return error instanceof Error && /no earlier version/.test(error.message) ? 'nothing to go back to' : `${error}`
  }
}

/** Lets requests and validations take effect in the order of the dice until all work has ended. */
async function play<Result>(world: World, work: readonly Promise<Result>[]): Promise<readonly Result[]> {
  let isDone = false
  const results = Promise.all(work).finally(() => {
    isDone = true
  })
  results.catch(() => {})
  for (await settled(); !isDone; await settled()) {
    const next = world.dice.below(world.waiting.length + (world.pending.length > 0 ? 1 : 0))
    if (next === world.waiting.length) validate(world)
    else world.waiting.splice(next, 1)[0]?.()
  }
  return await results
}

/** @param history The runs that have written before; `0` is a change by hand. */
function makeWorld(dice: Dice, history: readonly number[]): World {
  const versions = history.map((run, index): Version => {
    const mark = run > 0 ? { run: BigInt(run), attempt: 1n } : undefined
    return { number: index + 1, value: dice.pick(IMAGES), description: mark ? toDescription(mark) : 'by hand' }
  })
  const order = dice.pick(ORDERS)
  return { dice, order, versions, pending: [], revoked: new Set(), waiting: [], requests: 0 }
}

/** Some runs, some of them the same one tried again. */
function makeRuns(dice: Dice): readonly Publishing[] {
  const runs = Array.from({ length: 2 + dice.below(4) }, () => ({ run: 5n + BigInt(dice.below(20)), attempt: 1n }))
  const marks = runs.map((mark, index) =>
    runs.findIndex(({ run }) => run === mark.run) === index ? mark : { ...mark, attempt: BigInt(index + 2) },
  )
  return marks.map(mark => ({ mark, imageId: dice.pick(IMAGES) }))
}

const latestOf = (versions: readonly Version[]) =>
  versions.reduce<Mark | undefined>((best, { description }) => {
    const mark = parseMark(description)
    return isLater(mark, best) ? mark : best
  }, undefined)

const HISTORIES = [[], [], [0], [3], [3, 0], [4, 4], [12], [99]] as const

describe('a parameter that several runs set at the same time', () => {
  test('ends on the latest of the runs that wrote, in each of 3000 random schedules', async () => {
    const counts = new Map<string, number>()
    const count = (what: string, by = 1) => counts.set(what, (counts.get(what) ?? 0) + by)
    for (let seed = 1; seed <= cases(3000); seed++) {
      const dice = makeDice(seed)
      const before = dice.pick(HISTORIES)
      const world = makeWorld(dice, before)
      const runs = makeRuns(dice)
      const results = await play(
        world,
        runs.map(run => publish(world, run)),
      )
      const { versions } = world
      for (const result of results) count(result)
      count('requests', world.requests)
      count('publications', runs.length)
      const own = versions.slice(before.length)
      count('written back', own.length - results.filter(result => result === 'written').length)

      expect([seed, results.filter(result => !/^(unchanged|written|refused)$/.test(result))]).toEqual([seed, []])
      const latest = latestOf(versions.slice(Math.max(0, before.length - 1)))
      expect([seed, parseMark(versions.at(-1)?.description ?? '')]).toEqual([seed, latest])
      const winner = runs.find(({ mark }) => mark.run === latest?.run && mark.attempt === latest?.attempt)
      if (winner) expect([seed, versions.at(-1)?.value]).toEqual([seed, winner.imageId])
    }
    console.log(Object.fromEntries(counts))
    expect(counts.get('written')).toBeGreaterThan(cases(3000))
    expect(counts.get('refused')).toBeGreaterThan(cases(1000))
    expect(counts.get('unchanged')).toBeGreaterThan(cases(300))
    expect(counts.get('written back')).toBeGreaterThan(cases(500))
  }, 120_000)

  test('is on no revoked image when images are revoked meanwhile, in each of 3000 random schedules', async () => {
    const counts = new Map<string, number>()
    for (let seed = 1; seed <= cases(3000); seed++) {
      const dice = makeDice(seed + 10_000)
      const world = makeWorld(dice, dice.pick([[], [3], [3, 4, 5], [3, 4, 99], [4, 0]] as const))
      const marks = [undefined, { run: 7n, attempt: 2n }, { run: 40n, attempt: 1n }, { run: 100n, attempt: 1n }]
      const bad = dice.pick([[A], [A], [A, B]])
      const results = await play(world, [
        ...makeRuns(dice).map(run => publish(world, run)),
        ...bad.map(id => revoke(world, id, marks[dice.below(4)])),
      ])
      for (const result of results) counts.set(result, (counts.get(result) ?? 0) + 1)
      const odd = results.filter(
        result => !/^(unchanged|written|refused|revoked|rolled back|nothing to go back to)$/.test(result),
      )
      expect([seed, odd]).toEqual([seed, []])
      const value = world.versions.at(-1)?.value ?? ''
      const hadNothing = results.includes('nothing to go back to') || results.includes('revoked')
      if (!hadNothing) expect([seed, world.revoked.has(value)]).toEqual([seed, false])
      // Where it had to stay, there was no good image to go back to.
      const isStuck = world.revoked.has(value) && world.versions.some(version => !world.revoked.has(version.value))
      expect([seed, isStuck]).toEqual([seed, false])
    }
    console.log(Object.fromEntries(counts))
    expect(counts.get('rolled back')).toBeGreaterThan(cases(300))
    expect(counts.get('revoked')).toBeGreaterThan(cases(500))
  }, 120_000)
})
