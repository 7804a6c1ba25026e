import { CreateTagsCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from './client.ts'
import { onceVisible } from './requests.ts'
import { toTagList } from './tag-list.ts'

/** How many characters a tag's value has at most (AWS: "Tag restrictions"). */
export const MAX_VALUE_LENGTH = 256

/**
 * Sets tags of a resource, a new one too (see {@link onceVisible}). An existing tag gets the new value.
 *
 * @throws Error that names the permission and the reason.
 */
export async function tagResource(ec2: Ec2, id: string, tags: ReadonlyMap<string, string>): Promise<void> {
  const command = new CreateTagsCommand({ Resources: [id], Tags: toTagList(tags) })
  await onceVisible(ec2, () => ask(ec2, 'ec2:CreateTags', (client, options) => client.send(command, options)))
}
