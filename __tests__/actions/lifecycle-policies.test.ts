import { EnableImageDeprecationCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { BASE, runSub, WEB } from '../support/lifecycle.ts'
import { type Asked, allows, applies, list, readPolicy, toAsked } from '../support/policy.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { hasTools } from '../support/tools.ts'

const IMAGE = 'arn:aws:ec2:us-east-1::image/ami-00000000'

/** A request that sets tags of an image. */
function tagging(tags: Readonly<Record<string, string>>, resource = IMAGE): Asked {
  const values = Object.entries(tags).map(([key, value]): [string, string[]] => [`aws:RequestTag/${key}`, [value]])
  return { action: 'ec2:CreateTags', resource, keys: new Map([['aws:TagKeys', Object.keys(tags)], ...values]) }
}

describe.skipIf(!hasTools('moto_server'))('the policy', () => {
  let moto: Ec2Server
  const recorded: Record<'publish' | 'revoke', Asked[]> = { publish: [], revoke: [] }
  beforeAll(async () => {
    moto = await startEc2()
    recorded.publish = await record(playPublications, '440000000001')
    recorded.revoke = await record(playRevocations, '440000000002')
  })
  afterAll(async () => await moto.stop())

  async function record(play: (ec2: FaultyEc2) => Promise<void>, account: string): Promise<Asked[]> {
    await using ec2 = await startProxy(moto, account)
    ec2.prompt()
    await play(ec2)
    return ec2.requests.flatMap(toAsked)
  }

  /** Copies with everything that CopyImage does not copy, a put-back, and a copy that can't be shared. */
  async function playPublications(ec2: FaultyEc2): Promise<void> {
    const id = await ec2.makeImage({ ami_config_checksum: `candidate:${BASE}`, ami_bakery_template: 't' })
    const LaunchPermission = { Add: [{ UserId: '111122223333' }] }
    await ec2.client().send(new ModifyImageAttributeCommand({ ImageId: id, LaunchPermission }))
    await ec2.client().send(new EnableImageDeprecationCommand({ ImageId: id, DeprecateAt: new Date('2099-01-01') }))
    ec2.slowCopies(1_000)
    const run = await runSub('publish', ec2, { 'ami-id': id, regions: 'eu-west-1', tags: 'team=web' })
    expect(run.exitCode, run.log).toBe(0)
  }

  async function playRevocations(ec2: FaultyEc2): Promise<void> {
    const id = await ec2.makeImage({ ami_config_checksum: BASE, ami_bakery_template: 't' })
    await ec2.makeImage({ ami_config_checksum: WEB, ami_bakery_parent: id })
    await ec2.client().send(new EnableImageDeprecationCommand({ ImageId: id, DeprecateAt: new Date('2099-01-01') }))
    for (const inputs of [{ reason: 'bad' }, { reason: 'bad', rebake: 'true' }, { restore: 'true' }]) {
      const run = await runSub('revoke', ec2, { 'ami-id': id, ...inputs })
      expect(run.exitCode, run.log).toBe(0)
    }
  }

  describe.each(['publish', 'revoke'] as const)('of %s', name => {
    const policy = readPolicy(name)

    test('allows every request', () => {
      expect(recorded[name].length).toBeGreaterThan(10)
      expect(recorded[name].filter(asked => !allows(policy, asked))).toEqual([])
      console.log(name, [...new Set(recorded[name].map(({ action }) => action.replace('ec2:', '')))].sort().join(' '))
    })

    test('allows no action that is not used, but what EC2 asks for itself', () => {
      const own = policy.filter(({ Condition }) => !Condition?.['ForAnyValue:StringEquals']?.['aws:CalledVia'])
      const unused = own.flatMap(statement =>
        list(statement.Action).filter(
          action => !recorded[name].some(asked => applies({ ...statement, Action: action }, asked)),
        ),
      )
      expect(unused).toEqual([])
    })

    test('runs and deregisters nothing', () => {
      for (const action of ['ec2:RunInstances', 'ec2:DeregisterImage', 'ec2:DisableImage', 'ec2:CreateImage']) {
        expect(allows(policy, { action, resource: IMAGE, keys: new Map() }), action).toBe(false)
      }
    })
  })

  test('of publish can neither revoke nor restore', () => {
    expect(allows(readPolicy('publish'), tagging({ ami_bakery_revoked: '' }))).toBe(false)
    expect(allows(readPolicy('publish'), tagging({ ami_config_checksum: `revoked:${BASE}` }))).toBe(true)
  })

  test('of revoke sets its own tags alone', () => {
    expect(allows(readPolicy('revoke'), tagging({ ami_bakery_published: 'x' }))).toBe(false)
    expect(
      allows(readPolicy('revoke'), tagging({ ami_bakery_revoked: 'x' }, 'arn:aws:ec2:us-east-1::snapshot/snap-0')),
    ).toBe(false)
  })

  test('of bake-candidate allows what that of bake does, but neither to publish, to revoke nor to restore', () => {
    const [bake, candidate] = [readPolicy('bake'), readPolicy('bake-candidate')]
    expect(candidate.map(({ Action }) => Action)).toEqual(bake.map(({ Action }) => Action))
    const values = [`candidate:${BASE}`, `failed:${BASE}`]
    for (const value of values)
      expect(allows(candidate, tagging({ ami_config_checksum: value, a: 'b' })), value).toBe(true)
    for (const value of [BASE, `revoked:${BASE}`, `revoked-once:candidate:${BASE}`, '']) {
      expect(allows(candidate, tagging({ ami_config_checksum: value })), value).toBe(false)
      expect(allows(bake, tagging({ ami_config_checksum: value })), value).toBe(true)
    }
    for (const key of ['ami_bakery_revoked', 'ami_bakery_published', 'ami_bakery_prune']) {
      expect(allows(candidate, tagging({ ami_bakery_template: 't', [key]: '' })), key).toBe(false)
    }
    expect(allows(candidate, tagging({ ami_bakery_template: 't', ami_bakery_baked_at: 'x' }))).toBe(true)
  })

  test('of protect keeps everybody else from the tags and the images', () => {
    const policy = readPolicy('protect')
    const isDenied = (asked: Asked, role: string, tags: Readonly<Record<string, string>> = {}) => {
      const own = Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, [value]] as const)
      const keys = new Map([...asked.keys, ...own, ['aws:PrincipalArn', [`arn:aws:iam::123456789012:role/${role}`]]])
      return policy.some(statement => statement.Effect === 'Deny' && applies(statement, { ...asked, keys }))
    }
    const ours = { ami_config_checksum: BASE }
    for (const role of ['bake', 'bake-candidate', 'publish', 'revoke', 'prune'])
      expect(isDenied(tagging(ours), role)).toBe(false)
    expect(isDenied(tagging(ours), 'admin')).toBe(true)
    expect(isDenied(tagging({ ami_bakery_revoked: '' }), 'admin')).toBe(true)
    expect(isDenied(tagging({ Name: 'web' }), 'admin')).toBe(false)
    const deregistering = { action: 'ec2:DeregisterImage', resource: IMAGE, keys: new Map() }
    expect(isDenied(deregistering, 'prune', ours)).toBe(false)
    expect(isDenied(deregistering, 'publish', ours)).toBe(true)
    expect(isDenied(deregistering, 'admin', {})).toBe(false)
    expect(isDenied({ action: 'ec2:DeleteTags', resource: IMAGE, keys: new Map() }, 'revoke', ours)).toBe(true)
  })
})
