import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RawValue } from '../../src/definition/raw-value.ts'
import {
  isSettingName,
  parseSetting,
  parseSettings,
  type RawSettings,
  SETTING_NAMES,
  type SettingName,
} from '../../src/definition/settings.ts'
import { messageFrom } from '../support/messages.ts'
import { hclTemplate, jsonTemplate, makeWorkspace } from '../support/workspace.ts'

const workspace = makeWorkspace({
  'ami/app.pkr.hcl': hclTemplate(),
  'ami/app.json': jsonTemplate(),
  'vars/a.pkrvars.hcl': '',
  'vars/b, c.pkrvars.hcl': '',
  'broken.json': '[]',
})
const at = (file: string) => `${workspace.directory}/${file}`

beforeAll(() => {
  vi.stubEnv('GITHUB_WORKSPACE', workspace.directory)
})

afterAll(() => {
  vi.unstubAllEnvs()
  workspace[Symbol.dispose]()
})

const map = (entries: Readonly<Record<string, string | undefined>>) => new Map(Object.entries(entries))

const ORGANIZATION = 'arn:aws:organizations::012345678901:organization/o-abcdefghij'
const UNIT = 'arn:aws-us-gov:organizations::012345678901:ou/o-abcdefghij/ou-ab12-12345678'

const EMPTY = ['', ' ', '\n \t', [], new Map<string, string>()] as const

