import { listenForCancel } from '../../runner/cancel.ts'
import { fail } from '../../runner/log.ts'
import { main } from './main.ts'
import { publishFailure } from './outputs.ts'

listenForCancel()
main()
  .catch(publishFailure)
  .catch(fail)
  // A program that Packer has left behind, or a connection that hangs, must not keep the step.
  // What the runner has not read yet would be lost with the process: the empty write ends when all before it is read.
  .finally(() => process.stdout.write('', () => process.exit()))
