import { type Checksum, computeChecksum } from '../../src/definition/checksum.ts'
import { type BytePath, listFiles } from '../../src/definition/files.ts'
import { hashFiles } from '../../src/definition/hash-files.ts'

/** Lists what is given literally: no pattern, no exclusion. */
export function listPlain(paths: readonly string[]): BytePath[] {
  return listFiles({ paths, excluded: new Set() })
}

/** Computes the checksum of plain use: over the files of the definition and nothing else. */
export async function computePlain(definition: readonly BytePath[]): Promise<Checksum> {
  const place = { path: '/', directory: '/', name: '/', isDirectory: false, files: [] }
  const template = { language: 'hcl2', ...place } as const
  const nothing = { variables: [], variableFiles: [], only: [], extraIngredients: [], strict: false, template }
  return await computeChecksum(await hashFiles(definition), nothing, undefined)
}
