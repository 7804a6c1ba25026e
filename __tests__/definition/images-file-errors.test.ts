import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { readImagesFile } from '../../src/definition/images-file.ts'
import { DEFAULTS, FILE, NOTHING, useImagesFile, web } from '../support/images-file.ts'
import { messageFrom } from '../support/messages.ts'

const { at, read } = useImagesFile()

describe('an error of the images file', () => {
  const example = 'Write "images:" and below it the name of each image with its settings.'
  const inChecksum = 'packer-vars, packer-var-files, packer-only, base-ami, extra-ingredients, strict'
  const own = 'candidate, regions, max-age-days, critical-fix-days, tags, working-directory'
  const keys = `packer-template, ami-definition-dirs, aws-region, aws-subnet-id, ${inChecksum}, ${own}`
  const imageKeys = `The keys of an image are ${keys}, output-file, share-with, ssm-parameter, parent.`
  const defaultKeys = `The keys of defaults are ${keys}, share-with, ssm-parameter.`
  const noName = 'is not a valid image name. Use up to 64 letters, digits, dots, _ and -, the first a letter or digit.'
  const oneValue = 'Write only the value after the colon.'
  const quotes = 'Put it in quotes if it is a text.'
  const noWord = 'is neither true nor false. Specify one of these.'
  const tag = 'Remove the tag: every value is read as it is written.'
  const merge = 'merge keys are not supported. Write the keys out, or write the keys of all images below defaults.'
  const noAnchor = 'no value before *x has the anchor &x. Write &x before the value to repeat.'
  const indentation =
    'the indentation differs from that of the lines around it. Indent all keys of a map alike, and close every bracket.'
  const character = 'the value has a character that no input can have: U+0000 or an unpaired surrogate. Remove it.'
  const cases: readonly (readonly [about: string, content: string, message: string])[] = [
    ['an empty file', '', `1: the file is empty. ${example}`],
    ['a file of comments', '# nothing\n', `1: the file is empty. ${example}`],
    ['an empty document', '---\n', `1: the file is empty. ${example}`],
    ['a text', 'images', `1: a map is expected here, not a text. ${example}`],
    ['a list', '- web', `1: a map is expected here, not a list. ${example}`],
    ['no images', DEFAULTS, `1: the file has no image. ${example}`],
    ['empty images', `${DEFAULTS}images:\n`, `5: the file has no image. ${example}`],
    ['an empty map of images', `${DEFAULTS}images: {}\n`, `5: the file has no image. ${example}`],
    [
      'a list of images',
      `${DEFAULTS}images: [web]\n`,
      '5: images: a map is expected here, not a list. Write names and values below it.',
    ],
    [
      'a text as defaults',
      'defaults: x\nimages:\n',
      '1: defaults: a map is expected here, not a text. Write names and values below it.',
    ],
    [
      'a wrong section',
      'image: {}',
      '1: "image" is not a known key here. Did you mean images? The keys here are defaults and images.',
    ],
    [
      'a setting at the top level',
      'strict: true',
      '1: "strict" is not a known key here. Write it below defaults or below an image. The keys here are defaults and images.',
    ],
    [
      'an unknown key',
      web('strict: true', 'packer-vers: x'),
      `8: image web: "packer-vers" is not a known key. Did you mean packer-vars? ${imageKeys}`,
    ],
    [
      'a key in snake case',
      web('max_age_days: 1'),
      `7: image web: "max_age_days" is not a known key. Did you mean max-age-days? ${imageKeys}`,
    ],
    [
      'a part of a key',
      web('template: x'),
      `7: image web: "template" is not a known key. Did you mean packer-template? ${imageKeys}`,
    ],
    ['a key that resembles no other', web('zzz: x'), `7: image web: "zzz" is not a known key. ${imageKeys}`],
    [
      'an input that is not a setting',
      web('force-bake: true'),
      `7: image web: "force-bake" is not a known key. ${imageKeys}`,
    ],
    ['a key that every object has', web('__proto__: x'), `7: image web: "__proto__" is not a known key. ${imageKeys}`],
    [
      'an unknown default',
      `defaults:\n  strikt: true\nimages:\n  web:\n`,
      `2: defaults: "strikt" is not a known key. Did you mean strict? ${defaultKeys}`,
    ],
    [
      'parent in defaults',
      `${DEFAULTS}  parent: web\nimages:\n  web:\n`,
      '5: defaults: parent is not allowed here, because it applies to one image. Write it below the image.',
    ],
    [
      'output-file in defaults',
      `${DEFAULTS}  output-file:\nimages:\n  web:\n`,
      '5: defaults: output-file is not allowed here, because it applies to one image. Write it below the image.',
    ],
    [
      'an image that is a text',
      `${DEFAULTS}images:\n  web: x\n`,
      '6: image web: the settings of the image are expected here, not a text. Write keys and values below the name.',
    ],
    [
      'an image that is a list',
      `${DEFAULTS}images:\n  web:\n    - strict\n`,
      '6: image web: the settings of the image are expected here, not a list. Write keys and values below the name.',
    ],
    ['a name with a blank', `${DEFAULTS}images:\n  we b: {}\n`, `6: images: "we b" ${noName}`],
    ['a name with a slash', `${DEFAULTS}images:\n  a/b: {}\n`, `6: images: "a/b" ${noName}`],
    ['a name that begins with a dot', `${DEFAULTS}images:\n  .a: {}\n`, `6: images: ".a" ${noName}`],
    [
      'a name of 65 letters',
      `${DEFAULTS}images:\n  ${'a'.repeat(65)}: {}\n`,
      `6: images: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" ${noName}`,
    ],
    ['an empty name', `${DEFAULTS}images:\n  "": {}\n`, `6: images: "" ${noName}`],
    ['no name', `${DEFAULTS}images:\n  : {}\n`, '6: image : a key is not a text. Write a name before the colon.'],
    ['a name of several lines', `${DEFAULTS}images:\n  "a\\nb": {}\n`, `6: images: "a\\nb" ${noName}`],
    [
      'the same image twice',
      `${DEFAULTS}images:\n  web: {}\n  api: {}\n  web: {}\n`,
      `8: image web: the key is already in line 6. Remove one of the two.`,
    ],
    [
      'the same key twice',
      web('strict: true', '"strict": false'),
      `8: image web: strict: the key is already in line 7. Remove one of the two.`,
    ],
    [
      'the same section twice',
      `${web()}images: {}\n`,
      `7: images: the key is already in line 5. Remove one of the two.`,
    ],
    [
      'the same variable twice',
      web('packer-vars: { a: 1,', '  a: 2 }'),
      `8: image web: packer-vars: a: the key is already in line 7. Remove one of the two.`,
    ],
    [
      'a list instead of a text',
      web('aws-region: [us-east-1]'),
      `7: image web: aws-region: one value is expected here, not a list. ${oneValue}`,
    ],
    [
      'a map instead of a text',
      web('strict: { a: b }'),
      `7: image web: strict: one value is expected here, not a map. ${oneValue}`,
    ],
    [
      'a map instead of a list',
      web('packer-only: { a: b }'),
      '7: image web: packer-only: a list is expected here, not a map. Write each entry after a dash.',
    ],
    [
      'a list instead of a map',
      web('packer-vars: [a=1]'),
      '7: image web: packer-vars: a map is expected here, not a list. Write name: value below it, or a text of name=value lines.',
    ],
    [
      'a map in a list',
      web('ami-definition-dirs: [a, b: c]'),
      `7: image web: ami-definition-dirs: entry 2 is a map, but one text is expected. ${quotes}`,
    ],
    [
      'a list in a map',
      web('packer-vars: { a: [1] }'),
      `7: image web: packer-vars: the entry "a" is a list, but one text is expected. ${quotes}`,
    ],
    [
      'a parent that is a list',
      web('parent: [base]'),
      `7: image web: parent: one value is expected here, not a list. ${oneValue}`,
    ],
    ['a value that the input does not accept', web('strict: yes'), `7: image web: strict: "yes" ${noWord}`],
    [
      'a number that only YAML accepts',
      web('max-age-days: 0x1F'),
      '7: image web: max-age-days: "0x1F" is not a number. Specify one like 30.',
    ],
    [
      'a line of packer-vars',
      web('packer-vars: |', '  a=1', '  b'),
      '7: image web: packer-vars: line 2 is not of the form name=value. Write it so, or as name<<END, the value, and END.',
    ],
    [
      'a template that is missing',
      web('packer-template: no.json'),
      `7: image web: packer-template: ${at('no.json')} can't be read: ENOENT: no such file or directory, stat '${at('no.json')}'. Specify a .json template, a .pkr.hcl or .pkr.json file, or a directory of those.`,
    ],
    [
      'a wrong default',
      `${DEFAULTS}  strict: no\nimages:\n  web: { strict: true }\n`,
      `5: defaults: strict: "no" ${noWord}`,
    ],
    [
      'a required key that is missing',
      'images:\n  web:\n    aws-region: us-east-1\n    ami-definition-dirs: ami\n',
      '2: image web: packer-template: is required. Write it below web or below defaults.',
    ],
    [
      'a region that is missing',
      'images:\n  web: { packer-template: ami, ami-definition-dirs: ami }',
      '2: image web: aws-region: is required. Write it below web or below defaults, or set AWS_REGION in the environment.',
    ],
    [
      'a definition that is empty',
      web('ami-definition-dirs: [ ]'),
      '7: image web: ami-definition-dirs: is required. Write it below web or below defaults.',
    ],
    [
      'an unknown parent',
      `${web('parent: bse')}  base:\n`,
      '7: image web: parent: "bse" is not an image of this file. Did you mean base? Its images are web, base.',
    ],
    [
      'an image that is its own parent',
      web('parent: web'),
      '7: image web: parent: web → web is a circle. Remove the parent of one of these images.',
    ],
    [
      'a circle',
      `${DEFAULTS}images:\n  a: { parent: b }\n  b: { parent: c }\n  c: { parent: d }\n  d: { parent: b }\n`,
      '7: image b: parent: b → c → d → b is a circle. Remove the parent of one of these images.',
    ],
    [
      'a parent together with a base-ami',
      `${web('parent: base', 'base-ami: ami-01234567')}  base:\n`,
      `8: image web: base-ami: an image with a parent is baked from the image of base. Remove one of the two.`,
    ],
    [
      'a parent in another region',
      `${web('parent: base')}  base: { aws-region: eu-west-1 }\n`,
      '7: image web: parent: base is in eu-west-1, but web is in us-east-1. Specify the same aws-region for both.',
    ],
    ['a tab before a key', web('\tstrict: true'), '7: image web: YAML does not allow a tab here. Indent with spaces.'],
    ['a tab instead of spaces', `images:\n\tweb:\n`, '2: images: YAML does not allow a tab here. Indent with spaces.'],
    ['a tag of YAML', web('max-age-days: !!int 30'), `7: image web: max-age-days: the value has the tag !!int. ${tag}`],
    ['a custom tag', web('tags: !env { a: b }'), `7: image web: tags: the value has the tag !env. ${tag}`],
    [
      'a tag whose name contains that of a tag of YAML',
      web('strict: !<x-tag:yaml.org,2002:bool> true'),
      `7: image web: strict: the value has the tag x-tag:yaml.org,2002:bool. ${tag}`,
    ],
    ['a tag of YAML at a key', web('!!str strict: true'), `7: image web: strict: the value has the tag !!str. ${tag}`],
    ['a merge key', web('<<: { strict: true }'), `7: image web: <<: ${merge}`],
    ['a merge key in a map', web('tags: { <<: { a: b } }'), `7: image web: tags: <<: ${merge}`],
    ['a merge key in quotes', web('"<<": x'), `7: image web: "<<" is not a known key. ${imageKeys}`],
    ['an alias without an anchor', web('strict: *x'), `7: image web: strict: ${noAnchor}`],
    ['an alias before its anchor', web('strict: *x', 'candidate: &x true'), `7: image web: strict: ${noAnchor}`],
    ['an alias inside the value of its anchor', web('tags: &x { a: *x }'), `7: image web: tags: a: ${noAnchor}`],
    [
      'an alias of a list instead of a text',
      web('extra-ingredients: &x [a]', 'aws-region: *x'),
      `8: image web: aws-region: one value is expected here, not a list. ${oneValue}`,
    ],
    ['a key that is a list', web('? [a]', ': b'), '7: image web: a key is not a text. Write a name before the colon.'],
    [
      'a key that is an alias of no value, after another key',
      web('strict: &x', '*x : b'),
      '8: image web: a key is not a text. Write a name before the colon.',
    ],
    [
      'a key that is a list, after another key',
      web('strict: true', '? [a]', ': b'),
      '8: image web: a key is not a text. Write a name before the colon.',
    ],
    [
      'a second document',
      `${web()}---\n${web()}`,
      '7: image web: a second document begins after "---". Write everything into one document.',
    ],
    [
      'a value with a colon',
      web('aws-region: us-east-1: x'),
      '7: image web: aws-region: one value is expected here, but there is a second "key: value". Correct the indentation, or put the value in quotes.',
    ],
    ['a wrong indentation', web('tags:', '    a: b', '  c: d'), `9: image web: tags: ${indentation}`],
    ['a bracket that is not closed', web('packer-only: [a, b'), `8: image web: packer-only: ${indentation}`],
    [
      'a quote that is not closed',
      web('aws-region: "a'),
      '8: image web: aws-region: a closing quote or bracket, or the colon after a key, is missing. Write it.',
    ],
    [
      'a value that begins with a special character',
      web('packer-only: @a'),
      '7: image web: packer-only: a value begins with a character that has a meaning in YAML. Put the value in quotes.',
    ],
    [
      'an escape that does not exist',
      web('packer-only: "\\q"'),
      '7: image web: packer-only: the YAML is not valid: Invalid escape sequence \\q. Correct it.',
    ],
    ['a value with U+0000', web('packer-only: "a\\0"'), `7: image web: packer-only: ${character}`],
    ['a value with an unpaired surrogate', web('packer-only: "\\ud83d"'), `7: image web: packer-only: ${character}`],
    [
      'values nested too deeply',
      web(`packer-only: ${'['.repeat(20_000)}`),
      '7: image web: packer-only: the values are nested too deeply. A setting is a text, a list or a map of texts.',
    ],
    [
      'a long key',
      web(`tags: { ${'a'.repeat(101)}: 1, ${'a'.repeat(101)}: 2 }`),
      `7: image web: tags: ${'a'.repeat(100)}: the key is already in line 7. Remove one of the two.`,
    ],
    [
      'a name with a line break',
      `${DEFAULTS}images:\n  "a\\n::error::b": { "x\\ny": 1, "x\\ny": 2 }\n`,
      `6: image a\\u000a::error::b: x\\u000ay: the key is already in line 6. Remove one of the two.`,
    ],
  ]

  test.each(cases)('names file, line, image and key, and says what to specify, for %s', async (_, content, message) => {
    expect(await messageFrom(() => read(content))).toBe(`images-file: ${FILE}:${message}`)
  })

  test.each([
    [20, ''],
    [21, ' and 1 more'],
    [201, ' and 181 more'],
  ])('names at most 20 images when there are %i', async (count, more) => {
    const names = ['web', ...Array.from({ length: count - 1 }, (_, number) => `image-${number}`)]
    const images = names.map(name => `  ${name}: { parent: zzz }\n`).join('')
    expect(await messageFrom(() => read(`${DEFAULTS}images:\n${images}`))).toBe(
      `images-file: ${FILE}:6: image web: parent: "zzz" is not an image of this file. Its images are ${names.slice(0, 20).join(', ')}${more}.`,
    )
  })

  const absent = 'does not exist. Correct the path, or check out the repository first.'
  const long = 'x'.repeat(300)
  const noFile: readonly (readonly [path: string, message: string])[] = [
    ['no.yml', `no.yml ${absent}`],
    ['a\nb', `a\\u000ab ${absent}`],
    ['ami', 'ami is not a file. Specify a YAML file.'],
    [
      long,
      `${long} can't be read: ENAMETOOLONG: name too long, stat '${at(long)}'. Specify a YAML file that this user may read.`,
    ],
  ]

  test.each(noFile)('is thrown for the path %j, which is not that of a file', async (path, message) => {
    expect(await messageFrom(() => readImagesFile(path, NOTHING))).toBe(`images-file: ${message}`)
  })

  // A read of this file fails, for root too.
  test.runIf(process.platform === 'linux')('is thrown for a file that can be opened, but not read', async () => {
    const problem = "can't be read: EIO: i/o error, read. Specify a YAML file that this user may read."
    await expect(readImagesFile('/proc/self/mem', NOTHING)).rejects.toThrow(`images-file: /proc/self/mem ${problem}`)
    await expect(readImagesFile('/proc/self/mem', NOTHING)).rejects.toMatchObject({ cause: { code: 'EIO' } })
  })

  const wrapped: readonly (readonly [about: string, content: string, where: string, cause: string])[] = [
    ['a setting', web('strict: yes'), '7: image web: strict: ', `"yes" ${noWord}`],
    [
      'a default',
      `${DEFAULTS}  strict: yes\nimages:\n  web: { strict: true }\n`,
      '5: defaults: strict: ',
      `"yes" ${noWord}`,
    ],
    ['a parent', web('parent: [a]'), '7: image web: parent: ', `one value is expected here, not a list. ${oneValue}`],
  ]

  test.each(wrapped)('has the error of the value as its cause, for %s', async (_, content, where, cause) => {
    await expect(read(content)).rejects.toThrow(
      new Error(`images-file: ${FILE}:${where}${cause}`, { cause: new Error(cause) }),
    )
  })

  test('has the error of the file system as its cause', async () => {
    await expect(readImagesFile(long, NOTHING)).rejects.toMatchObject({ cause: { code: 'ENAMETOOLONG' } })
  })

  test('is thrown for a FIFO, without waiting for a writer', async () => {
    execFileSync('mkfifo', [at('fifo.yml')])
    expect(await messageFrom(() => readImagesFile('fifo.yml', NOTHING))).toBe(
      'images-file: fifo.yml is not a file. Specify a YAML file.',
    )
  })

  const noText = '1: the file is UTF-16, UTF-32 or binary. Save it as UTF-8.'
  const noLine = 'the line is not UTF-8. Save the file as UTF-8.'
  const utf32 = Buffer.from([...web()].flatMap(letter => [letter.charCodeAt(0), 0, 0, 0]))
  const incomplete = Buffer.concat([Buffer.from(web('# ')), Buffer.from([0xc3])])
  const encodings: readonly (readonly [about: string, content: Buffer, message: string])[] = [
    ['UTF-16', Buffer.from(`\ufeff${web()}`, 'utf16le'), noText],
    ['UTF-16 without a mark', Buffer.from(web(), 'utf16le'), noText],
    ['big-endian UTF-16', Buffer.from(`\ufeff${web()}`, 'utf16le').swap16(), noText],
    ['UTF-32', utf32, noText],
    ['a NUL', Buffer.from(web('# \0')), noText],
    ['Latin-1', Buffer.from(web('# gr\u00fcn'), 'latin1'), `7: ${noLine}`],
    ['an incomplete character', incomplete, `8: ${noLine}`],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80]), `1: ${noLine}`],
  ]

  test.each(encodings)('is thrown for a file with another encoding than UTF-8: %s', async (_, content, message) => {
    expect(await messageFrom(() => read(content))).toBe(`images-file: ${FILE}:${message}`)
  })
})
