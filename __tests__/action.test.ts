import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

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

test('action.yml, README and code name the same inputs', () => {
  const inCode = [...read('src/inputs.ts').matchAll(/(?:required|optional|list|readBoolean|readNumber|readVariables)\('([a-z-]+)'/g)].map(([, name = '']) => name)
  expect([...new Set(inCode)].sort()).toEqual(keysBelow('inputs'))
  expect(namesInTable('Inputs')).toEqual(keysBelow('inputs'))
})

test('action.yml, README and code name the same outputs', () => {
  const inCode = [...read('src/outputs.ts').matchAll(/^\s+(?:setOutputs\(\{ )?([a-z]+_[a-z_]+): /gm)].map(
    ([, name = '']) => name,
  )
  expect([...new Set(inCode)].sort()).toEqual(keysBelow('outputs'))
  expect(namesInTable('Outputs')).toEqual(keysBelow('outputs'))
})
