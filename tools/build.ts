/** Builds `dist` from `src`, byte for byte the same wherever it runs. `node tools/build.ts [directory]` */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'

type Ncc = (
  input: string,
  options: { filename: string; cache: boolean; quiet: boolean; externals: Record<string, string> },
) => Promise<{ code: string }>

const root = path.resolve(import.meta.dirname, '..')
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'))
const staging = path.join(root, '.tools', 'bundle')
const require = createRequire(import.meta.url)
const ncc: Ncc = require('@vercel/ncc')

/** The files that people and the runner start, by their names in `dist`: those of the actions. */
const ENTRIES = {
  index: 'src/actions/bake/index.ts',
  post: 'src/actions/bake/post.ts',
  plan: 'src/actions/plan/index.ts',
  prune: 'src/actions/prune/index.ts',
  publish: 'src/actions/publish/index.ts',
  revoke: 'src/actions/revoke/index.ts',
}

/** With an ES module's import of node:http comes undici, at a third of a hit's time; with a CommonJS one it doesn't. */
const COMMON_JS = '{ "type": "commonjs" }\n'

async function build(): Promise<void> {
  const chunks = await shake()
  const files: [string, string][] = []
  for (const chunk of chunks) files.push([chunk.fileName, await wrap(chunk, chunks)])
  replaceDist([...files, ['licenses.txt', licensesOf(chunks)], ['package.json', COMMON_JS]])
}

/**
 * Bundles the entries. ncc would keep all of the SDK's 700 commands, 4 MB of them; rolldown proves what is unused and leaves
 * it out. The groups are what is loaded together: what a hit doesn't need is in chunks that it never loads. SSM's group comes after that
 * of the credentials, so that a hit with other credentials than those in the environment does not load it.
 */
async function shake(): Promise<OutputChunk[]> {
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, path.join(root, file)])),
    platform: 'node',
    // The entries export nothing. Rolldown demands it for groups without their dependencies.
    preserveEntrySignatures: 'allow-extension',
    resolve: { mainFields: ['module', 'main'] },
    treeshake: { moduleSideEffects: (id, external) => (external || isPure(id) ? false : undefined) },
    plugins: [ownSchemas],
  })
  const { output } = await bundle.write({
    dir: staging,
    cleanDir: true,
    format: 'esm',
    minify: true,
    chunkFileNames: nameChunk,
    codeSplitting: {
      groups: [
        { name: 'requests', test: UNUSED_BY_A_HIT, priority: 8, includeDependenciesRecursively: false },
        {
          name: 'runner',
          tags: ['$initial'],
          test: /src\/(runner|actions\/run\.ts|cleanup\/journal)|@actions\/(core|io|exec)\/|rolldown.runtime/,
          priority: 7,
        },
        {
          name: 'glob',
          test: /node_modules\/(@actions\/glob|minimatch|brace-expansion|balanced-match|concat-map)\//,
          priority: 6,
        },
        { name: 'yaml', test: /node_modules\/yaml\/|src\/definition\/images-file/, priority: 4 },
        {
          name: 'look-up',
          tags: ['$initial'],
          test: /node_modules|src\/(actions\/[^/]*\.ts|(ec2|definition|regions)\/)/,
          priority: 5,
        },
        { name: 'credentials', test: /node_modules\/(?!@aws-sdk\/client-ssm\/)/, priority: 3 },
        { name: 'parameters', test: /node_modules|src\/ec2\/parameters\//, priority: 2 },
        { name: 'miss', test: /src\/(bake|regions|cleanup|lease|packer|ec2)\//, priority: 1 },
      ],
    },
  })
  await bundle.close()
  return output.filter(file => file.type === 'chunk')
}

/** A hit loads no module of these actions: they load their `main.ts` on demand, which has the name of its action here. */
function nameChunk({ name, facadeModuleId }: { name: string; facadeModuleId?: string | null }): string {
  const [, action] = /actions\/([a-z]+)\/main\.ts$/.exec(facadeModuleId ?? '') ?? []
  return action ? `${action}-main.js` : `${name}.js`
}

/**
 * Importing these packages does nothing by itself, although they don't say so. @actions/core imports an HTTP client for OIDC
 * tokens and a runner of processes, which a hit doesn't use.
 */
function isPure(id: string): boolean {
  return /node_modules\/(undici|tunnel|@actions\/(http-client|core|exec|io))\//.test(id)
}

/** The file of the SDK that describes the requests and answers of all commands, and those of its modules that a hit loads. */
const SCHEMAS = /client-ec2\/dist-es\/schemas\/schemas_0\.js$/
const LOADED_BY_A_HIT = /(DescribeImagesCommand|runtimeConfig\.shared)\.js$/
const COPY = '?hit'
/** The other commands are in a chunk of their own. */
const UNUSED_BY_A_HIT = /client-ec2\/dist-es\/(commands\/(?!DescribeImagesCommand)|schemas\/schemas_0\.js$)/

/** Gives the modules of a hit a copy of the SDK's schemas: a file has one chunk, and a hit would load those of all commands. */
const ownSchemas: Plugin = {
  name: 'own-schemas',
  async resolveId(source, importer, options) {
    if (!importer || !(LOADED_BY_A_HIT.test(importer) || importer.endsWith(COPY))) return null
    const resolved = await this.resolve(source, importer.replace(COPY, ''), { ...options, skipSelf: true })
    return resolved && SCHEMAS.test(resolved.id) ? { ...resolved, id: resolved.id + COPY } : resolved
  },
  load: id => (id.endsWith(COPY) ? fs.readFileSync(id.slice(0, -COPY.length), 'utf8') : null),
}

/** Makes CommonJS of a chunk. The others stay files of their own, which it loads by their names. */
async function wrap({ fileName }: OutputChunk, chunks: readonly OutputChunk[]): Promise<string> {
  // For ncc the project's own package.json would make it an ES module.
  fs.writeFileSync(path.join(staging, 'package.json'), '{}')
  const others = chunks.map(chunk => `./${chunk.fileName}`).filter(name => name !== `./${fileName}`)
  const externals = Object.fromEntries(others.map(name => [name, name]))
  const { code } = await ncc(path.join(staging, fileName), { filename: fileName, cache: false, quiet: true, externals })
  return code
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
function replaceDist(files: Iterable<readonly [string, string]>): void {
  fs.rmSync(dist, { recursive: true, force: true })
  fs.mkdirSync(dist, { recursive: true })
  for (const [name, content] of files) fs.writeFileSync(path.join(dist, name), content)
}

// ncc numbers modules by the paths that lead to them from the working directory.
process.chdir(root)
await build()
