import { execFileSync } from 'node:child_process'
import fs from 'node:fs'

/** A disk of half a megabyte; `undefined` where none may be mounted. */
export function mountSmallDisk(directory: string): Disposable | undefined {
  fs.mkdirSync(directory)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', directory], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', directory]) }
}
