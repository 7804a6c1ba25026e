import { describe, expect, test } from 'vitest'
import { growTree, makeTree, namesAreBytes, readGoldenChecksums } from '../support/definitions.ts'
import { computePlain, listPlain } from '../support/plain.ts'
import { REFERENCE, runReference } from '../support/reference.ts'

const TREES = 300
const BATCH = 50

describe.skipIf(!REFERENCE)('the reference that CHECKSUM_REFERENCE names', () => {
  test.skipIf(!namesAreBytes)(`finds the same checksum in ${TREES} random trees`, async () => {
    const differences: object[] = []
    let compared = 0
    for (let seed = 1; seed <= TREES; seed += BATCH) {
      using stack = new DisposableStack()
      const trees = Array.from({ length: BATCH }, (_, index) => stack.use(growTree(seed + index)))
      const theirs = runReference(trees.map(tree => tree.entries))
      for (const [index, tree] of trees.entries()) {
        const ours = await checksumOf(tree.entries)
        const isSame = ours.startsWith('refused') ? theirs[index]?.startsWith('refused') : ours === theirs[index]
        if (!isSame) differences.push({ seed: tree.seed, ours, theirs: theirs[index] })
        compared++
      }
    }
    console.log(`${compared} random trees compared with the reference: ${differences.length} differences`)
    expect(differences).toEqual([])
    expect(compared).toBe(TREES)
  })

  test.skipIf(!namesAreBytes)('finds the golden checksums', () => {
    const golden = readGoldenChecksums().trees
    using stack = new DisposableStack()
    const calls = golden.map(({ files, entries }) => entries.map(stack.use(makeTree(files)).at))
    expect(runReference(calls)).toEqual(golden.map(({ checksum }) => checksum))
  })
})

async function checksumOf(entries: readonly string[]): Promise<string> {
  try {
    return (await computePlain(listPlain(entries))).value
  } catch (cause) {
    return `refused: ${cause}`
  }
}
