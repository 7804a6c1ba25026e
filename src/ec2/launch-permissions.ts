import { DescribeImageAttributeCommand, type LaunchPermission } from '@aws-sdk/client-ec2'
import { ask, type Ec2, NOT_EC2 } from './client.ts'
import type { Image } from './images.ts'

/**
 * Finds who else may launch an image of this account: numbers of accounts, ARNs of organizations and organizational units, or `all`.
 *
 * @throws Error in the form of `ask` for anything but a clear answer.
 */
export async function describeSharing(ec2: Ec2, { id, owner }: Image): Promise<readonly string[]> {
  const action = 'ec2:DescribeImageAttribute'
  const command = new DescribeImageAttributeCommand({ ImageId: id, Attribute: 'launchPermission' })
  const answer = await ask(ec2, action, (client, options) => client.send(command, options))
  if (answer.ImageId !== id || !answer.LaunchPermissions) {
    throw new Error(`${action} in ${ec2.region}: the response has no launch permissions of ${id}. ${NOT_EC2}`)
  }
  return answer.LaunchPermissions.map(nameOf).filter(name => name !== owner)
}

function nameOf({ UserId, Group, OrganizationArn, OrganizationalUnitArn }: LaunchPermission): string {
  return UserId ?? Group ?? OrganizationArn ?? OrganizationalUnitArn ?? 'an unknown permission'
}
