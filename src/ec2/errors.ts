import { onGitHub } from '../runner/environment.ts'
import { escapeControlCharacters, messageOf } from '../runner/log.ts'
import { findVariable, readEndpoint, withoutPasswords } from './addresses.ts'
import { withoutEncoded } from './encoded-message.ts'

/** What EC2 was asked, for a message about its failure. */
export interface Question {
  /** The IAM action that it needs. */
  readonly action: string
  readonly region: string
}

/** The code of an EC2 error (AWS: "Error codes for the Amazon EC2 API"), also of one that `ask` has wrapped. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.cause instanceof Error) return errorCode(error.cause)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** Whether a request failed because the credentials' time is over. */
export function isExpired(error: unknown): boolean {
  return EXPIRED.test(errorCode(error) ?? '')
}

const EXPIRED = /^(ExpiredToken|ExpiredTokenException|RequestExpired)$/

/**
 * Says on one line what went wrong, and what to do where that is known. An error of AWS's keeps its sentence and its code;
 * a doubt whether AWS has answered at all is for those without a code.
 */
export function explain(cause: unknown, question: Question): string {
  const [code, text, status] = [errorCode(cause) ?? '', readText(cause), statusOf(cause)]
  const isOfAws = hasAwsCode(cause)
  const advice = ADVICE.find(([pattern]) => pattern.test(code) || (!isOfAws && pattern.test(text)))?.[1]
  const sentence = isOfAws ? `${text.replace(/\.$/, '')} (${code}).` : text.replace(/([^.?!])$/, '$1.')
  if (advice) return `${sentence} ${advice({ ...question, text, cause })}`
  if (isOfAws) return sentence
  // The SDK's word for an answer that it can read nothing from.
  const words = text === 'Unknown' ? '.' : `: ${sentence}`
  return status >= 300 ? `an answer with status ${status}${words} ${NOT_EC2}` : `${sentence} (${code})`
}

/** All lines of a message as one, without the SDK's hint for programmers. */
function readText(cause: unknown): string {
  const lines = messageOf(cause)
    .split(/[\r\n]+/)
    .map(line => line.trim())
  const text = lines.filter(line => line !== '' && !line.startsWith('Deserialization error:')).join(' ')
  return escapeControlCharacters(withoutPasswords(withoutEncoded(text)))
}

/** The SDK gives an error the code that the answer's document names; it makes up the names of others. */
function hasAwsCode(cause: unknown): boolean {
  return cause instanceof Error && 'Code' in cause && typeof cause.Code === 'string' && cause.Code !== ''
}

/** The HTTP status of the answer that the SDK made the error of; 0 when there was no answer. */
function statusOf(cause: unknown): number {
  const metadata = cause instanceof Error && '$metadata' in cause ? cause.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return 0
  return Number(metadata.httpStatusCode)
}

type Advice = (failure: Question & { readonly text: string; readonly cause: unknown }) => string

const CREDENTIALS = onGitHub
  ? 'Put aws-actions/configure-aws-credentials before this step, and give the job "permissions: id-token: write".'
  : 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role.'

/** How to get credentials that last longer. */
export const LONGER = onGitHub
  ? 'Raise role-duration-seconds of aws-actions/configure-aws-credentials (an hour by default; the role has to allow more).'
  : 'Use credentials that last longer.'

/** What to do about an answer that is not EC2's. */
export const NOT_EC2 =
  'The response did not come from EC2. Check for a proxy in between, or an AWS_ENDPOINT_URL that leads elsewhere.'

/** What to do about the failures that people meet, by the code of the error or, where AWS gave none, by its message. */
const ADVICE: readonly (readonly [RegExp, Advice])[] = [
  [
    /^(UnauthorizedOperation|AccessDenied|AccessDeniedException|Blocked)$/,
    ({ action, text }) => `Allow the role of this job the action ${deniedAction(text) ?? action} (${WHERE_ALLOWED}).`,
  ],
  [EXPIRED, () => `The credentials have expired, or the runner's clock is wrong. ${CREDENTIALS} ${LONGER}`],
  [
    /^(AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|MissingAuthenticationToken|PendingVerification)$/,
    ({ region }) => `EC2 does not accept the credentials. ${CREDENTIALS}${doubtEndpoint(region)}`,
  ],
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    () => `There are no AWS credentials, or half of them. ${CREDENTIALS}`,
  ],
  [/^OptInRequired$/, ({ region }) => `Enable ${region} in the account, or correct aws-region.`],
  [/^(ENOTFOUND|EAI_AGAIN)$/, ({ region, cause }) => `${whatIsNotFound(cause, region)}, or the runner's DNS.`],
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
    /^(RequestLimitExceeded|RequestThrottled|EC2ThrottledException|Throttling|ThrottlingException|SlowDown)$/,
    () => 'EC2 throttles the account. Try again later, or let fewer jobs ask at once.',
  ],
  [
    /^(InternalError|InternalFailure|ServiceUnavailable|Unavailable|InternalServerError)$/,
    () => "EC2 has a failure of its own. Try again later; AWS's Health Dashboard may know more.",
  ],
  [/^TagLimitExceeded$/, () => 'A resource has 50 tags at most (AWS: "Tag restrictions").'],
  [/XML parse error/, () => NOT_EC2],
]

const WHERE_ALLOWED = "IAM, and the organization's policies"

/** The action that AWS says is denied: also one of STS, where the credentials themselves could not be had. */
function deniedAction(text: string): string | undefined {
  return /not authorized to perform:? ([a-z0-9-]+:\w+)/i.exec(text)?.[1]
}

function doubtEndpoint(region: string): string {
  const endpoint = readEndpoint()
  return endpoint ? ` ${endpoint.variable} leads to ${endpoint.url.host}: that has to be an endpoint of ${region}.` : ''
}

/** Node's error tells which name has no address: it may be a proxy's. */
function whatIsNotFound(cause: unknown, region: string): string {
  const host = cause instanceof Error && 'hostname' in cause ? String(cause.hostname) : ''
  const variable = findVariable(host)
  return variable
    ? `The host that ${variable} names was not found. Correct ${variable}`
    : `Is ${region} a region of EC2? Correct aws-region`
}
