import fs from 'node:fs'

/** With less free space than this, Packer's next lines may not fit on the disk. */
const MIN_FREE_BYTES = 64 * 1024

/**
 * Makes sure that the disk has space for Packer's output. When a write of its output fails, Packer does not exit but hangs
 * (mitchellh/panicwrap stops reading the pipe of the process that does the work).
 *
 * @throws Error when the disk of the directory is full, or the directory does not exist.
 */
export function assertDiskSpace(directory: string): void {
  if (!fs.existsSync(directory)) throw new Error(`The directory ${directory} does not exist. Correct RUNNER_TEMP.`)
  const { bavail, bsize } = fs.statfsSync(directory)
  if (bavail * bsize >= MIN_FREE_BYTES) return
  throw new Error(
    `The disk of ${directory} is full, so that Packer can't continue. Free some space, or set RUNNER_TEMP to another disk.`,
  )
}
