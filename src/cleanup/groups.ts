import { DeleteSecurityGroupCommand, paginateDescribeSecurityGroups, type SecurityGroup } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { askForAll, deleteWhenFree } from '../ec2/requests.ts'
import { info } from '../runner/log.ts'

/** Describes the security groups with a name, in every VPC of the region. */
export async function describeGroups(ec2: Ec2, name: string): Promise<SecurityGroup[]> {
  const Filters = [{ Name: 'group-name', Values: [name] }]
  return await askForAll(ec2, 'ec2:DescribeSecurityGroups', async function* (pages, options) {
    for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups(pages, { Filters }, options)) {
      yield* SecurityGroups
    }
  })
}

/** How long to try, in seconds. */
export interface GroupTimeouts {
  /** While no group is found: a new one may be invisible for a while (EC2 developer guide, "Eventual consistency"). */
  readonly notFound: number
  /** While the group is in use: that of a terminated instance is for some seconds. */
  readonly inUse: number
}

/**
 * Deletes a security group by its name. If there is no such group, it counts as deleted.
 *
 * @throws Error when the group is still in use after that time.
 */
export async function deleteGroup(ec2: Ec2, name: string, { notFound, inUse }: GroupTimeouts): Promise<void> {
  const group = await poll(ec2, notFound, async () => (await describeGroups(ec2, name)).at(0))
  if (!group) return
  info(`Deleting the security group ${name}.`)
  const command = new DeleteSecurityGroupCommand({ GroupId: group.GroupId })
  await deleteWhenFree(ec2, {
    what: `the security group ${group.GroupId}`,
    seconds: inUse,
    passing: ['DependencyViolation'],
    request: () => ask(ec2, 'ec2:DeleteSecurityGroup', (client, options) => client.send(command, options)),
  })
}
