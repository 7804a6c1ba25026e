import { CreateTagsCommand, DeregisterImageCommand } from '@aws-sdk/client-ec2'
import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  PutParameterCommand,
  type PutParameterCommandInput,
  SSMClient,
} from '@aws-sdk/client-ssm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { connect } from '../../src/ec2/client.ts'
import { rollBackParameter } from '../../src/ec2/parameters/roll-back.ts'
import { type Setting, setParameter } from '../../src/ec2/parameters/set-parameter.ts'
import { captureLog } from '../support/capture-log.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type Fault, type FaultyEc2, startProxy } from '../support/proxy.ts'
import { CHECKSUM } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'

/** A minute takes six seconds in this file. The scale is used only with an endpoint on this machine. */
vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.1'
  process.env.AWS_ENDPOINT_URL_EC2 = 'http://127.0.0.1:9'
})
const MINUTE = 6_000

const NAME = '/amis/web'

describe.skipIf(!hasTools('moto_server'))('an SSM parameter', () => {
  let moto: Ec2Server
  let ec2: FaultyEc2
  let ssm: SSMClient
  let accounts = 0

  captureLog()
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => {
    await moto.stop()
  })
  beforeEach(async () => {
    ec2 = await startProxy(moto, String(500_000_000_000 + accounts++))
    ec2.prompt()
    Object.assign(process.env, ec2.environment)
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    ssm = new SSMClient({ region: 'us-east-1', endpoint: `${ec2.endpoint}/back-door`, credentials })
  })
  afterEach(async () => await ec2.stop())

  async function makePublished(tags: Readonly<Record<string, string>> = {}): Promise<string> {
    return await ec2.makeImage({ ami_config_checksum: CHECKSUM, ...tags })
  }

  async function put(input: Partial<PutParameterCommandInput> & { readonly Value: string }): Promise<void> {
    const image = { Name: NAME, Type: 'String', DataType: 'aws:ec2:image', Overwrite: true } as const
    await ssm.send(new PutParameterCommand({ ...image, ...input }))
  }

  async function value(): Promise<string | undefined> {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: NAME }))
    return Parameter?.Value
  }

  async function history(): Promise<(readonly [value: string | undefined, description: string | undefined])[]> {
    const { Parameters = [] } = await ssm.send(new GetParameterHistoryCommand({ Name: NAME }))
    return Parameters.map(({ Value, Description }) => [Value, Description] as const)
  }

  /** @param run Like `100.1`; empty outside a workflow. */
  async function set(imageId: string, run: string): Promise<Setting> {
    return await setParameter({ ec2: connect('us-east-1'), name: NAME, imageId, run: parseRun(run) })
  }

  async function rollBack(revoked: readonly string[], to: string | undefined = undefined) {
    const run = parseRun('900.1')
    return await rollBackParameter({ ec2: connect('us-east-1'), name: NAME, revoked: new Set(revoked), to, run })
  }

  function parseRun(run: string) {
    const [id = '', attempt = ''] = run.split('.')
    return run ? { id, attempt } : undefined
  }

  const asked = () => ec2.requests.splice(0).map(({ action }) => action)

  describe('that is set', () => {
    test('is created as a parameter for an image, with the mark of the run', async () => {
      const image = await makePublished()
      expect(await set(image, '100.1')).toEqual({ how: 'written' })
      const put = ec2.requests.find(({ action }) => action === 'PutParameter')
      expect(Object.fromEntries(put?.parameters ?? [])).toEqual({
        Name: NAME,
        Value: image,
        Type: 'String',
        DataType: 'aws:ec2:image',
        Description: 'ami-bakery run=100.1',
      })
      expect(asked()).toEqual(['GetParameter', 'PutParameter', 'GetParameter', 'GetParameterHistory', 'DescribeImages'])
      expect(await value()).toBe(image)
    })

    test('costs one request when it holds the image already, also for an earlier or a later run', async () => {
      const image = await makePublished()
      await set(image, '100.1')
      asked()
      for (const run of ['100.1', '99.1', '101.2', '']) expect(await set(image, run)).toEqual({ how: 'unchanged' })
      expect(asked()).toEqual(['GetParameter', 'GetParameter', 'GetParameter', 'GetParameter'])
      expect(await history()).toHaveLength(1)
    })

    test('moves to the image of a later run, although the image is older', async () => {
      const [older, newer] = [await makePublished(), await makePublished()]
      await set(newer, '100.1')
      asked()
      expect(await set(older, '101.1')).toEqual({ how: 'written' })
      expect(asked()).toEqual([
        ...['GetParameter', 'GetParameterHistory', 'PutParameter'],
        ...['GetParameter', 'GetParameterHistory', 'DescribeImages'],
      ])
      expect(await value()).toBe(older)
    })

    test.each<[run: string, later: string]>([
      ['99.1', '100.1'],
      ['99.3', '100.1'],
      ['100.1', '100.2'],
      ['100.9', '100.10'],
      ['90000000000000000.1', '100000000000000000.1'],
    ])('stays when run %s writes after run %s', async (run, later) => {
      const [mine, theirs] = [await makePublished(), await makePublished()]
      await set(theirs, later)
      asked()
      expect(await set(mine, run)).toEqual({ how: 'refused', imageId: theirs, laterRun: later })
      expect(asked()).toEqual(['GetParameter', 'GetParameterHistory'])
    })

    test.each(['', 'by hand', 'ami-bakery run=x', 'not-ami-bakery run=999.1'])(
      'moves whatever the run when the newest version has the description %j',
      async Description => {
        const [image, other] = [await makePublished(), await makePublished()]
        await set(other, '200.1')
        await put({ Value: await makePublished(), Description })
        expect(await set(image, '100.1')).toEqual({ how: 'written' })
      },
    )

    test('moves outside a workflow, and leaves no mark', async () => {
      const [image, other] = [await makePublished(), await makePublished()]
      await set(other, '200.1')
      expect(await set(image, '')).toEqual({ how: 'written' })
      expect((await history()).at(-1)).toEqual([image, 'ami-bakery'])
    })

    test('ends on the later of two runs that write in the same instant', async () => {
      const [first, older, newer] = [await makePublished(), await makePublished(), await makePublished()]
      await set(first, '100.1')
      ec2.fail({ action: 'PutParameter', about: /run=101/, delay: 500 })
      const [, setting] = await Promise.all([set(older, '101.1'), set(newer, '102.1')])
      expect(setting).toEqual({ how: 'written' })
      expect((await history()).at(-1)).toEqual([newer, 'ami-bakery run=102.1'])
    })

    test('ends on the later of two runs that create it in the same instant', async () => {
      const [older, newer] = [await makePublished(), await makePublished()]
      ec2.fail({ action: 'PutParameter', about: /run=101/, delay: 500, times: 1 })
      const [, setting] = await Promise.all([set(older, '101.1'), set(newer, '102.1')])
      expect(setting).toEqual({ how: 'written' })
      expect(await value()).toBe(newer)
    })

    test('is written although the answer to the write is lost', async () => {
      const image = await makePublished()
      ec2.fail({ action: 'PutParameter', lost: true, times: 1 })
      expect(await set(image, '100.1')).toEqual({ how: 'written' })
      ec2.fail({ action: 'PutParameter', lost: true, times: 1 })
      expect(await set(await makePublished(), '101.1')).toEqual({ how: 'written' })
    })

    test('is waited for when validation takes a minute', async () => {
      const [first, second] = [await makePublished(), await makePublished()]
      ec2.parameters.slowValidation(MINUTE)
      expect(await set(first, '100.1')).toEqual({ how: 'written' })
      expect(await set(second, '101.1')).toEqual({ how: 'written' })
      expect(await value()).toBe(second)
    })

    test('fails when SSM drops the value, with what to check', async () => {
      const image = await makePublished()
      const gone = await makePublished()
      await ec2.client().send(new DeregisterImageCommand({ ImageId: gone }))
      await set(image, '100.1')
      await expect(set(gone, '101.1')).rejects.toThrow(
        `${NAME} in us-east-1: ${gone} is not readable 5 minutes after it was written. SSM validates the id first, and drops it ` +
          'silently if the image is not available in the region or the role lacks ec2:DescribeImages.',
      )
      expect(await value()).toBe(image)
    })

    test('keeps its tier, which another account needs to read it', async () => {
      await put({ Value: await makePublished(), Tier: 'Advanced', Overwrite: false })
      expect(await set(await makePublished(), '100.1')).toEqual({ how: 'written' })
    })

    test.each<[what: string, other: Partial<PutParameterCommandInput>, has: string]>([
      ['data type', { DataType: 'text' }, 'the type String and the data type text'],
      ['type', { Type: 'SecureString', DataType: 'text' }, 'the type SecureString and the data type text'],
      ['type', { Type: 'StringList', DataType: 'text' }, 'the type StringList and the data type text'],
    ])('of another %s is an error that says what to do', async (_, other, has) => {
      await put({ Overwrite: false, ...other, Value: 'ami-0123456789abcdef0' })
      await expect(set(await makePublished(), '100.1')).rejects.toThrow(
        `${NAME} in us-east-1 has ${has}. A launch by resolve:ssm needs the type String and the data type aws:ec2:image, and SSM ` +
          "can't change them: delete the parameter, so that it is created anew, or specify another name.",
      )
      expect(asked()).toEqual(['GetParameter'])
    })

    test.each<[Omit<Fault, 'action'>, action: string, message: string]>([
      [{ error: 'AccessDeniedException' }, 'GetParameter', 'Grant the role of this job the action ssm:GetParameter '],
      [{ error: 'AccessDeniedException' }, 'PutParameter', 'Grant the role of this job the action ssm:PutParameter '],
      [{ error: 'AccessDeniedException' }, 'GetParameterHistory', 'the action ssm:GetParameterHistory '],
      [{ error: 'ThrottlingException' }, 'PutParameter', 'SSM throttles the account.'],
      [{ error: 'TooManyUpdates' }, 'PutParameter', '(TooManyUpdates)'],
      [{ error: 'ValidationException' }, 'PutParameter', 'us-east-1: The proxy says ValidationException (Validation'],
      [{ error: 'ParameterPatternMismatchException' }, 'PutParameter', '(ParameterPatternMismatchException)'],
      [{ error: 'ParameterMaxVersionLimitExceeded' }, 'PutParameter', '(ParameterMaxVersionLimitExceeded)'],
      [{ answer: '{}', isMalformed: true }, 'PutParameter', 'the response lacks a version.'],
      [{ answer: '{}', isMalformed: true }, 'GetParameterHistory', 'the response lacks a list of versions.'],
    ])('fails with the reason for the answer %j to %s', async (fault, action, message) => {
      await set(await makePublished(), '100.1')
      ec2.fail({ action, ...fault })
      await expect(set(await makePublished(), '101.1')).rejects.toThrow(message)
    })

    test('is written when another update is under way for a while', async () => {
      ec2.fail({ action: 'PutParameter', error: 'TooManyUpdates', times: 3 })
      expect(await set(await makePublished(), '100.1')).toEqual({ how: 'written' })
    })

    test('is created anew when it is deleted meanwhile', async () => {
      const [first, second] = [await makePublished(), await makePublished()]
      await set(first, '100.1')
      ec2.fail({ action: 'PutParameter', delay: 200 })
      const setting = set(second, '101.1')
      await ec2.asked('PutParameter', 2)
      await ssm.send(new DeleteParameterCommand({ Name: NAME }))
      expect(await setting).toEqual({ how: 'written' })
      expect(await value()).toBe(second)
    })

    test('goes back when the image is revoked while it is set, and says so', async () => {
      const [good, bad] = [await makePublished(), await makePublished()]
      await set(good, '100.1')
      ec2.parameters.slowValidation(300)
      const setting = set(bad, '101.1')
      setting.catch(() => {})
      await ec2.asked('PutParameter', 2)
      const Tags = [{ Key: 'ami_bakery_revoked', Value: 'boots badly' }]
      await ec2.client().send(new CreateTagsCommand({ Resources: [bad], Tags }))
      await expect(setting).rejects.toThrow(
        `${bad} was revoked or deregistered while ${NAME} in us-east-1 was set to it. It is rolled back to ${good}.`,
      )
      expect(await value()).toBe(good)
    })
  })

  describe('that is rolled back', () => {
    test('costs one request when it does not exist or holds a good image', async () => {
      expect(await rollBack(['ami-00000000'])).toBeUndefined()
      await set(await makePublished(), '100.1')
      asked()
      expect(await rollBack(['ami-00000000'])).toBeUndefined()
      expect(asked()).toEqual(['GetParameter'])
    })

    test('goes to the newest earlier version whose image is available, published, own and not revoked', async () => {
      await using other = await startProxy(moto, String(500_000_000_000 + accounts++))
      const good = await makePublished()
      const gone = await makePublished()
      const bad = [
        await makePublished({ ami_bakery_revoked: 'boots badly' }),
        await ec2.makeImage({ ami_config_checksum: `revoked:${CHECKSUM}` }),
        await ec2.makeImage({ ami_config_checksum: `candidate:${CHECKSUM}` }),
        await ec2.makeImage({}),
        gone,
      ]
      const revoked = await makePublished()
      for (const Value of [await makePublished(), good, ...bad, revoked]) await put({ Value })
      await put({ Value: revoked, Description: 'ami-bakery run=100.1' })
      await ec2.client().send(new DeregisterImageCommand({ ImageId: gone }))
      expect(await other.makeImage({ ami_config_checksum: CHECKSUM })).toMatch(/^ami-/)
      asked()
      expect(await rollBack([revoked])).toEqual({ from: revoked, to: good })
      expect(asked()).toEqual([
        ...['GetParameter', 'GetParameterHistory', 'GetParameterHistory', 'DescribeImages', 'PutParameter'],
        ...['GetParameter', 'GetParameterHistory', 'DescribeImages', 'GetParameter'],
      ])
      expect((await history()).at(-1)).toEqual([good, 'ami-bakery run=900.1'])
      // An earlier run does not publish over it.
      expect(await set(revoked, '100.2')).toEqual({ how: 'refused', imageId: good, laterRun: '900.1' })
    })

    test('goes to the specified image', async () => {
      const [good, better, bad] = [await makePublished(), await makePublished(), await makePublished()]
      await set(good, '100.1')
      await set(bad, '101.1')
      expect(await rollBack([bad], better)).toEqual({ from: bad, to: better })
      expect(await value()).toBe(better)
    })

    test.each([undefined, 'candidate'])('stays and fails when there is no good image to go to: %s', async to => {
      const bad = await makePublished()
      const candidate = await ec2.makeImage({ ami_config_checksum: `candidate:${CHECKSUM}` })
      await put({ Value: candidate })
      await set(bad, '100.1')
      const lack = to
        ? `${candidate} is not an available, published`
        : 'no earlier version in its history is an available'
      await expect(rollBack([bad], to ? candidate : undefined)).rejects.toThrow(
        `${NAME} in us-east-1 holds a revoked image, and ${lack}`,
      )
      expect(await value()).toBe(bad)
    })

    test('stays on a good image that a later run publishes in the same instant', async () => {
      const [good, bad, better] = [await makePublished(), await makePublished(), await makePublished()]
      await set(good, '100.1')
      await set(bad, '101.1')
      ec2.fail({ action: 'PutParameter', about: /run=900/, delay: 1_200 })
      const rolledBack = rollBack([bad])
      await ec2.asked('PutParameter', 3)
      expect(await set(better, '102.1')).toEqual({ how: 'written' })
      expect(await rolledBack).toEqual({ from: bad, to: better })
      expect(await value()).toBe(better)
    })
  })
})
