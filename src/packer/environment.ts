import { environment } from '../runner/environment.ts'

/**
 * The environment that Packer and all it starts run in: the step's own, minus what would hand the template the runner's
 * tokens and command files or change how Packer works, with the region set.
 */
export function packerEnvironment(region: string): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !isWithheld(name)) kept[name] = value
  }
  return { ...kept, AWS_REGION: region, AWS_DEFAULT_REGION: region, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' }
}

function isWithheld(name: string): boolean {
  // Alone it shortens the plugin's wait for the AMI to as many times two seconds (packer-plugin-amazon, common/state.go).
  if (name === 'AWS_MAX_ATTEMPTS') return !environment.AWS_POLL_DELAY_SECONDS
  return WITHHELD.has(name) || WITHHELD_PREFIXES.some(prefix => name.startsWith(prefix))
}

const WITHHELD_PREFIXES = ['ACTIONS_', 'INPUT_', 'STATE_']
const WITHHELD = new Set([
  'GITHUB_ENV',
  'GITHUB_OUTPUT',
  'GITHUB_PATH',
  'GITHUB_STATE',
  'GITHUB_STEP_SUMMARY',
  'NODE_OPTIONS',
  // Packer and its plugins tell by these that another Packer runs them, and then print their debug log unasked
  // (hashicorp/packer, main.go; packer-plugin-sdk, plugin/server.go). A step has them when a Packer starts the runner.
  'PACKER_PLUGIN_MAGIC_COOKIE',
  'PACKER_WRAP_COOKIE',
  // With it Packer prints completions for a shell instead of what it is asked to do (posener/complete).
  'COMP_LINE',
])
