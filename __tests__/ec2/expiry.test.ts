import { createHash } from 'node:crypto'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateKeyPairCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type FakeScene, fakePacker, INPUTS, printArtifact } from '../support/fake-packer.ts'
import { FAST } from '../support/interruption.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import type { Run } from '../support/runner.ts'
import { serve } from '../support/serve.ts'
import { hasTools } from '../support/tools.ts'

const HOLDER = 'https://github.com/example/other/actions/runs/1/attempts/1'
/** A quarter of an hour on the scale of {@link FAST}, in seconds. */
const RESERVE = 90
const HALF_AN_HOUR_LATER = 'data:text/javascript,process.uptime=()=>181'

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()

describe.skipIf(!hasTools('moto_server'))('credentials that expire', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  async function setUp(): Promise<AsyncDisposable & { ec2: FaultyEc2; scene: FakeScene }> {
    const ec2 = await startProxy(moto, String(610_000_000_000 + accounts++))
    const scene = fakePacker(ec2, printArtifact(`us-east-1:${await ec2.makeImage({})}`))
    async function stop(): Promise<void> {
      scene[Symbol.dispose]()
      await ec2.stop()
    }
    return { ec2, scene, [Symbol.asyncDispose]: stop }
  }

  /** Creates the lease of a run that has just started. */
  async function plantLease(ec2: FaultyEc2, scene: FakeScene): Promise<void> {
    const { outputs } = await scene.start({ inputs: { ...INPUTS, 'on-miss': 'skip' } }).ended
    const template = createHash('sha1').update('ami/app.pkr.hcl').digest('hex').slice(0, 8)
    const Tags = [{ Key: 'ami_bakery_run', Value: HOLDER }]
    const KeyName = `ami-bakery-${outputs.ami_config_checksum}-${template}`
    const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags }]
    await ec2.client().send(new CreateKeyPairCommand({ KeyName, TagSpecifications }))
  }

  function expectBaked(run: Run, warnings: readonly unknown[]): void {
    expect(run.exitCode, run.log).toBe(0)
    expect(run.outputs.cache_hit).toBe('false')
    expect(run.annotations).toEqual(warnings.map(message => ({ level: 'warning', message })))
  }

  const SOON = expect.stringMatching(/^The credentials expire at .*Z, in 1 min: a bake .*role-duration-seconds/)

  test('credentials that have expired before the bake are an error, and Packer does not start', async () => {
    await using place = await setUp()
    const env = { ...FAST, AWS_CREDENTIAL_EXPIRATION: inSeconds(-60) }
    const run = await place.scene.start({ env }).ended
    const message = expect.stringMatching(/^The credentials expired at .*Z: the bake does not start\..*role-duration-s/)
    expect(run.annotations, run.log).toEqual([{ level: 'error', message }])
    expect(run.log).not.toContain('Packer v')
    expect(place.scene.workspace.has('bin/packer.builds')).toBe(false)
    expect((await place.ec2.inventory()).keyPairs).toEqual([])
  })

  test('credentials that expire during the bake are a warning before it', async () => {
    await using place = await setUp()
    const env = { ...FAST, AWS_CREDENTIAL_EXPIRATION: inSeconds(RESERVE - 30) }
    expectBaked(await place.scene.start({ env }).ended, [SOON])
  })

  test.each(['2099-01-01T00:00:00Z', '"not a date"'])(
    'credentials with the expiration %s cause no warning',
    async expiry => {
      await using place = await setUp()
      expectBaked(await place.scene.start({ env: { ...FAST, AWS_CREDENTIAL_EXPIRATION: expiry } }).ended, [])
    },
  )

  test('the wait for another run ends while the credentials still last for a bake, and the error says why', async () => {
    await using place = await setUp()
    await plantLease(place.ec2, place.scene)
    const env = { ...FAST, AWS_CREDENTIAL_EXPIRATION: inSeconds(RESERVE + 6) }
    const run = await place.scene.start({ env }).ended
    const words = `^wait-for-other-bakes: ${HOLDER} is still baking this checksum\\. The credentials expire at .*15 minutes.*role-duration`
    expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringMatching(words) }])
    expect(run.seconds).toBeGreaterThan(3)
    // Half a minute later the lease would be stale.
    expect(run.seconds).toBeLessThan(25)
    expect(place.scene.workspace.has('bin/packer.builds')).toBe(false)
  })

  test('credentials that expire during the wait are an error, not a warning about the lease', async () => {
    await using place = await setUp()
    await plantLease(place.ec2, place.scene)
    const running = place.scene.start({ env: FAST })
    await running.printed(/Waiting: /)
    await sleep(100)
    place.ec2.fail({ action: '*', error: 'RequestExpired' })
    const run = await running.ended
    const words = /\(RequestExpired\)\. The credentials have expired.*role-duration-seconds/
    expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringMatching(words) }])
  })

  test('session credentials of unknown age are a warning when the bake starts after half an hour', async () => {
    await using place = await setUp()
    const env = { ...FAST, NODE_OPTIONS: `--import=${HALF_AN_HOUR_LATER}` }
    const words = /^The bake starts 3 min after its step, and the credentials may expire.*role-duration-seconds/
    expectBaked(await place.scene.start({ env: { ...env, AWS_SESSION_TOKEN: 't' } }).ended, [
      expect.stringMatching(words),
    ])
  })

  test('keys of a user cause no warning after half an hour', async () => {
    await using place = await setUp()
    const env = { ...FAST, NODE_OPTIONS: `--import=${HALF_AN_HOUR_LATER}` }
    expectBaked(await place.scene.start({ env }).ended, [])
  })

  describe('credentials of other sources', () => {
    const WITHOUT_KEYS = { ...FAST, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }

    /** Bakes with a credential process that returns these expirations in turn, and repeats the last one. */
    async function bakeWith(...expirations: readonly string[]): Promise<Run> {
      await using place = await setUp()
      const { directory } = place.scene.workspace
      const keys = expirations.map(Expiration =>
        JSON.stringify({ Version: 1, AccessKeyId: 'test', SecretAccessKey: 's', SessionToken: 't', Expiration }),
      )
      const files = Object.fromEntries(keys.map((content, index) => [`keys.${index}`, content]))
      const script = `cd ${directory}; cat keys.0; [ -f keys.1 ] && mv keys.1 keys.0; exit 0`
      place.scene.workspace.write({
        ...files,
        config: `[default]\ncredential_process = sh ${directory}/give\n`,
        give: script,
      })
      const env = { ...WITHOUT_KEYS, AWS_CONFIG_FILE: `${directory}/config`, AWS_SHARED_CREDENTIALS_FILE: '/nowhere' }
      return await place.scene.start({ env }).ended
    }

    test('a credential process that returns the same credentials again is a warning', async () => {
      expectBaked(await bakeWith(inSeconds(RESERVE - 30)), [SOON])
    })

    test('a credential process that returns new credentials when it runs again causes no warning', async () => {
      expectBaked(await bakeWith(inSeconds(RESERVE - 30), inSeconds(3600)), [])
    })

    test('credentials of an instance cause no warning, because the instance renews them', async () => {
      await using place = await setUp()
      const more = { AccessKeyId: 'test', SecretAccessKey: 's', Token: 't', Expiration: inSeconds(RESERVE - 30) }
      const server = http.createServer(({ url = '' }, response) => {
        const keys = url.endsWith('/role') ? JSON.stringify({ Code: 'Success', ...more }) : 'role'
        response.end(url.endsWith('/api/token') ? 'token' : keys)
      })
      using metadata = await serve(server)
      const service = {
        AWS_EC2_METADATA_DISABLED: '',
        AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${metadata.port}`,
      }
      const files = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' }
      expectBaked(await place.scene.start({ env: { ...WITHOUT_KEYS, ...service, ...files } }).ended, [])
    })

    test('credentials of a profile are a warning when Packer would use a web identity instead', async () => {
      await using place = await setUp()
      const { directory } = place.scene.workspace
      place.scene.workspace.write({ keys: '[default]\naws_access_key_id = test\naws_secret_access_key = s\n' })
      const identity = { AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere', AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/a' }
      const files = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: `${directory}/keys` }
      const run = await place.scene.start({ env: { ...WITHOUT_KEYS, ...identity, ...files } }).ended
      expectBaked(run, [expect.stringMatching(/^AWS_WEB_IDENTITY_TOKEN_FILE: Packer uses it/)])
    })
  })
})
