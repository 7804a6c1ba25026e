import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { INPUTS } from '../src/actions/bake/inputs.ts'
import { OUTPUTS } from '../src/actions/bake/outputs.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')

function keysBelow(section: string): string[] {
  const [, block = ''] = new RegExp(`^${section}:\\n((?: .*\\n|\\n)*)`, 'm').exec(read('action.yml')) ?? []
  return [...block.matchAll(/^ {2}([a-z_-]+):$/gm)].map(([, key = '']) => key).sort()
}

function namesInTable(heading: string): string[] {
  const [, block = ''] = new RegExp(`^## ${heading}\\n([^#]*)`, 'm').exec(read('README.md')) ?? []
  return [...block.matchAll(/^\| `([a-z_-]+)` /gm)].map(([, name = '']) => name).sort()
}

test('action.yml, README and code have the same inputs', () => {
  expect(keysBelow('inputs')).toEqual([...INPUTS].sort())
  expect(namesInTable('Inputs')).toEqual([...INPUTS].sort())
})

test('action.yml, README and code have the same outputs', () => {
  expect(keysBelow('outputs')).toEqual([...OUTPUTS].sort())
  expect(namesInTable('Outputs')).toEqual([...OUTPUTS].sort())
})

test('the README links to the list of failures', () => {
  expect(read('README.md')).toContain('](docs/failures.md)')
})
