import { environment } from '../runner/environment.ts'

/**
 * Makes the environment for Packer and its child processes: the step's environment with the region set, without the runner's tokens
 * and command files, and without variables that change how Packer works.
 */
export function packerEnvironment(region: string): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !isExcluded(name)) kept[name] = value
  }
  return { ...kept, AWS_REGION: region, AWS_DEFAULT_REGION: region, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' }
}

function isExcluded(name: string): boolean {
  // Without AWS_POLL_DELAY_SECONDS it limits the plugin's wait for the AMI to that many times two seconds (packer-plugin-amazon,
  // common/state.go).
  if (name === 'AWS_MAX_ATTEMPTS') return !environment.AWS_POLL_DELAY_SECONDS
  return EXCLUDED.has(name) || EXCLUDED_PREFIXES.some(prefix => name.startsWith(prefix))
}

const EXCLUDED_PREFIXES = ['ACTIONS_', 'INPUT_', 'STATE_']
const EXCLUDED = new Set([
  'GITHUB_ENV',
  'GITHUB_OUTPUT',
  'GITHUB_PATH',
  'GITHUB_STATE',
  'GITHUB_STEP_SUMMARY',
  'NODE_OPTIONS',
  // With these set, Packer and its plugins behave as child processes of another Packer and always print their debug log
  // (hashicorp/packer, main.go; packer-plugin-sdk, plugin/server.go). A step has them when Packer starts the runner.
  'PACKER_PLUGIN_MAGIC_COOKIE',
  'PACKER_WRAP_COOKIE',
  // With it set, Packer prints shell completions instead of running the command (posener/complete).
  'COMP_LINE',
])
