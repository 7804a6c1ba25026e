import {
  DeleteKeyPairCommand,
  DeleteLaunchTemplateCommand,
  DeleteSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  type Filter,
  type SecurityGroup,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { ask, connect, type Ec2, errorCode, poll } from '../ec2.ts'
import { info } from '../log.ts'
import type { Traces } from '../packer/traces.ts'
import type { BakeFacts } from '../record.ts'
import { findImagesOfBake, quarantine } from './images.ts'

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

/**
 * Removes what a bake left on EC2, and makes sure that its image is no later hit. Everything is found by the exact names
 * and ids that this bake's Packer printed, so that nothing of other builds is touched; what is gone already is passed over.
 *
 * @returns What could not be removed.
 */
export async function removeLeftovers(facts: BakeFacts, traces: Traces): Promise<readonly Leftover[]> {
  const { keyPairs, securityGroups, instances, images, roles } = traces
  if ([keyPairs, securityGroups, instances, images, roles].every(names => names.length === 0)) return []
  const ec2 = connect(facts.region)
  const account = await findAccount(ec2)
  const isOther = facts.account !== undefined && account !== undefined && account !== facts.account
  const left = isOther ? everything(ec2, traces, facts.account, account) : await remove(ec2, facts, traces)
  return [...left].map(([command, reason]) => ({ command, reason }))
}

function everything(
  { region }: Ec2,
  traces: Traces,
  ...[ours, theirs]: readonly string[]
): ReadonlyMap<string, string> {
  const commands = [
    ...traces.instances.map(id => COMMANDS.instance(region, id)),
    ...traces.images.map(id => COMMANDS.image(region, id)),
    ...traces.keyPairs.map(name => COMMANDS.keyPair(region, name)),
    ...traces.securityGroups.map(name => COMMANDS.securityGroup(region, name)),
  ]
  return new Map(
    commands.map(command => [command, `the credentials are of account ${theirs}, the bake was in ${ours}`]),
  )
}

async function remove(ec2: Ec2, facts: BakeFacts, traces: Traces): Promise<ReadonlyMap<string, string>> {
  const { region } = ec2
  const left = new Map(traces.roles.map(role => [COMMANDS.role(role), 'this action does not speak to IAM']))
  const attempt = async <Result>(command: string, work: Promise<Result>): Promise<Result | undefined> =>
    await work.catch((error: Error) => void left.set(command, error.message))

  const found = await attempt(COMMANDS.search(region, traces), findInstances(ec2, traces))
  const instances = found ?? traces.instances
  const removeImages = async (): Promise<void> => {
    const origin = { traces, instances, begun: facts.begun }
    const images = await attempt(COMMANDS.searchImages(region, instances), findImagesOfBake(ec2, origin))
    const quarantined = (images ?? []).map(placed =>
      attempt(COMMANDS.image(placed.ec2.region, placed.image.id), quarantine(placed, facts.checksum)),
    )
    await Promise.all(quarantined)
  }
  // All of it at once: little time is left until a cancelled job is ended by force.
  await Promise.all([
    removeImages(),
    ...instances.map(id => attempt(COMMANDS.instance(region, id), terminate(ec2, id))),
    ...traces.keyPairs.map(name => attempt(COMMANDS.keyPair(region, name), deleteKeyPair(ec2, name))),
    ...traces.launchTemplates.map(id => attempt(COMMANDS.launchTemplate(region, id), deleteLaunchTemplate(ec2, id))),
  ])
  // A group can't go before its instances; an image asked for in Packer's last moment may not have been there at first.
  await Promise.all([
    removeImages(),
    ...traces.securityGroups.map(name => attempt(COMMANDS.securityGroup(region, name), deleteGroup(ec2, name))),
  ])
  return left
}

/** What a person types to remove, or to find, what this action could not. */
const COMMANDS = {
  search: (region: string, { keyPairs }: Traces) =>
    `aws ec2 describe-instances --region ${region} --filters Name=key-name,Values=${keyPairs.join(',')}`,
  instance: (region: string, id: string) => `aws ec2 terminate-instances --region ${region} --instance-ids ${id}`,
  keyPair: (region: string, name: string) => `aws ec2 delete-key-pair --region ${region} --key-name ${name}`,
  launchTemplate: (region: string, id: string) =>
    `aws ec2 delete-launch-template --region ${region} --launch-template-id ${id}`,
  securityGroup: (region: string, name: string) =>
    `aws ec2 delete-security-group --region ${region} --group-id "$(aws ec2 describe-security-groups --region ${region} ` +
    `--filters Name=group-name,Values=${name} --query 'SecurityGroups[0].GroupId' --output text)"`,
  searchImages: (region: string, instances: readonly string[]) =>
    `aws ec2 describe-images --region ${region} --owners self --filters Name=source-instance-id,Values=${instances.join(',')}`,
  image: (region: string, id: string) =>
    `aws ec2 deregister-image --region ${region} --image-id ${id} --delete-associated-snapshots`,
  role: (name: string) =>
    `aws iam remove-role-from-instance-profile --instance-profile-name ${name} --role-name ${name}; ` +
    `aws iam delete-instance-profile --instance-profile-name ${name}; aws iam delete-role --role-name ${name}`,
}

/** Instances by their printed ids, and by their key pair or group: the id of one may never have been printed. */
async function findInstances(ec2: Ec2, { keyPairs, securityGroups, instances, launching }: Traces): Promise<string[]> {
  const [Name, names] = keyPairs.length > 0 ? ['key-name', keyPairs] : ['instance.group-name', securityGroups]
  if (!launching || names.length === 0) return [...instances]
  const search = async (): Promise<string[] | undefined> => {
    const found = await describeInstances(ec2, [{ Name, Values: [...names] }])
    return found.length > 0 ? found : undefined
  }
  // One that was asked for in Packer's last moment may be unknown for a while.
  const found = instances.length > 0 ? await search() : await poll(ec2, 20, search)
  return [...new Set([...instances, ...(found ?? [])])]
}

async function describeInstances(ec2: Ec2, Filters: Filter[]): Promise<string[]> {
  const { Reservations = [] } = await ask(ec2, 'ec2:DescribeInstances', (client, options) =>
    client.send(new DescribeInstancesCommand({ Filters }), options),
  )
  const instances = Reservations.flatMap(({ Instances = [] }) => Instances)
  return instances.filter(({ State }) => State?.Name !== 'terminated').flatMap(({ InstanceId }) => InstanceId ?? [])
}

async function terminate(ec2: Ec2, id: string): Promise<void> {
  info(`Terminating ${id}.`)
  const known = await poll(ec2, 60, () => terminateIfKnown(ec2, id))
  if (!known) throw new Error(`EC2 does not know ${id}. Are these the credentials of the bake?`)
  const filters = [{ Name: 'instance-id', Values: [id] }]
  const gone = await poll(ec2, 300, async () =>
    (await describeInstances(ec2, filters)).length === 0 ? true : undefined,
  )
  if (!gone) throw new Error(`${id} is still not terminated after 5 minutes.`)
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

/** A group whose instance has just ended is in use for some seconds more. */
async function deleteGroup(ec2: Ec2, name: string): Promise<void> {
  const [group] = await describeGroups(ec2, [name])
  if (!group) return
  info(`Deleting the security group ${name}.`)
  const deleted = await poll(ec2, 180, () => deleteUnlessUsed(ec2, group))
  if (!deleted) throw new Error(`${group.GroupId} is still in use after 3 minutes.`)
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
