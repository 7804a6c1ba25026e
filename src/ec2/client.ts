import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import https from 'node:https'
import { EC2Client } from '@aws-sdk/client-ec2'
import { env } from '../runner/environment.ts'
import { group, info, messageOf } from '../runner/log.ts'
import { milliseconds, pause, unlessAborted } from '../runner/wait.ts'
import { describeAddress, readEndpoint, readProxies, warnOfIgnoredProxies } from './addresses.ts'
import { encodedIn } from './encoded-message.ts'
import { errorCode, explain } from './errors.ts'

export { errorCode, NOT_EC2 } from './errors.ts'

/** EC2 in one region. */
export interface Ec2 {
  readonly client: EC2Client
  readonly region: string
  /** Ends every question and every wait when it is aborted; absent for what must be done all the same. */
  readonly signal: AbortSignal | undefined
}

/**
 * Makes the client for a region, the only place that does. The SDK has no request time-out of its own, retries three
 * times, and knows nothing of proxies; all of it is set here. Nothing is sent yet.
 */
export function connect(region: string, signal?: AbortSignal): Ec2 {
  transport ??= makeTransport()
  const client = new EC2Client({
    region,
    retryMode: 'standard',
    maxAttempts: 8,
    // An empty one: the keys in the environment come before AWS_PROFILE then, and nothing else is different.
    profile: '',
    ...(credentials && { credentials }),
    customUserAgent: 'ami-bakery',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: milliseconds(15),
      throwOnRequestTimeout: true,
      ...transport,
    },
  })
  rememberFailures(client)
  credentials ??= client.config.credentials
  return { client, region, signal }
}

interface Transport {
  readonly httpAgent: http.Agent
  readonly httpsAgent: https.Agent
}

/** The first client's serve them all: what the environment says of the way to EC2 is read, and said, once. */
let transport: Transport | undefined

function makeTransport(): Transport {
  const endpoint = readEndpoint()
  const proxy = { keepAlive: true, proxyEnv: { ...readProxies() } }
  if (endpoint) info(`EC2 is asked at ${describeAddress(endpoint)}, as ${endpoint.variable} says.`)
  warnOfIgnoredProxies()
  // Packer, the AWS CLI and Terraform go by this order, the SDK for JavaScript by the opposite one.
  if (env('AWS_PROFILE') && env('AWS_ACCESS_KEY_ID') && env('AWS_SECRET_ACCESS_KEY')) {
    info('The credentials are AWS_ACCESS_KEY_ID and its secret, as Packer takes them, too: AWS_PROFILE is passed over.')
  }
  return { httpAgent: new http.Agent(proxy), httpsAgent: new https.Agent(proxy) }
}

/** The last thing that went wrong in a question, for when its time is over before the SDK has retried to the end. */
const failures = new AsyncLocalStorage<{ last?: unknown }>()

function rememberFailures({ middlewareStack }: EC2Client): void {
  const name = 'rememberFailures'
  middlewareStack.add(
    next => async args => {
      try {
        return await next(args)
      } catch (error) {
        Object.assign(failures.getStore() ?? {}, { last: error })
        throw error
      }
    },
    // Inside of the SDK's retries, so that it sees each of them.
    { name, step: 'finalizeRequest', priority: 'low' },
  )
}

/** The first client's serve them all: they hold for every region, and whoever gives them out is asked once. */
let credentials: EC2Client['config']['credentials'] | undefined

/** How long one question to EC2 may take, with all its retries and pages, in milliseconds. */
const PATIENCE = milliseconds(50)

export interface SendOptions {
  readonly abortSignal: AbortSignal
}

/**
 * Asks EC2 something, within {@link PATIENCE} however often it is retried.
 *
 * @param action The IAM action that the request needs, like `ec2:DescribeImages`.
 * @param patience Aborted when the time is over, for a question of several requests.
 * @throws Error that says what was asked, what went wrong, and what to do; the SDK's error is its `cause`.
 */
export async function ask<Answer>(
  { client, region, signal }: Ec2,
  action: string,
  send: (client: EC2Client, options: SendOptions) => Promise<Answer>,
  patience = AbortSignal.timeout(PATIENCE),
): Promise<Answer> {
  const abortSignal = signal ? AbortSignal.any([signal, patience]) : patience
  const failure: { last?: unknown } = {}
  try {
    const answer = failures.run(failure, () => send(client, { abortSignal }))
    // The SDK hears the signal only while a request is under way: not between two of them, nor while it gets credentials.
    return await unlessAborted(abortSignal, answer)
  } catch (error) {
    signal?.throwIfAborted()
    const cause = patience.aborted ? (failure.last ?? error) : error
    await showEncoded(cause, action)
    throw new Error(`${action} in ${region}: ${explain(cause, { action, region })}`, { cause })
  }
}

/** The actions whose refusal has been shown in full. */
const shown = new Set<string>()

/** What is cut out of messages stands in the log, once for an action. */
async function showEncoded(cause: unknown, action: string): Promise<void> {
  const encoded = encodedIn(messageOf(cause))
  if (!encoded || shown.has(action)) return
  shown.add(action)
  await group(`The encoded part of EC2's refusal of ${action}`, () => info(encoded))
}

/**
 * Asks again, less and less often, until there is an answer or the time is over; a last time just then.
 *
 * @param seconds How long to go on.
 */
export async function poll<Answer>(
  { signal }: Ec2,
  seconds: number,
  probe: () => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const end = performance.now() + milliseconds(seconds)
  for (let wait = 250; ; wait = Math.min(wait * 2, 15_000)) {
    const answer = await probe()
    const left = end - performance.now()
    if (answer !== undefined || left <= 0) return answer
    await pause(Math.min(wait, left), signal)
  }
}

/** What EC2 may refuse for a while, and how long to try it again, in seconds. */
export interface Reluctance {
  readonly codes: RegExp
  readonly seconds: number
}

/**
 * Does something again, less and less often, as long as EC2 refuses it with such a code.
 *
 * @throws The last refusal when the time is over, and any other error at once.
 */
export async function persist(ec2: Ec2, { codes, seconds }: Reluctance, work: () => Promise<unknown>): Promise<void> {
  let refusal: unknown
  const done = await poll(ec2, seconds, async () => {
    try {
      await work()
      return true
    } catch (error) {
      if (!codes.test(errorCode(error) ?? '')) throw error
      refusal = error
      return undefined
    }
  })
  if (!done) throw refusal
}
