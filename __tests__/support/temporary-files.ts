/** Creates an empty directory for the temporary files of each test file, which fails if its tests leave files there. */
import fs from 'node:fs'
import path from 'node:path'
import { afterAll } from 'vitest'

const { RUN_DIRECTORY = '', VITEST_POOL_ID = '' } = process.env
const directory = path.join(RUN_DIRECTORY, VITEST_POOL_ID)
fs.rmSync(directory, { recursive: true, force: true })
fs.mkdirSync(directory)
process.env.TMPDIR = directory

afterAll(() => {
  const left = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })
  if (left.length === 0) return
  const some = left.slice(0, 30).join('\n  ')
  throw new Error(`The tests of this file leave ${left.length} files in the temporary directory:\n  ${some}`)
})
