import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/**
 * The projects of the test files. `emulator`: a server of the test plays EC2, mostly moto. `packer`: Packer, act, Terraform or
 * a linter of workflows is needed too. `unit`: all other files. A file that uses a tool of another project fails.
 */
const FILES = {
  emulator: [
    'base-image-parameter',
    'candidates',
    'changed-files',
    'consistency',
    'credentials',
    'cut-changes',
    'delivery',
    'delivery-policies',
    'ec2-errors',
    'expiry',
    'explain-failure',
    'explain-miss',
    'lifecycle-policies',
    'look-up',
    'look-up-waiting',
    'mishaps',
    'other-builders',
    'parameters',
    'parents',
    'plan',
    'prune',
    'prune-faults',
    'prune-policy',
    'publish',
    'references',
    'revoke',
    'scans',
    'service-model',
    'side-by-side',
    'unclear-answers',
  ],
  packer: [
    'accounts',
    'bake',
    'cancel',
    'cancel-bystanders',
    'cancel-hindered',
    'cancel-signals',
    'clean-up',
    'copies',
    'failed-bakes',
    'iam',
    'images',
    'late-answers',
    'layers',
    'lease',
    'modes',
    'other-accounts',
    'packer-builds',
    'packer-words',
    'recipes',
    'regions',
    'results',
    'security',
    'workflow',
    'workflows',
  ],
}

const NEED_TOOLS = Object.values(FILES).flat().map(toPattern)

export default defineConfig({
  test: {
    globalSetup: '__tests__/support/run.ts',
    maxWorkers: 4,
    projects: [
      makeProject('unit', ['__tests__/**/*.test.ts'], NEED_TOOLS),
      makeProject('emulator', FILES.emulator.map(toPattern)),
      makeProject('packer', FILES.packer.map(toPattern)),
    ],
  },
})

function toPattern(name: string): string {
  return `__tests__/**/${name}.test.ts`
}

function makeProject(name: string, include: string[], exclude: string[] = []): TestProjectInlineConfiguration {
  return {
    test: {
      ...{ name, include, exclude, env: { TEST_PROJECT: name } },
      setupFiles: '__tests__/support/temporary-files.ts',
      testTimeout: 180_000,
      hookTimeout: 120_000,
    },
  }
}
