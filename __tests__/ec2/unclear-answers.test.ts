import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Run, runAction } from '../support/runner.ts'
import { serve } from '../support/serve.ts'
import { HAS_CHECKSUM } from '../support/tags.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/nowhere',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
}

/** A look-up with a `packer` on PATH that leaves a file behind when it is run. */
async function lookUp(env: Readonly<Record<string, string>>, region = 'us-east-1'): Promise<Run & { baked: boolean }> {
  using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'bin/packer': '#!/bin/sh\ntouch "$0.ran"' })
  fs.chmodSync(`${workspace.directory}/bin/packer`, 0o755)
  const run = await runAction({
    workspace: workspace.directory,
    inputs: { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': region },
    env: { ...CREDENTIALS, PATH: `${workspace.directory}/bin:${process.env.PATH}`, ...env },
  })
  return { ...run, baked: workspace.has('bin/packer.ran') }
}

/** Expects that the look-up has failed within a minute, with one error, without a bake, and without a miss in the log. */
function expectError(run: Run & { baked: boolean }, message: RegExp): void {
  expect(run.annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
  expect(run.annotations[0]?.message).toMatch(/^ec2:DescribeImages in [a-z0-9-]+: /)
  expect(run.annotations[0]?.message).not.toContain('\n')
  expect(run.outputs).toEqual({ ami_config_checksum: expect.any(String), cache_hit: 'false', last_ami_id: '' })
  expect(run).toMatchObject({ exitCode: 1, baked: false })
  expect(run.log).not.toContain('Miss')
  expect(run.seconds).toBeLessThan(60)
}

function answering(body: string, status = 200): http.Server {
  return http.createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end(body))
  })
}

/** Sends these responses one after the other, and repeats the last one. */
function answeringInTurn(...bodies: readonly string[]): http.Server {
  let count = 0
  return http.createServer((request, response) => {
    request.resume().on('end', () => response.end(bodies[Math.min(count++, bodies.length - 1)]))
  })
}

