import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describeCounts } from './model-check.ts'

/** Gives a run of the tests a directory of its own for temporary files, for all that it starts too, and removes it at the end. */
export default function setup(): () => void {
  const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'ami-bakery-'))
  process.env.TMPDIR = directory
  return () => {
    console.log(describeCounts(directory))
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
