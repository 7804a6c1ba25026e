import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasTools, toolPath } from './support/tools.ts'
import { makeWorkspace } from './support/workspace.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
const filesIn = (directory: string) => fs.readdirSync(path.join(root, directory)).map(name => `${directory}/${name}`)

const RECIPES = filesIn('docs/recipes')
const OF_OTHER_SYSTEMS = ['docs/recipes/gitlab-ci.yml', 'docs/recipes/shell.sh']
const WORKFLOWS = [
  ...filesIn('.github/workflows'),
  ...RECIPES.filter(file => !OF_OTHER_SYSTEMS.includes(file)),
  'example-app/workflow.yml',
  '__tests__/fixtures/bake-and-deploy.yml',
]

/** In `uses:`, this action or one below it, such as `/plan`. */
const OWN_ACTION = /(?<=uses: )ami-bakery\/ami-bakery\/?([\w-]*)@v1/g

interface Verdict {
  readonly exitCode: number | null
  readonly report: string
}

function run(program: string, args: readonly string[], cwd: string): Verdict {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  return { exitCode: status, report: stdout + stderr }
}

/** actionlint checks inputs and outputs of local actions only, so that this repository's actions become local ones. */
function lint(workflows: Readonly<Record<string, string>>): Verdict {
  using workspace = makeWorkspace({
    '.git/HEAD': '',
    'action.yml': read('action.yml'),
    'plan/action.yml': read('plan/action.yml'),
    'prune/action.yml': read('prune/action.yml'),
    'publish/action.yml': read('publish/action.yml'),
    'revoke/action.yml': read('revoke/action.yml'),
    'dist/index.js': '',
    'dist/post.js': '',
    'dist/plan.js': '',
    'dist/prune.js': '',
    'dist/publish.js': '',
    'dist/revoke.js': '',
  })
  for (const [file, content] of Object.entries(workflows)) {
    const name = file.replaceAll('/', '-')
    workspace.write({ [`.github/workflows/${name}`]: content.replaceAll(OWN_ACTION, './$1') })
  }
  // Other programs on PATH must not affect the result.
  return run(toolPath('actionlint'), ['-shellcheck=', '-pyflakes='], workspace.directory)
}

describe.skipIf(!hasTools('actionlint'))('actionlint', () => {
  test('finds no problem in any workflow or in the README, and no input or output that action.yml does not have', () => {
    const [, example = ''] = /^```yaml\n(name:.*?)^```/ms.exec(read('README.md')) ?? []
    expect(example).toContain('uses: ami-bakery/ami-bakery@v1')
    const workflows = Object.fromEntries(WORKFLOWS.map(file => [file, read(file)]))
    expect(lint({ ...workflows, 'README.yml': example })).toEqual({ exitCode: 0, report: '' })
  })

  test.each([
    ['on-miss: skip', 'on-mis: skip', 'input "on-mis" is not defined'],
    ['outputs.cache_hit', 'outputs.cache-hit', 'property "cache-hit" is not defined'],
  ])('would report %s if it were %s', (right, wrong, message) => {
    const workflow = read('docs/recipes/pull-request.yml')
    expect(workflow).toContain(right)
    const { exitCode, report } = lint({ 'w.yml': workflow.replace(right, wrong) })
    expect(exitCode).toBe(1)
    expect(report).toContain(message)
  })
})

describe.skipIf(!hasTools('zizmor'))('zizmor', () => {
  const audit = (...files: readonly string[]) =>
    run(toolPath('zizmor'), ['--offline', '--quiet', '--pedantic', '--config=.github/zizmor.yml', ...files], root)

  test('finds no problem in any workflow', () => {
    const { exitCode, report } = audit(...WORKFLOWS, '.github/dependabot.yml')
    expect(exitCode, report).toBe(0)
  })

  test.each([
    [/@[0-9a-f]{40}/, '@v7', 'unpinned-uses'],
    [/ +with:\n +persist-credentials: false\n/, '', 'artipacked'],
    [/(?<=id-token: write) #.*/, '', 'undocumented-permissions'],
  ])('would report a recipe in which %s were %j', (right, wrong, rule) => {
    const recipe = read('docs/recipes/plain.yml')
    expect(recipe).toMatch(right)
    using workspace = makeWorkspace({ 'w.yml': recipe.replace(right, wrong) })
    const { exitCode, report } = audit(path.join(workspace.directory, 'w.yml'))
    expect(exitCode).not.toBe(0)
    expect(report).toContain(rule)
  })
})

test.each(WORKFLOWS)('%s has the version next to every SHA', file => {
  const pinned = [...read(file).matchAll(/uses: \S+@[0-9a-f]{40}.*/g)].map(([line]) => line)
  expect(pinned.filter(line => !/ # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
})

test.each(RECIPES)('%s begins with a sentence on its purpose', file => {
  expect(read(file).replace('#!/bin/sh\n', '')).toMatch(/^# [A-Z].+\.\n[^#]/)
})

test('the README lists every recipe', () => {
  const listed = [...read('README.md').matchAll(/\]\((docs\/recipes\/[^)]+)\)/g)].map(([, file = '']) => file)
  expect([...new Set(listed)].sort()).toEqual([...RECIPES].sort())
})
