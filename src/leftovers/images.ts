import { DeleteSnapshotCommand, DeregisterImageCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, poll } from '../ec2.ts'
import { BAKED_AT_TAG, CHECKSUM_TAG, describeImages, type Image, type PlacedImage, tagImage } from '../images.ts'
import { info } from '../log.ts'
import type { Traces } from '../packer/traces.ts'

/** What tells the images of a bake from all others. */
export interface Origin {
  readonly traces: Traces
  /** The bake's instances. */
  readonly instances: readonly string[]
  /** When the bake began, in ISO 8601. */
  readonly begun: string
}

/** Images that a bake has made or begun. */
export interface ImagesOfBake {
  readonly images: readonly Image[]
  /** The ids of these, and of others that are gone by now: what copies may come from. */
  readonly sources: readonly string[]
}

/** Finds the images of a bake: those made from its instances, and those that it printed and that come from no other instance. */
export async function findImagesOfBake(ec2: Ec2, origin: Origin): Promise<ImagesOfBake> {
  const { instances, traces } = origin
  const made = instances.length > 0 ? await describeOwn(ec2, 'source-instance-id', instances) : []
  const printed = traces.images.length > 0 ? await describeOwn(ec2, 'image-id', traces.images) : []
  const found = unique([...made, ...printed.filter(image => isOfBake(image, origin))])
  // Another run that was only frozen may have finished its image meanwhile, and others may have it by now.
  const images = traces.isHearsay
    ? found.filter(({ tags }) => !tags.has(BAKED_AT_TAG) || !tags.has(CHECKSUM_TAG))
    : found
  // An intermediary image may be gone by now, its copies not. One that is there and not of this bake is no source of ours.
  const gone = traces.images.filter(id => !printed.some(image => image.id === id))
  return { images, sources: [...images.map(({ id }) => id), ...gone] }
}

/** Finds the copies that a bake has begun in a region of images of its own. */
export async function findCopies(ec2: Ec2, sources: readonly string[], origin: Origin): Promise<readonly Image[]> {
  if (sources.length === 0) return []
  const copies = await describeOwn(ec2, 'source-image-id', sources)
  return copies.filter(image => isSince(image, origin))
}

async function describeOwn(ec2: Ec2, filter: string, values: readonly string[]): Promise<Image[]> {
  return await describeImages(ec2, { Owners: ['self'], Filters: [{ Name: filter, Values: [...values] }] })
}

function isOfBake(image: Image, origin: Origin): boolean {
  if (image.sourceInstance) return origin.instances.includes(image.sourceInstance)
  return isSince(image, origin)
}

/** The clocks of EC2 and of the runner may differ by some minutes. */
function isSince({ creationDate }: Image, { begun }: Origin): boolean {
  return Date.parse(creationDate) > Date.parse(begun) - 5 * 60_000
}

function unique(images: readonly Image[]): Image[] {
  return [...new Map(images.map(image => [image.id, image])).values()]
}

/**
 * Makes sure that an image is never found: one that carries the checksum, because its template tagged it, gets another value
 * there; any other is deregistered and its snapshots are deleted.
 */
export async function quarantine({ ec2, image }: PlacedImage, checksum: string): Promise<void> {
  if (image.tags.get(CHECKSUM_TAG) === checksum) {
    info(`${image.id} carries the checksum of a bake that did not end well: it gets the value failed:${checksum}.`)
    return await tagImage(ec2, image.id, new Map([[CHECKSUM_TAG, `failed:${checksum}`]]))
  }
  if (image.tags.get(CHECKSUM_TAG) === `failed:${checksum}`) return
  info(`Deregistering ${image.id} and deleting its snapshots.`)
  const snapshots = new Set([...image.snapshots, ...(await findSnapshots(ec2, image))])
  await untilDone(ec2, () => deregister(ec2, image.id))
  await Promise.all([...snapshots].map(id => untilDone(ec2, () => deleteSnapshot(ec2, id))))
}

/** The image of a pending AMI does not name its snapshots yet; their descriptions do (AWS: CreateImage). */
async function findSnapshots(ec2: Ec2, { id }: Image): Promise<string[]> {
  const Filters = [
    { Name: 'description', Values: [`Created by CreateImage(*) for ${id}*`, `Copied for DestinationAmi ${id} *`] },
  ]
  const { Snapshots = [] } = await ask(ec2, 'ec2:DescribeSnapshots', (client, options) =>
    client.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters }), options),
  )
  return Snapshots.flatMap(({ SnapshotId }) => SnapshotId ?? [])
}

async function deregister(ec2: Ec2, ImageId: string): Promise<unknown> {
  return await ask(ec2, 'ec2:DeregisterImage', (client, options) =>
    client.send(new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true }), options),
  )
}

async function deleteSnapshot(ec2: Ec2, SnapshotId: string): Promise<unknown> {
  return await ask(ec2, 'ec2:DeleteSnapshot', (client, options) =>
    client.send(new DeleteSnapshotCommand({ SnapshotId }), options),
  )
}

/** Tries again for three minutes what EC2 refuses only as long as an image is pending or a snapshot in use. */
async function untilDone(ec2: Ec2, work: () => Promise<unknown>): Promise<void> {
  let refusal: unknown
  const done = await poll(ec2, 180, async () => {
    try {
      await work()
      return true
    } catch (error) {
      const code = errorCode(error) ?? ''
      if (GONE.has(code)) return true
      if (!BUSY.has(code)) throw error
      refusal = error
      return undefined
    }
  })
  if (!done) throw refusal
}

const GONE = new Set(['InvalidAMIID.NotFound', 'InvalidSnapshot.NotFound'])
const BUSY = new Set(['InvalidAMIID.Unavailable', 'InvalidSnapshot.InUse', 'IncorrectState'])
