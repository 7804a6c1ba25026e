import { hash } from 'node:crypto'
import { hclTemplate } from './workspace.ts'

/** The checksum of a definition of files with these contents, in the order of their paths. */
export function checksumOf(...contents: readonly string[]): string {
  return hash('sha1', contents.map(content => hash('sha1', content)).join(''))
}

/** The checksum of a definition that is {@link hclTemplate} alone. */
export const CHECKSUM = checksumOf(hclTemplate())

/** The `<tagSet>` of an image in an answer of EC2; keys and values stand there as they are. */
export function tagSet(tags: Readonly<Record<string, string>>): string {
  const items = Object.entries(tags).map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
  return `<tagSet>${items.join('')}</tagSet>`
}

/** The tags of an image that the look-up asks for, when the definition is {@link hclTemplate} alone. */
export const HAS_CHECKSUM = tagSet({ ami_config_checksum: CHECKSUM })
