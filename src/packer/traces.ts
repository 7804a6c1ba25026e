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
  /** An instance was asked for, and EC2 did not refuse; its id may never have been printed. */
  readonly launching: boolean
  /** Told by tags, which anybody may have written, instead of by Packer. */
  readonly isHearsay: boolean
}

type Kind = Exclude<keyof Traces, 'launching' | 'isHearsay'>

/** How far a build has come: each thing is made in one of these stages, and what claims it in another is no word of Packer's. */
type Stage = 'preparing' | 'launching' | 'running' | 'imaging'

/** What the amazon plugin prints as it makes something (packer-plugin-amazon: common/step_*.go, builder/ebs), and its name. */
const PATTERNS: readonly (readonly [Kind, Stage, said: string, name: RegExp])[] = [
  ['keyPairs', 'preparing', 'Creating temporary keypair: ', /^packer_[0-9a-f-]{36}$/],
  ['securityGroups', 'preparing', 'Creating temporary security group for this instance: ', /^packer_[0-9a-f-]{36}$/],
  ['roles', 'preparing', 'Creating temporary instance profile for this instance: ', /^packer-[0-9a-f-]{36}$/],
  ['launchTemplates', 'launching', 'Created Spot Fleet launch template: ', /^lt-[0-9a-f]{8,17}$/],
  ['instances', 'launching', 'Instance ID: ', /^i-[0-9a-f]{8,17}$/],
  ['images', 'imaging', 'AMI: ', /^ami-[0-9a-f]{8,17}$/],
  ['copyRegions', 'imaging', 'Copying to: ', /^[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}$/],
]

/** Things of which a build makes one, before anything on the instance can print: what claims to be a second is forged. */
const SINGLE: ReadonlySet<Kind> = new Set(['keyPairs', 'securityGroups', 'instances', 'launchTemplates', 'roles'])

/** Collects traces from the texts that Packer prints; `note` answers whether a text told anything new. */
export function collectTraces(): { note(text: string): boolean; traces(): Traces } {
  let things: { readonly kind: Kind; readonly build: string; readonly name: string }[] = []
  const stages = new Map<string, Stage>()
  const launching = new Set<string>()

  function note(text: string): boolean {
    const before = `${things.length} ${launching.size}`
    // Packer says what matters here in one line each. Others may come from a provisioner that printed a backslash and an n.
    const [line = ''] = text.split('\n', 1)
    const [, build, said = ''] = /^(?:==> | {4})([^:]+): (.*)$/.exec(line) ?? []
    if (!build) return false
    noteStage(build, said)
    noteThing(build, said)
    noteRole(build, said)
    return before !== `${things.length} ${launching.size}`
  }

  function noteStage(build: string, said: string): void {
    if (!stages.has(build) && /^Launching a (source|spot) AWS instance/.test(said)) {
      stages.set(build, 'launching')
      launching.add(build)
    }
    const isLaunching = stages.get(build) === 'launching'
    if (isLaunching && /^Error launching source instance: .*\bapi error\b/.test(said)) launching.delete(build)
    if (/^(Creating AMI .* from instance |Registering the AMI\b)/.test(said)) stages.set(build, 'imaging')
  }

  function noteThing(build: string, said: string): void {
    for (const [kind, stage, phrase, pattern] of PATTERNS) {
      const name = said.startsWith(phrase) ? said.slice(phrase.length) : ''
      const isKnown = things.some(
        thing => thing.kind === kind && (SINGLE.has(kind) ? thing.build === build : thing.name === name),
      )
      const isInStage = (stages.get(build) ?? 'preparing') === stage
      if (!pattern.test(name) || isKnown || !isInStage) continue
      things.push({ kind, build, name })
      // From now on the instance prints too.
      if (stage === 'launching') stages.set(build, 'running')
    }
  }

  /** Packer removes the role and then its profile itself, unless it complains. */
  function noteRole(build: string, said: string): void {
    if (said === 'Deleting temporary instance profile...') {
      things = things.filter(thing => thing.kind !== 'roles' || thing.build !== build)
    }
    const [, name] = /Please delete the (?:role|instance profile) manually: (packer-[0-9a-f-]{36})$/.exec(said) ?? []
    if (name) things.push({ kind: 'roles', build, name })
  }

  function traces(): Traces {
    const named = (kind: Kind) => [...new Set(things.filter(thing => thing.kind === kind).map(({ name }) => name))]
    return tracesBy(named, { launching: launching.size > 0, isHearsay: false })
  }

  return { note, traces }
}

function tracesBy(named: (kind: Kind) => readonly string[], more: Pick<Traces, 'launching' | 'isHearsay'>): Traces {
  return {
    keyPairs: named('keyPairs'),
    securityGroups: named('securityGroups'),
    instances: named('instances'),
    launchTemplates: named('launchTemplates'),
    images: named('images'),
    copyRegions: named('copyRegions'),
    roles: named('roles'),
    ...more,
  }
}

/** Whether there is nothing that a bake could have left. */
export function areEmpty({ launching, ...traces }: Traces): boolean {
  return !launching && PATTERNS.every(([kind]) => kind === 'copyRegions' || traces[kind].length === 0)
}

/** The traces of a bake that has made nothing, or nothing that it would leave. */
export const NO_TRACES: Traces = tracesBy(() => [], { launching: false, isHearsay: false })

/** The longest value of a tag (AWS: "Tag restrictions"). */
const LONGEST_VALUE = 256

/** Writes traces as tags, the same ones for any traces, of which the empty ones take away what stood there before. */
export function writeTraces(traces: Traces): ReadonlyMap<string, string> {
  const tags = PATTERNS.map(([kind]) => [tagFor(kind), join(traces[kind])] as const)
  return new Map([...tags, [LAUNCHING_TAG, traces.launching ? 'true' : '']])
}

/** Reads traces from tags, which anybody may have written: what Packer's output could not have said is passed over. */
export function readTraces(tags: ReadonlyMap<string, string>): Traces {
  const named = (wanted: Kind) =>
    PATTERNS.filter(([kind]) => kind === wanted).flatMap(([, , , pattern]) =>
      (tags.get(tagFor(wanted)) ?? '').split(' ').filter(name => pattern.test(name)),
    )
  return tracesBy(named, { launching: tags.get(LAUNCHING_TAG) === 'true', isHearsay: true })
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
