import type { EC2PaginationConfiguration } from '@aws-sdk/client-ec2'
import { info, messageOf } from '../runner/log.ts'
import { ask, type Ec2, errorCode, poll, type SendOptions } from './client.ts'

/**
 * How many items one page of a response has at most: `MaxResults` accepts 5 to 1,000 (EC2 API reference). Without it the
 * response is one page, and such requests "are susceptible to throttling and timeouts" (EC2 API reference, DescribeSnapshots).
 */
const PAGE_SIZE = 1000

/**
 * Sends a request whose response has pages, and reads all of them within the timeout of one request (see {@link ask}).
 *
 * @param action The IAM action that the request needs.
 * @param items Yields the items on the pages of one of the SDK's paginators.
 * @throws Error in the form of {@link ask}.
 */
export async function askForAll<Item>(
  ec2: Ec2,
  action: string,
  items: (pages: EC2PaginationConfiguration, options: SendOptions) => AsyncIterable<Item>,
): Promise<Item[]> {
  return await ask(ec2, action, async (client, options) => {
    const all: Item[] = []
    for await (const item of items({ client, pageSize: PAGE_SIZE }, options)) all.push(item)
    return all
  })
}

/** How long EC2 may not know a new resource (EC2 developer guide, "Eventual consistency"), in seconds. */
export const VISIBLE_WITHIN = 30

/**
 * The errors about a new resource that pass (AWS: "Error codes for the Amazon EC2 API"): EC2 does not know the resource yet, or
 * another request sets its tags at the same time.
 */
const NOT_YET = /\.NotFound$|^InvalidAMIID\.Unavailable$|^ConcurrentTagAccess$/

/**
 * Sends a request about a new resource, and retries it for 30 s while EC2 does not know the resource yet.
 *
 * @throws The last such error when the timeout expires, and any other error at once.
 */
export async function onceVisible<Result>(ec2: Ec2, request: () => Promise<Result>): Promise<Result> {
  let refusal: unknown
  const done = await poll(ec2, VISIBLE_WITHIN, async () => {
    try {
      return { result: await request() }
    } catch (error) {
      if (!NOT_YET.test(errorCode(error) ?? '')) throw error
      refusal = error
      return undefined
    }
  })
  if (!done) throw refusal
  return done.result
}

/**
 * Whether an error of EC2 says that a resource does not exist: `InvalidVolume.NotFound`, `InvalidKeyPair.NotFound`, … (AWS: "Error
 * codes for the Amazon EC2 API"). After a request to delete the resource, that is success.
 */
export function isNotFound(error: unknown): boolean {
  return /^Invalid\w+\.NotFound(Exception)?$/.test(errorCode(error) ?? '')
}

/** The deletion of a resource that may still be in use. */
export interface Deletion {
  /** The resource as the log names it: `the security group sg-1`. */
  readonly what: string
  /** How long to retry, in seconds. */
  readonly seconds: number
  /** The error codes that are retried. */
  readonly passing: readonly string[]
  request(): Promise<unknown>
}

/**
 * Deletes a resource, and retries while EC2 answers with one of the passing codes. A resource that does not exist is deleted.
 *
 * @throws Error with EC2's reason for any other code, and when the timeout expires.
 */
export async function deleteWhenFree(ec2: Ec2, deletion: Deletion): Promise<void> {
  const { what, seconds } = deletion
  let refusal: unknown
  const isDone = await poll(ec2, seconds, async () => {
    const refused = await tryToDelete(deletion)
    if (!refused) return true
    if (!refusal && seconds > 0) info(`Waiting up to ${seconds} s until ${what} can be deleted: ${messageOf(refused)}`)
    refusal = refused
    return undefined
  })
  if (isDone) return
  const tried = seconds > 0 ? ` after ${seconds} s` : ''
  throw new Error(`${what} can still not be deleted${tried}: ${messageOf(refusal)}`, { cause: refusal })
}

/** @returns The error when it has one of the passing codes. */
async function tryToDelete({ request, passing }: Deletion): Promise<unknown> {
  try {
    await request()
    return undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    if (passing.includes(errorCode(error) ?? '')) return error
    throw error
  }
}
