import { getState } from '@actions/core'
import { findJournal, JOURNAL_STATE } from '../../cleanup/journal.ts'
import { runPost } from '../run.ts'

runPost(post)

/** Finishes the bake that was interrupted in this step, if there was one. */
async function post(): Promise<void> {
  const journal = findJournal(getState(JOURNAL_STATE))
  if (!journal) return
  const { endAbandonedBake } = await import('../../cleanup/end-bake.ts')
  await endAbandonedBake(journal)
}
