import { DescribeImagesCommand, DescribeInstancesCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from '../ec2/client.ts'
import { describeGroups } from './groups.ts'
import type { BakeIdentity } from './journal.ts'

/**
 * Finds the account of the credentials, with requests that a role for bakes is permitted to send: the owner of a default security
 * group. In an account without a VPC in the region (shared subnets come with the owner account's groups, which only that account
 * sees: VPC user guide, "Share your VPC subnets") it is the owner of an own image, or of an instance's reservation.
 *
 * @returns `undefined` when the account can't be found. Never throws.
 */
export async function findAccount(ec2: Ec2): Promise<string | undefined> {
  try {
    const [group] = await describeGroups(ec2, 'default')
    return group?.OwnerId ?? (await ownerOfImage(ec2)) ?? (await ownerOfReservation(ec2))
  } catch {
    // If EC2 can't be reached, the next request reports it.
    return undefined
  }
}

/** Says that the credentials belong to another account than the bake, so that nothing may be changed; `undefined` otherwise. */
export async function describeAccountMismatch(ec2: Ec2, { account }: BakeIdentity): Promise<string | undefined> {
  const present = account && (await findAccount(ec2))
  if (!present || present === account) return undefined
  return `the credentials belong to account ${present}, but the bake ran in account ${account}`
}

/** One page is enough: all own images have the same owner. */
async function ownerOfImage(ec2: Ec2): Promise<string | undefined> {
  const command = new DescribeImagesCommand({ Owners: ['self'], MaxResults: SMALLEST_PAGE })
  const { Images } = await ask(ec2, 'ec2:DescribeImages', (client, options) => client.send(command, options))
  return Images?.at(0)?.OwnerId
}

async function ownerOfReservation(ec2: Ec2): Promise<string | undefined> {
  const command = new DescribeInstancesCommand({ MaxResults: SMALLEST_PAGE })
  const { Reservations } = await ask(ec2, 'ec2:DescribeInstances', (client, options) => client.send(command, options))
  return Reservations?.at(0)?.OwnerId
}

/** The smallest value of `MaxResults` (EC2 API reference, DescribeInstances). */
const SMALLEST_PAGE = 5
