import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type Fault, type FaultyEc2, STRANGER, startProxy } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const BASE = 'ami-0123456789abcdef0'

describe.skipIf(!hasTools('moto_server'))('base-ami: ssm:', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  const account = () => String(400_000_000_000 + accounts++)

  async function put(ec2: FaultyEc2, Name: string, Value: string, region = 'us-east-1'): Promise<void> {
    const ssm = new SSMClient({ region, endpoint: `${ec2.endpoint}/back-door`, credentials: KEYS })
    await ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true }))
  }

  interface Options {
    readonly env?: Readonly<Record<string, string>>
    readonly action?: 'index' | 'plan'
  }

  async function run(
    ec2: FaultyEc2,
    inputs: Readonly<Record<string, string>>,
    { env, action = 'index' }: Options = {},
  ): Promise<Run> {
    const base = inputs['base-ami'] ?? 'ssm:/amis/base'
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate(),
      'ami-bakery.yml': `images: { web: { packer-template: ami/app.pkr.hcl, ami-definition-dirs: ami, base-ami: "${base}" } }`,
    })
    const given =
      action === 'plan'
        ? { 'aws-region': 'us-east-1' }
        : {
            'packer-template': 'ami/app.pkr.hcl',
            'ami-definition-dirs': 'ami',
            'aws-region': 'us-east-1',
            'on-miss': 'skip',
            'base-ami': base,
          }
    return await runAction({
      action,
      workspace: workspace.directory,
      inputs: { ...given, ...inputs },
      env: { ...ec2.environment, ...env },
    })
  }

  const asked = ({ requests }: FaultyEc2) => requests.map(({ service, action }) => `${service}:${action}`)

  test('has the same checksum as the id that the parameter holds, and asks SSM once', async () => {
    await using ec2 = await startProxy(moto, account())
    await put(ec2, '/amis/base', BASE)
    const byParameter = await run(ec2, {})
    expect(byParameter.exitCode, byParameter.log).toBe(0)
    expect(byParameter.log).toContain(`Base image ${BASE} (SSM parameter /amis/base, version 1)`)
    expect(asked(ec2).filter(action => action.startsWith('ssm:'))).toEqual(['ssm:GetParameter'])
    const byId = await run(ec2, { 'base-ami': BASE })
    expect(byId.outputs.ami_config_checksum).toBe(byParameter.outputs.ami_config_checksum)
    await put(ec2, '/amis/base', 'ami-11111111111111111')
    expect((await run(ec2, {})).outputs.ami_config_checksum).not.toBe(byId.outputs.ami_config_checksum)
  })

  test('is resolved once by plan, whose output the main action takes without asking SSM', async () => {
    await using ec2 = await startProxy(moto, account())
    await put(ec2, '/amis/base', BASE)
    const plan = await run(ec2, {}, { action: 'plan' })
    expect(plan.exitCode, plan.log).toBe(0)
    const { resolved = '' } = plan.outputs
    expect(JSON.parse(resolved)).toEqual({ 'ssm:/amis/base': BASE })
    expect(asked(ec2)).toEqual(['ssm:GetParameter', 'ec2:DescribeImages'])
    await put(ec2, '/amis/base', 'ami-11111111111111111')
    ec2.requests.length = 0
    const [{ ami_config_checksum: planned }] = JSON.parse(plan.outputs.matrix ?? '[]')
    const baked = await run(ec2, { resolved })
    expect(baked.outputs.ami_config_checksum, baked.log).toBe(planned)
    expect(asked(ec2).filter(action => action.startsWith('ssm:'))).toEqual([])
  })

  test('reads the version that the name has behind a colon', async () => {
    await using ec2 = await startProxy(moto, account())
    await put(ec2, '/amis/base', BASE)
    await put(ec2, '/amis/base', 'ami-11111111111111111')
    expect((await run(ec2, { 'base-ami': 'ssm:/amis/base:1' })).log).toContain(`Base image ${BASE}`)
  })

  test('reads a parameter that another account shares, by its ARN', async () => {
    const [owner, consumer] = [account(), account()]
    await using theirs = await startProxy(moto, owner)
    await using ours = await startProxy(moto, consumer)
    await put(theirs, '/amis/base', BASE)
    const arn = `arn:aws:ssm:us-east-1:${owner}:parameter/amis/base`
    const refused = await run(ours, { 'base-ami': `ssm:${arn}` })
    expect(refused.exitCode).toBe(1)
    ours.parameters.share(arn)
    expect((await run(ours, { 'base-ami': `ssm:${arn}` })).log).toContain(`Base image ${BASE}`)
  })

  test.each<[what: string, value: string | undefined, fault: Omit<Fault, 'action'> | undefined, message: string]>([
    ['does not exist', undefined, undefined, 'SSM has no parameter /amis/base in us-east-1. Correct the name.'],
    ['holds no image id', 'nothing', undefined, 'is not the id of an image. Specify a parameter whose value is an id'],
    [
      'may not be read',
      BASE,
      { error: 'AccessDeniedException' },
      'ssm:GetParameter in us-east-1: The proxy says AccessDeniedException (AccessDeniedException). ' +
        'Grant the role of this job the action ssm:GetParameter',
    ],
    ['is throttled', BASE, { error: 'ThrottlingException' }, 'SSM throttles the account.'],
    [
      'is unknown to its account',
      BASE,
      { error: 'UnrecognizedClientException' },
      'SSM does not accept the credentials.',
    ],
    ['gets no answer', BASE, { hang: true }, 'SSM did not answer in time.'],
    ['gets an empty answer', BASE, { answer: '{}', isMalformed: true }, 'the response lacks a value and a version.'],
    ["gets a proxy's page", BASE, { answer: '<html>', isMalformed: true }, 'The response did not come from SSM.'],
  ])('fails with the reason and without a look-up when the parameter %s', async (_, value, fault, message) => {
    await using ec2 = await startProxy(moto, account())
    if (value) await put(ec2, '/amis/base', value)
    if (fault) ec2.fail({ action: 'GetParameter', ...fault })
    const env = fault?.hang && { AMI_BAKERY_TIME_SCALE: '0.02' }
    const { exitCode, annotations, log } = await run(ec2, {}, env && { env })
    expect(exitCode, log).toBe(1)
    const errors = annotations.filter(({ level }) => level === 'error').map(({ message }) => message)
    expect(errors, log).toEqual([expect.stringMatching(/^base-ami: /)])
    expect(errors[0]).toContain(message)
    expect(asked(ec2)).not.toContain('ec2:DescribeImages')
  })

  test('uses the endpoint that AWS_ENDPOINT_URL_SSM names, and says so', async () => {
    await using ec2 = await startProxy(moto, account())
    await put(ec2, '/amis/base', BASE)
    expect((await run(ec2, {})).log).toContain(
      `SSM endpoint: ${ec2.endpoint}/ (AWS_ENDPOINT_URL_SSM)`.replace('/ (', ' ('),
    )
    const refused = await run(ec2, {}, { env: { AWS_ENDPOINT_URL_SSM: 'http://127.0.0.1:9', ...STRANGER } })
    expect(refused.annotations.at(-1)?.message).toContain('The connection was refused or reset.')
  })
})

const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' }
