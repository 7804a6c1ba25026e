import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from '../ec2/client.ts'
import type { Image, RegionalImage } from '../ec2/images.ts'
import {
  addLaunchPermissions,
  describeLaunchPermissions,
  nameOfPermission,
  toPermission,
} from '../ec2/launch-permissions.ts'
import { info, messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'

/** With whom an image is shared in one region. */
export interface Shared {
  /** The accounts and organizations that may launch it since this run. */
  readonly added: readonly string[]
  /** The accounts and organizations that may launch it although they are not wanted; `all` when it is public. */
  readonly others: readonly string[]
}

/**
 * Lets accounts and organizations launch an image. It removes no permission. If all of them may launch it already, it only reads.
 *
 * @param accounts Accounts of 12 digits, and ARNs of organizations and organizational units. The owner needs no permission.
 * @throws OptionError with the region and the reason. For an image that is encrypted with the account's default key it names the key,
 *   and says what to do.
 */
export async function shareImage({ ec2, image }: RegionalImage, accounts: readonly string[]): Promise<Shared> {
  const wanted = accounts.filter(account => account !== image.owner)
  const present = (await describeLaunchPermissions(ec2, image.id)).map(nameOfPermission)
  const missing = wanted.filter(account => !present.includes(account))
  if (missing.length > 0) {
    await addLaunchPermissions(ec2, image.id, missing.map(toPermission)).catch(async cause => {
      ec2.signal?.throwIfAborted()
      throw new OptionError('shareWith', await explainRefusal({ ec2, image }, cause), { cause })
    })
    info(`${ec2.region}: ${missing.join(', ')} may launch ${image.id} now.`)
  }
  const others = present.filter(account => account !== image.owner && !accounts.includes(account))
  return { added: missing, others }
}

/**
 * EC2 refuses to share an image that is encrypted with an AWS managed key: "Snapshots encrypted with the AWS Managed CMK can't be shared"
 * (AWS: "Share an AMI with specific AWS accounts").
 */
async function explainRefusal({ ec2, image }: RegionalImage, cause: unknown): Promise<string> {
  const { region } = ec2
  const message = `${image.id} in ${region} could not be shared. ${messageOf(cause)}`
  if (!image.isEncrypted || !/managed (CMK|key)|default key/i.test(messageOf(cause))) return message
  const keys = await readKeys(ec2, image).catch(() => [])
  const key = keys.length > 0 ? keys.join(', ') : "the account's default key"
  return (
    `${message} It is encrypted with ${key}, which other accounts can't use. Encrypt it with a KMS key of the account that they may ` +
    `use: for a copy specify ${region}=<key> in regions, for the baked image set kms_key_id in the template.`
  )
}

async function readKeys(ec2: Ec2, { snapshots }: Image): Promise<readonly string[]> {
  const command = new DescribeSnapshotsCommand({ SnapshotIds: [...snapshots] })
  const { Snapshots = [] } = await ask(ec2, 'ec2:DescribeSnapshots', (client, options) => client.send(command, options))
  return [...new Set(Snapshots.flatMap(({ KmsKeyId }) => KmsKeyId ?? []))]
}
