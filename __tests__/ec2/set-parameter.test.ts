import { describe, expect, test } from 'vitest'
import { parseMark } from '../../src/ec2/parameters/mark.ts'
import { chooseLatest, publishImage, type Setting, setParameter } from '../../src/ec2/parameters/set-parameter.ts'
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

const [OLD, MINE, THEIRS, BY_HAND] = ['ami-aaaaaaaa', 'ami-bbbbbbbb', 'ami-cccccccc', 'ami-dddddddd'] as const
const HISTORY: readonly ShortVersion[] = [[OLD, 'ami-bakery run=100.1']]

/** The error about the value of the input `ssm-parameter`. */
const asOptionError = (message: string) => new OptionError('ssmParameter', message)

/** @param run Like `101.1`; empty outside a workflow. */
async function publish({ store }: Scene, run: string, bad: ReadonlySet<string> = new Set()): Promise<Setting> {
  const mark = parseMark(`ami-bakery run=${run}`)
  return await publishImage(store, { imageId: MINE, mark, good: allGoodBut(bad) })
}

describe('an image that is published to a parameter', () => {
  test('creates the parameter, with the mark of the run', async () => {
    const scene = makeScene([])
    expect(await publish(scene, '101.1')).toEqual({ how: 'written' })
    expect(scene.versions()).toEqual([[MINE, 'ami-bakery run=101.1']])
    expect(scene.requests).toEqual(['read', 'write', 'read', 'history'])
  })

  test.each(['', '99.1', '101.1'])(
    'costs one request when the parameter holds it already, for the run %j',
    async run => {
      const scene = makeScene([[MINE, 'ami-bakery run=100.1']])
      expect(await publish(scene, run)).toEqual({ how: 'unchanged' })
      expect(scene.requests).toEqual(['read'])
    },
  )

  test.each([
    ['101.1', 'ami-bakery run=100.1', 'ami-bakery run=101.1'],
    ['100.2', 'ami-bakery run=100.1', 'ami-bakery run=100.2'],
    ['100.1', 'ami-bakery run=100.1', 'ami-bakery run=100.1'],
    ['101.1', 'by hand', 'ami-bakery run=101.1'],
    ['', 'ami-bakery run=100.1', 'ami-bakery'],
    ['', 'by hand', 'ami-bakery'],
  ])('by the run %j is written over a version with the description %j', async (run, before, after) => {
    const scene = makeScene([[OLD, before]])
    expect(await publish(scene, run)).toEqual({ how: 'written' })
    expect(scene.versions()).toEqual([
      [OLD, before],
      [MINE, after],
    ])
  })

  test.each([
    ['99.9', '100.1'],
    ['100.1', '100.2'],
  ])('by the run %s is not written over the image of the later run %s', async (run, laterRun) => {
    const scene = makeScene([[OLD, `ami-bakery run=${laterRun}`]])
    expect(await publish(scene, run)).toEqual({ how: 'refused', imageId: OLD, laterRun })
    expect(scene.requests).toEqual(['read', 'history'])
  })

  test('is not written to a parameter of another type, even if that holds its id', async () => {
    const scene = makeScene([[MINE, 'by hand']], { type: { type: 'StringList', dataType: 'text' } })
    await expect(publish(scene, '101.1')).rejects.toThrow(
      asOptionError(
        '/amis/web in us-east-1 has the type StringList and the data type text. A launch by resolve:ssm needs the type String and the ' +
          "data type aws:ec2:image, and SSM can't change them: delete the parameter, so that it is created anew, or specify another name.",
      ),
    )
    expect(scene.requests).toEqual(['read'])
  })

  test('is waited for while SSM validates it, for five minutes', async () => {
    expect(await publish(makeScene(HISTORY, { validation: 300 }), '101.1')).toEqual({ how: 'written' })
    await expect(publish(makeScene(HISTORY, { validation: 301 }), '101.1')).rejects.toThrow(
      asOptionError(
        `/amis/web in us-east-1: ${MINE} is not readable 5 minutes after it was written. SSM validates the id first, and drops it ` +
          'silently if the image is not available in the region or the role lacks ec2:DescribeImages. Check both, and run the job again.',
      ),
    )
  })
})