async function lookUpAt(server: http.Server, env: Readonly<Record<string, string>> = {}): ReturnType<typeof lookUp> {
  using served = await serve(server)
  return await lookUp({ AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}`, ...env })
}

function failure(code: string): string {
  const error = `<Error><Code>${code}</Code><Message>EC2 says ${code}\n::error::x.</Message></Error>`
  return `<?xml version="1.0"?><Response><Errors>${error}</Errors><RequestID>0</RequestID></Response>`
}

function image(id: string, date: string): string {
  return `<item><imageId>${id}</imageId><imageState>available</imageState><creationDate>${date}</creationDate>${HAS_CHECKSUM}</item>`
}

const page = (token: string) => imagesAnswer('', `<nextToken>${token}</nextToken>`)
const HTML = '<html><head><title>Sign in</title></head><body><p>Please log in<br></body></html>'
const NOT_EC2 = /The response did not come from EC2\. Check for a proxy in between, or an AWS_ENDPOINT_URL/

describe.concurrent('a look-up that gets no clear answer', () => {
  const refusals: readonly (readonly [code: string, status: number, advice: RegExp])[] = [
    ['UnauthorizedOperation', 403, /Grant the role of this job the action ec2:DescribeImages/],
    ['AccessDenied', 403, /Grant the role of this job the action ec2:DescribeImages/],
    ['Blocked', 403, /Grant the role of this job the action ec2:DescribeImages/],
    ['RequestExpired', 400, /credentials have expired.*aws-actions\/configure-aws-credentials.*id-token: write/],
    ['ExpiredToken', 400, /credentials have expired/],
    ['AuthFailure', 401, /EC2 does not accept the credentials.*configure-aws-credentials/],
    ['InvalidClientTokenId', 403, /EC2 does not accept the credentials/],
    ['SignatureDoesNotMatch', 403, /EC2 does not accept the credentials/],
    ['OptInRequired', 401, /Enable us-east-1 in the account, or use another region/],
    ['SomethingElse', 400, /EC2 says SomethingElse/],
  ]

  test.each(refusals)(
    'a look-up that EC2 refuses with %s fails at once, and the error says what to do',
    async (code, status, advice) => {
      let requests = 0
      const server = answering(failure(code), status).on('request', () => requests++)
      expectError(await lookUpAt(server), advice)
      expect(requests).toBe(1)
    },
  )

  const oddities: readonly (readonly [what: string, status: number, body: string, message: RegExp])[] = [
    ['malformed XML', 200, '<a><b>', NOT_EC2],
    ['a truncated response', 200, imagesAnswer('').slice(0, 150), NOT_EC2],
    ["a proxy's HTML", 200, HTML, NOT_EC2],
    ["a proxy's XHTML", 200, '<html><body>Please log in</body></html>', NOT_EC2],
    ["a proxy's HTML with status 502", 502, HTML, NOT_EC2],
    ["a proxy's JSON with status 403", 403, '{"message":"no"}', NOT_EC2],
    ['an empty response with status 404', 404, '', /status 404.*did not come from EC2/],
    ['a redirect', 301, '', /status 301.*did not come from EC2/],
    ['an empty response', 200, '', /no list of images.*did not come from EC2/],
    ['an error document under status 200', 200, failure('RequestLimitExceeded'), /no list of images/],
    [
      'an image without a state',
      200,
      imagesAnswer(image('ami-00000001', '2026-01-01T00:00:00.000Z').replace(/<imageState>.*<.imageState>/, '')),
      /the state ""/,
    ],
    ['an image without a date', 200, imagesAnswer(image('ami-00000001', '')), /creation date ""/],
    ['an image with a malformed id', 200, imagesAnswer(image('ami-1', '2026-01-01T00:00:00.000Z')), /the id "ami-1"/],
    ['an internal error of EC2', 500, failure('InternalError'), /EC2 has an internal error\. Run the job again later/],
  ]

  test.each(oddities)('a look-up that gets %s fails', async (_, status, body, message) => {
    expectError(await lookUpAt(answering(body, status)), message)
  })

  test('a look-up that is always throttled fails within 60 s, and the error names the reason', async () => {
    expectError(await lookUpAt(answering(failure('RequestLimitExceeded'), 503)), /EC2 throttles the account/)
  })

  test('a look-up that times out before the last retry names the last error', async () => {
    const run = await lookUpAt(answering(failure('RequestLimitExceeded'), 503), { AMI_BAKERY_TIME_SCALE: '0.05' })
    expectError(run, /EC2 says RequestLimitExceeded.*EC2 throttles the account/)
    expect(run.seconds).toBeLessThan(10)
  })

  test('a look-up fails when the endpoint does not answer', async () => {
    const run = await lookUpAt(http.createServer(), { AMI_BAKERY_TIME_SCALE: '0.05' })
    expectError(run, /EC2 did not answer in time/)
    expect(run.seconds).toBeLessThan(10)
  })

  test('a look-up fails when the endpoint stops in the middle of a response', async () => {
    const server = http.createServer((_, response) => response.write('<DescribeImagesResponse>'))
    expectError(await lookUpAt(server, { AMI_BAKERY_TIME_SCALE: '0.05' }), /EC2 did not answer in time/)
  })

  test('a look-up fails when the endpoint refuses the connection', async () => {
    expectError(await lookUp({ AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:9' }), /ECONNREFUSED.*HTTPS_PROXY/)
  })

  test('a look-up fails when the proxy refuses the connection', async () => {
    expectError(await lookUp({ HTTPS_PROXY: 'http://127.0.0.1:9' }), /ECONNREFUSED.*HTTPS_PROXY/)
  })

  test('a look-up fails when the connection is reset', async () => {
    expectError(
      await lookUpAt(http.createServer(request => request.socket.destroy())),
      /The connection was refused or reset\./,
    )
  })

  test('a look-up fails when the host name of the endpoint has no address', async () => {
    expectError(await lookUp({ AWS_ENDPOINT_URL_EC2: 'http://ec2.nowhere.invalid' }), /ENOTFOUND|EAI_AGAIN/)
  })

  test('a look-up in a region that does not exist fails, and the error says to correct the region', async () => {
    const run = await lookUp({ HTTPS_PROXY: '', NO_PROXY: '*' }, 'us-eats-1')
    expectError(run, /Is us-eats-1 a region of EC2\? Correct the region/)
  })

  test('a look-up fails when the certificate is not trusted, and the error names the variable to set', async () => {
    const { key, cert } = makeCertificate()
    using served = await serve(https.createServer({ key, cert }))
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `https://127.0.0.1:${served.port}` })
    expectError(run, /certificate is not trusted.*NODE_EXTRA_CA_CERTS/)
  })

  test('a look-up fails when the endpoint does not use TLS', async () => {
    using served = await serve(answering(''))
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `https://127.0.0.1:${served.port}` })
    expectError(run, /AWS_ENDPOINT_URL/)
  })

  const credentials: readonly (readonly [what: string, env: Record<string, string>])[] = [
    ['no credentials', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }],
    ['incomplete credentials', { AWS_SECRET_ACCESS_KEY: '' }],
    ['a profile that does not exist', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_PROFILE: 'missing' }],
  ]

  test.each(credentials)('a look-up with %s fails, and the error says how to get credentials', async (_, env) => {
    const run = await lookUpAt(answering(imagesAnswer('')), env)
    expectError(run, /AWS credentials are missing or incomplete.*configure-aws-credentials.*id-token: write/)
  })

  test.each([
    ['A, A, …', ['A']],
    ['A, B, A, B, …', ['A', 'B', 'A']],
  ])('a look-up whose pages have the tokens %s fails', async (_, tokens) => {
    expectError(await lookUpAt(answeringInTurn(...tokens.map(page))), /same page/)
  })
})

