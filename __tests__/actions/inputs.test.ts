import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseVariables } from '../../src/definition/variables.ts'
import { runAction } from '../support/runner.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const GOOD = { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' }

/** No server listens at this endpoint: a step that sends a request to EC2 ends with another error. */
const NO_EC2 = { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

/** A step with correct inputs ends with an error at once. */
const NO_CREDENTIALS = { AWS_EC2_METADATA_DISABLED: 'true' }

describe('a wrong input', () => {
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ 'packer-template': '' }, /^packer-template: is required/],
    [{ 'packer-template': ' \n' }, /^packer-template: is required/],
    [{ 'packer-template': 'nothing.json' }, /^packer-template: .*nothing\.json can't be read/],
    [{ 'packer-template': 'empty' }, /^packer-template: .*empty has no \.pkr\.hcl/],
    [{ 'packer-template': 'broken.json' }, /^packer-template: .*broken\.json is not valid JSON/],
    [{ 'ami-definition-dirs': '' }, /^ami-definition-dirs: is required/],
    [{ 'ami-definition-dirs': ' , ,\n' }, /^ami-definition-dirs: is required/],
    [{ 'ami-definition-dirs': 'ami,missing' }, /^ami-definition-dirs: .*missing does not exist/],
    [{ 'ami-definition-dirs': 'empty' }, /^ami-definition-dirs: There is no file in/],
    [{ 'ami-definition-dirs': '$(touch x)' }, /^ami-definition-dirs: .*does not exist/],
    [{ 'aws-region': '' }, /^aws-region: is required/],
    [{ 'aws-region': 'evil.com/#' }, /^aws-region: "evil\.com\/#" is not the name/],
    [{ 'packer-template': 'list.json' }, /^packer-template: .*list\.json is not a legacy template/],
    [{ 'packer-template': '-x.json' }, /^packer-template: .*\/-x\.json can't be read/],
    [{ 'ami-definition-dirs': '"ami"' }, /^ami-definition-dirs: .*"ami" does not exist/],
    [{ 'aws-region': 'us-east-1; id' }, /^aws-region: "us-east-1; id" is not the name/],
    [{ 'on-miss': 'wait' }, /^on-miss: "wait" is unknown\. Specify one of bake, skip, fail/],
    [{ strict: 'yes' }, /^strict: "yes" is neither true nor false/],
    [{ 'force-bake': '1' }, /^force-bake: "1" is neither true nor false/],
    [{ 'max-age-days': '-1' }, /^max-age-days: "-1" is not a number/],
    [{ 'working-directory': 'ami/app.pkr.hcl' }, /^working-directory: .* is not a directory/],
    [{ 'output-file': 'ami' }, /^output-file: .*ami can't be removed/],
    [{ 'output-file': 'nowhere/id.json' }, /^output-file: .*nowhere is not a writable directory/],
    [{ 'packer-template': 'broken.json/x' }, /^packer-template: .*broken\.json\/x can't be read/],
    [{ 'packer-var-files': 'x'.repeat(300) }, /^packer-var-files: .* is not a readable file/],
    [{ 'working-directory': 'x'.repeat(300) }, /^working-directory: .* is not a directory/],
  ]

  test.each(cases)('is an error before any request to EC2: %j', async (bad, message) => {
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate(),
      'ami/.ami_id.json': '{"ami_id": "ami-00000000"}',
      'broken.json': '{ "builders": [',
      'list.json': '[]',
      'empty/.hidden': '',
    })
    const run = await runAction({ workspace: workspace.directory, inputs: { ...GOOD, ...bad }, env: NO_EC2 })
    expect(run.exitCode).toBe(1)
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
    expect(run.outputs).not.toHaveProperty('ami_id')
    expect(run.log).not.toMatch(/^\s+at /m)
    expect(fs.existsSync(path.join(workspace.directory, 'x'))).toBe(false)
  })

  test('does not keep the JSON file of an earlier run', async () => {
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate(),
      'ami/.ami_id.json': '{"ami_id": "ami-00000000"}',
    })
    await runAction({ workspace: workspace.directory, inputs: { ...GOOD, 'aws-region': '' }, env: NO_EC2 })
    expect(workspace.has('ami/.ami_id.json')).toBe(false)
  })

  test('is not the lack of credentials: the checksum is set before they are needed', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const run = await runAction({
      workspace: workspace.directory,
      inputs: GOOD,
      env: NO_CREDENTIALS,
    })
    expect(run.exitCode).toBe(1)
    expect(run.outputs).toEqual({
      ami_config_checksum: expect.stringMatching(/^[0-9a-f]{40}$/),
      cache_hit: 'false',
      last_ami_id: '',
    })
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringContaining('id-token: write') }])
  })
})