describe('a setting', () => {
  const good: readonly (readonly [SettingName, RawValue, unknown])[] = [
    ['ami-definition-dirs', ' one ,two words\r\n\n three,', ['one', 'two words', 'three']],
    ['ami-definition-dirs', ['one', ' a, b ', '', ' ', '!x'], ['one', 'a, b', '!x']],
    ['ami-definition-dirs', ' , \n,', []],
    ['aws-region', ' eu-west-1\n', 'eu-west-1'],
    ['aws-region', 'us-gov-west-1', 'us-gov-west-1'],
    ['aws-subnet-id', ' subnet-1 ', 'subnet-1'],
    ['packer-vars', 'a=1.10\n\n b = x=y \r\n', [variable('a', '1.10'), variable('b', ' x=y ')]],
    ['packer-vars', 'a<<END\n1\n 2 \nEND\nb<<E\nE', [variable('a', '1\n 2 '), variable('b', '')]],
    [
      'packer-vars',
      map({ a: '1.10', ' b ': ' x\ny ', c: undefined, d: '' }),
      [variable('a', '1.10'), variable('b', ' x\ny '), variable('d', '')],
    ],
    ['packer-vars', map({ größe_1: 'x' }), [variable('größe_1', 'x')]],
    ['packer-only', 'a, b\nc', ['a', 'b', 'c']],
    ['packer-only', ['a, b', 'a, b'], ['a, b', 'a, b']],
    ['base-ami', 'ami-01234567', { id: 'ami-01234567' }],
    ['base-ami', 'ami-0123456789abcdef0', { id: 'ami-0123456789abcdef0' }],
    ['base-ami', 'newest:099720109477/ubuntu/a b*', { owner: '099720109477', pattern: 'ubuntu/a b*' }],
    ['base-ami', 'newest:self/x', { owner: 'self', pattern: 'x' }],
    ['base-ami', 'ssm:/aws/service/ami-x/latest', { parameter: '/aws/service/ami-x/latest' }],
    ['base-ami', 'ssm:base:3', { parameter: 'base:3' }],
    [
      'base-ami',
      'ssm:arn:aws:ssm:us-east-1:012345678901:parameter/base',
      { parameter: 'arn:aws:ssm:us-east-1:012345678901:parameter/base' },
    ],
    ['extra-ingredients', ' a, b \r\n\nc', ['a, b', 'c']],
    ['extra-ingredients', ['a, b', 'c\nd'], ['a, b', 'c\nd']],
    ...['true', 'True', 'TRUE', ' true '].map(word => ['strict', word, true] as const),
    ...['false', 'False', 'FALSE', 'false\n'].map(word => ['candidate', word, false] as const),
    ['regions', 'eu-west-1, eu-west-2=alias/x\n', [region('eu-west-1'), region('eu-west-2', 'alias/x')]],
    ['regions', ['eu-west-1', ' eu-west-2 = alias/x '], [region('eu-west-1'), region('eu-west-2', 'alias/x')]],
    [
      'regions',
      map({ 'eu-west-1': undefined, 'eu-west-2': ' alias/x ' }),
      [region('eu-west-1'), region('eu-west-2', 'alias/x')],
    ],
    [
      'regions',
      'eu-west-1=arn:aws:kms:eu-west-1:012345678901:key/a-b',
      [region('eu-west-1', 'arn:aws:kms:eu-west-1:012345678901:key/a-b')],
    ],
    // EC2 allows colons in an alias.
    ['regions', 'eu-west-1=alias/arn:aws:kms:us-east-1:x', [region('eu-west-1', 'alias/arn:aws:kms:us-east-1:x')]],
    ['max-age-days', '0', 0],
    ['max-age-days', '012.50', 12.5],
    ['critical-fix-days', '0.5', 0.5],
    [
      'tags',
      'team = web\n\n url=http://a/?b=c\r\nempty=\nName=web',
      map({ team: 'web', url: 'http://a/?b=c', empty: '', Name: 'web' }),
    ],
    ['tags', map({ ' a b ': ' 012 ', c: undefined, 'd=e': '' }), map({ 'a b': '012', 'd=e': '' })],
    [
      'tags',
      map({ ['\u{1f600}'.repeat(127)]: '\u{1f600}'.repeat(256) }),
      map({ ['\u{1f600}'.repeat(127)]: '\u{1f600}'.repeat(256) }),
    ],
    ['share-with', '012345678901,210987654321\n012345678901', ['012345678901', '210987654321']],
    ['share-with', [ORGANIZATION, UNIT], [ORGANIZATION, UNIT]],
    ['ssm-parameter', ' /amis/web-1_x.y ', '/amis/web-1_x.y'],
    ...['/a'.repeat(15), `/${'a'.repeat(949)}`, '/web/aws', '/web/ssm'].map(
      name => ['ssm-parameter', name, name] as const,
    ),
  ]

  test.each(good)('%s accepts %j', (name, raw, value) => {
    expect(parseSetting(name, raw)).toEqual(value)
  })

  const noRegion = 'is not the name of an AWS region. Specify one like us-east-1.'
  const text = 'Write only the value after the colon.'
  const pairs = 'a map is expected here, not a list. Write name: value below it, or a text of name=value lines.'
  const reserved = 'the entry "base_ami" sets base_ami, which this action passes to Packer itself. Remove it.'
  const noFile = 'is not a readable file. Specify the path of one variable file per line.'
  const forms = 'Specify ami-…, newest:<owner>/<name pattern> or ssm:<parameter name>'
  const noBase = `is not a base image. ${forms}; the owner is 12 digits, self, amazon or aws-marketplace.`
  const noWord = 'is neither true nor false. Specify one of these.'
  const noKey = 'is not a KMS key of eu-west-1. Specify an id, an alias/…, or an ARN of that region.'
  const noNumber = 'is not a number. Specify one like 30.'
  const noValue = 'the entry "a" has a value that EC2 would refuse. Specify at most 256 characters on one line.'
  const noDirectory = 'is not a directory. Specify the directory in which Packer runs.'
  const accounts = 'Specify accounts of 12 digits, or ARNs of organizations or organizational units.'
  const noAccount = `is neither an account nor an organization. ${accounts}`
  const levels = 'letters, digits and .-_ in at most 15 levels, the first not beginning with aws or ssm.'
  const noParameter = `is not a valid name of an SSM parameter. Specify one like /amis/web: ${levels}`
  const templates = 'Specify a .json template, a .pkr.hcl or .pkr.json file, or a directory of those.'
  const bad: readonly (readonly [SettingName, RawValue, string])[] = [
    ...['us-east', 'us-east-1; id', 'evil.com/#'].map(name => ['aws-region', name, `"${name}" ${noRegion}`] as const),
    ['aws-region', 'x'.repeat(200), `"${'x'.repeat(100)}…" ${noRegion}`],
    ['aws-region', ['us-east-1'], `one value is expected here, not a list. ${text}`],
    ['aws-region', map({ a: 'b' }), `one value is expected here, not a map. ${text}`],
    ['ami-definition-dirs', map({ a: 'b' }), 'a list is expected here, not a map. Write each entry after a dash.'],
    ['packer-vars', ['a=1'], pairs],
    [
      'packer-vars',
      map({ '1b': 'secret' }),
      'the entry "1b" is not a valid variable name. Use letters, digits, _, - and dots after a letter or _.',
    ],
    ['packer-vars', map({ a: 'secret', ' a': 'secret' }), 'the entry "a" sets a again. Remove one of the two.'],
    ['packer-vars', map({ base_ami: 'secret' }), reserved],
    ['packer-vars', map({ base_ami: undefined }), reserved],
    ...['nowhere', 'vars', 'x'.repeat(300)].map(file => ['packer-var-files', file, `${at(file)} ${noFile}`] as const),
    ['packer-var-files', 'vars/a.pkrvars.hcl\nnowhere', `${at('nowhere')} ${noFile}`],
    ...['ami-0123', 'newest:me/x', 'newest:self/', 'x-newest:self/x', 'ssm:', 'ssm:a b', 'x-ssm:a'].map(
      base => ['base-ami', base, `"${base}" ${noBase}`] as const,
    ),
    ['base-ami', 'newest:self/a\nb', `"newest:self/a\\nb" ${noBase}`],
    ...['yes', '1', 'tRUE', 'untrue', 'trues', 'unfalse', 'falsely'].flatMap(word =>
      (['strict', 'candidate'] as const).map(name => [name, word, `"${word}" ${noWord}`] as const),
    ),
    ['regions', 'eu-west', '"eu-west" is not the name of an AWS region. Specify eu-west-1 or eu-west-1=<KMS key>.'],
    ...['eu-west-1,eu-west-1=alias/x', map({ 'eu-west-1': 'a', ' eu-west-1': 'b' })].map(
      regions => ['regions', regions, 'eu-west-1 is specified twice. Specify every region once.'] as const,
    ),
    ['regions', map({ 'eu-west-1': '' }), `"" ${noKey}`],
    ...['', 'a=b', 'a b', 'arn:aws:kms:us-east-1:012345678901:key/a', 'arn:aws-us-gov:kms:us-gov-west-1:0:key/a'].map(
      key => ['regions', `eu-west-1=${key}`, `"${key}" ${noKey}`] as const,
    ),
    ...['-1', '0x1F', '1e3', '.5', '1.'].map(days => ['max-age-days', days, `"${days}" ${noNumber}`] as const),
    ...['0', '0.0'].map(
      days => ['critical-fix-days', days, `"${days}" is not greater than 0. Specify a number like 30.`] as const,
    ),
    ['critical-fix-days', 'a', `"a" ${noNumber}`],
    ['tags', ['a=b'], pairs],
    ['tags', 'a=b\nc', 'line 2 is not of the form name=value. Write it so.'],
    ['tags', '=b', 'line 1 has no tag name. Write name=value.'],
    ['tags', 'a=1\n a =2', 'line 2 sets a again. Remove one of the two.'],
    ['tags', 'AWS:a=1', 'line 1 sets "AWS:a", but AWS reserves the prefix aws:. Rename the tag.'],
    ['tags', 'ami_config_checksum=1', 'line 1 sets ami_config_checksum, which this action sets itself. Remove it.'],
    [
      'tags',
      map({ ami_bakery_x: '1' }),
      'the entry "ami_bakery_x" sets ami_bakery_x, which this action sets itself. Remove it.',
    ],
    [
      'tags',
      map({ ['a'.repeat(128)]: '' }),
      `the entry "${'a'.repeat(100)}…" has a name that EC2 would refuse. Specify at most 127 characters on one line.`,
    ],
    ...['b'.repeat(257), 'b\nc'].map(value => ['tags', map({ a: value }), noValue] as const),
    [
      'tags',
      Array.from({ length: 31 }, (_, number) => `t${number}=`).join('\n'),
      '31 tags are too many: EC2 allows 50, and other tags are set too. Specify at most 30.',
    ],
    ...['ami/app.json', 'nowhere'].map(path => ['working-directory', path, `${at(path)} ${noDirectory}`] as const),
    ['share-with', 'all', `"all" would make the image public, which is not supported. ${accounts}`],
    ['share-with', ['012345678901,012345678902'], `"012345678901,012345678902" ${noAccount}`],
    ...['12345678901', '0123456789012', 'x012345678901', `${ORGANIZATION}/x`, `x-${ORGANIZATION}`].map(
      entry => ['share-with', entry, `"${entry}" ${noAccount}`] as const,
    ),
    ...['web', 'x/web', '/amis/', '//web', '/AWS/web', '/ssm-web', '/a b', '/a'.repeat(16)].map(
      name => ['ssm-parameter', name, `"${name}" ${noParameter}`] as const,
    ),
    ['ssm-parameter', `/${'a'.repeat(950)}`, `"/${'a'.repeat(99)}…" ${noParameter}`],
    [
      'packer-template',
      'nowhere.json',
      `${at('nowhere.json')} can't be read: ENOENT: no such file or directory, stat '${at('nowhere.json')}'. ${templates}`,
    ],
    [
      'packer-template',
      'broken.json',
      `${at('broken.json')} is not a legacy template. Write {"variables": {…}, "builders": […]}, or HCL2 in a file whose name ends with .pkr.hcl.`,
    ],
    ['packer-template', 'vars', `The directory ${at('vars')} has no .pkr.hcl or .pkr.json file. ${templates}`],
    ['packer-template', ['ami'], `one value is expected here, not a list. ${text}`],
  ]

  test.each(bad)('%s refuses %j', async (name, raw, message) => {
    const thrown = await messageFrom(() => parseSetting(name, raw))
    expect(thrown).toBe(message)
    expect(thrown).not.toContain('secret')
  })

  const letters = (count: number) => 'a1'.repeat(17).slice(0, count)
  const organization = (id: number) => `arn:aws:organizations::012345678901:organization/o-${letters(id)}`
  const unit = (id: number, root: number, own: number) =>
    `arn:aws:organizations::012345678901:ou/o-${letters(id)}/ou-${letters(root)}-${letters(own)}`

  test.each([10, 32])('share-with accepts an id of an organization with %i characters', id => {
    expect(parseSetting('share-with', organization(id))).toEqual([organization(id)])
  })

  test.each([9, 33])('share-with refuses an id of an organization with %i characters', async id => {
    expect(await messageFrom(() => parseSetting('share-with', organization(id)))).toBe(
      `"${organization(id)}" ${noAccount}`,
    )
  })

  test.each([
    [10, 4, 8],
    [32, 32, 32],
  ])('share-with accepts a unit whose organization, root and own id have %i, %i and %i characters', (...ids) => {
    expect(parseSetting('share-with', unit(...ids))).toEqual([unit(...ids)])
  })

  test.each([
    [9, 4, 8],
    [33, 4, 8],
    [10, 3, 8],
    [10, 33, 8],
    [10, 4, 7],
    [10, 4, 33],
  ])('share-with refuses a unit whose organization, root and own id have %i, %i and %i characters', async (...ids) => {
    const shown = unit(...ids).length > 100 ? `${unit(...ids).slice(0, 100)}…` : unit(...ids)
    expect(await messageFrom(() => parseSetting('share-with', unit(...ids)))).toBe(`"${shown}" ${noAccount}`)
  })

  test.each(SETTING_NAMES)('%s is not specified if its value is empty', name => {
    for (const raw of EMPTY) expect(parseSetting(name, raw)).toBe(undefined)
  })

  test('is not a name that every object has', () => {
    expect(isSettingName('strict')).toBe(true)
    for (const name of ['parent', 'toString', '__proto__', 'constructor', '']) expect(isSettingName(name)).toBe(false)
  })

  test('with 100,000 entries is parsed within two seconds', () => {
    const numbers = Array.from({ length: 100_000 }, (_, number) => number)
    const start = process.cpuUsage()
    parseSetting('packer-vars', numbers.map(number => `a${number}=`).join('\n'))
    parseSetting('regions', numbers.map(number => `us-${toLetters(number)}-1`).join('\n'))
    expect(process.cpuUsage(start).user).toBeLessThan(2_000_000)
  })
})

