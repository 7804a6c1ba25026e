import fs from 'node:fs'
import path from 'node:path'

/**
 * A tool of the tests, which `npm run tools` finds or installs. `packer_plugins` is the folder for `PACKER_PLUGIN_PATH`,
 * `service_models` a folder with AWS's models of its services.
 */
export type Tool =
  | 'moto_server'
  | 'service_models'
  | 'packer'
  | 'packer_plugins'
  | 'act'
  | 'actionlint'
  | 'terraform'
  | 'zizmor'

type Tools = Partial<Record<Tool, string>>

/** The tools that the tests of a project may use. The project `packer` may use all. */
const TOOLS_OF: Readonly<Record<string, readonly Tool[]>> = { unit: [], emulator: ['moto_server', 'service_models'] }

let known: Tools | undefined

/**
 * The absolute path of a tool.
 *
 * @throws Error when this machine does not have it, or when the tests of this project may not use it.
 */
export function toolPath(tool: Tool): string {
  assertAllowed(tool)
  known ??= readTools()
  const file = known[tool]
  if (file) return file
  throw new Error(`${tool} is not installed. Run "npm run tools", which installs it or says how to.`)
}

/** Whether this machine has these tools, to skip tests that need them. In CI (`CI=true`) a missing tool is an error. */
export function hasTools(...tools: readonly Tool[]): boolean {
  known ??= readTools()
  const missing = tools.find(tool => !known?.[tool])
  if (missing && process.env.CI === 'true') toolPath(missing)
  return missing === undefined
}

function assertAllowed(tool: Tool): void {
  const { TEST_PROJECT: project = '' } = process.env
  const allowed = TOOLS_OF[project]
  if (!allowed || allowed.includes(tool)) return
  const other = TOOLS_OF.emulator?.includes(tool) ? 'emulator' : 'packer'
  throw new Error(
    `The project ${project} may not use ${tool}. Add this file to the project ${other} in vitest.config.ts.`,
  )
}

function readTools(): Tools {
  const file = path.resolve(import.meta.dirname, '..', '..', '.tools', 'tools.json')
  if (!fs.existsSync(file)) return {}
  const paths = Object.entries<string>(JSON.parse(fs.readFileSync(file, 'utf8')))
  return Object.fromEntries(paths.filter(([, path]) => fs.existsSync(path)))
}
