import type { EC2PaginationConfiguration } from '@aws-sdk/client-ec2'
import { info, messageOf } from '../runner/log.ts'
import { ask, type Ec2, errorCode, poll, type SendOptions } from './client.ts'

/**
 * How many things one page of an answer holds at most: `MaxResults` takes 5 to 1,000 (EC2 API reference). Without it EC2 answers
 * in one page, and such requests "are susceptible to throttling and timeouts" (the same, DescribeSnapshots).
 */
const PAGE_SIZE = 1000

/**
 * Asks EC2 a question whose answer has pages, and reads all of them, within the time of one question (see {@link ask}).
 *
 * @param action The IAM action that the request needs.
 * @param items Yields the things on the pages of one of the SDK's paginators.
 * @throws Error as {@link ask} has it.
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

/**
 * Whether EC2 says that a thing does not exist: `InvalidVolume.NotFound`, `InvalidKeyPair.NotFound`, … (AWS: "Error codes for the
 * Amazon EC2 API"). To a deletion it means that there is nothing left to do.
 */
export function isNotFound(error: unknown): boolean {
  return /^Invalid\w+\.NotFound(Exception)?$/.test(errorCode(error) ?? '')
}

/** A deletion that EC2 may refuse for a while, because something else still uses the thing. */
export interface Deletion {
  /** What is deleted, as the log shows it: `the security group sg-1`. */
  readonly what: string
  /** How long to try, in seconds. */
  readonly seconds: number
  /** The error codes that mean "not yet". */
  readonly passing: readonly string[]
  request(): Promise<unknown>
}

/**
 * Deletes a thing, and tries again as long as EC2 refuses it with one of the passing codes. A thing that does not exist counts as
 * deleted.
 *
 * @throws Error with EC2's reason for any other refusal, and when the time is over.
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
  const tried = seconds > 0 ? `after ${seconds} s ` : ''
  throw new Error(`${what} can still not be deleted ${tried}: ${messageOf(refusal)}`.replace(' :', ':'), {
    cause: refusal,
  })
}

/** @returns EC2's refusal when it is one that passes. */
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
