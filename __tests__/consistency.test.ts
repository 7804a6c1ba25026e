import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateImageCommand,
  CreateKeyPairCommand,
  CreateTagsCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from './support/accounts.ts'
import { SOURCE_IMAGE, speakTo } from './support/ec2.ts'
import type { FaultyEc2 } from './support/proxy.ts'
import { hasTools } from './support/tools.ts'

/** Properties of EC2 that the other tests rely on; `ec2.md` names the pages of AWS. */
describe.skipIf(!hasTools('moto_server'))('the EC2 of the tests with late answers', { concurrent: true }, () => {
  const startAccount = useAccounts({ prepare: ec2 => ec2.prompt() })

  /** A client that gets late answers, as the action does. */
  const clientOf = ({ endpoint }: FaultyEc2) => speakTo(endpoint).client()

  async function launch(client: EC2Client): Promise<string> {
    const command = new RunInstancesCommand({ ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1 })
    const { Instances: [{ InstanceId = '' } = {}] = [] } = await client.send(command)
    return InstanceId
  }

  test('a new key pair is not found for a while by its id, its name or a filter', async () => {
    await using ec2 = await startAccount()
    const client = clientOf(ec2)
    ec2.lateness({ appear: 3_000 })
    const { KeyPairId = '' } = await client.send(new CreateKeyPairCommand({ KeyName: 'new' }))
    const tag = new CreateTagsCommand({ Resources: [KeyPairId], Tags: [{ Key: 'a', Value: 'b' }] })
    await expect(client.send(tag)).rejects.toThrow(expect.objectContaining({ name: 'InvalidKeyPair.NotFound' }))
    const byName = new DescribeKeyPairsCommand({ KeyNames: ['new'] })
    await expect(client.send(byName)).rejects.toThrow(expect.objectContaining({ name: 'InvalidKeyPair.NotFound' }))
    const byFilter = new DescribeKeyPairsCommand({ Filters: [{ Name: 'key-name', Values: ['n*'] }] })
    expect((await client.send(byFilter)).KeyPairs).toEqual([])
    await sleep(3_000)
    await client.send(tag)
    expect((await client.send(byFilter)).KeyPairs).toMatchObject([{ Tags: [{ Key: 'a', Value: 'b' }] }])
  })

  test('an instance, its image and the snapshot of the image appear after a while', async () => {
    await using ec2 = await startAccount()
    const client = clientOf(ec2)
    ec2.lateness({ appear: 2_000, snapshots: 5_000 })
    const InstanceId = await launch(client)
    const instances = new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [InstanceId] }] })
    expect((await client.send(instances)).Reservations).toEqual([])
    const { ImageId = '' } = await client.send(new CreateImageCommand({ InstanceId, Name: 'image' }))
    const images = new DescribeImagesCommand({ Owners: ['self'] })
    expect((await client.send(images)).Images).toEqual([])
    const byId = new DescribeImagesCommand({ ImageIds: [ImageId] })
    await expect(client.send(byId)).rejects.toThrow(expect.objectContaining({ name: 'InvalidAMIID.NotFound' }))
    const snapshots = new DescribeSnapshotsCommand({
      OwnerIds: ['self'],
      Filters: [{ Name: 'description', Values: [`Created by CreateImage(*) for ${ImageId}*`] }],
    })
    await sleep(2_000)
    expect((await client.send(instances)).Reservations).toHaveLength(1)
    expect((await client.send(images)).Images).toMatchObject([{ ImageId, State: 'available' }])
    expect((await client.send(snapshots)).Snapshots).toEqual([])
    await sleep(3_000)
    expect((await client.send(snapshots)).Snapshots).toHaveLength(1)
  })

  test('a filter finds images by their former tags for a while, and an id finds them with their new tags at once', async () => {
    await using ec2 = await startAccount()
    const client = clientOf(ec2)
    const id = await ec2.makeImage({ stage: 'old' })
    ec2.lateness({ tags: 2_000 })
    const find = async (value: string) => {
      const Filters = [
        { Name: 'tag:stage', Values: [value] },
        { Name: 'state', Values: ['available'] },
      ]
      const { Images = [] } = await client.send(new DescribeImagesCommand({ Owners: ['self'], Filters }))
      return Images.map(({ ImageId, Tags = [] }) => [ImageId, Tags[0]?.Value])
    }
    await client.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'stage', Value: 'new' }] }))
    expect(await find('old')).toEqual([[id, 'old']])
    expect(await find('new')).toEqual([])
    const { Images } = await client.send(new DescribeImagesCommand({ ImageIds: [id] }))
    expect(Images).toMatchObject([{ Tags: [{ Key: 'stage', Value: 'new' }] }])
    await sleep(2_000)
    expect(await find('old')).toEqual([])
    expect(await find('new')).toEqual([[id, 'new']])
  })

  test('a deregistered image is described for a while, and can not be deregistered again', async () => {
    await using ec2 = await startAccount()
    const client = clientOf(ec2)
    const ImageId = await ec2.makeImage({ a: 'b' })
    ec2.lateness({ gone: 2_000 })
    const deregister = new DeregisterImageCommand({ ImageId })
    await client.send(deregister)
    await expect(client.send(deregister)).rejects.toThrow(expect.objectContaining({ name: 'InvalidAMIID.Unavailable' }))
    const byTag = new DescribeImagesCommand({ Filters: [{ Name: 'tag:a', Values: ['b'] }] })
    expect((await client.send(byTag)).Images).toMatchObject([{ ImageId, State: 'deregistered' }])
    const Filters = [{ Name: 'state', Values: ['available'] }]
    expect((await client.send(new DescribeImagesCommand({ Owners: ['self'], Filters }))).Images).toEqual([])
    expect((await ec2.inventory()).images).toEqual([])
    await sleep(2_000)
    expect((await client.send(byTag)).Images).toEqual([])
    await expect(client.send(deregister)).rejects.toThrow(expect.objectContaining({ name: 'InvalidAMIID.Unavailable' }))
  })
})
