import { DeleteKeyPairCommand, DeleteLaunchTemplateCommand } from '@aws-sdk/client-ec2'
import { ask, connect, type Ec2 } from '../ec2/client.ts'
import { isNotFound } from '../ec2/requests.ts'
import { areEmpty, type CreatedResources, NO_RESOURCES } from '../packer/created-resources.ts'
import { info } from '../runner/log.ts'
import { describeAccountMismatch } from './account.ts'
import { COMMANDS } from './commands.ts'
import { deleteGroup } from './groups.ts'
import { filterFor, findInstances, terminate } from './instances.ts'
import type { BakeIdentity } from './journal.ts'
import { type Leftover, makeLeftoverList, UNTRUSTED } from './leftovers.ts'
import { type Created, prepareImageRemoval, type Removal } from './remove-images.ts'
import { findUnusedSnapshots, hasSnapshots } from './snapshots.ts'
import { deleteVolume, findVolumes } from './volumes.ts'

/**
 * Removes what a bake left on EC2, and makes sure that its image is never a hit, unless its images are kept. Finds everything by the
 * exact names and ids that Packer printed in this bake, so that resources of other builds are never changed. What does not exist any
 * more counts as removed.
 *
 * @param deadline When it is aborted, the rest counts as left.
 * @returns What could not be removed.
 */
export async function removeLeftovers(
  bake: BakeIdentity,
  created: Created,
  deadline?: AbortSignal,
): Promise<readonly Leftover[]> {
  if (areEmpty(created.resources)) return []
  const ec2 = connect(bake.bakedIn ?? bake.region, deadline)
  const mismatch = await describeAccountMismatch(ec2, bake)
  const removal = { ec2, bake, ...created, list: makeLeftoverList(deadline) }
  return mismatch ? leaveAll(removal, mismatch) : await remove(removal)
}

function leaveAll(removal: Removal, reason: string): readonly Leftover[] {
  const { ec2, resources, images } = removal
  const { region } = ec2
  const removable = [
    ...resources.instances.map(id => COMMANDS.instance(region, id)),
    ...(images === 'keep' ? [] : resources.images.map(id => COMMANDS.image(region, id))),
    ...resources.keyPairs.map(name => COMMANDS.keyPair(region, name)),
    ...resources.launchTemplates.map(id => COMMANDS.launchTemplate(region, id)),
    ...resources.securityGroups.map(name => COMMANDS.securityGroup(region, name)),
    ...(hasSnapshots(resources) ? [COMMANDS.searchPrintedSnapshots(region, resources)] : []),
  ]
  return [...removable, ...unremovable(removal).map(({ command }) => command)].map(command => ({ command, reason }))
}

async function remove(removal: Removal): Promise<readonly Leftover[]> {
  const { ec2, bake, resources, images, list } = removal
  const { region } = ec2
  const found = await list.attempt(COMMANDS.search(region, filterFor(resources)), findInstances(ec2, resources, bake))
  const instances = found ?? (resources.isUntrusted ? [] : resources.instances)
  const removeImages = images === 'keep' ? async () => {} : prepareImageRemoval(removal, instances)
  // All at once: GitHub ends a cancelled job by force after five minutes.
  const [{ areTerminated, volumes }] = await Promise.all([
    terminateAll(removal, instances),
    removeImages(),
    ...resources.keyPairs.map(name => list.attempt(COMMANDS.keyPair(region, name), deleteKeyPair(ec2, name))),
    ...(resources.isUntrusted ? [] : resources.launchTemplates).map(id =>
      list.attempt(COMMANDS.launchTemplate(region, id), deleteLaunchTemplate(ec2, id)),
    ),
  ])
  const inUse = areTerminated ? IN_USE_TIMEOUT : 0
  // If no instance was requested, the group may be so new that EC2 does not show it yet.
  const timeouts = { inUse, notFound: resources.launching ? 0 : 10 }
  // What an instance uses is removed after it. EC2 may not have shown at first what Packer requested just before it ended.
  await Promise.all([
    removeImages(),
    ...volumes.map(id => list.attempt(COMMANDS.volume(region, id), deleteVolume(ec2, id, inUse))),
    ...resources.securityGroups.map(name =>
      list.attempt(COMMANDS.securityGroup(region, name), deleteGroup(ec2, name, timeouts)),
    ),
  ])
  if (images === 'remove') await listUnusedSnapshots(removal)
  return [...list.leftovers(), ...unremovable(removal)]
}

