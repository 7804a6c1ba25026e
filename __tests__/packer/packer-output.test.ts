import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type BuildLine, createAttribution } from '../../src/packer/attribution.ts'
import {
  type CreatedResources,
  NO_RESOURCES,
  readResourceTags,
  trackCreatedResources,
  writeResourceTags,
} from '../../src/packer/created-resources.ts'
import { toLines } from '../../src/packer/lines.ts'
import {
  addHint,
  imagesOf,
  isCleanupError,
  isDiagnostic,
  isOfCleanUp,
  type Message,
  phaseOf,
  readMessage,
  startsCleanUp,
} from '../../src/packer/messages.ts'
import { openLog, stdoutIn } from '../../src/packer/output-files.ts'
import { makeDice } from '../support/definitions.ts'
import { makeWorkspace } from '../support/workspace.ts'

const MIB = 1024 * 1024
const IMAGE = 'ami-0123456789abcdef0'
const OTHER_IMAGE = 'ami-0fedcba9876543210'

describe('splitting a stream of bytes into lines', () => {
  const text = 'one\r\n\nzwei ä\n日本\u{1f600}\r\n\r\na\rb\r\r\nend\n'
  const lines = ['one', '', 'zwei ä', '日本\u{1f600}', '', 'a\rb\r', 'end']

  test('the lines are the same wherever two reads split the stream', () => {
    const bytes = Buffer.from(text)
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const reads = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
        expect(linesOf(reads), `split at ${first} and ${second}`).toEqual(lines)
      }
    }
  })

  test('the lines are the same when the stream is read byte by byte', () => {
    expect(linesOf(Array.from(Buffer.from(text), byte => Buffer.of(byte)))).toEqual(lines)
  })

  test('a partial line is kept when the reader overwrites its buffer', () => {
    const seen: string[] = []
    const sink = toLines(line => seen.push(line))
    const buffer = Buffer.from('begin ')
    sink(buffer)
    buffer.write('ended\n')
    sink(buffer)
    expect(seen).toEqual(['begin ended'])
  })

  test('a line is passed on as soon as it has ended, and not before', () => {
    const seen: string[] = []
    const sink = toLines(line => seen.push(line))
    sink(Buffer.from(`1,app,artifact,0,id,us-east-1:${IMAGE.slice(0, 12)}`))
    expect(seen).toEqual([])
    sink(Buffer.from(`${IMAGE.slice(12)}\n2,`))
    expect(seen).toEqual([`1,app,artifact,0,id,us-east-1:${IMAGE}`])
  })

  test('no bytes give no line', () => {
    expect(linesOf([])).toEqual([])
    expect(linesOf([Buffer.alloc(0)])).toEqual([])
  })

  test('invalid UTF-8 becomes replacement characters within its line', () => {
    expect(linesOf([Buffer.from('a\xffb\n\xe2\x82\n\xacc\n', 'latin1')])).toEqual(['a\ufffdb', '\ufffd', '\ufffdc'])
  })

  test.each([5 * MIB + 1, MIB, 64 * 1024, 1000, 333])(
    'a line of 5 MiB is cut to 1 MiB, read in chunks of %i bytes',
    size => {
      const bytes = Buffer.from(`before\n${'0123456789abcdef'.repeat((5 * MIB) / 16)}\r\nafter\n`)
      const [before, long, after, ...more] = linesOf(chunksOf(bytes, size))
      expect([before, after, more]).toEqual(['before', 'after', []])
      expect(long === '0123456789abcdef'.repeat(MIB / 16)).toBe(true)
    },
  )

  test('a line of exactly 1 MiB is kept whole', () => {
    expect(linesOf([Buffer.from(`${'x'.repeat(MIB)}\n`)])[0]?.length).toBe(MIB)
    expect(linesOf([Buffer.from(`${'x'.repeat(MIB - 1)}yz\n`)])[0]?.endsWith('xy')).toBe(true)
  })

  test('no line of 100,000 short lines is lost', () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`).join(''))
    const lines = linesOf(chunksOf(bytes, 4096))
    expect(lines.length).toBe(100_000)
    expect(lines.findIndex((line, index) => line !== `line ${index}`)).toBe(-1)
  })
})

describe("reading a line of Packer's machine-readable output", () => {
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

  test.each(cases)('%j gives %j', (line, message) => {
    expect(readMessage(line)).toEqual(message)
  })

  test.each(['say', 'message', 'error'])('a line of "ui,%s" is text, even if it quotes another type', type => {
    for (const said of forgeries()) {
      expect(readMessage(`1732400000,,ui,${type},${escapeData(said)}`)).toEqual(say(said))
    }
  })

  test('no output of a provisioner forges another type', () => {
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

describe("reading the images in an artifact's id", () => {
  const none: readonly (readonly [string, string])[] = []

  test('one image gives its region and its id', () => {
    expect(imagesOf(`us-east-1:${IMAGE}`)).toEqual([['us-east-1', IMAGE]])
    expect(imagesOf('us-gov-west-1:ami-0123abcd')).toEqual([['us-gov-west-1', 'ami-0123abcd']])
  })

  test('several images give the ids of all regions', () => {
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
  ])('%j contains no image', id => {
    expect(imagesOf(id)).toEqual(none)
  })

  test('other parts of the id are ignored', () => {
    expect(imagesOf(`eu-west-1:ami-<sensitive>,us-east-1:${IMAGE},`)).toEqual([['us-east-1', IMAGE]])
  })

  test('an artifact that is listed twice gives one image, and a forged artifact none', () => {
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

describe("reading the files of Packer's output", () => {
  /** Opens them and collects what comes, as Packer's two streams. */
  function open(directory: string) {
    const [stdout, stderr]: [string[], string[]] = [[], []]
    const log = openLog(directory, { stdout: line => stdout.push(line), stderr: line => stderr.push(line) })
    const [out, err] = log.files
    return { ...log, stdout, stderr, out, err }
  }

  test('each file is read line by line while it grows', () => {
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

  test('a large file is read in parts, so that signals are handled between them', () => {
    using workspace = makeWorkspace({ stdout: `${'x'.repeat(1023)}\n`.repeat(4 * 1024) })
    const { stdout, readLines, close } = open(workspace.directory)
    const counts: number[] = []
    while (readLines()) counts.push(stdout.length)
    expect(counts.at(-1)).toBe(4 * 1024)
    expect(counts[0]).toBeLessThan(1024)
    close()
  })

  test('a later reader reads from the start, and existing content is kept', () => {
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

  test('only this user can read the files, and they are closed at the end', () => {
    using workspace = makeWorkspace({ '.keep': '' })
    const { files, close } = open(workspace.directory)
    for (const file of files) expect(fs.fstatSync(file).mode & 0o777).toBe(0o600)
    close()
    for (const file of files) expect(() => fs.fstatSync(file)).toThrow('EBADF')
  })
})

describe('hints for a failure of Packer', () => {
  const NAME = "Add {{timestamp}} to the template's ami_name, so that every bake has its own name."
  const GITHUB =
    'The runner must reach GitHub to download plugins, and github-token must be a token of github.com. Or install the plugins on the runner.'
  const ROLE = "Grant the job's role the permissions that Packer needs; the README's policy for the bake lists them."
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

  test.each(cases)('%j gets the hint %j', (failure, advice) => {
    expect(addHint(failure)).toBe(`${failure}\n${advice}`)
    expect(addHint(`${failure}\n\n`)).toBe(`${failure}\n${advice}`)
  })

  test.each(['exit status: 3', ' 1 error occurred:\n', 'apixgithub.com, api.githubxcom', ''])(
    'an unknown failure gets no hint: %j',
    failure => {
      expect(addHint(failure)).toBe(failure)
    },
  )
})

describe("attributing Packer's texts to builds", () => {
  const UUID = '66f2a3c1-0b4d-4e5f-8a9b-0c1d2e3f4a5b'
  const started = 'Prevalidating any provided VPC information'
  const launching = 'Launching a source AWS instance...'

  function attributed(...texts: readonly string[]): { last: BuildLine | undefined; builds: readonly string[] } {
    const { attribute, builds } = createAttribution()
    const lines = texts.map(attribute)
    return { last: lines.at(-1), builds: builds() }
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
    `a: ${started}`,
    'two\nlines',
  ]

  describe.each(names)('a build named %j', name => {
    const first = [
      started,
      `Creating temporary keypair: packer_${UUID}`,
      `Creating temporary security group for this instance: packer_${UUID}`,
      `Creating temporary instance profile for this instance: packer-${UUID}`,
      launching,
      'Launching a spot AWS instance...',
      'Gathering information about this EC2 instance...',
    ]

    test.each(first)('the build is known after its first sentence: %s', sentence => {
      const text = `==> ${name}: ${sentence}`
      expect(attributed(text)).toEqual({ last: { build: name, text: sentence }, builds: [name] })
      expect(attributed(text, `==> ${name}: ${launching}`, `==> ${name}: b: hello`)).toEqual({
        last: { build: name, text: 'b: hello' },
        builds: [name],
      })
    })

    test('texts that only resemble those of the build are not attributed to it', () => {
      const known = [`==> ${name}: ${started}`, `==> ${name}: ${launching}`]
      for (const text of [`==> x${name}: hello`, `==> ${name}hello`, `==> ${name} hello`, `${name}: hello`, '']) {
        expect(attributed(...known, text), text).toEqual({ last: undefined, builds: [name] })
      }
    })

    test('the output of its instance introduces no other build', () => {
      const known = [`==> ${name}: ${started}`, `==> ${name}: ${launching}`]
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

  test('two builds are distinguished when the name of one starts with the name of the other', () => {
    const both = [`==> a: ${started}`, `==> a: b: ${started}`]
    expect(attributed(...both, '==> a: b: hello')).toEqual({
      last: { build: 'a: b', text: 'hello' },
      builds: ['a', 'a: b'],
    })
    expect(attributed(...both, '==> a: hello').last).toEqual({ build: 'a', text: 'hello' })
  })

  test('a text is attributed to no build before a first sentence, or if its sentence is not in the first line', () => {
    const texts = [
      '==> null.x: hello',
      `    x: hello\n    x: ${started}`,
      `==> x: hello\n==> x: ${started}`,
      `x: ${started}`,
    ]
    for (const text of texts) expect(attributed(text), text).toEqual({ last: undefined, builds: [] })
  })

  test('two builds that share a name count twice, by a first sentence that comes twice', () => {
    const keyPair = (id: string) => `==> a: Creating temporary keypair: packer_${id}`
    expect(attributed(`==> a: ${started}`, keyPair(UUID)).builds).toEqual(['a'])
    expect(attributed(`==> a: ${started}`, keyPair(UUID), `==> a: ${started}`).builds).toEqual(['a', 'a'])
    expect(attributed(keyPair(UUID), keyPair(UUID.replace(/^./, 'f'))).builds).toEqual(['a', 'a'])
  })

  test('a very long line is attributed within a second', () => {
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
  ])('the line %j starts the phase %s', (text, phase) => {
    expect(phaseOf({ build: 'a: b', text })).toBe(phase)
  })

  test.each([
    ['Error terminating instance, may still be around: no', true],
    ['Error cleaning up security group. Please delete the group manually: sg-1', true],
    ['Error cleaning up keypair. Please delete the key manually: packer_1', true],
    ['Error deleting EBS volume: no', true],
    ['said Error terminating instance, may still be around', false],
    ['Terminating the source AWS instance...', false],
  ])('the line %j reports a failed clean-up: %s', (text, expected) => {
    expect(isCleanupError({ build: 'a: b', text })).toBe(expected)
  })

  test.each([
    ['Provisioning step had errors: Running the cleanup provisioner, if present...', true, true],
    ['Terminating the source AWS instance...', true, true],
    ['Deleting temporary keypair...', false, true],
    ['No volumes to clean up, skipping', false, true],
    ['said Terminating the source AWS instance...', false, false],
    ['Deleting temporary files', false, false],
    ['Timeout waiting for SSH.', false, false],
  ])('the line %j starts a clean-up: %s, and is of one: %s', (text, starts, isOf) => {
    const line = { build: 'a: b', text }
    expect([startsCleanUp(line), isOfCleanUp(line)]).toEqual([starts, isOf])
  })

  test("Packer's own diagnostics are distinguished from texts of builds", () => {
    expect(isDiagnostic('Error: No builds to run\n\nA build command')).toBe(true)
    expect(isDiagnostic("Warning: an 'only' option was passed, but")).toBe(true)
    expect(isDiagnostic('==> app: Error: No builds to run')).toBe(false)
    expect(isDiagnostic('    app: Error: No builds to run')).toBe(false)
    expect(isDiagnostic('hello\nError: No builds to run')).toBe(false)
  })
})

describe('tracking what Packer creates', () => {
  const UUID = '66f2a3c1-0b4d-4e5f-8a9b-0c1d2e3f4a5b'
  const OTHER_UUID = UUID.replaceAll('6', '7')
  const INSTANCE = 'i-0123456789abcdef0'
  const LAUNCHING = '==> app: Launching a source AWS instance...'
  const IMAGING = `==> app: Creating AMI app-1 from instance ${INSTANCE}`

  const bake: readonly (readonly [text: string, isNew: boolean])[] = [
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

  const created: CreatedResources = {
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

  function resourcesOf(...texts: readonly string[]): CreatedResources {
    const { readText, resources } = readTexts()
    texts.forEach(readText)
    return resources()
  }

  test('resources are known from the lines of a bake, and each new one is reported once', () => {
    const { readText, resources } = readTexts()
    expect(resources()).toEqual(NO_RESOURCES)
    for (const [text, isNew] of bake) expect(readText(text), text).toBe(isNew)
    expect(resources()).toEqual(created)
  })

  test('there are no resources before the first line', () => {
    const kinds = ['keyPairs', 'securityGroups', 'instances', 'launchTemplates', 'images', 'copyRegions', 'roles']
    const ofOtherBuilders = ['snapshots', 'snapshotSources', 'attachedDevices']
    expect(NO_RESOURCES).toEqual({
      ...Object.fromEntries([...kinds, ...ofOtherBuilders].map(kind => [kind, []])),
      launching: false,
      isUntrusted: false,
    })
  })

  test('the output of a running instance adds no resources', () => {
    const spot = [LAUNCHING, '==> app: Created Spot Fleet launch template: lt-0123456789abcdef0']
    const lies = [
      `    app: Instance ID: ${INSTANCE}`,
      '    app: Created Spot Fleet launch template: lt-00000000',
      '    app: Error launching source instance: no api error at all',
      LAUNCHING,
      `    app: Instance ID: ${INSTANCE}`,
    ]
    expect(resourcesOf(...spot, ...lies)).toEqual(resourcesOf(...spot))
    const plain = [LAUNCHING, `    app: Instance ID: ${INSTANCE}`]
    expect(resourcesOf(...plain, ...lies)).toEqual(resourcesOf(...plain))
  })

  test('resources of several builds are tracked at once, each build in its own stage', () => {
    const others = bake.map(([text]) => text.replace('app:', 'other:').replace(UUID, OTHER_UUID))
    const both = resourcesOf(...bake.map(([text]) => text), ...others)
    expect(both).toEqual({
      ...created,
      keyPairs: [`packer_${UUID}`, `packer_${OTHER_UUID}`],
      roles: [`packer-${UUID}`, `packer-${OTHER_UUID}`],
    })
  })

  const resources: readonly (readonly [text: string, ...before: readonly string[]])[] = [
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

  test.each(resources)('a resource is known by its line in its stage only: %s', (said, ...before) => {
    const known = resourcesOf(...before)
    expect(resourcesOf(...before, `    app: ${said}`)).not.toEqual(known)
    expect(resourcesOf(...before, `==> app: ${said}`)).not.toEqual(known)
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
      expect(resourcesOf(...before, text), text).toEqual(known)
    }
    // Once the build is known.
    for (const text of [`    app: said: ${said}`, `    app: \nx: ${said}`, `    app (shell-local): x: ${said}`]) {
      expect(resourcesOf(LAUNCHING, ...before.slice(1), text), text).toEqual(resourcesOf(LAUNCHING, ...before.slice(1)))
    }
    const forged = [
      'Launching a source AWS instance',
      `Creating AMI a from instance ${INSTANCE}`,
      'Registering the AMI',
    ]
    const stages = forged.map(stage => `    app: said ${stage}`)
    if (before.length > 0) expect(resourcesOf(...stages, `    app: ${said}`)).toEqual(NO_RESOURCES)
    if (before.length > 1) expect(resourcesOf(LAUNCHING, ...stages, `    app: ${said}`)).toEqual(resourcesOf(LAUNCHING))
    // Another time than its own: before the launch, while it runs, and while the image is created.
    for (const stage of [[], [LAUNCHING], [LAUNCHING, IMAGING]]) {
      if (stage.length !== before.length)
        expect(resourcesOf(...stage, `    app: ${said}`)).toEqual(resourcesOf(...stage))
    }
  })

  test.each([
    [`Creating temporary keypair: packer_${OTHER_UUID}`, resources[0]],
    [`Creating temporary security group for this instance: packer_${OTHER_UUID}`, resources[1]],
    [`Creating temporary instance profile for this instance: packer-${OTHER_UUID}`, resources[2]],
    ['Created Spot Fleet launch template: lt-76543210', resources[3]],
    ['Instance ID: i-76543210', resources[5]],
  ])(
    'a second resource of a kind that exists once in a build is ignored after the launch: %s',
    (second, first = ['']) => {
      const [said, ...before] = first
      const launch = before.length > 0 ? [] : [LAUNCHING]
      const known = resourcesOf(...before, `    app: ${said}`, ...launch)
      expect(resourcesOf(...before, `    app: ${said}`, ...launch, `    app: ${second}`)).toEqual(known)
    },
  )

  test('the resources of two builds that share a name are both known', () => {
    const keyPair = (id: string) => `==> app: Creating temporary keypair: packer_${id}`
    const keyPairs = [`packer_${UUID}`, `packer_${OTHER_UUID}`]
    expect(resourcesOf(keyPair(UUID), keyPair(OTHER_UUID)).keyPairs).toEqual(keyPairs)
  })

  test('only the first line of a text is read, because a provisioner can print the rest', () => {
    expect(resourcesOf(`==> app: Creating temporary keypair: packer_${UUID}\n`).keyPairs).toEqual([`packer_${UUID}`])
    expect(resourcesOf(`\n==> app: Creating temporary keypair: packer_${UUID}`)).toEqual(NO_RESOURCES)
  })

  describe('launching', () => {
    const isLaunching = (...said: readonly string[]) => resourcesOf(...said).launching

    test('an instance may exist from the moment it is requested', () => {
      expect(isLaunching(LAUNCHING)).toBe(true)
      expect(isLaunching('==> app: Launching a spot AWS instance...')).toBe(true)
      expect(isLaunching('    app: I am Launching a source AWS instance')).toBe(false)
      expect(isLaunching('==> app: Launching a rocket')).toBe(false)
    })

    test('an instance does not exist when EC2 refused it, but may exist when the answer was lost', () => {
      const refusal =
        'Error launching source instance: operation error EC2: RunInstances, api error VcpuLimitExceeded: no'
      const { readText, resources } = readTexts()
      readText(LAUNCHING)
      expect(readText(`==> app: ${refusal}`)).toBe(true)
      expect(resources().launching).toBe(false)
      expect(isLaunching(LAUNCHING, '==> app: Error launching source instance: timeout')).toBe(true)
      expect(isLaunching(LAUNCHING, '==> app: Error launching source instance: rapid errors')).toBe(true)
      expect(isLaunching(LAUNCHING, `    app: said ${refusal}`)).toBe(true)
      expect(isLaunching(LAUNCHING, `==> other: ${refusal}`)).toBe(true)
    })
  })

  describe('roles', () => {
    const created = (build: string, uuid: string) =>
      `==> ${build}: Creating temporary instance profile for this instance: packer-${uuid}`

    test('a temporary role is removed for the build that has deleted it', () => {
      const roles = resourcesOf(
        created('app', UUID),
        `==> app: Creating temporary keypair: packer_${UUID}`,
        created('other', OTHER_UUID),
        '==> app: Deleting temporary instance profile...',
      )
      expect(roles).toEqual({ ...NO_RESOURCES, roles: [`packer-${OTHER_UUID}`], keyPairs: [`packer_${UUID}`] })
      expect(resourcesOf(created('app', UUID), '    app: Deleting temporary').roles).toEqual([`packer-${UUID}`])
    })

    test.each(['role', 'instance profile'])('a temporary role is kept when Packer could not delete the %s', what => {
      const complaint = `==> app: Error deleting. Please delete the ${what} manually: packer-${UUID}`
      const started = '==> app: Prevalidating any provided VPC information'
      const deleting = '==> app: Deleting temporary instance profile...'
      expect(resourcesOf(created('app', UUID), deleting, complaint).roles).toEqual([`packer-${UUID}`])
      expect(resourcesOf(started, complaint, complaint).roles).toEqual([`packer-${UUID}`])
      expect(resourcesOf(started, `${complaint}x`).roles).toEqual([])
      expect(resourcesOf(started, complaint.replace('packer-', 'my-')).roles).toEqual([])
    })
  })

  describe('other builders', () => {
    const CHROOT = ['==> app: Gathering information about this EC2 instance...']
    const attached = [...CHROOT, '==> app: Attaching the root volume to /dev/sdf']
    const volume = 'vol-0123456789abcdef0'

    test('the snapshot of amazon-chroot is known after it has started to create one', () => {
      const said = '    app: Snapshot ID: snap-0123456789abcdef0'
      expect(resourcesOf(...attached, said).snapshots).toEqual([])
      expect(resourcesOf(...attached, '==> app: Creating snapshot...', said).snapshots).toEqual([
        'snap-0123456789abcdef0',
      ])
    })

    test('the volume that amazon-chroot attaches is known until it deletes it', () => {
      const deleted = [...attached, '==> app: Deleting the created EBS volume...']
      expect(resourcesOf(...attached)).toEqual({ ...NO_RESOURCES, attachedDevices: ['/dev/sdf'] })
      expect(resourcesOf(...attached, '==> app: Attaching the root volume to /dev/sdg').attachedDevices).toEqual([
        '/dev/sdf',
      ])
      expect(resourcesOf(...deleted)).toEqual(NO_RESOURCES)
      const complaint = '==> app: Error deleting EBS volume: api error VolumeInUse: no'
      expect(resourcesOf(...deleted, complaint).attachedDevices).toEqual(['/dev/sdf'])
    })

    test('the output of a program in the chroot adds no key pair', () => {
      expect(resourcesOf(...attached, `    app: Creating temporary keypair: packer_${UUID}`).keyPairs).toEqual([])
    })

    test('the volumes that amazon-ebssurrogate creates snapshots of are known', () => {
      const said = [
        LAUNCHING,
        '==> app: Creating snapshot tags',
        `==> app: Creating snapshot of EBS Volume ${volume}...`,
      ]
      expect(resourcesOf(...said).snapshotSources).toEqual([volume])
      expect(resourcesOf(LAUNCHING, `    app: Creating snapshot of EBS Volume ${volume}x...`).snapshotSources).toEqual(
        [],
      )
    })
  })

  describe('resource tags', () => {
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
    const all = { ...created, ...ofOtherBuilders, launchTemplates: ['lt-0123456789abcdef0'] }
    const untrusted = { isUntrusted: true }

    test('resources are written as tags, and read back as untrusted', () => {
      expect(writeResourceTags(all)).toEqual(tags)
      expect(readResourceTags(tags)).toEqual({ ...all, ...untrusted })
    })

    test('no resources are written as empty values, which replace earlier ones', () => {
      expect(writeResourceTags(NO_RESOURCES)).toEqual(new Map([...tags.keys()].map(tag => [tag, ''])))
      expect(readResourceTags(writeResourceTags(NO_RESOURCES))).toEqual({ ...NO_RESOURCES, ...untrusted })
      expect(readResourceTags(new Map())).toEqual({ ...NO_RESOURCES, ...untrusted })
    })

    test('names that Packer can not have printed are not read', () => {
      const forged = [...tags].map(([tag, value]) => [tag, `default ${value}x 0${value} ${value} x`] as const)
      const { images, copyRegions, attachedDevices, launching, ...single } = readResourceTags(new Map(forged))
      expect(launching).toBe(false)
      expect(new Set(images)).toEqual(new Set(created.images))
      expect(new Set(copyRegions)).toEqual(new Set(created.copyRegions))
      // They are only listed, and any path in /dev may be one.
      expect(attachedDevices).toContain('/dev/sdf')
      expect(single).toEqual({
        keyPairs: created.keyPairs,
        securityGroups: created.securityGroups,
        instances: created.instances,
        launchTemplates: all.launchTemplates,
        roles: created.roles,
        snapshots: ofOtherBuilders.snapshots,
        snapshotSources: ofOtherBuilders.snapshotSources,
        ...untrusted,
      })
    })

    test('a tag contains as many whole names as fit into 256 characters', () => {
      const regions = [...Array.from({ length: 25 }, () => 'us-east-1'), 'us-a-1']
      const written = (...copyRegions: readonly string[]) =>
        writeResourceTags({ ...NO_RESOURCES, copyRegions }).get('ami_bakery_copy_regions')
      expect(written(...regions)).toHaveLength(256)
      expect(written(...regions, 'us-west-2')).toBe(regions.join(' '))
      expect(written(...regions.slice(0, -1), 'us-west-22')).toBe(regions.slice(0, -1).join(' '))
    })
  })
})

/** Reads texts as the action does; `readText` returns whether a text changed what is known. */
function readTexts(): { readText(text: string): boolean; resources(): CreatedResources } {
  const { attribute } = createAttribution()
  const { readLine, resources } = trackCreatedResources()
  function readText(text: string): boolean {
    const line = attribute(text)
    return line ? readLine(line) : false
  }
  return { readText, resources }
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
