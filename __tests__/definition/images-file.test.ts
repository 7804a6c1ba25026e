import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readImagesFile } from '../../src/definition/images-file.ts'
import { DEFAULTS, FILE, NOTHING, useImagesFile, web } from '../support/images-file.ts'
import { messageFrom } from '../support/messages.ts'

const { workspace, at, read, readWeb } = useImagesFile()

describe('the images file', () => {
  test('keeps the order of its images', async () => {
    const file = await read(`${DEFAULTS}images: { b: , Web: {}, a: {}, web: ~, "10": , 1.10: , null: {} }`)
    expect(file.names).toEqual(['b', 'Web', 'a', 'web', '10', '1.10', 'null'])
    expect(file.settings('null')).toEqual({ ...file.settings('b'), name: 'null' })
  })

  test('has different images whose names differ only in case', async () => {
    const file = await read(`${DEFAULTS}images: { web: { strict: true }, Web: { strict: false } }`)
    expect([file.settings('web').strict, file.settings('Web').strict]).toEqual([true, false])
  })

  test('replaces a default by the key of the image, without merging the two', async () => {
    const defaults = `${DEFAULTS}  packer-vars: { a: 1, b: 2 }\n  regions: [eu-west-1]\n  max-age-days: 30\n`
    const images = 'images:\n  web: { packer-vars: { b: 3 }, regions: eu-west-2 }\n  other:\n'
    const file = await read(defaults + images)
    expect(file.settings('web')).toMatchObject({
      ...{ variables: [{ name: 'b', value: '3' }], regions: [{ name: 'eu-west-2' }], maxAgeDays: 30 },
    })
    expect(file.settings('other').variables).toHaveLength(2)
  })

  test.each(['', '~', 'null', '# nothing'])('applies the default to a key with %j, which is no value', async none => {
    const defaults = `${DEFAULTS}  max-age-days: 30\n  regions: [eu-west-1]\n`
    const file = await read(
      `${defaults}images:\n  web:\n    max-age-days: ${none}\n    regions: ${none}\n    parent: ${none}\n`,
    )
    expect(file.settings('web')).toMatchObject({
      maxAgeDays: 30,
      regions: [{ name: 'eu-west-1' }],
      parent: undefined,
    })
  })

  test.each([
    ['""', '[]'],
    ["' '", '{}'],
  ])('does not apply the default to a key with %s or %s, which are empty values', async (text, list) => {
    const defaults = `${DEFAULTS}  max-age-days: 30\n  regions: [eu-west-1]\n`
    const file = await read(`${defaults}images:\n  web:\n    max-age-days: ${text}\n    regions: ${list}\n`)
    expect(file.settings('web')).toMatchObject({ maxAgeDays: undefined, regions: [] })
  })

  const texts = ['1.10', '012345678901', '0x1F', '0o17', '1e3', 'yes', 'no', 'on', 'true', '2026-01-01', '.inf', '.NaN']
  const more = ['2026-01-01T00:00:00Z', '1_000', '0b1', '+1', '-0', '1:30', 'NULL ', "'~'", '"null"', 'a#b', '<<', '=']

  test.each([...texts, ...more])('reads the value %s as it is written', async text => {
    const plain = text.trim().replace(/^(['"])(.*)\1$/, '$2')
    const { variables, extraIngredients, tags } = await readWeb(
      `packer-vars: { v: ${text === 'NULL ' ? '"NULL"' : text} }`,
      `extra-ingredients: [ ${text === 'NULL ' ? '"NULL"' : text} ]`,
      `tags:\n      v: ${text === 'NULL ' ? '"NULL"' : text}`,
    )
    expect([variables[0]?.value, extraIngredients[0], tags.get('v')]).toEqual([plain, plain, plain])
  })

  test('keeps the leading zero of an account', async () => {
    expect((await readWeb('share-with: [012345678901]')).shareWith).toEqual(['012345678901'])
    expect((await readWeb('base-ami: newest:012345678901/x')).baseAmi).toEqual({ owner: '012345678901', pattern: 'x' })
  })

  test('accepts maps, lists and texts, and skips entries without a value', async () => {
    expect(
      await readWeb(
        'ami-definition-dirs: [ami, "a, b", , ~, ""]'.replace(', ,', ','),
        'packer-vars: { a: ~, b: "", c: "~", d:  }',
        'packer-only:\n    - a, b\n    -\n    - null',
        'regions: { eu-west-1: , eu-west-2: alias/x, us-east-1: ~ }',
        'tags: { a: ~, b: "" }',
        'packer-var-files: vars/a.pkrvars.hcl',
      ),
    ).toMatchObject({
      definition: ['ami', 'a, b'],
      variables: [variable('b', ''), variable('c', '~')],
      only: ['a, b'],
      regions: [{ name: 'eu-west-1' }, { name: 'eu-west-2', kmsKey: 'alias/x' }],
      tags: new Map([['b', '']]),
      variableFiles: [at('vars/a.pkrvars.hcl')],
    })
  })

  test('reads the lines of packer-vars as the input does', async () => {
    const { variables } = await readWeb('packer-vars: |', '  a=1.10 ', '  b<<END', '  1', '', '   2', '  END')
    expect(variables).toEqual([variable('a', '1.10 '), variable('b', '1\n\n 2')])
  })

  test('can repeat values by aliases', async () => {
    const file = await read(
      `${DEFAULTS}images:\n  base: &base\n    tags: &tags { a: &a 1.10 }\n    extra-ingredients: [ *a, &a 2, *a ]\n` +
        '  web: *base\n  other: { tags: *tags, *a : 1 }\n'.replace(', *a : 1', ''),
    )
    expect(file.settings('base').extraIngredients).toEqual(['1.10', '2', '2'])
    expect(file.settings('web')).toEqual({ ...file.settings('base'), name: 'web' })
    expect(file.settings('other').tags).toEqual(new Map([['a', '1.10']]))
  })

  test.each(['a'.repeat(64), 'A.b_c-1', '0'])('can have an image with the name %s', async name => {
    expect((await read(`${DEFAULTS}images:\n  ${name}:\n`)).names).toEqual([name])
  })

  test('can be JSON, also with tabs as indentation', async () => {
    const content = {
      defaults: { 'packer-template': 'ami', 'ami-definition-dirs': ['ami'], 'aws-region': 'us-east-1' },
      images: { web: { strict: true, 'max-age-days': 30, 'ssm-parameter': null, 'packer-vars': { a: 'x\ny' } } },
    }
    const plain = (await read(JSON.stringify(content))).settings('web')
    expect(plain).toMatchObject({
      strict: true,
      maxAgeDays: 30,
      ssmParameter: undefined,
      variables: [variable('a', 'x\ny')],
    })
    expect((await read(JSON.stringify(content, null, '\t'))).settings('web')).toEqual(plain)
  })

  test('can have a byte order mark and CRLF', async () => {
    const lines = ['packer-vars: |', '  a=1', '  b<<E', '  x', '  y', '  E', 'extra-ingredients: "a', '  b"']
    const plain = await readWeb(...lines)
    expect(plain.variables).toEqual([variable('a', '1'), variable('b', 'x\ny')])
    const file = await read(`\ufeff${web(...lines)}`.replaceAll('\n', '\r\n'))
    expect(file.settings('web')).toEqual(plain)
    expect(file.prefix('web', 'extra-ingredients')).toContain(`${FILE}:13: `)
  })

  test('can begin with comments, a directive and a document marker, and end with one', async () => {
    expect((await read(`# x\n%YAML 1.2\n---\n${web('strict: true')}...\n# y\n`)).settings('web').strict).toBe(true)
  })

  test('has paths relative to the workspace, also in another directory', async () => {
    workspace.write({ 'below/of/it/images.yml': web('output-file: out/id.json', 'working-directory: below') })
    for (const path of ['below/of/it/images.yml', at('below/of/it/images.yml')]) {
      const file = await readImagesFile(path, NOTHING)
      expect(file.path).toBe(path)
      expect(file.settings('web')).toMatchObject({
        template: { path: at('ami/app.pkr.hcl') },
        ...{ outputFile: at('out/id.json'), workingDirectory: at('below') },
      })
    }
  })

  test('needs the YAML parser only when it is read', () => {
    const module = new URL('../../src/definition/images-file.ts', import.meta.url)
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const { readImagesFile } = await import(${JSON.stringify(module.href)})
      const isLoaded = () => loaded.some(url => url.includes('/node_modules/yaml/'))
      const before = isLoaded()
      await readImagesFile(${JSON.stringify(FILE)}, { inputs: new Map(), environment: new Map() })
      console.log(before, isLoaded())`
    fs.writeFileSync(at(FILE), web())
    const options = { cwd: workspace.directory, encoding: 'utf8' } as const
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], options)).toBe('false true\n')
  })
})

describe('settings from inputs and the environment', () => {
  const plain = `${DEFAULTS.replace(/ {2}aws-region.*\n/, '')}images:\n`

  test('are used in this order: the input, the file, the environment', async () => {
    const content = `${plain}  a: { aws-region: eu-west-1, aws-subnet-id: subnet-a }\n  b: { aws-region: "" }\n`
    const environment = new Map([
      ['aws-region', 'us-east-1'],
      ['aws-subnet-id', 'subnet-e'],
    ] as const)
    const fromFile = await read(content, { inputs: new Map(), environment })
    expect(fromFile.settings('a')).toMatchObject({ region: 'eu-west-1', subnetId: 'subnet-a' })
    expect(fromFile.settings('b')).toMatchObject({ region: 'us-east-1', subnetId: 'subnet-e' })
    const inputs = new Map([['aws-region', 'us-west-2']] as const)
    const fromInput = await read(content, { inputs, environment })
    expect(fromInput.settings('a')).toMatchObject({ region: 'us-west-2', subnetId: 'subnet-a' })
    expect(fromInput.settings('b')).toMatchObject({ region: 'us-west-2', subnetId: 'subnet-e' })
  })

  test('decide whether a parent and its child are in the same region', async () => {
    const content = `${plain}  a: { aws-region: eu-west-1 }\n  b: { parent: a }\n`
    const region = (name: string) => new Map([['aws-region', name]] as const)
    expect(await messageFrom(() => read(content, { ...NOTHING, environment: region('us-east-1') }))).toBe(
      `images-file: ${FILE}:6: image b: parent: a is in eu-west-1, but b is in us-east-1. Specify the same aws-region for both.`,
    )
    expect((await read(content, { ...NOTHING, environment: region('eu-west-1') })).names).toEqual(['a', 'b'])
    expect((await read(content, { ...NOTHING, inputs: region('us-east-1') })).settings('a').region).toBe('us-east-1')
  })

  test('decide which of the regions is the region of the bake', async () => {
    const content = web('regions: [eu-west-1, us-west-2]')
    const inputs = new Map([['aws-region', 'us-west-2']] as const)
    expect((await read(content, { ...NOTHING, inputs })).settings('web').regions).toEqual([{ name: 'eu-west-1' }])
  })

  test.each(['inputs', 'environment'] as const)('are named in the error if one of the %s is wrong', async from => {
    const options = { ...NOTHING, [from]: new Map([['aws-region', 'nowhere']] as const) }
    expect(await messageFrom(() => read(`${plain}  a:\n`, options))).toBe(
      'aws-region: "nowhere" is not the name of an AWS region. Specify one like us-east-1.',
    )
  })

  test('replace the settings of one image', async () => {
    const file = await read(`${web('max-age-days: 30', 'tags: { a: b }')}  other:\n`)
    const inputs = new Map([
      ['max-age-days', '7'],
      ['tags', ''],
      ['regions', 'us-east-1,eu-west-1'],
    ] as const)
    expect(file.settingsWith('web', inputs)).toEqual({
      ...file.settings('web'),
      ...{ maxAgeDays: 7, regions: [{ name: 'eu-west-1', kmsKey: undefined }] },
    })
    expect(file.settings('web').maxAgeDays).toBe(30)
    expect(await messageFrom(() => file.settingsWith('web', new Map([['max-age-days', 'x']] as const)))).toBe(
      'max-age-days: "x" is not a number. Specify one like 30.',
    )
  })

  const included = ['packer-template', 'ami-definition-dirs', 'packer-vars', 'packer-var-files', 'packer-only'] as const

  test.each([...included, 'base-ami', 'extra-ingredients', 'strict'] as const)(
    'cannot replace %s, which is included in the checksum',
    async name => {
      const file = await read(web())
      expect(file.settingsWith('web', new Map([[name, ' ']]))).toEqual(file.settings('web'))
      expect(await messageFrom(() => file.settingsWith('web', new Map([[name, 'x']])))).toBe(
        `${name}: can't be specified together with image: it is included in the checksum, which plan computes from the file alone. Write it in the images file.`,
      )
    },
  )

  test.each([
    ['false', 'true', true],
    ['true', 'false', true],
    ['true', 'true', true],
    ['false', 'false', false],
  ])('cannot disable candidate: %s in the file and %s as input is %s', async (inFile, asInput, candidate) => {
    const file = await read(web(`candidate: ${inFile}`))
    expect(file.settingsWith('web', new Map([['candidate', asInput]])).candidate).toBe(candidate)
    expect(await messageFrom(() => file.settingsWith('web', new Map([['candidate', 'x']])))).toBe(
      'candidate: "x" is neither true nor false. Specify one of these.',
    )
  })
})

describe('the parent of an image', () => {
  test('replaces a default base-ami, and an empty base-ami of the image', async () => {
    const content = `${DEFAULTS}  base-ami: ami-01234567\nimages:\n  base:\n  web: { parent: base }\n  api: { parent: base, base-ami: ~ }\n  ui: { parent: base, base-ami: "" }\n`
    const file = await read(content)
    expect(file.settings('base')).toMatchObject({ baseAmi: { id: 'ami-01234567' }, parent: undefined })
    for (const name of ['web', 'api', 'ui']) {
      expect(file.settings(name)).toMatchObject({ baseAmi: undefined, parent: 'base' })
    }
  })

  test('can be written after its child, and can have a parent itself', async () => {
    const file = await read(`${DEFAULTS}images:\n  c: { parent: b }\n  b: { parent: a }\n  a:\n  d: { parent: a }\n`)
    expect(file.names.map(name => file.settings(name).parent)).toEqual(['b', 'a', undefined, 'a'])
  })
})

describe('the prefix of an error', () => {
  test('names the line of the image, of the default, or of the image if the key is missing', async () => {
    const file = await read(`${web('strict: true', 'parent: base')}  base:\n`)
    const begin = `images-file: ${FILE}`
    expect(file.prefix('web', 'strict')).toBe(`${begin}:7: image web: strict: `)
    expect(file.prefix('web', 'parent')).toBe(`${begin}:8: image web: parent: `)
    expect(file.prefix('web', 'ami-definition-dirs')).toBe(`${begin}:3: defaults: ami-definition-dirs: `)
    expect(file.prefix('web', 'ssm-parameter')).toBe(`${begin}:6: image web: ssm-parameter: `)
    expect(file.prefix('base', 'parent')).toBe(`${begin}:9: image base: parent: `)
    expect(file.prefix('base', 'base-ami')).toBe(`${begin}:9: image base: base-ami: `)
  })

  test('names the parent of an image instead of its base image', async () => {
    const file = await read(`${web('strict: true', 'parent: base')}  base: { base-ami: ami-01234567 }\n`)
    expect(file.prefix('web', 'base-ami')).toBe(`images-file: ${FILE}:8: image web: parent: `)
    expect(file.prefix('base', 'base-ami')).toBe(`images-file: ${FILE}:9: image base: base-ami: `)
  })

  test('shows a control character of the path as an escape', async () => {
    workspace.write({ 'a\u001bb.yml': web() })
    const file = await readImagesFile('a\u001bb.yml', NOTHING)
    expect(file.prefix('web', 'strict')).toBe('images-file: a\\u001bb.yml:6: image web: strict: ')
    expect(await messageFrom(() => file.settings('x'))).toBe(
      '"x" is not an image of a\\u001bb.yml. Its images are web.',
    )
  })

  test('is an error with a suggestion for an image that does not exist', async () => {
    const file = await read(`${web()}  base:\n`)
    const message = `"bas" is not an image of ${FILE}. Did you mean base? Its images are web, base.`
    expect(await messageFrom(() => file.settings('bas'))).toBe(message)
    expect(await messageFrom(() => file.settingsWith('bas', new Map()))).toBe(message)
    expect(await messageFrom(() => file.prefix('bas', 'strict'))).toBe(message)
  })
})

function variable(name: string, value: string): object {
  return { name, value }
}
