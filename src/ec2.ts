import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import https from 'node:https'
import { EC2Client } from '@aws-sdk/client-ec2'
import { environment, given, onGitHub } from './github.ts'
import { info, messageOf, printable } from './log.ts'
import { milliseconds, pause, unlessAborted } from './patience.ts'

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
  const endpoint = given('AWS_ENDPOINT_URL_EC2') ?? given('AWS_ENDPOINT_URL')
  if (endpoint) info(`EC2 is asked at ${withoutPassword(endpoint)}, as the environment says.`)
  const proxy = { keepAlive: true, proxyEnv: environment }
  const client = new EC2Client({
    region,
    retryMode: 'standard',
    maxAttempts: 8,
    ...(credentials && { credentials }),
    customUserAgent: 'ami-bakery',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: milliseconds(15),
      throwOnRequestTimeout: true,
      httpAgent: new http.Agent(proxy),
      httpsAgent: new https.Agent(proxy),
    },
  })
  rememberFailures(client)
  credentials ??= client.config.credentials
  return { client, region, signal }
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
    throw new Error(`${action} in ${region}: ${explain(cause, action, region)}`, { cause })
  }
}

/** The code of an EC2 error (AWS: "Error codes for the Amazon EC2 API"), also of one that {@link ask} has wrapped. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.cause instanceof Error) return errorCode(error.cause)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/**
 * Asks again, less and less often, until there is an answer or the time is over.
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
    if (answer !== undefined || performance.now() + wait > end) return answer
    await pause(wait, signal)
  }
}

function explain(cause: unknown, action: string, region: string): string {
  const code = errorCode(cause) ?? ''
  const line = messageOf(cause)
    .split('\n', 1)
    .join()
    .replace(/([^.?!])$/, '$1.')
  const message = printable(withoutPassword(line))
  const advice = ADVICE.find(([pattern]) => pattern.test(code) || pattern.test(message))?.[1]
  if (advice) return `${message} ${advice({ action, region })}`
  const status = statusOf(cause)
  return status >= 300 ? `an answer with status ${status}: ${message} ${NOT_EC2}` : `${message} (${code})`
}

/** The address of a proxy or an endpoint may hold one. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/\s]*@/g, '//***@')
}

/** The HTTP status of the answer that the SDK made the error of; 0 when there was no answer. */
function statusOf(cause: unknown): number {
  const metadata = cause instanceof Error && '$metadata' in cause ? cause.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return 0
  return Number(metadata.httpStatusCode)
}

type Advice = (request: { action: string; region: string }) => string

const CREDENTIALS = onGitHub
  ? 'Put aws-actions/configure-aws-credentials before this step, and give the job "permissions: id-token: write".'
  : 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role.'

/** What to do about an answer that EC2 would not give. */
export const NOT_EC2 = 'It is none of EC2: is there a proxy in between, or an AWS_ENDPOINT_URL that leads elsewhere?'

/** What to do about the failures that people meet, by the code of the error or by its message. */
const ADVICE: readonly (readonly [RegExp, Advice])[] = [
  [
    /^(UnauthorizedOperation|AccessDenied|AccessDeniedException|Blocked)$/,
    ({ action }) => `Allow the role of this job the action ${action} (IAM, and the organization's policies).`,
  ],
  [
    /^(ExpiredToken|ExpiredTokenException|RequestExpired)$/,
    () => `The credentials have expired, or the runner's clock is wrong. ${CREDENTIALS}`,
  ],
  [
    /^(AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|MissingAuthenticationToken|PendingVerification)$/,
    () => `EC2 does not accept the credentials. ${CREDENTIALS}`,
  ],
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    () => `There are no AWS credentials, or half of them. ${CREDENTIALS}`,
  ],
  [/^OptInRequired$/, ({ region }) => `Enable ${region} in the account, or correct aws-region.`],
  [/^(ENOTFOUND|EAI_AGAIN)$/, ({ region }) => `Is ${region} a region of EC2? Correct aws-region, or the runner's DNS.`],
  [
    /CERT|_TLS_|_SIGNATURE$/,
    () => "The certificate is not trusted. Let NODE_EXTRA_CA_CERTS name your proxy's certificate authority.",
  ],
  [
    /^(ECONNREFUSED|ECONNRESET|ERR_PROXY_TUNNEL|EPIPE|EPROTO|EHOSTUNREACH|ENETUNREACH)$/,
    () => 'Nothing takes the connection as it should. Check the network, HTTPS_PROXY and AWS_ENDPOINT_URL.',
  ],
  [
    /^(TimeoutError|AbortError|ETIMEDOUT)$/,
    () => 'EC2 did not answer in time. Check the network and HTTPS_PROXY, or try again.',
  ],
  [
    /^(RequestLimitExceeded|Throttling|ThrottlingException|SlowDown)$/,
    () => 'EC2 throttles the account. Try again later, or let fewer jobs ask at once.',
  ],
  [
    /^(InternalError|InternalFailure|ServiceUnavailable|Unavailable|InternalServerError)$/,
    () => "EC2 has a failure of its own. Try again later; AWS's Health Dashboard may know more.",
  ],
  [/XML parse error/, () => NOT_EC2],
]
