import {
  DeregisterImageCommand,
  DescribeImagesCommand,
  EC2Client,
  EnableImageDeregistrationProtectionCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ec2 } from '../../src/ec2/client.ts'
import { settleReferences } from '../../src/ec2/references.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { hasTools } from '../support/tools.ts'

const REGION = 'us-east-1'
const IDS = Array.from({ length: 23 }, (_, number) => `ami-${String(number).padStart(17, '0')}`)
const [FIRST = '', SECOND = ''] = IDS

describe.skipIf(!hasTools('moto_server'))('the search for references', () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => await moto.stop())

  /** Not through the proxy's own client, whose requests are not recorded. */
  function visible({ endpoint }: FaultyEc2): Ec2 {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    return { client: new EC2Client({ region: REGION, endpoint, credentials }), region: REGION, signal: undefined }
  }

  /** The ARNs by image, if EC2 answers clearly about every image. */
  async function findReferences(ec2: Ec2, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const results = await settleReferences(ec2, ids)
    return new Map(
      [...results].map(([id, result]) => {
        if (result.status === 'rejected') throw result.reason
        return [id, result.value]
      }),
    )
  }

  test('asks once for ten images, and reads every page', async () => {
    await using ec2 = await startProxy(moto)
    for (const number of [1, 2, 3, 4, 5]) ec2.use.refer(FIRST, { type: 'ec2:Instance', arn: `arn:${number}` })
    ec2.use.refer(SECOND, { type: 'ec2:LaunchTemplate', arn: 'arn:template', depth: 9_999 })
    ec2.use.refer(SECOND, { type: 'ssm:Parameter', arn: 'arn:parameter' })
    const found = await findReferences(visible(ec2), IDS)
    expect([...found.keys()]).toEqual(IDS)
    expect(found.get(FIRST)).toHaveLength(5)
    expect(found.get(SECOND)).toEqual(['arn:template', 'arn:parameter'])
    expect([...found.values()].flat()).toHaveLength(7)
    expect(ec2.requests).toHaveLength(3)
    ec2.use.shortenPages(2)
    expect(await findReferences(visible(ec2), IDS)).toEqual(found)
    expect(ec2.requests).toHaveLength(3 + 4 + 2)
  })

  test('fails for the ten images that EC2 does not answer about, and no others', async () => {
    await using ec2 = await startProxy(moto)
    ec2.fail({ action: 'DescribeImageReferences', error: 'UnauthorizedOperation', about: /^ImageId\.\d+=.*11$/ })
    const found = [...(await settleReferences(visible(ec2), IDS))]
    expect(found.filter(([, { status }]) => status === 'rejected').map(([id]) => id)).toEqual(IDS.slice(10, 20))
    await expect(findReferences(visible(ec2), IDS)).rejects.toThrow(
      /^ec2:DescribeImageReferences in us-east-1: .*Grant the role of this job the action ec2:DescribeImageReferences/,
    )
  })

  test.each([
    ['without a list', '<DescribeImageReferencesResponse/>', 'the response has no list of references'],
    [
      'about another image',
      '<DescribeImageReferencesResponse><imageReferenceSet><item><imageId>ami-1</imageId><arn>a</arn></item></imageReferenceSet></DescribeImageReferencesResponse>',
      'the response has a reference to ami-1 by a',
    ],
  ])('fails on an answer %s', async (_, answer, message) => {
    await using ec2 = await startProxy(moto)
    ec2.fail({ action: 'DescribeImageReferences', answer, isMalformed: true })
    await expect(findReferences(visible(ec2), IDS)).rejects.toThrow(message)
  })

  test('has an emulation that protects images and refuses to deregister them', async () => {
    await using ec2 = await startProxy(moto)
    const ImageId = await ec2.makeImage({})
    const client = ec2.client()
    await client.send(new EnableImageDeregistrationProtectionCommand({ ImageId }))
    ec2.use.launch(ImageId, new Date('2026-01-02T03:04:05Z'))
    const { Images } = await client.send(new DescribeImagesCommand({ ImageIds: [ImageId] }))
    expect(Images).toMatchObject([
      { DeregistrationProtection: 'enabled-without-cooldown', LastLaunchedTime: '2026-01-02T03:04:05.000Z' },
    ])
    await expect(client.send(new DeregisterImageCommand({ ImageId }))).rejects.toThrow('OperationNotPermitted')
  })
})
