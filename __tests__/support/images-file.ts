import fs from 'node:fs'
import { afterAll, beforeAll, vi } from 'vitest'
import { type ImagesFile, type ImagesFileOptions, readImagesFile } from '../../src/definition/images-file.ts'
import type { ImageSettings } from '../../src/definition/settings.ts'
import { hclTemplate, makeWorkspace, type Workspace } from './workspace.ts'

/** The images file's name in the workspace. */
export const FILE = 'ami-bakery.yml'

/** Neither inputs nor an environment in addition to the file. */
export const NOTHING: ImagesFileOptions = { inputs: new Map(), environment: new Map() }

/** The defaults, in four lines. */
export const DEFAULTS = `defaults:
  packer-template: ami/app.pkr.hcl
  ami-definition-dirs: ami
  aws-region: us-east-1
`

/** The defaults and the image `web`, whose settings begin in line 7. */
export function web(...settings: readonly string[]): string {
  return `${DEFAULTS}images:\n  web:\n${settings.map(line => `    ${line}\n`).join('')}`
}

/** A workspace that images files are written to. */
export interface Scene {
  readonly workspace: Workspace
  /** An absolute path. */
  at(file: string): string
  /** Reads an images file of this content. */
  read(content: string | Buffer, options?: ImagesFileOptions): Promise<ImagesFile>
  /** The settings of the image `web` with these lines. */
  readWeb(...settings: readonly string[]): Promise<ImageSettings>
}

/** Sets up a workspace for the tests of a file. */
export function useImagesFile(): Scene {
  const workspace = makeWorkspace({
    'ami/app.pkr.hcl': hclTemplate(),
    'below/of/it/keep': '',
    'vars/a.pkrvars.hcl': '',
  })
  const at = (file: string) => `${workspace.directory}/${file}`
  beforeAll(() => {
    vi.stubEnv('GITHUB_WORKSPACE', workspace.directory)
  })
  afterAll(() => {
    vi.unstubAllEnvs()
    workspace[Symbol.dispose]()
  })
  async function read(content: string | Buffer, options = NOTHING): Promise<ImagesFile> {
    fs.writeFileSync(at(FILE), content)
    return await readImagesFile(FILE, options)
  }
  return { workspace, at, read, readWeb: async (...settings) => (await read(web(...settings))).settings('web') }
}
