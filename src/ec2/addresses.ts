import { env } from '../runner/environment.ts'
import { warn } from '../runner/log.ts'
import { supportsProxies } from '../runner/platform.ts'

/** An address from an environment variable. It may contain a password: messages show what `describeAddress` returns. */
export interface Address {
  /** The name of the environment variable. */
  readonly variable: string
  readonly url: URL
}

/** The proxies in the form of the option `proxyEnv` of Node's agents. */
export interface Proxies {
  readonly http_proxy?: string
  readonly https_proxy?: string
  readonly no_proxy?: string
}

/** A service of AWS by its name in messages and in the names of environment variables. */
export type ServiceName = 'EC2' | 'SSM'

/**
 * Reads the endpoint that the environment sets for a service; `undefined` when it is AWS's own.
 *
 * @throws Error when the value is not an address. It names the variable and never quotes the value, which may contain a password.
 */
export function readEndpoint(service: ServiceName = 'EC2'): Address | undefined {
  const variable = [`AWS_ENDPOINT_URL_${service}`, 'AWS_ENDPOINT_URL'].find(name => env(name))
  const endpoint = variable ? parse(variable, env(variable) ?? '') : undefined
  if (endpoint && !isHttp(endpoint)) throw unreadable(endpoint.variable)
  return endpoint
}

/** Scheme, host and path of an address, without user and password. */
export function describeAddress({ url }: Address): string {
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`
}

/**
 * Reads the proxies for Node's agents. Node ignores an address without a scheme, an address whose scheme is in upper case, and
 * a proxy of another protocol than HTTP. curl and Packer read the first two as HTTP (Go, net/http/httpproxy), and so does this.
 *
 * @throws Error under the same conditions as {@link readEndpoint}.
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

/** Warns of the proxies that Node ignores silently. */
export function warnOfIgnoredProxies(): void {
  const proxies = namedProxies()
  for (const { variable, url } of proxies.filter(proxy => !isHttp(proxy))) {
    warn(`${variable}: ${url.protocol}// is not an HTTP proxy: it is ignored, and requests go to EC2 directly.`)
  }
  const [first] = proxies.filter(isHttp)
  if (!first || supportsProxies()) return
  warn(
    `${first.variable}: Node ${process.version} ignores proxies, so that requests go to EC2 directly. Use Node 24.5 or newer: ` +
      'runners have it since version 2.328.0.',
  )
}

/** The variable whose proxy or endpoint has this host name; `undefined` when there is none. */
export function findVariable(host: string, service: ServiceName): string | undefined {
  const endpoint = readEndpoint(service)
  const addresses = [...namedProxies(), ...(endpoint ? [endpoint] : [])]
  return addresses.find(({ url }) => url.hostname === host)?.variable
}

/** Hides user and password of the addresses in a text: errors of the SDK and of Node quote them. */
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

/** Lower case takes precedence over upper case, as for Node and curl. */
function readProxy(name: string): Address | undefined {
  const variable = [name, name.toUpperCase()].find(one => env(one))
  if (!variable) return undefined
  const value = env(variable) ?? ''
  return parse(variable, /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`)
}

function isHttp({ url }: Address): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:'
}

/** A `#`, `/` or `?` in a password ends the host: then the `@` is in the part after it. */
function parse(variable: string, value: string): Address {
  try {
    const url = new URL(value)
    const { username, password, hostname, pathname, search, hash } = url
    decodeURIComponent(username + password)
    if (hostname && !`${pathname}${search}${hash}`.includes('@')) return { variable, url }
  } catch {
    // Not the cause: its message quotes the value.
  }
  throw unreadable(variable)
}

function unreadable(variable: string): Error {
  return new Error(
    `${variable}: the value is not an address of the form http://user:password@host:port. ` +
      'Write # as %23, / as %2F, ? as %3F, @ as %40 and % as %25 in a user name or password.',
  )
}
