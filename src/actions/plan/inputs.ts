import type { ImagesFile } from '../../definition/images-file.ts'
import { fromWorkspace } from '../../runner/environment.ts'
import { assertArguments, readInput, readWord } from '../../runner/inputs.ts'
import { parseResolved, type Resolved } from '../base-images.ts'
import { openImagesFile, selectImages } from '../images-file.ts'

/** The inputs of `plan`, read once and fully parsed. */
export interface Inputs {
  readonly file: ImagesFile
  /** The names of the images to plan, in the order of the file. */
  readonly names: readonly string[]
  readonly onMiss: OnMiss
  /** More misses are an error. */
  readonly maxMisses: number | undefined
  readonly resolved: Resolved
  /** Absolute path of the JSON file. */
  readonly outputFile: string
}

const ON_MISS = ['report', 'fail', 'last'] as const
export type OnMiss = (typeof ON_MISS)[number]

/** The names of all inputs. */
export const INPUTS = [
  'images-file',
  'images',
  'aws-region',
  'on-miss',
  'max-misses',
  'resolved',
  'output-file',
] as const

/**
 * Reads every input and the images file.
 *
 * @throws Error that begins with the input's name.
 */
export async function readInputs(): Promise<Inputs> {
  assertArguments(INPUTS)
  const file = await openImagesFile()
  return {
    file,
    names: readNames(file),
    onMiss: readWord('on-miss', ON_MISS),
    maxMisses: readMaxMisses(),
    resolved: parseResolved(readInput('resolved')),
    outputFile: fromWorkspace(readInput('output-file') || '.ami_ids.json'),
  }
}

function readNames(file: ImagesFile): readonly string[] {
  const names = selectImages(file, readInput('images'))
  return names.length === 0 ? file.names : names
}

function readMaxMisses(): number | undefined {
  const value = readInput('max-misses')
  if (value === '') return undefined
  if (/^\d+$/.test(value)) return Number(value)
  throw new Error(`max-misses: ${JSON.stringify(value)} is not a whole number. Specify one like 20.`)
}
