import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consoleAnswer } from '../support/answers.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type Command, type Instance, type Reply, startInstance } from '../support/instance.ts'
import type { Fault } from '../support/proxy.ts'
import { canSetScene, NOTHING, setScene, takeStock } from '../support/scene.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { hclTemplate, withSsh, withSteps } from '../support/workspace.ts'

let moto: Ec2Server
let instance: Instance
let closed: Instance

/** A bake that fails, and what its user reads. */
interface FailedBake {
  readonly name: string
  readonly template: () => string
  readonly faults?: readonly Fault[]
  /** What the instance has printed. */
  readonly console?: string
  readonly phase: 'launch' | 'provision'
  readonly reason: RegExp
  readonly sentence: string
}

const BOOTED = 'Cloud-init v. 24.2 finished at Mon, 05 Jan 2026\r\nip-10-0-0-1 login: \r\n'
/** Nothing listens on this port. */
const NOWHERE = 9

const bakes: readonly FailedBake[] = [
  {
    name: 'an instance that can not be reached',
    template: () => withSsh(hclTemplate('ssh_timeout = "3s"'), NOWHERE),
    console: BOOTED,
    phase: 'launch',
    reason: /^packer build exited with code 1: Timeout waiting for SSH\.$/,
    sentence: 'No connection. Packer could not connect to the instance: its security group does not allow',
  },
  {
    name: 'an instance that is not ready in time',
    template: () => withSsh(hclTemplate('ssh_timeout = "3s"'), NOWHERE),
    console: '[   21.4] cloud-init[1201]: Installing build-essential\r\n',
    phase: 'launch',
    reason: /Timeout waiting for SSH\.$/,
    sentence: 'cloud-init not finished. Packer could not connect to the instance while cloud-init was still running.',
  },
  {
    name: 'user data that fails',
    template: () => withSsh(hclTemplate('ssh_timeout = "3s"'), NOWHERE),
    console: `cloud-init[1201]: 2026-01-05 - cc_scripts_user.py[WARNING]: Failed to run module scripts_user\r\n${BOOTED}`,
    phase: 'launch',
    reason: /Timeout waiting for SSH\.$/,
    sentence: 'cloud-init failed. cloud-init reported an error while the instance booted.',
  },
  {
    name: 'a user that the instance does not know',
    template: () => withSsh(hclTemplate('ssh_handshake_attempts = 1'), closed.port),
    console: BOOTED,
    phase: 'launch',
    reason: /ssh: unable to authenticate/,
    sentence: 'User or key refused. The instance answered, but refused the user or the key.',
  },
  {
    name: 'a provisioner whose command fails',
    template: () => provision('echo "ERROR: no such package" >&2; exit 3'),
    console: BOOTED,
    phase: 'provision',
    reason: /exited with non-zero exit status: 3/,
    sentence: 'Provisioner failed. A command of a provisioner failed.',
  },
  {
    name: 'a process that the kernel kills',
    template: () => provision('exit 137'),
    console: `${BOOTED}[ 99.1] Out of memory: Killed process 4711 (node)\r\n`,
    phase: 'provision',
    reason: /exited with non-zero exit status: 137/,
    sentence: 'Out of memory. The instance had too little memory',
  },
  {
    name: 'no capacity',
    template: hclTemplate,
    faults: [{ action: 'RunInstances', error: 'InsufficientInstanceCapacity' }],
    phase: 'launch',
    reason: /api error InsufficientInstanceCapacity/,
    sentence: 'No capacity. EC2 has no capacity for this instance type in this Availability Zone',
  },
  {
    name: 'a used-up quota',
    template: hclTemplate,
    faults: [{ action: 'RunInstances', error: 'VcpuLimitExceeded' }],
    phase: 'launch',
    reason: /api error VcpuLimitExceeded/,
    sentence: "Quota reached. The account's quota for instances or volumes is used up.",
  },
  {
    name: 'a KMS key that is disabled, at the launch',
    template: hclTemplate,
    faults: [{ action: 'RunInstances', error: 'InvalidKMSKey.InvalidState' }],
    phase: 'launch',
    reason: /api error InvalidKMSKey\.InvalidState/,
    sentence: "KMS key not usable. The KMS key of a disk can't be used: it is disabled",
  },
  {
    name: 'a KMS key that is disabled, after the launch',
    template: hclTemplate,
    faults: [{ action: 'DescribeInstances', about: /^InstanceId\.1=/, answer: endedInstance(), times: 2 }],
    phase: 'launch',
    reason: /Error waiting for instance \(i-[0-9a-f]+\) to become ready/,
    sentence: "KMS key not usable. The KMS key of a disk can't be used: it is disabled",
  },
  {
    name: 'credentials that expire',
    template: hclTemplate,
    faults: [{ action: 'RunInstances', error: 'ExpiredTokenException' }],
    phase: 'launch',
    reason: /api error ExpiredTokenException/,
    sentence: 'Credentials expired. The credentials expired before the bake ended',
  },
]

