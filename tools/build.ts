/** Builds `dist` from `src`, byte for byte the same wherever it runs. `node tools/build.ts [directory]` */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { rolldown } from 'rolldown'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'))

async function build(): Promise<void> {
  fs.rmSync(dist, { recursive: true, force: true })
  fs.mkdirSync(dist)
  const modules = [...(await bundle('index')), ...(await bundle('post'))]
  write('licenses.txt', licensesOf(modules))
  write('package.json', COMMON_JS)
}

/** Bundles one entry of `src` into one file of `dist`, and tells which modules went into it. */
async function bundle(entry: string): Promise<readonly string[]> {
  const shaken = path.join(root, '.tools', 'bundle', entry)
  const modules = await shake(entry, shaken)
  execFileSync(path.join(root, 'node_modules', '.bin', 'ncc'), [
    'build',
    path.join(shaken, `${entry}.js`),
    '--out',
    shaken,
    '--quiet',
  ])
  fs.renameSync(path.join(shaken, 'index.js'), path.join(dist, `${entry}.js`))
  return modules
}

/** An ES module's import of node:http loads undici, which costs a third of a hit's start-up; CommonJS doesn't. */
const COMMON_JS = '{ "type": "commonjs" }\n'

/** ncc keeps all of the SDK's 700 commands; rolldown proves which are unused and leaves them out. */
async function shake(entry: string, directory: string): Promise<string[]> {
  const build = await rolldown({
    input: path.join(root, 'src', `${entry}.ts`),
    platform: 'node',
    resolve: { mainFields: ['module', 'main'] },
    // @actions/core loads a whole HTTP client for OIDC tokens, which nobody here asks for.
    treeshake: { moduleSideEffects: (id, external) => (external || isUnusedHttpClient(id) ? false : undefined) },
  })
  const { output } = await build.write({ dir: directory, format: 'cjs', minify: true, cleanDir: true })
  await build.close()
  fs.writeFileSync(path.join(directory, 'package.json'), COMMON_JS)
  return output.flatMap(chunk => (chunk.type === 'chunk' ? Object.keys(chunk.modules) : []))
}

function isUnusedHttpClient(id: string): boolean {
  return /node_modules\/(undici|tunnel|@actions\/http-client)\//.test(id)
}

/** The licence of every package that has a line in the bundle. */
function licensesOf(modules: readonly string[]): string {
  const packages = new Set(modules.flatMap(id => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  const texts = [...packages].map(directory => {
    const { name, license } = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'))
    const file = fs.readdirSync(directory).find(entry => /^licen[cs]e/i.test(entry))
    return `${name}\n${license}\n${file ? fs.readFileSync(path.join(directory, file), 'utf8') : ''}`
  })
  return texts.sort().join('\n')
}

function write(name: string, content: string): void {
  fs.writeFileSync(path.join(dist, name), content)
}
await build()
