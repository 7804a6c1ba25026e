import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import https from 'node:https'
import { EC2Client } from '@aws-sdk/client-ec2'
import { env } from '../runner/environment.ts'
import { group, info, messageOf } from '../runner/log.ts'
import { milliseconds, pause, unlessAborted } from '../runner/wait.ts'
import { describeAddress, readEndpoint, readProxies, warnOfIgnoredProxies } from './addresses.ts'
import { encodedIn } from './encoded-message.ts'
import { explain } from './errors.ts'

export { errorCode, isDenied, NOT_EC2 } from './errors.ts'

/** EC2 in one region. */
export interface Ec2 {
  readonly client: EC2Client
  readonly region: string
  /** Aborts every request and every wait; absent for work that goes on after a cancel. */
  readonly signal: AbortSignal | undefined
}

/**
 * Makes the client for a region; the only place that does. By default the SDK has no request timeout, makes three attempts, and
 * ignores proxies. Sends nothing.
 */
export function connect(region: string, signal?: AbortSignal): Ec2 {
  transport ??= makeTransport()
  const client = new EC2Client({
    region,
    retryMode: 'standard',
    maxAttempts: 8,
    // With an empty profile the keys in the environment take precedence over AWS_PROFILE, and nothing else changes.
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

/** Shared by all clients, so that endpoint and proxies are read and logged once. */
let transport: Transport | undefined

function makeTransport(): Transport {
  const endpoint = readEndpoint()
  const proxy = { keepAlive: true, proxyEnv: { ...readProxies() } }
  if (endpoint) info(`EC2 endpoint: ${describeAddress(endpoint)} (${endpoint.variable})`)
  warnOfIgnoredProxies()
  // Packer, the AWS CLI and Terraform use this order, the SDK for JavaScript the opposite one.
  if (env('AWS_PROFILE') && env('AWS_ACCESS_KEY_ID') && env('AWS_SECRET_ACCESS_KEY')) {
    info('Using AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as credentials, as Packer does; AWS_PROFILE is ignored.')
  }
  return { httpAgent: new http.Agent(proxy), httpsAgent: new https.Agent(proxy) }
}

/** The error of a request's last attempt: the cause when the total timeout expires before the SDK's last retry. */
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
    // Runs inside the SDK's retries, once for each attempt.
    { name, step: 'finalizeRequest', priority: 'low' },
  )
}

/** Shared by all clients: credentials are valid in every region, and their source is asked once. */
let credentials: EC2Client['config']['credentials'] | undefined

/** How long one request to EC2 may take with all its retries and pages, in milliseconds. */
const TOTAL_TIMEOUT = milliseconds(50)

/** The options of a request of the SDK. */
export interface SendOptions {
  readonly abortSignal: AbortSignal
}

type Send<Answer> = (client: EC2Client, options: SendOptions) => Promise<Answer>

/**
 * Sends a request to EC2. All attempts together take 50 s at most.
 *
 * @param action The IAM action that the request needs, like `ec2:DescribeImages`.
 * @param timeout Another total timeout, for several requests that share one.
 * @throws Error that names the action, the region, the reason, and what to do; the SDK's error is its `cause`.
 */
export async function ask<Answer>(
  ec2: Ec2,
  action: string,
  send: Send<Answer>,
  timeout = AbortSignal.timeout(TOTAL_TIMEOUT),
): Promise<Answer> {
  try {
    return await askOptional(ec2, action, send, timeout)
  } catch (error) {
    if (error instanceof Error) await showEncoded(error.cause, action)
    throw error
  }
}

/** The same for a request that a role may lack the permission for: the log does not show the details of a denial. */
export async function askOptional<Answer>(
  { client, region, signal }: Ec2,
  action: string,
  send: Send<Answer>,
  timeout: AbortSignal,
): Promise<Answer> {
  const abortSignal = signal ? AbortSignal.any([signal, timeout]) : timeout
  const failure: { last?: unknown } = {}
  try {
    const answer = failures.run(failure, () => send(client, { abortSignal }))
    // The SDK ignores the signal between two attempts and while it loads credentials.
    return await unlessAborted(abortSignal, answer)
  } catch (error) {
    signal?.throwIfAborted()
    const cause = timeout.aborted ? (failure.last ?? error) : error
    throw new Error(`${action} in ${region}: ${explain(cause, { action, region })}`, { cause })
  }
}

/** The actions whose encoded message is in the log already. */
const shown = new Set<string>()

/** The encoded part of an authorization failure is too long for an annotation: it is logged once for each action. */
async function showEncoded(cause: unknown, action: string): Promise<void> {
  const encoded = encodedIn(messageOf(cause))
  if (!encoded || shown.has(action)) return
  shown.add(action)
  await group(`Encoded authorization failure message of ${action}`, () => info(encoded))
}

/**
 * Polls with exponential backoff until `probe` returns a value or the timeout expires, and probes a last time then.
 *
 * @param seconds The timeout.
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
