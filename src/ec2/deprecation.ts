import { DisableImageDeprecationCommand, EnableImageDeprecationCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from './client.ts'
import { onceVisible } from './requests.ts'

/**
 * Sets the time from which on an image is deprecated. EC2 rounds it to a minute, and accepts no time in the past (EC2 API reference,
 * EnableImageDeprecation).
 */
export async function deprecateImage(ec2: Ec2, ImageId: string, DeprecateAt: Date): Promise<void> {
  const command = new EnableImageDeprecationCommand({ ImageId, DeprecateAt })
  await onceVisible(ec2, () =>
    ask(ec2, 'ec2:EnableImageDeprecation', (client, options) => client.send(command, options)),
  )
}

/** Removes the deprecation time of an image. */
export async function cancelDeprecation(ec2: Ec2, ImageId: string): Promise<void> {
  const command = new DisableImageDeprecationCommand({ ImageId })
  await onceVisible(ec2, () =>
    ask(ec2, 'ec2:DisableImageDeprecation', (client, options) => client.send(command, options)),
  )
}
