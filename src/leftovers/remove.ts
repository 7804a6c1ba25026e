import {
  DeleteKeyPairCommand,
  DeleteLaunchTemplateCommand,
  DeleteSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  type Filter,
  type Instance,
  type SecurityGroup,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { ask, connect, type Ec2, errorCode, poll } from '../ec2.ts'
import type { Image } from '../images.ts'
import { info, messageOf } from '../log.ts'
import { areEmpty, NO_TRACES, type Traces } from '../packer/traces.ts'
import type { BakeFacts } from '../record.ts'
import { COMMANDS } from './commands.ts'
import { findCopies, findImagesOfBake, type Origin, quarantine } from './images.ts'
import { findUnusedSnapshots, hasSnapshots } from './snapshots.ts'

/** Something that a bake left on EC2 and that could not be removed. */
export interface Leftover {
  /** The command that removes it. */
  readonly command: string
  readonly reason: string
}

/**
 * The account that EC2 answers for, told by the owner of a default security group: Packer's role may describe groups,
 * which is more than can be said of the calls that name the account. `undefined` where it can't be told.
 */
export async function findAccount(ec2: Ec2): Promise<string | undefined> {
  const groups = await describeGroups(ec2, ['default']).catch(() => [])
  return groups[0]?.OwnerId
}

/** Why nothing may be touched: the credentials are of another account than the bake's. `undefined` when that can't be said. */
export async function findStranger(ec2: Ec2, { account }: BakeFacts): Promise<string | undefined> {
  const present = account && (await findAccount(ec2))
  if (!present || present === account) return undefined
  return `the credentials are of account ${present}, the bake was in ${account}`
}

/**
 * Removes what a bake left on EC2, and makes sure that its image is no later hit, unless it was accepted. Everything is found
 * by the exact names and ids that this bake's Packer printed, so that nothing of other builds is touched; what is gone already
 * is passed over.
 *
 * @param deadline Whatever is not done when it is aborted counts as not to be removed.
 * @returns What could not be removed.
 */
export async function removeLeftovers(
  facts: BakeFacts,
  traces: Traces,
  deadline?: AbortSignal,
): Promise<readonly Leftover[]> {
  if (areEmpty(traces)) return []
  const ec2 = connect(facts.bakedIn ?? facts.region, deadline)
  const reason = await findStranger(ec2, facts)
  if (!reason) return await remove(ec2, facts, traces)
  return everything(ec2, facts, traces).map(command => ({ command, reason }))
}

function everything({ region }: Ec2, facts: BakeFacts, traces: Traces): readonly string[] {
  return [
    ...traces.instances.map(id => COMMANDS.instance(region, id)),
    ...(facts.accepted ? [] : traces.images.map(id => COMMANDS.image(region, id))),
    ...traces.keyPairs.map(name => COMMANDS.keyPair(region, name)),
    ...traces.launchTemplates.map(id => COMMANDS.launchTemplate(region, id)),
    ...traces.securityGroups.map(name => COMMANDS.securityGroup(region, name)),
    ...traces.roles.map(COMMANDS.role),
    ...(isUnknown(traces) ? [COMMANDS.unknown(region, facts)] : []),
    ...(traces.attachedDevices.length > 0 ? [COMMANDS.searchVolumes(region, facts)] : []),
    ...(hasSnapshots(traces) ? [COMMANDS.searchSnapshots(region, traces)] : []),
  ]
}

async function remove(ec2: Ec2, facts: BakeFacts, traces: Traces): Promise<readonly Leftover[]> {
  const { region } = ec2
  const { left, attempt } = keepList(ec2.signal)
  const found = await attempt(COMMANDS.search(region, filterFor(traces)), findInstances(ec2, traces, facts))
  const instances = found ?? (traces.isHearsay ? [] : traces.instances)
  // The images of hearsay count only if they were made from such an instance.
  const known = traces.isHearsay ? { ...traces, images: [] } : traces
  const origin = { traces: known, instances, begun: facts.begun }
  const removeImages = async () => {
    if (!facts.accepted) await removeImagesOfBake(ec2, origin, { checksum: facts.checksum, attempt })
  }
  // All of it at once: little time is left until a cancelled job is ended by force.
  const [ended] = await Promise.all([
    Promise.all(instances.map(id => attempt(COMMANDS.instance(region, id), terminate(ec2, id)))),
    removeImages(),
    ...traces.keyPairs.map(name => attempt(COMMANDS.keyPair(region, name), deleteKeyPair(ec2, name))),
    ...(traces.isHearsay ? [] : traces.launchTemplates).map(id =>
      attempt(COMMANDS.launchTemplate(region, id), deleteLaunchTemplate(ec2, id)),
    ),
  ])
  // A group can't go before its instances; an image asked for in Packer's last moment may not have been there at first.
  const patience = ended.includes(undefined) ? 0 : 180
  await Promise.all([
    removeImages(),
    ...traces.securityGroups.map(name =>
      attempt(COMMANDS.securityGroup(region, name), deleteGroup(ec2, name, patience)),
    ),
  ])
  const search = findUnusedSnapshots(ec2, facts.accepted ? NO_TRACES : traces)
  const snapshots = (await attempt(COMMANDS.searchSnapshots(region, traces), search)) ?? []
  const unused = snapshots.map(id => ({ command: COMMANDS.snapshot(region, id), reason: UNUSED_SNAPSHOT }))
  return [...left(), ...unremovable(region, facts, traces), ...unused]
}

/** An instance or a provisioner can print the line that names a snapshot, so that none is deleted for it. */
const UNUSED_SNAPSHOT = 'no image uses it; only printed output says that it is of this bake, so look at it first'

/** Does something that an AWS command could do as well; a failure puts the command on the list of what is left. */
type Attempt = <Result>(command: string, work: Promise<Result>) => Promise<Result | undefined>

function keepList(deadline: AbortSignal | undefined): { readonly attempt: Attempt; left(): readonly Leftover[] } {
  const reasons = new Map<string, string>()
  return {
    attempt: async (command, work) => {
      try {
        const result = await work
        reasons.delete(command)
        return result
      } catch (error) {
        reasons.set(command, messageOf(deadline?.aborted ? deadline.reason : error))
        return undefined
      }
    },
    left: () => [...reasons].map(([command, reason]) => ({ command, reason })),
  }
}

async function removeImagesOfBake(
  ec2: Ec2,
  origin: Origin,
  { checksum, attempt }: { readonly checksum: string; readonly attempt: Attempt },
): Promise<void> {
  const { traces, instances } = origin
  const quarantineAll = async (home: Ec2, images: readonly Image[] = []) => {
    const works = images.map(image =>
      attempt(COMMANDS.image(home.region, image.id), quarantine({ ec2: home, image }, checksum)),
    )
    await Promise.all(works)
  }
  const found = await attempt(COMMANDS.searchImages(ec2.region, traces, instances), findImagesOfBake(ec2, origin))
  const sources = found?.sources ?? traces.images
  const copies = traces.copyRegions.map(async region => {
    const there = connect(region, ec2.signal)
    await quarantineAll(
      there,
      await attempt(COMMANDS.searchCopies(region, sources), findCopies(there, sources, origin)),
    )
  })
  await Promise.all([quarantineAll(ec2, found?.images), ...copies])
}

/** What this action has no way to remove, or no right to. */
function unremovable(region: string, facts: BakeFacts, traces: Traces): readonly Leftover[] {
  const list = (commands: readonly string[], reason: string) => commands.map(command => ({ command, reason }))
  const nameless = isUnknown(traces) ? [COMMANDS.unknown(region, facts)] : []
  const volumes = traces.attachedDevices.length > 0 ? [COMMANDS.searchVolumes(region, facts)] : []
  const uncertain = traces.isHearsay ? traces : NO_TRACES
  const instances = filterFor(traces).Values.length > 0 ? [] : uncertain.instances
  return [
    ...list(traces.roles.map(COMMANDS.role), 'this action does not speak to IAM'),
    ...list(nameless, 'an instance was being launched, which has neither a name of its own nor an id that was printed'),
    ...list(volumes, 'amazon-chroot created a volume and did not print its id'),
    ...list(
      [
        ...instances.map(id => COMMANDS.instance(region, id)),
        ...uncertain.launchTemplates.map(id => COMMANDS.launchTemplate(region, id)),
      ],
      "only the lease's tags say that it is of that run: look at it first",
    ),
  ]
}

/** Whether there may be an instance that nothing tells from others: its key pair and its group are the template's own. */
function isUnknown({ launching, instances, keyPairs, securityGroups }: Traces): boolean {
  return launching && [instances, keyPairs, securityGroups].every(names => names.length === 0)
}

/**
 * Instances by their printed ids, and by their key pair or group: the id of one may never have been printed. Of an id from
 * hearsay nobody knows whose it is, so that only instances with Packer's own key pair or group count then, begun since.
 */
async function findInstances(ec2: Ec2, traces: Traces, { begun }: BakeFacts): Promise<string[]> {
  const { launching, isHearsay } = traces
  const instances = isHearsay ? [] : traces.instances
  const filter = filterFor(traces)
  if (!launching || filter.Values.length === 0) return [...instances]
  const search = async (): Promise<string[] | undefined> => {
    const described = await describeInstances(ec2, filter)
    const found = isHearsay ? described.filter(isSince(begun)) : described.filter(isAlive)
    return found.length > 0 ? found.flatMap(({ InstanceId }) => InstanceId ?? []) : undefined
  }
  // One that was asked for in Packer's last moment may be unknown for a while.
  const found = instances.length > 0 ? await search() : await poll(ec2, 20, search)
  return [...new Set([...instances, ...(found ?? [])])]
}

function filterFor({ keyPairs, securityGroups }: Traces): { Name: string; Values: string[] } {
  if (keyPairs.length > 0) return { Name: 'key-name', Values: [...keyPairs] }
  return { Name: 'instance.group-name', Values: [...securityGroups] }
}

/** EC2 may begin an instance's time a little before that of the key pair which was created first. */
function isSince(begun: string): (instance: Instance) => boolean {
  return ({ LaunchTime }) => LaunchTime !== undefined && LaunchTime.getTime() > Date.parse(begun) - 60_000
}

function isAlive({ State }: Instance): boolean {
  return State?.Name !== 'terminated'
}

async function describeInstances(ec2: Ec2, filter: Filter): Promise<Instance[]> {
  const { Reservations = [] } = await ask(ec2, 'ec2:DescribeInstances', (client, options) =>
    client.send(new DescribeInstancesCommand({ Filters: [filter] }), options),
  )
  return Reservations.flatMap(({ Instances = [] }) => Instances)
}

async function terminate(ec2: Ec2, id: string): Promise<true> {
  info(`Terminating ${id}.`)
  const known = await poll(ec2, 60, () => terminateIfKnown(ec2, id))
  if (!known) throw new Error(`EC2 does not know ${id}. Are these the credentials of the bake?`)
  const filter = { Name: 'instance-id', Values: [id] }
  const gone = await poll(ec2, 300, async () =>
    (await describeInstances(ec2, filter)).some(isAlive) ? undefined : true,
  )
  if (!gone) throw new Error(`${id} is still not terminated after 5 minutes.`)
  return gone
}

async function terminateIfKnown(ec2: Ec2, id: string): Promise<true | undefined> {
  try {
    await ask(ec2, 'ec2:TerminateInstances', (client, options) =>
      client.send(new TerminateInstancesCommand({ InstanceIds: [id] }), options),
    )
    return true
  } catch (error) {
    if (errorCode(error) === 'InvalidInstanceID.NotFound') return undefined
    throw error
  }
}

async function deleteKeyPair(ec2: Ec2, KeyName: string): Promise<void> {
  info(`Deleting the key pair ${KeyName}.`)
  await ask(ec2, 'ec2:DeleteKeyPair', (client, options) => client.send(new DeleteKeyPairCommand({ KeyName }), options))
}

async function deleteLaunchTemplate(ec2: Ec2, LaunchTemplateId: string): Promise<void> {
  info(`Deleting the launch template ${LaunchTemplateId}.`)
  await unlessGone('InvalidLaunchTemplateId.NotFound', () =>
    ask(ec2, 'ec2:DeleteLaunchTemplate', (client, options) =>
      client.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId }), options),
    ),
  )
}

