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
  const inCode = [
    ...read('src/inputs.ts').matchAll(/(?:required|optional|list|readBoolean|readNumber|readVariables)\('([a-z-]+)'/g),
  ].map(([, name = '']) => name)
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

test('the catalogue of failures has every case once, names tests that are there, and counts right', () => {
  const text = read('docs/catalogue.md')
  const cases = [...text.matchAll(/^- (\d+)(?:–(\d+))?: (.*)$/gm)].flatMap(([, from, to = from, what = '']) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => ({ number: Number(from) + index, what })),
  )
  expect(cases.map(({ number }) => number)).toEqual(Array.from({ length: 146 }, (_, index) => index + 1))
  const kinds = ['not applicable', 'needs a real runner', 'open']
  const counted = kinds.map(kind => cases.filter(({ what }) => what.startsWith(`${kind}:`)).length)
  const tested = cases.filter(({ what }) => !kinds.some(kind => what.startsWith(`${kind}:`)))
  expect(text).toContain(`| **all** | 146 | ${[tested.length, ...counted].join(' | ')} |`)
  const named = tested.flatMap(({ what }) => what.split(/[:;(]/, 1)).flatMap(names => names.split(', '))
  const files = [...new Set(named.map(name => name.trim()))].filter(name => name !== 'CI')
  expect(files.filter(name => !fs.existsSync(path.join(root, '__tests__', `${name}.test.ts`)))).toEqual([])
})
