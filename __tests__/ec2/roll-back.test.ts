import { describe, expect, test } from 'vitest'
import { parseMark } from '../../src/ec2/parameters/mark.ts'
import {
  chooseGood,
  moveAway,
  planRetreat,
  previewRollBack,
  type RolledBack,
  rollBackParameter,
} from '../../src/ec2/parameters/roll-back.ts'
import { OptionError } from '../../src/runner/option-error.ts'
import { captureLog } from '../support/capture-log.ts'
import { makeDice } from '../support/definitions.ts'
import { makeActor, makeModelEc2 } from '../support/model-ec2.ts'
import {
  allGoodBut,
  type Meanwhile,
  makeScene,
  type Scene,
  type ShortVersion,
  serveParameter,
} from '../support/model-parameter.ts'
import { CHECKSUM } from '../support/tags.ts'

const [OLDER, GOOD, CANDIDATE] = ['ami-11111111', 'ami-22222222', 'ami-33333333'] as const
const [REVOKED, THEIRS, OTHER] = ['ami-44444444', 'ami-55555555', 'ami-66666666'] as const
const HISTORY: readonly ShortVersion[] = [
  [GOOD, 'ami-bakery run=99.1'],
  [REVOKED, 'ami-bakery run=100.1'],
]

/** The error about the value of the input `ssm-parameter`. */
const asOptionError = (message: string) => new OptionError('ssmParameter', message)

interface Given {
  readonly to?: string
  /** Like `900.1`; empty outside a workflow. */
  readonly run?: string
  /** The images that the run does not revoke itself, and that are not good. */
  readonly bad?: readonly string[]
}

/** Rolls back from one revoked image. */
async function rollBack(
  { store }: Scene,
  { to, run = '900.1', bad = [] }: Given = {},
): Promise<RolledBack | undefined> {
  const mark = parseMark(`ami-bakery run=${run}`)
  return await moveAway(store, { revoked: new Set([REVOKED]), to, mark, good: allGoodBut(new Set(bad)) })
}

describe('a roll-back', () => {
  test.each<[what: string, history: readonly ShortVersion[]]>([
    ['does not exist', []],
    ['holds another image', [...HISTORY, [OTHER, 'by hand']]],
  ])('costs one request when the parameter %s', async (_, history) => {
    const scene = makeScene(history)
    expect(await rollBack(scene)).toBeUndefined()
    expect(scene.requests).toEqual(['read'])
  })

  test('goes to the newest earlier version whose value is the id of a good image', async () => {
    const values = [OLDER, REVOKED, GOOD, GOOD, CANDIDATE, 'latest', REVOKED]
    const scene = makeScene(values.map(value => [value, 'by hand']))
    expect(await rollBack(scene, { bad: [CANDIDATE] })).toEqual({ from: REVOKED, to: GOOD })
    expect(scene.versions().at(-1)).toEqual([GOOD, 'ami-bakery run=900.1'])
    expect(scene.requests).toEqual(['read', 'history', 'history', 'write', 'read', 'history', 'read'])
  })

  test('goes to the specified image instead, which needs no earlier version', async () => {
    const scene = makeScene(HISTORY)
    expect(await rollBack(scene, { to: OTHER })).toEqual({ from: REVOKED, to: OTHER })
    expect(scene.versions().at(-1)).toEqual([OTHER, 'ami-bakery run=900.1'])
    expect(scene.requests).toEqual(['read', 'history', 'write', 'read', 'history', 'read'])
  })

  test.each([
    ['is not good', CANDIDATE],
    ['is revoked itself', REVOKED],
  ])('fails when the specified image %s, and the value stays', async (_, to) => {
    const scene = makeScene(HISTORY)
    await expect(rollBack(scene, { to, bad: [CANDIDATE] })).rejects.toThrow(
      asOptionError(
        `/amis/web in us-east-1 holds a revoked image, and ${to} is not an available, published image of this account that is not ` +
          'revoked. The value stays. Publish a good image, or specify one with roll-back-to.',
      ),
    )
    expect(scene.versions()).toEqual(HISTORY)
  })

  test.each<[what: string, history: readonly ShortVersion[]]>([
    ['no earlier version', [[REVOKED, 'ami-bakery run=100.1']]],
    ['only earlier versions that are not good', [[CANDIDATE, 'by hand'], ...HISTORY.slice(1)]],
  ])('fails when the parameter has %s, and the value stays', async (_, history) => {
    const scene = makeScene(history)
    await expect(rollBack(scene, { bad: [CANDIDATE] })).rejects.toThrow(
      asOptionError(
        '/amis/web in us-east-1 holds a revoked image, and no earlier version in its history is an available, published image of this ' +
          'account that is not revoked. The value stays. Publish a good image, or specify one with roll-back-to.',
      ),
    )
    expect(scene.versions()).toEqual(history)
  })

  test('fails when the parameter has another type', async () => {
    const scene = makeScene(HISTORY, { type: { dataType: 'text' } })
    await expect(rollBack(scene)).rejects.toThrow(
      asOptionError(
        '/amis/web in us-east-1 has the type String and the data type text. A launch by resolve:ssm needs the type String and the data ' +
          "type aws:ec2:image, and SSM can't change them: delete the parameter, so that it is created anew, or specify another name.",
      ),
    )
  })

  test.each([
    ['its own', '900.1', 'ami-bakery run=100.1', 'ami-bakery run=900.1'],
    ['its own', '100.2', 'ami-bakery run=100.1', 'ami-bakery run=100.2'],
    ['its own', '900.1', 'by hand', 'ami-bakery run=900.1'],
    ['that of the later run', '99.1', 'ami-bakery run=100.1', 'ami-bakery run=100.1'],
    ['that of the later run', '', 'ami-bakery run=100.1', 'ami-bakery run=100.1'],
    ['none', '', 'by hand', 'ami-bakery'],
  ])(
    'leaves a mark so that no earlier run publishes again, %s: by the run %j over %j',
    async (_, run, before, after) => {
      const scene = makeScene([
        [GOOD, 'by hand'],
        [REVOKED, before],
      ])
      await rollBack(scene, { run })
      expect(scene.versions().at(-1)).toEqual([GOOD, after])
    },
  )
})

