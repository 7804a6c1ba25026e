import { getState } from '@actions/core'
import { findJournal, JOURNAL_STATE } from '../../cleanup/journal.ts'
import { fail } from '../../runner/log.ts'

// Whoever no longer reads the output must not keep the clean-up from its end.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
post()
  .catch(fail)
  // As in main, nothing that hangs may keep the step.
  // What the runner has not read yet would be lost with the process: the empty write ends when all before it is read.
  .finally(() => process.stdout.write('', () => process.exit()))

/** Ends the bake that was cut short in this step, if one was. */
async function post(): Promise<void> {
  const record = findJournal(getState(JOURNAL_STATE))
  if (!record) return
  const { endAbandonedBake } = await import('../../cleanup/end-bake.ts')
  await endAbandonedBake(record)
}
