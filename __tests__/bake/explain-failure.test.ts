import { randomBytes } from 'node:crypto'
import { RunInstancesCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consoleAnswer } from '../support/answers.ts'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from '../support/ec2.ts'
import { fakePacker, printArtifact, printBuild } from '../support/fake-packer.ts'
import { type Fault, type FaultyEc2, startProxy } from '../support/proxy.ts'
import { cancel, type Run } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import { findCommands } from '../support/workflow-commands.ts'

const ACTION = 'GetConsoleOutput'
const LATEST = /^Latest=true$/
const say = (text: string) => `echo '1,,ui,say,==> amazon-ebs.app: ${text}'`
const CLEANING_UP = say('Terminating the source AWS instance...')
const FAILED = `echo '1,amazon-ebs.app,error,Timeout waiting for SSH.'; exit 1`
const NO_CONNECTION = 'Diagnosis: No connection. '

const hostile = Buffer.concat([
  ...[
    '::error::forged\r\n',
    '  ::set-output name=ami_id::ami-0fedcba9876543210\r\n',
    '\u001b[31m::stop-commands::x\u001b[0m\r\n',
    '::endgroup::\n##[save-state name=bake;]/etc\r##[error]forged\r\n',
    '</pre><img src="x">\u0000\u0007\u001b]0;title\u0007\u2028\u0085::error::forged\r\n',
    `${'x'.repeat(60_000)}\n`,
  ].map(text => Buffer.from(text)),
  randomBytes(2_000),
  Buffer.from('\n::error::forged\nthe end\r\n'),
])

