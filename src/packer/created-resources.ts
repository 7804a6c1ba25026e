import type { Said } from './said.ts'

/** What Packer said it had begun to make on EC2, for the clean-up after a bake that didn't end well. */
export interface CreatedResources {
  readonly keyPairs: readonly string[]
  readonly securityGroups: readonly string[]
  readonly instances: readonly string[]
  readonly launchTemplates: readonly string[]
  readonly images: readonly string[]
  /** Regions to which copies of the image were begun. */
  readonly copyRegions: readonly string[]
  /** Instance profile and role of the same name. */
  readonly roles: readonly string[]
  /** Snapshots that amazon-chroot makes itself, without an image or an instance. */
  readonly snapshots: readonly string[]
  /** Volumes that amazon-ebssurrogate makes snapshots of; it does not print the ids of those. */
  readonly snapshotSources: readonly string[]
  /** The device names of volumes that amazon-chroot attaches to Packer's own machine; it does not print their ids. */
  readonly attachedDevices: readonly string[]
  /** An instance was asked for, and EC2 did not refuse; its id may never have been printed. */
  readonly launching: boolean
  /** Told by tags, which anybody may have written, instead of by Packer. */
  readonly isUntrusted: boolean
}

type Kind = Exclude<keyof CreatedResources, 'launching' | 'isUntrusted'>

/** How far a build has come: each thing is made in one of these stages, and what claims it in another is no word of Packer's. */
type Stage = 'preparing' | 'launching' | 'running' | 'imaging'

/** What the amazon plugin prints as it makes something (packer-plugin-amazon: the step_*.go of common and of each builder), and its name. */
const PATTERNS: readonly (readonly [Kind, Stage, phrase: string, name: RegExp])[] = [
  ['keyPairs', 'preparing', 'Creating temporary keypair: ', /^packer_[0-9a-f-]{36}$/],
  ['securityGroups', 'preparing', 'Creating temporary security group for this instance: ', /^packer_[0-9a-f-]{36}$/],
  ['roles', 'preparing', 'Creating temporary instance profile for this instance: ', /^packer-[0-9a-f-]{36}$/],
  ['launchTemplates', 'launching', 'Created Spot Fleet launch template: ', /^lt-[0-9a-f]{8,17}$/],
  ['instances', 'launching', 'Instance ID: ', /^i-[0-9a-f]{8,17}$/],
  ['attachedDevices', 'launching', 'Attaching the root volume to ', /^\/dev\/[a-z0-9]{1,20}$/],
  ['snapshotSources', 'imaging', 'Creating snapshot of EBS Volume ', /^vol-[0-9a-f]{8,17}$/],
  ['snapshots', 'imaging', 'Snapshot ID: ', /^snap-[0-9a-f]{8,17}$/],
  ['images', 'imaging', 'AMI: ', /^ami-[0-9a-f]{8,17}$/],
  ['copyRegions', 'imaging', 'Copying to: ', /^[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}$/],
]

/** Things of which a build makes one, before anything on the instance can print: what claims to be a second is forged. */
const SINGLE: ReadonlySet<Kind> = new Set([
  'keyPairs',
  'securityGroups',
  'instances',
  'launchTemplates',
  'roles',
  'attachedDevices',
])

interface Thing {
  readonly kind: Kind
  readonly build: string
  readonly name: string
}

