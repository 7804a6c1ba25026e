/** What Packer said it had begun to make on EC2, for the clean-up after a bake that didn't end well. */
export interface Traces {
  readonly keyPairs: readonly string[]
  readonly securityGroups: readonly string[]
  readonly instances: readonly string[]
  readonly launchTemplates: readonly string[]
  readonly images: readonly string[]
  /** Regions to which copies of the image were begun. */
  readonly copyRegions: readonly string[]
  /** Instance profile and role of the same name. */
  readonly roles: readonly string[]
  /** An instance was being launched; its id may never have been printed. */
  readonly launching: boolean
}

type Kind = Exclude<keyof Traces, 'launching'>

/** What the amazon plugin prints as it makes something (packer-plugin-amazon: common/step_*.go, builder/ebs). */
const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ['keyPairs', /^Creating temporary keypair: (packer_[0-9a-f-]{36})$/],
  ['securityGroups', /^Creating temporary security group for this instance: (packer_[0-9a-f-]{36})$/],
  ['instances', /^Instance ID: (i-[0-9a-f]{8,17})$/],
  ['launchTemplates', /^Created Spot Fleet launch template: (lt-[0-9a-f]{8,17})$/],
  ['images', /^AMI: (ami-[0-9a-f]{8,17})$/],
  ['copyRegions', /^Copying to: ([a-z]{2,5}(?:-[a-z]+)+-\d{1,2})$/],
  ['roles', /^Creating temporary role for this instance: (packer-[0-9a-f-]{36})$/],
]

/** Things of which a build makes one, before anything on the instance can print: what claims to be a second is forged. */
const SINGLE: ReadonlySet<Kind> = new Set(['keyPairs', 'securityGroups', 'instances', 'launchTemplates', 'roles'])

/** Collects traces from the texts that Packer prints. */
export function collectTraces(): { readonly traces: Traces; note(text: string): void } {
  const found: { [name in Kind]: string[] } & { launching: boolean } = {
    keyPairs: [],
    securityGroups: [],
    instances: [],
    launchTemplates: [],
    images: [],
    copyRegions: [],
    roles: [],
    launching: false,
  }
  const known = new Set<string>()

  function noteLine(line: string): void {
    const [, build, said = ''] = /^(?:==> | {4})([^:]+): (.*)$/.exec(line) ?? []
    if (!build) return
    if (/^Launching a (source|spot) AWS instance/.test(said)) found.launching = true
    for (const [kind, pattern] of PATTERNS) {
      const [, name] = pattern.exec(said) ?? []
      const key = SINGLE.has(kind) ? `${kind} ${build}` : `${kind} ${name}`
      if (!name || known.has(key)) continue
      known.add(key)
      found[kind].push(name)
    }
  }

  return { traces: found, note: text => text.split('\n').forEach(noteLine) }
}
