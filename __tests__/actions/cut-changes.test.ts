import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { APP, BASE, describe as describeOne, findAsOldTool, HOME, runSub, startSub, WEB } from '../support/lifecycle.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import type { ActionName, Running } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace } from '../support/workspace.ts'

const REGIONS = [HOME, 'eu-west-1', 'ap-south-1'] as const
const OTHERS = 'eu-west-1,ap-south-1'
const REASON = 'boots badly'

/** A step that is interrupted, what must be true after each interruption, and after its repeat. */
interface Scenario {
  readonly name: string
  readonly action: ActionName
  /** Prepares EC2 and returns the step's inputs. */
  prepare(ec2: FaultyEc2): Promise<Record<string, string>>
  /** What must be true in every state between. */
  check(images: readonly Seen[]): void
  /** What must be true at the end. */
  finish(images: readonly Seen[]): void
}

/** What EC2 has of an image. */
interface Seen {
  readonly id: string
  readonly region: string
  readonly value: string
  readonly objection: string
  readonly isDeprecated: boolean
  readonly isCopy: boolean
}

const isBare = ({ value }: Seen) => /^[0-9a-f]{40}$/.test(value)
const isHidden = ({ value }: Seen) => value.startsWith('revoked:')

const scenarios: readonly Scenario[] = [
  {
    name: 'a publication with copies in two regions',
    action: 'publish',
    prepare: async ec2 => {
      const id = await ec2.makeImage({ ami_config_checksum: `candidate:${BASE}` })
      return { 'ami-id': id, regions: OTHERS }
    },
    check: images => {
      const home = images.find(({ isCopy }) => !isCopy)
      if (home && isBare(home)) expect(images.filter(isBare)).toHaveLength(3)
      else expect(home?.value).toBe(`candidate:${BASE}`)
    },
    finish: images => expect(images.map(isBare)).toEqual([true, true, true]),
  },
  {
    name: 'a revocation of an image, its copies and its descendants',
    action: 'revoke',
    prepare: async ec2 => ({ 'ami-id': await plantFamily(ec2), reason: REASON, regions: OTHERS }),
    check: images => {
      expect(images).toHaveLength(5)
      // An image's value changes after its objection.
      for (const image of images) if (isHidden(image)) expect(image.objection).toBe(REASON)
      for (const image of images) expect(image.value).toMatch(/^(revoked:)?(candidate:)?[0-9a-f]{40}$/)
      for (const image of images) if (image.isDeprecated) expect(isHidden(image)).toBe(true)
      expect(images.filter(one => isBare(one)).every(({ value }) => value !== APP)).toBe(true)
    },
    finish: images => {
      expect(images.map(isHidden)).toEqual(Array(5).fill(true))
      expect(images.map(({ isDeprecated }) => isDeprecated)).toEqual(Array(5).fill(true))
    },
  },
  {
    name: 'a restore of an image, its copies and its descendants',
    action: 'revoke',
    prepare: async ec2 => {
      const inputs = { 'ami-id': await plantFamily(ec2), regions: OTHERS }
      const { exitCode, log } = await runSub('revoke', ec2, { ...inputs, reason: REASON })
      expect(exitCode, log).toBe(0)
      return { ...inputs, restore: 'true' }
    },
    check: images => {
      // An image without an objection has its former value: what the old tool finds, the look-up finds later, never before.
      for (const image of images) if (image.objection === '') expect(isHidden(image)).toBe(false)
      expect(images.every(({ value }) => value !== APP)).toBe(true)
    },
    finish: images => {
      expect(images.map(({ value }) => value).sort()).toEqual([BASE, BASE, BASE, WEB, `candidate:${APP}`].sort())
      expect(images.filter(({ objection, isDeprecated }) => objection !== '' || isDeprecated)).toEqual([])
    },
  },
]

/** A published image with two copies, its published child, and the child's child, which is a candidate. */
async function plantFamily(ec2: FaultyEc2): Promise<string> {
  const base = await ec2.makeImage({ ami_config_checksum: BASE })
  for (const region of OTHERS.split(','))
    await ec2.makeImage({ ami_config_checksum: BASE, ami_bakery_image: base }, region)
  const web = await ec2.makeImage({ ami_config_checksum: WEB, ami_bakery_parent: base })
  await ec2.makeImage({ ami_config_checksum: `candidate:${APP}`, ami_bakery_parent: web })
  return base
}