describe('packer-vars as text', () => {
  const form = 'is not of the form name=value. Write it so, or as name<<END, the value, and END.'
  const name = 'has no valid variable name before its sign. Write name=value.'
  const open = 'begins a value of several lines that does not end. Write name<<END, the value, and END.'
  const bad: readonly (readonly [text: string, line: number, problem: string])[] = [
    ['a', 1, form],
    ['a=1\n\n  secret', 3, form],
    ['a<< ', 1, form],
    ['a<<E\n1\nE\nsecret', 4, form],
    ['=secret', 1, name],
    ['a=1\n1b=secret', 2, name],
    ['.a=secret', 1, name],
    ['"a=secret', 1, name],
    ['a=1\nb=2\na=secret', 3, 'sets a again. Remove one of the two.'],
    ['a=1\na<<E\nE', 2, 'sets a again. Remove one of the two.'],
    ['a<<END\nsecret', 1, open],
    ...['aws_region', 'aws_subnet_id', 'config_checksum', 'base_ami'].map(
      own => [`a=1\n${own}=secret`, 2, `sets ${own}, which this action passes to Packer itself. Remove it.`] as const,
    ),
  ]

  test.each(bad)('%j is an error that names line %i and shows no value', async (text, line, problem) => {
    expect(await messageFrom(() => parseSetting('packer-vars', text))).toBe(`line ${line} ${problem}`)
  })
})

