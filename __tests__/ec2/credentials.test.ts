import { hash } from 'node:crypto'
import http from 'node:http'
import type net from 'node:net'
import { describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Run, runAction } from '../support/runner.ts'
import { type Served, serve } from '../support/serve.ts'
import { HAS_CHECKSUM } from '../support/tags.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const IMAGE = 'ami-0123456789abcdef0'
const ITEM = `<item><imageId>${IMAGE}</imageId><imageState>available</imageState><creationDate>2026-01-01T00:00:00.000Z</creationDate>${HAS_CHECKSUM}</item>`
const EXPIRATION = '2099-01-01T00:00:00Z'

/** A service of AWS that responds with text, and the requests that it received. */
interface Service extends Served {
  readonly url: string
  readonly requests: http.IncomingMessage[]
}

async function answer(respond: (request: http.IncomingMessage) => string): Promise<Service> {
  const requests: http.IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    requests.push(request)
    request.resume().on('end', () => response.end(respond(request)))
  })
  const served = await serve(server)
  return { ...served, url: `http://127.0.0.1:${served.port}`, requests }
}

const ec2 = () => answer(() => imagesAnswer(ITEM))

/** The access key that a request is signed with. */
function keyOf({ requests }: Service): string | undefined {
  return /Credential=([^/]+)\//.exec(requests.at(-1)?.headers.authorization ?? '')?.[1]
}

/** Runs a look-up whose environment has no credentials but these. */
async function lookUp(
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<Run> {
  using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'home/.none': '', ...files })
  const fill = (text: string) => text.replaceAll('{workspace}', workspace.directory)
  workspace.write(Object.fromEntries(Object.entries(files).map(([file, content]) => [file, fill(content)])))
  const given = Object.entries({ HOME: '{workspace}/home', AWS_EC2_METADATA_DISABLED: 'true', ...env })
  const inputs = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }
  return await runAction({
    workspace: workspace.directory,
    inputs,
    env: Object.fromEntries(given.map(([name, value]) => [name, fill(value)])),
  })
}

function expectHit(run: Run): void {
  expect(run.outputs, run.log).toMatchObject({ ami_id: IMAGE, cache_hit: 'true' })
}

