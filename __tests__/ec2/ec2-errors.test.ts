import fs from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { fakePacker, INPUTS, printArtifact } from '../support/fake-packer.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import { serve } from '../support/serve.ts'
import { HAS_CHECKSUM } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const IMAGE = 'ami-0123456789abcdef0'
const HIT = imagesAnswer(
  `<item><imageId>${IMAGE}</imageId><imageState>available</imageState><creationDate>2026-01-01T00:00:00.000Z</creationDate>${HAS_CHECKSUM}</item>`,
)
const FAST = { AMI_BAKERY_TIME_SCALE: '0.1' }

/** Simulates a Node before 24.5, which ignores the option for proxies. */
const OLD_NODE = 'data:text/javascript,Object.defineProperty(process,%22version%22,{value:%22v24.4.0%22})'

/** Runs a look-up with a `packer` on PATH that fails. */
async function lookUp(
  env: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, string>> = {},
): Promise<Run> {
  using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'bin/packer': '#!/bin/sh\nexit 1' })
  fs.chmodSync(`${workspace.directory}/bin/packer`, 0o755)
  return await runAction({
    workspace: workspace.directory,
    inputs: {
      'packer-template': 'ami/app.pkr.hcl',
      'ami-definition-dirs': 'ami',
      'aws-region': 'us-east-1',
      ...inputs,
    },
    env: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: workspace.directory,
      ...FAST,
      ...env,
    },
  })
}

function answering(respond: (request: http.IncomingMessage) => readonly [status: number, body: string]): http.Server {
  return http.createServer((request, response) => {
    const [status, body] = respond(request)
    request.resume().on('end', () => response.writeHead(status).end(body))
  })
}

/** The body of an error response of EC2. */
function errorDocument(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>0a</RequestID></Response>`
}

async function refuse(code: string, message: string, status = 400): Promise<string> {
  using served = await serve(answering(() => [status, errorDocument(code, message)]))
  const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}` })
  return onlyError(run)
}

function onlyError({ annotations, exitCode, log }: Run): string {
  expect(exitCode, log).toBe(1)
  expect(
    annotations.map(({ level }) => level),
    log,
  ).toEqual(['error'])
  return annotations[0]?.message ?? ''
}

