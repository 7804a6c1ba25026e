import { DeleteKeyPairCommand, DeleteLaunchTemplateCommand } from '@aws-sdk/client-ec2'
import { ask, connect, type Ec2 } from '../ec2/client.ts'
import { isNotFound } from '../ec2/requests.ts'
import { areEmpty, type CreatedResources, NO_RESOURCES } from '../packer/created-resources.ts'
import { info } from '../runner/log.ts'
import { describeAccountMismatch } from './account.ts'
import { COMMANDS, type Leftover, UNCERTAIN } from './commands.ts'
import { deleteGroup } from './groups.ts'
import { filterFor, findInstances, terminate } from './instances.ts'
import type { BakeIdentity } from './journal.ts'
import { makeLeftoverList } from './leftover-list.ts'
import { type Created, prepareImageRemoval, type Removal } from './remove-images.ts'
import { findUnusedSnapshots, hasSnapshots } from './unused-snapshots.ts'
import { deleteVolume, findVolumes } from './volumes.ts'

/**
 * Removes what a bake left on EC2, and makes sure that its image is never a hit, unless its images are kept. Everything is found
 * by the exact names and ids that this bake's Packer printed, so that nothing of other builds is touched. What is gone already
 * counts as removed.
 *
 * @param deadline What is not removed when it is aborted counts as left.
 * @returns What could not be removed.
 */
export async function removeLeftovers(
  bake: BakeIdentity,
  created: Created,
  deadline?: AbortSignal,
): Promise<readonly Leftover[]> {
  if (areEmpty(created.resources)) return []
  const ec2 = connect(bake.bakedIn ?? bake.region, deadline)
  const reason = await describeAccountMismatch(ec2, bake)
  const removal = { ec2, bake, ...created, list: makeLeftoverList(deadline) }
  if (!reason) return await remove(removal)
  return commandsForAll(removal).map(command => ({ command, reason }))
}

function commandsForAll({ ec2: { region }, bake, resources, images }: Removal): readonly string[] {
  return [
    ...resources.instances.map(id => COMMANDS.instance(region, id)),
    ...(images === 'keep' ? [] : resources.images.map(id => COMMANDS.image(region, id))),
    ...resources.keyPairs.map(name => COMMANDS.keyPair(region, name)),
    ...resources.launchTemplates.map(id => COMMANDS.launchTemplate(region, id)),
    ...resources.securityGroups.map(name => COMMANDS.securityGroup(region, name)),
    ...resources.roles.map(COMMANDS.role),
    ...(isUnknown(resources) ? [COMMANDS.unknown(region, bake)] : []),
    ...(resources.attachedDevices.length > 0 ? [COMMANDS.searchVolumes(region, bake)] : []),
    ...(hasSnapshots(resources) ? [COMMANDS.searchPrintedSnapshots(region, resources)] : []),
  ]
}

async function remove(removal: Removal): Promise<readonly Leftover[]> {
  const { ec2, bake, resources, images, list } = removal
  const { region } = ec2
  const found = await list.attempt(COMMANDS.search(region, filterFor(resources)), findInstances(ec2, resources, bake))
  const instances = found ?? (resources.isUntrusted ? [] : resources.instances)
  const removeImages = images === 'keep' ? async () => {} : prepareImageRemoval(removal, instances)
  // All of it at once: little time is left until a cancelled job is ended by force.
  const [{ hasEnded, volumes }] = await Promise.all([
    endInstances(removal, instances),
    removeImages(),
    ...resources.keyPairs.map(name => list.attempt(COMMANDS.keyPair(region, name), deleteKeyPair(ec2, name))),
    ...(resources.isUntrusted ? [] : resources.launchTemplates).map(id =>
      list.attempt(COMMANDS.launchTemplate(region, id), deleteLaunchTemplate(ec2, id)),
    ),
  ])
  const used = hasEnded ? AFTER_INSTANCE : 0
  // A group that no instance was asked for with may have been created a moment ago.
  const patience = { used, unseen: resources.launching ? 0 : 10 }
  // What an instance used can't go before it; what was asked for in Packer's last moment may not have been there at first.
  await Promise.all([
    removeImages(),
    ...volumes.map(id => list.attempt(COMMANDS.volume(region, id), deleteVolume(ec2, id, used))),
    ...resources.securityGroups.map(name =>
      list.attempt(COMMANDS.securityGroup(region, name), deleteGroup(ec2, name, patience)),
    ),
  ])
  const search = findUnusedSnapshots(ec2, images === 'keep' ? NO_RESOURCES : resources)
  const snapshots = (await list.attempt(COMMANDS.searchPrintedSnapshots(region, resources), search)) ?? []
  for (const id of snapshots) list.add(COMMANDS.snapshot(region, id), UNUSED_SNAPSHOT)
  return [...list.left(), ...unremovable(region, bake, resources)]
}

/** An instance or a provisioner can print the line that names a snapshot, so that none is deleted for it. */
const UNUSED_SNAPSHOT = 'no image uses it; only printed output says that it is of this bake, so look at it first'

/** How long a terminated instance may hold its volumes and its group, in seconds. */
const AFTER_INSTANCE = 3 * 60

interface Ended {
  readonly hasEnded: boolean
  /** The volumes that are to be deleted now. */
  readonly volumes: readonly string[]
}

async function endInstances({ ec2, bake, list }: Removal, instances: readonly string[]): Promise<Ended> {
  const { region } = ec2
  const volumes = await list.attempt(COMMANDS.searchVolumes(region, bake), findVolumes(ec2, instances, bake))
  const ended = await Promise.all(
    instances.map(id => list.attempt(COMMANDS.instance(region, id), terminate(ec2, id, bake))),
  )
  for (const id of volumes?.uncertain ?? []) {
    list.add(COMMANDS.volume(region, id), "it was attached to the bake's instance after the launch: look at it first")
  }
  return { hasEnded: !ended.includes(undefined), volumes: volumes?.own ?? [] }
}

/** What this action has no way to remove, or no right to. */
function unremovable(region: string, bake: BakeIdentity, resources: CreatedResources): readonly Leftover[] {
  const list = (commands: readonly string[], reason: string) => commands.map(command => ({ command, reason }))
  const nameless = isUnknown(resources) ? [COMMANDS.unknown(region, bake)] : []
  const volumes = resources.attachedDevices.length > 0 ? [COMMANDS.searchVolumes(region, bake)] : []
  const uncertain = resources.isUntrusted ? resources : NO_RESOURCES
  const instances = filterFor(resources).Values.length > 0 ? [] : uncertain.instances
  return [
    ...list(resources.roles.map(COMMANDS.role), 'this action does not speak to IAM'),
    ...list(nameless, 'an instance was being launched, which has neither a name of its own nor an id that was printed'),
    ...list(volumes, 'amazon-chroot created a volume and did not print its id'),
    ...list(
      [
        ...instances.map(id => COMMANDS.instance(region, id)),
        ...uncertain.launchTemplates.map(id => COMMANDS.launchTemplate(region, id)),
      ],
      UNCERTAIN,
    ),
  ]
}

/** Whether there may be an instance that nothing tells from others: its key pair and its group are the template's own. */
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
