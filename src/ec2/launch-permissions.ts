import { DescribeImageAttributeCommand, type LaunchPermission, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from './client.ts'
import { onceVisible } from './requests.ts'

/**
 * Describes who may launch an image besides its owner.
 *
 * @throws Error in the form of `ask`.
 */
export async function describeLaunchPermissions(ec2: Ec2, ImageId: string): Promise<readonly LaunchPermission[]> {
  const command = new DescribeImageAttributeCommand({ ImageId, Attribute: 'launchPermission' })
  const { LaunchPermissions = [] } = await onceVisible(ec2, () =>
    ask(ec2, 'ec2:DescribeImageAttribute', (client, options) => client.send(command, options)),
  )
  return LaunchPermissions
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
  return UserId ?? OrganizationArn ?? OrganizationalUnitArn ?? Group ?? ''
}

/** @param account An account of 12 digits, the ARN of an organization or an organizational unit, or `all`. */
export function toPermission(account: string): LaunchPermission {
  if (account === 'all') return { Group: 'all' }
  if (!account.startsWith('arn:')) return { UserId: account }
  return account.includes(':ou/') ? { OrganizationalUnitArn: account } : { OrganizationArn: account }
}