describe('an image that is published to a new parameter', () => {
  const meanwhile: Meanwhile = { 'write 1': others => others.write(THEIRS, 'ami-bakery run=102.1') }

  test('stands back when a later run creates the parameter at the same time', async () => {
    const scene = makeScene([], { meanwhile })
    expect(await publish(scene, '101.1')).toEqual({ how: 'refused', imageId: THEIRS, laterRun: '102.1' })
    expect(scene.versions()).toEqual([[THEIRS, 'ami-bakery run=102.1']])
  })

  test('is written over that of an earlier run that creates the parameter at the same time', async () => {
    const scene = makeScene([], { meanwhile, validation: 60 })
    expect(await publish(scene, '103.1')).toEqual({ how: 'written' })
    expect(scene.versions()).toEqual([
      [THEIRS, 'ami-bakery run=102.1'],
      [MINE, 'ami-bakery run=103.1'],
    ])
  })

  test('waits for the value of the run that creates it, for five minutes', async () => {
    const scene = makeScene([], { meanwhile, validation: 300 })
    expect(await publish(scene, '101.1')).toEqual({ how: 'refused', imageId: THEIRS, laterRun: '102.1' })
    await expect(publish(makeScene([], { meanwhile, validation: 301 }), '101.1')).rejects.toThrow(
      asOptionError('/amis/web in us-east-1 exists, but has had no value for 5 minutes. Run the job again.'),
    )
  })

  test('is written although the answer to the creation is lost', async () => {
    const scene = makeScene([], { answersAreLost: true })
    expect(await publish(scene, '101.1')).toEqual({ how: 'written' })
    expect(scene.versions()).toEqual([[MINE, 'ami-bakery run=101.1']])
  })

  test('is checked for a revocation although the answer to the creation is lost', async () => {
    await expect(publish(makeScene([], { answersAreLost: true }), '101.1', new Set([MINE]))).rejects.toThrow(
      asOptionError(
        '/amis/web in us-east-1 holds a revoked image, and no earlier version in its history is an available, published image of this ' +
          'account that is not revoked. The value stays. Publish a good image, or specify one with roll-back-to.',
      ),
    )
  })
})

describe('an image that is published while others change the parameter', () => {
  const meanwhile: Meanwhile = { 'write 1': others => others.write(THEIRS, 'ami-bakery run=102.1') }

  test('gives way to that of a later run, which is written again with its own mark', async () => {
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await publish(scene, '101.1')).toEqual({ how: 'refused', imageId: THEIRS, laterRun: '102.1' })
    expect(scene.versions().slice(1)).toEqual([
      [THEIRS, 'ami-bakery run=102.1'],
      [MINE, 'ami-bakery run=101.1'],
      [THEIRS, 'ami-bakery run=102.1'],
    ])
  })

  test('gives way to that of a later run, which is rolled back if it was revoked before it was written again', async () => {
    const scene = makeScene(HISTORY, { meanwhile })
    expect(await publish(scene, '101.1', new Set([THEIRS]))).toEqual({
      how: 'refused',
      imageId: THEIRS,
      laterRun: '102.1',
    })
    expect(scene.versions().at(-1)).toEqual([MINE, 'ami-bakery run=102.1'])
  })

  test('is written when a later run publishes the same image', async () => {
    const scene = makeScene(HISTORY, { meanwhile: { 'write 1': others => others.write(MINE, 'ami-bakery run=102.1') } })
    expect(await publish(scene, '101.1')).toEqual({ how: 'written' })
    expect(scene.versions().at(-1)).toEqual([MINE, 'ami-bakery run=102.1'])
  })

  test('gives way to a change by hand, which stands even on an image that is not good', async () => {
    const scene = makeScene(HISTORY, { meanwhile: { 'read 2': others => others.write(BY_HAND, 'on purpose') } })
    expect(await publish(scene, '101.1', new Set([BY_HAND]))).toEqual({
      how: 'refused',
      imageId: BY_HAND,
      laterRun: undefined,
    })
    expect(scene.versions().at(-1)).toEqual([BY_HAND, 'on purpose'])
  })
})

