import { env } from '../runner/environment.ts'
import { warn } from '../runner/log.ts'
import { supportsProxies } from '../runner/platform.ts'

/** An address that the environment holds. It may have a password: for people there is `origin`. */
export interface Address {
  /** The variable that holds it. */
  readonly variable: string
  readonly url: URL
}

/** The proxies, as `proxyEnv` of Node's agents takes them. */
export interface Proxies {
  readonly http_proxy?: string
  readonly https_proxy?: string
  readonly no_proxy?: string
}

/**
 * Reads where EC2 is asked instead of at AWS's own address.
 *
 * @throws Error that names the variable when its value is no address, and never quotes it: it may hold a password.
 */
export function readEndpoint(): Address | undefined {
  const variable = ['AWS_ENDPOINT_URL_EC2', 'AWS_ENDPOINT_URL'].find(name => env(name))
  const endpoint = variable ? parse(variable, env(variable) ?? '') : undefined
  if (endpoint && !isHttp(endpoint)) throw unreadable(endpoint.variable)
  return endpoint
}

/** Where an address leads to, without a password. */
export function describeAddress({ url }: Address): string {
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`
}

/**
 * Reads the proxies for Node's agents. Node passes over an address without a scheme, one whose scheme is in upper case,
 * and what is no HTTP proxy; curl and Packer take the first two for HTTP (Go, net/http/httpproxy), so that here they count too.
 *
 * @throws Error as {@link readEndpoint} does.
 */
export function readProxies(): Proxies {
  const [http, https] = listProxies()
  const noProxy = env('no_proxy') ?? env('NO_PROXY')
  return {
    ...(http && { http_proxy: http.url.href }),
    ...(https && { https_proxy: https.url.href }),
    ...(noProxy && { no_proxy: noProxy }),
  }
}

/** Says which proxies Node passes over without a word. */
export function warnOfIgnoredProxies(): void {
  const proxies = namedProxies()
  for (const { variable, url } of proxies.filter(proxy => !isHttp(proxy))) {
    warn(`${variable}: ${url.protocol}// is no HTTP proxy: it is passed over, and EC2 is asked directly.`)
  }
  const [first] = proxies.filter(isHttp)
  if (!first || supportsProxies()) return
  warn(
    `${first.variable}: Node ${process.version} passes proxies over, so that EC2 is asked directly. Use Node 24.5 or newer: ` +
      'runners have it since version 2.328.0.',
  )
}

/** The variable that names this host, a proxy's or the endpoint's; `undefined` when none does. */
export function findVariable(host: string): string | undefined {
  const endpoint = readEndpoint()
  const addresses = [...namedProxies(), ...(endpoint ? [endpoint] : [])]
  return addresses.find(({ url }) => url.hostname === host)?.variable
}

/** Texts of the SDK and of Node quote addresses with their passwords. */
export function withoutPasswords(text: string): string {
  return text.replace(/\/\/\S*@/g, '//***@')
}

function listProxies(): readonly [http: Address | undefined, https: Address | undefined] {
  const [http, https] = [readProxy('http_proxy'), readProxy('https_proxy')]
  return [http && isHttp(http) ? http : undefined, https && isHttp(https) ? https : undefined]
}

function namedProxies(): Address[] {
  return ['https_proxy', 'http_proxy'].flatMap(name => readProxy(name) ?? [])
}

/** Lower case counts before upper case, as for Node and curl. */
function readProxy(name: string): Address | undefined {
  const variable = [name, name.toUpperCase()].find(one => env(one))
  if (!variable) return undefined
  const value = env(variable) ?? ''
  return parse(variable, /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`)
}

function isHttp({ url }: Address): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:'
}

/** A password with `#`, `/` or `?` ends the host, so that what follows has the `@`. */
function parse(variable: string, value: string): Address {
  try {
    const url = new URL(value)
    const { username, password, hostname, pathname, search, hash } = url
    decodeURIComponent(username + password)
    if (hostname && !`${pathname}${search}${hash}`.includes('@')) return { variable, url }
  } catch {
    // The error would quote the value.
  }
  throw unreadable(variable)
}

function unreadable(variable: string): Error {
  return new Error(
    `${variable}: its value can't be read as an address like http://user:password@host:port. ` +
      'In a user or a password write # as %23, / as %2F, ? as %3F, @ as %40 and % as %25.',
  )
}
