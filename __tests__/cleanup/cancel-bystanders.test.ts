import {
  CreateImageCommand,
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { startInstance } from '../support/instance.ts'
import { makeTable, OWN_ACCESS } from '../support/interruption.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { cancel } from '../support/runner.ts'
import { canSetScene, processesIn, setScene, takeStock } from '../support/scene.ts'
import { hclTemplate, makeWorkspace, withSsh, withSteps } from '../support/workspace.ts'

let moto: Ec2Server

const SIDE_BUILD = 'one of two builds cancelled (the rest belongs to the other)'
const table = makeTable([SIDE_BUILD])

describe.skipIf(!canSetScene)('resources of other builds', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => {
    table.print()
    await moto.stop()
  })

  test('when one of two concurrent builds is cancelled the other succeeds', async () => {
    const released = Promise.withResolvers<undefined>()
    await using instance = await startInstance({ exec: ({ script }) => (script ? released.promise : undefined) })
    const template = withSteps(withSsh(hclTemplate(), instance.port), 'provisioner "shell" { inline = ["wait"] }')
    await using scene = await setScene(moto, template)
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': template, 'ami/other.conf': '' })
    const other = scene.start({ workspace: workspace.directory })
    await other.printed(/Provisioning with/)
    const others = await takeStock(scene.ec2, 'us-east-1')
    const running = scene.start()
    await running.printed(/Provisioning with/)
    expect((await takeStock(scene.ec2, 'us-east-1')).instances).toHaveLength(2)

    const run = await cancel(running)
    const post = await running.post()
    const stock = await takeStock(scene.ec2, 'us-east-1')
    table.add(SIDE_BUILD, stock, post)
    expect([run.exitCode, post.exitCode, post.annotations], run.log + post.log).toEqual([1, 0, []])
    expect(stock).toEqual(others)
    expect(processesIn(await scene.packer())).toEqual([])

    released.resolve(undefined)
    const { exitCode, outputs, log } = await other.ended
    expect(exitCode, log).toBe(0)
    const { images, snapshots, ...rest } = await takeStock(scene.ec2, 'us-east-1')
    expect([images, snapshots.length]).toEqual([[outputs.ami_config_checksum], 1])
    expect(rest).toEqual({ instances: [], keyPairs: [], securityGroups: [] })
  })

  const templates = [
    ['has a temporary key pair and security group', ''],
    ['has neither', OWN_ACCESS],
  ] as const
  test.for(templates)('resources that a provisioner prints are not removed when the build %s', async ([, more]) => {
    const template = withSteps(hclTemplate(more), 'provisioner "shell-local" { inline = ["cat lies", "exit 1"] }')
    await using scene = await setScene(moto, template)
    const printed = await makeBystanders(scene.ec2)
    // Packer escapes the line feeds in its texts, but not a backslash before an n.
    const begin = ['Launching a source AWS instance...', 'Creating AMI a from instance i-0']
    const lies = [
      ...printed,
      ...[...printed, ...begin, ...printed].map(line => `${line}\\n==> amazon-ebs.other: ${line}`),
    ]
    scene.workspace.write({ 'ami/lies': `${lies.join('\n')}\n` })
    const before = await takeStock(scene.ec2, 'us-east-1')
    const running = scene.start()
    const run = await running.ended
    const post = await running.post()
    const log = run.log + post.log
    for (const lie of printed) expect(log).toContain(lie)
    expect([run.exitCode, post.exitCode], log).toEqual([1, 0])
    expect(await takeStock(scene.ec2, 'us-east-1'), log).toEqual(before)
  })
})

/** Creates one resource of each kind, and returns the lines that Packer prints for such resources. */
async function makeBystanders(ec2: FaultyEc2): Promise<readonly string[]> {
  const client = ec2.client()
  const name = `packer_${crypto.randomUUID()}`
  await client.send(new CreateKeyPairCommand({ KeyName: name }))
  await client.send(new CreateSecurityGroupCommand({ GroupName: name, Description: 'a bystander' }))
  const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1, KeyName: name }
  const { Instances = [] } = await client.send(new RunInstancesCommand(launch))
  const [{ InstanceId = '' } = {}] = Instances
  const { ImageId = '' } = await client.send(new CreateImageCommand({ InstanceId, Name: 'a bystander' }))
  return [
    `Creating temporary keypair: ${name}`,
    `Creating temporary security group for this instance: ${name}`,
    `Instance ID: ${InstanceId}`,
    `AMI: ${ImageId}`,
  ]
}