describe('the settings of an image', () => {
  const required: RawSettings = new Map<SettingName, RawValue>([
    ['packer-template', 'ami/app.pkr.hcl'],
    ['ami-definition-dirs', 'ami'],
    ['aws-region', 'us-east-1'],
  ])

  const source = {
    name: undefined,
    parent: undefined,
    prefix: (setting: SettingName) => `${setting}: `,
    advice: (setting: SettingName) => `Write ${setting}.`,
  }

  test('have the defaults if nothing else is specified', () => {
    const template = { language: 'hcl2', path: at('ami/app.pkr.hcl'), directory: at('ami'), isDirectory: false }
    expect(parseSettings(required, source)).toEqual({
      ...{ name: undefined, parent: undefined, region: 'us-east-1', regions: [], subnetId: undefined },
      template: { ...template, name: 'ami/app.pkr.hcl', files: [at('ami/app.pkr.hcl')] },
      ...{ definition: ['ami'], variables: [], variableFiles: [], only: [], baseAmi: undefined, extraIngredients: [] },
      ...{ strict: false, candidate: false, maxAgeDays: undefined, criticalFixDays: undefined, tags: new Map() },
      ...{ workingDirectory: at('ami'), outputFile: at('ami/.ami_id.json'), shareWith: [], ssmParameter: undefined },
    })
  })

  test('have the specified values, with absolute paths', () => {
    const raw = new Map([
      ...required,
      ...new Map<SettingName, RawValue>([
        ['packer-template', path.join(workspace.directory, 'ami/app.json')],
        ['aws-subnet-id', 'subnet-1'],
        ['packer-vars', 'a=1'],
        ['packer-var-files', ['vars/a.pkrvars.hcl', ' vars/b, c.pkrvars.hcl']],
        ['packer-only', 'amazon-ebs.app'],
        ['base-ami', 'ami-01234567'],
        ['extra-ingredients', 'one'],
        ['strict', 'true'],
        ['candidate', 'true'],
        ['working-directory', './vars'],
        ['output-file', '../id.json'],
        ['regions', 'us-east-1, eu-west-1'],
        ['max-age-days', '30'],
        ['critical-fix-days', '7'],
        ['tags', 'team=web'],
        ['share-with', '012345678901'],
        ['ssm-parameter', '/amis/web'],
      ]),
    ])
    expect(parseSettings(raw, { ...source, name: 'web', parent: 'base' })).toMatchObject({
      ...{ name: 'web', parent: 'base', definition: ['ami'], region: 'us-east-1', regions: [region('eu-west-1')] },
      ...{ subnetId: 'subnet-1', variables: [variable('a', '1')], only: ['amazon-ebs.app'], extraIngredients: ['one'] },
      ...{ baseAmi: { id: 'ami-01234567' }, strict: true, candidate: true, maxAgeDays: 30, criticalFixDays: 7 },
      ...{ tags: map({ team: 'web' }), shareWith: ['012345678901'], ssmParameter: '/amis/web' },
      template: { language: 'json', path: at('ami/app.json'), variables: map({ aws_region: '', config_checksum: '' }) },
      variableFiles: [at('vars/a.pkrvars.hcl'), at('vars/b, c.pkrvars.hcl')],
      workingDirectory: at('./vars'),
      outputFile: at('../id.json'),
    })
  })

  test.each(['packer-template', 'ami-definition-dirs', 'aws-region'] as const)('need %s', async name => {
    for (const raw of EMPTY) {
      const message = await messageFrom(() => parseSettings(new Map([...required, [name, raw]]), source))
      expect(message).toBe(`${name}: is required. Write ${name}.`)
    }
  })

  test('need an entry in ami-definition-dirs', async () => {
    const raw = new Map([...required, ['ami-definition-dirs', ' , ,\n'] as const])
    expect(await messageFrom(() => parseSettings(raw, source))).toBe(
      'ami-definition-dirs: is required. Write ami-definition-dirs.',
    )
  })

  test('name the setting that is wrong, as the source says, and keep the cause', () => {
    const raw = new Map([...required, ['strict', 'yes'] as const])
    const where = { ...source, prefix: (name: SettingName) => `file:7: ${name}: ` }
    const problem = '"yes" is neither true nor false. Specify one of these.'
    expect(() => parseSettings(raw, where)).toThrow(
      new Error(`file:7: strict: ${problem}`, { cause: new Error(problem) }),
    )
  })
})

function variable(name: string, value: string): object {
  return { name, value }
}

function region(name: string, kmsKey?: string): object {
  return { name, kmsKey }
}

function toLetters(number: number): string {
  return [...String(number)].map(digit => String.fromCharCode(97 + Number(digit))).join('')
}
