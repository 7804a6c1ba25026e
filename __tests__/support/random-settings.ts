import { Document, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import type { RawMap, RawValue } from '../../src/definition/raw-value.ts'
import type { SettingName } from '../../src/definition/settings.ts'
import type { Dice } from './definitions.ts'

/** A setting in both spellings: as the text of an input, and as the value in the images file. */
export interface Spelled {
  readonly input: string
  readonly file: RawValue
}

export type SpelledSettings = ReadonlyMap<SettingName, Spelled>

/** Files for the settings that are paths. Some of their names have a meaning in YAML. */
export const RANDOM_FILES: Readonly<Record<string, string>> = {
  ...{ 'ami/app.pkr.hcl': '', 'ami/app.json': '{"builders": []}', 'ami/sub/file': 'sub', 'ami/x': 'x' },
  ...{ '1.10/file': '1', 'yes/file': '2', '#x/file': '3', '[a]/file': '4', '~/file': '5', 'a b/file': '6', '012': '7' },
  ...{ 'null/file': '8', '{a}: b/file': '9', '- a/file': '10', "it's/file": '11', 'é/file': '12' },
}

const ENTRIES = [
  'ami',
  '1.10',
  'yes',
  '#x',
  '[a]',
  '~',
  'a b',
  '012',
  'null',
  '{a}: b',
  '- a',
  "it's",
  'é',
  './ami/',
  '!ami/x',
]

const TRICKY = [
  ...[
    '1.10',
    '012345678901',
    '0x1F',
    'yes',
    'NO',
    'true',
    '~',
    'null',
    'Null',
    '2026-01-01',
    '1e3',
    '.inf',
    '-',
    '?',
    ':',
  ],
  ...[
    'a: b',
    'a #b',
    '#',
    '- a',
    '*a',
    '&a',
    '!a',
    '!!int 1',
    '|',
    '>',
    '%',
    '@',
    '`',
    '"',
    "'",
    '[',
    ']',
    '{a: b}',
    '\\',
    '<<',
  ],
  ...[
    'a\tb',
    'a  b',
    '日本',
    '\u{1f600}',
    '\u0085',
    '\u2028',
    '\ufeff',
    '\u0007',
    '---',
    '...',
    '$(a)',
    "''",
    '""',
    'x'.repeat(90),
  ],
]

/** Makes random settings, which are the same for the same dice. */
export function makeSettings(dice: Dice): SpelledSettings {
  const settings = new Map<SettingName, Spelled>([
    ['packer-template', same(dice.pick(['ami/app.pkr.hcl', 'ami', 'ami/app.json']))],
    ['ami-definition-dirs', list(['ami', ...some(dice, () => dice.pick(ENTRIES))], ',\n', dice)],
    ['aws-region', same(dice.pick(['us-east-1', 'us-gov-west-1', 'ap-southeast-2']))],
  ])
  for (const [name, make] of MAKERS) if (dice.chance(0.4)) settings.set(name, make(dice))
  return settings
}

const MAKERS: readonly (readonly [SettingName, (dice: Dice) => Spelled])[] = [
  ['aws-subnet-id', dice => same(makeText(dice))],
  ['packer-vars', makeVariables],
  [
    'packer-var-files',
    dice =>
      list(
        some(dice, () => dice.pick(['012', 'ami/x', '~/file', '{a}: b/file'])),
        '\n',
        dice,
      ),
  ],
  [
    'packer-only',
    dice =>
      list(
        some(dice, () => makeText(dice).replaceAll(',', '')),
        ',\n',
        dice,
      ),
  ],
  ['base-ami', dice => same(dice.pick(['ami-01234567', 'newest:012345678901/a: b #*', 'ssm:/a/b:1']))],
  ['extra-ingredients', dice => list(some(dice, makeText), '\n', dice)],
  ['strict', makeBoolean],
  ['candidate', makeBoolean],
  ['regions', makeRegions],
  ['max-age-days', dice => same(dice.pick(['0', '030', '1.50', '7']))],
  ['critical-fix-days', dice => same(dice.pick(['030', '1.50', '7']))],
  ['tags', makeTags],
  ['working-directory', dice => same(dice.pick(['~', '1.10', './ami', 'yes']))],
  ['output-file', dice => same(dice.pick(['~', '1.10/id.json', '#x', '../id.json']))],
  [
    'share-with',
    dice =>
      list(
        some(dice, () => dice.pick(['012345678901', '000000000000', ORGANIZATION])),
        ',\n',
        dice,
      ),
  ],
  ['ssm-parameter', dice => same(dice.pick(['/amis/web', '/1.10']))],
]

const ORGANIZATION = 'arn:aws:organizations::012345678901:organization/o-abcdefghij'

function some<Item>(dice: Dice, make: (dice: Dice) => Item): Item[] {
  return Array.from({ length: dice.below(4) }, () => make(dice))
}

function makeText(dice: Dice): string {
  return [dice.pick(TRICKY), ...some(dice, () => dice.pick(TRICKY))].join(dice.pick(['', ' ', 'a'])).trim() || 'x'
}

function same(text: string): Spelled {
  return { input: text, file: text }
}

function makeBoolean(dice: Dice): Spelled {
  return same(dice.pick(['true', 'True', 'TRUE', 'false', 'False', 'FALSE']))
}

/** An empty list and an empty text are the same. In the file a list may be written as the input is. */
function list(entries: readonly string[], separators: string, dice: Dice): Spelled {
  const separator = () => dice.pick(['', ' ']) + dice.pick([...separators]) + dice.pick(['', ' ', '\n'])
  const input = entries.map(entry => entry + separator()).join('')
  return { input, file: dice.chance(0.3) ? input : entries }
}

function makeVariables(dice: Dice): Spelled {
  const names = new Set(some(dice, () => dice.pick(['a', '_', 'größe', 'yes', 'no', 'null', 'x.y-z', 'True', 'NaN'])))
  const lines = () => [makeText(dice), ...some(dice, () => dice.pick(['', ' ', makeText(dice), ' a ']))]
  const values = [...names].map(name => [name, dice.pick(['', ' a ', makeText(dice), lines().join('\n')])] as const)
  const input = values
    .map(([name, value]) => (value.includes('\n') ? `${name}<<E_F\n${value}\nE_F\n` : `${name}=${value}\n`))
    .join('')
  return { input, file: dice.chance(0.3) ? input : new Map(values) }
}

function makeTags(dice: Dice): Spelled {
  const plain = (text: string) =>
    text
      .replace(/[=\p{Cc}]/gu, '')
      .trim()
      .slice(0, 120) || 'x'
  const tags = new Map(some(dice, () => [plain(makeText(dice)), dice.pick(['', plain(makeText(dice))])] as const))
  const input = [...tags].map(([name, value]) => `${dice.pick(['', ' '])}${name} = ${value}\n`).join('')
  return { input, file: dice.chance(0.3) ? input : tags }
}

function makeRegions(dice: Dice): Spelled {
  const names = new Set(some(dice, () => dice.pick(['us-east-1', 'eu-west-1', 'eu-west-2', 'ap-southeast-2'])))
  const keys = [...names].map(name => [name, dice.pick(['', 'alias/a', '012', 'null'])] as const)
  const { input, file } = list(
    keys.map(([name, key]) => (key ? `${name}=${key}` : name)),
    ',\n',
    dice,
  )
  return { input, file: dice.chance(0.3) ? new Map(keys.map(([name, key]) => [name, key || undefined])) : file }
}

/** An images file with the image `web`; some of its settings are in the defaults, some of those are replaced. */
export function writeImagesFile(settings: SpelledSettings, dice: Dice): string {
  const defaults = new YAMLMap()
  const own = new YAMLMap()
  for (const [name, { file }] of settings) {
    const isDefault = name !== 'output-file' && dice.chance(0.4)
    if (isDefault) defaults.set(toKey(name, dice), toNode(file, dice))
    if (!isDefault || dice.chance(0.2)) own.set(toKey(name, dice), toNode(file, dice))
    if (!isDefault && name === 'strict') defaults.set('strict', toScalar(dice.pick(['true', 'false']), dice))
  }
  const images = new YAMLMap()
  images.set('web', own)
  const root = new YAMLMap()
  root.set('defaults', defaults)
  root.set('images', images)
  return print(root, dice)
}

function print(root: YAMLMap, dice: Dice): string {
  const document = new Document(root, { schema: 'failsafe', version: '1.2' })
  const options = {
    ...{ indentSeq: dice.chance(0.5), flowCollectionPadding: dice.chance(0.5) },
    // Over several lines yaml 2.9 writes a blank before a line's end as a backslash and a blank, quoted once too often.
    doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
  }
  const folded = document.toString({ ...options, lineWidth: dice.pick([0, 40, 80]) })
  // It also folds lines in the middle of a character.
  const isWhole = folded.split('\n').every(line => line.isWellFormed())
  const text = isWhole ? folded : document.toString({ ...options, lineWidth: 0 })
  const lines = dice.chance(0.2) ? text.replaceAll('\n', '\r\n') : text
  return dice.chance(0.1) ? `\ufeff${lines}` : lines
}

function toNode(value: RawValue, dice: Dice): YAMLMap | YAMLSeq | Scalar {
  if (typeof value === 'string') return toScalar(value, dice)
  const node = 'get' in value ? toMap(value, dice) : toList(value, dice)
  node.flow = node.items.length === 0 || dice.chance(0.4)
  return node
}

function toList(value: readonly string[], dice: Dice): YAMLSeq {
  const list = new YAMLSeq()
  for (const entry of value) list.add(toScalar(entry, dice))
  return list
}

function toMap(value: RawMap, dice: Dice): YAMLMap {
  const map = new YAMLMap()
  for (const [name, entry] of value) {
    map.set(toKey(name, dice), entry === undefined ? styled(dice.pick(NOTHING), 'PLAIN') : toScalar(entry, dice))
  }
  return map
}

/** The texts that YAML reads as no value, unless they are in quotes. */
const NOTHING = ['~', 'null', 'Null', 'NULL', '']

/** A style that can't hold the text is replaced by quotes. */
function toScalar(text: string, dice: Dice): Scalar {
  if (NOTHING.includes(text)) return styled(text, dice.pick(['QUOTE_SINGLE', 'QUOTE_DOUBLE']))
  return styled(text, dice.pick(['PLAIN', 'PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL']))
}

/** Without quotes `<<` would be a merge key. */
function toKey(name: string, dice: Dice): Scalar {
  return styled(name, name === '<<' ? 'QUOTE_SINGLE' : dice.pick(['PLAIN', 'PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE']))
}

function styled(text: string, style: Scalar.Type): Scalar {
  const scalar = new Scalar(text)
  scalar.type = style
  return scalar
}
