import { afterAll, beforeAll, beforeEach, vi } from 'vitest'

/**
 * Keeps what the core prints in the process of the tests from being printed, in the suite that calls this.
 *
 * @returns A function that returns what the running test has printed so far.
 */
export function captureLog(): () => string {
  const texts: string[] = []
  beforeAll(() => {
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation(text => texts.push(String(text)) > 0)
    }
  })
  beforeEach(() => void texts.splice(0))
  afterAll(() => vi.restoreAllMocks())
  return () => texts.join('')
}
