import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeLaunchTemplatesCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type Instance, startInstance } from '../support/instance.ts'
import {
  ABORTING,
  cancelAfter,
  cancelWhen,
  cancelWhenAsked,
  FAILING,
  FAILING_AFTERWARDS,
  FAST,
  type Interruption,
  killAllWhen,
  killPlugin,
  killWhen,
  makeTable,
  NEGLIGENT_PARENT,
  setSceneOf,
  TEMPORARY_ROLE,
  WAITING,
} from '../support/interruption.ts'
import { cancel, type Run } from '../support/runner.ts'
import { canSetScene, processesIn, type Scene, takeStock } from '../support/scene.ts'
import { hclTemplate, selfTaggingTemplate, withSsh, withSteps } from '../support/workspace.ts'

/** An interruption after which nothing may be left except images that the template has tagged: they get the failed value. */
interface Harmless extends Interruption {
  /** How many images get the failed value. */
  readonly failedImages?: number
  /** How the step's process ends, when it does not fail with one error annotation. */
  readonly ending?: 'killed' | 'unread'
  readonly also?: (scene: Scene) => Promise<void>
}

/** Found in a request that tags an image, unlike one that writes an image into a lease. */
const TAGS_IMAGE = /\bResourceId\.1=ami-/

let moto: Ec2Server
let instance: Instance