describe.concurrent('a look-up', () => {
  const GOOD = image('ami-0123456789abcdef0', '2026-01-01T00:00:00.000Z')

  test('a look-up succeeds after six throttled attempts', async () => {
    let count = 0
    const server = http.createServer((request, response) => {
      const isThrottled = count++ < 6
      const body = isThrottled ? failure('RequestLimitExceeded') : imagesAnswer(GOOD)
      request.resume().on('end', () => response.writeHead(isThrottled ? 503 : 200).end(body))
    })
    expect((await lookUpAt(server)).outputs).toMatchObject({ ami_id: 'ami-0123456789abcdef0', cache_hit: 'true' })
  })

  test('a look-up reads all pages, also when the first one is empty', async () => {
    const run = await lookUpAt(answeringInTurn(page('A'), page('B'), imagesAnswer(GOOD)))
    expect(run.outputs).toMatchObject({ ami_id: 'ami-0123456789abcdef0', cache_hit: 'true' })
  })

  test('a look-up requests each page with the token of the previous one, and uses the images of all pages', async () => {
    const OLDER = image('ami-00000000', '2025-01-01T00:00:00.000Z')
    const bodies = [imagesAnswer(GOOD, '<nextToken>A</nextToken>'), page('B'), imagesAnswer(OLDER)]
    const asked: (string | null)[] = []
    const server = http.createServer(async (request, response) => {
      asked.push(new URLSearchParams(await text(request)).get('NextToken'))
      response.end(bodies[asked.length - 1])
    })
    const run = await lookUpAt(server)
    expect(asked).toEqual([null, 'A', 'B'])
    expect(run.outputs).toMatchObject({ ami_id: 'ami-0123456789abcdef0', cache_hit: 'true' })
  })

  test('a look-up skips a malformed image next to a valid one, with a warning', async () => {
    const run = await lookUpAt(answering(imagesAnswer(image('ami-1\n::error::x', '') + GOOD)))
    expect(run.outputs.ami_id, run.log).toBe('ami-0123456789abcdef0')
    expect(run.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('"ami-1\\n::error::x"') }])
  })

  test('a look-up logs the endpoint that the environment sets', async () => {
    const run = await lookUpAt(answering(imagesAnswer(GOOD)))
    expect(run.log).toMatch(/^EC2 endpoint: http:\/\/127\.0\.0\.1:\d+/m)
  })
})

function makeCertificate(): { key: Buffer; cert: Buffer } {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'certificate-'))
  const [key, cert] = [path.join(directory, 'key.pem'), path.join(directory, 'cert.pem')]
  const files = ['-keyout', key, '-out', cert]
  const about = ['-subj', '/CN=localhost', '-days', '2']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...about], { stdio: 'ignore' })
  const pair = { key: fs.readFileSync(key), cert: fs.readFileSync(cert) }
  fs.rmSync(directory, { recursive: true })
  return pair
}
