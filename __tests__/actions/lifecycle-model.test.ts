import { hash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { findPublishable } from '../../src/actions/publish/judge-image.ts'
import { publishImage } from '../../src/actions/publish/publish-image.ts'
import { changeImages } from '../../src/actions/revoke/change-images.ts'
import type { Task } from '../../src/actions/revoke/inputs.ts'
import { chooseTargets } from '../../src/actions/revoke/targets.ts'
import { assertStillWanted } from '../../src/bake/current-state.ts'
import { waitUntilFound } from '../../src/ec2/look-up.ts'
import { candidateValue, failedValue } from '../../src/ec2/state.ts'
import { tagResource } from '../../src/ec2/tags.ts'
import { describeEverywhere, groupUnits } from '../../src/regions/units.ts'
import { captureLog } from '../support/capture-log.ts'
import { cases } from '../support/cases.ts'
import { makeDice } from '../support/definitions.ts'
import { type Actor, type ModelEc2, type ModelImage, makeActor, makeModelEc2 } from '../support/model-ec2.ts'

/** Waits are short in this file. The scale is used only with an endpoint on this machine. */
vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.1'
  process.env.AWS_ENDPOINT_URL_EC2 = 'http://127.0.0.1:9'
})

captureLog()

const HOME = 'us-east-1'
const REGIONS = [HOME, 'eu-west-1']
const NO_PARAMETERS = { names: [], problem: undefined }
const CHECKSUM = hash('sha1', 'definition')
const CANDIDATE = candidateValue(CHECKSUM)
const LOOK_UP = { checksum: CHECKSUM, template: 't' }

const tagOf = (image: ModelImage | undefined) => image?.tags.get('ami_config_checksum') ?? ''
const objectionOf = (image: ModelImage | undefined) => image?.tags.get('ami_bakery_revoked') ?? ''
const isBare = (image: ModelImage | undefined) => tagOf(image) === CHECKSUM
/** Whether the look-up returns the image. */
const isHit = (image: ModelImage | undefined) => isBare(image) && objectionOf(image) === ''

/** The image that is published, revoked and restored, and what happens beside. */
interface World {
  readonly ec2: ModelEc2
  readonly id: string
}

type Step = (world: World, actor: Actor) => Promise<unknown>

const publish: Step = async ({ ec2, id }, actor) => {
  const home = ec2.connect(actor, HOME)
  const image = await findPublishable(home, { kind: 'id', id, region: HOME, checksum: undefined })
  const destinations = [{ ec2: ec2.connect(actor, 'eu-west-1'), kmsKey: undefined }]
  await publishImage(image, { destinations, tags: new Map(), shareWith: [], ssmParameter: undefined, by: 'model' })
}

async function change({ ec2, id }: World, actor: Actor, task: Task): Promise<void> {
  const units = groupUnits(await describeEverywhere(REGIONS.map(region => ec2.connect(actor, region))))
  const reason = task.kind === 'revoke' ? task.reason : undefined
  const found = chooseTargets(units, { subject: { id }, descendants: 'include' }, reason)
  const { failures } = await changeImages({ ...found, destinations: new Map() }, task)
  if (failures.length > 0) throw new Error(failures.map(({ message }) => message).join())
}

const revoke: Step = (world, actor) =>
  change(world, actor, {
    kind: 'revoke',
    reason: 'bad',
    as: 'blocked',
    maxImages: 9,
    parameters: NO_PARAMETERS,
    rollBackTo: undefined,
  })
const revokeOnce: Step = (world, actor) =>
  change(world, actor, {
    kind: 'revoke',
    reason: 'bad',
    as: 'once',
    maxImages: 9,
    parameters: NO_PARAMETERS,
    rollBackTo: undefined,
  })
const restore: Step = (world, actor) => change(world, actor, { kind: 'restore' })

/** The end of a bake of the same checksum: its image is available, and gets its last tag. */
const bake: Step = async ({ ec2 }, actor) => {
  const home = ec2.connect(actor, HOME)
  const id = ec2.add(HOME, { ami_bakery_template: 't' })
  try {
    await assertStillWanted(home, LOOK_UP, id)
  } catch (error) {
    await tagResource(home, id, new Map([['ami_config_checksum', failedValue(CHECKSUM)]]))
    throw error
  }
  await tagResource(home, id, new Map([['ami_config_checksum', CHECKSUM]]))
  await waitUntilFound(home, CHECKSUM, id)
}

const STEPS = { publish, revoke, revokeOnce, restore, bake } as const
type StepName = keyof typeof STEPS

