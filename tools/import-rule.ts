/** Checks the import rule of CONTRIBUTING.md over `src`, and that no files import each other in a circle. `node tools/import-rule.ts [folder]` */
import fs from 'node:fs'
import path from 'node:path'

/** The folders of `src` from left to right. A file imports from its own folder and from those in later rows. */
const ROWS = [['actions'], ['bake', 'regions'], ['cleanup'], ['lease'], ['packer'], ['ec2', 'definition'], ['runner']]

/** A file of `src` and what it imports from there, types included; paths below `src`. */
interface Module {
  readonly file: string
  readonly imports: readonly string[]
}

const src = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..', 'src'))
const modules = readModules()
const problems = [...modules.flatMap(findViolations), ...findCircles()]
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else console.log(`${modules.length} files of src keep the import rule, without a circle.`)

function readModules(): Module[] {
  const files = fs.readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  return files.sort().map(file => ({ file, imports: importsOf(file) }))
}

function importsOf(file: string): string[] {
  const text = fs.readFileSync(path.join(src, file), 'utf8')
  const specifiers = [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, specifier = '']) => specifier)
  return specifiers.map(specifier => path.posix.join(path.posix.dirname(file), specifier))
}

function findViolations({ file, imports }: Module): string[] {
  const wrong = imports.filter(imported => !isAllowed(file, imported))
  return wrong.map(imported => `${file} must not import ${imported}.`)
}

function isAllowed(file: string, imported: string): boolean {
  const [own, other] = [file, imported].map(name => name.split('/')[0] ?? '')
  if (own === other) return own !== 'actions' || isSameAction(file, imported)
  const [left, right] = [own, other].map(folder => ROWS.findIndex(row => row.includes(folder ?? '')))
  return left !== undefined && right !== undefined && left !== -1 && left < right
}

/** What lies directly in `actions` serves all of them. */
function isSameAction(file: string, imported: string): boolean {
  const [own, other] = [file, imported].map(name => name.split('/').slice(1, -1).join('/'))
  return other === '' || own === other
}

function findCircles(): string[] {
  const importsOfFile = new Map(modules.map(({ file, imports }) => [file, imports]))
  const done = new Set<string>()
  const circles: string[] = []
  function visit(file: string, way: readonly string[]): void {
    if (way.includes(file)) circles.push(`A circle: ${[...way.slice(way.indexOf(file)), file].join(' → ')}`)
    if (done.has(file) || way.includes(file)) return
    for (const imported of importsOfFile.get(file) ?? []) visit(imported, [...way, file])
    done.add(file)
  }
  for (const { file } of modules) visit(file, [])
  return circles
}
