import fs from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { computeChecksum } from '../../src/definition/checksum.ts'
import { readDefinition } from '../../src/definition/definition.ts'
import { readImagesFile } from '../../src/definition/images-file.ts'
import { type ImageSettings, parseSettings } from '../../src/definition/settings.ts'
import { cases } from '../support/cases.ts'
import { makeDice } from '../support/definitions.ts'
import { makeSettings, RANDOM_FILES, type SpelledSettings, writeImagesFile } from '../support/random-settings.ts'
import { makeWorkspace } from '../support/workspace.ts'

/** The number of random files. A long run: `AMI_BAKERY_CASES=100 npx vitest run same-settings`; one again: `SETTINGS_SEED=…`. */
const CASES = cases(1_500)
const ONLY = process.env.SETTINGS_SEED

const workspace = makeWorkspace(RANDOM_FILES)

beforeAll(() => {
  vi.stubEnv('GITHUB_WORKSPACE', workspace.directory)
})

afterAll(() => {
  vi.unstubAllEnvs()
  workspace[Symbol.dispose]()
})

describe('random settings', () => {
  test('have the same result in the images file and as inputs', { timeout: 60_000 + CASES * 20 }, async () => {
    const seeds = ONLY ? [Number(ONLY)] : Array.from({ length: CASES }, (_, seed) => seed)
    const checksums = new Set<string>()
    for (const seed of seeds) checksums.add(await compare(seed))
    console.log(`${seeds.length} random images files, ${checksums.size} checksums: all the same as by inputs`)
    if (!ONLY) expect(checksums.size).toBeGreaterThan(CASES / 2)
  })
})

/** Compares both, and returns their checksum. */
async function compare(seed: number): Promise<string> {
  const dice = makeDice(seed)
  const settings = makeSettings(dice)
  const content = writeImagesFile(settings, dice)
  try {
    const [fromFile, fromInputs] = [{ ...(await parseFile(content)), name: undefined }, parseInputs(settings)]
    // It is as strict as toStrictEqual and many times as fast.
    if (!isDeepStrictEqual(fromFile, fromInputs)) expect(fromFile).toStrictEqual(fromInputs)
    const checksum = await checksumOf(fromInputs)
    expect(await checksumOf(fromFile)).toBe(checksum)
    return checksum
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`SETTINGS_SEED=${seed} fails: ${problem}\n${content}`, { cause })
  }
}

async function parseFile(content: string): Promise<ImageSettings> {
  fs.writeFileSync(`${workspace.directory}/ami-bakery.yml`, content)
  return (await readImagesFile('ami-bakery.yml', { inputs: new Map(), environment: new Map() })).settings('web')
}

/** As the runner passes inputs: without surrounding blanks, but for the values of packer-vars. */
function parseInputs(settings: SpelledSettings): ImageSettings {
  const raw = [...settings].map(([name, { input }]) => [name, name === 'packer-vars' ? input : input.trim()] as const)
  return parseSettings(new Map(raw), {
    ...{ name: undefined, parent: undefined },
    prefix: setting => `${setting}: `,
    advice: () => '',
  })
}

async function checksumOf({ baseAmi, strict, template, ...settings }: ImageSettings): Promise<string> {
  const definition = await readDefinition(settings.definition)
  const baseImage = baseAmi && 'id' in baseAmi ? baseAmi.id : undefined
  return (await computeChecksum(definition, { ...settings, baseImage, strict: strict ? template : undefined })).value
}
