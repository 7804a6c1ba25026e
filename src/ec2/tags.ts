import { CreateTagsCommand, type Tag } from '@aws-sdk/client-ec2'
import { ask, type Ec2 } from './client.ts'
import { onceVisible } from './requests.ts'

/** Tags in the form of EC2's requests. */
export function toTagList(tags: Iterable<readonly [key: string, value: string]>): Tag[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }))
}

/** The tags of a resource in EC2's response, where a resource without tags may have no list. */
export function readTagList(tags: readonly Tag[] = []): Map<string, string> {
  return new Map(tags.map(({ Key = '', Value = '' }) => [Key, Value]))
}

/**
 * Sets tags of a resource, a new one too (see {@link onceVisible}). An existing tag gets the new value.
 *
 * @throws Error that names the permission and the reason.
 */
export async function tagResource(ec2: Ec2, id: string, tags: ReadonlyMap<string, string>): Promise<void> {
  const command = new CreateTagsCommand({ Resources: [id], Tags: toTagList(tags) })
  await onceVisible(ec2, () => ask(ec2, 'ec2:CreateTags', (client, options) => client.send(command, options)))
}
