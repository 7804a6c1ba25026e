import fs from 'node:fs'
import { toEntries } from '../../definition/raw-value.ts'
import { parseSetting } from '../../definition/settings.ts'
import { fromWorkspace } from '../../runner/environment.ts'
import { readInput } from '../../runner/inputs.ts'
import { messageOf } from '../../runner/log.ts'
import { DEFAULT_IMAGES_FILE, openImagesFile } from '../images-file.ts'

/** The SSM parameters that must not hold a revoked image. */
export interface ParameterNames {
  readonly names: readonly string[]
  /** Why the images file, if there is one, could not be read: a revocation can't wait until it is corrected. */
  readonly problem: string | undefined
}

/**
 * Reads the parameters that the input names, and those of the images file, if the workspace has one.
 *
 * @throws Error that begins with `ssm-parameter`.
 */
export async function readParameterNames(): Promise<ParameterNames> {
  const given = toEntries(readInput('ssm-parameter'), /[,\n]/).map(parseName)
  const { names, problem } = await readNamesOfFile()
  return { names: [...new Set([...given, ...names])], problem }
}

function parseName(name: string): string {
  try {
    return parseSetting('ssm-parameter', name) ?? name
  } catch (cause) {
    throw new Error(`ssm-parameter: ${messageOf(cause)}`, { cause })
  }
}

async function readNamesOfFile(): Promise<ParameterNames> {
  if (!fs.existsSync(fromWorkspace(DEFAULT_IMAGES_FILE))) return { names: [], problem: undefined }
  try {
    const file = await openImagesFile()
    return { names: file.names.flatMap(name => file.settings(name).ssmParameter ?? []), problem: undefined }
  } catch (error) {
    return {
      names: [],
      problem: `ssm-parameter: the parameters of the images file are not rolled back. ${messageOf(error)}`,
    }
  }
}