describe.concurrent('credentials', () => {
  test('credentials come from the environment', async () => {
    using service = await ec2()
    const keys = { AWS_ACCESS_KEY_ID: 'environment', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' }
    expectHit(await lookUp({ ...keys, AWS_ENDPOINT_URL_EC2: service.url }))
    expect(keyOf(service)).toBe('environment')
    expect(service.requests[0]?.headers['x-amz-security-token']).toBe('t')
  })

  test('credentials come from a profile', async () => {
    using service = await ec2()
    const env = {
      AWS_SHARED_CREDENTIALS_FILE: '{workspace}/credentials',
      AWS_PROFILE: 'team',
      AWS_ENDPOINT_URL_EC2: service.url,
    }
    const credentials =
      '[default]\naws_access_key_id = no\naws_secret_access_key = no\n[team]\naws_access_key_id = profile\naws_secret_access_key = s\n'
    expectHit(await lookUp(env, { credentials }))
    expect(keyOf(service)).toBe('profile')
  })

  test('credentials come from a credential process', async () => {
    using service = await ec2()
    const printed = { Version: 1, AccessKeyId: 'process', SecretAccessKey: 's', Expiration: EXPIRATION }
    const files = { config: '[default]\ncredential_process = cat {workspace}/keys\n', keys: JSON.stringify(printed) }
    expectHit(await lookUp({ AWS_CONFIG_FILE: '{workspace}/config', AWS_ENDPOINT_URL_EC2: service.url }, files))
    expect(keyOf(service)).toBe('process')
  })

  test('credentials come from a web identity', async () => {
    using service = await ec2()
    const keys = `<AccessKeyId>web</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${EXPIRATION}</Expiration>`
    const user =
      '<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/a/b</Arn><AssumedRoleId>a</AssumedRoleId></AssumedRoleUser>'
    using sts = await answer(
      () =>
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>${keys}</Credentials>${user}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    )
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: '{workspace}/token',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/a',
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_ENDPOINT_URL_EC2: service.url,
    }
    expectHit(await lookUp(env, { token: 'token' }))
    expect(keyOf(service)).toBe('web')
  })

  test('credentials come from a role that a profile assumes', async () => {
    using service = await ec2()
    const keys = `<AccessKeyId>assumed</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${EXPIRATION}</Expiration>`
    using sts = await answer(
      () =>
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>${keys}</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    )
    const config =
      '[profile base]\naws_access_key_id = base\naws_secret_access_key = s\n[profile team]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = base\n'
    const env = {
      AWS_CONFIG_FILE: '{workspace}/config',
      AWS_PROFILE: 'team',
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_ENDPOINT_URL_EC2: service.url,
    }
    expectHit(await lookUp(env, { config }))
    expect([keyOf(sts), keyOf(service)]).toEqual(['base', 'assumed'])
  })

  test('credentials come from the cached token of single sign-on', async () => {
    using service = await ec2()
    const roleCredentials = {
      accessKeyId: 'sso',
      secretAccessKey: 's',
      sessionToken: 't',
      expiration: Date.parse(EXPIRATION),
    }
    using portal = await answer(() => JSON.stringify({ roleCredentials }))
    const session = '[sso-session team]\nsso_start_url = https://example.com/start\nsso_region = us-east-1\n'
    const config = `[default]\nsso_session = team\nsso_account_id = 123456789012\nsso_role_name = a\n${session}`
    const token = {
      accessToken: 'token',
      expiresAt: EXPIRATION,
      region: 'us-east-1',
      startUrl: 'https://example.com/start',
    }
    const files = { config, [`home/.aws/sso/cache/${hash('sha1', 'team')}.json`]: JSON.stringify(token) }
    const env = {
      AWS_CONFIG_FILE: '{workspace}/config',
      AWS_ENDPOINT_URL_SSO: portal.url,
      AWS_ENDPOINT_URL_EC2: service.url,
    }
    expectHit(await lookUp(env, files))
    expect(keyOf(service)).toBe('sso')
    expect(portal.requests[0]?.url).toContain('role_name=a')
  })

  test('credentials come from a container', async () => {
    using service = await ec2()
    const keys = { AccessKeyId: 'container', SecretAccessKey: 's', Token: 't', Expiration: EXPIRATION }
    using agent = await answer(() => JSON.stringify(keys))
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/keys`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'secret' }
    expectHit(await lookUp({ ...env, AWS_ENDPOINT_URL_EC2: service.url }))
    expect(keyOf(service)).toBe('container')
    expect(agent.requests[0]?.headers.authorization).toBe('secret')
  })

  test('credentials come from the instance', async () => {
    using service = await ec2()
    const keys = { Code: 'Success', AccessKeyId: 'instance', SecretAccessKey: 's', Token: 't', Expiration: EXPIRATION }
    using metadata = await answer(({ url = '' }) =>
      url.endsWith('/api/token') ? 'token' : url.endsWith('/role') ? JSON.stringify(keys) : 'role',
    )
    const env = { AWS_EC2_METADATA_DISABLED: '', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }
    expectHit(await lookUp({ ...env, AWS_ENDPOINT_URL_EC2: service.url }))
    expect(keyOf(service)).toBe('instance')
  })
})

describe.concurrent('a proxy', () => {
  const KEYS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AMI_BAKERY_TIME_SCALE: '0.1' }

  test('a request to EC2 uses a tunnel of the proxy in HTTPS_PROXY', async () => {
    const tunnels: string[] = []
    const server = http.createServer().on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
      tunnels.push(request.url ?? '')
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
    using proxy = await serve(server)
    const run = await lookUp({ ...KEYS, HTTPS_PROXY: `http://user:secret@127.0.0.1:${proxy.port}` })
    expect(new Set(tunnels)).toEqual(new Set(['ec2.us-east-1.amazonaws.com:443']))
    expect(run.exitCode).toBe(1)
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringContaining('HTTPS_PROXY') }])
    expect(run.log).not.toContain('secret')
  })

  test('a request to an HTTP endpoint goes through the proxy in HTTP_PROXY', async () => {
    using service = await ec2()
    expectHit(await lookUp({ ...KEYS, HTTP_PROXY: service.url, AWS_ENDPOINT_URL_EC2: 'http://ec2.nowhere.invalid' }))
    expect(service.requests[0]?.url).toBe('http://ec2.nowhere.invalid/')
  })

  test('a request to a host in NO_PROXY does not use the proxy', async () => {
    using service = await ec2()
    using proxy = await answer(() => 'never')
    expectHit(
      await lookUp({ ...KEYS, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1', AWS_ENDPOINT_URL_EC2: service.url }),
    )
    expect(proxy.requests).toEqual([])
  })
})
