import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { DescribeSubnetsCommand, EnableImageDeprecationCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACCOUNT, type Ec2Server, startEc2 } from './support/ec2.ts'
import { type Instance, startInstance } from './support/instance.ts'
import {
  FAILING_AFTERWARDS,
  type Interruption,
  killAllWhen,
  setSceneOf,
  TEMPORARY_ROLE,
  vanish,
  WAITING,
} from './support/interruption.ts'
import type { Request } from './support/proxy.ts'
import { cancel, type Running } from './support/runner.ts'
import { canSetScene, INPUTS, type Scene } from './support/scene.ts'
import { hclTemplate, selfTaggingTemplate, withSsh, withSteps } from './support/workspace.ts'

/** A scenario that has a row in the README of the policies. */
interface Job extends Pick<Interruption, 'name' | 'template' | 'slow' | 'faults'> {
  readonly policy: 'look-up' | 'bake' | 'bake-and-copy'
  /** The README's heading with the permissions that it needs in addition to the policy. */
  readonly extra?: string
  play(scene: Scene): Promise<unknown>
}

/** Permissions that no test can use, and their source; files are those of packer-plugin-amazon. */
const UNSEEN: Readonly<Record<string, string>> = {
  'ec2:DescribeInstanceStatus': 'a session that does not start; moto has no sessions (ssm/session.go)',
  'iam:PassRole': 'no request of its own, RunInstances needs it (IAM user guide, "Grant permissions to pass a role")',
  'kms:CreateGrant': 'EC2 calls KMS (EBS user guide, "Requirements for Amazon EBS encryption")',
  'kms:Decrypt': 'EC2 calls KMS (as above)',
  'kms:DescribeKey': 'EC2 calls KMS (as above)',
  'kms:GenerateDataKeyWithoutPlaintext': 'EC2 calls KMS (as above)',
  'kms:ReEncryptFrom': 'EC2 calls KMS (as above)',
  'kms:ReEncryptTo': 'EC2 calls KMS (as above)',
  'ssm:StartSession': 'moto has no sessions (ssm/session.go)',
  'ssm:TerminateSession': 'moto has no sessions (ssm/session.go)',
}

/** Packer's first request, which needs no permission (STS API reference, GetCallerIdentity). */
const FREE = 'sts:GetCallerIdentity'

const PLAIN = 'a plain bake'

let moto: Ec2Server
let instance: Instance

