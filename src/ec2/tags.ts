import { CreateTagsCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, persist } from './client.ts'

/**
 * What EC2 answers for a while about a resource that was just made (EC2 developer guide, "Eventual consistency"), and when two
 * tag one resource at once (AWS: "Error codes for the Amazon EC2 API", ConcurrentTagAccess).
 */
export const NOT_YET = { codes: /\.NotFound$|^ConcurrentTagAccess$/, seconds: 30 }

/**
 * Puts tags on a resource. An existing tag gets the new value. One that EC2 does not know yet is tried again for 30 s.
 *
 * @throws Error that names the permission and the reason.
 */
export async function tagResource(ec2: Ec2, id: string, tags: ReadonlyMap<string, string>): Promise<void> {
  const Tags = [...tags].map(([Key, Value]) => ({ Key, Value }))
  const command = new CreateTagsCommand({ Resources: [id], Tags })
  await persist(ec2, NOT_YET, () => ask(ec2, 'ec2:CreateTags', (client, options) => client.send(command, options)))
}
