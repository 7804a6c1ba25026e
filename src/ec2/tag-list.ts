import type { Tag } from '@aws-sdk/client-ec2'

/** Tags in the form of EC2's requests. */
export function toTagList(tags: Iterable<readonly [key: string, value: string]>): Tag[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }))
}

/** The tags of a resource in EC2's response, where a resource without tags may have no list. */
export function readTagList(tags: readonly Tag[] = []): Map<string, string> {
  return new Map(tags.map(({ Key = '', Value = '' }) => [Key, Value]))
}
