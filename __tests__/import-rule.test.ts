import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeWorkspace } from './support/workspace.ts'

const root = path.resolve(import.meta.dirname, '..')

interface Verdict {
  readonly exitCode: number | null
  readonly report: string
}

/** Runs `npm run imports`, on `src` or on another folder. */
function check(...folders: readonly string[]): Verdict {
  const args = [path.join(root, 'tools', 'import-rule.ts'), ...folders]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { exitCode: status, report: stdout + stderr }
}

/** Checks a folder with these files. */
function checkFiles(files: Readonly<Record<string, string>>): Verdict {
  using folder = makeWorkspace(files)
  return check(folder.directory)
}

describe('the check of the import rule', () => {
  test('passes for src', () => {
    expect(check()).toEqual({ exitCode: 0, report: expect.stringMatching(/^\d+ files of src keep the import rule/) })
  })

  test('passes for imports to the right, inside a folder, and from an action to the files of all actions', () => {
    const files = {
      'actions/run.ts': "import { fail } from '../runner/log.ts'",
      'actions/bake/index.ts': "import './main.ts'\nimport { runAction } from '../run.ts'",
      'actions/bake/main.ts': "const { bake } = await import('../../bake/bake.ts')",
      'bake/bake.ts': "import type { Lease } from '../lease/lease.ts'\nimport fs from 'node:fs'",
      'definition/images-file/tree.ts': "import { quote } from '../quote.ts'",
      ...{ 'definition/quote.ts': '', 'lease/lease.ts': '', 'runner/log.ts': '' },
    }
    expect(checkFiles(files)).toMatchObject({ exitCode: 0 })
  })

  const wrong: readonly (readonly [about: string, file: string, text: string, imported: string])[] = [
    ['to the left', 'ec2/client.ts', "import { bake } from '../bake/bake.ts'", 'bake/bake.ts'],
    ['of a type to the left', 'runner/log.ts', "import type { Ec2 } from '../ec2/client.ts'", 'ec2/client.ts'],
    ['on demand to the left', 'lease/lease.ts', "await import('../cleanup/journal.ts')", 'cleanup/journal.ts'],
    ['that exports to the left', 'packer/build.ts', "export { hold } from '../lease/lease.ts'", 'lease/lease.ts'],
    ['of many lines', 'runner/log.ts', "import {\n  connect,\n} from '../ec2/client.ts'", 'ec2/client.ts'],
    ['between ec2 and definition', 'ec2/look-up.ts', "import '../definition/files.ts'", 'definition/files.ts'],
    ['between bake and regions', 'bake/bake.ts', "import '../regions/stage.ts'", 'regions/stage.ts'],
    ['between two actions', 'actions/plan/main.ts', "import '../bake/inputs.ts'", 'actions/bake/inputs.ts'],
    ['from all actions to one', 'actions/run.ts', "import './bake/main.ts'", 'actions/bake/main.ts'],
    ['of a folder without a row', 'bake/bake.ts', "import '../utils/text.ts'", 'utils/text.ts'],
    ['from a folder without a row', 'utils/text.ts', "import '../runner/log.ts'", 'runner/log.ts'],
    ['of a file outside src', 'bake/bake.ts', "import '../../tools/build.ts'", '../tools/build.ts'],
  ]

  test.each(wrong)('fails for an import %s, and names both files', (_, file, text, imported) => {
    const { exitCode, report } = checkFiles({ [file]: text, 'runner/other.ts': '' })
    expect(exitCode).toBe(1)
    expect(report).toBe(`${file} must not import ${imported}.\n`)
  })

  test('fails for a circle of types, and names all files of the circle', () => {
    const { exitCode, report } = checkFiles({
      'ec2/a.ts': "import type { B } from './b.ts'",
      'ec2/b.ts': "import type { C } from './c.ts'",
      'ec2/c.ts': "import type { A } from './a.ts'",
      'ec2/d.ts': "import type { A } from './a.ts'",
    })
    expect(exitCode).toBe(1)
    expect(report).toBe('A circle: ec2/a.ts → ec2/b.ts → ec2/c.ts → ec2/a.ts\n')
  })
})
