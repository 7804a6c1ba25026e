import fs from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { computeChecksum } from '../../src/checksum.ts'
import { countFiles } from '../../src/counted-files.ts'
import { readImagesFile } from '../../src/definition/images-file.ts'
import { type ImageSettings, parseSettings } from '../../src/definition/settings.ts'
import { listDefinition } from '../../src/definition.ts'
import { selectEntries } from '../../src/entries.ts'
import { makeDice } from '../support/definitions.ts'
import { makeSettings, RANDOM_FILES, type SpelledSettings, writeImagesFile } from '../support/random-settings.ts'
import { makeWorkspace } from '../support/workspace.ts'

/** How many random files. A long run: `SETTINGS_CASES=100000 npx vitest run same-settings`; one again: `SETTINGS_SEED=…`. */
const CASES = Number(process.env.SETTINGS_CASES ?? 1_500)
const ONLY = process.env.SETTINGS_SEED

const workspace = makeWorkspace(RANDOM_FILES)

beforeAll(() => {
  vi.stubEnv('GITHUB_WORKSPACE', workspace.directory)
})

afterAll(() => {
  vi.unstubAllEnvs()
  workspace[Symbol.dispose]()
})

describe('the same settings', () => {
  test('are parsed to the same, and give the same checksum, in the images file and as inputs', async () => {
    const checksums = new Set<string>()
    const seeds = ONLY ? [Number(ONLY)] : Array.from({ length: CASES }, (_, seed) => seed)
    for (const seed of seeds) {
      const dice = makeDice(seed)
      const settings = makeSettings(dice)
      const content = writeImagesFile(settings, dice)
      try {
        const [fromFile, fromInputs] = [await parseFile(content), parseInputs(settings)]
        // Of the two that tell apart as much, this one is many times as fast.
        if (!isDeepStrictEqual({ ...fromFile, name: undefined }, fromInputs))
          expect({ ...fromFile, name: undefined }).toStrictEqual(fromInputs)
        const checksum = await checksumOf(fromInputs)
        expect(await checksumOf(fromFile)).toBe(checksum)
        checksums.add(checksum)
      } catch (cause) {
        throw new Error(`SETTINGS_SEED=${seed} fails: ${cause instanceof Error ? cause.message : cause}\n${content}`, {
          cause,
        })
      }
    }
    console.log(`${seeds.length} random images files, ${checksums.size} checksums: all the same as by inputs`)
    if (!ONLY) expect(checksums.size).toBeGreaterThan(CASES / 2)
  }, 60_000 + CASES * 20)
})

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

async function checksumOf(settings: ImageSettings): Promise<string> {
  const { baseAmi } = settings
  const files = await countFiles(listDefinition(await selectEntries(settings.definition)))
  return (await computeChecksum(files, settings, baseAmi && 'id' in baseAmi ? baseAmi.id : undefined)).value
}