describe('the preview of a roll-back', () => {
  const preview = ({ store }: Scene, to?: string) =>
    planRetreat(store, { revoked: new Set([REVOKED]), to, mark: undefined, good: allGoodBut(new Set([CANDIDATE])) })

  test.each<[what: string, history: readonly ShortVersion[], to: string | undefined, planned: RolledBack | undefined]>([
    ['does not exist', [], undefined, undefined],
    ['holds another image', [...HISTORY, [OTHER, 'by hand']], undefined, undefined],
    ['holds a revoked image', HISTORY, undefined, { from: REVOKED, to: GOOD }],
    ['is to go to a specified image', HISTORY, OTHER, { from: REVOKED, to: OTHER }],
  ])('of a parameter that %s writes nothing', async (_, history, to, planned) => {
    const scene = makeScene(history)
    expect(await preview(scene, to)).toEqual(planned)
    expect(scene.versions()).toEqual(history)
  })

  test('fails as the roll-back would', async () => {
    await expect(preview(makeScene(HISTORY), CANDIDATE)).rejects.toThrow(/, and ami-33333333 is not an available, /)
    await expect(preview(makeScene(HISTORY, { type: { dataType: 'text' } }))).rejects.toThrow(/ the data type text\. /)
  })
})

describe('a roll-back while others change the parameter', () => {
  test('writes nothing when another image is published before it begins', async () => {
    const meanwhile: Meanwhile = { 'history 1': others => others.write(THEIRS, 'ami-bakery run=102.1') }
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await rollBack(scene)).toBeUndefined()
    expect(scene.versions().slice(2)).toEqual([[THEIRS, 'ami-bakery run=102.1']])
  })

  const published: Meanwhile = { 'write 1': others => others.write(THEIRS, 'ami-bakery run=102.1') }

  test('gives way to a good image of a later run, which is written again with its own mark', async () => {
    const scene = makeScene(HISTORY, { meanwhile: published })
    expect(await rollBack(scene)).toEqual({ from: REVOKED, to: THEIRS })
    expect(scene.versions().slice(2)).toEqual([
      [THEIRS, 'ami-bakery run=102.1'],
      [GOOD, 'ami-bakery run=900.1'],
      [THEIRS, 'ami-bakery run=102.1'],
    ])
  })

  test('goes on when the image of the later run is not good by then', async () => {
    const scene = makeScene(HISTORY, { meanwhile: published })
    expect(await rollBack(scene, { bad: [THEIRS] })).toEqual({ from: REVOKED, to: GOOD })
    expect(scene.versions().at(-1)).toEqual([GOOD, 'ami-bakery run=900.1'])
  })

  test('ends on what is published after an image that is not good', async () => {
    const meanwhile: Meanwhile = { ...published, 'history 5': others => others.write(OTHER, 'ami-bakery run=901.1') }
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await rollBack(scene, { bad: [THEIRS] })).toEqual({ from: REVOKED, to: OTHER })
    expect(scene.versions().at(-1)).toEqual([OTHER, 'ami-bakery run=901.1'])
  })

  test('leaves a change by hand, even to an image that is not good', async () => {
    const meanwhile: Meanwhile = { 'write 1': others => others.write(CANDIDATE, 'on purpose') }
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await rollBack(scene, { bad: [CANDIDATE] })).toEqual({ from: REVOKED, to: CANDIDATE })
    expect(scene.versions().at(-1)).toEqual([CANDIDATE, 'on purpose'])
  })

  test('repeats when the revoked image is written again', async () => {
    const meanwhile: Meanwhile = { 'read 3': others => others.write(REVOKED, 'by hand') }
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await rollBack(scene)).toEqual({ from: REVOKED, to: GOOD })
    expect(scene.versions().slice(2)).toEqual([
      [GOOD, 'ami-bakery run=900.1'],
      [REVOKED, 'by hand'],
      [GOOD, 'ami-bakery run=900.1'],
    ])
  })

  test('has nothing to report when the parameter is deleted', async () => {
    const meanwhile: Meanwhile = { 'read 3': others => others.remove() }
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await rollBack(scene)).toBeUndefined()
    expect(scene.versions()).toEqual([])
  })
})

