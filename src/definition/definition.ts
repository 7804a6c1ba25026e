import { escapeControlCharacters } from '../runner/log.ts'
import { blameOption, OptionError } from '../runner/option-error.ts'
import { type BytePath, toText } from './byte-path.ts'
import { type Checksum, computeChecksum, type Definition } from './checksum.ts'
import { listFiles } from './files.ts'
import { findChanged, hashFiles } from './hash-files.ts'
import { selectEntries } from './patterns.ts'

/**
 * Lists and hashes the files of a definition.
 *
 * @param entries Paths, patterns and exclusions; relative ones are relative to the workspace.
 * @throws OptionError that names the path or the pattern.
 */
export async function readDefinition(entries: readonly string[]): Promise<Definition> {
  return await blameOption('definition', async () => ({ entries, files: await hashFiles(await listEntries(entries)) }))
}

async function listEntries(entries: readonly string[]): Promise<BytePath[]> {
  return listFiles(await selectEntries(entries))
}

/**
 * Makes sure that no ingredient has changed since the checksum was computed: an image must have the checksum of the files that
 * it was baked from.
 *
 * @throws OptionError that names the files that have changed.
 */
export async function assertUnchanged(checksum: Checksum): Promise<void> {
  const { files, ingredients, definition, options } = checksum
  const changed = await findChanged(files)
  if (changed.length > 0) {
    const advice = 'The bake must write outside the definition, or to files whose name begins with ".".'
    throw new OptionError('definition', `Changed during the bake: ${changed.map(toText).join(', ')}. ${advice}`)
  }
  const now = await computeChecksum({ entries: definition, files }, options)
  const different = ingredients.find(({ digest }, index) => now.ingredients[index]?.digest !== digest)
  if (!different) return
  const title = escapeControlCharacters(different.title)
  const option = different.kind === 'strict' ? 'template' : 'variableFiles'
  throw new OptionError(option, `Changed during the bake: ${title}. No process may write to it during the bake.`)
}

/** Lists the files that were added to the definition since the checksum was computed. */
export async function findAdded({ definition, files }: Checksum): Promise<BytePath[]> {
  const known = new Set(files.map(file => file.path))
  return (await listEntries(definition)).filter(path => !known.has(path))
}