/** What became of a step: when it began and ended, in numbers of changes. */
interface Played {
  readonly name: StepName
  readonly from: number
  readonly to: number
  readonly how: 'done' | 'failed' | 'killed'
}

interface History {
  readonly world: World
  readonly start: StartState
  readonly played: readonly Played[]
  /** The states of all images after each change. */
  readonly snapshots: readonly (readonly Snapshot[])[]
}

interface Snapshot {
  readonly id: string
  readonly region: string
  readonly value: string
  readonly objection: string
}

type StartState = 'candidate' | 'published'

/** Plays steps side by side: some are killed, and those are repeated when all have ended. */
async function play(seed: number): Promise<History> {
  const dice = makeDice(seed)
  const start = dice.pick<StartState>(['candidate', 'published'])
  const names: StepName[] = [dice.pick(['revoke', 'revokeOnce'])]
  const others: StepName[] = ['publish', 'publish', 'revoke', 'restore', 'bake']
  for (let left = 1 + dice.below(3); left > 0; left--) names.push(dice.pick(others))
  const history = createHistory(dice, start)
  const actors = names.map(name => ({ name, actor: makeActor(dice.chance(0.2) ? { cut: randomCut(dice) } : {}) }))
  await Promise.all(
    actors.map(async ({ name, actor }) => {
      for (let turns = dice.below(200); turns > 0; turns--) await new Promise(resolve => setImmediate(resolve))
      await history.run(name, actor)
    }),
  )
  for (const { name } of history.played.filter(({ how }) => how !== 'done')) {
    if (name !== 'bake') await history.run(name, makeActor())
  }
  return { ...history, start }
}

function randomCut(dice: ReturnType<typeof makeDice>): NonNullable<Actor['cut']> {
  return { at: dice.below(25), how: dice.pick(['refuse', 'kill']) }
}

function createHistory(dice: ReturnType<typeof makeDice>, start: StartState) {
  const snapshots: (readonly Snapshot[])[] = []
  const ec2 = makeModelEc2(dice, () => {
    snapshots.push(
      [...ec2.images.values()].map(image => ({
        id: image.id,
        region: image.region,
        value: tagOf(image),
        objection: objectionOf(image),
      })),
    )
  })
  const tags = { ami_config_checksum: start === 'candidate' ? CANDIDATE : CHECKSUM, ami_bakery_template: 't' }
  const world: World = { ec2, id: ec2.add(HOME, tags) }
  const played: Played[] = []

  async function run(name: StepName, actor: Actor): Promise<Played> {
    const from = snapshots.length
    const ended = STEPS[name](world, actor).then(
      () => 'done' as const,
      () => 'failed' as const,
    )
    const how = await Promise.race([ended, actor.killed])
    const one = { name, from, to: snapshots.length, how }
    played.push(one)
    return one
  }

  return { world, played, snapshots, run }
}

/** Fails unless every state of a history is right. */
function check({ world, start, played, snapshots }: History): void {
  const unit = (images: readonly Snapshot[]) => images.filter(({ id }) => id === world.id || isCopy(world, id))
  const isStep = (...names: StepName[]) => played.filter(({ name }) => names.includes(name))
  // A candidate is bare only after a publication of it has begun.
  if (start === 'candidate') {
    const first = Math.min(...isStep('publish').map(({ from }) => from))
    for (const images of snapshots.slice(0, first))
      for (const image of unit(images)) expect(image.value).not.toBe(CHECKSUM)
  }
  // After a revocation the image is no hit, neither for the look-up nor for the old tool, until a restore or publication is at work.
  const undoing = isStep('publish', 'restore')
  for (const { to, how } of isStep('revoke', 'revokeOnce')) {
    if (how !== 'done') continue
    const until = Math.min(...undoing.filter(one => one.to > to).map(one => Math.max(one.from, to)), snapshots.length)
    for (const images of snapshots.slice(to, until)) {
      for (const image of unit(images)) expect(image.value).not.toBe(CHECKSUM)
    }
  }
  // At the end an image is a hit for the old tool exactly if the look-up returns it.
  const wasKilled = played.some(({ how }) => how !== 'done')
  for (const image of world.ec2.images.values()) {
    if (!wasKilled) expect(isBare(image)).toBe(isHit(image))
    // Nothing is lost, and no value is another than ours.
    expect(tagOf(image)).toMatch(/^((revoked|revoked-once):)?((candidate|failed):)?[0-9a-f]{40}$|^$/)
  }
  checkBakes({ world, start, played, snapshots })
  const last = played.toSorted((a, b) => a.to - b.to).at(-1)
  if (last?.name === 'revoke' && last.how === 'done' && !undoing.some(({ to }) => to > last.from)) {
    for (const image of unit(snapshots.at(-1) ?? [])) expect(image.value).toMatch(/^revoked|^$/)
  }
}