describe('after a roll-back from an image of run 100 to another by run 900', () => {
  const target: ShortVersion = [GOOD, 'ami-bakery run=900.1']

  test.each<[what: string, versions: readonly ShortVersion[], stands: number | undefined]>([
    ['the target of the roll-back', [target], 0],
    ['the target, written twice', [target, target], 1],
    ['the good image of a later run than 100', [[THEIRS, 'ami-bakery run=101.1'], target], 0],
    ['the good image of a later attempt of run 100', [[THEIRS, 'ami-bakery run=100.2'], target], 0],
    ['the newest of two good images', [[THEIRS, 'ami-bakery run=102.1'], [OTHER, 'ami-bakery run=101.1'], target], 1],
    ['no image of run 100', [[THEIRS, 'ami-bakery run=100.1'], target], 1],
    ['no image of an earlier run', [[THEIRS, 'ami-bakery run=99.1'], target], 1],
    ['a change by hand', [[THEIRS, 'on purpose'], target], 0],
    ['no revoked image of a later run', [[REVOKED, 'ami-bakery run=102.1'], target], 1],
    ['no change by hand to a revoked image', [[REVOKED, 'on purpose'], target], 1],
    ['the target by another run', [[GOOD, 'ami-bakery run=901.1'], target], 0],
    ['nothing without a version', [], undefined],
  ])('%s stands', (_, short, stands) => {
    const versions = short.map(([value, description], index) => ({ number: index + 3, value, description }))
    const [[value, description], [former, mark]] = [target, [REVOKED, 'ami-bakery run=100.1']]
    const over = { number: 2, value: former, description: mark }
    const attempt = { entry: { value, description }, over, revoked: new Set([REVOKED]) }
    expect(chooseGood(versions, attempt)).toBe(stands === undefined ? undefined : versions[stands])
  })
})

describe('a parameter of SSM that is rolled back', () => {
  const log = captureLog()

  const model = makeModelEc2(makeDice(1))
  const ec2 = model.connect(makeActor(), 'us-east-1')
  const good = model.add('us-east-1', { ami_config_checksum: CHECKSUM })
  const candidate = model.add('us-east-1', { ami_config_checksum: `candidate:${CHECKSUM}` })
  const options = {
    ec2,
    name: '/amis/web',
    revoked: new Set([REVOKED]),
    run: { id: '900', attempt: '2' },
    to: undefined,
  }

  test('holds a published image of the region then, and the log says so', async () => {
    const scene = makeScene([good, candidate, REVOKED].map(value => [value, 'by hand']))
    using _served = await serveParameter(scene.store)
    expect(await rollBackParameter(options)).toEqual({ from: REVOKED, to: good })
    expect(scene.versions().at(-1)).toEqual([good, 'ami-bakery run=900.2'])
    expect(log()).toContain(`us-east-1: /amis/web is rolled back from ${REVOKED} to ${good}.\n`)
  })

  test('is only named in the log by a preview', async () => {
    const scene = makeScene([good, candidate, REVOKED].map(value => [value, 'by hand']))
    using _served = await serveParameter(scene.store)
    expect(await previewRollBack(options)).toEqual({ from: REVOKED, to: good })
    expect(scene.versions()).toHaveLength(3)
    expect(log()).toContain(`us-east-1: /amis/web would be rolled back from ${REVOKED} to ${good}.\n`)
    await expect(previewRollBack({ ...options, name: '/amis/db' })).rejects.toThrow(/^\/amis\/db: ssm:GetParameter/)
  })

  test('is not in the log when it holds no revoked image', async () => {
    using _served = await serveParameter(makeScene([[good, 'by hand']]).store)
    expect(await rollBackParameter(options)).toBeUndefined()
    expect(await previewRollBack(options)).toBeUndefined()
    expect(log()).not.toContain('/amis/web')
  })

  test('is named in the error of a request that SSM refuses', async () => {
    using _served = await serveParameter(makeScene([]).store)
    await expect(rollBackParameter({ ...options, name: '/amis/db' })).rejects.toThrow(
      asOptionError(
        '/amis/db: ssm:GetParameter in us-east-1: No access to /amis/db (AccessDeniedException). ' +
          "Grant the role of this job the action ssm:GetParameter (in IAM and in the organization's policies).",
      ),
    )
  })

  test('is not named in the error of a cancel', async () => {
    using _served = await serveParameter(makeScene([]).store)
    const cancelled = { ...ec2, signal: AbortSignal.abort(new Error('Cancelled by SIGTERM.')) }
    await expect(rollBackParameter({ ...options, ec2: cancelled })).rejects.toThrow(/^Cancelled by SIGTERM\.$/)
  })
})
