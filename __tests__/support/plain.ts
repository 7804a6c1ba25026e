import type { BytePath } from '../../src/definition/byte-path.ts'
import { type Checksum, computeChecksum } from '../../src/definition/checksum.ts'
import { listFiles } from '../../src/definition/files.ts'
import { hashFiles } from '../../src/definition/hash-files.ts'

/** Lists literal paths: no pattern, no exclusion. */
export function listPlain(paths: readonly string[]): BytePath[] {
  return listFiles({ paths, excluded: new Set() })
}

/** Computes the checksum of plain use: over the files of the definition and nothing else. */
export async function computePlain(definition: readonly BytePath[]): Promise<Checksum> {
  return await computeChecksum({ entries: [], files: await hashFiles(definition) })
}