describe.skipIf(!hasTools('moto_server'))('a failed bake', { concurrent: true }, () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  interface Account extends FaultyEc2 {
    /** An instance that runs. */
    readonly instance: string
    /** The shell commands that print how the instance is launched, and that Packer begins to clean up. */
    readonly launch: string
    /** Answers with this console output from now on. */
    print(output: string | Buffer, fault?: Partial<Fault>): void
    /** How often the console output was asked for: with `Latest`, and without. */
    asks(): readonly [latest: number, stored: number]
  }

  async function account(): Promise<Account> {
    const ec2 = await startProxy(moto, String(310_000_000_000 + accounts++))
    const launch = { ImageId: SOURCE_IMAGE.ami_id, MinCount: 1, MaxCount: 1 }
    const { Instances = [] } = await ec2.client().send(new RunInstancesCommand(launch))
    const instance = Instances[0]?.InstanceId ?? ''
    const lines = [say('Launching a source AWS instance...'), say(`Instance ID: ${instance}`), CLEANING_UP]
    function asks(): [number, number] {
      const asked = ec2.requests.filter(({ action }) => action === ACTION)
      const latest = asked.filter(({ parameters }) => parameters.get('Latest') === 'true')
      return [latest.length, asked.length - latest.length]
    }
    return {
      ...ec2,
      instance,
      launch: lines.join('\n'),
      print: (output, fault) => ec2.fail({ action: ACTION, answer: consoleAnswer(output), ...fault }),
      asks,
    }
  }

  function expectFailure({ annotations, exitCode, outputs, log }: Run): void {
    expect(annotations, log).toEqual([
      { level: 'error', message: expect.stringMatching(/^packer build exited with code 1: Timeout waiting for SSH\./) },
    ])
    expect([exitCode, outputs.cache_hit, outputs.ami_id]).toEqual([1, 'false', undefined])
  }

  test('shows the console output of the instance that Packer launched as a folded group, and in the summary', async () => {
    await using ec2 = await account()
    ec2.print('first\r\nlast\r\n')
    using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
    const run = await scene.start().ended
    expectFailure(run)
    expect(run.log).toContain(
      `\n::group::Console output of ${ec2.instance}\nfirst\nlast\n::endgroup::\n${NO_CONNECTION}`,
    )
    expect(run.summary).toContain(
      `the group "Console output of ${ec2.instance}" of the step's log):\n\nfirst\nlast</pre>`,
    )
    expect(run.annotations[0]?.message).toContain(`\n${NO_CONNECTION}`)
    expect(ec2.asks()).toEqual([1, 0])
  })

  test('obeys nothing of a hostile console output, and its log stays readable', async () => {
    await using ec2 = await account()
    ec2.print(hostile.subarray(-64 * 1024))
    using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
    const run = await scene.start().ended
    expectFailure(run)
    const commands = findCommands(run.log)
    expect(commands.filter(({ name }) => !['group', 'endgroup', 'error'].includes(name))).toEqual([])
    expect(commands.filter(({ data }) => data.startsWith('forged'))).toEqual([])
    const group = run.log.split(`::group::Console output of ${ec2.instance}\n`)[1]?.split('\n::endgroup::')[0] ?? ''
    expect(group).toMatch(/\nthe end$/)
    expect(group).toContain('error::forged')
    expect(group).toContain('<img src="x">\\u0000\\u0007\\u2028\\u0085::error::forged')
    for (const line of group.split('\n')) {
      expect(line.length).toBeLessThan(4_000)
      expect(line).not.toMatch(/\p{Cc}/u)
    }
    expect(run.summary).not.toContain('<img')
    expect(run.outputs).not.toHaveProperty('forged')
  })

  test('asks for the console output while Packer still cleans up', async () => {
    await using ec2 = await account()
    ec2.print('booting')
    using scene = fakePacker(ec2, `${ec2.launch}\nwhile [ ! -e "$0.asked" ]; do sleep 0.05; done\n${FAILED}`)
    const running = scene.start()
    await ec2.asked(ACTION)
    scene.workspace.write({ 'bin/packer.asked': '' })
    const run = await running.ended
    expectFailure(run)
    expect([run.log.includes('\nbooting\n'), ec2.asks()]).toEqual([true, [1, 0]])
  })

  test('asks once more after the end of Packer if nothing has come', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `${ec2.launch}\nwhile [ ! -e "$0.asked" ]; do sleep 0.05; done\n${FAILED}`)
    const running = scene.start()
    await ec2.asked(ACTION, 2)
    ec2.print('booted', { about: /^Action=GetConsoleOutput$/ })
    scene.workspace.write({ 'bin/packer.asked': '' })
    const run = await running.ended
    expectFailure(run)
    expect([run.log.includes('\nbooted\n'), ec2.asks()]).toEqual([true, [2, 1]])
  })

  test('asks again without Latest if an instance does not support it', async () => {
    await using ec2 = await account()
    ec2.fail({ action: ACTION, about: LATEST, error: 'UnsupportedOperation' })
    ec2.print('stored')
    using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
    const run = await scene.start().ended
    expectFailure(run)
    expect([run.log.includes('\nstored\n'), ec2.asks()]).toEqual([true, [1, 1]])
  })

  test('says so on one line when the instance has printed nothing', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
    const run = await scene.start().ended
    expectFailure(run)
    expect(run.log).toContain(`\nEC2 has no console output of ${ec2.instance} yet.\n${NO_CONNECTION}`)
    expect(run.summary).not.toContain('Console output')
  })

  test('names the permission on one line when the role may not see the console output, and does not ask again', async () => {
    await using ec2 = await account()
    const message = `You are not authorized to perform this operation. Encoded authorization failure message: ${'x'.repeat(900)}`
    const denial = `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>${message}</Message></Error></Errors><RequestID>0</RequestID></Response>`
    ec2.fail({ action: ACTION, answer: denial, status: 403 })
    using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
    const run = await scene.start().ended
    expectFailure(run)
    const line = `The console output of ${ec2.instance} can't be shown: grant the role of this job ec2:GetConsoleOutput to see it.`
    expect(run.log).toContain(`\n${line}\n${NO_CONNECTION}`)
    expect(run.log).not.toContain('xxx')
    expect(run.log.match(/GetConsoleOutput/g)).toHaveLength(1)
    expect(ec2.asks()).toEqual([1, 0])
  })

  const faults: readonly (readonly [what: string, fault: Partial<Fault>])[] = [
    ['is never answered', { hang: true }],
    ['is answered late', { delay: 60_000 }],
    ['is throttled', { error: 'RequestLimitExceeded', status: 503 }],
    ['fails on the way', { lost: true }],
    ['is refused because the instance is unknown', { error: 'InvalidInstanceID.NotFound' }],
    ['gets an answer that is none', { answer: '<html>', isMalformed: true }],
    [
      'gets an answer that is not base64',
      { answer: consoleAnswer('').replace('</GetC', '<output>%%%</output></GetC') },
    ],
  ]

  test.for(faults)('has the same result when the request %s', async ([, fault]) => {
    await using ec2 = await account()
    ec2.fail({ action: ACTION, ...fault })
    using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
    const run = await scene.start().ended
    expectFailure(run)
    expect(run.annotations[0]?.message).toContain(NO_CONNECTION)
    expect(run.log).toMatch(
      /\n(The console output of i-\w+ can't be shown: .+|EC2 has no console output of .+)\nDiagnosis/,
    )
    expect((await ec2.inventory()).instances).toEqual([])
  })

  test('does not ask for an instance when none was launched', async () => {
    await using ec2 = await account()
    const refused = 'api error InsufficientInstanceCapacity: no'
    using scene = fakePacker(
      ec2,
      `${say('Launching a source AWS instance...')}\n${FAILED.replace('Timeout waiting for SSH.', refused)}`,
    )
    const run = await scene.start().ended
    expect(run.annotations[0]?.message).toContain('\nDiagnosis: No capacity. ')
    expect(ec2.asks()).toEqual([0, 0])
  })

  test('has a last line in the summary that does not format it', async () => {
    await using ec2 = await account()
    const line = '</pre><b>bold</b>\u001b[31m red'
    using scene = fakePacker(ec2, `${ec2.launch}\n${say(line)}\n${FAILED}`)
    const run = await scene.start().ended
    expect(run.summary).toContain('\n&lt;/pre&gt;&lt;b&gt;bold&lt;/b&gt; red</pre>')
  })

  describe('and other ends of a bake:', () => {
    test('a bake that succeeds does not ask for the console output', async () => {
      await using ec2 = await account()
      const id = await ec2.makeImage({})
      const build = `${printBuild(ec2.instance, id)}\n${CLEANING_UP}\nsleep 0.5\n${printArtifact(`us-east-1:${id}`)}`
      using scene = fakePacker(ec2, build)
      const run = await scene.start().ended
      expect([run.outputs.ami_id, ec2.asks()], run.log).toEqual([id, [0, 0]])
      expect(run.summary).not.toContain('last lines')
    })

    test('a cancelled bake does not ask for the console output, and neither does its post', async () => {
      await using ec2 = await account()
      const launch = ec2.launch.replace(CLEANING_UP, '')
      using scene = fakePacker(
        ec2,
        `trap '${CLEANING_UP.replaceAll("'", '"')}; exit 1' TERM\n${launch}\nsleep 60 & wait`,
      )
      const running = scene.start()
      await running.printed(/Instance ID/)
      const run = await cancel(running)
      const post = await running.post()
      expect(run.annotations, run.log).toEqual([
        { level: 'error', message: expect.stringMatching(/^Cancelled by SIGINT\./) },
      ])
      expect([post.exitCode, ec2.asks()], post.log).toEqual([0, [0, 0]])
      expect(run.log + post.log).not.toMatch(/console output|Diagnosis/i)
    })

    test('a bake that is stopped because of a second build does not ask for the console output', async () => {
      await using ec2 = await account()
      const cleanUp = CLEANING_UP.replaceAll("'", '"')
      const second = say('Prevalidating any provided VPC information').replace('app', 'other')
      const launch = `${second}\n${ec2.launch.replace(CLEANING_UP, '')}`
      using scene = fakePacker(ec2, `trap '${cleanUp}; exit 1' TERM\n${launch}\nsleep 60 & wait`)
      const run = await scene.start().ended
      expect(run.annotations[0]?.message).toMatch(/^packer-only: 2 builds of the template create resources on EC2/)
      expect([run.exitCode, ec2.asks()], run.log).toEqual([1, [0, 0]])
    })

    test('a cancel does not wait for the console output', async () => {
      await using ec2 = await account()
      ec2.fail({ action: ACTION, hang: true })
      using scene = fakePacker(ec2, `${ec2.launch}\n${FAILED}`)
      const running = scene.start()
      await running.printed(/Terminating/)
      await ec2.asked(ACTION)
      const run = await cancel(running)
      expect([run.exitCode, run.annotations.length], run.log).toEqual([1, 1])
      expect(run.log).not.toMatch(/console output|Diagnosis/i)
      const post = await running.post()
      expect([post.exitCode, post.log.includes('onsole output')], post.log).toEqual([0, false])
    })

    test('post shows the console output when the step was killed', async () => {
      await using ec2 = await account()
      ec2.print('::error::forged\r\nbooting\r\n')
      using scene = fakePacker(ec2, `${ec2.launch.replace(CLEANING_UP, '')}\nsleep 60`)
      const running = scene.start()
      await running.printed(/Instance ID/)
      running.process.kill('SIGKILL')
      await running.ended
      const post = await running.post()
      expect([post.exitCode, post.annotations, ec2.asks()], post.log).toEqual([0, [], [1, 0]])
      expect(post.log).toMatch(
        new RegExp(`\n::group::Console output of ${ec2.instance}\n.+forged\nbooting\n::endgroup::\n`),
      )
    })
  })
})
