import { afterAll, describe, expect, test } from 'vitest'
import type { DefinedImage } from '../../src/actions/image-checksum.ts'
import { lookUpFor } from '../../src/actions/look-up-for.ts'
import { listRows, planImages } from '../../src/actions/plan/plan-images.ts'
import { chooseImage, type LookUp, valueFor } from '../../src/ec2/choose-image.ts'
import type { Image } from '../../src/ec2/images.ts'
import { groupByChecksum } from '../../src/ec2/look-up.ts'
import { DAY } from '../../src/runner/wait.ts'
import { cases } from '../support/cases.ts'
import { definedImage } from '../support/defined-image.ts'
import { makeDice } from '../support/definitions.ts'
import { describedImage } from '../support/described-image.ts'

type Dice = ReturnType<typeof makeDice>

const NOW = Date.parse('2026-06-01T12:00:00Z')
const REGION = 'us-east-1'
const COPY_REGION = 'eu-west-1'

/** An image of a random images file, as the model has it. */
interface Node {
  readonly name: string
  readonly template: string
  readonly checksum: string
  readonly parent: Node | undefined
  readonly candidate: boolean
  readonly maxAge: number | undefined
  readonly fixDays: number | undefined
  readonly regions: readonly string[]
}

/** An AMI of a random account, as the model has it. */
interface Ami {
  readonly id: string
  readonly region: string
  readonly ageInDays: number
  readonly fixAgeInDays: number | undefined
  readonly tags: Readonly<Record<string, string>>
}

interface World {
  readonly nodes: readonly Node[]
  readonly amis: readonly Ami[]
}

const DEEPEST = 4
const WIDEST = 5

/** Grows an images file with up to 40 images, and an account with AMIs of them in every state. */
function growWorld(dice: Dice): World {
  const nodes: Node[] = []
  const grow = (parent: Node | undefined, depth: number) => {
    for (let count = 1 + dice.below(WIDEST); count > 0 && nodes.length < 40; count--) {
      const node = growNode(dice, parent, nodes)
      nodes.push(node)
      if (depth < DEEPEST && dice.chance(0.6)) grow(node, depth + 1)
    }
  }
  grow(undefined, 1)
  const amis: Ami[] = []
  for (const node of nodes) {
    for (let count = dice.pick([0, 1, 1, 1, 2, 3]); count > 0; count--) amis.push(growAmi(dice, node, amis))
    if (node.regions.length > 0 && dice.chance(0.7)) amis.push(...growCopies(dice, node, amis))
  }
  return { nodes, amis }
}

function growNode(dice: Dice, parent: Node | undefined, nodes: readonly Node[]): Node {
  const name = `image-${nodes.length}`
  const sibling = nodes.filter(node => node.parent === parent).at(-1)
  // Equal in all but the name.
  if (sibling && dice.chance(0.1)) return { ...sibling, name }
  const checksum = nodes.length.toString(16).padStart(40, String(dice.below(10)))
  return {
    name,
    // Two templates may have one definition, and so one checksum.
    template: `t${nodes.length}.pkr.hcl`,
    checksum: sibling && dice.chance(0.1) ? sibling.checksum : checksum,
    parent,
    candidate: dice.chance(0.25),
    maxAge: dice.chance(0.3) ? 30 : undefined,
    fixDays: dice.chance(0.3) ? 7 : undefined,
    regions: dice.chance(0.2) ? [COPY_REGION] : [],
  }
}

const VALUES = ['', '', '', '', '', '', 'candidate:', 'candidate:', 'revoked:', 'revoked:candidate:', 'failed:']

