import { describe, expect, test } from 'vitest'
import { toLines } from '../src/packer/lines.ts'
import { imagesOf, type Message, readMessage } from '../src/packer/messages.ts'
import { makeDice } from './support/definitions.ts'

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