async function seeAll(ec2: FaultyEc2): Promise<readonly Seen[]> {
  const regions = REGIONS.map(async region => {
    const { images } = await ec2.inventory(region)
    const described = await Promise.all(images.map(({ ImageId = '' }) => describeOne(ec2, ImageId, region)))
    return described.map(({ ImageId = '', Tags = [], DeprecationTime }) => {
      const tags = new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
      return {
        id: ImageId,
        region,
        value: tags.get('ami_config_checksum') ?? '',
        objection: tags.get('ami_bakery_revoked') ?? '',
        isDeprecated: DeprecationTime !== undefined,
        isCopy: tags.has('ami_bakery_image'),
      }
    })
  })
  return (await Promise.all(regions)).flat()
}

describe.skipIf(!hasTools('moto_server'))('after an interruption at any request,', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  /** Interrupts the step at its nth request. */
  type Interruption = (ec2: FaultyEc2, n: number, start: () => Running) => Promise<void>

  /** EC2 refuses one request. */
  const refuse: Interruption = async (ec2, n, start) => {
    ec2.fail({ action: '*', after: n, times: 1, error: 'UnauthorizedOperation' })
    await start().ended
  }

  /** The request takes effect, and the process is killed before its answer; no later request takes effect. */
  const kill: Interruption = async (ec2, n, start) => {
    ec2.fail({ action: '*', after: n, times: 1, silent: true }, { action: '*', after: n, hang: true })
    const running = start()
    let hasEnded = false
    running.ended.then(() => {
      hasEnded = true
    })
    while (!hasEnded && ec2.requests.length <= n) await new Promise(resolve => setTimeout(resolve, 2))
    await new Promise(resolve => setTimeout(resolve, 50))
    running.process.kill('SIGKILL')
    await running.ended
  }

  /** The places of the requests that change something, when nothing goes wrong. Any other request is cut in the model. */
  async function listChanges({ action, prepare }: Scenario): Promise<readonly number[]> {
    await using ec2 = await startAccount()
    const inputs = await prepare(ec2)
    ec2.requests.length = 0
    await runSub(action, ec2, inputs)
    return ec2.requests.flatMap((request, n) => (request.action.startsWith('Describe') ? [] : [n]))
  }

  async function interruptAt(n: number, { action, prepare, check, finish }: Scenario, interrupt: Interruption) {
    using workspace = makeWorkspace({ 'a.txt': '' })
    await using ec2 = await startAccount()
    const inputs = await prepare(ec2)
    ec2.requests.length = 0
    await interrupt(ec2, n, () => startSub(action, ec2, workspace.directory, inputs))
    ec2.mend()
    const between = await seeAll(ec2)
    check(between)
    for (const { id, region, value } of between.filter(one => !isBare(one))) {
      expect(await findAsOldTool(ec2, value.replace(/^.*:/, '') || BASE, region)).not.toContain(id)
    }
    const { exitCode, log } = await startSub(action, ec2, workspace.directory, inputs).ended
    expect(exitCode, `request ${n}: ${log}`).toBe(0)
    finish(await seeAll(ec2))
  }

  async function startAccount(): Promise<FaultyEc2> {
    const ec2 = await startProxy(moto, String(420_000_000_000 + accounts++))
    ec2.prompt()
    return ec2
  }

  test.for(scenarios.map(scenario => [scenario.name, scenario] as const))(
    'a repeat finishes %s, and no state between is a wrong hit',
    { timeout: 600_000 },
    async ([name, scenario]) => {
      const places = await listChanges(scenario)
      for (const n of places) {
        await interruptAt(n, scenario, refuse)
        await interruptAt(n, scenario, kill)
      }
      console.log(`${name}: an error and a kill at each of ${places.length} requests`)
      expect(places.length).toBeGreaterThan(8)
    },
  )
})