function growAmi(dice: Dice, node: Node, amis: readonly Ami[]): Ami {
  const tags: Record<string, string> = { ami_config_checksum: dice.pick(VALUES) + node.checksum }
  if (dice.chance(0.9)) tags.ami_bakery_template = dice.chance(0.95) ? node.template : 'moved.pkr.hcl'
  if (dice.chance(0.5)) tags.ami_bakery_image_name = node.name
  if (dice.chance(0.07)) tags.ami_bakery_revoked = dice.pick(['boots badly', ''])
  if (dice.chance(0.07)) tags.ami_bakery_prune = dice.pick(['2026-01-01', '2027-01-01', ''])
  if (dice.chance(0.05)) tags['aws:backup:source-resource'] = 'i-0'
  if (node.parent && dice.chance(0.9)) tags.ami_bakery_parent = pickParent(dice, node.parent, amis)
  return {
    id: `ami-${String(amis.length).padStart(8, '0')}`,
    region: REGION,
    ageInDays: dice.below(40),
    fixAgeInDays: dice.chance(0.4) ? dice.below(20) - 2 : undefined,
    tags,
  }
}

/** Mostly an AMI that the account has, sometimes one that was deregistered. */
function pickParent(dice: Dice, parent: Node, amis: readonly Ami[]): string {
  const of = amis.filter(({ region, tags }) => {
    return region === REGION && tags.ami_config_checksum?.endsWith(parent.checksum)
  })
  return of.length > 0 && dice.chance(0.85) ? dice.pick(of).id : dice.pick(['ami-deadbeef', 'ami-deadbeef', ''])
}

function growCopies(dice: Dice, node: Node, amis: readonly Ami[]): Ami[] {
  const sources = amis.filter(({ tags }) => tags.ami_config_checksum === node.checksum)
  return sources.map((source, index) => ({
    ...source,
    id: `ami-c${String(amis.length + index).padStart(7, '0')}`,
    region: COPY_REGION,
    tags: { ...source.tags, ami_bakery_image: source.id, ami_bakery_revoked: dice.pick(['', '', 'x']) },
  }))
}

// The model, from the words of the contract.

/** "Passed over": another template, a backup, a revoked image, one that is due. */
function isOwnTemplate({ tags }: Ami, node: Node): boolean {
  const template = tags.ami_bakery_template
  return template === undefined || template === node.template || tags.ami_bakery_image_name === node.name
}

function isBackup({ tags }: Ami): boolean {
  return Object.keys(tags).some(key => key.startsWith('aws:backup:') || key.startsWith('aws:dlm:'))
}

function isPassedOver(ami: Ami, node: Node): boolean {
  const isDue = ami.tags.ami_bakery_prune === '2026-01-01'
  return !isOwnTemplate(ami, node) || isBackup(ami) || Boolean(ami.tags.ami_bakery_revoked) || isDue
}

/** "What the parent's own look-up returns", with candidates where the child may have one. */
function findCurrent(node: Node, mayBeCandidate: boolean, world: World): Ami | undefined {
  const usable = (value: string) =>
    world.amis
      .filter(({ region, tags }) => region === REGION && tags.ami_config_checksum === value)
      .filter(ami => !isPassedOver(ami, node) && isFresh(ami, node) && isOfParent(ami, node, mayBeCandidate, world))
      .sort((one, other) => one.ageInDays - other.ageInDays || (one.id < other.id ? 1 : -1))
  const [published] = usable(node.checksum)
  const [candidate] = mayBeCandidate ? usable(`candidate:${node.checksum}`) : []
  return published ?? candidate
}

function isFresh({ ageInDays, fixAgeInDays }: Ami, { maxAge, fixDays }: Node): boolean {
  if (maxAge !== undefined && ageInDays > maxAge) return false
  return fixDays === undefined || fixAgeInDays === undefined || fixAgeInDays <= fixDays || ageInDays <= fixDays
}

/**
 * "A child is a hit only if it has no tag `ami_bakery_parent`, or the tag names the parent's current image, or EC2 has no published
 * image of the parent's template and checksum any more (one that is only too old, vulnerable or revoked is still one)."
 */
function isOfParent(ami: Ami, { parent }: Node, mayBeCandidate: boolean, world: World): boolean {
  const named = ami.tags.ami_bakery_parent
  if (!parent || !named) return true
  const current = findCurrent(parent, mayBeCandidate && parent.candidate, world)
  if (current) return current.id === named
  const values = ['', 'revoked:', 'revoked:candidate:'].map(prefix => prefix + parent.checksum)
  return !world.amis.some(
    other =>
      other.region === REGION &&
      values.includes(other.tags.ami_config_checksum ?? '') &&
      isOwnTemplate(other, parent) &&
      !isBackup(other),
  )
}

