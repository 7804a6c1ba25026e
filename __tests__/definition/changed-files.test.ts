import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeTree, namesAreBytes } from '../support/definitions.ts'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { startProxy } from '../support/proxy.ts'
import { cancel, type Run, type Running, startAction } from '../support/runner.ts'
import { serve } from '../support/serve.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'

const INPUTS = {
  'packer-template': 'ami/app.pkr.hcl',
  'ami-definition-dirs': 'ami',
  'aws-region': 'us-east-1',
  'on-miss': 'skip',
}
const MIB = 1024 * 1024

type Values = Readonly<Record<string, string>>

/** Runs Git in a directory, with an identity for commits and submodules from this machine. */
function git(directory: string, ...args: readonly string[]): string {
  const settings = [
    'user.name=test',
    'user.email=test@example.com',
    'protocol.file.allow=always',
    'init.defaultBranch=main',
  ]
  const options = settings.flatMap(setting => ['-c', setting])
  return execFileSync('git', [...options, ...args], { cwd: directory, encoding: 'utf8', stdio: 'pipe' }).trim()
}

/** Commits all files of a directory and returns the commit. */
function commitAll(directory: string): string {
  if (!fs.existsSync(path.join(directory, '.git'))) git(directory, 'init', '--quiet')
  git(directory, 'add', '--all')
  git(directory, 'commit', '--quiet', '--allow-empty', '--message=test')
  return git(directory, 'rev-parse', 'HEAD')
}

function makeRepository(files: Values): Workspace {
  return makeWorkspace({ 'ami/app.pkr.hcl': 'template', ...files })
}

/** The lines of the list in the log. */
function listIn({ log }: Run): readonly string[] {
  const [, list = ''] = /these have changed: .*\n((?: {2}.*\n)*)/.exec(log) ?? []
  return list.split('\n').flatMap(line => (line === '' ? [] : [line.slice(2)]))
}

