import { DescribeImageAttributeCommand, type LaunchPermission } from '@aws-sdk/client-ec2'
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
