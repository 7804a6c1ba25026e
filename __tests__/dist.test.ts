import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { imagesAnswer } from './support/answers.ts'
import { startAction } from './support/runner.ts'
import { serve } from './support/serve.ts'
import { HAS_CHECKSUM } from './support/tags.ts'
import { hclTemplate, makeWorkspace } from './support/workspace.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
const code = namesIn('dist', /\.js$/).map(read).join('\n')

function namesIn(directory: string, pattern: RegExp): string[] {
  const names = fs.readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' })
  return names.filter(name => pattern.test(name)).map(name => path.join(directory, name))
}

/** Whether the code contains the text as a string literal, as the SDK contains the names of its commands. */
function hasLiteral(text: string): boolean {
  return ['`', "'", '"'].some(quote => code.includes(quote + text + quote))
}

describe('dist', () => {
  test('loads four files of less than 300 kB for a hit, and less than 40 kB for a post step after it', async () => {
    const { hit, post } = await loadedFiles()
    expect(Object.keys(hit).sort()).toEqual(['index.js', 'look-up.js', 'rolldown-runtime.js', 'runner.js'])
    const code = Buffer.concat(Object.values(hit))
    expect(code.length).toBeLessThan(300_000)
    expect(gzipSync(code).length).toBeLessThan(90_000)
    expect(Object.keys(post)).toContain('post.js')
    expect(Buffer.concat(Object.values(post)).length).toBeLessThan(40_000)
  })

  test('has no file whose name is a number or a hash', () => {
    const names = fs.readdirSync(path.join(root, 'dist'))
    expect(names.filter(name => !/^[a-z]+(-[a-z]+)*\.(js|json|txt)$/.test(name))).toEqual([])
  })

  test('has the commands of EC2 that the source imports, and no others', () => {
    const known = namesIn('node_modules/@aws-sdk/client-ec2/dist-es/commands', /Command\.js$/)
    const commands = known.map(file => path.basename(file, 'Command.js'))
    const source = namesIn('src', /\.ts$/).map(read).join('\n')
    const imported = commands.filter(command => new RegExp(`\\b(${command}Command|paginate${command})\\b`).test(source))
    expect(commands.length).toBeGreaterThan(700)
    expect(imported).toContain('DescribeImages')
    expect(commands.filter(hasLiteral)).toEqual(imported)
  })

  test('has the commands of SSM that the source imports in a file of its own, and no others', () => {
    const files = namesIn('dist', /\.js$/).filter(file => read(file).includes('AmazonSSM'))
    expect(files.map(file => path.basename(file))).toEqual(['parameters.js'])
    const commands = namesIn('node_modules/@aws-sdk/client-ssm/dist-es/commands', /Command\.js$/)
    const names = commands.map(file => path.basename(file, 'Command.js'))
    expect(names.filter(hasLiteral)).toEqual(['GetParameter', 'GetParameterHistory', 'PutParameter'])
  })

  test.each(['UND_ERR_', 'tunneling socket could not be established', 'ACTIONS_ID_TOKEN_REQUEST_URL'])(
    'does not contain the HTTP client that @actions/core depends on: %s',
    text => {
      expect(code).not.toContain(text)
    },
  )

  test.each([root, 'node_modules', '/src/', 'file:///'])('does not contain the path that it was built at: %s', text => {
    expect(code).not.toContain(text)
  })
})

describe('licenses.txt', () => {
  const licenses = read('dist/licenses.txt')

  test('names every package of which the code contains a text that no other package has', () => {
    const owners = new Map<string, string | undefined>()
    for (const name of runtimePackages()) {
      for (const text of textsOf(name)) owners.set(text, owners.has(text) ? undefined : name)
    }
    const bundled = new Set<string>()
    for (const [text, name] of owners) if (name && !bundled.has(name) && hasLiteral(text)) bundled.add(name)
    expect(bundled.size).toBeGreaterThan(10)
    expect([...bundled].filter(name => !licenses.includes(`${name} (`))).toEqual([])
  })

  test('has a license text for every package, and no text twice', () => {
    const [start, ...texts] = licenses.split(/^(?:\S+ \(.+\)\n)+/m).map(text => text.trim())
    expect(start).toBe('')
    for (const text of texts)
      expect(text).toMatch(
        /Permission is hereby granted|Permission to use, copy|Grant of Copyright License|Blue Oak Model License/,
      )
    expect(new Set(texts).size).toBe(texts.length)
  })
})

type Code = Readonly<Record<string, Buffer>>

/** Runs a step that is a hit, and its post step. Returns the files of `dist` that each has loaded, by their names. */
async function loadedFiles(): Promise<{ readonly hit: Code; readonly post: Code }> {
  const image = '<imageId>ami-11111111111111111</imageId><imageState>available</imageState><name>app</name>'
  const item = `<item>${image}<creationDate>2026-01-01T00:00:00.000Z</creationDate>${HAS_CHECKSUM}</item>`
  using ec2 = await serve(http.createServer((_, response) => response.end(imagesAnswer(item))))
  using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'list.cjs': LIST_LOADED })
  const running = startAction({
    workspace: workspace.directory,
    inputs: { 'packer-template': 'ami/app.pkr.hcl', 'ami-definition-dirs': 'ami', 'aws-region': 'us-east-1' },
    env: {
      ...{ AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${ec2.port}`, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
      NODE_OPTIONS: `--require ${workspace.directory}/list.cjs`,
    },
  })
  const loaded = () => Object.fromEntries(JSON.parse(workspace.read('loaded.json')).map(readCode))
  const { outputs, log } = await running.ended
  expect(outputs.cache_hit, log).toBe('true')
  const hit = loaded()
  expect((await running.post()).exitCode).toBe(0)
  return { hit, post: loaded() }
}

const LIST_LOADED = `process.on('exit', () => {
  const files = Object.keys(require.cache).filter(file => file !== __filename)
  require('node:fs').writeFileSync(__dirname + '/loaded.json', JSON.stringify(files))
})`

function readCode(file: string): [string, Buffer] {
  return [path.relative(path.join(root, 'dist'), file), fs.readFileSync(file)]
}

function runtimePackages(): string[] {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(read('package-lock.json'))
  const folders = Object.keys(lock.packages).filter(folder => folder && !lock.packages[folder]?.dev)
  return [...new Set(folders.map(folder => folder.slice(folder.lastIndexOf('node_modules/') + 13)))]
}

function textsOf(name: string): Set<string> {
  const files = namesIn(path.join('node_modules', name), /^(?!.*node_modules).*\.js$/)
  const texts = files.flatMap(file => [...read(file).matchAll(/(["'`])([^"'`\\$\n]{20,})\1/g)])
  return new Set(texts.map(([, , text = '']) => text))
}
