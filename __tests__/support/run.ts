import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describeChecked } from './model-check.ts'

/** Creates a directory for the temporary files of a run of the tests, `RUN_DIRECTORY`, and removes it at the end. */
export default function setUpRun(): () => void {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'run-'))
  // Some tests read their files as another user.
  fs.chmodSync(directory, 0o755)
  process.env.RUN_DIRECTORY = directory
  return () => {
    console.log(describeChecked(directory))
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
  }
}