function isCopy({ ec2, id }: World, copy: string): boolean {
  return ec2.images.get(copy)?.described.SourceImageId === id
}

/** An image of a bake becomes a hit only if the definition was not blocked when the bake began; one that is a hit stays it. */
function checkBakes({ world, played, snapshots }: History): void {
  const bakes = [...world.ec2.images.values()].filter(
    ({ id, described }) => id !== world.id && !described.SourceImageId,
  )
  const isBlocked = (images: readonly Snapshot[] | undefined) => {
    const home = (images ?? []).filter(({ region }) => region === HOME)
    return (
      home.some(({ value }) => /^revoked:/.test(value)) &&
      !home.some(one => one.value === CHECKSUM && one.objection === '')
    )
  }
  for (const { from, to, how } of played.filter(({ name }) => name === 'bake')) {
    const during = snapshots.slice(Math.max(from - 1, 0), to)
    if (during.length > 0 && during.every(isBlocked)) expect(how).not.toBe('done')
  }
  for (const { id } of bakes) {
    const values = snapshots.map(images => images.find(image => image.id === id)?.value ?? '')
    const hit = values.indexOf(CHECKSUM)
    if (hit !== -1) expect(values.slice(hit).every(value => value === CHECKSUM)).toBe(true)
  }
}

test('in 1,500 random schedules of publish, revoke, restore, a bake of the same checksum and cancels, no state is a wrong hit', {
  timeout: 600_000,
}, async () => {
  const seeds = Array.from({ length: cases(1500) }, (_, index) => index + 1)
  const counts = new Map<string, number>()
  async function work(): Promise<void> {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const history = await play(seed)
      try {
        check(history)
      } catch (cause) {
        const steps = history.played.map(({ name, from, to, how }) => `${name} ${from}-${to} ${how}`).join('\n')
        const states = history.snapshots.map((images, index) => {
          return `${index}: ${images.map(({ region, value, objection }) => `${region} ${value || '-'} ${objection}`).join(' | ')}`
        })
        throw new Error(`Seed ${seed}, ${history.start}:\n${steps}\n${states.join('\n')}`, { cause })
      }
      for (const { name, how } of history.played) counts.set(`${name} ${how}`, (counts.get(`${name} ${how}`) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 50 }, work))
  console.log(Object.fromEntries([...counts].sort()))
  for (const name of ['publish done', 'revoke done', 'restore done', 'bake done', 'bake failed', 'publish killed']) {
    expect(counts.get(name) ?? 0, name).toBeGreaterThan(cases(20))
  }
})

describe('cut at every single request,', () => {
  const scenarios: [what: string, start: StartState, before: StepName[], step: StepName][] = [
    ['a publication', 'candidate', [], 'publish'],
    ['a revocation of a candidate', 'candidate', [], 'revoke'],
    ['a revocation of a published image with a copy', 'candidate', ['publish'], 'revoke'],
    ['a second revocation, with rebake', 'candidate', ['publish', 'revoke'], 'revokeOnce'],
    ['a restore of a candidate', 'candidate', ['revoke'], 'restore'],
    ['a restore of a published image with a copy', 'candidate', ['publish', 'revoke'], 'restore'],
  ]

  test.each(scenarios)('%s is finished by its repeat', async (_, start, before, step) => {
    let cuts = 0
    for (const how of ['refuse', 'kill'] as const) {
      for (let at = 0, isCut = true; isCut; at++) {
        const history = createHistory(makeDice(at), start)
        for (const name of before) expect((await history.run(name, makeActor())).how).toBe('done')
        const actor = makeActor({ cut: { at, how } })
        await history.run(step, actor)
        isCut = actor.sent > at
        if (isCut) cuts++
        const between = [...history.world.ec2.images.values()]
        if (start === 'candidate' && before.length === 0 && step !== 'publish') expect(between.some(isBare)).toBe(false)
        expect((await history.run(step, makeActor())).how).toBe('done')
        const values = [...history.world.ec2.images.values()].map(tagOf)
        expect(new Set(values)).toEqual(new Set([expectedValue(before, step)]))
        check({ ...history, start })
      }
    }
    console.log(`${cuts} cuts`)
    expect(cuts).toBeGreaterThan(cases(10))
  })

  function expectedValue(before: readonly StepName[], step: StepName): string {
    const former = [...before, step].includes('publish') ? CHECKSUM : CANDIDATE
    if (step === 'revoke') return `revoked:${former}`
    return step === 'revokeOnce' ? `revoked-once:${former}` : former
  }
})
