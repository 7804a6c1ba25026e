import { describe, expect, test } from 'vitest'
import { parseVariables } from '../../src/definition/variables.ts'
import { createAttribution } from '../../src/packer/attribution.ts'
import { trackCreatedResources } from '../../src/packer/created-resources.ts'
import { toLines } from '../../src/packer/lines.ts'
import { addHint, imagesOf, readMessage } from '../../src/packer/messages.ts'
import { escapeControlCharacters, neutralizeCommands } from '../../src/runner/log.ts'
import { type Dice, makeDice } from '../support/definitions.ts'
import { findCommands } from '../support/workflow-commands.ts'

/** The number of cases of each kind. A long run: `FUZZ_CASES=1000000 npx vitest run fuzz`; one case again: `FUZZ_SEED=…`. */
const CASES = Number(process.env.FUZZ_CASES ?? 3_000)
const ONLY = process.env.FUZZ_SEED

/** Tries every seed. The error of a failure contains its seed. */
function forEverySeed(attempt: (dice: Dice) => void): void {
  const seeds = ONLY ? [Number(ONLY)] : Array.from({ length: CASES }, (_, seed) => seed)
  for (const seed of seeds) {
    try {
      attempt(makeDice(seed))
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${seed} fails: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
}

const FRAGMENTS = [
  ...['1732400000', ',', ',', 'artifact', '0', 'id', 'us-east-1:ami-0123456789abcdef0', 'ui', 'say', 'error', 'end'],
  ...[
    '%!(PACKER_COMMA)',
    '\\n',
    '\\r',
    '\n',
    '\r\n',
    '\r',
    '::',
    '##[',
    ']',
    ' ',
    '\t',
    '==> app: ',
    'AMI: ami-01234567',
  ],
  ...['::set-output name=ami_id::', '##[add-mask]', '::stop-commands::x', 'Instance ID: i-01234567', '\0', '\u200b'],
  ...['\u0085', '\u2028', '\ufeff', 'é', '日本', '\u{1f600}', '<sensitive>', 'is unknown by Packer', 'The builder '],
]

function makeText(dice: Dice, longest = 30): string {
  return Array.from({ length: dice.below(longest) }, () => dice.pick(FRAGMENTS)).join('')
}

/** Text in which single bytes are replaced. */
function makeBytes(dice: Dice): Buffer {
  const bytes = Buffer.from(makeText(dice, 60))
  for (let count = dice.below(4); count > 0 && bytes.length > 0; count--)
    bytes[dice.below(bytes.length)] = dice.below(256)
  return bytes
}

function split(bytes: Buffer, dice: Dice): Buffer[] {
  const reads: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const size = 1 + dice.below(dice.pick([1, 3, 40]))
    reads.push(bytes.subarray(start, start + size))
    start += size
  }
  return reads
}

function linesOf(reads: readonly Buffer[]): string[] {
  const lines: string[] = []
  const sink = toLines(line => lines.push(line))
  reads.forEach(sink)
  return lines
}

describe('random output of Packer', () => {
  test('is split into the same lines however it is read, and no line is lost', () => {
    forEverySeed(dice => {
      const bytes = makeBytes(dice)
      const whole = linesOf([bytes])
      expect(linesOf(split(bytes, dice))).toEqual(whole)
      const expected = bytes.toString('latin1').split('\n').slice(0, -1)
      expect(whole).toEqual(expected.map(line => Buffer.from(line.replace(/\r$/, ''), 'latin1').toString()))
    })
  })

  test('is read without an error, and only ids of images are recognized as images', () => {
    forEverySeed(dice => {
      const { resources, readLine } = trackCreatedResources()
      const { attribute } = createAttribution()
      for (const line of linesOf(split(makeBytes(dice), dice))) {
        const message = readMessage(line)
        const buildLine = message?.kind === 'text' ? attribute(message.text) : undefined
        if (buildLine) readLine(buildLine)
        if (message?.kind === 'failure') expect(addHint(message.text).startsWith(message.text.trimEnd())).toBe(true)
        if (message?.kind !== 'artifact') continue
        for (const [region, image] of imagesOf(message.value)) {
          expect(`${region} ${image}`).toMatch(/^[a-z0-9-]+ ami-[0-9a-f]{8,17}$/)
        }
      }
      expect(resources().images.every(image => /^ami-[0-9a-f]{8,17}$/.test(image))).toBe(true)
    })
  })

  test('contains no workflow command when it is printed', () => {
    let commands = 0
    forEverySeed(dice => {
      const text = makeText(dice)
      commands += findCommands(text).length
      expect(findCommands(neutralizeCommands(text))).toEqual([])
      expect(neutralizeCommands(text).replaceAll('\u200b', '')).toBe(text.replaceAll('\u200b', ''))
      expect(findCommands(`  name: ${neutralizeCommands(escapeControlCharacters(text))}`)).toEqual([])
      expect(escapeControlCharacters(text)).toMatch(/^[^\p{Cc}\u2028\u2029]*$/u)
    })
    if (!ONLY) expect(commands).toBeGreaterThan(CASES / 10)
  })
})

describe('a random text as packer-vars', () => {
  const parts = [
    'name',
    'a',
    '_',
    '-',
    '=',
    '=',
    '<<',
    'END',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '"',
    "'",
    '$(x)',
    '`',
    '\0',
    'é',
    ',',
  ]

  test('is read as it is written, or is an error that names the line and shows no value', () => {
    let read = 0
    forEverySeed(dice => {
      const secret = `s3cr3t${dice.below(1e9)}`
      const text = Array.from({ length: dice.below(25) }, () => dice.pick([...parts, secret])).join('')
      try {
        for (const { name, value } of parseVariables(text)) {
          read++
          expect(name).toMatch(/^[\p{L}_][\p{L}\p{N}_.-]*$/u)
          expect(text.replaceAll('\r\n', '\n')).toContain(value)
        }
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('line ')) throw error
        if (!isNameIn(text, secret)) expect(error.message).not.toContain(secret)
      }
    })
    if (!ONLY) expect(read).toBeGreaterThan(CASES / 100)
  })

  /** An error may contain a name, and the random text may have the secret in one. */
  function isNameIn(text: string, secret: string): boolean {
    return new RegExp(`(^|\n)[^=\n]*${secret}[^=\n]*(=|<<)`).test(text)
  }
})
