import type { Phase } from '../runner/timeline.ts'
import type { BuildLine } from './attribution.ts'

/** The content of one line of `packer build -machine-readable`. */
export type Message =
  /** A text to print. */
  | { readonly kind: 'text'; readonly text: string }
  /** Why a build failed. */
  | { readonly kind: 'failure'; readonly text: string }
  | ArtifactMessage

/** One property of an artifact of a build, like `builder-id` or `id`. */
export interface ArtifactMessage {
  readonly kind: 'artifact'
  readonly property: string
  readonly value: string
}

/**
 * Reads a line of Packer's machine-readable output: a time, a target, a type, and data with its commas escaped (Packer
 * docs, "Machine-Readable Output"). The output of a provisioner can't be mistaken for another type: its commas are escaped.
 *
 * @returns `undefined` for a line that the action does not use.
 */
export function readMessage(line: string): Message | undefined {
  const [, level, text = ''] = TEXT_LINE.exec(line) ?? []
  if (level) return { kind: 'text', text: unescapeData(text) }
  const [, property, value = ''] = ARTIFACT_LINE.exec(line) ?? []
  if (property) return { kind: 'artifact', property, value: unescapeData(value) }
  const [, failure] = FAILURE_LINE.exec(line) ?? []
  return failure ? { kind: 'failure', text: unescapeData(failure) } : undefined
}

const TEXT_LINE = /^\d+,[^,]*,ui,(say|message|error),(.*)$/s
const ARTIFACT_LINE = /^\d+,.*?,artifact,\d+,([a-z-]+),(.*)$/s
const FAILURE_LINE = /^\d+,.*,error,([^,]+)$/s

function unescapeData(data: string): string {
  return data.replaceAll('%!(PACKER_COMMA)', ',').replaceAll('\\r', '\r').replaceAll('\\n', '\n')
}

/** The text to print of a line of Packer's output, if it has one. */
export function textOf(line: string): string | undefined {
  const message = readMessage(line)
  return message?.kind === 'text' ? message.text : undefined
}

/** Whether a text is Packer's own reason for building nothing. A text of a build starts with the build's name instead. */
export function isDiagnostic(text: string): boolean {
  return /^(Error: |Warning: an 'only' option )/.test(text)
}

/** Whether a build reports that it could not remove a resource (packer-plugin-amazon: the clean-ups of common/step_*.go). */
export function isCleanupError({ text }: BuildLine): boolean {
  return /^Error (terminating instance, may still be around|cleaning up (security group|keypair)|deleting EBS volume)/.test(
    text,
  )
}

/** Whether a build cleans up after an error or terminates its instance; both lines come before the instance is gone. */
export function startsCleanUp({ text }: BuildLine): boolean {
  return /^(Provisioning step had errors: |Terminating the source AWS instance)/.test(text)
}

/** Whether a line is a part of a build's clean-up, which comes after the reason of a failure. */
export function isOfCleanUp(line: BuildLine): boolean {
  return (
    startsCleanUp(line) ||
    /^(Cleaning up any extra volumes|No volumes to clean up|Deleting temporary (security group|keypair|instance profile))/.test(
      line.text,
    )
  )
}

/** The phase that starts with a line of the amazon plugin or of a communicator, if one does. */
export function phaseOf({ text }: BuildLine): Phase | undefined {
  return PHASES.find(([, sentence]) => sentence.test(text))?.[0]
}

const PHASES: readonly (readonly [Phase, RegExp])[] = [
  ['launch', /^Launching a (source|spot) AWS instance/],
  ['provision', /^(Connected to (SSH|WinRM)!|Provisioning with )/],
  ['image', /^(Stopping the source instance|Creating AMI |Registering the AMI)/],
  ['copy', /^Copying\/Encrypting AMI /],
  ['clean-up', /^Terminating the source AWS instance/],
]

/**
 * Reads the images in an artifact's id: `us-east-1:ami-…`, or several of these with commas between.
 *
 * @returns Pairs of region and image id; none when the artifact is not an AMI.
 */
export function imagesOf(artifactId: string): readonly (readonly [string, string])[] {
  const images = artifactId.split(',').map(part => ARTIFACT_IMAGE.exec(part))
  return images.flatMap(match => (match?.[1] && match[2] ? [[match[1], match[2]] as const] : []))
}

const ARTIFACT_IMAGE = /^([a-z0-9-]+):(ami-(?:[0-9a-f]{8}|[0-9a-f]{17}))$/

/** Adds to Packer's description of a failure a hint that says what to do, for known failures. */
export function addHint(failure: string): string {
  const hint = HINTS.find(([pattern]) => pattern.test(failure))?.[1]
  return hint ? `${failure.trimEnd()}\n${hint(failure)}` : failure
}

const HINTS: readonly (readonly [RegExp, (failure: string) => string])[] = [
  [
    /is used by an existing AMI/,
    () => "Add {{timestamp}} to the template's ami_name, so that every bake has its own name.",
  ],
  [
    /AMIName should only contain/,
    () =>
      'Remove the variable config_checksum from ami_name if the name contains it: the value for a candidate is ' +
      'candidate:<checksum>, and the name of an AMI has no colon.',
  ],
  [/is\s+unknown\s+by\s+Packer/, failure => `Install its plugin: packer plugins install ${pluginOf(failure)}`],
  [
    /Failed getting the "|api\.github\.com/,
    () =>
      'The runner must reach GitHub to download plugins, and github-token must be a token of github.com. Or install the ' +
      'plugins on the runner.',
  ],
  [
    /UnauthorizedOperation|AccessDenied/,
    () => "Grant the job's role the permissions that Packer needs; the README's policy for the bake lists them.",
  ],
  [/No builds to run/, () => 'Set packer-only to a build of the template; `packer inspect` lists the builds.'],
  [
    /No AMI was found matching filters/,
    () => 'Correct the filters and owners, or aws-region: Packer searches for the AMI in one region only.',
  ],
  [
    /Unset variable "|required variable not set/,
    () =>
      'Set the variable with packer-vars or packer-var-files. A secret belongs in env: as PKR_VAR_name for an HCL2 template, ' +
      'or as NAME for a legacy template whose default for the variable is {{env `NAME`}}.',
  ],
]

/** The repository of a component's plugin: one of the list, else HashiCorp's by the component's name. */
function pluginOf(failure: string): string {
  const [, component = ''] = /The [a-z-]+ (\S+)\s+is\s+unknown\s+by\s+Packer/.exec(failure) ?? []
  const [plugin = ''] = component.split('-')
  return PLUGINS[component] ?? `github.com/hashicorp/${plugin}`
}

const PLUGINS: Readonly<Record<string, string>> = {
  'ansible-local': 'github.com/hashicorp/ansible',
  'puppet-masterless': 'github.com/hashicorp/puppet',
  'windows-update': 'github.com/rgl/windows-update',
  goss: 'github.com/YaleUniversity/goss',
}