const harmless: readonly Harmless[] = [
  { name: 'cancel during provisioning', template: provisioning, interrupt: cancelWhen(/Provisioning with/) },
  {
    name: 'cancel during provisioning (20 s termination)',
    template: provisioning,
    slow: { termination: 20_000 },
    interrupt: cancelWhen(/Provisioning with/),
  },
  {
    name: 'cancel while launching: the request arrives late',
    faults: [{ action: 'RunInstances', delay: 3_000 }],
    interrupt: cancelWhenAsked('RunInstances'),
  },
  {
    name: 'cancel while launching: the answer is lost',
    faults: [{ action: 'RunInstances', silent: true }],
    interrupt: cancelWhenAsked('RunInstances'),
  },
  {
    name: 'cancel while launching: the answer is lost, EC2 knows the instance late',
    faults: [
      { action: 'RunInstances', silent: true },
      {
        action: 'DescribeInstances',
        times: 3,
        answer: '<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>',
      },
    ],
    interrupt: cancelWhenAsked('RunInstances'),
  },
  {
    name: 'cancel while the AMI is pending',
    slow: { images: 60_000 },
    interrupt: cancelWhen(/Waiting for AMI/),
  },
  {
    name: 'cancel during CreateImage: the request arrives late',
    faults: [{ action: 'CreateImage', delay: 3_000 }],
    interrupt: cancelWhenAsked('CreateImage'),
  },
  {
    name: 'cancel during CreateImage: the answer is lost',
    faults: [{ action: 'CreateImage', silent: true }],
    interrupt: cancelWhenAsked('CreateImage'),
  },
  {
    name: 'cancel during CreateImage: the answer is lost, EC2 knows the AMI late',
    faults: [{ action: 'CreateImage', silent: true }],
    interrupt: async (running, scene) => {
      await scene.ec2.asked('CreateImage')
      const answer = '<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>'
      scene.ec2.fail({ action: 'DescribeImages', times: 1, answer })
      return await cancel(running)
    },
  },
  {
    name: 'cancel while a copy is pending in another region',
    template: () => hclTemplate('ami_regions = ["us-west-2"]'),
    slow: { copies: 60_000 },
    interrupt: cancelWhenAsked('CopyImage'),
  },
  {
    name: 'cancel while encrypted copies are pending in two regions',
    template: () => hclTemplate('encrypt_boot = true\nami_regions = ["us-west-2"]'),
    slow: { copies: 60_000 },
    interrupt: cancelWhenAsked('CopyImage', 2),
  },
  {
    name: 'cancel after tagging',
    template: selfTaggingTemplate,
    slow: { termination: 3_000 },
    interrupt: cancelWhen(/Terminating the source/),
    failedImages: 1,
  },
  {
    name: 'cancel while terminating (20 s)',
    slow: { termination: 20_000 },
    interrupt: cancelWhen(/Terminating the source/),
  },
  {
    name: 'cancel while the action tags the image',
    faults: [{ action: 'CreateTags', about: TAGS_IMAGE, hang: true }],
    interrupt: async (running, { ec2 }) => {
      while (!ec2.requests.some(({ parameters }) => TAGS_IMAGE.test(`${parameters}`))) await sleep(5)
      return await cancel(running)
    },
  },
  {
    name: 'cancel while the action cleans up after a failure (20 s termination)',
    template: () => withSteps(hclTemplate(), FAILING),
    packer: ABORTING,
    slow: { termination: 20_000 },
    interrupt: cancelWhen(/Terminating i-/),
  },
  {
    name: 'node killed by SIGKILL',
    template: provisioning,
    interrupt: killWhen(/Provisioning with/),
    ending: 'killed',
  },
  {
    name: 'node killed by SIGKILL as Packer starts',
    interrupt: killWhen(/Creating temporary keypair/),
    ending: 'killed',
    // A Packer that does not end after SIGTERM is killed after 100 s, within the time of the test.
    post: { AMI_BAKERY_TIME_SCALE: '0.5' },
  },
  {
    name: 'no signal, and Packer stays a zombie',
    template: provisioning,
    under: process.platform === 'linux' ? NEGLIGENT_PARENT : [],
    interrupt: async running => {
      await running.printed(/Provisioning with/)
      return undefined
    },
  },
  {
    name: 'a second and a third signal',
    template: provisioning,
    slow: { termination: 3_000 },
    interrupt: async running => {
      await running.printed(/Provisioning with/)
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) {
        running.process.kill(signal)
        await sleep(500)
      }
      return await running.ended
    },
  },
  ...[0, 20, 50, 100, 300].map(delay => ({
    name: `cancel ${delay} ms after Packer’s start`,
    interrupt: cancelAfter(delay),
  })),
  {
    name: 'the step’s output is closed',
    template: () =>
      withSteps(hclTemplate(), 'provisioner "shell-local" { inline = ["while sleep 1; do echo still running; done"] }'),
    interrupt: async running => {
      await running.printed(/still running/)
      running.process.stdout?.destroy()
      return await running.ended
    },
    ending: 'unread',
  },
  {
    name: 'Packer’s inner process killed (exit 0)',
    template: provisioning,
    interrupt: async (running, scene) => {
      await running.printed(/Provisioning with/)
      const outer = await scene.packer()
      for (const { pid, parent } of processesIn(outer)) if (parent === outer) process.kill(pid, 'SIGKILL')
      return await running.ended
    },
  },
  {
    name: 'the amazon plugin killed',
    template: provisioning,
    interrupt: killPlugin,
  },
  {
    name: 'the amazon plugin killed, with a spot instance',
    template: () =>
      withSteps(
        hclTemplate('spot_price = "auto"\nspot_instance_types = ["t3.micro"]').replace(/instance_type .*/, ''),
        WAITING,
      ),
    interrupt: killPlugin,
    also: async ({ ec2 }) => {
      const { LaunchTemplates } = await ec2.client().send(new DescribeLaunchTemplatesCommand({}))
      expect(LaunchTemplates).toEqual([])
    },
  },
  {
    name: 'the amazon plugin killed, and only post may terminate',
    template: () => withSteps(hclTemplate(), WAITING),
    faults: [{ action: 'TerminateInstances', error: 'UnauthorizedOperation', status: 403, times: 1 }],
    interrupt: killPlugin,
  },
  {
    name: '-on-error=abort',
    template: () => withSteps(hclTemplate(), FAILING),
    packer: ABORTING,
    interrupt: running => running.ended,
  },
  {
    name: 'a provisioner fails',
    template: () => withSteps(hclTemplate(), FAILING),
    interrupt: running => running.ended,
  },
  {
    name: 'a post-processor fails after the manifest',
    template: () => withSteps(hclTemplate(), ...FAILING_AFTERWARDS),
    interrupt: running => running.ended,
  },
  {
    name: 'a post-processor fails after the manifest, self-tagged',
    template: () => withSteps(selfTaggingTemplate(), ...FAILING_AFTERWARDS),
    interrupt: running => running.ended,
    failedImages: 1,
  },
  {
    name: 'a post-processor fails after the manifest, self-tagged and copied',
    template: () => withSteps(selfTaggingTemplate('ami_regions = ["us-west-2"]'), ...FAILING_AFTERWARDS),
    interrupt: running => running.ended,
    failedImages: 2,
  },
  {
    name: 'Packer hangs in an EC2 call (waits take a tenth)',
    template: provisioning,
    faults: [{ action: 'TerminateInstances', hang: true, times: 1 }],
    post: FAST,
    interrupt: cancelWhen(/Provisioning with/),
  },
  {
    name: 'a throttled clean-up',
    template: provisioning,
    interrupt: async (running, scene) => {
      const run = await killAllWhen(/Provisioning with/)(running, scene)
      const actions = ['DescribeInstances', 'TerminateInstances', 'DeleteKeyPair', 'DeleteSecurityGroup']
      scene.ec2.fail(...actions.map(action => ({ action, error: 'RequestLimitExceeded', status: 503, times: 4 })))
      return run
    },
    ending: 'killed',
  },
  {
    name: 'a clean-up of resources that are in use for a while',
    slow: { images: 60_000 },
    interrupt: async (running, scene) => {
      const run = await killAllWhen(/Waiting for AMI/)(running, scene)
      scene.ec2.fail(...Object.entries(IN_USE).map(([action, error]) => ({ action, error, times: 2 })))
      return run
    },
    ending: 'killed',
  },
  {
    name: 'a clean-up that may not deregister the AMI at first',
    slow: { images: 60_000 },
    interrupt: async (running, scene) => {
      const run = await killAllWhen(/Waiting for AMI/)(running, scene)
      scene.ec2.fail({ action: 'DeregisterImage', error: 'UnauthorizedOperation', status: 403, times: 1 })
      return run
    },
    ending: 'killed',
  },
  {
    name: 'EC2 refuses to launch',
    faults: [{ action: 'RunInstances', error: 'UnauthorizedOperation', status: 403 }],
    interrupt: running => running.ended,
    // No instance exists that the clean-up must wait for.
    also: async ({ ec2 }) => expect(ec2.requests.map(({ action }) => action)).not.toContain('DescribeInstances'),
  },
  {
    name: 'a shell-local grandchild survives',
    template: () =>
      withSteps(
        hclTemplate(),
        `provisioner "shell-local" { inline = ["trap '' TERM; echo started; sleep 600 & wait"] }`,
      ),
    interrupt: cancelWhen(/started/),
  },
  {
    name: 'cancel with a temporary role, which Packer removes',
    template: () => withSteps(hclTemplate(TEMPORARY_ROLE), WAITING),
    interrupt: cancelWhen(/waiting/),
  },
]

