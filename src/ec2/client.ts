import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import https from 'node:https'
import { EC2Client } from '@aws-sdk/client-ec2'
import { env } from '../runner/environment.ts'
import { group, info, messageOf } from '../runner/log.ts'
import { limitTime, milliseconds, pause, unlessAborted } from '../runner/wait.ts'
import { describeAddress, readEndpoint, readProxies, type ServiceName, warnOfIgnoredProxies } from './addresses.ts'
import { encodedIn } from './encoded-message.ts'
import { explain } from './errors.ts'

export { errorCode, isDenied, NOT_EC2 } from './errors.ts'

/** A service of AWS in one region. */
export interface Connection<Client> {
  readonly client: Client
  readonly region: string
  /** Aborts every request and every wait; absent for work that goes on after a cancel. */
  readonly signal: AbortSignal | undefined
}

/** EC2 in one region. */
export type Ec2 = Connection<EC2Client>

/** Makes the client of EC2 for a region; the only place that does. Sends nothing. */
export function connect(region: string, signal?: AbortSignal): Ec2 {
  return connectTo(EC2Client, 'EC2', { region, signal })
}

/** What the SDK's clients of all services have in common. */
interface AnyClient {
  readonly config: Pick<EC2Client['config'], 'credentials'>
  readonly middlewareStack: { add(middleware: typeof rememberFailure, options: FailureOptions): void }
}

/**
 * Makes the client of a service. By default the SDK has no request timeout, makes three attempts, and ignores proxies. All clients
 * share credentials, connections and proxies. Sends nothing.
 */
export function connectTo<Client extends AnyClient>(
  Service: new (options: ReturnType<typeof makeOptions>) => Client,
  name: ServiceName,
  place: Omit<Connection<Client>, 'client'>,
): Connection<Client> {
  printEndpoint(name)
  const client = new Service(makeOptions(place.region))
  client.middlewareStack.add(rememberFailure, FAILURE_OPTIONS)
  credentials ??= client.config.credentials
  return { client, ...place }
}

function makeOptions(region: string) {
  transport ??= makeTransport()
  return {
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
  }
}

/** The services whose endpoint is in the log already. */
const printed = new Set<ServiceName>()

function printEndpoint(name: ServiceName): void {
  if (printed.has(name)) return
  printed.add(name)
  const endpoint = readEndpoint(name)
  if (endpoint) info(`${name} endpoint: ${describeAddress(endpoint)} (${endpoint.variable})`)
}

interface Transport {
  readonly httpAgent: http.Agent
  readonly httpsAgent: https.Agent
}

/** Shared by all clients, so that proxies are read and logged once. */
let transport: Transport | undefined

function makeTransport(): Transport {
  const proxy = { keepAlive: true, proxyEnv: { ...readProxies() } }
  warnOfIgnoredProxies()
  // Packer, the AWS CLI and Terraform use this order, the SDK for JavaScript the opposite one.
  if (env('AWS_PROFILE') && env('AWS_ACCESS_KEY_ID') && env('AWS_SECRET_ACCESS_KEY')) {
    info('Using AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as credentials, as Packer does; AWS_PROFILE is ignored.')
  }
  return { httpAgent: new http.Agent(proxy), httpsAgent: new https.Agent(proxy) }
}

/** The error of a request's last attempt: the cause when the total timeout expires before the SDK's last retry. */
const failures = new AsyncLocalStorage<{ last?: unknown }>()

/** Runs inside the SDK's retries, once for each attempt. */
const FAILURE_OPTIONS = { name: 'rememberFailure', step: 'finalizeRequest', priority: 'low' } as const
type FailureOptions = typeof FAILURE_OPTIONS

function rememberFailure<Input, Output>(next: (input: Input) => Promise<Output>): (input: Input) => Promise<Output> {
  return async input => {
    try {
      return await next(input)
    } catch (error) {
      Object.assign(failures.getStore() ?? {}, { last: error })
      throw error
    }
  }
}

/** Shared by all clients: credentials are valid in every region, and their source is asked once. */
let credentials: EC2Client['config']['credentials'] | undefined

/** How long one request may take with all its retries and pages, in milliseconds. */
const TOTAL_TIMEOUT = milliseconds(50)

/** The options of a request of the SDK. */
export interface SendOptions {
  readonly abortSignal: AbortSignal
}

type Send<Answer, Client> = (client: Client, options: SendOptions) => Promise<Answer>

/**
 * Sends a request to a service. All attempts together take 50 s at most.
 *
 * @param action The IAM action that the request needs, like `ec2:DescribeImages`.
 * @param timeout Another total timeout, for several requests that share one.
 * @throws Error that names the action, the region, the reason, and what to do; the SDK's error is its `cause`.
 */
export async function ask<Answer, Client>(
  connection: Connection<Client>,
  action: string,
  send: Send<Answer, Client>,
  timeout?: AbortSignal,
): Promise<Answer> {
  try {
    return await askOptional(connection, action, send, timeout)
  } catch (error) {
    if (error instanceof Error) await showEncoded(error.cause, action)
    throw error
  }
}

/** The same for a request that a role may lack the permission for: the log does not show the details of a denial. */
export async function askOptional<Answer, Client>(
  { client, region, signal }: Connection<Client>,
  action: string,
  send: Send<Answer, Client>,
  timeout?: AbortSignal,
): Promise<Answer> {
  const limit = limitTime(timeout ?? TOTAL_TIMEOUT, signal)
  const failure: { last?: unknown } = {}
  try {
    const answer = failures.run(failure, () => send(client, { abortSignal: limit.signal }))
    // The SDK ignores the signal between two attempts and while it loads credentials.
    return await unlessAborted(limit.signal, answer)
  } catch (error) {
    signal?.throwIfAborted()
    const cause = limit.signal.aborted ? (failure.last ?? error) : error
    throw new Error(`${action} in ${region}: ${explain(cause, { action, region })}`, { cause })
  } finally {
    limit.release()
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
  { signal }: Pick<Ec2, 'signal'>,
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
