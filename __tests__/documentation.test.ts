import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSettingName, parseSettings, type SettingName } from '../src/definition/settings.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
const filesIn = (directory: string) => fs.readdirSync(path.join(root, directory)).map(name => `${directory}/${name}`)

const RECIPES = [...filesIn('docs/recipes'), 'example-app/workflow.yml']
const POLICIES = filesIn('docs/iam').map(read).join('\n')

/** The texts that a pattern's first group matches in these files, without repetitions. */
function valuesOf(pattern: RegExp, ...files: readonly string[]): readonly string[] {
  const matches = files.flatMap(file => [...read(file).matchAll(pattern)])
  return [...new Set(matches.map(([, value = '']) => value))]
}

/** The same, for a pattern that must match in each of these files. */
function valuesOfEach(pattern: RegExp, ...files: readonly string[]): readonly string[] {
  expect(files.filter(file => valuesOf(pattern, file).length === 0)).toEqual([])
  return valuesOf(pattern, ...files)
}

describe('the session of the bake role', () => {
  const [waitMinutes = ''] = valuesOf(/^ {2}wait-for-other-bakes:\n(?: {4}.*\n)*? {4}default: "(\d+)"$/gm, 'action.yml')
  const HOUR = 3600
  /** Logins with the bake role. Recipes for a runner with its own credentials, or for another system, have none. */
  const logins = [...RECIPES, 'README.md'].flatMap(file => {
    const steps = read(file).split(/^ +- (?=uses:|id:|name:|if:|run:)/m)
    return steps
      .filter(step => /role-to-assume: .*(AWS_BAKE_ROLE|role\/bake)\b/.test(step))
      .map(step => [file, step] as const)
  })

  test.each(logins)('is long enough in %s to wait for another run, to bake and to copy', (file, step) => {
    const seconds = Number(/role-duration-seconds: (\d+)/.exec(step)?.[1])
    const copies = /^ +regions:/m.test(read(file)) && file !== 'README.md'
    expect(seconds).toBeGreaterThanOrEqual(Number(waitMinutes) * 60 + HOUR * (copies ? 2 : 1))
  })

  test('is never longer than the role of docs/iam allows, and that is not longer than STS allows', () => {
    expect(logins.length).toBeGreaterThan(8)
    const longest = Math.max(...valuesOf(/role-duration-seconds: (\d+)/g, ...RECIPES, 'README.md').map(Number))
    const [allowed, ...others] = valuesOf(/--max-session-duration (\d+)/g, 'docs/iam/README.md').map(Number)
    expect(others).toEqual([])
    expect(allowed).toBeGreaterThanOrEqual(longest)
    // IAM API reference, CreateRole, MaxSessionDuration.
    expect(allowed).toBeLessThanOrEqual(12 * HOUR)
  })
})

