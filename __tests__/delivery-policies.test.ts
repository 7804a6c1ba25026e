import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { useAccounts } from './support/accounts.ts'
import { BASE, HOME, runSub } from './support/lifecycle.ts'
import { openStore } from './support/parameter-store.ts'
import type { FaultyEc2, Request } from './support/proxy.ts'
import { runAction } from './support/runner.ts'
import { hasTools } from './support/tools.ts'
import { hclTemplate, makeWorkspace } from './support/workspace.ts'

const ACCOUNT = '123456789012'
const NAME = '/amis/web'

interface Statement {
  readonly Sid: string
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
}

/** The statements of docs/iam for parameters and other accounts. */
function readStatements(): Readonly<Record<string, Statement>> {
  const readme = read('README.md')
  const [, section = ''] = /^## SSM parameters and other accounts$(.*?)^## /ms.exec(readme) ?? []
  const publish: { readonly Statement: readonly Statement[] } = JSON.parse(read('publish.json'))
  const examples = [...section.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => json)
  const statements: Statement[] = examples.flatMap(json => JSON.parse(json))
  return {
    ...Object.fromEntries(statements.map(statement => [statement.Sid, statement])),
    publish: { Sid: 'publish', Action: publish.Statement.flatMap(({ Action }) => Action), Resource: '*' },
  }
}

function read(name: string): string {
  return fs.readFileSync(new URL(`../docs/iam/${name}`, import.meta.url), 'utf8')
}

/** The actions of a statement, each of which a request must have needed; a request that it does not allow is an error. */
function check(statement: Statement | undefined, requests: readonly Request[]): readonly string[] {
  const actions = [statement?.Action ?? []].flat()
  const patterns = [statement?.Resource ?? []].flat().map(toPattern)
  const needed = requests.map(request => [`${request.service}:${request.action}`, resourceOf(request)] as const)
  expect(
    needed.filter(([action, resource]) => !actions.includes(action) || !patterns.some(one => one.test(resource))),
  ).toEqual([])
  return actions.filter(action => !needed.some(([one]) => one === action))
}

function resourceOf({ service, region, parameters }: Request): string {
  return service === 'ssm' ? `arn:aws:ssm:${region}:${ACCOUNT}:parameter${parameters.get('Name')}` : 'every image'
}

function toPattern(resource: string): RegExp {
  return new RegExp(`^${resource.replaceAll('*', '.*')}$`)
}

describe.skipIf(!hasTools('moto_server'))('the statements of docs/iam', { concurrent: true }, () => {
  const statements = readStatements()
  const shared = { 'share-with': '111122223333', 'ssm-parameter': NAME }
  const startAccount = useAccounts()

  const toSsm = ({ requests }: FaultyEc2) => requests.filter(({ service }) => service === 'ssm')

  test('allow exactly the requests to SSM of a publication that writes, and of a revocation that rolls back', async () => {
    await using ec2 = await startAccount()
    const published = { ami_config_checksum: BASE, ami_bakery_published: 'before' }
    const [good, bad] = [await ec2.makeImage(published), await ec2.makeImage(published)]
    for (const id of [good, bad]) {
      const { exitCode, log } = await runSub('publish', ec2, {
        'ami-id': id,
        regions: 'eu-west-1',
        'ssm-parameter': NAME,
      })
      expect(exitCode, log).toBe(0)
    }
    expect(check(statements.SetParameters, toSsm(ec2))).toEqual([])
    ec2.requests.length = 0
    const inputs = { 'ami-id': bad, reason: 'boots badly', regions: 'eu-west-1', 'ssm-parameter': NAME }
    const { exitCode, log } = await runSub('revoke', ec2, inputs, { AMI_BAKERY_TIME_SCALE: '0.1' })
    expect(exitCode, log).toBe(0)
    expect(check(statements.SetParameters, toSsm(ec2))).toEqual([])
  })

  test('of publish.json allow the requests that share an image, and that explain why one can not be shared', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage({ ami_config_checksum: BASE, ami_bakery_published: 'before' })
    ec2.images.encrypt(id)
    const message = "Snapshots encrypted with the AWS Managed CMK can't be shared."
    const answer = `<Response><Errors><Error><Code>InvalidParameter</Code><Message>${message}</Message></Error></Errors></Response>`
    ec2.fail({ action: 'ModifyImageAttribute', answer, status: 400, times: 1 })
    expect((await runSub('publish', ec2, { 'ami-id': id, ...shared })).exitCode).toBe(1)
    expect((await runSub('publish', ec2, { 'ami-id': id, ...shared })).exitCode).toBe(0)
    const others = ec2.requests.filter(({ service, action }) => service === 'ec2' && action !== 'DescribeImages')
    const unused = check(statements.publish, others)
    const sharing = ['ec2:DescribeImageAttribute', 'ec2:DescribeSnapshots', 'ec2:ModifyImageAttribute']
    expect(unused.filter(action => sharing.includes(action))).toEqual([])
  })

  test.each(['plan', 'index'] as const)('allow exactly the requests to SSM of base-ami: ssm: in %s', async action => {
    await using ec2 = await startAccount()
    await openStore(ec2).put(NAME, await ec2.makeImage({}))
    using workspace = makeWorkspace({
      'ami-bakery.yml': `images: { web: { packer-template: t.pkr.hcl, ami-definition-dirs: ., base-ami: "ssm:${NAME}" } }`,
      't.pkr.hcl': hclTemplate(),
    })
    const inputs = action === 'plan' ? {} : { image: 'web', 'on-miss': 'skip' }
    const step = { action, workspace: workspace.directory, env: ec2.environment }
    const { exitCode, log } = await runAction({ ...step, inputs: { 'aws-region': HOME, ...inputs } })
    expect(exitCode, log).toBe(0)
    expect(check(statements.ReadBaseImage, toSsm(ec2))).toEqual([])
    expect(new Set(ec2.requests.map(({ action }) => action))).toEqual(new Set(['DescribeImages', 'GetParameter']))
  })
})
