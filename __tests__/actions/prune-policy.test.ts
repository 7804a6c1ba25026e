import fs from 'node:fs'
import {
  CreateImageCommand,
  CreateImageUsageReportCommand,
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  ModifyImageAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { type FaultyEc2, type Request, startProxy } from '../support/proxy.ts'
import { runAction } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace } from '../support/workspace.ts'

interface Statement {
  readonly Sid: string
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: {
    readonly Null?: Readonly<Record<string, string>>
    readonly 'ForAllValues:StringEquals'?: { readonly 'aws:TagKeys': readonly string[] }
    readonly 'ForAnyValue:StringEquals'?: { readonly 'aws:CalledVia': readonly string[] }
  }
}

const STATEMENTS: readonly Statement[] = JSON.parse(
  fs.readFileSync(new URL('../../docs/iam/prune.json', import.meta.url), 'utf8'),
).Statement

/** For volumes that outlive the instance of a vanished run, which moto's does not have here. */
const UNSEEN = ['ec2:DescribeVolumes', 'ec2:DeleteVolume']

const DAY = 86_400_000

describe.skipIf(!hasTools('moto_server'))('the policy of prune', () => {
  let moto: Ec2Server
  let requests: readonly Request[]
  let tags: ReadonlyMap<string, ReadonlySet<string>>
  beforeAll(async () => {
    moto = await startEc2()
    await using ec2 = await startProxy(moto, '600000000000')
    ec2.prompt()
    await fill(ec2)
    tags = await describeTags(ec2)
    using workspace = makeWorkspace({ keep: '' })
    const later = 'data:text/javascript,{let%20now=Date.now;Date.now=()=>now()+2*864e5}'
    const env = { ...ec2.environment, AMI_BAKERY_TIME_SCALE: '0.05', NODE_OPTIONS: `--import=${later}` }
    const inputs = {
      templates: 't.pkr.hcl',
      'aws-region': 'us-east-1',
      regions: 'eu-west-1',
      'dry-run': 'false',
      shared: 'usage',
    }
    const run = await runAction({ action: 'prune', workspace: workspace.directory, inputs, env })
    expect(run.exitCode, run.log).toBe(0)
    expect(await ec2.inventory()).toMatchObject({ instances: [], keyPairs: [], securityGroups: [] })
    requests = [...ec2.requests]
  })
  afterAll(async () => await moto.stop())

  test('allows every request of a run that marks, unmarks, deletes, asks for reports, and cleans up after a vanished run', () => {
    expect(requests.length).toBeGreaterThan(20)
    const refused = requests.filter(request => !STATEMENTS.some(statement => allows(statement, request, tags)))
    expect(refused.map(({ action, parameters }) => [action, parameters.toString()])).toEqual([])
    console.log([...new Set(requests.map(({ action }) => action))].sort().join(' '))
  })

  test('allows no action that is not used, but what EC2 asks for itself', () => {
    const own = STATEMENTS.filter(({ Condition }) => !Condition?.['ForAnyValue:StringEquals'])
    const unused = own.flatMap(statement =>
      list(statement.Action)
        .filter(action => !UNSEEN.includes(action))
        .filter(action => !requests.some(request => allows({ ...statement, Action: action }, request, tags)))
        .map(action => [statement.Sid, action]),
    )
    expect(unused).toEqual([])
  })

  test('allows no change of an image that has a checksum, but not our template', () => {
    const stranger = new Map([['ami-00000000', new Set(['ami_config_checksum', 'ami_bakery_baked_at'])]])
    for (const action of ['DeregisterImage', 'CreateTags']) {
      const name = action === 'CreateTags' ? 'ResourceId.1' : 'ImageId'
      const parameters = new URLSearchParams({ [name]: 'ami-00000000', 'Tag.1.Key': 'ami_bakery_prune' })
      const request = { action, parameters, region: 'us-east-1', service: 'ec2', agent: '' }
      expect(STATEMENTS.filter(statement => allows(statement, request, stranger)).map(({ Sid }) => Sid)).toEqual([])
    }
  })
})

/** Evaluates a statement as IAM does, for a request of the action itself: nothing is called on its behalf. */
function allows(
  { Action, Resource, Condition }: Statement,
  { service, action, parameters }: Request,
  tags: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  if (!list(Action).includes(`${service}:${action}`) || Condition?.['ForAnyValue:StringEquals']) return false
  const resources = resourcesOf(action, parameters)
  if (!resources.every(resource => list(Resource).some(pattern => wildcard(pattern).test(arn(resource))))) return false
  const keys = Condition?.['ForAllValues:StringEquals']?.['aws:TagKeys']
  const asked = [...parameters].flatMap(([name, value]) => (/^Tag\.\d+\.Key$/.test(name) ? [value] : []))
  if (keys && !asked.every(key => keys.includes(key))) return false
  return Object.entries(Condition?.Null ?? {}).every(([key, isAbsent]) =>
    resources.every(id => tags.get(id)?.has(key.replace('aws:ResourceTag/', '')) === (isAbsent === 'false')),
  )
}

