import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { computeChecksum } from '../src/checksum.ts'
import { listDefinition } from '../src/definition.ts'
import { growTree, makeTree, namesAreBytes, readGoldenChecksums } from './support/definitions.ts'

const { CHECKSUM_REFERENCE } = process.env
const TREES = 300
const BATCH = 50

/** Runs the script once for each line of arguments, in one process. */
const DRIVER = `
import contextlib, io, json, runpy, sys
script = sys.argv[1]
for line in sys.stdin.buffer:
    sys.argv = [script, *json.loads(line)]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(script, run_name="__main__")
        print(json.dumps(printed.getvalue().strip()))
    except SystemExit as refusal:
        print(json.dumps(f"refused: {refusal}"))
`

describe.skipIf(!CHECKSUM_REFERENCE)('the reference that CHECKSUM_REFERENCE names', () => {
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
    return (await computeChecksum(listDefinition(entries))).value
  } catch (cause) {
    return `refused: ${cause}`
  }
}

function runReference(calls: readonly (readonly string[])[]): string[] {
  const printed = execFileSync('python3', ['-c', DRIVER, path.resolve(CHECKSUM_REFERENCE ?? '')], {
    input: calls.map(entries => `${JSON.stringify(entries)}\n`).join(''),
    env: { ...process.env, PYTHONUTF8: '1' },
    encoding: 'utf8',
  })
  return printed
    .trim()
    .split('\n')
    .map(line => String(JSON.parse(line)))
}
