import fs from 'node:fs'
import path from 'node:path'

/**
 * A real part of the tests that `npm run tools` finds or makes; `packer_plugins` is the folder for `PACKER_PLUGIN_PATH`,
 * `service_models` one with AWS's models of its services.
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
  const place = known[tool]
  if (place) return place
  throw new Error(`${tool}: not among the tools of this machine. "npm run tools" gets it, or says how to get it.`)
}

/** Whether all of these tools are there, to skip tests that need them. In CI (`CI=true`) nothing is skipped: a missing one is an error. */
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
  const places = Object.entries<string>(JSON.parse(fs.readFileSync(file, 'utf8')))
  return Object.fromEntries(places.filter(([, place]) => fs.existsSync(place)))
}
