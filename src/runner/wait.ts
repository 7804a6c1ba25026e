import { setTimeout as sleep } from 'node:timers/promises'
import { env } from './environment.ts'

const scale = readScale()

/**
 * Every wait is multiplied by this number of at most 1, because tests can't wait for minutes. It is used only if the endpoint
 * of EC2 is on this machine, as an emulator's is, so that no workflow can shorten the waits for the real EC2.
 */
function readScale(): number {
  const scale = Number(env('AMI_BAKERY_TIME_SCALE') ?? 1)
  const endpoint = env('AWS_ENDPOINT_URL_EC2') ?? env('AWS_ENDPOINT_URL') ?? ''
  const isLocal = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])([:/]|$)/.test(endpoint)
  return isLocal && scale > 0 && scale <= 1 ? scale : 1
}

/** Converts a time to wait from seconds to milliseconds. */
export function milliseconds(seconds: number): number {
  return seconds * 1000 * scale
}

/** Waits for a time in milliseconds. When the signal is aborted meanwhile, it throws the signal's own reason at once. */
export async function pause(time: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(time, undefined, { signal }).catch(cause => {
    signal?.throwIfAborted()
    throw cause
  })
}

/** Waits for `work`. When the signal is aborted meanwhile, it throws the signal's reason at once. */
export async function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
  })
  signal.addEventListener('abort', stop)
  // It must not throw here: `work` has started, and its rejection would be unhandled.
  if (signal.aborted) stop()
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