/** Collects traces from what the builds say; `note` answers whether that told anything new. */
export function trackCreatedResources(): { note(said: Said): boolean; traces(): CreatedResources } {
  let things: readonly Thing[] = []
  const stages = new Map<string, Stage>()
  const launching = new Set<string>()
  const gone = new Set<string>()

  function note(said: Said): boolean {
    const before = size()
    noteStage(said)
    noteThing(said)
    noteRemoval(said)
    return before !== size()
  }

  function size(): string {
    return `${things.length} ${launching.size} ${gone.size}`
  }

  function noteStage({ build, text }: Said): void {
    const isLaunch = /^Launching a (source|spot) AWS instance/.test(text)
    if (!stages.has(build) && (isLaunch || text.startsWith('Gathering information about this EC2 instance'))) {
      stages.set(build, 'launching')
      if (isLaunch) launching.add(build)
    }
    const isLaunching = stages.get(build) === 'launching'
    if (isLaunching && /^Error launching source instance: .*\bapi error\b/.test(text)) launching.delete(build)
    if (IMAGING.test(text)) stages.set(build, 'imaging')
  }

  function noteThing({ build, text }: Said): void {
    for (const [kind, stage, phrase, pattern] of PATTERNS) {
      const name = text.startsWith(phrase) ? text.slice(phrase.length).replace(/\.\.\.$/, '') : ''
      const isKnown = things.some(
        thing => thing.kind === kind && (SINGLE.has(kind) ? thing.build === build : thing.name === name),
      )
      const isInStage = (stages.get(build) ?? 'preparing') === stage
      if (!pattern.test(name) || isKnown || !isInStage) continue
      things = [...things, { kind, build, name }]
      // From now on the instance prints too.
      if (stage === 'launching') stages.set(build, 'running')
    }
  }

  /** Packer removes these itself, unless it complains. */
  function noteRemoval({ build, text }: Said): void {
    const removed = REMOVALS.get(text)
    if (removed) gone.add(`${removed} of ${build}`)
    const [, role] = /Please delete the (?:role|instance profile) manually: (packer-[0-9a-f-]{36})$/.exec(text) ?? []
    if (role) gone.delete(`roles of ${build}`)
    if (role && !things.some(({ name }) => name === role)) things = [...things, { kind: 'roles', build, name: role }]
    if (text.startsWith('Error deleting EBS volume: ')) gone.delete(`attachedDevices of ${build}`)
  }

  function traces(): CreatedResources {
    const there = things.filter(({ kind, build }) => !gone.has(`${kind} of ${build}`))
    const named = (kind: Kind) => [...new Set(there.filter(thing => thing.kind === kind).map(({ name }) => name))]
    return tracesBy(named, { launching: launching.size > 0, isUntrusted: false })
  }

  return { note, traces }
}

/** From here on the image is made, or the snapshots that it is registered from. */
const IMAGING = /^(Creating AMI .* from instance |Creating snapshot\b|Registering the AMI\b)/

const REMOVALS: ReadonlyMap<string, Kind> = new Map([
  ['Deleting temporary instance profile...', 'roles'],
  ['Deleting the created EBS volume...', 'attachedDevices'],
])

function tracesBy(
  named: (kind: Kind) => readonly string[],
  more: Pick<CreatedResources, 'launching' | 'isUntrusted'>,
): CreatedResources {
  return {
    keyPairs: named('keyPairs'),
    securityGroups: named('securityGroups'),
    instances: named('instances'),
    launchTemplates: named('launchTemplates'),
    images: named('images'),
    copyRegions: named('copyRegions'),
    roles: named('roles'),
    snapshots: named('snapshots'),
    snapshotSources: named('snapshotSources'),
    attachedDevices: named('attachedDevices'),
    ...more,
  }
}

/** Whether there is nothing that a bake could have left. */
export function areEmpty({ launching, ...traces }: CreatedResources): boolean {
  return !launching && PATTERNS.every(([kind]) => kind === 'copyRegions' || traces[kind].length === 0)
}

/** The traces of a bake that has made nothing, or nothing that it would leave. */
export const NO_RESOURCES: CreatedResources = tracesBy(() => [], { launching: false, isUntrusted: false })

/** The longest value of a tag (AWS: "Tag restrictions"). */
const LONGEST_VALUE = 256

/** Writes traces as tags, the same ones for any traces, of which the empty ones take away what stood there before. */
export function writeTraces(traces: CreatedResources): ReadonlyMap<string, string> {
  const tags = PATTERNS.map(([kind]) => [tagFor(kind), join(traces[kind])] as const)
  return new Map([...tags, [LAUNCHING_TAG, traces.launching ? 'true' : '']])
}

/** Reads traces from tags, which anybody may have written: what Packer's output could not have said is passed over. */
export function readTraces(tags: ReadonlyMap<string, string>): CreatedResources {
  const named = (wanted: Kind) =>
    PATTERNS.filter(([kind]) => kind === wanted).flatMap(([, , , pattern]) =>
      (tags.get(tagFor(wanted)) ?? '').split(' ').filter(name => pattern.test(name)),
    )
  return tracesBy(named, { launching: tags.get(LAUNCHING_TAG) === 'true', isUntrusted: true })
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
