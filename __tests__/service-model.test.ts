import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { startEc2 } from './support/ec2.ts'
import { startProxy } from './support/proxy.ts'
import { readModel } from './support/service-model.ts'
import { hasTools } from './support/tools.ts'

describe.skipIf(!hasTools('service_models'))('a service model of AWS', () => {
  const EC2 = { Version: '2016-11-15' }
  const STS = { Version: '2011-06-15' }
  const NAMES = { 'Filter.1.Name': 'image-id', 'Filter.1.Value.1': 'ami-1' }
  const COPY = { Name: 'app', SourceImageId: 'ami-1', SourceRegion: 'us-east-1' }
  const TAG = { 'ResourceId.1': 'ami-1', 'Tag.1.Key': 'a', 'Tag.1.Value': 'b' }
  const RUN = { MinCount: '1', MaxCount: '1' }
  const ROLE = { RoleArn: 'arn:aws:iam::123456789012:role/bake', RoleSessionName: 'bake' }

  function check(action: string, parameters: Readonly<Record<string, string>>): string[] {
    const service = parameters.Version === STS.Version ? 'sts' : 'ec2'
    return readModel(service).checkRequest(action, new URLSearchParams({ Action: action, ...parameters }))
  }

  test.for<[string, Record<string, string>]>([
    ['DescribeImages', { ...EC2, ...NAMES, 'Filter.2.Name': 'tag:a', 'Filter.2.Value.1': 'b', MaxResults: '1000' }],
    ['CopyImage', { ...EC2, ...COPY, 'TagSpecification.1.ResourceType': 'snapshot', Encrypted: 'true' }],
    ['CreateTags', { ...EC2, ...TAG }],
    ['RunInstances', { ...EC2, ...RUN, InstanceType: 't3.micro', 'BlockDeviceMapping.1.Ebs.VolumeSize': '8' }],
    ['RunInstances', { ...EC2, ...RUN, 'NetworkInterface.1.PrivateIpAddresses.1.PrivateIpAddress': '10.0.0.1' }],
    ['EnableImageDeprecation', { ...EC2, ImageId: 'ami-1', DeprecateAt: '2026-01-01T00:00:00.000Z' }],
    ['AssumeRole', { ...STS, ...ROLE, 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    ['GetCallerIdentity', STS],
  ])('a valid request passes: %s %j', ([action, parameters]) => {
    expect(check(action, parameters)).toEqual([])
  })

  test.for<[string, string, Record<string, string>]>([
    ['DescribeImages.ImageIds: is unknown.', 'DescribeImages', { ImageIds: 'ami-1' }],
    [
      'DescribeImages.Filter.1.Values: is unknown.',
      'DescribeImages',
      { 'Filter.1.Name': 'name', 'Filter.1.Values.1': 'a' },
    ],
    ['DescribeImages.Filter: there is no filter "status".', 'DescribeImages', { 'Filter.1.Name': 'status' }],
    ['DescribeImages.Filter: is no list.', 'DescribeImages', { 'Filter.Name': 'image-id' }],
    ['DescribeImages.ImageId: is no list.', 'DescribeImages', { 'ImageId.2': 'ami-1' }],
    ['DescribeImages.MaxResults: "all" is no integer.', 'DescribeImages', { MaxResults: 'all' }],
    ['DescribeImages.DryRun: "yes" is no boolean.', 'DescribeImages', { DryRun: 'yes' }],
    ['CopyImage.SourceRegion: is missing.', 'CopyImage', { Name: 'app', SourceImageId: 'ami-1' }],
    ['CopyImage.Name: its length is 129, more than 128.', 'CopyImage', { ...COPY, Name: 'a'.repeat(129) }],
    ['CopyImage.Name: its length is 2, less than 3.', 'CopyImage', { ...COPY, Name: 'ab' }],
    ['CopyImage.Name: is no string.', 'CopyImage', { ...COPY, Name: '', 'Name.a': 'app' }],
    [
      'CreateTags.Tag.1.Value: its length is 257, more than 256.',
      'CreateTags',
      { ...TAG, 'Tag.1.Value': 'a'.repeat(257) },
    ],
    ['CreateTags.Tag.1.Key: "aws:a" does not match', 'CreateTags', { ...TAG, 'Tag.1.Key': 'aws:a' }],
    [
      'RunInstances.InstanceType: "t3.large1" is none of a1.medium',
      'RunInstances',
      { ...RUN, InstanceType: 't3.large1' },
    ],
    [
      "DescribeInstances.MaxResults: can't stand beside InstanceId.",
      'DescribeInstances',
      { MaxResults: '5', 'InstanceId.1': 'i-1' },
    ],
    ['DescribeSecurityGroups.MaxResults: it is 4, less than 5.', 'DescribeSecurityGroups', { MaxResults: '4' }],
    [
      'EnableImageDeprecation.DeprecateAt: "soon" is no timestamp.',
      'EnableImageDeprecation',
      { ImageId: 'ami-1', DeprecateAt: 'soon' },
    ],
    ['MakeImage: there is no such action.', 'MakeImage', {}],
    ['DescribeImages.Version: 2014-10-01 is not 2016-11-15.', 'DescribeImages', { Version: '2014-10-01' }],
    [
      'AssumeRole.RoleSessionName: "a b" does not match [\\w+=,.@-]*.',
      'AssumeRole',
      { ...STS, ...ROLE, RoleSessionName: 'a b' },
    ],
    ['AssumeRole.PolicyArns: is no list.', 'AssumeRole', { ...STS, ...ROLE, PolicyArns: 'arn' }],
  ])('an invalid request is found: %s', ([violation, action, parameters]) => {
    const violations = check(action, { ...EC2, ...parameters })
    expect(violations.filter(line => !line.startsWith(violation))).toEqual([])
    expect(violations).toHaveLength(1)
  })

  test('a parameter that is sent twice is found', () => {
    const parameters = new URLSearchParams({ ...EC2, Action: 'DescribeImages', MaxResults: '5' })
    parameters.append('MaxResults', '6')
    expect(readModel('ec2').checkRequest('DescribeImages', parameters)).toContain(
      'DescribeImages.MaxResults: is there twice.',
    )
  })

  test('a request in JSON is checked too', () => {
    const ssm = readModel('ssm')
    expect(ssm.checkJson('GetParameter', '{"Name": "/aws/service/a", "WithDecryption": true}')).toEqual([])
    expect(ssm.checkJson('GetParameters', '{"Names": ["a", "b"]}')).toEqual([])
    expect(ssm.checkJson('GetParameters', '{"Names": []}')).toEqual([expect.stringContaining('is 0, less than 1')])
    expect(ssm.checkJson('GetParameter', '{"name": "a"}')).toEqual([
      'GetParameter.name: is unknown.',
      'GetParameter.Name: is missing.',
    ])
  })

  test.for<[string, string]>([
    ['<imageState>ready</imageState>', 'imageState: "ready" is none of pending, available'],
    ['<state>available</state>', 'state: is unknown.'],
    ['<isPublic>no</isPublic>', 'isPublic: "no" is no boolean.'],
    ['<tagSet><tag><key>a</key></tag></tagSet>', 'tagSet: is no list.'],
    ['<imageId>ami-1</imageId><imageId>ami-2</imageId>', 'imageId: is there twice.'],
    ['<imageId><item>ami-1</item></imageId>', 'imageId: is no string.'],
  ])('an invalid response is found: %s', ([element, violation]) => {
    const answer = (content: string) =>
      `<?xml version="1.0"?><DescribeImagesResponse><requestId>1</requestId><imagesSet><item>${content}</item></imagesSet></DescribeImagesResponse>`
    const right = answer('<imageId>ami-1</imageId><imageState>available</imageState><name>a &amp; b</name>')
    const ec2 = readModel('ec2')
    expect(ec2.checkAnswer('DescribeImages', right)).toEqual([])
    expect(ec2.checkAnswer('DescribeImages', answer(element))).toEqual([
      expect.stringContaining(`DescribeImages.imagesSet.1.${violation}`),
    ])
  })

  test.for(['', 'x', '<a>', '<DescribeImagesResponse>', '<DescribeImagesResponse/><a/>', '<CopyImageResponse/>'])(
    'a response that is not XML of the action is found: %j',
    answer => {
      expect(readModel('ec2').checkAnswer('DescribeImages', answer)).toHaveLength(1)
    },
  )
})

describe.skipIf(!hasTools('service_models', 'moto_server'))('the proxy', () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const PARAMETERS = { Action: 'DescribeImages', Version: '2016-11-15' }

  test('the proxy answers 400 to an invalid request, and fails the test that sent it', async () => {
    await using moto = await startEc2()
    const ec2 = await startProxy(moto)
    const body = String(new URLSearchParams({ ...PARAMETERS, 'Filter.1.Nmae': 'image-id' }))
    const response = await fetch(ec2.endpoint, { method: 'POST', headers, body })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('AwsServiceModelViolated')])
    await expect(ec2.stop()).rejects.toThrow('DescribeImages.Filter.1.Nmae: is unknown.')
  })

  test('the proxy fails a test with an invalid response, unless the test marks it as malformed', async () => {
    await using moto = await startEc2()
    const ec2 = await startProxy(moto)
    const ask = () => fetch(ec2.endpoint, { method: 'POST', headers, body: String(new URLSearchParams(PARAMETERS)) })
    ec2.fail({ action: 'DescribeImages', answer: '<a/>', isMalformed: true, times: 1 })
    ec2.fail({ action: 'DescribeImages', answer: '<b/>', times: 1 })
    await ask()
    await ask()
    await expect(ec2.stop()).rejects.toThrow(
      /^Against AWS's service models:\n {2}answer DescribeImages: the answer is not one DescribeImagesResponse\.$/,
    )
  })
})

describe.skipIf(!hasTools('moto_server'))('the emulator', () => {
  test('a test fails when the emulator ends during the test, with the output of the emulator', async () => {
    const ec2 = await startEc2()
    await fetch(`${ec2.moto}/moto-api/`)
    execFileSync('pkill', ['-KILL', '-P', String(process.pid), '-f', 'moto'])
    // Node learns of the exit in its event loop.
    await sleep(500)
    await expect(ec2.stop()).rejects.toThrow(/^moto_server ended before it was stopped[\s\S]*GET \/moto-api/)
  })

  test('a test fails when the emulator does not start, with the output of the emulator', async () => {
    vi.stubEnv('PYTHONHOME', '/nowhere')
    await expect(startEc2()).rejects.toThrow(/^moto_server ended before it was stopped[\s\S]*Python/)
    vi.unstubAllEnvs()
  })
})
