import { onGitHub } from '../runner/environment.ts'
import { escapeControlCharacters, messageOf } from '../runner/log.ts'
import { findVariable, readEndpoint, type ServiceName, withoutPasswords } from './addresses.ts'
import { withoutEncoded } from './encoded-message.ts'

/** A request to a service, for the message about its failure. */
export interface RequestContext {
  /** The IAM action that the request needs. */
  readonly action: string
  readonly region: string
}

/** The code of an EC2 error (AWS: "Error codes for the Amazon EC2 API"), also of one that is the cause of an error. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.cause instanceof Error) return errorCode(error.cause)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** Whether a request failed because the credentials have expired. */
export function isExpired(error: unknown): boolean {
  return EXPIRED.test(errorCode(error) ?? '')
}

/** Whether a request failed because the role lacks its permission. */
export function isDenied(error: unknown): boolean {
  return DENIED.test(errorCode(error) ?? '')
}

const DENIED = /^(UnauthorizedOperation|AccessDenied|AccessDeniedException|Blocked)$/
const EXPIRED = /^(ExpiredToken|ExpiredTokenException|RequestExpired)$/

/**
 * Explains on one line what went wrong and, where that is known, what to do. AWS's own message and error code are kept. Only an
 * error without such a code may come from something else than AWS, like a proxy.
 */
export function explain(cause: unknown, request: RequestContext): string {
  const service = serviceOf(request)
  const [code, text, status] = [errorCode(cause) ?? '', readText(cause), statusOf(cause)]
  const isOfAws = hasAwsCode(cause)
  const advice = ADVICE.find(([pattern]) => pattern.test(code) || (!isOfAws && pattern.test(text)))?.[1]
  const sentence = isOfAws ? `${text.replace(/\.$/, '')} (${code}).` : text.replace(/([^.?!])$/, '$1.')
  if (advice) return `${sentence} ${advice({ ...request, service, text, cause })}`
  if (isOfAws) return sentence
  // The SDK's message for a response that it can't parse.
  const words = text === 'Unknown' ? '.' : `: ${sentence}`
  return status >= 300 ? `a response with status ${status}${words} ${notFrom(service)}` : `${sentence} (${code})`
}

function serviceOf({ action }: RequestContext): ServiceName {
  return action.startsWith('ssm:') ? 'SSM' : 'EC2'
}

/** All lines of a message as one, without the SDK's hint for developers. */
function readText(cause: unknown): string {
  const lines = messageOf(cause)
    .split(/[\r\n]+/)
    .map(line => line.trim())
  const text = lines.filter(line => line !== '' && !line.startsWith('Deserialization error:')).join(' ')
  return escapeControlCharacters(withoutPasswords(withoutEncoded(text)))
}

/**
 * Whether an error has a code from AWS's response: the SDK sets `Code` from an XML document and `__type` from a JSON one; other names are
 * its own.
 */
function hasAwsCode(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const code = 'Code' in cause ? cause.Code : '__type' in cause && cause.__type
  return typeof code === 'string' && code !== ''
}

/** The HTTP status of the response; 0 when there was none. */
function statusOf(cause: unknown): number {
  const metadata = cause instanceof Error && '$metadata' in cause ? cause.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return 0
  return Number(metadata.httpStatusCode)
}

interface Failure extends RequestContext {
  readonly service: ServiceName
  readonly text: string
  readonly cause: unknown
}

type Advice = (failure: Failure) => string

const CREDENTIALS = onGitHub
  ? 'Put aws-actions/configure-aws-credentials before this step, and give the job "permissions: id-token: write".'
  : 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or attach a role to the machine.'

/** How to get credentials that last longer. */
export const LONGER = onGitHub
  ? 'Raise role-duration-seconds of aws-actions/configure-aws-credentials (an hour by default; the role must allow more).'
  : 'Use credentials that last longer.'

/** What to do about a response that EC2 did not send. */
export const NOT_EC2 = notFrom('EC2')

/** What to do about a response that the service did not send. */
export function notFrom(service: ServiceName): string {
  return `The response did not come from ${service}. Check for a proxy in between, or an AWS_ENDPOINT_URL of another service.`
}

/** What to do about known failures, by the error's code or, for an error without a code of AWS, by its message. */
const ADVICE: readonly (readonly [RegExp, Advice])[] = [
  [
    DENIED,
    ({ action, text }) => `Grant the role of this job the action ${deniedAction(text) ?? action} (${WHERE_GRANTED}).`,
  ],
  [EXPIRED, () => `The credentials have expired, or the runner's clock is wrong. ${CREDENTIALS} ${LONGER}`],
  [
    // The names that end with Exception are those of SSM (AWS: "Common error types").
    /^(AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|MissingAuthenticationToken|PendingVerification|UnrecognizedClientException|InvalidSignatureException)$/,
    failure => `${failure.service} does not accept the credentials. ${CREDENTIALS}${doubtEndpoint(failure)}`,
  ],
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    () => `AWS credentials are missing or incomplete. ${CREDENTIALS}`,
  ],
  [/^OptInRequired$/, ({ region }) => `Enable ${region} in the account, or use another region.`],
  [/^(ENOTFOUND|EAI_AGAIN)$/, failure => `${whatIsNotFound(failure)}, or the runner's DNS.`],
  [
    /CERT|_TLS_|_SIGNATURE$/,
    () =>
      "The certificate is not trusted. Set NODE_EXTRA_CA_CERTS to the file with the certificate of your proxy's authority.",
  ],
  [
    /^(ECONNREFUSED|ECONNRESET|ERR_PROXY_TUNNEL|EPIPE|EPROTO|EHOSTUNREACH|ENETUNREACH)$/,
    () => 'The connection was refused or reset. Check the network, HTTPS_PROXY and AWS_ENDPOINT_URL.',
  ],
  [
    /^(TimeoutError|AbortError|ETIMEDOUT)$/,
    ({ service }) => `${service} did not answer in time. Check the network and HTTPS_PROXY, or run the job again.`,
  ],
  [
    /^(RequestLimitExceeded|RequestThrottled|EC2ThrottledException|Throttling|ThrottlingException|SlowDown)$/,
    ({ service }) => `${service} throttles the account. Run the job again later, or run fewer jobs at once.`,
  ],
  [
    /^(InternalError|InternalFailure|ServiceUnavailable|Unavailable|InternalServerError)$/,
    ({ service }) => `${service} has an internal error. Run the job again later, and look at the AWS Health Dashboard.`,
  ],
  [/^TagLimitExceeded$/, () => 'A resource has 50 tags at most (AWS: "Tag restrictions").'],
  [/XML parse error|is not valid JSON|JSON input/, ({ service }) => notFrom(service)],
]

const WHERE_GRANTED = "in IAM and in the organization's policies"

/** The action that AWS's message names as denied; one of STS when the credentials could not be loaded. */
function deniedAction(text: string): string | undefined {
  return /not authorized to perform:? ([a-z0-9-]+:\w+)/i.exec(text)?.[1]
}

function doubtEndpoint({ service, region }: Failure): string {
  const endpoint = readEndpoint(service)
  return endpoint ? ` ${endpoint.variable} points to ${endpoint.url.host}, which must be an endpoint of ${region}.` : ''
}

/** Which host name has no address, by Node's error: the service's, or that of a proxy. */
function whatIsNotFound({ service, region, cause }: Failure): string {
  const host = cause instanceof Error && 'hostname' in cause ? String(cause.hostname) : ''
  const variable = findVariable(host, service)
  return variable
    ? `The host in ${variable} was not found. Correct ${variable}`
    : `Is ${region} a region of ${service}? Correct the region`
}
