import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type CreatedResources,
  NO_RESOURCES,
  readTraces,
  trackCreatedResources,
  writeTraces,
} from '../src/packer/created-resources.ts'
import { toLines } from '../src/packer/lines.ts'
import {
  advise,
  imagesOf,
  isCleanupError,
  isDiagnostic,
  type Message,
  phaseOf,
  readMessage,
} from '../src/packer/messages.ts'
import { openLog, stdoutIn } from '../src/packer/output-files.ts'
import { createAttribution, type Said } from '../src/packer/said.ts'
import { makeDice } from './support/definitions.ts'
import { makeWorkspace } from './support/workspace.ts'

const MIB = 1024 * 1024
const IMAGE = 'ami-0123456789abcdef0'
const OTHER_IMAGE = 'ami-0fedcba9876543210'

describe('a stream of bytes', () => {
  const text = 'one\r\n\nzwei ä\n日本\u{1f600}\r\n\r\na\rb\r\r\nend\n'
  const lines = ['one', '', 'zwei ä', '日本\u{1f600}', '', 'a\rb\r', 'end']

  test('is cut into its lines, whichever two places the reads split it at', () => {
    const bytes = Buffer.from(text)
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const reads = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
        expect(linesOf(reads), `split at ${first} and ${second}`).toEqual(lines)
      }
    }
  })

  test('is cut into its lines when it comes byte by byte', () => {
    expect(linesOf(Array.from(Buffer.from(text), byte => Buffer.of(byte)))).toEqual(lines)
  })

  test('keeps a line that the reader overwrites in its buffer', () => {
    const seen: string[] = []
    const sink = toLines(line => seen.push(line))
    const buffer = Buffer.from('begun ')
    sink(buffer)
    buffer.write('ended\n')
    sink(buffer)
    expect(seen).toEqual(['begun ended'])
  })

  test('hands a line on as soon as it has ended, and no sooner', () => {
    const seen: string[] = []
    const sink = toLines(line => seen.push(line))
    sink(Buffer.from(`1,app,artifact,0,id,us-east-1:${IMAGE.slice(0, 12)}`))
    expect(seen).toEqual([])
    sink(Buffer.from(`${IMAGE.slice(12)}\n2,`))
    expect(seen).toEqual([`1,app,artifact,0,id,us-east-1:${IMAGE}`])
  })

  test('has no line without bytes', () => {
    expect(linesOf([])).toEqual([])
    expect(linesOf([Buffer.alloc(0)])).toEqual([])
  })

  test('that is no UTF-8 becomes replacement characters, line by line', () => {
    expect(linesOf([Buffer.from('a\xffb\n\xe2\x82\n\xacc\n', 'latin1')])).toEqual(['a\ufffdb', '\ufffd', '\ufffdc'])
  })

  test.each([5 * MIB + 1, MIB, 64 * 1024, 1000, 333])('loses the end of a 5 MiB line read by %i bytes', size => {
    const bytes = Buffer.from(`before\n${'0123456789abcdef'.repeat((5 * MIB) / 16)}\r\nafter\n`)
    const [before, long, after, ...more] = linesOf(chunksOf(bytes, size))
    expect([before, after, more]).toEqual(['before', 'after', []])
    expect(long === '0123456789abcdef'.repeat(MIB / 16)).toBe(true)
  })

  test('keeps a line of exactly 1 MiB whole', () => {
    expect(linesOf([Buffer.from(`${'x'.repeat(MIB)}\n`)])[0]?.length).toBe(MIB)
    expect(linesOf([Buffer.from(`${'x'.repeat(MIB - 1)}yz\n`)])[0]?.endsWith('xy')).toBe(true)
  })

  test('of many short lines loses none', () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`).join(''))
    const lines = linesOf(chunksOf(bytes, 4096))
    expect(lines.length).toBe(100_000)
    expect(lines.findIndex((line, index) => line !== `line ${index}`)).toBe(-1)
  })
})

describe("a line of Packer's machine-readable output", () => {
  const cases: readonly (readonly [string, Message | undefined])[] = [
    ['1732400000,,ui,say,==> app: Creating the AMI', say('==> app: Creating the AMI')],
    ['1732400000,,ui,message,    app: 1%!(PACKER_COMMA) 2%!(PACKER_COMMA) 3', say('    app: 1, 2, 3')],
    ['1732400000,,ui,error,==> app: It failed', say('==> app: It failed')],
    ['1732400000,amazon-ebs.app,ui,say,with a target', say('with a target')],
    ['1732400000,,ui,say,', say('')],
    ['1732400000,,ui,say,one\\ntwo\\r\\nthree', say('one\ntwo\r\nthree')],
    ['1732400000,,ui,say,a\u2028b\rc', say('a\u2028b\rc')],
    ['1732400000,,ui,say,%!(PACKER_COMMA', say('%!(PACKER_COMMA')],
    ['1732400000,app,error,Build failed%!(PACKER_COMMA) sorry\\nreally', failure('Build failed, sorry\nreally')],
    ['1732400000,a,b,error,Build failed', failure('Build failed')],
    ['1732400000,app,artifact,0,builder-id,mitchellh.amazonebs', artifact('builder-id', 'mitchellh.amazonebs')],
    [`1732400000,app,artifact,0,id,us-east-1:${IMAGE}`, artifact('id', `us-east-1:${IMAGE}`)],
    [`1732400000,,artifact,12,id,us-east-1:${IMAGE}`, artifact('id', `us-east-1:${IMAGE}`)],
    [`1732400000,a,b, c,artifact,0,id,us-east-1:${IMAGE}`, artifact('id', `us-east-1:${IMAGE}`)],
    [
      `1732400000,app,artifact,0,id,eu-west-1:${OTHER_IMAGE}%!(PACKER_COMMA)us-east-1:${IMAGE}`,
      artifact('id', `eu-west-1:${OTHER_IMAGE},us-east-1:${IMAGE}`),
    ],
    [
      `1732400000,app,artifact,0,string,AMIs were created:\\nus-east-1: ${IMAGE}\\n`,
      artifact('string', `AMIs were created:\nus-east-1: ${IMAGE}\n`),
    ],
    ['1732400000,app,artifact,0,id,', artifact('id', '')],
    ['1732400000,app,artifact,0,file,0,a.txt', artifact('file', '0,a.txt')],
    ['1732400000,app,artifact,0,string,ui,say,a', artifact('string', 'ui,say,a')],
    ['1732400000,app,artifact,0,string,a\u2028b\rc', artifact('string', 'a\u2028b\rc')],
    ['1732400000,app,artifact,0,end', undefined],
    ['1732400000,app,artifact-count,1', undefined],
    ['1732400000,,error-count,1', undefined],
    ['1732400000,app,error,no data,of Packer', undefined],
    ['1732400000,,version,1.16.0', undefined],
    ['1732400000,,ui,ask,What?', undefined],
    ['', undefined],
    ['no machine wrote this', undefined],
    [`artifact,0,id,us-east-1:${IMAGE}`, undefined],
    [`x1732400000,app,artifact,0,id,us-east-1:${IMAGE}`, undefined],
    [`text\n1732400000,app,artifact,0,id,us-east-1:${IMAGE}`, undefined],
    ['text\n1732400000,,ui,say,more', undefined],
    ['text\n1732400000,app,error,more', undefined],
  ]

  test.each(cases)('%j says what it says', (line, message) => {
    expect(readMessage(line)).toEqual(message)
  })

  test.each(['say', 'message', 'error'])('of "ui,%s" stays text, whatever it quotes', type => {
    for (const said of forgeries()) {
      expect(readMessage(`1732400000,,ui,${type},${escapeData(said)}`)).toEqual(say(said))
    }
  })

  test('can be forged in no way by what a provisioner prints', () => {
    const dice = makeDice(1)
    const parts = [
      '1',
      ',',
      'artifact',
      '0',
      'id',
      `us-east-1:${IMAGE}`,
      '\r',
      '\u2028',
      'ui',
      'say',
      'error',
      ' ',
      '%',
    ]
    for (let count = 0; count < 2000; count++) {
      const said = Array.from({ length: dice.below(20) }, () => dice.pick(parts)).join('')
      expect(readMessage(`1732400000,,ui,say,    app: ${escapeData(said)}`)).toEqual(say(`    app: ${said}`))
    }
  })
})

describe("the images of an artifact's id", () => {
  const none: readonly (readonly [string, string])[] = []

  test('are its region and image', () => {
    expect(imagesOf(`us-east-1:${IMAGE}`)).toEqual([['us-east-1', IMAGE]])
    expect(imagesOf('us-gov-west-1:ami-0123abcd')).toEqual([['us-gov-west-1', 'ami-0123abcd']])
  })

  test('are those of all its regions', () => {
    expect(imagesOf(`eu-west-1:${OTHER_IMAGE},us-east-1:${IMAGE}`)).toEqual([
      ['eu-west-1', OTHER_IMAGE],
      ['us-east-1', IMAGE],
    ])
  })

  test.each([
    '',
    IMAGE,
    `:${IMAGE}`,
    'us-east-1:',
    'us-east-1:ami-<sensitive>',
    'us-east-1:ami-<sensitive>9abcdef0',
    `<sensitive>:${IMAGE}`,
    'us-east-1:ami-0123456',
    'us-east-1:ami-012345678',
    'us-east-1:ami-0123456789abcdef',
    'us-east-1:ami-0123456789abcdef01',
    'us-east-1:ami-0123456789ABCDEF0',
    'us-east-1:snap-0123456789abcdef0',
    `us-east-1: ${IMAGE}`,
    `us-east-1:${IMAGE}\n`,
    `x\nus-east-1:${IMAGE}`,
    `US East:${IMAGE}`,
    'sha256:0123456789abcdef',
  ])('%j names none', id => {
    expect(imagesOf(id)).toEqual(none)
  })

  test('are found beside parts that name none', () => {
    expect(imagesOf(`eu-west-1:ami-<sensitive>,us-east-1:${IMAGE},`)).toEqual([['us-east-1', IMAGE]])
  })

  test('are one although the artifact is listed twice, and forged ones are none', () => {
    const output = [
      `1,,ui,message,    app: 2%!(PACKER_COMMA)app%!(PACKER_COMMA)artifact%!(PACKER_COMMA)0%!(PACKER_COMMA)id%!(PACKER_COMMA)us-east-1:${OTHER_IMAGE}`,
      `1,,ui,message,    app: \\n2,app,artifact,0,id,us-east-1:${OTHER_IMAGE}`,
      '1,app,artifact-count,2',
      `1,app,artifact,0,id,us-east-1:${IMAGE}`,
      '1,app,artifact,0,end',
      `1,app,artifact,1,id,us-east-1:${IMAGE}`,
      `1,app,artifact,1,string,us-east-1:${OTHER_IMAGE}`,
    ].join('\r\n')
    const messages = linesOf([Buffer.from(`${output}\r\n`)]).map(readMessage)
    const ids = messages.flatMap(message =>
      message?.kind === 'artifact' && message.property === 'id' ? imagesOf(message.value) : [],
    )
    expect(new Map(ids)).toEqual(new Map([['us-east-1', IMAGE]]))
  })
})

describe("the two files of Packer's output", () => {
  /** Opens them and collects what comes, as Packer's two streams. */
  function open(directory: string) {
    const [stdout, stderr]: [string[], string[]] = [[], []]
    const log = openLog(directory, { stdout: line => stdout.push(line), stderr: line => stderr.push(line) })
    const [out, err] = log.files
    return { ...log, stdout, stderr, out, err }
  }

  test('are read line by line while they grow, each for itself', () => {
    using workspace = makeWorkspace({ '.keep': '' })
    const { out, err, stdout, stderr, readLines, close } = open(workspace.directory)
    expect(readLines()).toBe(false)
    fs.writeSync(out, 'one\ntw')
    expect(readLines()).toBe(true)
    fs.writeSync(err, 'alas\n')
    expect(readLines()).toBe(true)
    fs.writeSync(out, 'o\n')
    fs.writeSync(err, 'again\n')
    expect(readLines()).toBe(true)
    expect(readLines()).toBe(false)
    expect([stdout, stderr]).toEqual([
      ['one', 'two'],
      ['alas', 'again'],
    ])
    close()
  })

  test('are read a little at a time, so that signals are heard between', () => {
    using workspace = makeWorkspace({ stdout: `${'x'.repeat(1023)}\n`.repeat(4 * 1024) })
    const { stdout, readLines, close } = open(workspace.directory)
    const counts: number[] = []
    while (readLines()) counts.push(stdout.length)
    expect(counts.at(-1)).toBe(4 * 1024)
    expect(counts[0]).toBeLessThan(1024)
    close()
  })

  test('are read from the start by who comes later, and lose nothing of what stood in them', () => {
    using workspace = makeWorkspace({ stdout: 'before\n', stderr: 'alas\n' })
    const first = open(workspace.directory)
    fs.writeSync(first.out, 'after\n')
    while (first.readLines());
    const second = open(workspace.directory)
    while (second.readLines());
    expect(second.stdout).toEqual(['before', 'after'])
    expect([first.stdout, first.stderr]).toEqual([second.stdout, second.stderr])
    expect(fs.readFileSync(stdoutIn(workspace.directory), 'utf8')).toBe('before\nafter\n')
    first.close()
    second.close()
  })

  test('are for the eyes of this user, and closed in the end', () => {
    using workspace = makeWorkspace({ '.keep': '' })
    const { files, close } = open(workspace.directory)
    for (const file of files) expect(fs.fstatSync(file).mode & 0o777).toBe(0o600)
    close()
    for (const file of files) expect(() => fs.fstatSync(file)).toThrow('EBADF')
  })
})

describe('a failure of Packer', () => {
  const NAME = "Put {{timestamp}} into the template's ami_name, so that every bake has a name of its own."
  const GITHUB =
    "GitHub must be reachable for plugins, and github-token must be one of github.com's. Or put the plugins on the runner."
  const ROLE = "Allow the role of this job what Packer needs; the README's policy for the bake lists it."
  const unknown = (kind: string, name: string) => `The ${kind} ${name} is unknown by Packer, and is likely part of`
  const install = (plugin: string) => `Install its plugin: packer plugins install ${plugin}`

  const cases: readonly (readonly [failure: string, advice: string])[] = [
    ['Error: name conflicts: app is used by an existing AMI: ami-1', NAME],
    [unknown('builder', 'googlecompute'), install('github.com/hashicorp/googlecompute')],
    [unknown('builder', 'amazon-ebs'), install('github.com/hashicorp/amazon')],
    [unknown('post-processor', 'docker-tag'), install('github.com/hashicorp/docker')],
    [unknown('provisioner', 'ansible-local'), install('github.com/hashicorp/ansible')],
    [unknown('provisioner', 'ansible'), install('github.com/hashicorp/ansible')],
    [unknown('provisioner', 'puppet-masterless'), install('github.com/hashicorp/puppet')],
    [unknown('provisioner', 'windows-update'), install('github.com/rgl/windows-update')],
    [unknown('provisioner', 'goss'), install('github.com/YaleUniversity/goss')],
    ['The builder amazon-ebs\n  is\n  unknown  by\n\tPacker', install('github.com/hashicorp/amazon')],
    ['Failed getting the "github.com/hashicorp/amazon" plugin', GITHUB],
    ['Get https://api.github.com/repos: 403', GITHUB],
    ['api error UnauthorizedOperation: You are not authorized', ROLE],
    ['api error AccessDenied: no', ROLE],
  ]

  test.each(cases)('%j is followed by what can be done about it', (failure, advice) => {
    expect(advise(failure)).toBe(`${failure}\n${advice}`)
    expect(advise(`${failure}\n\n`)).toBe(`${failure}\n${advice}`)
  })

  test.each(['exit status: 3', ' 1 error occurred:\n', 'apixgithub.com, api.githubxcom', ''])(
    '%j is shown as it is when nothing is known about it',
    failure => {
      expect(advise(failure)).toBe(failure)
    },
  )
})

describe('whose a text of Packer is', () => {
  const UUID = '66f2a3c1-0b4d-4e5f-8a9b-0c1d2e3f4a5b'
  const begun = 'Prevalidating any provided VPC information'
  const launching = 'Launching a source AWS instance...'

  function attributed(...texts: readonly string[]): { last: Said | undefined; builds: readonly string[] } {
    const { attribute, builds } = createAttribution()
    const said = texts.map(attribute)
    return { last: said.at(-1), builds: builds() }
  }

  const names = [
    'app',
    'ubuntu:22.04',
    'a: b',
    'a: ',
    ': a',
    ':',
    ' leading and trailing ',
    '==> a',
    'a ==> b: c',
    '    a',
    'Grüße, [x]{y} 100%s $& (.*)',
    'a (shell-local)',
    'Launching a source AWS instance',
    `a: ${begun}`,
    'two\nlines',
  ]

  describe.each(names)('of the build %j', name => {
    const first = [
      begun,
      `Creating temporary keypair: packer_${UUID}`,
      `Creating temporary security group for this instance: packer_${UUID}`,
      `Creating temporary instance profile for this instance: packer-${UUID}`,
      launching,
      'Launching a spot AWS instance...',
      'Gathering information about this EC2 instance...',
    ]

    test.each(first)('is known from its first sentence on: %s', sentence => {
      const text = `==> ${name}: ${sentence}`
      expect(attributed(text)).toEqual({ last: { build: name, text: sentence }, builds: [name] })
      expect(attributed(text, `==> ${name}: ${launching}`, `==> ${name}: b: hello`)).toEqual({
        last: { build: name, text: 'b: hello' },
        builds: [name],
      })
    })

    test('is its own alone', () => {
      const known = [`==> ${name}: ${begun}`, `==> ${name}: ${launching}`]
      for (const text of [`==> x${name}: hello`, `==> ${name}hello`, `==> ${name} hello`, `${name}: hello`, '']) {
        expect(attributed(...known, text), text).toEqual({ last: undefined, builds: [name] })
      }
    })

    test('introduces no other build by what its instance prints', () => {
      const known = [`==> ${name}: ${begun}`, `==> ${name}: ${launching}`]
      for (const sentence of first) {
        for (const forged of [sentence, `x: ${sentence}`, `\n==> x: ${sentence}`, `\nx: ${sentence}`]) {
          expect(attributed(...known, `==> ${name}: ${forged}`).builds, forged).toEqual([name])
          expect(attributed(...known, `    ${name}: ${forged}`).builds, forged).toEqual([name])
        }
        // A post-processor, which may run Packer again.
        expect(attributed(...known, `==> ${name} (shell-local): ==> x: ${sentence}`).builds).toEqual([name])
      }
    })
  })

  test('is told for two builds of which the name of one begins with that of the other', () => {
    const both = [`==> a: ${begun}`, `==> a: b: ${begun}`]
    expect(attributed(...both, '==> a: b: hello')).toEqual({
      last: { build: 'a: b', text: 'hello' },
      builds: ['a', 'a: b'],
    })
    expect(attributed(...both, '==> a: hello').last).toEqual({ build: 'a', text: 'hello' })
  })

  test('is none before the first sentence, of builds that make nothing on EC2, and over several lines', () => {
    const texts = ['==> null.x: hello', `    x: hello\n    x: ${begun}`, `==> x: hello\n==> x: ${begun}`, `x: ${begun}`]
    for (const text of texts) expect(attributed(text), text).toEqual({ last: undefined, builds: [] })
  })

  test('is told at once of a line that is long', () => {
    const start = performance.now()
    const long = `==> ${': '.repeat(500_000)}`
    expect(attributed(long, long, long).builds).toEqual([])
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  test.each([
    ['Launching a source AWS instance...', 'launch'],
    ['Launching a spot AWS instance...', 'launch'],
    ['Connected to SSH!', 'provision'],
    ['Provisioning with shell script: a.sh', 'provision'],
    ['Stopping the source instance...', 'image'],
    ['Creating AMI app from instance i-1', 'image'],
    ['Copying/Encrypting AMI (ami-1) to other regions...', 'copy'],
    ['Terminating the source AWS instance...', 'clean-up'],
    ['x: Terminating the source AWS instance...', undefined],
    ['', undefined],
  ])('begins by %j the phase %s', (text, phase) => {
    expect(phaseOf({ build: 'a: b', text })).toBe(phase)
  })

  test.each([
    ['Error terminating instance, may still be around: no', true],
    ['Error cleaning up security group. Please delete the group manually: sg-1', true],
    ['Error cleaning up keypair. Please delete the key manually: packer_1', true],
    ['Error deleting EBS volume: no', true],
    ['said Error terminating instance, may still be around', false],
    ['Terminating the source AWS instance...', false],
  ])('by %j complains of what it leaves: %s', (text, complains) => {
    expect(isCleanupError({ build: 'a: b', text })).toBe(complains)
  })

  test("is Packer's own when it builds nothing", () => {
    expect(isDiagnostic('Error: No builds to run\n\nA build command')).toBe(true)
    expect(isDiagnostic("Warning: an 'only' option was passed, but")).toBe(true)
    expect(isDiagnostic('==> app: Error: No builds to run')).toBe(false)
    expect(isDiagnostic('    app: Error: No builds to run')).toBe(false)
    expect(isDiagnostic('hello\nError: No builds to run')).toBe(false)
  })
})

describe('what Packer has begun to make', () => {
  const UUID = '66f2a3c1-0b4d-4e5f-8a9b-0c1d2e3f4a5b'
  const OTHER_UUID = UUID.replaceAll('6', '7')
  const INSTANCE = 'i-0123456789abcdef0'
  const LAUNCHING = '==> app: Launching a source AWS instance...'
  const IMAGING = `==> app: Creating AMI app-1 from instance ${INSTANCE}`

  const bake: readonly (readonly [said: string, isNew: boolean])[] = [
    ['==> app: Prevalidating any provided VPC information', false],
    [`==> app: Creating temporary keypair: packer_${UUID}`, true],
    [`==> app: Creating temporary security group for this instance: packer_${OTHER_UUID}`, true],
    [`==> app: Creating temporary instance profile for this instance: packer-${UUID}`, true],
    [LAUNCHING, true],
    [LAUNCHING, false],
    [`    app: Instance ID: ${INSTANCE}`, true],
    [`    app: Instance ID: ${INSTANCE}`, false],
    ['    app: said something', false],
    ['said something', false],
    ['', false],
    [IMAGING, false],
    [`    app: AMI: ${IMAGE}`, true],
    ['    app: Copying to: us-west-2', true],
    ['    app: Copying to: us-gov-west-12', true],
    ['    app: Copying to: us-west-2', false],
    [`    app: AMI: ${OTHER_IMAGE}`, true],
  ]

  const made: CreatedResources = {
    keyPairs: [`packer_${UUID}`],
    securityGroups: [`packer_${OTHER_UUID}`],
    roles: [`packer-${UUID}`],
    launchTemplates: [],
    instances: [INSTANCE],
    images: [IMAGE, OTHER_IMAGE],
    copyRegions: ['us-west-2', 'us-gov-west-12'],
    snapshots: [],
    snapshotSources: [],
    attachedDevices: [],
    launching: true,
    isUntrusted: false,
  }

  function tracesOf(...texts: readonly string[]): CreatedResources {
    const { note, traces } = readTexts()
    texts.forEach(note)
    return traces()
  }

  test('is known from what it says, and each new thing is told as such', () => {
    const { note, traces } = readTexts()
    expect(traces()).toEqual(NO_RESOURCES)
    for (const [said, isNew] of bake) expect(note(said), said).toBe(isNew)
    expect(traces()).toEqual(made)
  })

  test('is nothing before it says anything', () => {
    const kinds = ['keyPairs', 'securityGroups', 'instances', 'launchTemplates', 'images', 'copyRegions', 'roles']
    const ofOtherBuilders = ['snapshots', 'snapshotSources', 'attachedDevices']
    expect(NO_RESOURCES).toEqual({
      ...Object.fromEntries([...kinds, ...ofOtherBuilders].map(kind => [kind, []])),
      launching: false,
      isUntrusted: false,
    })
  })

  test('is not told by the instance once it runs', () => {
    const spot = [LAUNCHING, '==> app: Created Spot Fleet launch template: lt-0123456789abcdef0']
    const lies = [
      `    app: Instance ID: ${INSTANCE}`,
      '    app: Created Spot Fleet launch template: lt-00000000',
      '    app: Error launching source instance: no api error at all',
      LAUNCHING,
      `    app: Instance ID: ${INSTANCE}`,
    ]
    expect(tracesOf(...spot, ...lies)).toEqual(tracesOf(...spot))
    const plain = [LAUNCHING, `    app: Instance ID: ${INSTANCE}`]
    expect(tracesOf(...plain, ...lies)).toEqual(tracesOf(...plain))
  })

  test('is known of several builds at once, each in its own stage', () => {
    const theirs = bake.map(([said]) => said.replace('app:', 'other:').replace(UUID, OTHER_UUID))
    const both = tracesOf(...bake.map(([said]) => said), ...theirs)
    expect(both).toEqual({
      ...made,
      keyPairs: [`packer_${UUID}`, `packer_${OTHER_UUID}`],
      roles: [`packer-${UUID}`, `packer-${OTHER_UUID}`],
    })
  })

  const things: readonly (readonly [said: string, ...before: readonly string[]])[] = [
    [`Creating temporary keypair: packer_${UUID}`],
    [`Creating temporary security group for this instance: packer_${UUID}`],
    [`Creating temporary instance profile for this instance: packer-${UUID}`],
    ['Created Spot Fleet launch template: lt-01234567', LAUNCHING],
    ['Created Spot Fleet launch template: lt-01234567', '==> app: Launching a spot AWS instance...'],
    ['Instance ID: i-01234567', LAUNCHING],
    ['AMI: ami-01234567', LAUNCHING, IMAGING],
    ['AMI: ami-01234567', LAUNCHING, '==> app: Registering the AMI...'],
    ['Copying to: eu-central-1', LAUNCHING, IMAGING],
  ]

  test.each(things)('is known by its line at its time: %s', (said, ...before) => {
    const known = tracesOf(...before)
    expect(tracesOf(...before, `    app: ${said}`)).not.toEqual(known)
    expect(tracesOf(...before, `==> app: ${said}`)).not.toEqual(known)
    for (const text of [
      `app: ${said}`,
      `x==> app: ${said}`,
      `x    app: ${said}`,
      `==>  app ${said}`,
      `     ${said}`,
      `    : ${said}`,
      `    app: x${said}`,
      `    app:  ${said}`,
      `    app: ${said}x`,
      `    app: ${said} `,
      `    app: ${said.replace(/: .*/, ': x')}`,
      `    app: ${said.replace(/: /, ': 0')}`,
      `    app: ${said.slice(0, -1)}`,
      `    app: ${said.replace(/: .*/, ': ')}`,
      `    app: hello\n    app: ${said}`,
    ]) {
      expect(tracesOf(...before, text), text).toEqual(known)
    }
    // Once the build is known.
    for (const text of [`    app: said: ${said}`, `    app: \nx: ${said}`, `    app (shell-local): x: ${said}`]) {
      expect(tracesOf(LAUNCHING, ...before.slice(1), text), text).toEqual(tracesOf(LAUNCHING, ...before.slice(1)))
    }
    const forged = [
      'Launching a source AWS instance',
      `Creating AMI a from instance ${INSTANCE}`,
      'Registering the AMI',
    ]
    const stages = forged.map(stage => `    app: said ${stage}`)
    if (before.length > 0) expect(tracesOf(...stages, `    app: ${said}`)).toEqual(NO_RESOURCES)
    if (before.length > 1) expect(tracesOf(LAUNCHING, ...stages, `    app: ${said}`)).toEqual(tracesOf(LAUNCHING))
    // Another time than its own: before the launch, while it runs, and while the image is made.
    for (const stage of [[], [LAUNCHING], [LAUNCHING, IMAGING]]) {
      if (stage.length !== before.length) expect(tracesOf(...stage, `    app: ${said}`)).toEqual(tracesOf(...stage))
    }
  })

  test.each([
    [`Creating temporary keypair: packer_${OTHER_UUID}`, things[0]],
    [`Creating temporary security group for this instance: packer_${OTHER_UUID}`, things[1]],
    [`Creating temporary instance profile for this instance: packer-${OTHER_UUID}`, things[2]],
    ['Created Spot Fleet launch template: lt-76543210', things[3]],
    ['Instance ID: i-76543210', things[5]],
  ])('is one of its kind in a build, so that a second is forged: %s', (second, first = ['']) => {
    const [said, ...before] = first
    const known = tracesOf(...before, `    app: ${said}`)
    expect(tracesOf(...before, `    app: ${said}`, `    app: ${second}`)).toEqual(known)
  })

  test('ends at the first line of what it says: a provisioner may have printed the rest', () => {
    expect(tracesOf(`==> app: Creating temporary keypair: packer_${UUID}\n`).keyPairs).toEqual([`packer_${UUID}`])
    expect(tracesOf(`\n==> app: Creating temporary keypair: packer_${UUID}`)).toEqual(NO_RESOURCES)
  })

  describe('an instance', () => {
    const isLaunching = (...said: readonly string[]) => tracesOf(...said).launching

    test('may be there from the moment it is asked for', () => {
      expect(isLaunching(LAUNCHING)).toBe(true)
      expect(isLaunching('==> app: Launching a spot AWS instance...')).toBe(true)
      expect(isLaunching('    app: I am Launching a source AWS instance')).toBe(false)
      expect(isLaunching('==> app: Launching a rocket')).toBe(false)
    })

    test('is not there when EC2 refused it, but may be when the answer was lost', () => {
      const refusal =
        'Error launching source instance: operation error EC2: RunInstances, api error VcpuLimitExceeded: no'
      const { note, traces } = readTexts()
      note(LAUNCHING)
      expect(note(`==> app: ${refusal}`)).toBe(true)
      expect(traces().launching).toBe(false)
      expect(isLaunching(LAUNCHING, '==> app: Error launching source instance: timeout')).toBe(true)
      expect(isLaunching(LAUNCHING, '==> app: Error launching source instance: rapid errors')).toBe(true)
      expect(isLaunching(LAUNCHING, `    app: said ${refusal}`)).toBe(true)
      expect(isLaunching(LAUNCHING, `==> other: ${refusal}`)).toBe(true)
    })
  })

  describe('a temporary role', () => {
    const created = (build: string, uuid: string) =>
      `==> ${build}: Creating temporary instance profile for this instance: packer-${uuid}`

    test('goes with the build that has deleted it', () => {
      const roles = tracesOf(
        created('app', UUID),
        `==> app: Creating temporary keypair: packer_${UUID}`,
        created('other', OTHER_UUID),
        '==> app: Deleting temporary instance profile...',
      )
      expect(roles).toEqual({ ...NO_RESOURCES, roles: [`packer-${OTHER_UUID}`], keyPairs: [`packer_${UUID}`] })
      expect(tracesOf(created('app', UUID), '    app: Deleting temporary').roles).toEqual([`packer-${UUID}`])
    })

    test.each(['role', 'instance profile'])('stays when Packer could not delete the %s', what => {
      const complaint = `==> app: Error deleting. Please delete the ${what} manually: packer-${UUID}`
      const begun = '==> app: Prevalidating any provided VPC information'
      const deleting = '==> app: Deleting temporary instance profile...'
      expect(tracesOf(created('app', UUID), deleting, complaint).roles).toEqual([`packer-${UUID}`])
      expect(tracesOf(begun, complaint, complaint).roles).toEqual([`packer-${UUID}`])
      expect(tracesOf(begun, `${complaint}x`).roles).toEqual([])
      expect(tracesOf(begun, complaint.replace('packer-', 'my-')).roles).toEqual([])
    })
  })

  describe('by the builders that make snapshots themselves', () => {
    const CHROOT = ['==> app: Gathering information about this EC2 instance...']
    const attached = [...CHROOT, '==> app: Attaching the root volume to /dev/sdf']
    const volume = 'vol-0123456789abcdef0'

    test('is the snapshot that amazon-chroot names, and none before it makes one', () => {
      const said = '    app: Snapshot ID: snap-0123456789abcdef0'
      expect(tracesOf(...attached, said).snapshots).toEqual([])
      expect(tracesOf(...attached, '==> app: Creating snapshot...', said).snapshots).toEqual(['snap-0123456789abcdef0'])
    })

    test('is the volume that amazon-chroot attaches, until it deletes it', () => {
      const deleted = [...attached, '==> app: Deleting the created EBS volume...']
      expect(tracesOf(...attached)).toEqual({ ...NO_RESOURCES, attachedDevices: ['/dev/sdf'] })
      expect(tracesOf(...attached, '==> app: Attaching the root volume to /dev/sdg').attachedDevices).toEqual([
        '/dev/sdf',
      ])
      expect(tracesOf(...deleted)).toEqual(NO_RESOURCES)
      const complaint = '==> app: Error deleting EBS volume: api error VolumeInUse: no'
      expect(tracesOf(...deleted, complaint).attachedDevices).toEqual(['/dev/sdf'])
    })

    test('is no key pair that a program in the chroot prints', () => {
      expect(tracesOf(...attached, `    app: Creating temporary keypair: packer_${UUID}`).keyPairs).toEqual([])
    })

    test('are the volumes that amazon-ebssurrogate makes snapshots of', () => {
      const said = [
        LAUNCHING,
        '==> app: Creating snapshot tags',
        `==> app: Creating snapshot of EBS Volume ${volume}...`,
      ]
      expect(tracesOf(...said).snapshotSources).toEqual([volume])
      expect(tracesOf(LAUNCHING, `    app: Creating snapshot of EBS Volume ${volume}x...`).snapshotSources).toEqual([])
    })
  })

  describe('as tags', () => {
    const tags = new Map([
      ['ami_bakery_key_pairs', `packer_${UUID}`],
      ['ami_bakery_security_groups', `packer_${OTHER_UUID}`],
      ['ami_bakery_roles', `packer-${UUID}`],
      ['ami_bakery_launch_templates', 'lt-0123456789abcdef0'],
      ['ami_bakery_instances', INSTANCE],
      ['ami_bakery_images', `${IMAGE} ${OTHER_IMAGE}`],
      ['ami_bakery_copy_regions', 'us-west-2 us-gov-west-12'],
      ['ami_bakery_snapshots', 'snap-0123456789abcdef0'],
      ['ami_bakery_snapshot_sources', 'vol-0123456789abcdef0'],
      ['ami_bakery_attached_devices', '/dev/sdf'],
      ['ami_bakery_launching', 'true'],
    ])

    const ofOtherBuilders = {
      snapshots: ['snap-0123456789abcdef0'],
      snapshotSources: ['vol-0123456789abcdef0'],
      attachedDevices: ['/dev/sdf'],
    }
    const all = { ...made, ...ofOtherBuilders, launchTemplates: ['lt-0123456789abcdef0'] }
    const hearsay = { isUntrusted: true }

    test('is written and read again, as hearsay', () => {
      expect(writeTraces(all)).toEqual(tags)
      expect(readTraces(tags)).toEqual({ ...all, ...hearsay })
    })

    test('is written empty when there is nothing, so that what stood there goes', () => {
      expect(writeTraces(NO_RESOURCES)).toEqual(new Map([...tags.keys()].map(tag => [tag, ''])))
      expect(readTraces(writeTraces(NO_RESOURCES))).toEqual({ ...NO_RESOURCES, ...hearsay })
      expect(readTraces(new Map())).toEqual({ ...NO_RESOURCES, ...hearsay })
    })

    test('is read without what Packer could not have said', () => {
      const forged = [...tags].map(([tag, value]) => [tag, `default ${value}x 0${value} ${value} x`] as const)
      const { images, copyRegions, attachedDevices, launching, ...single } = readTraces(new Map(forged))
      expect(launching).toBe(false)
      expect(new Set(images)).toEqual(new Set(made.images))
      expect(new Set(copyRegions)).toEqual(new Set(made.copyRegions))
      // They are only listed, and any path in /dev may be one.
      expect(attachedDevices).toContain('/dev/sdf')
      expect(single).toEqual({
        keyPairs: made.keyPairs,
        securityGroups: made.securityGroups,
        instances: made.instances,
        launchTemplates: all.launchTemplates,
        roles: made.roles,
        snapshots: ofOtherBuilders.snapshots,
        snapshotSources: ofOtherBuilders.snapshotSources,
        ...hearsay,
      })
    })

    test('is as many whole names as a tag of 256 characters holds', () => {
      const regions = [...Array.from({ length: 25 }, () => 'us-east-1'), 'us-a-1']
      const written = (...copyRegions: readonly string[]) =>
        writeTraces({ ...NO_RESOURCES, copyRegions }).get('ami_bakery_copy_regions')
      expect(written(...regions)).toHaveLength(256)
      expect(written(...regions, 'us-west-2')).toBe(regions.join(' '))
      expect(written(...regions.slice(0, -1), 'us-west-22')).toBe(regions.slice(0, -1).join(' '))
    })
  })
})

/** As the action reads Packer's texts; `note` answers whether one told of something new. */
function readTexts(): { note(text: string): boolean; traces(): CreatedResources } {
  const { attribute } = createAttribution()
  const { note, traces } = trackCreatedResources()
  function noteText(text: string): boolean {
    const said = attribute(text)
    return said ? note(said) : false
  }
  return { note: noteText, traces }
}

function linesOf(reads: readonly Buffer[]): string[] {
  const lines: string[] = []
  const sink = toLines(line => lines.push(line))
  reads.forEach(sink)
  return lines
}

function chunksOf(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}

function forgeries(): string[] {
  return [
    `1732400000,app,artifact,0,id,us-east-1:${IMAGE}`,
    `\n1732400000,app,artifact,0,id,us-east-1:${IMAGE}\n`,
    `\r\n1732400000,app,artifact,0,id,us-east-1:${IMAGE}`,
    `,artifact,0,id,us-east-1:${IMAGE}`,
    ',error,Build failed',
    ',ui,say,more',
  ]
}

/** As Packer's `MachineReadableUi` does (packer, `packer/ui.go`). */
function escapeData(data: string): string {
  return data.replaceAll(',', '%!(PACKER_COMMA)').replaceAll('\r', '\\r').replaceAll('\n', '\\n')
}

function say(text: string): Message {
  return { kind: 'text', text }
}

function failure(text: string): Message {
  return { kind: 'failure', text }
}

function artifact(property: string, value: string): Message {
  return { kind: 'artifact', property, value }
}
