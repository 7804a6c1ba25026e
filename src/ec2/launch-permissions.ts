import { DescribeImageAttributeCommand, type LaunchPermission, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, NOT_EC2 } from './client.ts'
import type { Image } from './images.ts'
import { onceVisible } from './requests.ts'

/**
 * Describes the launch permissions of an image.
 *
 * @throws Error in the form of `ask` for anything but a clear answer.
 */
export async function describeLaunchPermissions(ec2: Ec2, id: string): Promise<readonly LaunchPermission[]> {
  const action = 'ec2:DescribeImageAttribute'
  const command = new DescribeImageAttributeCommand({ ImageId: id, Attribute: 'launchPermission' })
  const answer = await onceVisible(ec2, () => ask(ec2, action, (client, options) => client.send(command, options)))
  if (answer.ImageId === id && answer.LaunchPermissions) return answer.LaunchPermissions
  throw new Error(`${action} in ${ec2.region}: the response has no launch permissions of ${id}. ${NOT_EC2}`)
}

/**
 * Finds who besides its owner may launch an image: accounts, ARNs of organizations and organizational units, or `all`.
 *
 * @throws Error in the form of `ask` for anything but a clear answer.
 */
export async function describeSharing(ec2: Ec2, { id, owner }: Image): Promise<readonly string[]> {
  return (await describeLaunchPermissions(ec2, id)).map(nameOfPermission).filter(name => name !== owner)
}

/**
 * Lets further accounts and organizations launch an image.
 *
 * @throws Error in the form of `ask`.
 */
export async function addLaunchPermissions(
  ec2: Ec2,
  ImageId: string,
  permissions: readonly LaunchPermission[],
): Promise<void> {
  const command = new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Add: [...permissions] } })
  await onceVisible(ec2, () => ask(ec2, 'ec2:ModifyImageAttribute', (client, options) => client.send(command, options)))
}

/** The account or the organization that may launch an image; `all` when every account may. */
export function nameOfPermission({ UserId, OrganizationArn, OrganizationalUnitArn, Group }: LaunchPermission): string {
  return UserId ?? OrganizationArn ?? OrganizationalUnitArn ?? Group ?? 'an unknown permission'
}

/** @param account An account of 12 digits, the ARN of an organization or an organizational unit, or `all`. */
export function toPermission(account: string): LaunchPermission {
  if (account === 'all') return { Group: 'all' }
  if (!account.startsWith('arn:')) return { UserId: account }
  return account.includes(':ou/') ? { OrganizationalUnitArn: account } : { OrganizationArn: account }
}