describe.concurrent('an error of EC2', () => {
  const codes = [
    ['InvalidParameterValue', 'Value () for parameter KmsKeyId is invalid.'],
    ['ResourceLimitExceeded', 'Too many active image copies.'],
    ['IncorrectState', 'The instance is not in a state from which an image can be made.'],
    ['OperationNotPermitted', 'The certificate CERT of this operation is not permitted.'],
    ['IdempotentParameterMismatch', 'The client token has been used before.'],
    ['VcpuLimitExceeded', 'You have requested more vCPU capacity than your current vCPU limit of 8 allows.'],
    ['InvalidKMSKey.InvalidState', 'The KMS key is pending deletion.'],
    ['Client.NewCodeOfTheYear2030', 'EC2 has a new reason'],
  ] as const

  test.each(codes)(
    'the message about the error %s has EC2’s code and sentence, and does not doubt that EC2 sent it',
    async (code, sentence) => {
      const message = await refuse(code, sentence)
      expect(message).toBe(`ec2:DescribeImages in us-east-1: ${sentence.replace(/\.$/, '')} (${code}).`)
    },
  )

  test('the message about an error with advice has EC2’s code and sentence too', async () => {
    const message = await refuse('RequestExpired', 'Request has expired.')
    expect(message).toMatch(
      /^ec2:DescribeImages in us-east-1: Request has expired \(RequestExpired\)\. The credentials/,
    )
    expect(message).toContain('Raise role-duration-seconds of aws-actions/configure-aws-credentials')
  })

  test('an error message of several lines becomes one line', async () => {
    const message = await refuse('InvalidParameterValue', 'The first line\n\n  and the second.\r\n::error::forged')
    expect(message).toBe(
      'ec2:DescribeImages in us-east-1: The first line and the second. ::error::forged (InvalidParameterValue).',
    )
  })

  const encoded = 'Zm9v_bar-'.repeat(200)

  test('the encoded part of an authorization failure is in the log, and the message has the command that decodes it', async () => {
    const sentence = 'You are not authorized to perform this operation.'
    const text = `${sentence} Encoded authorization failure message: ${encoded}`
    using served = await serve(answering(() => [403, errorDocument('UnauthorizedOperation', text)]))
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}` })
    const message = onlyError(run)
    expect(message).toContain('aws sts decode-authorization-message --encoded-message')
    expect(message).toMatch(/\(UnauthorizedOperation\)\. Grant the role of this job the action ec2:DescribeImages/)
    expect(message.length).toBeLessThan(500)
    expect(run.log.split(encoded)).toHaveLength(2)
    expect(run.log).toMatch(new RegExp(`^::group::.*ec2:DescribeImages\n${encoded}\n::endgroup::$`, 'm'))
  })

  test('the error about a role that may not be assumed names sts:AssumeRole', async () => {
    const text =
      'User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/b'
    const message = await refuse('AccessDenied', text, 403)
    expect(message).toContain('Grant the role of this job the action sts:AssumeRole')
  })
})

describe.concurrent('an endpoint that the environment names', () => {
  /** An endpoint of one region, which refuses requests that are signed for another region. */
  const regional = () =>
    answering(({ headers: { authorization = '' } }) =>
      authorization.includes('/us-east-1/ec2/')
        ? [200, HIT]
        : [401, errorDocument('AuthFailure', 'Credential should be scoped to a valid region.')],
    )

  test('an endpoint that refuses a further region is named as an endpoint of one region', async () => {
    using served = await serve(regional())
    const env = { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}` }
    const message = onlyError(await lookUp(env, { regions: 'eu-west-1' }))
    expect(message).toMatch(
      /^regions: Could not look up the image in eu-west-1\. AWS_ENDPOINT_URL_EC2 is set to 127\.0\.0\.1:\d+/,
    )
    expect(message).toContain('an endpoint of AWS serves one region only')
  })

  test('an endpoint that refuses the region of the look-up is named', async () => {
    using served = await serve(regional())
    const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${served.port}` }
    const message = onlyError(await lookUp(env, { 'aws-region': 'eu-west-1' }))
    expect(message).toMatch(/AWS_ENDPOINT_URL points to 127\.0\.0\.1:\d+, which must be an endpoint of eu-west-1/)
  })

  test('an endpoint whose host is not found is named instead of the region', async () => {
    const message = onlyError(await lookUp({ AWS_ENDPOINT_URL_EC2: 'http://ec2.nowhere.invalid' }))
    expect(message).toContain('The host in AWS_ENDPOINT_URL_EC2 was not found. Correct AWS_ENDPOINT_URL_EC2')
    expect(message).not.toContain('a region of EC2')
  })

  test.each([
    ['user:secret#1@127.0.0.1:9', 'http://user:secret#1@127.0.0.1:9'],
    ['a word', 'secret'],
    ['no scheme', 'user:secret@127.0.0.1:9'],
    ['another scheme', 'ftp://user:secret@127.0.0.1:9'],
  ])('an endpoint variable whose value is not an address is named, and its value is not quoted: %s', async (_, url) => {
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: url })
    expect(onlyError(run)).toMatch(/^AWS_ENDPOINT_URL_EC2: the value is not an address/)
    expect(run.log).not.toContain('secret')
  })

  test('the log shows the endpoint without its password', async () => {
    using served = await serve(answering(() => [200, HIT]))
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `http://user:s%23cret@127.0.0.1:${served.port}/a?b=c` })
    expect(run.log).toMatch(/^EC2 endpoint: http:\/\/127\.0\.0\.1:\d+\/a \(AWS_ENDPOINT_URL_EC2\)$/m)
    expect(run.log).not.toMatch(/s%23cret|s#cret|b=c/)
  })
})

