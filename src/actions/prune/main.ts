import { assertSupportedPlatform } from '../../runner/platform.ts'
import { readInputs } from './inputs.ts'
import { prune } from './prune-images.ts'

/** Marks the images that nothing uses, and deletes those whose time has come. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  await prune(await readInputs())
}
