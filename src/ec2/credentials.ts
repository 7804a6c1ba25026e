import { env } from '../runner/environment.ts'
import { warn } from '../runner/log.ts'
import { milliseconds } from '../runner/wait.ts'
import type { Ec2 } from './client.ts'
import { LONGER } from './errors.ts'

/**
 * How long a bake needs its credentials, in seconds: to launch and provision an instance, make an image of it, and remove the
 * rest. Few bakes take less; a bake that takes longer is not foreseen.
 */
const RESERVE = 15 * 60

/** What becomes of an hour's session of unknown age, the default of aws-actions/configure-aws-credentials, in seconds. */
const HALF_AN_HOUR = 30 * 60

/** Why Packer may work in another account than this action. */
export const ELSEWHERE =
  'Packer works in another account than this step. Its credentials are others where the template sets profile, assume_role, ' +
  'access_key or custom_endpoint_ec2: let them lead to the account of this step, or give this step those credentials.'

/**
 * Makes sure that the credentials last until a bake is done, as far as that can be known: neither the keys in the environment
 * nor Packer's copy of them are ever renewed.
 *
 * @throws Error when they have expired.
 */
export async function assertLastingCredentials(ec2: Ec2): Promise<void> {
  warnOfOtherSource(await identify(ec2))
  const expiry = await findExpiry(ec2)
  if (expiry === undefined) return await warnOfAge(ec2)
  const left = expiry - Date.now()
  if (left > milliseconds(RESERVE)) return
  const when = new Date(expiry).toISOString()
  if (left <= 0) throw new Error(`The credentials expired at ${when}, so that no bake is begun. ${LONGER}`)
  warn(`The credentials expire at ${when}, in ${inMinutes(left)}: a bake that takes longer fails. ${LONGER}`)
}

/** Says why it is no use to wait any longer for a turn: what is left of the credentials' time is too little for a bake. */
export async function describeShortage(ec2: Ec2): Promise<string | undefined> {
  const expiry = await findExpiry(ec2)
  if (expiry === undefined || expiry - Date.now() > milliseconds(RESERVE)) return undefined
  const when = new Date(expiry).toISOString()
  return `The credentials expire at ${when}, which leaves no ${RESERVE / 60} minutes for a bake of this run's own. ${LONGER}`
}

/** Credentials, and where the SDK has them from. */
interface Identity {
  readonly expiration?: Date
  readonly sessionToken?: string
  readonly $source?: Readonly<Record<string, string>>
}

async function identify({ client }: Ec2): Promise<Identity> {
  return await client.config.credentials()
}

/** When the credentials stop working, in milliseconds since 1970; `undefined` where that isn't known, or they are renewed. */
async function findExpiry(ec2: Ec2): Promise<number | undefined> {
  const identity = await identify(ec2)
  const expiry = expiryOf(identity)
  if (expiry === undefined || expiry - Date.now() > milliseconds(RESERVE)) return expiry
  if (isRenewedByItself(identity)) return undefined
  // A role that a profile assumes, a program: what they give now may last longer.
  const renewed: Identity = await ec2.client.config.credentials({ forceRefresh: true }).catch(() => identity)
  return expiryOf(renewed)
}

function expiryOf({ expiration }: Identity): number | undefined {
  const time = expiration?.getTime() ?? Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** An instance and a container have new ones five minutes before the end (AWS: "Retrieve security credentials"). */
function isRenewedByItself({ $source = {} }: Identity): boolean {
  const sources = Object.keys($source)
  return sources.length === 0 || sources.includes('CREDENTIALS_HTTP')
}

/** A session in the environment is as old as this process at least. */
async function warnOfAge(ec2: Ec2): Promise<void> {
  const { sessionToken, expiration, $source = {} } = await identify(ec2)
  const age = process.uptime() * 1000
  if (!sessionToken || expiration || !('CREDENTIALS_ENV_VARS' in $source) || age < milliseconds(HALF_AN_HOUR)) return
  warn(`This bake begins ${inMinutes(age)} after its step, and its credentials may expire during it. ${LONGER}`)
}

/** Packer takes a web identity before any profile (aws-sdk-go-v2, resolveCredentialChain), the SDK for JavaScript after. */
function warnOfOtherSource({ $source = {} }: Identity): void {
  if (!env('AWS_WEB_IDENTITY_TOKEN_FILE') || !env('AWS_ROLE_ARN')) return
  const sources = Object.keys($source)
  if (sources.some(source => /^CREDENTIALS_ENV_VARS/.test(source))) return
  warn('AWS_WEB_IDENTITY_TOKEN_FILE: Packer uses it, and this action another profile. Remove one of them.')
}

function inMinutes(time: number): string {
  return `${Math.max(1, Math.round(time / 60_000))} min`
}