describe.concurrent('a proxy that the environment names', () => {
  const NOWHERE = { AWS_ENDPOINT_URL_EC2: 'http://ec2.nowhere.invalid' }

  const passwords = ['secret#1', 'secret/1', 'secret?1', 'p%zzsecret', '80/secret', '12#secret']
  test.each(passwords.flatMap(password => ['HTTPS_PROXY', 'http_proxy'].map(name => [name, password] as const)))(
    'a proxy variable whose value is not an address is named, and its value is not quoted: %s with the password %s',
    async (name, password) => {
      const run = await lookUp({ [name]: `http://user:${password}@proxy.example:3128` })
      const message = onlyError(run)
      expect(message).toMatch(new RegExp(`^${name}: the value is not an address .*# as %23`))
      expect(run.log).not.toMatch(/secret|%zz/)
    },
  )

  test('a proxy with a user name that ends the host is not quoted either', async () => {
    const run = await lookUp({ HTTPS_PROXY: 'http://secret#1@proxy.example:3128' })
    expect(onlyError(run)).toMatch(/^HTTPS_PROXY: the value is not an address/)
    expect(run.log).not.toContain('secret')
  })

  /** A proxy that responds for EC2, and records the authorization of every request. */
  function passOn(seen: (string | undefined)[]): http.Server {
    return answering(request => {
      seen.push(request.headers['proxy-authorization'])
      return [200, HIT]
    })
  }

  const spellings = [
    ['without a scheme', (host: string) => host, undefined],
    ['without a scheme, with a user', (host: string) => `user:secret@${host}`, 'user:secret'],
    ['with a scheme in upper case', (host: string) => `HTTP://${host}`, undefined],
    ['with @ in the password', (host: string) => `http://user:sec@ret@${host}`, 'user:sec@ret'],
    ['with an encoded # in the password', (host: string) => `http://user:secret%231@${host}`, 'user:secret#1'],
    ['with an IPv6 address', (host: string) => `http://[::ffff:127.0.0.1]:${host.split(':')[1]}`, undefined],
  ] as const
  test.each(spellings)('a proxy that is written %s is used, as by curl and Packer', async (_, write, user) => {
    const seen: (string | undefined)[] = []
    using proxy = await serve(passOn(seen))
    const run = await lookUp({ HTTP_PROXY: write(`127.0.0.1:${proxy.port}`), ...NOWHERE })
    expect(run.outputs.ami_id, run.log).toBe(IMAGE)
    expect(seen).toEqual([user && `Basic ${Buffer.from(user).toString('base64')}`])
    expect(run.log).not.toContain('sec')
  })

  test.each(['HTTP_PROXY', 'HTTPS_PROXY'])(
    'a proxy in %s whose host is not found is named instead of the region',
    async name => {
      const endpoint: Record<string, string> = name === 'HTTP_PROXY' ? NOWHERE : {}
      const run = await lookUp({ [name]: 'http://user:secret@proxy.nowhere.invalid:3128', ...endpoint })
      const message = onlyError(run)
      expect(message).toContain(`The host in ${name} was not found. Correct ${name}, or the runner's DNS.`)
      expect(message).not.toContain('a region of EC2')
      expect(run.log).not.toContain('secret')
    },
  )

  test('the error about a proxy that refuses the tunnel has no password', async () => {
    const server = http.createServer().on('connect', (_, socket: net.Socket) => {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    })
    using proxy = await serve(server)
    const run = await lookUp({ HTTPS_PROXY: `http://user:sec%2Fret%20@127.0.0.1:${proxy.port}` })
    expect(onlyError(run)).toContain('HTTPS_PROXY')
    expect(run.log).not.toContain('ret')
  })

  test('a proxy that is not an HTTP proxy is ignored with a warning', async () => {
    using service = await serve(answering(() => [200, HIT]))
    const env = { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${service.port}` }
    const run = await lookUp({ ...env, HTTPS_PROXY: 'socks5://user:secret@proxy.example:1080' })
    expect(run.outputs.ami_id, run.log).toBe(IMAGE)
    const message = expect.stringMatching(/^HTTPS_PROXY: socks5:\/\/ is not an HTTP proxy: it is ignored/)
    expect(run.annotations).toEqual([{ level: 'warning', message }])
    expect(run.log).not.toContain('secret')
  })

  test('a Node before 24.5 ignores a proxy, and a warning names the version that supports it', async () => {
    using service = await serve(answering(() => [200, HIT]))
    const env = { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${service.port}`, NODE_OPTIONS: `--import=${OLD_NODE}` }
    const run = await lookUp({ ...env, HTTPS_PROXY: 'http://proxy.example:3128' })
    expect(run.outputs.ami_id, run.log).toBe(IMAGE)
    const message = expect.stringMatching(/^HTTPS_PROXY: Node v24\.4\.0 ignores proxies.*24\.5 or newer.*2\.328\.0/)
    expect(run.annotations).toEqual([{ level: 'warning', message }])
    const without = await lookUp(env)
    expect(without.annotations).toEqual([])
  })
})

describe.skipIf(!hasTools('moto_server'))('an image without room for tags', () => {
  let moto: Ec2Server
  let account: FaultyEc2
  beforeAll(async () => {
    moto = await startEc2()
    account = await startProxy(moto, '600000000000')
  })
  afterAll(async () => {
    await account.stop()
    await moto.stop()
  })

  test('an image without room for tags is kept, and the error says how many tags the template must leave room for', async () => {
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v']))
    const image = await account.makeImage(tags)
    using scene = fakePacker(account, printArtifact(`us-east-1:${image}`))
    const run = await scene.start({ env: FAST }).ended
    const [warning, error] = run.annotations
    expect(
      run.annotations.map(({ level }) => level),
      run.log,
    ).toEqual(['warning', 'error'])
    expect(warning?.message).toMatch(
      /\(TagLimitExceeded\).*The image can be used without these tags\. .* up to 16 tags/,
    )
    expect(error?.message).toMatch(
      /^ec2:CreateTags in us-east-1: .* \(TagLimitExceeded\)\. A resource has 50 tags at most/,
    )
    expect(error?.message).toContain(
      `leave room for up to 16 tags that this action sets. Remove a tag of ${image} first:\n`,
    )
    expect(error?.message).toContain(`aws ec2 create-tags --region us-east-1 --resources ${image}`)
    expect(error?.message).not.toContain('did not come from EC2')
  })

  test('the action sets eight tags on an image with a base image, and nine on its copy', async () => {
    const [image, copy] = [await account.makeImage({}), await account.makeImage({}, 'eu-west-1')]
    using scene = fakePacker(account, printArtifact(`us-east-1:${image}`, `eu-west-1:${copy}`))
    const inputs = { ...INPUTS, 'base-ami': 'ami-03cf127a' }
    const run = await scene.start({ inputs, env: FAST }).ended
    expect(run.exitCode, run.log).toBe(0)
    const tags = async (id: string, region: string) =>
      (await account.inventory(region)).images.find(({ ImageId }) => ImageId === id)?.Tags ?? []
    expect(await tags(copy, 'eu-west-1')).toHaveLength(9)
    expect(await tags(image, 'us-east-1')).toHaveLength(8)
  })
})