describe.skipIf(!hasTools('moto_server'))('the list of changed files', () => {
  let ec2: Ec2Server
  beforeAll(async () => {
    ec2 = await startEc2()
  })
  beforeEach(() => ec2.reset())
  afterAll(() => ec2.stop())

  /** An image of the template, baked from this commit. */
  async function plantImage(commit: string, template = 'ami/app.pkr.hcl'): Promise<void> {
    await ec2.makeImage({
      ami_bakery_template: template,
      ami_bakery_commit: commit,
      ami_bakery_ingredients: 'files=0000000000',
      ami_config_checksum: '0'.repeat(40),
    })
  }

  function start(directory: string, inputs: Values = {}, env: Values = {}): Running {
    return startAction({ workspace: directory, inputs: { ...INPUTS, ...inputs }, env: { ...ec2.environment, ...env } })
  }

  async function run(directory: string, inputs: Values = {}, env: Values = {}): Promise<Run> {
    const ended = await start(directory, inputs, env).ended
    expect(ended.exitCode, ended.log).toBe(0)
    expect(ended.annotations.filter(({ level }) => level !== 'warning')).toEqual([])
    return ended
  }

  test('has readable names, untracked files, and a rename as two lines, but no excluded file', async () => {
    using workspace = makeRepository({ 'ami/setup.sh': 'echo\n'.repeat(30), 'ami/größe.txt': 'x', 'ami/notes.md': 'x' })
    await plantImage(commitAll(workspace.directory))
    git(workspace.directory, 'mv', 'ami/setup.sh', 'ami/install.sh')
    workspace.write({ 'ami/größe.txt': 'y', 'ami/notes.md': 'y', 'ami/new.txt': '' })
    git(workspace.directory, 'add', '--all')
    workspace.write({ 'ami/untracked.txt': '' })
    const ended = await run(workspace.directory, { 'ami-definition-dirs': 'ami, !**/*.md', strict: 'true' })
    const list = [
      'M ami/größe.txt',
      'A ami/install.sh',
      'A ami/new.txt',
      'D ami/setup.sh',
      '? ami/untracked.txt (not in Git)',
    ]
    expect(listIn(ended)).toEqual(list)
    expect(ended.summary).toContain(list.map(line => `  ${line}`).join('\n'))
  })

  test('has the files below the matches of a pattern, also below a deleted match', async () => {
    using workspace = makeRepository({
      'services/a/ami/file': '1',
      'services/a/other': '1',
      'services/gone/ami/file': '1',
      'services/gone/ami/.hidden': '1',
      'services/gone/ami/deep/x.md': '1',
      'services/gone/ami/skipped/file': '1',
      'services/gone/other': '1',
    })
    await plantImage(commitAll(workspace.directory))
    fs.rmSync(path.join(workspace.directory, 'services/gone'), { recursive: true })
    workspace.write({ 'services/a/ami/file': '2', 'services/a/other': '2', 'services/b/ami/file': '1' })
    const inputs = { 'ami-definition-dirs': 'services/*/ami, !**/*.md, !services/gone/ami/skipped' }
    expect(listIn(await run(workspace.directory, inputs))).toEqual([
      'M services/a/ami/file',
      'D services/gone/ami/file',
      '? services/b/ami/file (not in Git)',
    ])
  })

  test('does not have what the checksum does not include: hidden files, modes, and files elsewhere', async () => {
    using workspace = makeRepository({
      'ami/.hidden': '1',
      'ami/tool': '1',
      'ami/script': '1',
      'ami/file': '1',
      other: '1',
    })
    await plantImage(commitAll(workspace.directory))
    fs.rmSync(path.join(workspace.directory, 'ami/.hidden'))
    fs.chmodSync(path.join(workspace.directory, 'ami/tool'), 0o755)
    git(workspace.directory, 'add', '--all')
    fs.chmodSync(path.join(workspace.directory, 'ami/script'), 0o755)
    workspace.write({ 'ami/file': '2', other: '2', 'ami/.new': '' })
    expect(listIn(await run(workspace.directory))).toEqual(['M ami/file'])
    const strict = await run(workspace.directory, { strict: 'true' })
    expect(listIn(strict)).toEqual(['M ami/file', 'M ami/script', 'M ami/tool'])
  })

  test('has variable files, and with strict a template outside the definition', async () => {
    using workspace = makeRepository({ 'ami/file': '1', 'vars/a.pkrvars.hcl': '1', 'web.pkr.hcl': '1' })
    await plantImage(commitAll(workspace.directory), 'web.pkr.hcl')
    workspace.write({ 'vars/a.pkrvars.hcl': '2', 'web.pkr.hcl': '2' })
    const inputs = { 'packer-template': 'web.pkr.hcl', 'packer-var-files': 'vars/a.pkrvars.hcl' }
    expect(listIn(await run(workspace.directory, inputs))).toEqual(['M vars/a.pkrvars.hcl'])
    const strict = await run(workspace.directory, { ...inputs, strict: 'true' })
    expect(listIn(strict)).toEqual(['M vars/a.pkrvars.hcl', 'M web.pkr.hcl'])
  })

  test('has names with special characters on one line each, and none of them is used as a pattern', async () => {
    const odd = [
      'ami/line\nbreak',
      'ami/"quoted" \\',
      'ami/:(glob)*',
      'ami/[a]',
      'ami/tab\t',
      'ami/::error::x',
      'ami/<b>&',
    ]
    using workspace = makeRepository({ ...Object.fromEntries(odd.map(name => [name, '1'])), 'ami/a': '1' })
    await plantImage(commitAll(workspace.directory))
    workspace.write(Object.fromEntries(odd.map(name => [name, '2'])))
    const ended = await run(workspace.directory, { 'ami-definition-dirs': `ami, :(glob)**, [a]` }).catch(
      () => undefined,
    )
    expect(ended).toBeUndefined()
    const list = listIn(await run(workspace.directory))
    expect(list).toEqual([
      'M ami/"quoted" \\',
      'M ami/:(glob)*',
      'M ami/::error::x',
      'M ami/<b>&',
      'M ami/[a]',
      'M ami/line\\u000abreak',
      'M ami/tab\\u0009',
    ])
    workspace.write({ ':(glob)**/file': '1', '[a]/file': '1' })
    const literal = await run(workspace.directory, { 'ami-definition-dirs': ':(glob)**, [a]' })
    expect(listIn(literal)).toEqual(['? :(glob)**/file (not in Git)', '? [a]/file (not in Git)'])
  })

  test.skipIf(!namesAreBytes)('has names that are not UTF-8', async () => {
    const names = ['app.pkr.hcl', 'a\xff', 'b\xff', 'c\xff']
    using tree = makeTree(Object.fromEntries(names.map(name => [`app/ami/${name}`, '1'])))
    await plantImage(commitAll(tree.at('app')))
    tree.add({ 'app/ami/b\xff': '2', 'app/ami/d\xff': '1' })
    fs.rmSync(Buffer.from(`${tree.directory}/app/ami/c\xff`, 'latin1'))
    const list = listIn(await run(tree.at('app')))
    expect(list).toEqual(['M ami/b\ufffd', 'D ami/c\ufffd', '? ami/d\ufffd (not in Git)'])
  })

  test('is short in log and summary for many long names', async () => {
    using workspace = makeRepository({})
    await plantImage(commitAll(workspace.directory))
    const name = (number: number) => `ami/${'<'.repeat(100)}${String(number).padStart(10, '0')}`
    workspace.write(Object.fromEntries(Array.from({ length: 12_000 }, (_, number) => [name(number), ''])))
    commitAll(workspace.directory)
    const { log, summary, ...ended } = await run(workspace.directory)
    const list = listIn({ log, summary, ...ended })
    expect(list).toHaveLength(51)
    expect(list.at(0)).toBe(`A ${name(0)}`)
    expect(list.at(-1)).toBe('… and 11,950 more')
    expect(summary).toContain('  … and 11,950 more</pre>')
    expect(Buffer.byteLength(summary)).toBeLessThan(MIB / 4)
  })

  test('has long paths cut, so that the summary is short', async () => {
    using workspace = makeRepository({})
    await plantImage(commitAll(workspace.directory))
    const directory = `ami/${Array.from({ length: 8 }, () => '&'.repeat(200)).join('/')}`
    workspace.write(Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`${directory}/${number}`, ''])))
    const { log, summary, ...ended } = await run(workspace.directory)
    expect(listIn({ log, summary, ...ended }).at(0)).toMatch(/^\? ami\/&{200}\/.*…$/)
    expect(Buffer.byteLength(summary)).toBeLessThan(MIB / 4)
  })

  test('says that a submodule has changed, not which of its files', async () => {
    using library = makeWorkspace({ a: '1', 'deep/b': '1' })
    const first = commitAll(library.directory)
    using workspace = makeRepository({})
    commitAll(workspace.directory)
    for (const name of ['lib', 'same']) {
      git(workspace.directory, 'submodule', '--quiet', 'add', library.directory, `ami/${name}`)
    }
    await plantImage(commitAll(workspace.directory))
    library.write({ a: '2' })
    expect(commitAll(library.directory)).not.toBe(first)
    git(`${workspace.directory}/ami/lib`, 'pull', '--quiet')
    expect(listIn(await run(workspace.directory))).toEqual(['M ami/lib (submodule)'])
    const inside = await run(workspace.directory, { 'ami-definition-dirs': 'ami/lib/deep' })
    expect(listIn(inside)).toEqual(['M ami/lib (submodule)'])
    git(workspace.directory, 'rm', '--quiet', '-f', 'ami/lib')
    expect(listIn(await run(workspace.directory))).toEqual(['D ami/lib (submodule)'])
  })

  test('has a link whose target has changed', async () => {
    using workspace = makeRepository({ 'shared/file': '1', 'shared/other': '1' })
    const at = (name: string) => path.join(workspace.directory, name)
    fs.symlinkSync('../shared/file', at('ami/link'))
    fs.symlinkSync('../shared/other', at('ami/same'))
    fs.symlinkSync('ami', at('images'))
    await plantImage(commitAll(workspace.directory))
    workspace.write({ 'shared/file': '2' })
    expect(listIn(await run(workspace.directory))).toEqual(['M ami/link'])
    expect(listIn(await run(workspace.directory, { 'ami-definition-dirs': 'images/' }))).toEqual(['M ami/link'])
  })

  test('does not have files that only have converted line ends or were written again', async () => {
    using workspace = makeRepository({ '.gitattributes': '*.txt text eol=crlf', 'ami/a.txt': 'a\r\n', 'ami/b': '1' })
    await plantImage(commitAll(workspace.directory))
    workspace.write({ 'ami/c': '' })
    fs.utimesSync(path.join(workspace.directory, 'ami/a.txt'), 1, 1)
    fs.utimesSync(path.join(workspace.directory, 'ami/b'), 1, 1)
    expect(listIn(await run(workspace.directory))).toEqual(['? ami/c (not in Git)'])
  })

  test('does not have files that a sparse checkout excludes', async () => {
    using workspace = makeRepository({ 'ami/in/file': '1', 'ami/out/file': '1', 'ami/out/gone': '1' })
    await plantImage(commitAll(workspace.directory))
    workspace.write({ 'ami/in/file': '2', 'ami/out/file': '2' })
    commitAll(workspace.directory)
    git(workspace.directory, 'sparse-checkout', 'set', '--cone', 'ami/in')
    expect(fs.existsSync(path.join(workspace.directory, 'ami/out'))).toBe(false)
    expect(listIn(await run(workspace.directory))).toEqual(['M ami/in/file'])
  })

  test('is complete if the workspace is a directory of the repository, with definitions next to it and outside', async () => {
    using workspace = makeWorkspace({
      'app/ami/app.pkr.hcl': '',
      'app/ami/file': '1',
      'shared/x/file': '1',
      'shared/y': '1',
    })
    using outside = makeWorkspace({ file: '1' })
    await plantImage(commitAll(workspace.directory))
    workspace.write({ 'app/ami/file': '2', 'shared/x/file': '2', 'shared/y': '2' })
    const inputs = { 'ami-definition-dirs': `ami, ../shared/*/, ${outside.directory}` }
    const list = listIn(await run(`${workspace.directory}/app`, inputs))
    expect(list).toEqual(['M app/ami/file', 'M shared/x/file'])
  })

  test('says that Git finds no change, for example for a file that was not in Git', async () => {
    using workspace = makeRepository({})
    await plantImage(commitAll(workspace.directory))
    expect(listIn(await run(workspace.directory))).toEqual(['Git finds no change in these files since that commit.'])
  })

  test('is absent without a repository, without Git, and in a repository of another user', async () => {
    using workspace = makeRepository({})
    const commit = '1'.repeat(40)
    await plantImage(commit)
    const alone = await run(workspace.directory, {}, { GIT_CEILING_DIRECTORIES: workspace.directory })
    expect(alone.log).toContain(`of commit ${commit.slice(0, 10)}, these have changed: files.\n`)
    expect(listIn(alone)).toEqual([])
    expect(listIn(await run(workspace.directory, {}, { PATH: '/nowhere' }))).toEqual([])
    if (process.getuid?.() !== 0) return
    commitAll(workspace.directory)
    fs.chownSync(workspace.directory, 4711, 4711)
    fs.chownSync(`${workspace.directory}/.git`, 4711, 4711)
    expect(listIn(await run(workspace.directory, {}, { HOME: '/nowhere' }))).toEqual([])
  })

  test('is replaced by advice if the checkout does not have the commit, for example a shallow one', async () => {
    using origin = makeRepository({ 'ami/file': '1' })
    const commit = commitAll(origin.directory)
    origin.write({ 'ami/file': '2' })
    commitAll(origin.directory)
    await plantImage(commit)
    using workspace = makeWorkspace({})
    git(origin.directory, 'clone', '--quiet', '--depth=1', `file://${origin.directory}`, workspace.directory)
    const list = listIn(await run(workspace.directory))
    expect(list).toEqual([
      expect.stringMatching(`^This checkout does not have the commit ${commit.slice(0, 10)}.*fetch-depth: 0`),
    ])
  })

  describe('in a partial clone', () => {
    let origin: Workspace
    let commit: string
    let asked: number

    beforeAll(() => {
      origin = makeRepository({ 'ami/file': '1', 'ami/same': '1', 'ami/gone': '1' })
      commit = commitAll(origin.directory)
      git(origin.directory, 'config', 'uploadpack.allowFilter', 'true')
      fs.rmSync(path.join(origin.directory, 'ami/gone'))
      origin.write({ 'ami/file': '2', 'ami/new': '1' })
      commitAll(origin.directory)
    })
    beforeEach(() => {
      asked = 0
    })
    afterAll(() => origin[Symbol.dispose]())

    const silent = () => net.createServer(() => void asked++)
    const asking = () =>
      http.createServer((_, response) => {
        asked++
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      })

    function clone(filter: string, url: string): Workspace {
      const workspace = makeWorkspace({})
      git(origin.directory, 'clone', '--quiet', `--filter=${filter}`, `file://${origin.directory}`, workspace.directory)
      git(workspace.directory, 'remote', 'set-url', 'origin', url)
      git(workspace.directory, 'config', 'protocol.allow', 'always')
      git(workspace.directory, 'config', 'protocol.http.allow', 'always')
      return workspace
    }

    test('without file contents is complete, and fetches nothing', async () => {
      using server = await serve(silent())
      using workspace = clone('blob:none', `http://127.0.0.1:${server.port}/`)
      await plantImage(commit)
      const { seconds, ...ended } = await run(workspace.directory)
      expect(listIn({ seconds, ...ended })).toEqual(['M ami/file', 'D ami/gone', 'A ami/new'])
      expect(asked).toBe(0)
    })

    test.each([
      ['never answers', 'tree:0', silent],
      ['asks for a password', 'tree:0', asking],
      ['never answers, for an unknown commit', 'blob:none', silent],
    ])('whose server %s is absent, and nothing is fetched', async (_, filter, makeServer) => {
      using server = await serve(makeServer())
      using workspace = clone(filter, `http://user@127.0.0.1:${server.port}/`)
      await plantImage(filter === 'tree:0' ? commit : '1'.repeat(40))
      const ended = await run(workspace.directory)
      expect(listIn(ended).filter(line => /^[AMD?] /.test(line))).toEqual([])
      expect(asked).toBe(0)
      expect(ended.seconds).toBeLessThan(4)
    })

    test('whose server refuses the connection is absent', async () => {
      using workspace = clone('tree:0', 'ssh://git@127.0.0.1:1/app')
      await plantImage(commit)
      expect(listIn(await run(workspace.directory))).toEqual([])
    })
  })

  test('is made without running a hook, a file system monitor or a diff program', async () => {
    using workspace = makeRepository({
      'ami/file': '1',
      'bin/spy': '#!/bin/sh\necho "$0 $*" >> "$(dirname "$0")/log"\n',
      '.gitattributes': '* diff=spy',
    })
    const spy = path.join(workspace.directory, 'bin/spy')
    fs.chmodSync(spy, 0o755)
    await plantImage(commitAll(workspace.directory))
    fs.copyFileSync(spy, path.join(workspace.directory, '.git/hooks/post-index-change'))
    fs.chmodSync(path.join(workspace.directory, '.git/hooks/post-index-change'), 0o755)
    const settings = [
      'core.fsmonitor',
      'diff.external',
      'diff.spy.command',
      'diff.spy.textconv',
      'core.pager',
      'core.askPass',
    ]
    for (const setting of settings) git(workspace.directory, 'config', setting, spy)
    workspace.write({ 'ami/file': '2' })
    fs.rmSync(path.join(workspace.directory, 'bin/log'), { force: true })
    const env = { GIT_EXTERNAL_DIFF: spy, GIT_PAGER: spy, GIT_TRACE: '1', GIT_TRACE2: '1', GIT_CONFIG_PARAMETERS: '?' }
    const ended = await run(workspace.directory, {}, { ...env, GIT_DIR: '/nowhere', GIT_LITERAL_PATHSPECS: '1' })
    expect(listIn(ended)).toEqual(['M ami/file'])
    expect(fs.existsSync(path.join(workspace.directory, 'bin/log'))).toBe(false)
    expect(fs.existsSync(path.join(workspace.directory, '.git/hooks/log'))).toBe(false)
  })

  describe('with a Git that never ends', () => {
    /** A `git` on PATH that waits in a child process, which keeps the output open. */
    function makeSlowGit(): Workspace {
      const workspace = makeRepository({ 'bin/git': `#!/bin/sh\ntrap '' TERM\nsleep ${seconds}\nsleep ${seconds}\n` })
      fs.chmodSync(path.join(workspace.directory, 'bin/git'), 0o755)
      return workspace
    }
    /** A duration that no other process on the machine waits for. */
    const seconds = 1_000_000 + process.pid
    const isRunning = () => execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' }).includes(`sleep ${seconds}`)

    test('is absent after five seconds, and Git and its child processes are killed', async () => {
      using workspace = makeSlowGit()
      await plantImage('1'.repeat(40))
      const PATH = `${workspace.directory}/bin:${process.env.PATH}`
      const ended = await run(workspace.directory, {}, { PATH, AMI_BAKERY_TIME_SCALE: '0.2' })
      expect(listIn(ended)).toEqual(['Git did not list the changed files within 5 seconds.'])
      await expect.poll(isRunning, { timeout: 10_000 }).toBe(false)
    })

    test('does not delay a cancelled step', async () => {
      using workspace = makeSlowGit()
      await plantImage('1'.repeat(40))
      const running = start(workspace.directory, {}, { PATH: `${workspace.directory}/bin:${process.env.PATH}` })
      await expect.poll(isRunning, { timeout: 60_000 }).toBe(true)
      const ended = await cancel(running)
      expect(ended.exitCode).toBe(1)
      expect(ended.seconds).toBeLessThan(5)
      await expect.poll(isRunning, { timeout: 10_000 }).toBe(false)
    })
  })

  test('is unknown, and not empty, if EC2 refuses the look-up of the newest image', async () => {
    await using proxy = await startProxy(ec2)
    using workspace = makeRepository({})
    proxy.fail({ action: 'DescribeImages', about: /ami_bakery_template/, error: 'UnauthorizedOperation' })
    const { log, summary } = await run(workspace.directory, {}, proxy.environment)
    expect(log).toMatch(/What has changed since the newest image of ami\/app.pkr.hcl is unknown: .*ec2:DescribeImages/)
    expect(summary).toContain('is unknown')
  })
})
