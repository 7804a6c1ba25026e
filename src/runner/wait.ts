import { setTimeout as sleep } from 'node:timers/promises'
import { env } from './environment.ts'

const scale = readScale()

/**
 * Tests can't wait for minutes: a number up to 1 that every wait is multiplied with. It counts only where EC2 itself is on this
 * machine, as an emulator is, so that no workflow can shorten a wait for the real one.
 */
function readScale(): number {
  const scale = Number(env('AMI_BAKERY_TIME_SCALE') ?? 1)
  const endpoint = env('AWS_ENDPOINT_URL_EC2') ?? env('AWS_ENDPOINT_URL') ?? ''
  const isLocal = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])([:/]|$)/.test(endpoint)
  return isLocal && scale > 0 && scale <= 1 ? scale : 1
}

/** A time to wait, from seconds to milliseconds. */
export function milliseconds(seconds: number): number {
  return seconds * 1000 * scale
}

/** Does nothing for a while, in milliseconds. When a signal is aborted meanwhile it throws the signal's own reason at once. */
export async function pause(time: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(time, undefined, { signal }).catch(cause => {
    signal?.throwIfAborted()
    throw cause
  })
}

/** Waits for something unless a signal is aborted meanwhile: then it throws the signal's reason at once. */
export async function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
  })
  signal.addEventListener('abort', stop)
  // Not thrown here: the work is under way, and nobody would hear of its failure.
  if (signal.aborted) stop()
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
