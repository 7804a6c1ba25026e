import { checksumOf } from '../lease/expired-leases.ts'
import { type KeyPair, OWNER_TAG } from '../lease/key-pairs.ts'
import { readResourceTags } from '../packer/created-resources.ts'
import { cancelled } from '../runner/cancel.ts'
import { group, messageOf, warn } from '../runner/log.ts'
import { unlessAborted } from '../runner/wait.ts'
import { formatLeftovers } from './leftovers.ts'
import { removeLeftovers } from './resources.ts'

/**
 * Removes the resources that the holder of a stale lease left on EC2; the lease's tags list them. Warns, with the commands, of those
 * that can't be removed.
 *
 * @param template The name of the template that the run baked, if it is known: the lease's name has only its digest.
 */
export async function cleanUpAfterLease(region: string, stale: KeyPair, template: string | undefined): Promise<void> {
  const { created, tags } = stale
  const checksum = checksumOf(stale)
  if (!checksum || !created) return
  // EC2's own time, not one of a tag: a resource that is older than the lease does not belong to its bake.
  const startedAt = created.toISOString()
  const [, repository] = REPOSITORY.exec(tags.get(OWNER_TAG) ?? '') ?? []
  const bake = { region, checksum, startedAt, ...(template && { template }), ...(repository && { repository }) }
  const removal = group('Clean-up on EC2 after a run that has vanished', () =>
    removeLeftovers(bake, { resources: readResourceTags(tags), images: 'remove' }),
  )
  const left = await unlessAborted(cancelled, removal).catch(error => {
    cancelled.throwIfAborted()
    warn(`What a vanished run has left on EC2 could not be removed: ${messageOf(error)}`)
    return []
  })
  if (left.length === 0) return
  const commands = formatLeftovers(left)
  warn(`A vanished run has left resources on EC2 that could not be removed. Remove them by hand:\n${commands}`)
}

/** Matches the owner's tag of a run on GitHub: repository, run, attempt, and a unique word. */
const REPOSITORY = /^([\w.-]+\/[\w.-]+)\/\d+\/\d+\/[^/]+$/
