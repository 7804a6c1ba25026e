import fs from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { DEFAULT_KEYS, IMAGE_KEYS } from '../../src/definition/images-file/sections.ts'
import { DEFAULTS, useImagesFile, web } from '../support/images-file.ts'

const { read } = useImagesFile()

const schema = JSON.parse(fs.readFileSync(new URL('../../docs/ami-bakery.schema.json', import.meta.url), 'utf8'))
const isValid = new Ajv({ allowUnionTypes: true }).compile(schema)

/** Validates as an editor does: it reads the file by the core schema of YAML, where 1.10 is a number and null is no value. */
function isValidInEditor(content: string): boolean {
  return isValid(parse(content, { version: '1.2', logLevel: 'silent' }))
}

async function isAccepted(content: string): Promise<boolean> {
  return await read(content).then(
    () => true,
    () => false,
  )
}

describe('the JSON schema of the images file', () => {
  test('has the keys of the parser, in defaults and in an image', () => {
    expect(Object.keys(schema.properties.defaults.properties)).toEqual(DEFAULT_KEYS)
    expect(Object.keys(schema.definitions.image.properties)).toEqual(IMAGE_KEYS)
    expect(Object.keys(schema.properties)).toEqual(['defaults', 'images'])
  })

  test('describes every key in a full sentence', () => {
    for (const key of IMAGE_KEYS) expect(schema.definitions[key].description).toMatch(/^[A-Z].+\.$/)
  })

  const good: readonly string[] = [
    web(),
    `${DEFAULTS}images: { web: , Web: {}, "10": ~, 1.10: }`,
    web('ami-definition-dirs: ami, shared'),
    web('ami-definition-dirs: [ami, 1.10, "a, b", ~]'),
    web('aws-region: us-gov-west-1'),
    web('aws-region: " us-east-1 "'),
    web('aws-region:'),
    web('aws-subnet-id: subnet-1'),
    web('packer-vars: { app_version: 1.10, größe: yes, a: true, b: ~, " c ": "" }'),
    web('packer-vars: {}'),
    web('packer-vars: |', '  a=1', '  b=2'),
    web('packer-var-files: [vars/a.pkrvars.hcl]'),
    web('packer-var-files: vars/a.pkrvars.hcl'),
    web('packer-only: [a, 1]'),
    web('packer-only: 1'),
    web('extra-ingredients: [2026-01-01, 012]'),
    ...['ami-01234567', 'newest:012345678901/a b', 'newest:self/*', 'ssm:/aws/x:3', '""', '~'].map(base =>
      web(`base-ami: ${base}`),
    ),
    ...['true', 'True', 'TRUE', 'false', 'False', 'FALSE', '"true"', '"False"', '""', '~'].map(word =>
      web(`strict: ${word}`),
    ),
    ...['true', '"TRUE"', 'false'].map(word => web(`candidate: ${word}`)),
    web('regions: eu-west-1,eu-west-2=alias/x'),
    web('regions: [eu-west-1, "eu-west-2 = alias/x", ~]'),
    web('regions: { eu-west-1: , eu-west-2: alias/x }'),
    web('regions: []'),
    ...['0', '30', '0.5', '"30"', '" 30 "', '007', '~', '""'].map(days => web(`max-age-days: ${days}`)),
    ...['1', '0.5', '"0.5"', '10', '~'].map(days => web(`critical-fix-days: ${days}`)),
    web('tags: { team: web, cost: 1.10, "a b": ~, Name: x, empty: "" }'),
    web('tags: team=web'),
    web(`tags: { ${'a'.repeat(127)}: ${'b'.repeat(256)} }`),
    web('working-directory: vars'),
    web('output-file: out/id.json'),
    web('share-with: [012345678901, "210987654321", arn:aws:organizations::012345678901:organization/o-abcdefghij]'),
    web('share-with: 210987654321'),
    web('share-with: [arn:aws:organizations::012345678901:ou/o-abcdefghij/ou-ab12-12345678]'),
    web('ssm-parameter: /amis/web-1_x.y'),
    `${web('parent: base')}  base:\n`,
    `${web('parent: 1.10')}  1.10:\n`,
    `${web('parent: base', 'base-ami: ~')}  base:\n`,
    `${web('parent: base', 'base-ami: ""')}  base:\n`,
    `${web('parent: ""', 'base-ami: ami-01234567')}  base:\n`,
    JSON.stringify({
      images: { web: { 'packer-template': 'ami', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' } },
    }),
  ]

  test.each(good)('accepts, as the parser does, %j', async content => {
    expect([isValidInEditor(content), await isAccepted(content)]).toEqual([true, true])
  })

  const bad: readonly string[] = [
    '',
    'images',
    '[]',
    DEFAULTS,
    `${DEFAULTS}images:\n`,
    `${DEFAULTS}images: {}\n`,
    `${DEFAULTS}images: [web]\n`,
    `${web()}image: {}\n`,
    `${DEFAULTS}  parent: web\nimages:\n  web:\n`,
    `${DEFAULTS}  output-file: x\nimages:\n  web:\n`,
    `${DEFAULTS}  strikt: true\nimages:\n  web:\n`,
    `${DEFAULTS}images: { web: x }`,
    `${DEFAULTS}images: { web: [] }`,
    ...['we b', '.a', '""', 'a/b', 'a'.repeat(65), 'ü'].map(name => `${DEFAULTS}images: { ${name}: {} }`),
    web('packer-vers: x'),
    web('on-miss: skip'),
    ...IMAGE_KEYS.map(key => web(`${key}: { "": [] }`)),
    ...IMAGE_KEYS.map(key => web(`${key}: [[a]]`)),
    web('aws-region: us-east'),
    web('aws-region: [us-east-1]'),
    web('packer-template: [ami]'),
    web('packer-vars: [a=1]'),
    web('packer-vars: { 1b: x }'),
    web('packer-vars: { base_ami: x }'),
    web('packer-vars: { a: [x] }'),
    web('packer-vars: 1'),
    ...['ami-0123', 'newest:me/x', 'newest:self/', 'ssm:', '"ssm:a b"', '1'].map(base => web(`base-ami: ${base}`)),
    ...['yes', 'no', 'on', '1', '0', 'tRUE', '[true]'].map(word => web(`strict: ${word}`)),
    ...['yes', '0', 'n'].map(word => web(`candidate: ${word}`)),
    ...[
      '[eu-west]',
      '["eu-west-1="]',
      '[eu-west-1=a=b]',
      '{ eu-west: }',
      '{ eu-west-1: "" }',
      '{ eu-west-1: "a b" }',
    ].map(regions => web(`regions: ${regions}`)),
    ...['-1', '"-1"', 'a', 'true', '1d', '"0x1F"', '[1]'].map(days => web(`max-age-days: ${days}`)),
    ...['0', '0.0', '"0"', '-1', 'a', 'true'].map(days => web(`critical-fix-days: ${days}`)),
    ...['aws:a', 'AWS:a', 'ami_config_checksum', 'ami_bakery_x', '""', 'a'.repeat(128)].map(name =>
      web(`tags: { ${name}: x }`),
    ),
    web('tags: [a=b]'),
    web('tags: true'),
    web(`tags: { a: ${'b'.repeat(257)} }`),
    web('tags: { a: "b\\nc" }'),
    web(`tags: { ${Array.from({ length: 31 }, (_, number) => `t${number}: x`).join(', ')} }`),
    ...[
      'all',
      '[all]',
      '[1234-5678-9012]',
      '["12345678901"]',
      '[arn:aws:organizations::012345678901:organization/x]',
    ].map(accounts => web(`share-with: ${accounts}`)),
    ...[
      'web',
      '/amis/',
      '//a',
      '/aws/web',
      '/SSM-x',
      '"/a b"',
      '/a'.repeat(16),
      `/${'a'.repeat(950)}`,
      '1',
      '[/a]',
    ].map(name => web(`ssm-parameter: ${name}`)),
    `${web('parent: base', 'base-ami: ami-01234567')}  base:\n`,
    web('parent: a b'),
  ]

  test.each(bad)('refuses, as the parser does, %j', async content => {
    expect([isValidInEditor(content), await isAccepted(content)]).toEqual([false, false])
  })
})
