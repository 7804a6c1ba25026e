import type { LaunchPermission } from '@aws-sdk/client-ec2'
import type { RegionalImage } from '../../ec2/images.ts'
import { describeLaunchPermissions, nameOfPermission } from '../../ec2/launch-permissions.ts'
import { settleReferences } from '../../ec2/references.ts'
import { cancelled } from '../../runner/cancel.ts'
import { messageOf, notice } from '../../runner/log.ts'
import { settleAll } from '../../runner/parallel.ts'

/** Who uses images, as far as this account can see it. */
export interface Usage {
  /** The ARNs of the resources that refer to each image, by its id; without the images that EC2 gives no answer about. */
  readonly references: ReadonlyMap<string, readonly string[]>
  /** The accounts and organizations that may launch each image, by its id. EC2 does not tell what they do with it. */
  readonly unseen: ReadonlyMap<string, readonly string[]>
}

/** Finds out who uses images. What can't be found out is a notice: it must not keep an image from being revoked. */
export async function findUsage(images: readonly RegionalImage[]): Promise<Usage> {
  const [references, unseen] = await Promise.all([findReferencesTo(images), findSharers(images)])
  if (unseen.size > 0) {
    const names = [...new Set([...unseen.values()].flat())].join(', ')
    notice(`${unseen.size} of the images can be launched by ${names}. What they use can't be seen from this account.`)
  }
  return { references, unseen }
}

async function findReferencesTo(images: readonly RegionalImage[]): Promise<Usage['references']> {
  const answers = [...Map.groupBy(images, ({ ec2 }) => ec2)].map(([ec2, members]) =>
    settleReferences(
      ec2,
      members.map(({ image }) => image.id),
    ),
  )
  const results = (await Promise.all(answers)).flatMap(answer => [...answer])
  const failure = results.find(([, { status }]) => status === 'rejected')?.[1]
  if (failure?.status === 'rejected') {
    notice(`What still uses the images is not known completely. ${messageOf(failure.reason)}`)
  }
  return new Map(
    results.flatMap(([id, result]) => (result.status === 'fulfilled' ? [[id, result.value] as const] : [])),
  )
}

const AT_ONCE = 10

async function findSharers(images: readonly RegionalImage[]): Promise<Usage['unseen']> {
  const results = await settleAll(images, AT_ONCE, ({ ec2, image }) => describeLaunchPermissions(ec2, image.id))
  cancelled.throwIfAborted()
  const failure = results.find(result => result.status === 'rejected')
  if (failure) notice(`Which accounts may launch the images is not known completely. ${messageOf(failure.reason)}`)
  return new Map(
    images.flatMap(({ image }, index): [string, string[]][] => {
      const result = results[index]
      const sharers = result?.status === 'fulfilled' ? result.value.map(nameSharer) : []
      return sharers.length > 0 ? [[image.id, sharers]] : []
    }),
  )
}

function nameSharer(permission: LaunchPermission): string {
  const name = nameOfPermission(permission)
  return name === 'all' ? 'every account' : name
}
