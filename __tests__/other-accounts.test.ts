import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { describe, expect, test } from 'vitest'
import { startEc2 } from './support/ec2.ts'
import { BASE, HOME, runSub } from './support/lifecycle.ts'
import { openStore } from './support/parameter-store.ts'
import { type FaultyEc2, startProxy } from './support/proxy.ts'
import { hasTools, toolPath } from './support/tools.ts'
import { makeWorkspace } from './support/workspace.ts'

const read = (file: string) => fs.readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const PAGE = read('docs/other-accounts.md')
const NAME = '/amis/web'

const examplesIn = (language: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)

describe('docs/other-accounts.md', () => {
  test('has examples of key policies that are valid JSON', () => {
    const examples = examplesIn('json')
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) expect(() => JSON.parse(example)).not.toThrow()
  })

  test.skipIf(!hasTools('terraform')).each(examplesIn('hcl').map((text, index) => [index + 1, text] as const))(
    'has Terraform code that Terraform reads and would not format in another way: example %i',
    async (_, text) => {
      using workspace = makeWorkspace({ 'main.tf': text })
      const { stdout } = await terraform(workspace.directory, 'fmt', '-check', '-diff')
      expect(stdout).toBe('')
    },
  )
})

describe.skipIf(!hasTools('terraform', 'moto_server'))('Terraform in another account', () => {
  test('takes the id that the shared parameter holds, before and after a publication and after a revocation', async () => {
    await using moto = await startEc2()
    const [owner, consumer] = ['440000000001', '440000000002']
    await using ours = await startProxy(moto, owner)
    await using theirs = await startProxy(moto, consumer)
    const tags = { ami_config_checksum: BASE, ami_bakery_published: 'before' }
    const [first, second] = [await ours.makeImage(tags), await ours.makeImage(tags)]
    const arn = `arn:aws:ssm:${HOME}:${owner}:parameter${NAME}`
    theirs.parameters.share(arn)
    using workspace = makeWorkspace({ 'main.tf': read('example-app/terraform/check/main.tf') })
    await terraform(workspace.directory, 'init')

    async function apply(): Promise<string> {
      const variable = `ami_id=${await readShared(theirs, arn)}`
      await terraform(workspace.directory, 'apply', '-auto-approve', `-var=${variable}`)
      const { stdout } = await terraform(workspace.directory, 'show', '-json')
      const { resources } = JSON.parse(stdout).values.root_module
      return resources[0].values.input
    }

    async function publish(id: string, run: string): Promise<void> {
      const inputs = { 'ami-id': id, 'share-with': consumer, 'ssm-parameter': NAME }
      const { exitCode, log } = await runSub('publish', ours, inputs, { GITHUB_RUN_ID: run })
      expect(exitCode, log).toBe(0)
    }

    await publish(first, '100')
    expect(await apply()).toBe(first)
    await publish(second, '101')
    expect(await apply()).toBe(second)
    const inputs = { 'ami-id': second, reason: 'boots badly', regions: HOME, 'ssm-parameter': NAME }
    const revoked = await runSub('revoke', ours, inputs, { AMI_BAKERY_TIME_SCALE: '0.1', GITHUB_RUN_ID: '102' })
    expect(revoked.exitCode, revoked.log).toBe(0)
    expect(await apply()).toBe(first)
    expect(await openStore(ours).value(NAME)).toBe(first)
  })
})

async function readShared({ endpoint }: FaultyEc2, Name: string): Promise<string | undefined> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const ssm = new SSMClient({ region: HOME, endpoint, credentials })
  return (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value
}

async function terraform(directory: string, ...args: readonly string[]) {
  const command = [`-chdir=${directory}`, ...args]
  return await promisify(execFile)(path.resolve(toolPath('terraform')), command, {
    env: { ...process.env, CHECKPOINT_DISABLE: '1' },
  })
}
