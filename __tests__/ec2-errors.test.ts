import fs from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from './support/answers.ts'
import { type Ec2Server, startEc2 } from './support/ec2.ts'
import { fakePacker, INPUTS, printArtifact } from './support/fake-packer.ts'
import { type FaultyEc2, startProxy } from './support/proxy.ts'
import { type Run, runAction } from './support/runner.ts'
import { serve } from './support/serve.ts'
import { hasTools } from './support/tools.ts'
import { hclTemplate, makeWorkspace } from './support/workspace.ts'

const IMAGE = 'ami-0123456789abcdef0'
const HIT = imagesAnswer(
  `<item><imageId>${IMAGE}</imageId><imageState>available</imageState><creationDate>2026-01-01T00:00:00.000Z</creationDate></item>`,
)
const FAST = { AMI_BAKERY_TIME_SCALE: '0.1' }

/** A Node before 24.5, which passes over the option for proxies. */
const OLD_NODE = 'data:text/javascript,Object.defineProperty(process,%22version%22,{value:%22v24.4.0%22})'

/** A look-up with a `packer` on PATH that leaves a file behind when it is run. */
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

/** The document that EC2 answers an error with. */
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

  test.each(codes)('%s keeps its code and its sentence, and is not called a stranger’s', async (code, sentence) => {
    const message = await refuse(code, sentence)
    expect(message).toBe(`ec2:DescribeImages in us-east-1: ${sentence.replace(/\.$/, '')} (${code}).`)
  })

  test('with advice of its own keeps its code and its sentence too', async () => {
    const message = await refuse('RequestExpired', 'Request has expired.')
    expect(message).toMatch(
      /^ec2:DescribeImages in us-east-1: Request has expired \(RequestExpired\)\. The credentials/,
    )
    expect(message).toContain('Raise role-duration-seconds of aws-actions/configure-aws-credentials')
  })

  test('of several lines is told on one', async () => {
    const message = await refuse('InvalidParameterValue', 'The first line\n\n  and the second.\r\n::error::forged')
    expect(message).toBe(
      'ec2:DescribeImages in us-east-1: The first line and the second. ::error::forged (InvalidParameterValue).',
    )
  })

  const encoded = 'Zm9v_bar-'.repeat(200)

  test('that is a refusal has its encoded part in the log, and the command that reads it in the message', async () => {
    const sentence = 'You are not authorized to perform this operation.'
    const text = `${sentence} Encoded authorization failure message: ${encoded}`
    using served = await serve(answering(() => [403, errorDocument('UnauthorizedOperation', text)]))
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}` })
    const message = onlyError(run)
    expect(message).toContain('aws sts decode-authorization-message --encoded-message')
    expect(message).toMatch(/\(UnauthorizedOperation\)\. Allow the role of this job the action ec2:DescribeImages/)
    expect(message.length).toBeLessThan(500)
    expect(run.log.split(encoded)).toHaveLength(2)
    expect(run.log).toMatch(new RegExp(`^::group::.*ec2:DescribeImages\n${encoded}\n::endgroup::$`, 'm'))
  })

  test('of a role that may not be assumed names that action', async () => {
    const text =
      'User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/b'
    const message = await refuse('AccessDenied', text, 403)
    expect(message).toContain('Allow the role of this job the action sts:AssumeRole')
  })
})

describe.concurrent('an endpoint that the environment names', () => {
  /** An endpoint of one region refuses what is signed for another. */
  const regional = () =>
    answering(({ headers: { authorization = '' } }) =>
      authorization.includes('/us-east-1/ec2/')
        ? [200, HIT]
        : [401, errorDocument('AuthFailure', 'Credential should be scoped to a valid region.')],
    )

  test('serves one region, which is said when another one is refused there', async () => {
    using served = await serve(regional())
    const env = { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}` }
    const message = onlyError(await lookUp(env, { regions: 'eu-west-1' }))
    expect(message).toMatch(
      /^regions: eu-west-1 can't be asked for the image\. AWS_ENDPOINT_URL_EC2 leads to 127\.0\.0\.1:\d+/,
    )
    expect(message).toContain('an endpoint of AWS serves one region alone: remove the variable')
  })

  test('is named when it refuses the region of the look-up', async () => {
    using served = await serve(regional())
    const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${served.port}` }
    const message = onlyError(await lookUp(env, { 'aws-region': 'eu-west-1' }))
    expect(message).toMatch(/AWS_ENDPOINT_URL leads to 127\.0\.0\.1:\d+: that has to be an endpoint of eu-west-1/)
  })

  test('that has no address is what was not found, not the region', async () => {
    const message = onlyError(await lookUp({ AWS_ENDPOINT_URL_EC2: 'http://ec2.nowhere.invalid' }))
    expect(message).toContain('The host that AWS_ENDPOINT_URL_EC2 names was not found. Correct AWS_ENDPOINT_URL_EC2')
    expect(message).not.toContain('a region of EC2')
  })

  test.each([
    ['user:secret#1@127.0.0.1:9', 'http://user:secret#1@127.0.0.1:9'],
    ['a word', 'secret'],
    ['no scheme', 'user:secret@127.0.0.1:9'],
    ['another scheme', 'ftp://user:secret@127.0.0.1:9'],
  ])('and that is no address is named, not quoted: %s', async (_, url) => {
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: url })
    expect(onlyError(run)).toMatch(/^AWS_ENDPOINT_URL_EC2: its value can't be read as an address/)
    expect(run.log).not.toContain('secret')
  })

  test('is told without its password', async () => {
    using served = await serve(answering(() => [200, HIT]))
    const run = await lookUp({ AWS_ENDPOINT_URL_EC2: `http://user:s%23cret@127.0.0.1:${served.port}/a?b=c` })
    expect(run.log).toMatch(/^EC2 is asked at http:\/\/127\.0\.0\.1:\d+\/a, as AWS_ENDPOINT_URL_EC2 says\.$/m)
    expect(run.log).not.toMatch(/s%23cret|s#cret|b=c/)
  })
})

