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

/** What the amazon plugin prints as it makes something (packer-plugin-amazon: common/step_*.go, builder/ebs), and its name. */
const PATTERNS: readonly (readonly [Kind, said: string, name: RegExp])[] = [
  ['keyPairs', 'Creating temporary keypair: ', /^packer_[0-9a-f-]{36}$/],
  ['securityGroups', 'Creating temporary security group for this instance: ', /^packer_[0-9a-f-]{36}$/],
  ['instances', 'Instance ID: ', /^i-[0-9a-f]{8,17}$/],
  ['launchTemplates', 'Created Spot Fleet launch template: ', /^lt-[0-9a-f]{8,17}$/],
  ['images', 'AMI: ', /^ami-[0-9a-f]{8,17}$/],
  ['copyRegions', 'Copying to: ', /^[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}$/],
  ['roles', 'Creating temporary role for this instance: ', /^packer-[0-9a-f-]{36}$/],
]

/** Things of which a build makes one, before anything on the instance can print: what claims to be a second is forged. */
const SINGLE: ReadonlySet<Kind> = new Set(['keyPairs', 'securityGroups', 'instances', 'launchTemplates', 'roles'])

type Found = { [name in Kind]: string[] } & { launching: boolean }

function nothing(): Found {
  return {
    keyPairs: [],
    securityGroups: [],
    instances: [],
    launchTemplates: [],
    images: [],
    copyRegions: [],
    roles: [],
    launching: false,
  }
}

/** The traces of a bake that has made nothing, or nothing that it would leave. */
export const NO_TRACES: Traces = nothing()

/** Collects traces from the texts that Packer prints; `note` answers whether there was a new one. */
export function collectTraces(): { readonly traces: Traces; note(text: string): boolean } {
  const found = nothing()
  const known = new Set<string>()

  function noteLine(line: string): boolean {
    const [, build, said = ''] = /^(?:==> | {4})([^:]+): (.*)$/.exec(line) ?? []
    if (!build) return false
    const isLaunch = /^Launching a (source|spot) AWS instance/.test(said) && !found.launching
    if (isLaunch) found.launching = true
    let isNew = isLaunch
    for (const [kind, phrase, pattern] of PATTERNS) {
      const name = said.startsWith(phrase) ? said.slice(phrase.length) : ''
      const key = SINGLE.has(kind) ? `${kind} ${build}` : `${kind} ${name}`
      if (!pattern.test(name) || known.has(key)) continue
      known.add(key)
      found[kind].push(name)
      isNew = true
    }
    return isNew
  }

  return { traces: found, note: text => text.split('\n').map(noteLine).includes(true) }
}

/** The longest value of a tag (AWS: "Tag restrictions"). */
const LONGEST_VALUE = 256

/** Writes traces as tags, the same ones for any traces, of which the empty ones take away what stood there before. */
export function writeTraces(traces: Traces): ReadonlyMap<string, string> {
  const tags = PATTERNS.map(([kind]) => [tagFor(kind), join(traces[kind])] as const)
  return new Map([...tags, [LAUNCHING_TAG, traces.launching ? 'true' : '']])
}

/** Reads traces from tags, which anybody may have written: what Packer's output could not have said is passed over. */
export function readTraces(tags: ReadonlyMap<string, string>): Traces {
  const found = nothing()
  for (const [kind, , pattern] of PATTERNS) {
    found[kind].push(...(tags.get(tagFor(kind)) ?? '').split(' ').filter(name => pattern.test(name)))
  }
  return { ...found, launching: tags.get(LAUNCHING_TAG) === 'true' }
}

const LAUNCHING_TAG = 'ami_bakery_launching'

function tagFor(kind: Kind): string {
  return `ami_bakery_${kind.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`
}

/** As many whole names as a tag holds: no build makes more than five of a kind. */
function join(names: readonly string[]): string {
  const end = names.findIndex((_, index) => names.slice(0, index + 1).join(' ').length > LONGEST_VALUE)
  return names.slice(0, end === -1 ? names.length : end).join(' ')
}
