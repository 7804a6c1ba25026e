import fs from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
const code = namesIn('dist', /\.js$/).map(read).join('\n')

function namesIn(directory: string, pattern: RegExp): string[] {
  const names = fs.readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' })
  return names.filter(name => pattern.test(name)).map(name => path.join(directory, name))
}

/** Whether the code has the text as a string of its own, as the SDK has the names of its commands. */
function mentions(text: string): boolean {
  return ['`', "'", '"'].some(quote => code.includes(quote + text + quote))
}

describe('dist', () => {
  test('has an index.js that is quickly fetched and compiled', () => {
    const file = fs.readFileSync(path.join(root, 'dist/index.js'))
    expect(file.length).toBeLessThan(480_000)
    expect(gzipSync(file).length).toBeLessThan(150_000)
  })

  test('has a post.js that is hardly more than the question whether there is something to do', () => {
    expect(read('dist/post.js').length).toBeLessThan(40_000)
  })

  test('has those commands of EC2 that the source imports, and no others', () => {
    const known = namesIn('node_modules/@aws-sdk/client-ec2/dist-es/commands', /Command\.js$/)
    const commands = known.map(file => path.basename(file, 'Command.js'))
    const source = namesIn('src', /\.ts$/).map(read).join('\n')
    const imported = commands.filter(command => new RegExp(`\\b${command}Command\\b`).test(source))
    expect(commands.length).toBeGreaterThan(700)
    expect(imported).toContain('DescribeImages')
    expect(commands.filter(mentions)).toEqual(imported)
  })

  test.each(['UND_ERR_', 'tunneling socket could not be established', 'ACTIONS_ID_TOKEN_REQUEST_URL'])(
    'has nothing of the HTTP client that @actions/core brings along: %s',
    telltale => {
      expect(code).not.toContain(telltale)
    },
  )

  test.each([root, 'node_modules', '/src/', 'file:///'])('does not tell where it was built: %s', place => {
    expect(code).not.toContain(place)
  })
})

describe('licenses.txt', () => {
  const licenses = read('dist/licenses.txt')

  test('names every package of which the code has a text that no other package has', () => {
    const owners = new Map<string, string | undefined>()
    for (const name of runtimePackages()) {
      for (const text of textsOf(name)) owners.set(text, owners.has(text) ? undefined : name)
    }
    const bundled = new Set([...owners].filter(([text]) => mentions(text)).map(([, name]) => name))
    bundled.delete(undefined)
    expect(bundled.size).toBeGreaterThan(10)
    expect([...bundled].filter(name => !licenses.includes(`${name} (`))).toEqual([])
  })

  test('has a text for every package, and no text twice', () => {
    const [start, ...texts] = licenses.split(/^(?:\S+ \(.+\)\n)+/m).map(text => text.trim())
    expect(start).toBe('')
    for (const text of texts)
      expect(text).toMatch(/Permission is hereby granted|Grant of Copyright License|Blue Oak Model License/)
    expect(new Set(texts).size).toBe(texts.length)
  })
})

function runtimePackages(): string[] {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(read('package-lock.json'))
  const places = Object.keys(lock.packages).filter(place => place && !lock.packages[place]?.dev)
  return [...new Set(places.map(place => place.slice(place.lastIndexOf('node_modules/') + 13)))]
}

function textsOf(name: string): Set<string> {
  const files = namesIn(path.join('node_modules', name), /^(?!.*node_modules).*\.js$/)
  const texts = files.flatMap(file => [...read(file).matchAll(/(["'`])([^"'`\\$\n]{20,})\1/g)])
  return new Set(texts.map(([, , text = '']) => text))
}
