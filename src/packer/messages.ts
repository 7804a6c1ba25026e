import type { Phase } from '../runner/timeline.ts'
import type { Said } from './said.ts'

/** What one line of `packer build -machine-readable` says. */
export type Message =
  /** Something for people to read. */
  | { readonly kind: 'text'; readonly text: string }
  /** Why a build failed. */
  | { readonly kind: 'failure'; readonly text: string }
  | ArtifactMessage

/** One property of something that a build made, like `builder-id` or `id`. */
export interface ArtifactMessage {
  readonly kind: 'artifact'
  readonly property: string
  readonly value: string
}

/**
 * Reads a line of Packer's machine-readable output: a time, a target, a type, and data with its commas escaped (Packer
 * docs, "Machine-Readable Output"). A text that a provisioner prints can't pass for another type: its commas are escaped.
 *
 * @returns `undefined` for lines of no interest.
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

/** What a line of Packer's output has for people to read, if it has anything. */
export function textOf(line: string): string | undefined {
  const message = readMessage(line)
  return message?.kind === 'text' ? message.text : undefined
}

/** Whether Packer itself says why it builds nothing: what a build says begins with the build's name. */
export function isDiagnostic(text: string): boolean {
  return /^(Error: |Warning: an 'only' option )/.test(text)
}

/** Whether a build says that it could not remove what it has made (packer-plugin-amazon: the clean-ups of common/step_*.go). */
export function isCleanupError({ text }: Said): boolean {
  return /^Error (terminating instance, may still be around|cleaning up (security group|keypair)|deleting EBS volume)/.test(
    text,
  )
}

/** The phase that begins with what a build says, as the amazon plugin and the communicators say it; mostly none. */
export function phaseOf({ text }: Said): Phase | undefined {
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
 * The images that an artifact's id names: `us-east-1:ami-…`, several with commas between.
 *
 * @returns Pairs of region and image id; none when the artifact is no AMI.
 */
export function imagesOf(artifactId: string): readonly (readonly [string, string])[] {
  const images = artifactId.split(',').map(part => ARTIFACT_IMAGE.exec(part))
  return images.flatMap(match => (match?.[1] && match[2] ? [[match[1], match[2]] as const] : []))
}

const ARTIFACT_IMAGE = /^([a-z0-9-]+):(ami-(?:[0-9a-f]{8}|[0-9a-f]{17}))$/

/** Adds to what Packer says of a failure what can be done about it, where that is known. */
export function advise(failure: string): string {
  const advice = ADVICE.find(([pattern]) => pattern.test(failure))?.[1]
  return advice ? `${failure.trimEnd()}\n${advice(failure)}` : failure
}

const ADVICE: readonly (readonly [RegExp, (failure: string) => string])[] = [
  [
    /is used by an existing AMI/,
    () => "Put {{timestamp}} into the template's ami_name, so that every bake has a name of its own.",
  ],
  [/is\s+unknown\s+by\s+Packer/, failure => `Install its plugin: packer plugins install ${pluginOf(failure)}`],
  [
    /Failed getting the "|api\.github\.com/,
    () =>
      "GitHub must be reachable for plugins, and github-token must be one of github.com's. Or put the plugins on the runner.",
  ],
  [
    /UnauthorizedOperation|AccessDenied/,
    () => "Allow the role of this job what Packer needs; the README's policy for the bake lists it.",
  ],
  [/No builds to run/, () => 'Let packer-only name a build of the template; `packer inspect` lists them.'],
  [
    /No AMI was found matching filters/,
    () =>
      "Correct the filters and owners, or aws-region: an AMI's id, name and owner are looked for in one region alone.",
  ],
  [
    /Unset variable "|required variable not set/,
    () =>
      'Set the variable by packer-vars or packer-var-files. A secret belongs in env: as PKR_VAR_name for an HCL2 template, ' +
      'or as NAME for a legacy template whose default for the variable is {{env `NAME`}}.',
  ],
]

/** Where a plugin comes from, by the name of its component; HashiCorp's where it is none of these. */
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
