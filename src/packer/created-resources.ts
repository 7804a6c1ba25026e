import { MAX_VALUE_LENGTH } from '../ec2/tags.ts'
import type { BuildLine } from './attribution.ts'

/** What Packer has started to create on EC2, for the clean-up after a failed bake. */
export interface CreatedResources {
  readonly keyPairs: readonly string[]
  readonly securityGroups: readonly string[]
  readonly instances: readonly string[]
  readonly launchTemplates: readonly string[]
  readonly images: readonly string[]
  /** Regions that Packer has started to copy the image to. */
  readonly copyRegions: readonly string[]
  /** Instance profile and role of the same name. */
  readonly roles: readonly string[]
  /** Snapshots that amazon-chroot creates itself, without an image or an instance. */
  readonly snapshots: readonly string[]
  /** Volumes that amazon-ebssurrogate creates snapshots of; it does not print the ids of the snapshots. */
  readonly snapshotSources: readonly string[]
  /** The device names of volumes that amazon-chroot attaches to Packer's own machine; it does not print the volumes' ids. */
  readonly attachedDevices: readonly string[]
  /** Packer requested an instance, and EC2 did not refuse; the instance's id may not have been printed. */
  readonly launching: boolean
  /** Read from a lease's tags, which anything with access to the account can write, and not from Packer's output. */
  readonly isUntrusted: boolean
}

type Kind = Exclude<keyof CreatedResources, 'launching' | 'isUntrusted'>

/**
 * How far a build is. Each kind of resource is created in one stage; a line in another stage does not come from Packer. Before
 * the launch only Packer prints; the launch creates one instance; after it the instance prints too.
 */
type Stage = 'preparing' | 'launching' | 'running' | 'imaging'

/** What the amazon plugin prints when it creates a resource (packer-plugin-amazon: the step_*.go of common and of each builder), and the resource's name. */
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

interface Resource {
  readonly kind: Kind
  readonly build: string
  readonly name: string
}

/** Tracks what builds create, from the lines that they print. */
export interface ResourceTracker {
  /** @returns Whether the line changed what is known. */
  readLine(line: BuildLine): boolean
  resources(): CreatedResources
}

/** Makes a tracker that has read no line yet. */
export function trackCreatedResources(): ResourceTracker {
  let created: readonly Resource[] = []
  const stages = new Map<string, Stage>()
  const launching = new Set<string>()
  const removed = new Set<string>()

  function readLine(line: BuildLine): boolean {
    const before = size()
    readStage(line)
    readCreation(line)
    readRemoval(line)
    return before !== size()
  }

  function size(): string {
    return `${created.length} ${launching.size} ${removed.size}`
  }

  function readStage({ build, text }: BuildLine): void {
    const isLaunch = /^Launching a (source|spot) AWS instance/.test(text)
    if (!stages.has(build) && (isLaunch || text.startsWith('Gathering information about this EC2 instance'))) {
      stages.set(build, 'launching')
      if (isLaunch) launching.add(build)
    }
    const isLaunching = stages.get(build) === 'launching'
    if (isLaunching && /^Error launching source instance: .*\bapi error\b/.test(text)) launching.delete(build)
    if (IMAGING.test(text)) stages.set(build, 'imaging')
  }

  function readCreation({ build, text }: BuildLine): void {
    for (const [kind, stage, phrase, pattern] of PATTERNS) {
      const name = text.startsWith(phrase) ? text.slice(phrase.length).replace(/\.\.\.$/, '') : ''
      const isKnown = created.some(resource => resource.kind === kind && resource.name === name)
      const isInStage = (stages.get(build) ?? 'preparing') === stage
      if (!pattern.test(name) || isKnown || !isInStage) continue
      created = [...created, { kind, build, name }]
      // The instance prints too from now on.
      if (stage === 'launching') stages.set(build, 'running')
    }
  }

  /** Packer removes these itself, unless it prints that it could not. */
  function readRemoval({ build, text }: BuildLine): void {
    const kind = REMOVALS.get(text)
    if (kind) removed.add(`${kind} of ${build}`)
    const [, role] = /Please delete the (?:role|instance profile) manually: (packer-[0-9a-f-]{36})$/.exec(text) ?? []
    if (role) removed.delete(`roles of ${build}`)
    if (role && !created.some(({ name }) => name === role)) created = [...created, { kind: 'roles', build, name: role }]
    if (text.startsWith('Error deleting EBS volume: ')) removed.delete(`attachedDevices of ${build}`)
  }

  function resources(): CreatedResources {
    const present = created.filter(({ kind, build }) => !removed.has(`${kind} of ${build}`))
    const namesOf = (wanted: Kind) => [
      ...new Set(present.filter(({ kind }) => kind === wanted).map(({ name }) => name)),
    ]
    return resourcesBy(namesOf, { launching: launching.size > 0, isUntrusted: false })
  }

  return { readLine, resources }
}