/** How long a terminated instance may use its volumes and its group, in seconds. */
const IN_USE_TIMEOUT = 3 * 60

interface Terminated {
  readonly areTerminated: boolean
  /** The volumes to delete. */
  readonly volumes: readonly string[]
}

async function terminateAll({ ec2, bake, list }: Removal, instances: readonly string[]): Promise<Terminated> {
  const { region } = ec2
  const volumes = await list.attempt(COMMANDS.searchVolumes(region, bake), findVolumes(ec2, instances, bake))
  const terminated = await Promise.all(
    instances.map(id => list.attempt(COMMANDS.instance(region, id), terminate(ec2, id, bake))),
  )
  for (const id of volumes?.uncertain ?? []) {
    list.add(COMMANDS.volume(region, id), "it was attached to the bake's instance after the launch: look at it first")
  }
  return { areTerminated: !terminated.includes(undefined), volumes: volumes?.own ?? [] }
}

/** An instance or a provisioner can print the line that names a snapshot: such snapshots are listed, and not deleted. */
async function listUnusedSnapshots({ ec2, resources, list }: Removal): Promise<void> {
  const search = findUnusedSnapshots(ec2, resources)
  const snapshots = await list.attempt(COMMANDS.searchPrintedSnapshots(ec2.region, resources), search)
  const reason = 'no image uses it, and only printed output attributes it to this bake: look at it first'
  for (const id of snapshots ?? []) list.add(COMMANDS.snapshot(ec2.region, id), reason)
}

/** What this action can't remove, or may not remove. */
function unremovable({ ec2: { region }, bake, resources }: Removal): readonly Leftover[] {
  const list = (commands: readonly string[], reason: string) => commands.map(command => ({ command, reason }))
  const unknown = isUnknown(resources) ? [COMMANDS.searchInstances(region, bake)] : []
  const volumes = resources.attachedDevices.length > 0 ? [COMMANDS.searchVolumes(region, bake)] : []
  const untrusted = resources.isUntrusted ? resources : NO_RESOURCES
  const instances = filterFor(resources).Values.length > 0 ? [] : untrusted.instances
  return [
    ...list(resources.roles.map(COMMANDS.role), 'this action has no permissions for IAM'),
    ...list(unknown, 'Packer requested an instance that has no name of its own and whose id was not printed'),
    ...list(volumes, 'amazon-chroot created a volume and did not print its id'),
    ...list(
      [
        ...instances.map(id => COMMANDS.instance(region, id)),
        ...untrusted.launchTemplates.map(id => COMMANDS.launchTemplate(region, id)),
      ],
      UNTRUSTED,
    ),
  ]
}

/** Whether an instance may exist that can't be told from others: its key pair and its group are the template's own. */
function isUnknown({ launching, instances, keyPairs, securityGroups }: CreatedResources): boolean {
  return launching && [instances, keyPairs, securityGroups].every(names => names.length === 0)
}

async function deleteKeyPair(ec2: Ec2, KeyName: string): Promise<void> {
  info(`Deleting the key pair ${KeyName}.`)
  const command = new DeleteKeyPairCommand({ KeyName })
  await unlessNotFound(ask(ec2, 'ec2:DeleteKeyPair', (client, options) => client.send(command, options)))
}

async function deleteLaunchTemplate(ec2: Ec2, LaunchTemplateId: string): Promise<void> {
  info(`Deleting the launch template ${LaunchTemplateId}.`)
  const command = new DeleteLaunchTemplateCommand({ LaunchTemplateId })
  await unlessNotFound(ask(ec2, 'ec2:DeleteLaunchTemplate', (client, options) => client.send(command, options)))
}

async function unlessNotFound(deletion: Promise<unknown>): Promise<void> {
  await deletion.catch(error => {
    if (!isNotFound(error)) throw error
  })
}