const jobs: readonly Job[] = [
  {
    name: 'a hit',
    policy: 'look-up',
    play: async scene => {
      await plant(scene)
      return await run(scene)
    },
  },
  {
    name: 'a miss with `on-miss: skip`',
    policy: 'look-up',
    play: async scene => await run(scene, { 'on-miss': 'skip', regions: 'eu-west-1' }),
  },
  { name: PLAIN, policy: 'bake', play: async scene => await run(scene) },
  {
    name: 'a bake in a subnet, by SSH, with a description and tags',
    policy: 'bake',
    template: () => {
      // moto can't set tags in CreateImage.
      const tags = 'tags = { a = "b" }\nrun_tags = { a = "b" }\nrun_volume_tags = { a = "b" }\nskip_ami_run_tags = true'
      const options = `subnet_id = var.aws_subnet_id\nami_description = "app"\n${tags}`
      const template = `variable "aws_subnet_id" { type = string }\n${hclTemplate(options)}`
      return withSteps(withSsh(template, instance.port), 'provisioner "shell" { inline = ["true"] }')
    },
    play: async scene => {
      const { Subnets = [] } = await scene.ec2.client().send(new DescribeSubnetsCommand({}))
      return await run(scene, { 'aws-subnet-id': Subnets[0]?.SubnetId ?? '' })
    },
  },
  {
    name: 'a cancelled bake and its clean-up',
    policy: 'bake',
    slow: { images: 60_000 },
    play: scene => cancelAndCleanUp(scene.start(), /Waiting for AMI/),
  },
  {
    name: 'a killed bake with `launch_block_device_mappings`, and its clean-up',
    policy: 'bake',
    template: () => {
      const disk = 'launch_block_device_mappings {\n device_name = "/dev/sdb"\n volume_size = 1\n }'
      return withSteps(hclTemplate(disk), WAITING)
    },
    play: async scene => {
      const running = scene.start()
      await killAllWhen(/waiting/)(running, scene)
      const { exitCode, log } = await running.post()
      expect(exitCode, log).toBe(0)
    },
  },
  {
    name: 'a bake that fails after its template has tagged the image',
    policy: 'bake',
    template: () => withSteps(selfTaggingTemplate(), ...FAILING_AFTERWARDS),
    play: async scene => {
      const running = scene.start()
      await running.ended
      await running.post()
    },
  },
  {
    name: 'a stale lease is removed, with what its run left',
    policy: 'bake',
    slow: { images: 60_000 },
    play: async scene => {
      const gone = scene.start()
      await gone.printed(/Waiting for AMI/)
      await vanish(gone, scene)
      const { exitCode, log } = await scene.start({ env: { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.05' } }).ended
      expect(exitCode, log).toBe(0)
      expect(log).toContain('Clean-up on EC2 after ')
    },
  },
  {
    name: 'copies to `regions`, with launch permissions and deprecation time',
    policy: 'bake-and-copy',
    slow: { copies: 2_000 },
    play: async scene => {
      await plant(scene)
      return await run(scene, { regions: 'eu-west-1' })
    },
  },
  {
    name: 'a copy that goes on after a cancel',
    policy: 'bake-and-copy',
    slow: { copies: 60_000 },
    play: async scene => {
      scene.ec2.prompt()
      await plant(scene)
      const running = scene.start({ inputs: { ...INPUTS, regions: 'eu-west-1' } })
      await running.printed(/is pending/)
      await cancel(running)
      await running.post()
    },
  },
  {
    name: 'a template with `ami_regions`, `encrypt_boot`, `deprecate_at`',
    policy: 'bake-and-copy',
    template: () =>
      hclTemplate('ami_regions = ["us-west-2"]\nencrypt_boot = true\ndeprecate_at = "2099-01-01T00:00:00Z"'),
    play: async scene => await run(scene),
  },
  {
    name: 'a spot instance',
    policy: 'bake',
    extra: 'Spot instances',
    template: () => {
      const tags = 'run_tags = { a = "b" }\nrun_volume_tags = { a = "b" }\nskip_ami_run_tags = true'
      const template = hclTemplate(`spot_price = "auto"\nspot_instance_types = ["t3.micro"]\n${tags}`)
      return template.replace(/instance_type .*/, '')
    },
    play: async scene => await run(scene),
  },
  {
    name: 'a temporary instance profile',
    policy: 'bake',
    extra: 'Temporary instance profiles',
    template: () => hclTemplate(`${TEMPORARY_ROLE}\nrun_tags = { a = "b" }\nskip_ami_run_tags = true`),
    play: async scene => await run(scene),
  },
  {
    name: '`associate_public_ip_address`, `ena_support`, `snapshot_users`',
    policy: 'bake',
    extra: 'Other options',
    template: () =>
      hclTemplate('associate_public_ip_address = true\nena_support = true\nsnapshot_users = ["111122223333"]'),
    play: async scene => await run(scene),
  },
  {
    name: '`communicator = "winrm"`',
    policy: 'bake',
    extra: 'Other options',
    template: () => hclTemplate('winrm_username = "Administrator"').replace('"none"', '"winrm"'),
    play: async scene => {
      const running = scene.start()
      await scene.ec2.asked('GetPasswordData')
      await cancel(running)
      await running.post()
    },
  },
  {
    name: '`deregistration_protection`',
    policy: 'bake',
    extra: 'Other options',
    template: () => hclTemplate('deregistration_protection { enabled = true }'),
    // moto does not support it.
    faults: [
      {
        action: 'EnableImageDeregistrationProtection',
        answer:
          '<EnableImageDeregistrationProtectionResponse><return>true</return></EnableImageDeregistrationProtectionResponse>',
      },
    ],
    play: async scene => await run(scene),
  },
]

const README = readDocument('README.md')

const recorded = new Map<Job, readonly Permission[]>()

describe.skipIf(!canSetScene)('the IAM policies', () => {
  beforeAll(async () => {
    moto = await startEc2()
    instance = await startInstance()
  })
  afterAll(async () => {
    await instance.stop()
    await moto.stop()
  })

  describe('allow all requests of', { concurrent: true }, () => {
    test.for(jobs.map(job => [job.name, job] as const))('%s', async ([, job]) => {
      await using scene = await setSceneOf({ ...job, interrupt: async () => undefined }, moto)
      await job.play(scene)
      const asked = scene.ec2.requests.flatMap(permissionsFor).filter(({ action }) => action !== FREE)
      recorded.set(job, asked)
      const allowing = [...readPolicy(job.policy), ...(job.extra ? extraStatements(job.extra) : [])]
      expect(asked.filter(one => !allowing.some(statement => allows(statement, one)))).toEqual([])
    })
  })

  test.each([
    ['look-up', []],
    ['bake', readPolicy('look-up')],
    ['bake-and-copy', readPolicy('bake')],
  ] as const)('of %s allow no permission that is not used, except those of the smaller policy', (policy, before) => {
    const asked = [...recorded].flatMap(([job, permissions]) => (job.policy === policy ? permissions : []))
    const statements = readPolicy(policy)
    expect(statements).toEqual(expect.arrayContaining([...before]))
    expect(unused(statements.slice(before.length), asked)).toEqual([])
  })

  test('have no additional permissions in the README that are not used', () => {
    const actions = extraStatements().flatMap(({ Action }) => Action)
    const asked = new Set([...recorded.values()].flat().map(({ action }) => action))
    expect(actions.filter(action => !asked.has(action) && !UNSEEN[action])).toEqual([])
  })

  test('have a table of the recorded requests in the README', () => {
    const table = makeTable()
    console.log(table)
    expect(README).toContain(`\n\n${table}\n\n`)
  })
})

test('the trust policy lets only the main branch of one repository assume the role', () => {
  const [statement, ...others] = JSON.parse(readDocument('trust.json')).Statement
  expect(others).toEqual([])
  expect(statement.Action).toBe('sts:AssumeRoleWithWebIdentity')
  expect(Object.keys(statement.Condition)).toEqual(['StringEquals'])
  const issuer = 'token.actions.githubusercontent.com'
  const { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: subjects } = statement.Condition.StringEquals
  expect(audience).toBe('sts.amazonaws.com')
  for (const subject of subjects) expect(subject).toMatch(/^repo:example(@\d+)?\/app(@\d+)?:ref:refs\/heads\/main$/)
})

async function run(scene: Scene, inputs: Readonly<Record<string, string>> = {}): Promise<void> {
  const { exitCode, log } = await scene.start({ inputs: { ...INPUTS, ...inputs } }).ended
  expect(exitCode, log).toBe(0)
}

async function cancelAndCleanUp(running: Running, when: RegExp): Promise<void> {
  await running.printed(when)
  await cancel(running)
  const { exitCode, log } = await running.post()
  expect(exitCode, log).toBe(0)
}

/** Creates an image that is a hit, shared, and with a deprecation time. */
async function plant({ ec2 }: Scene): Promise<void> {
  const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
  const ImageId = await ec2.makeImage({ ami_config_checksum: sha1(sha1(hclTemplate())) })
  const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
  await ec2.client().send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission }))
  await ec2.client().send(new EnableImageDeprecationCommand({ ImageId, DeprecateAt: new Date('2099-01-01') }))
}