describe('versions', () => {
  test('of Node are the same in package.json, README, CONTRIBUTING and action.yml', () => {
    const [node = '', ...others] = valuesOfEach(
      /Node (\d+\.\d+)/g,
      'README.md',
      'CONTRIBUTING.md',
      'docs/recipes/self-hosted.yml',
    )
    expect(others).toEqual([])
    expect(JSON.parse(read('package.json')).engines.node).toBe(`>=${node}`)
    expect(JSON.parse(read('package-lock.json')).packages[''].engines.node).toBe(`>=${node}`)
    expect(valuesOf(/using: node(\d+)/g, 'action.yml')).toEqual([node.split('.')[0]])
  })

  test('of the runner are everywhere the first that has this Node', () => {
    const runner = valuesOfEach(
      /(?:Runner|runner of your own must be version) (\d+\.\d+\.\d+)/g,
      'README.md',
      'docs/recipes/self-hosted.yml',
    )
    // actions/runner, src/Misc/externals.sh: 2.327.1 has Node 24.4.0, 2.328.0 has 24.5.0.
    expect(runner).toEqual(['2.328.0'])
  })

  test('of the oldest Packer are the same in code, README, CHANGELOG and example', () => {
    const sources = filesIn('src/packer').filter(file => /too old/.test(read(file)))
    const inCode = valuesOf(/(\d+\.\d+) or newer is required/g, ...sources)
    expect(inCode).toHaveLength(1)
    expect(valuesOfEach(/Packer (\d+\.\d+) or newer/g, 'README.md', 'CHANGELOG.md')).toEqual(inCode)
    expect(valuesOf(/required_version = ">= (\d+\.\d+)\.0"/g, 'example-app/ami/app.pkr.hcl')).toEqual(inCode)
  })

  test('of Packer and its plugin in recipes and policies are those of the tests', () => {
    const [packer = ''] = valuesOf(/^ {2}packer: \{\s+version: '([\d.]+)'/gm, 'tools/install.ts')
    const [plugin = ''] = valuesOf(/pluginVersion = '([\d.]+)'/g, 'tools/install.ts')
    expect(valuesOf(/PACKER_VERSION: ([\d.]+)/g, 'docs/recipes/gitlab-ci.yml')).toEqual([packer])
    const recorded = [/Packer (\d+\.\d+) with its/g, /amazon plugin (\d+\.\d+)/g]
    const inPolicies = recorded.map(pattern => valuesOf(pattern, 'docs/iam/README.md'))
    expect(inPolicies).toEqual([packer, plugin].map(version => [version.replace(/\.\d+$/, '')]))
  })

  test('of Python are the same in README and CONTRIBUTING', () => {
    expect(valuesOfEach(/Python (\d+\.\d+) or newer/g, 'README.md', 'CONTRIBUTING.md')).toHaveLength(1)
  })
})

describe('defaults', () => {
  const inAction = [...read('action.yml').matchAll(/^ {2}([a-z-]+):\n(?: {4}.*\n)*? {4}default: "?(\w+)"?$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )

  test.each(inAction)('of %s is %s in the README too', (name, value) => {
    expect(read('README.md')).toMatch(new RegExp(`^\\| \`${name}\` \\| \`${value}\` \\|`, 'm'))
  })

  test('of the README that are one word are in action.yml too, but for settings of an image', () => {
    const rows = [...read('README.md').matchAll(/^\| `([a-z-]+)` \| `(\w+)` \|/gm)]
    const others = rows.filter(([, name = '']) => !isSettingName(name))
    expect(others.map(([, name = '', value = '']) => [name, value])).toEqual(inAction)
  })

  test('of settings of an image are applied by the code, as the README says, and not by action.yml', () => {
    expect(inAction.filter(([name]) => isSettingName(name))).toEqual([])
    const required: [SettingName, string][] = [
      ['packer-template', path.join(root, 'example-app/ami/app.pkr.hcl')],
      ['ami-definition-dirs', 'ami'],
      ['aws-region', 'us-east-1'],
    ]
    const source = { name: undefined, parent: undefined, prefix: () => '', advice: () => '' }
    const { strict } = parseSettings(new Map(required), source)
    expect(read('README.md')).toContain(`\n| \`strict\` | \`${strict}\` |`)
  })

  test('of numbers are the same in the code', () => {
    const inCode = [...read('src/actions/bake/inputs.ts').matchAll(/readSetting\('([a-z-]+)', '[a-z-]+'\) \?\? (\d+)/g)]
    expect(inCode.map(([, name = '', value = '']) => [name, value])).toEqual(
      inAction.filter(([, value]) => /^\d+$/.test(value)),
    )
  })
})

describe('permissions', () => {
  const commands = [...RECIPES, 'docs/other-accounts.md'].flatMap(file => {
    return [...read(file).matchAll(/\baws ([a-z0-9]+) ([a-z]+(?:-[a-z]+)+)/g)].map(([, service = '', command = '']) => {
      const action = command.replace(/(^|-)([a-z])/g, (_, _hyphen, letter: string) => letter.toUpperCase())
      return [file, `${service}:${action}`] as const
    })
  })

  test('are needed by commands of the AWS CLI in some recipe or page', () => {
    expect(commands).not.toEqual([])
  })

  test.each(commands)('that a command in %s needs are in docs/iam: %s', (file, action) => {
    expect(POLICIES).toContain(`"${action}"`)
    expect(read(file)).toContain('docs/iam')
  })

  test('are for the audience with which the identity provider is created', () => {
    const audience = valuesOf(/--client-id-list (\S+)/g, 'docs/iam/README.md')
    expect(valuesOf(/:aud": "([^"]+)"/g, 'docs/iam/trust.json')).toEqual(audience)
    expect(valuesOf(/ aud: (\S+)/g, 'docs/recipes/gitlab-ci.yml')).toEqual(audience)
  })

  test('are valid JSON in every example of docs/iam', () => {
    const examples = [...read('docs/iam/README.md').matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => json)
    expect(examples.length).toBeGreaterThan(5)
    for (const example of examples) expect(() => JSON.parse(example)).not.toThrow()
  })
})

test('the README has at most 250 lines', () => {
  expect(read('README.md').split('\n').length - 1).toBeLessThanOrEqual(250)
})

describe('links', () => {
  const PAGES = ['', 'docs', 'docs/iam', 'example-app', '__tests__'].flatMap(directory =>
    fs
      .readdirSync(path.join(root, directory))
      .filter(name => name.endsWith('.md'))
      .map(name => path.posix.join(directory, name)),
  )
  const links = PAGES.flatMap(page =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, file = '', heading]) => ({
      page,
      file: file ? path.posix.join(path.posix.dirname(page), file) : page,
      heading,
    })),
  )

  test('lead to files that exist', () => {
    expect(links.length).toBeGreaterThan(30)
    expect(links.filter(({ file }) => !fs.existsSync(path.join(root, file)))).toEqual([])
  })

  test('lead to headings that exist', () => {
    const dead = links.filter(({ file, heading }) => heading !== undefined && !anchorsOf(file).includes(heading))
    expect(dead).toEqual([])
  })
})

/** The anchors that GitHub makes of the headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase())
  return headings.map(heading => heading.replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'))
}

test('docs/failures.md says of each failure what the action does and what the user does', () => {
  const rows = read('docs/failures.md').match(/^\|.*$/gm) ?? []
  expect(rows.length).toBeGreaterThan(50)
  expect(rows.filter(row => !/^(\|---){3}\|$|^(\| \S.*? ){3}\|$/.test(row))).toEqual([])
})

test('CONTRIBUTING lists the folders of src and states the import rule that is checked', () => {
  const listed = valuesOf(/^ {6}([a-z0-9]+)\/ {2}/gm, 'CONTRIBUTING.md')
  expect([...listed].sort()).toEqual(fs.readdirSync(path.join(root, 'src')).sort())
  const [rows = ''] = valuesOf(/^const ROWS = (.*)$/gm, 'tools/import-rule.ts')
  const checked: string[][] = JSON.parse(rows.replaceAll("'", '"'))
  expect(read('CONTRIBUTING.md')).toContain(`\`${checked.map(row => row.join(', ')).join(' → ')}\``)
})
