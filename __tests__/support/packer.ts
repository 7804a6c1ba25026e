import path from 'node:path'
import { toolPath } from './tools.ts'

/** What a process needs in its environment to find Packer and its amazon plugin. */
export function packerEnvironment(): Record<string, string> {
  return {
    PATH: [path.dirname(toolPath('packer')), process.env.PATH].join(path.delimiter),
    PACKER_PLUGIN_PATH: toolPath('packer_plugins'),
  }
}
