import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__tests__/**/*.test.ts'],
    globalSetup: '__tests__/support/run.ts',
    setupFiles: '__tests__/support/temporary-files.ts',
    maxWorkers: 4,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
})