/** A group whose instance has just ended is in use for some seconds more, one whose instance could not be ended for good. */
async function deleteGroup(ec2: Ec2, name: string, patience: number): Promise<void> {
  const [group] = await describeGroups(ec2, [name])
  if (!group) return
  info(`Deleting the security group ${name}.`)
  const deleted = await poll(ec2, patience, () => deleteUnlessUsed(ec2, group))
  if (!deleted) throw new Error(`${group.GroupId} is still in use.`)
}

async function deleteUnlessUsed(ec2: Ec2, { GroupId }: SecurityGroup): Promise<true | undefined> {
  try {
    await unlessGone('InvalidGroup.NotFound', () =>
      ask(ec2, 'ec2:DeleteSecurityGroup', (client, options) =>
        client.send(new DeleteSecurityGroupCommand({ GroupId }), options),
      ),
    )
    return true
  } catch (error) {
    if (errorCode(error) === 'DependencyViolation') return undefined
    throw error
  }
}

async function describeGroups(ec2: Ec2, names: string[]): Promise<SecurityGroup[]> {
  const Filters = [{ Name: 'group-name', Values: names }]
  const { SecurityGroups = [] } = await ask(ec2, 'ec2:DescribeSecurityGroups', (client, options) =>
    client.send(new DescribeSecurityGroupsCommand({ Filters }), options),
  )
  return SecurityGroups
}

async function unlessGone(code: string, work: () => Promise<unknown>): Promise<void> {
  await work().catch(error => {
    if (errorCode(error) !== code) throw error
  })
}
