import fs from 'node:fs'

/** So little that Packer's next lines may find no place, in bytes. */
const MIN_FREE_BYTES = 64 * 1024

/**
 * Makes sure that Packer's output finds room on the disk. When a write of it fails, Packer does not: it hangs for ever
 * (mitchellh/panicwrap stops reading the pipe of the process that does the work).
 *
 * @throws Error when the disk of that directory is full, or it isn't there.
 */
export function assertDiskSpace(directory: string): void {
  if (!fs.existsSync(directory)) throw new Error(`The directory ${directory} does not exist. Correct RUNNER_TEMP.`)
  if (hasRoom(directory)) return
  throw new Error(`The disk of ${directory} is full, so that Packer can't go on. Make room there, or move RUNNER_TEMP.`)
}

/** Whether there is room left on the disk of a directory. */
function hasRoom(directory: string): boolean {
  if (!fs.existsSync(directory)) return false
  const { bavail, bsize } = fs.statfsSync(directory)
  return bavail * bsize >= MIN_FREE_BYTES
}
