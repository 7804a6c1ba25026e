/** Builds `dist` from `src`, byte for byte the same wherever it runs. `node tools/build.ts [directory]` */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'

type Entry = 'index' | 'post'

type Files = ReadonlyMap<string, string | Buffer>

type Ncc = (
  input: string,
  options: { filename: string; cache: boolean; quiet: boolean },
) => Promise<{ code: string; assets: Record<string, { source: string | Buffer }> }>

const dist = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..', 'dist'))
const root = path.resolve(import.meta.dirname, '..')
const staging = path.join(root, '.tools', 'bundle')
const require = createRequire(import.meta.url)
const ncc: Ncc = require('@vercel/ncc')

/** With an ES module's import of node:http comes undici, at a third of a hit's time; with a CommonJS one it doesn't. */
const COMMON_JS = '{ "type": "commonjs" }\n'

async function build(): Promise<void> {
  const chunks = [...(await shake('index')), ...(await shake('post'))]
  const files = [...(await wrap('index')), ...(await wrap('post'))]
  replaceDist([...files, ['licenses.txt', licensesOf(chunks)], ['package.json', COMMON_JS]])
}

/**
 * Bundles an entry of `src`. ncc would keep all of the SDK's 700 commands, 4 MB of them; rolldown proves what is unused
 * and leaves it out. What the entry doesn't import statically goes into a chunk of its own, which most runs never compile.
 */
async function shake(entry: Entry): Promise<OutputChunk[]> {
  const bundle = await rolldown({
    input: path.join(root, 'src', `${entry}.ts`),
    platform: 'node',
    resolve: { mainFields: ['module', 'main'] },
    // @actions/core loads a whole HTTP client for OIDC tokens, which nobody here asks for.
    treeshake: { moduleSideEffects: (id, external) => (external || isUnusedHttpClient(id) ? false : undefined) },
  })
  const { output } = await bundle.write({
    dir: path.join(staging, entry),
    cleanDir: true,
    format: 'esm',
    minify: true,
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'first', tags: ['$initial'], priority: 1 }, { name: 'later' }] },
  })
  await bundle.close()
  return output.filter(file => file.type === 'chunk')
}

function isUnusedHttpClient(id: string): boolean {
  return /node_modules\/(undici|tunnel|@actions\/http-client)\//.test(id)
}

/** Makes CommonJS of it: `<entry>.js`, which loads its chunk `<number>.<entry>.js` when it is asked for. */
async function wrap(entry: Entry): Promise<Files> {
  const filename = `${entry}.js`
  const directory = path.join(staging, entry)
  // For ncc the project's own package.json would make it an ES module.
  fs.writeFileSync(path.join(directory, 'package.json'), '{}')
  const { code, assets } = await ncc(path.join(directory, filename), { filename, cache: false, quiet: true })
  return new Map([[filename, code], ...Object.entries(assets).map(([name, { source }]) => [name, source] as const)])
}

/** The licence of every package that has a line in `dist`, each text once. The bundlers' own lines are the module loaders. */
function licensesOf(chunks: readonly OutputChunk[]): string {
  const modules = chunks.flatMap(({ modules }) => Object.keys(modules).filter(id => modules[id]?.renderedLength))
  const bundlers = ['rolldown', '@vercel/ncc'].map(name => path.dirname(require.resolve(`${name}/package.json`)))
  const bundled = modules.flatMap(id => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
  const packages = [...new Set([...bundled, ...bundlers])].sort()
  const titles = Map.groupBy(packages, directory => licenseText(directory, packages))
  return [...titles].map(([text, directories]) => `${directories.map(titleOf).join('\n')}\n\n${text}\n`).join('\n\n')
}

function titleOf(directory: string): string {
  const { name, license } = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'))
  return `${name} (${license})`
}

/** Some packages of AWS come without the text that the others under the same name have. */
function licenseText(directory: string, packages: readonly string[]): string {
  const [, owner, license] = /^(@.+\/).*( \(.*)$/.exec(titleOf(directory)) ?? []
  const isKin = (title: string) => owner && license && title.startsWith(owner) && title.endsWith(license)
  const text = [directory, ...packages.filter(other => isKin(titleOf(other)))].map(ownLicenseText).find(Boolean)
  if (text) return text
  throw new Error(`${titleOf(directory)} comes without the text of its licence.`)
}

function ownLicenseText(directory: string): string {
  const names = fs.readdirSync(directory).filter(name => /^(licen[cs]e|notice)/i.test(name))
  return names.map(name => fs.readFileSync(path.join(directory, name), 'utf8').trim()).join('\n\n')
}

/** At the very end, because tests may be running what is there. */
function replaceDist(files: Iterable<readonly [string, string | Buffer]>): void {
  fs.rmSync(dist, { recursive: true, force: true })
  fs.mkdirSync(dist, { recursive: true })
  for (const [name, content] of files) fs.writeFileSync(path.join(dist, name), content)
}

// ncc numbers modules by the paths that lead to them from the working directory.
process.chdir(root)
await build()
