import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { INPUTS } from '../src/actions/bake/inputs.ts'
import { OUTPUTS } from '../src/actions/bake/outputs.ts'
import { INPUTS as PRUNE_INPUTS } from '../src/actions/prune/inputs.ts'
import { OUTPUTS as PRUNE_OUTPUTS } from '../src/actions/prune/outputs.ts'
import { INPUTS as PUBLISH_INPUTS } from '../src/actions/publish/inputs.ts'
import { OUTPUTS as PUBLISH_OUTPUTS } from '../src/actions/publish/outputs.ts'
import { INPUTS as REVOKE_INPUTS } from '../src/actions/revoke/inputs.ts'
import { OUTPUTS as REVOKE_OUTPUTS } from '../src/actions/revoke/outputs.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')

function keysBelow(section: string, directory: string): string[] {
  const file = path.join(directory, 'action.yml')
  const [, block = ''] = new RegExp(`^${section}:\\n((?: .*\\n|\\n)*)`, 'm').exec(read(file)) ?? []
  return [...block.matchAll(/^ {2}([a-z_-]+):$/gm)].map(([, key = '']) => key).sort()
}

function namesInTable(heading: string, directory: string): string[] {
  const file = path.join(directory, 'README.md')
  const [, block = ''] = new RegExp(`^## ${heading}\\n([^#]*)`, 'm').exec(read(file)) ?? []
  return [...block.matchAll(/^\| `([a-z_-]+)` /gm)].map(([, name = '']) => name).sort()
}

describe.each([
  ['the main action', '.', INPUTS, OUTPUTS],
  ['publish', 'publish', PUBLISH_INPUTS, PUBLISH_OUTPUTS],
  ['revoke', 'revoke', REVOKE_INPUTS, REVOKE_OUTPUTS],
])('%s', (_, directory, inputs, outputs) => {
  test('has the same inputs in action.yml, README and code', () => {
    expect(keysBelow('inputs', directory)).toEqual([...inputs].sort())
    expect(namesInTable('Inputs', directory)).toEqual([...inputs].sort())
  })

  test('has the same outputs in action.yml, README and code', () => {
    expect(keysBelow('outputs', directory)).toEqual([...outputs].sort())
    expect(namesInTable('Outputs', directory)).toEqual([...outputs].sort())
  })
})

test('the README links to the list of failures', () => {
  expect(read('README.md')).toContain('](docs/failures.md)')
})

test('prune/action.yml, its README and its code have the same inputs and outputs, and the same defaults', () => {
  const [action, page] = [read('prune/action.yml'), read('prune/README.md')]
  const named = (text: string, section: string) => {
    const [, block = ''] = new RegExp(`^${section}:\\n((?: .*\\n|\\n)*)`, 'm').exec(text) ?? []
    return [...block.matchAll(/^ {2}([a-z_-]+):$/gm)].map(([, key = '']) => key)
  }
  const listed = (heading: string) => {
    const [, block = ''] = new RegExp(`^## ${heading}\\n([^#]*)`, 'm').exec(page) ?? []
    return [...block.matchAll(/^\| `([a-z_-]+)` \|(?: `([^`]+)` \||[^|]*\|)/gm)].map(([, name = '', value]) => [
      name,
      value,
    ])
  }
  expect(named(action, 'inputs')).toEqual([...PRUNE_INPUTS])
  expect(listed('Inputs').map(([name]) => name)).toEqual([...PRUNE_INPUTS])
  expect(named(action, 'outputs')).toEqual([...PRUNE_OUTPUTS])
  expect(listed('Outputs').map(([name]) => name)).toEqual([...PRUNE_OUTPUTS])
  const defaults = [...action.matchAll(/^ {2}([a-z-]+):\n(?: {4}.*\n)*? {4}default: "?([\w%]+)"?$/gm)]
  expect(defaults.map(([, name, value]) => [name, value])).toEqual(
    listed('Inputs').filter(([, value]) => value && /^\w+$/.test(value)),
  )
  const code = [...read('src/actions/prune/inputs.ts').matchAll(/readDays\('([a-z-]+)', (\d+), \d+\)/g)]
  expect(Object.fromEntries(defaults.map(([, name, value]) => [name, value]))).toMatchObject(
    Object.fromEntries(code.map(([, name, value]) => [name, value])),
  )
})
