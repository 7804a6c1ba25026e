import { listenForCancel } from './cancel.ts'
import { main } from './main.ts'
import { publishFailure } from './outputs.ts'

listenForCancel()
main()
  .catch(publishFailure)
  // A program that Packer has left behind, or a connection that hangs, must not keep the step.
  .finally(() => process.exit())