describe.skipIf(!canSetScene)('a failed bake of a real Packer', () => {
  beforeAll(async () => {
    moto = await startEc2()
    instance = await startInstance({ exec: runScript })
    closed = await startInstance({ isClosed: true })
  })
  afterAll(async () => {
    await instance.stop()
    await closed.stop()
    await moto.stop()
  })

  describe('is explained:', { concurrent: true }, () => {
    test.for(bakes.map(bake => [bake.name, bake] as const))('%s', async ([, bake]) => {
      await expectExplained(bake)
    })
  })

  test('is explained: a full disk', async context => {
    await using scene = await setScene(moto, hclTemplate())
    const directory = path.join(scene.workspace.directory, 'disk')
    using disk = mountSmallDisk(directory)
    if (!disk) return context.skip()
    await expectExplained({
      name: 'a full disk',
      template: () => provision(`dd if=/dev/zero of=${directory}/file bs=64k count=32`),
      console: BOOTED,
      phase: 'provision',
      reason: /exited with non-zero exit status: 1\b/,
      sentence: 'Disk full. A disk of the instance is full.',
    })
  })
})

async function expectExplained({ template, faults = [], console, phase, reason, sentence }: FailedBake): Promise<void> {
  await using scene = await setScene(moto, template())
  scene.ec2.fail(...faults)
  if (console) scene.ec2.fail({ action: 'GetConsoleOutput', answer: consoleAnswer(console) })
  const run = await scene.start().ended
  expect(run.exitCode, run.log).toBe(1)
  expect(run.annotations.map(({ level }) => level)).toEqual(['error'])
  const [first = '', diagnosis = ''] = run.annotations[0]?.message.split(/\n(?=Diagnosis: )/) ?? []
  expect(first.replaceAll('\n', ' ')).toMatch(reason)
  expect(diagnosis).toMatch(/^Diagnosis: \S.* https:\/\/github\.com\/\S+\/docs\/diagnoses\.md#[\w-]+$/)
  expect(diagnosis).toContain(`Diagnosis: ${sentence}`)
  expect(run.log).toContain(`\n${diagnosis}\n`)
  expect(run.summary).toContain(`<th>Phase</th><td>${phase}</td>`)
  expect(run.summary).toContain(`<th>Diagnosis</th><td>${diagnosis.replace('Diagnosis: ', '')}</td>`)
  expect(run.summary).toContain('before its clean-up, last lines (the rest is in the group "Packer: build"')
  expect(run.log.includes('::group::Console output of i-'), run.log).toBe(console !== undefined)
  expect(await takeStock(scene.ec2, 'us-east-1')).toEqual(NOTHING)
}

function provision(command: string): string {
  return withSteps(
    withSsh(hclTemplate(), instance.port),
    `provisioner "shell" { inline = [${JSON.stringify(command)}] }`,
  )
}

/** Runs a provisioner's script, as an instance does. */
function runScript({ script }: Command): Reply {
  if (!script) return {}
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
  return { code: status ?? 1, stdout, stderr }
}

/** An instance that has ended by itself because its key is disabled (AWS: "Amazon EC2 instance terminates immediately"). */
function endedInstance(): string {
  const code = 'Client.InvalidKMSKey.InvalidState'
  const reason = `<stateReason><code>${code}</code><message>${code}: The KMS key provided is in an incorrect state</message></stateReason>`
  const state = '<instanceState><code>48</code><name>terminated</name></instanceState>'
  const ended = `<instanceId>i-1234567890abcdef0</instanceId>${state}<reason>Server.InternalError</reason>${reason}`
  return `<DescribeInstancesResponse><reservationSet><item><instancesSet><item>${ended}</item></instancesSet></item></reservationSet></DescribeInstancesResponse>`
}