function resourcesOf(action: string, parameters: URLSearchParams): readonly string[] {
  if (!/^(CreateTags|DeregisterImage|DeleteSnapshot|DeleteKeyPair)$/.test(action)) return ['']
  return [...parameters].flatMap(([name, value]) =>
    /^(ResourceId\.\d+|ImageId|SnapshotId|KeyName|KeyPairId)$/.test(name) ? [value] : [],
  )
}

function arn(id: string): string {
  if (id.startsWith('ami-bakery-') || /^(packer_|key-)/.test(id)) return `arn:aws:ec2:us-east-1:1:key-pair/${id}`
  if (id.startsWith('ami-')) return `arn:aws:ec2:us-east-1::image/${id}`
  return id.startsWith('snap-') ? `arn:aws:ec2:us-east-1::snapshot/${id}` : '*'
}

function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

function list(values: string | readonly string[]): readonly string[] {
  return typeof values === 'string' ? [values] : values
}

/** Fills an account with something for each of prune's requests. */
async function fill(ec2: FaultyEc2): Promise<void> {
  const client = ec2.client()
  const past = new Date(Date.now() - DAY).toISOString()
  const tags = (number: number, mark = '') => ({
    ami_config_checksum: number.toString(16).padStart(40, '0'),
    ami_bakery_template: 't.pkr.hcl',
    ami_bakery_repository: 'example/app',
    ami_bakery_baked_at: new Date(Date.now() - (200 + number) * DAY).toISOString(),
    ami_bakery_prune: mark,
  })
  for (const number of [1, 2, 3]) await ec2.makeImage(tags(number, number === 1 ? past : ''))
  const due = await ec2.makeImage(tags(10, past))
  await ec2.makeImage({ ...tags(10, past), ami_bakery_image: due }, 'eu-west-1')
  const shared = [await ec2.makeImage(tags(11, past)), await ec2.makeImage(tags(12))]
  for (const ImageId of shared) {
    const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
    await client.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission }))
  }
  const ResourceTypes = [{ ResourceType: 'ec2:Instance' }]
  await client.send(new CreateImageUsageReportCommand({ ImageId: shared[0], ResourceTypes }))
  ec2.use.finishReports()
  await leaveLease(ec2)
}

/** What a run leaves that vanishes while it bakes: a lease, an instance, a group, images that are not finished. */
async function leaveLease(ec2: FaultyEc2): Promise<void> {
  const client = ec2.client()
  const [KeyName, GroupName] = [`packer_${crypto.randomUUID()}`, `packer_${crypto.randomUUID()}`]
  const checksum = 'f'.repeat(40)
  await client.send(new CreateKeyPairCommand({ KeyName }))
  const { GroupId = '' } = await client.send(new CreateSecurityGroupCommand({ GroupName, Description: 'a' }))
  const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, KeyName, SecurityGroupIds: [GroupId] }
  const { Instances: [{ InstanceId } = {}] = [] } = await client.send(new RunInstancesCommand(launch))
  await client.send(new CreateImageCommand({ InstanceId, Name: 'untagged' }))
  const { ImageId = '' } = await client.send(new CreateImageCommand({ InstanceId, Name: 'tagged by its template' }))
  const Tag = { Key: 'ami_config_checksum', Value: checksum }
  await client.send(new CreateTagsCommand({ Resources: [ImageId], Tags: [Tag] }))
  const tags = {
    ami_bakery_key_pairs: KeyName,
    ami_bakery_security_groups: GroupName,
    ami_bakery_launching: 'true',
    ami_bakery_counter: '3',
  }
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags }]
  await client.send(new CreateKeyPairCommand({ KeyName: `ami-bakery-${checksum}-00000000`, TagSpecifications }))
}

/** The keys of each image's tags. */
async function describeTags(ec2: FaultyEc2): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const inventories = [await ec2.inventory('us-east-1'), await ec2.inventory('eu-west-1')]
  return new Map(
    inventories.flatMap(({ images }) =>
      images.map(({ ImageId = '', Tags = [] }) => [ImageId, new Set(Tags.map(({ Key = '' }) => Key))] as const),
    ),
  )
}