/** After this line the build creates the image, or the snapshots for it. */
const IMAGING = /^(Creating AMI .* from instance |Creating snapshot\b|Registering the AMI\b)/

const REMOVALS: ReadonlyMap<string, Kind> = new Map([
  ['Deleting temporary instance profile...', 'roles'],
  ['Deleting the created EBS volume...', 'attachedDevices'],
])

function resourcesBy(
  namesOf: (kind: Kind) => readonly string[],
  flags: Pick<CreatedResources, 'launching' | 'isUntrusted'>,
): CreatedResources {
  return {
    keyPairs: namesOf('keyPairs'),
    securityGroups: namesOf('securityGroups'),
    instances: namesOf('instances'),
    launchTemplates: namesOf('launchTemplates'),
    images: namesOf('images'),
    copyRegions: namesOf('copyRegions'),
    roles: namesOf('roles'),
    snapshots: namesOf('snapshots'),
    snapshotSources: namesOf('snapshotSources'),
    attachedDevices: namesOf('attachedDevices'),
    ...flags,
  }
}

/** Whether the bake can have left nothing. */
export function areEmpty({ launching, ...resources }: CreatedResources): boolean {
  return !launching && PATTERNS.every(([kind]) => kind === 'copyRegions' || resources[kind].length === 0)
}

/** The resources of a bake that has created nothing. */
export const NO_RESOURCES: CreatedResources = resourcesBy(() => [], { launching: false, isUntrusted: false })

/** Writes resources as tags. The keys are always the same, so that an empty value replaces an earlier one. */
export function writeResourceTags(resources: CreatedResources): ReadonlyMap<string, string> {
  const tags = PATTERNS.map(([kind]) => [tagFor(kind), join(resources[kind])] as const)
  return new Map([...tags, [LAUNCHING_TAG, resources.launching ? 'true' : '']])
}

/** Reads resources from tags, without names that Packer can't have printed. The result is untrusted. */
export function readResourceTags(tags: ReadonlyMap<string, string>): CreatedResources {
  const namesOf = (wanted: Kind) =>
    PATTERNS.filter(([kind]) => kind === wanted).flatMap(([, , , pattern]) =>
      (tags.get(tagFor(wanted)) ?? '').split(' ').filter(name => pattern.test(name)),
    )
  return resourcesBy(namesOf, { launching: tags.get(LAUNCHING_TAG) === 'true', isUntrusted: true })
}

const LAUNCHING_TAG = 'ami_bakery_launching'

function tagFor(kind: Kind): string {
  return `ami_bakery_${kind.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`
}

/** As many whole names as fit into a tag: no build creates more than five of a kind. */
function join(names: readonly string[]): string {
  const end = names.findIndex((_, index) => names.slice(0, index + 1).join(' ').length > MAX_VALUE_LENGTH)
  return names.slice(0, end === -1 ? names.length : end).join(' ')
}
