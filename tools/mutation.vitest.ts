import { defineConfig } from 'vitest/config'

/**
 * The tests that call the core in their own process: those of the built action don't notice a change of the source. Most models with random
 * schedules are left out, because they run for every change and take long.
 */
export default defineConfig({
  test: {
    include: [
      '__tests__/actions/{plan-images,prune-decisions,prune-doubts,prune-reasons,prune-units,publish-image,revoke-images,revoke-targets}.test.ts',
      '__tests__/definition/{images-file,images-file-errors,images-file-limits,ingredients,settings}.test.ts',
      '__tests__/ec2/{look-up-rules,parents-model,roll-back,set-parameter,state}.test.ts',
    ],
    env: { AMI_BAKERY_CASES: '0.03', TEST_PROJECT: 'unit' },
    globalSetup: '__tests__/support/run.ts',
    setupFiles: '__tests__/support/temporary-files.ts',
    testTimeout: 60_000,
  },
})
