import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Image,
  RegisterImageCommand,
} from '@aws-sdk/client-ec2'
import { startProxy } from './proxy.ts'
import { toolPath } from './tools.ts'

/** The account that moto gives every caller. */
export const ACCOUNT = '123456789012'

/** An image that EC2 has from the start, as moto reads it. */
export interface FirstImage {
  readonly ami_id: string
  readonly name: string
  readonly owner_id: string
  readonly state?: 'available' | 'pending' | 'failed'
  readonly creation_date?: string
  readonly architecture?: 'x86_64' | 'arm64'
  readonly root_device_type?: 'ebs' | 'instance-store'
  readonly tags?: Readonly<Record<string, string>>
}

/** The image that templates bake from: what `amazon` publishes as Amazon Linux 2023. */
export const SOURCE_IMAGE: FirstImage = {
  ami_id: 'ami-03cf127a',
  name: 'al2023-ami-2023.9.20260101.0-kernel-6.12-x86_64',
  owner_id: '137112412989',
}

/** What an account has on EC2 in a region, without what EC2 brings along. */
export interface Inventory {
  readonly images: readonly Image[]
  /** Ids of the instances that are not terminated. */
  readonly instances: readonly string[]
  readonly keyPairs: readonly string[]
  readonly securityGroups: readonly string[]
  readonly snapshots: readonly string[]
}

/** EC2, played by moto's server behind a proxy that makes up for where it is kinder. */
export interface Ec2Server {
  /** Where moto itself answers. */
  readonly moto: string
  readonly endpoint: string
  /** What a process needs in its environment to talk to this EC2. */
  readonly environment: Readonly<Record<string, string>>
  client(region?: string): EC2Client
  inventory(region?: string): Promise<Inventory>
  /** Makes an available image without Packer and answers its id. */
  makeImage(tags: Readonly<Record<string, string>>, region?: string): Promise<string>
  /** Forgets everything but the first images. */
  reset(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts moto's server, with these images beside the one that templates bake from.
 *
 * @throws Error with what moto has printed when it ends before `stop`: here, or from `stop`.
 */
export async function startEc2(...images: readonly FirstImage[]): Promise<Ec2Server> {
  const server = await startMoto([SOURCE_IMAGE, ...images])
  const moto = server.address
  // Moto loads its EC2 with the first request, which takes seconds on a busy machine: longer than a test with short waits allows.
  await speakTo(moto).client().send(new DescribeKeyPairsCommand({}))
  const proxy = await startProxy({ moto })
  async function stop(): Promise<void> {
    try {
      await proxy.stop()
    } finally {
      await server.stop()
    }
  }
  async function reset(): Promise<void> {
    const { ok, status } = await fetch(`${moto}/moto-api/reset`, { method: 'POST' })
    // It can't read the creation_date of its first images a second time.
    if (!ok) throw new Error(`moto answers ${status} when it is to forget.`)
  }
  const { endpoint, environment, client, inventory, makeImage } = proxy
  return { endpoint, environment, client, inventory, makeImage, moto, reset, stop, [Symbol.asyncDispose]: stop }
}

/** The same EC2 through another address, as a proxy before it has. */
export function speakTo(
  endpoint: string,
): Pick<Ec2Server, 'endpoint' | 'environment' | 'client' | 'inventory' | 'makeImage'> {
  function client(region = 'us-east-1'): EC2Client {
    return new EC2Client({ region, endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } })
  }
  return {
    endpoint,
    environment: {
      AWS_ENDPOINT_URL_EC2: endpoint,
      AWS_ENDPOINT_URL_SSM: endpoint,
      AWS_ENDPOINT_URL_STS: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    client,
    inventory: region => takeInventory(client(region)),
    makeImage: (tags, region) => makeImage(client(region), tags),
  }
}

interface Moto {
  readonly address: string
  stop(): Promise<void>
}

/** Moto chooses its port itself: one that is chosen before may belong to another process by the time moto listens. */
async function startMoto(images: readonly FirstImage[]): Promise<Moto> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ec2-'))
  const server = spawn(toolPath('moto_server'), ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MOTO_AMIS_PATH: writeImages(directory, images) },
  })
  let printed = ''
  const listening = new Promise<string>(resolve => {
    function read(chunk: string): void {
      printed = `${printed}${chunk}`.slice(-10_000)
      const [, address] = /Running on (http:\/\/[\w.]+:\d+)\s/.exec(printed) ?? []
      if (address) resolve(address)
    }
    for (const stream of [server.stdout, server.stderr]) stream.setEncoding('utf8').on('data', read)
  })
  const ended = once(server, 'close').finally(() => fs.rmSync(directory, { recursive: true, force: true }))
  const failed = ended.then(() => {
    throw new Error(`moto_server ended before it was stopped. It printed:\n${printed}`)
  })
  failed.catch(() => {})
  const address = await Promise.race([listening, failed])
  async function stop(): Promise<void> {
    const isThere = await fetch(address).then(
      () => true,
      () => false,
    )
    server.kill('SIGKILL')
    await (isThere ? ended : failed)
  }
  return { address, stop }
}

function writeImages(directory: string, images: readonly FirstImage[]): string {
  const file = path.join(directory, 'images.json')
  const common = { architecture: 'x86_64', hypervisor: 'xen', platform: null, public: true }
  const device = { root_device_name: '/dev/sda1', root_device_type: 'ebs', virtualization_type: 'hvm' }
  fs.writeFileSync(file, JSON.stringify(images.map(image => ({ ...common, ...device, ...image }))))
  return file
}

async function makeImage(ec2: EC2Client, tags: Readonly<Record<string, string>>): Promise<string> {
  const { ImageId = '' } = await ec2.send(new RegisterImageCommand({ Name: `image-${crypto.randomUUID()}` }))
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  if (Tags.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [ImageId], Tags }))
  return ImageId
}

async function takeInventory(ec2: EC2Client): Promise<Inventory> {
  const [images, instances, keyPairs, groups, snapshots] = await Promise.all([
    ec2.send(new DescribeImagesCommand({ Owners: ['self'] })),
    ec2.send(new DescribeInstancesCommand({})),
    ec2.send(new DescribeKeyPairsCommand({})),
    ec2.send(new DescribeSecurityGroupsCommand({})),
    ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] })),
  ])
  const everyInstance = (instances.Reservations ?? []).flatMap(({ Instances = [] }) => Instances)
  const groupNames = (groups.SecurityGroups ?? []).map(({ GroupName = '' }) => GroupName)
  const ownSnapshots = (snapshots.Snapshots ?? []).filter(({ Description }) => !Description?.startsWith('Auto-created'))
  return {
    images: images.Images ?? [],
    instances: everyInstance
      .filter(({ State }) => State?.Name !== 'terminated')
      .map(({ InstanceId = '' }) => InstanceId),
    keyPairs: (keyPairs.KeyPairs ?? []).map(({ KeyName = '' }) => KeyName),
    securityGroups: groupNames.filter(name => name !== 'default'),
    snapshots: ownSnapshots.map(({ SnapshotId = '' }) => SnapshotId),
  }
}