/** "Where a `revoked:…<c>` image exists and no good published one." */
function isRevoked(node: Node, world: World): boolean {
  const here = world.amis.filter(({ region }) => region === REGION)
  const blocks = ['revoked:', 'revoked:candidate:'].map(prefix => prefix + node.checksum)
  const isGood = (ami: Ami) => ami.tags.ami_config_checksum === node.checksum && !isPassedOver(ami, node)
  const isBlock = (ami: Ami) =>
    blocks.includes(ami.tags.ami_config_checksum ?? '') && isOwnTemplate(ami, node) && !isBackup(ami)
  return here.some(isBlock) && !here.some(isGood)
}

function planNode(node: Node, world: World): { readonly result: string; readonly id: string | undefined } {
  const current = findCurrent(node, node.candidate, world)
  if (!current) return { result: isRevoked(node, world) ? 'revoked' : 'miss', id: undefined }
  const { id, tags } = current
  if (tags.ami_config_checksum !== node.checksum) return { result: 'candidate', id }
  const hasCopy = world.amis.some(
    ({ region, tags }) =>
      region === COPY_REGION &&
      tags.ami_config_checksum === node.checksum &&
      tags.ami_bakery_image === id &&
      !tags.ami_bakery_revoked &&
      !Object.keys(tags).some(key => key.startsWith('aws:backup:')),
  )
  return { result: node.regions.length > 0 && !hasCopy && !node.candidate ? 'copy' : 'hit', id }
}

/** "A row's layer is the number of its ancestors that are rows; images that are equal in all but the name are one row." */
function planLayers(world: World): string[][] {
  const content = ({ name: _, parent, ...node }: Node) => JSON.stringify({ ...node, parent: parent?.name })
  const rows = world.nodes.filter(node => ['miss', 'copy'].includes(planNode(node, world).result))
  const keys = rows.map(content)
  const layers: string[][] = []
  for (const [index, row] of rows.entries()) {
    if (keys.indexOf(content(row)) !== index) continue
    let layer = 0
    for (let above = row.parent; above; above = above.parent) layer += keys.includes(content(above)) ? 1 : 0
    layers[layer] = [...(layers[layer] ?? []), row.name]
  }
  return layers
}

// What the code sees of the same world.

function define(node: Node, known: Map<Node, DefinedImage>): DefinedImage {
  const made = known.get(node)
  if (made) return made
  const { name, checksum, template, candidate, maxAge, fixDays } = node
  const regions = node.regions.map(name => ({ name, kmsKey: undefined }))
  const settings = { candidate, maxAgeDays: maxAge, criticalFixDays: fixDays, regions }
  const defined = definedImage({
    name,
    checksum,
    template,
    settings,
    parent: node.parent && define(node.parent, known),
  })
  known.set(node, defined)
  return defined
}

function toImage({ id, ageInDays, fixAgeInDays, tags }: Ami): Image {
  const fixes = fixAgeInDays === undefined ? [] : [['critical', new Date(NOW - fixAgeInDays * DAY)] as const]
  return describedImage({
    id,
    creationDate: new Date(NOW - ageInDays * DAY).toISOString(),
    tags: new Map(Object.entries(tags)),
    scan: { severity: 'critical', scannedAt: new Date(NOW), fixes: new Map(fixes) },
  })
}

function describeRegion({ amis }: World, region: string) {
  return groupByChecksum(amis.filter(ami => ami.region === region).map(toImage))
}