describe.concurrent('a proxy that the environment names', () => {
  const NOWHERE = { AWS_ENDPOINT_URL_EC2: 'http://ec2.nowhere.invalid' }

  const passwords = ['secret#1', 'secret/1', 'secret?1', 'p%zzsecret', '80/secret', '12#secret']
  test.each(passwords.flatMap(password => ['HTTPS_PROXY', 'http_proxy'].map(name => [name, password] as const)))(
    'and that can’t be read is named, not quoted: %s with the password %s',
    async (name, password) => {
      const run = await lookUp({ [name]: `http://user:${password}@proxy.example:3128` })
      const message = onlyError(run)
      expect(message).toMatch(new RegExp(`^${name}: its value can't be read as an address .*# as %23`))
      expect(run.log).not.toMatch(/secret|%zz/)
    },
  )

  test('by a user alone, whose odd character ends the host, is not quoted either', async () => {
    const run = await lookUp({ HTTPS_PROXY: 'http://secret#1@proxy.example:3128' })
    expect(onlyError(run)).toMatch(/^HTTPS_PROXY: its value can't be read/)
    expect(run.log).not.toContain('secret')
  })

  /** Answers for EC2 whatever it is asked to pass on, and notes with what authorization. */
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
    ['with a written # in the password', (host: string) => `http://user:secret%231@${host}`, 'user:secret#1'],
    ['with an address of IPv6', (host: string) => `http://[::ffff:127.0.0.1]:${host.split(':')[1]}`, undefined],
  ] as const
  test.each(spellings)('is used when it is written %s, as by curl and Packer', async (_, write, user) => {
    const seen: (string | undefined)[] = []
    using proxy = await serve(passOn(seen))
    const run = await lookUp({ HTTP_PROXY: write(`127.0.0.1:${proxy.port}`), ...NOWHERE })
    expect(run.outputs.ami_id, run.log).toBe(IMAGE)
    expect(seen).toEqual([user && `Basic ${Buffer.from(user).toString('base64')}`])
    expect(run.log).not.toContain('sec')
  })

  test.each(['HTTP_PROXY', 'HTTPS_PROXY'])('as %s and has no address is what was not found', async name => {
    const endpoint: Record<string, string> = name === 'HTTP_PROXY' ? NOWHERE : {}
    const run = await lookUp({ [name]: 'http://user:secret@proxy.nowhere.invalid:3128', ...endpoint })
    const message = onlyError(run)
    expect(message).toContain(`The host that ${name} names was not found. Correct ${name}, or the runner's DNS.`)
    expect(message).not.toContain('a region of EC2')
    expect(run.log).not.toContain('secret')
  })

  test('and that refuses the tunnel is told without its password', async () => {
    const server = http.createServer().on('connect', (_, socket: net.Socket) => {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    })
    using proxy = await serve(server)
    const run = await lookUp({ HTTPS_PROXY: `http://user:sec%2Fret%20@127.0.0.1:${proxy.port}` })
    expect(onlyError(run)).toContain('HTTPS_PROXY')
    expect(run.log).not.toContain('ret')
  })

  test('is no HTTP proxy: that it is passed over is a warning', async () => {
    using service = await serve(answering(() => [200, HIT]))
    const env = { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${service.port}` }
    const run = await lookUp({ ...env, HTTPS_PROXY: 'socks5://user:secret@proxy.example:1080' })
    expect(run.outputs.ami_id, run.log).toBe(IMAGE)
    const message = expect.stringMatching(/^HTTPS_PROXY: socks5:\/\/ is no HTTP proxy/)
    expect(run.annotations).toEqual([{ level: 'warning', message }])
    expect(run.log).not.toContain('secret')
  })

  test('is passed over by a Node before 24.5, which is a warning that says which one has it', async () => {
    using service = await serve(answering(() => [200, HIT]))
    const env = { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${service.port}`, NODE_OPTIONS: `--import=${OLD_NODE}` }
    const run = await lookUp({ ...env, HTTPS_PROXY: 'http://proxy.example:3128' })
    expect(run.outputs.ami_id, run.log).toBe(IMAGE)
    const message = expect.stringMatching(/^HTTPS_PROXY: Node v24\.4\.0 passes proxies over.*24\.5 or newer.*2\.328\.0/)
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

  test('is kept, and the message says how many tags the template has to leave room for', async () => {
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v']))
    const image = await account.makeImage(tags)
    using scene = fakePacker(account, printArtifact(`us-east-1:${image}`))
    const run = await scene.start({ env: FAST }).ended
    const [warning, error] = run.annotations
    expect(
      run.annotations.map(({ level }) => level),
      run.log,
    ).toEqual(['warning', 'error'])
    expect(warning?.message).toMatch(/\(TagLimitExceeded\).*The image is good without these tags\. .* up to 9 tags/)
    expect(error?.message).toMatch(
      /^ec2:CreateTags in us-east-1: .* \(TagLimitExceeded\)\. A resource has 50 tags at most/,
    )
    expect(error?.message).toContain(`leave room for up to 9 tags of this action's. Remove a tag of ${image} first:\n`)
    expect(error?.message).toContain(`aws ec2 create-tags --region us-east-1 --resources ${image}`)
    expect(error?.message).not.toContain('did not come from EC2')
  })
  test('has less of it than the nine that a copy gets at most', async () => {
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
