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

/** A day in milliseconds. */
export const DAY = 24 * 60 * 60 * 1000

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

/** A signal that limits one piece of work. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** Lets go of what the signal depends on, once the work is done. */
  release(): void
}

/**
 * Limits work by time and by a signal. Unlike the signals of `AbortSignal.timeout` and `AbortSignal.any`, which stay in memory with
 * everything that listens to them until they abort, it is gone after the work: a thousand requests need no more memory than one.
 *
 * @param timeout The limit in milliseconds, or a limit that several pieces of work share.
 */
export function limitTime(timeout: number | AbortSignal, signal: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController()
  const expire = () => controller.abort(new DOMException('The time limit was reached.', 'TimeoutError'))
  // `unref()`: the limit must not keep the process alive.
  const timer = typeof timeout === 'number' ? setTimeout(expire, timeout).unref() : undefined
  const sources = [signal, typeof timeout === 'number' ? undefined : timeout].filter(source => source !== undefined)
  const releases = sources.map(source => {
    const abort = () => controller.abort(source.reason)
    if (source.aborted) abort()
    source.addEventListener('abort', abort)
    return () => source.removeEventListener('abort', abort)
  })
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer)
      for (const release of releases) release()
    },
  }
}