describe('the inputs', () => {
  test('accept commas, line ends and blanks between directories', async () => {
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate(),
      'one/a': '1',
      'two words/b': '2',
      'three/c': '3',
    })
    const inputs = { ...GOOD, 'ami-definition-dirs': ' one ,two words\r\n\n three,' }
    const run = await runAction({ workspace: workspace.directory, inputs, env: NO_CREDENTIALS })
    expect(run.log).toContain('Definition: 3 files')
  })

  test.each(['TRUE', 'True', 'true'])('accept %s as true', async strict => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const run = await runAction({ workspace: workspace.directory, inputs: { ...GOOD, strict }, env: NO_CREDENTIALS })
    expect(run.log).toContain('strict: ')
  })

  test.each(['FALSE', ' false ', ''])('accept %j as false', async strict => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const run = await runAction({ workspace: workspace.directory, inputs: { ...GOOD, strict }, env: NO_CREDENTIALS })
    expect(run.log).not.toContain('strict: ')
    expect(run.outputs.ami_config_checksum).toBeDefined()
  })

  test('fall back to the environment; an input overrides it', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'one/a': '1' })
    const env = {
      ...NO_CREDENTIALS,
      PACKER_JSON_PATH: 'nowhere',
      AMI_DEFINITION_DIRS: 'one',
      AWS_DEFAULT_REGION: 'eu-west-1',
    }
    const run = await runAction({ workspace: workspace.directory, inputs: { 'packer-template': 'ami' }, env })
    expect(run.log).toContain('Definition: 1 file')
    expect(run.annotations.at(-1)?.message).toContain('eu-west-1')
  })
})

describe('the input packer-vars', () => {
  const read = (text: string) => parseVariables(text).map(({ name, value }) => [name, value])

  const good: readonly (readonly [text: string, variables: readonly (readonly [name: string, value: string])[]])[] = [
    ['', []],
    ['\n \t\r\n', []],
    ['a=1', [['a', '1']]],
    [' a = 1 ', [['a', ' 1 ']]],
    ['a=', [['a', '']]],
    ['a=b=<<c', [['a', 'b=<<c']]],
    [
      '\n  \na=1\r\nb=2\n',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['größe_1.x-y=1', [['größe_1.x-y', '1']]],
    ['_=1', [['_', '1']]],
    [
      'a<<END\n1\n\n2 \nEND\nb=3',
      [
        ['a', '1\n\n2 '],
        ['b', '3'],
      ],
    ],
    ['a<<END\r\n1\r\n2\r\nEND\r\n', [['a', '1\n2']]],
    ['a<<END\nEND', [['a', '']]],
    [' a << END \nx\nEND', [['a', 'x']]],
    ['a<<b=c\nx\nb=c', [['a', 'x']]],
    [
      'a<<E\nE \n E\nE\nb<<E\nb=1\nE',
      [
        ['a', 'E \n E'],
        ['b', 'b=1'],
      ],
    ],
    ['a<<=1\n=1\n', [['a', '']]],
  ]

  test.each(good)('as %j has these variables: %j', (text, variables) => {
    expect(read(text)).toEqual(variables)
  })

  const form = 'is not of the form name=value. Write it so, or as name<<END, the value, and END.'
  const name = 'has no valid variable name before its sign. Write name=value.'
  const bad: readonly (readonly [text: string, line: number, what: string])[] = [
    ['a', 1, form],
    ['a=1\n\n  secret', 3, form],
    ['a<<', 1, form],
    ['a<< ', 1, form],
    ['a<<E\n1\nE\nsecret', 4, form],
    ['=secret', 1, name],
    ['a=1\n1b=secret', 2, name],
    ['-a=secret', 1, name],
    ['.a=secret', 1, name],
    ['a b=secret', 1, name],
    ['a"=secret', 1, name],
    ['"a=secret', 1, name],
    ['<<E\nsecret\nE', 1, name],
    ['a=1\nb=2\na=secret', 3, 'sets a again. Remove one of the two.'],
    ['a=1\na<<E\nE', 2, 'sets a again. Remove one of the two.'],
    ['a<<END\nsecret', 1, 'begins a value of several lines that does not end. Write name<<END, the value, and END.'],
    ['a<<a<<a', 1, 'begins a value of several lines that does not end. Write name<<END, the value, and END.'],
    ...['aws_region', 'aws_subnet_id', 'config_checksum', 'base_ami'].map(
      own => [`a=1\n${own}=secret`, 2, `sets ${own}, which this action passes to Packer itself. Remove it.`] as const,
    ),
  ]

  test.each(bad)('as %j is an error that names line %i and shows no value', (text, line, what) => {
    expect(() => read(text)).toThrow(new Error(`line ${line} ${what}`))
  })
})