/** A permission that IAM checks for a request. */
interface Permission {
  readonly action: string
  readonly resource: string
  /** The action that creates the resource, for tags that are set at creation. */
  readonly createAction?: string
}

/** The permissions that a request needs, by the Service Authorization Reference. */
function permissionsFor(request: Request): readonly Permission[] {
  const { service, action, region, parameters } = request
  const created = [...parameters].filter(([name]) =>
    /^(LaunchTemplateData\.)?TagSpecification\.\d+\.ResourceType$/.test(name),
  )
  const tagging = service === 'iam' && parameters.has('Tags.member.1.Key') ? [action.replace('Create', 'iam:Tag')] : []
  const actions = [`${service}:${action}`, ...tagging]
  return [
    ...actions.flatMap(one => resourcesOf(request).map(resource => ({ action: one, resource }))),
    ...created.map(([name, type]) => ({
      action: 'ec2:CreateTags',
      resource: arn(region, type, '*'),
      // The tags of a launch template are set by CreateFleet.
      createAction: name.startsWith('LaunchTemplateData') ? 'CreateFleet' : action,
    })),
  ]
}

/** The ARNs of a request's resources where a policy restricts them, `*` otherwise. */
function resourcesOf({ service, action, region, parameters }: Request): readonly string[] {
  const [profile, role] = [parameters.get('InstanceProfileName'), parameters.get('RoleName')]
  if (service === 'iam') return [`arn:aws:iam::${ACCOUNT}:${profile ? `instance-profile/${profile}` : `role/${role}`}`]
  const keyPair = parameters.get('KeyName') ?? parameters.get('KeyPairId')
  if (/^(Create|Delete)KeyPair$/.test(action)) return [arn(region, 'key-pair', `${keyPair}`)]
  if (action === 'GetConsoleOutput') return [arn(region, 'instance', `${parameters.get('InstanceId')}`)]
  if (action !== 'CreateTags') return ['*']
  const ids = [...parameters].flatMap(([name, id]) => (name.startsWith('ResourceId.') ? [id] : []))
  return ids.map(id => arn(region, TYPES[id.replace(/-.*/, '')] ?? 'unknown', id))
}