describe('a plan of random trees of images', () => {
  const results = new Map<string, number>()
  let [trees, images, deepest] = [0, 0, 0]
  afterAll(() => {
    const counts = [...results].map(([result, count]) => `${result} ${count}`).join(', ')
    console.log(`${trees} trees of ${images} images (${counts}; up to ${deepest} layers): no difference from the model`)
  })

  test('is that of an independent model, with the same ids, rows and layers', () => {
    for (let seed = 1; seed <= cases(3000); seed++) {
      const world = growWorld(makeDice(seed))
      const known = new Map<Node, DefinedImage>()
      const regions = new Map([REGION, COPY_REGION].map(region => [region, describeRegion(world, region)]))
      const defined = world.nodes.map(node => define(node, known))
      const entries = planImages(defined, regions, NOW)
      const ours = entries.map(({ result, id }) => ({ result, id: result === 'revoked' ? undefined : id }))
      expect(ours, `seed ${seed}`).toEqual(world.nodes.map(node => planNode(node, world)))
      const { layers, matrix } = listRows(entries)
      const expected = planLayers(world)
      expect(
        layers.map(layer => layer.map(({ image }) => image)),
        `seed ${seed}`,
      ).toEqual(expected)
      expect(matrix.map(({ image }) => image)).toEqual(expected.flat())
      for (const { result } of ours) results.set(result, (results.get(result) ?? 0) + 1)
      trees++
      images += world.nodes.length
      deepest = Math.max(deepest, layers.length)
    }
    expect([...results.keys()].sort()).toEqual(['candidate', 'copy', 'hit', 'miss', 'revoked'])
  })

  test.each([
    ['an empty account', 1],
    // A child whose parent was deregistered is a hit until the parent is baked anew.
    ['an account with images', DEEPEST],
  ])('of %s has only hits after a flat matrix in whatever order has run %d times at most', (account, rounds) => {
    for (let seed = 1; seed <= cases(1000); seed++) {
      const dice = makeDice(seed)
      const world = growWorld(dice)
      const amis = account === 'an empty account' ? [] : world.amis.filter(isHere).filter(ami => !isBlock(ami))
      const images = amis.map(toImage)
      const known = new Map<Node, DefinedImage>()
      const matrix = world.nodes.map(node => define(node, known))
      for (let round = 0; round < rounds; round++) {
        const baked = runMatrix(shuffle(matrix, dice), images)
        if (account === 'an empty account') expect(new Set(baked).size, `seed ${seed}`).toBe(baked.length)
      }
      expect(runMatrix(matrix, images), `seed ${seed}`).toEqual([])
    }
  })
})

const isHere = ({ region }: Ami) => region === REGION
const isBlock = ({ tags }: Ami) => tags.ami_config_checksum?.startsWith('revoked:')

/** Bakes what is no hit, each image after its ancestors that are none, and returns what was baked. */
function runMatrix(matrix: readonly DefinedImage[], images: Image[]): string[] {
  const baked: string[] = []
  function provide(image: DefinedImage, lookUp: LookUp): string {
    const { hit } = chooseImage(groupByChecksum(images), lookUp, NOW)
    if (hit) return hit.id
    const parent = image.parent && lookUp.parent && provide(image.parent, lookUp.parent)
    const id = `ami-f${String(images.length).padStart(7, '0')}`
    images.push(toImage(newAmi(image, { id, value: valueFor(lookUp), parent })))
    baked.push(`${image.settings.template.name} ${valueFor(lookUp)}`)
    return id
  }
  for (const image of matrix) {
    if (canBeBaked(image)) provide(image, lookUpFor(image))
  }
  return baked
}

/** An image that is to be published can't be baked on a candidate. */
function canBeBaked({ settings, parent }: DefinedImage): boolean {
  if (!parent) return true
  return settings.candidate ? canBeBaked(parent) : canBePublished(parent)
}

function canBePublished({ settings, parent }: DefinedImage): boolean {
  return !settings.candidate && (!parent || canBePublished(parent))
}

interface Made {
  readonly id: string
  readonly value: string
  readonly parent: string | undefined
}

function newAmi({ settings }: DefinedImage, { id, value, parent = '' }: Made): Ami {
  const tags = { ami_config_checksum: value, ami_bakery_template: settings.template.name }
  return { id, region: REGION, ageInDays: 0, fixAgeInDays: undefined, tags: { ...tags, ami_bakery_parent: parent } }
}

function shuffle<Item>(items: readonly Item[], dice: Dice): Item[] {
  return items
    .map(item => ({ item, at: dice.below(1_000_000) }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)
}