const table = makeTable(harmless.map(({ name }) => name))

describe.skipIf(!canSetScene)('interruptions', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
    instance = await startInstance({ exec: ({ script }) => (script ? new Promise(() => {}) : undefined) })
  })
  afterAll(async () => {
    table.print()
    await instance.stop()
    await moto.stop()
  })

  test.for(harmless.map(interruption => [interruption.name, interruption] as const))(
    'nothing is left on EC2: %s',
    async ([, interruption]) => {
      await using scene = await setSceneOf(interruption, moto)
      const running = scene.start({ under: interruption.under ?? [] })
      const run = await interruption.interrupt(running, scene)
      const post = await running.post(interruption.post)
      const stock = await takeStock(scene.ec2, 'us-east-1', 'us-west-2')
      table.add(interruption.name, stock, post)

      const log = `${running.log()}\n--- post ---\n${post.log}`
      const { images, snapshots, ...rest } = stock
      expect(rest, log).toEqual({ instances: [], keyPairs: [], securityGroups: [] })
      expect(images, log).toEqual(
        Array(interruption.failedImages ?? 0).fill(`failed:${run?.outputs.ami_config_checksum}`),
      )
      expect(snapshots, log).toHaveLength(images.length)
      expect(processesIn(await scene.packer()), log).toEqual([])
      expect([post.exitCode, post.annotations], log).toEqual([0, []])
      expect(fs.readdirSync(running.temp).filter(name => name.startsWith('ami-bakery'))).toEqual([])
      await interruption.also?.(scene)
      if (run) expectFailure(run, interruption)
      else expect(running.log()).not.toContain('::error')
      expect(scene.workspace.has('ami/.ami_id.json')).toBe(false)
    },
  )
})

/** The error codes of EC2 that mean "not yet". */
const IN_USE = {
  TerminateInstances: 'InvalidInstanceID.NotFound',
  DeleteSecurityGroup: 'DependencyViolation',
  DeregisterImage: 'InvalidAMIID.Unavailable',
  DeleteSnapshot: 'InvalidSnapshot.InUse',
}

function provisioning(): string {
  return withSteps(withSsh(hclTemplate(), instance.port), 'provisioner "shell" { inline = ["sleep 600"] }')
}

function expectFailure({ outputs, exitCode, annotations, log }: Run, { ending }: Harmless): void {
  expect(outputs, log).not.toHaveProperty('ami_id')
  expect(exitCode, log).toBe(ending === 'killed' ? undefined : 1)
  const errors = annotations.filter(({ level }) => level === 'error')
  expect(errors, log).toHaveLength(ending ? 0 : 1)
}
