import { env } from '../runner/environment.ts'
import { warn } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'
import type { Ec2 } from './client.ts'
import { LONGER } from './errors.ts'

/**
 * How long a bake needs its credentials at least, in seconds: to launch and provision an instance, to create the image, and to
 * clean up. A bake that takes longer may still fail.
 */
const RESERVE = 15 * 60

/** The age from which on a session of an hour, the default of aws-actions/configure-aws-credentials, may expire during a bake; in seconds. */
const HALF_AN_HOUR = 30 * 60

/** Why Packer may work in another account than this action, and what to do. */
export const ELSEWHERE =
  'Packer works in another account than this step. Its credentials differ when the template sets profile, assume_role, ' +
  'access_key or custom_endpoint_ec2: remove these settings from the template, or use the same credentials for this step.'

/**
 * Warns when the credentials expire before a bake can end, as far as their expiration is known: neither the keys in the
 * environment nor Packer's copy of them are renewed.
 *
 * @throws Error when they have expired already.
 */
export async function assertLastingCredentials(ec2: Ec2): Promise<void> {
  warnOfOtherSource(await identify(ec2))
  const expiry = await findExpiry(ec2)
  if (expiry === undefined) return await warnOfAge(ec2)
  const left = expiry - Date.now()
  if (left > milliseconds(RESERVE)) return
  const when = new Date(expiry).toISOString()
  if (left <= 0) throw new Error(`The credentials expired at ${when}: the bake does not start. ${LONGER}`)
  warn(`The credentials expire at ${when}, in ${inMinutes(left)}: a bake that takes longer fails. ${LONGER}`)
}

/** Explains why waiting any longer for another run is of no use: the credentials expire before a bake could end. */
export async function describeShortage(ec2: Ec2): Promise<string | undefined> {
  const expiry = await findExpiry(ec2)
  if (expiry === undefined || expiry - Date.now() > milliseconds(RESERVE)) return undefined
  const when = new Date(expiry).toISOString()
  return `The credentials expire at ${when}: less than ${RESERVE / 60} minutes are too little for a bake in this run. ${LONGER}`
}

/** Credentials and their source, in the form of the SDK. */
interface Identity {
  readonly expiration?: Date
  readonly sessionToken?: string
  readonly $source?: Readonly<Record<string, string>>
}

async function identify({ client }: Ec2): Promise<Identity> {
  return await client.config.credentials()
}

/** When the credentials expire, in milliseconds since 1970; `undefined` when that is unknown, or their source renews them. */
async function findExpiry(ec2: Ec2): Promise<number | undefined> {
  const identity = await identify(ec2)
  const expiry = expiryOf(identity)
  if (expiry === undefined || expiry - Date.now() > milliseconds(RESERVE)) return expiry
  if (isRenewedByItself(identity)) return undefined
  // An assumed role and a credential process may return credentials that last longer.
  const renewed: Identity = await ec2.client.config.credentials({ forceRefresh: true }).catch(() => identity)
  return expiryOf(renewed)
}

function expiryOf({ expiration }: Identity): number | undefined {
  const time = expiration?.getTime() ?? Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** Instances and containers get new credentials five minutes before the old ones expire (AWS: "Retrieve security credentials"). */
function isRenewedByItself({ $source = {} }: Identity): boolean {
  const sources = Object.keys($source)
  return sources.length === 0 || sources.includes('CREDENTIALS_HTTP')
}

/** A session in the environment is at least as old as this process. */
async function warnOfAge(ec2: Ec2): Promise<void> {
  const { sessionToken, expiration, $source = {} } = await identify(ec2)
  const age = process.uptime() * 1000
  if (!sessionToken || expiration || !('CREDENTIALS_ENV_VARS' in $source) || age < milliseconds(HALF_AN_HOUR)) return
  warn(`The bake starts ${inMinutes(age)} after its step, and the credentials may expire before it ends. ${LONGER}`)
}

/** Packer prefers a web identity to a profile (aws-sdk-go-v2, resolveCredentialChain), the SDK for JavaScript a profile. */
function warnOfOtherSource({ $source = {} }: Identity): void {
  if (!env('AWS_WEB_IDENTITY_TOKEN_FILE') || !env('AWS_ROLE_ARN')) return
  const sources = Object.keys($source)
  if (sources.some(source => /^CREDENTIALS_ENV_VARS/.test(source))) return
  warn('AWS_WEB_IDENTITY_TOKEN_FILE: Packer uses it, but this action uses a profile. Remove one of the two.')
}

function inMinutes(time: number): string {
  return `${Math.max(1, Math.round(time / 60_000))} min`
}
