import { assertSupportedPlatform } from '../../runner/platform.ts'
import { readInputs } from './inputs.ts'

/** Marks the images that nothing uses, and deletes those whose time has come. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const inputs = await readInputs()
  // Loaded on demand: a hit must not load what only `prune` needs.
  const { prune } = await import('./prune-images.ts')
  await prune(inputs)
}