describe('an image that is revoked while it is published', () => {
  const wasRevoked = `${MINE} was revoked or deregistered while /amis/web in us-east-1 was set to it.`

  test('is rolled back, and the error says to which image', async () => {
    const scene = makeScene(HISTORY)
    const error = `${wasRevoked} It is rolled back to ${OLD}.`
    await expect(publish(scene, '101.1', new Set([MINE]))).rejects.toThrow(asOptionError(error))
    expect(scene.versions().at(-1)).toEqual([OLD, 'ami-bakery run=101.1'])
  })

  test('is not rolled back when the parameter holds another image by then', async () => {
    const scene = makeScene(HISTORY, { meanwhile: { 'read 3': others => others.write(BY_HAND, 'on purpose') } })
    const error = `${wasRevoked} It holds another image now.`
    await expect(publish(scene, '101.1', new Set([MINE]))).rejects.toThrow(asOptionError(error))
    expect(scene.versions().at(-1)).toEqual([BY_HAND, 'on purpose'])
  })
})

test.each([
  ['no version', [], undefined],
  ['the version of the latest run', ['run=5.1', 'run=7.1', 'run=6.1'], 1],
  ['the newest of the versions of one run', ['run=7.1', 'run=7.1', 'run=6.1'], 1],
  ['the newest version, which is by hand', ['run=7.1', 'by hand'], 1],
  ['no former version by hand', ['run=7.1', 'by hand', 'run=6.1'], 0],
  ['no first version by hand', ['by hand', 'run=6.1'], 1],
])('of several versions since the last look %s stands', (_, descriptions, expected) => {
  const versions = descriptions.map((text, index) => {
    const description = text.replace('run=', 'ami-bakery run=')
    return { number: index + 1, value: `ami-0000000${index}`, description }
  })
  expect(chooseLatest(versions)).toBe(expected === undefined ? undefined : versions[expected])
})

describe('a parameter of SSM', () => {
  const log = captureLog()

  const model = makeModelEc2(makeDice(1))
  const ec2 = model.connect(makeActor(), 'us-east-1')
  const imageId = model.add('us-east-1', { ami_config_checksum: CHECKSUM })
  const run = { id: '101', attempt: '2' }

  test('is set to an image, and the log says so', async () => {
    const scene = makeScene(HISTORY)
    using _served = await serveParameter(scene.store)
    expect(await setParameter({ ec2, name: '/amis/web', imageId, run })).toEqual({ how: 'written' })
    expect(scene.versions().at(-1)).toEqual([imageId, 'ami-bakery run=101.2'])
    expect(log()).toContain(`us-east-1: /amis/web holds ${imageId} now.\n`)
    expect(await setParameter({ ec2, name: '/amis/web', imageId, run })).toEqual({ how: 'unchanged' })
    expect(log()).toContain(`us-east-1: /amis/web holds ${imageId} already.\n`)
  })

  test('that stays on the image of a later run is not in the log', async () => {
    using _served = await serveParameter(makeScene([[OLD, 'ami-bakery run=102.1']]).store)
    const refused = { how: 'refused', imageId: OLD, laterRun: '102.1' }
    expect(await setParameter({ ec2, name: '/amis/web', imageId, run })).toEqual(refused)
    expect(log()).not.toContain('/amis/web')
  })

  test('is named in the error of a request that SSM refuses', async () => {
    using _served = await serveParameter(makeScene([]).store)
    await expect(setParameter({ ec2, name: '/amis/db', imageId, run })).rejects.toThrow(
      asOptionError(
        '/amis/db: ssm:GetParameter in us-east-1: No access to /amis/db (AccessDeniedException). ' +
          "Grant the role of this job the action ssm:GetParameter (in IAM and in the organization's policies).",
      ),
    )
  })

  test('is not named in the error of a cancel', async () => {
    using _served = await serveParameter(makeScene([]).store)
    const cancelled = { ...ec2, signal: AbortSignal.abort(new Error('Cancelled by SIGTERM.')) }
    const setting = setParameter({ ec2: cancelled, name: '/amis/web', imageId, run })
    await expect(setting).rejects.toThrow(/^Cancelled by SIGTERM\.$/)
  })
})