/** ARNs of images and snapshots have no account. */
function arn(region: string, type: string, name: string): string {
  return `arn:aws:ec2:${region}:${type === 'image' || type === 'snapshot' ? '' : ACCOUNT}:${type}/${name}`
}

const TYPES: Readonly<Record<string, string>> = {
  ami: 'image',
  i: 'instance',
  key: 'key-pair',
  snap: 'snapshot',
  vol: 'volume',
}

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: { readonly StringEquals?: { readonly 'ec2:CreateAction'?: readonly string[] } }
}

/** Evaluates a statement as IAM does, as far as the policies use its features. */
function allows(statement: Statement, { action, resource, createAction = '' }: Permission): boolean {
  const { Action, Resource, Condition } = statement
  const createActions = Condition?.StringEquals?.['ec2:CreateAction'] ?? [createAction]
  if (!createActions.includes(createAction) || !list(Action).includes(action)) return false
  return list(Resource).some(pattern => wildcard(pattern).test(resource))
}

/** The actions, resources and conditions of statements that allow none of the requests. */
function unused(statements: readonly Statement[], asked: readonly Permission[]): readonly Statement[] {
  const parts = statements.flatMap(statement => [
    ...list(statement.Action).map(Action => ({ ...statement, Action })),
    ...list(statement.Resource).map(Resource => ({ ...statement, Resource })),
    ...(statement.Condition?.StringEquals?.['ec2:CreateAction'] ?? []).map(createAction => ({
      ...statement,
      Condition: { StringEquals: { 'ec2:CreateAction': [createAction] } },
    })),
  ])
  return parts.filter(
    part => !list(part.Action).some(action => UNSEEN[action]) && !asked.some(one => allows(part, one)),
  )
}

function list(values: string | readonly string[]): readonly string[] {
  return typeof values === 'string' ? [values] : values
}

/** A pattern of IAM: `*` is any text, `?` any character. These ARNs have no other special characters. */
function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

function readPolicy(name: Job['policy']): readonly Statement[] {
  return JSON.parse(readDocument(`${name}.json`)).Statement
}

function readDocument(name: string): string {
  return fs.readFileSync(new URL(`../docs/iam/${name}`, import.meta.url), 'utf8')
}

/** The README's additional permissions, of one heading or of all: statements, and a table of actions on all resources. */
function extraStatements(heading?: string): readonly Statement[] {
  const [, ...sections] = README.replace(/^.*^## Additional permissions for some templates$/ms, '').split(/^### /m)
  const chosen = sections.filter(section => !heading || section.startsWith(`${heading}\n`))
  const statements = chosen.flatMap(section =>
    [...section.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => json),
  )
  const rows = chosen.flatMap(section => [...section.matchAll(/^\|.*`(?:ec2|iam):.*$/gm)])
  const actions = rows.flatMap(([row]) => [...row.matchAll(/`([a-z0-9]+:[A-Z]\w+)`/g)].map(([, action = '']) => action))
  return [...statements.flatMap(json => JSON.parse(json)), { Action: actions, Resource: '*' }]
}

function makeTable(): string {
  const actionsOf = (wanted: (job: Job) => boolean) =>
    new Set([...recorded].flatMap(([job, permissions]) => (wanted(job) ? permissions.map(({ action }) => action) : [])))
  const plain = actionsOf(({ name }) => name === PLAIN)
  const rows = jobs.map(job => {
    const isWhole = job.policy === 'look-up' || job.name === PLAIN
    const actions = [...actionsOf(one => one === job)].filter(action => isWhole || !plain.has(action)).sort()
    const policy = `\`${job.policy}.json\`${job.extra ? `, “${job.extra}”` : ''}`
    const words = actions.map(action => `\`${action.replace(/^ec2:/, '')}\``).join(' ')
    return `| ${job.name} | ${policy} | ${words || 'no more'} |`
  })
  return ['| what happens | policy | actions |', '|---|---|---|', ...rows].join('\n')
}
