import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import {
  cancelWhenAsked,
  FAST,
  type Interruption,
  kill,
  killAllWhen,
  makeTable,
  OWN_ACCESS,
  setSceneOf,
  TEMPORARY_ROLE,
  WAITING,
} from '../support/interruption.ts'
import { type Fault, STRANGER } from '../support/proxy.ts'
import { canSetScene, type Stock, takeStock } from '../support/scene.ts'
import { hclTemplate, withSteps } from '../support/workspace.ts'

/** An interruption after which `post` can't remove everything. */
interface Hindered extends Interruption {
  /** Faults that prevent a removal in `post`. */
  readonly hindrance?: readonly Fault[]
  readonly reason: RegExp
  /** What remains, and must be listed. */
  readonly left: readonly (keyof Stock)[]
  /** What remains has no name of its own. */
  readonly isUnknown?: true
}

let moto: Ec2Server

const hindered: readonly Hindered[] = [
  {
    name: 'expired credentials in post',
    slow: { images: 60_000 },
    interrupt: killAllWhen(/Waiting for AMI/),
    hindrance: [{ action: '*', error: 'RequestExpired' }],
    reason: /The credentials have expired/,
    left: ['instances', 'keyPairs', 'securityGroups', 'images'],
  },
  {
    name: 'another account’s credentials in post',
    slow: { images: 60_000 },
    interrupt: killAllWhen(/Waiting for AMI/),
    post: STRANGER,
    reason: /the credentials belong to account 210987654321/,
    left: ['instances', 'keyPairs', 'securityGroups', 'images'],
  },
  {
    name: 'EC2 hangs in post, and Packer too (waits take a tenth)',
    slow: { images: 60_000 },
    post: FAST,
    interrupt: async (running, scene) => {
      await running.printed(/Waiting for AMI/)
      process.kill(-(await scene.packer()), 'SIGSTOP')
      return await kill(running)
    },
    hindrance: [{ action: '*', hang: true }],
    reason: /the time limit of the clean-up was reached/,
    left: ['instances', 'keyPairs', 'securityGroups', 'images'],
  },
  {
    name: 'TerminateInstances denied in post (waits take a tenth)',
    slow: { images: 60_000 },
    post: FAST,
    interrupt: killAllWhen(/Waiting for AMI/),
    hindrance: [{ action: 'TerminateInstances', error: 'UnauthorizedOperation', status: 403 }],
    reason: /Grant .* ec2:TerminateInstances/,
    left: ['instances', 'securityGroups'],
  },
  {
    name: 'DeregisterImage denied in post',
    slow: { images: 60_000 },
    interrupt: killAllWhen(/Waiting for AMI/),
    hindrance: [{ action: 'DeregisterImage', error: 'UnauthorizedOperation', status: 403 }],
    reason: /Grant .* ec2:DeregisterImage/,
    left: ['images'],
  },
  {
    name: 'a temporary role',
    template: () => withSteps(hclTemplate(TEMPORARY_ROLE), WAITING),
    interrupt: killAllWhen(/waiting/),
    reason: /this action has no permissions for IAM/,
    left: [],
  },
  {
    name: 'cancel while launching: the answer is lost, key pair and group are the template’s own',
    template: () => hclTemplate(OWN_ACCESS),
    faults: [{ action: 'RunInstances', silent: true }],
    interrupt: cancelWhenAsked('RunInstances'),
    reason: /Packer requested an instance that has no name/,
    left: ['instances'],
    isUnknown: true,
  },
]

const table = makeTable(hindered.map(({ name }) => name))

describe.skipIf(!canSetScene)('leftovers that can not be removed', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => {
    table.print()
    await moto.stop()
  })

  test.for(hindered.map(interruption => [interruption.name, interruption] as const))(
    'what post can not remove is listed: %s',
    async ([, interruption]) => {
      await using scene = await setSceneOf(interruption, moto)
      const running = scene.start()
      await interruption.interrupt(running, scene)
      scene.ec2.fail(...(interruption.hindrance ?? []))
      const post = await running.post(interruption.post)
      table.add(interruption.name, await takeStock(scene.ec2, 'us-east-1'), post)

      const { images, snapshots, ...rest } = await scene.ec2.inventory()
      const left = { ...rest, images: images.map(({ ImageId = '' }) => ImageId) }
      expect(
        Object.entries(left).flatMap(([kind, ids]) => (ids.length > 0 ? [kind] : [])),
        post.log,
      ).toEqual(interruption.left)
      expect(snapshots).toHaveLength(images.length)
      expect(post.exitCode, post.log).toBe(1)
      const errors = post.annotations.filter(({ level }) => level === 'error')
      expect(errors).toEqual([{ level: 'error', message: expect.stringMatching(interruption.reason) }])
      const commands = post.annotations.map(({ message }) => message).join('\n')
      for (const id of interruption.isUnknown ? [] : Object.values(left).flat()) {
        expect(commands).toMatch(new RegExp(`^aws ec2 (terminate|delete|deregister)-.*\\b${id}\\b`, 'm'))
      }
    },
  )
})
