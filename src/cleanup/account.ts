import { DescribeImagesCommand, DescribeInstancesCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from '../ec2/client.ts'
import { describeGroups } from './groups.ts'
import type { BakeIdentity } from './journal.ts'

/**
 * The account that EC2 answers for. Told by the owner of a default security group, because Packer's role may describe groups,
 * unlike the calls that name the account. An account without a VPC in the region has no group (its subnets are another
 * account's, who alone sees the groups: VPC user guide, "Share your VPC subnets"): then by the owner of an image of its own, or of the
 * reservation of an instance, which a role that bakes may describe too. `undefined` where it can't be told.
 */
export async function findAccount(ec2: Ec2): Promise<string | undefined> {
  try {
    const [group] = await describeGroups(ec2, 'default')
    return group?.OwnerId ?? (await ownerOfImage(ec2)) ?? (await ownerOfReservation(ec2))
  } catch {
    // What can't be asked here is asked again where it matters.
    return undefined
  }
}

/** Why nothing may be touched: the credentials are of another account than the bake's. `undefined` when that can't be said. */
export async function describeAccountMismatch(ec2: Ec2, { account }: BakeIdentity): Promise<string | undefined> {
  const present = account && (await findAccount(ec2))
  if (!present || present === account) return undefined
  return `the credentials are of account ${present}, the bake was in ${account}`
}

/** One page is enough: all own images have the same owner. */
async function ownerOfImage(ec2: Ec2): Promise<string | undefined> {
  const command = new DescribeImagesCommand({ Owners: ['self'], MaxResults: SHORTEST_PAGE })
  const { Images } = await ask(ec2, 'ec2:DescribeImages', (client, options) => client.send(command, options))
  return Images?.at(0)?.OwnerId
}

async function ownerOfReservation(ec2: Ec2): Promise<string | undefined> {
  const command = new DescribeInstancesCommand({ MaxResults: SHORTEST_PAGE })
  const { Reservations } = await ask(ec2, 'ec2:DescribeInstances', (client, options) => client.send(command, options))
  return Reservations?.at(0)?.OwnerId
}

/** The least that `MaxResults` may be (EC2 API reference, DescribeInstances). */
const SHORTEST_PAGE = 5
