import { DeregisterImageCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, NOT_EC2, poll } from '../ec2/client.ts'
import type { RegionalImage } from '../ec2/images.ts'
import { isNotFound } from '../ec2/requests.ts'
import { info, messageOf } from '../runner/log.ts'
import { describeOwn } from './find-images.ts'
import { deleteSnapshot } from './snapshots.ts'

/**
 * Removes an image with its snapshots. A snapshot that another image uses stays.
 *
 * @param onDeregistered Called when the image is deregistered, before the rest of its snapshots is deleted.
 * @throws Error with EC2's reason.
 */
export async function removeImage({ ec2, image }: RegionalImage, onDeregistered: () => void): Promise<void> {
  const results = await deregisterImage(ec2, image.id)
  onDeregistered()
  const done = new Set(results.filter(({ code }) => code === 'success' || code === 'skipped').map(({ id }) => id))
  const left = new Set([...image.snapshots, ...results.map(({ id }) => id)].filter(id => !done.has(id)))
  for (const id of left) await deleteSnapshot(ec2, id)
}

/** How long EC2 may refuse to deregister an image, in seconds. */
const DEREGISTRATION_TIMEOUT = 3 * 60

/** What EC2 did with a snapshot of an image that it deregistered. */
export interface SnapshotResult {
  readonly id: string
  /** `skipped` when another image uses it (AWS: DeleteSnapshotReturnCode). */
  readonly code: string
}

/**
 * Deregisters an image and deletes the snapshots that EC2 knows of it. An image that does not exist counts as deregistered.
 *
 * @returns The snapshots that EC2 has deleted, or could not delete.
 * @throws Error with EC2's reason.
 */
export async function deregisterImage(ec2: Ec2, id: string): Promise<readonly SnapshotResult[]> {
  info(`Deregistering ${id} and deleting its snapshots.`)
  let refusal: unknown
  const snapshots = await poll(ec2, DEREGISTRATION_TIMEOUT, async () => {
    try {
      return await requestDeregistration(ec2, id)
    } catch (error) {
      if (!isNotFound(error) && !AMBIGUOUS.has(errorCode(error) ?? '')) throw error
      if ((await describeOwn(ec2, 'image-id', [id])).length === 0) return []
      if (!refusal)
        info(`Waiting up to ${DEREGISTRATION_TIMEOUT} s until ${id} can be deregistered: ${messageOf(error)}`)
      refusal = error
      return undefined
    }
  })
  if (snapshots) return snapshots
  throw new Error(`${id} could not be deregistered within ${DEREGISTRATION_TIMEOUT} s: ${messageOf(refusal)}`, {
    cause: refusal,
  })
}

async function requestDeregistration(ec2: Ec2, ImageId: string): Promise<readonly SnapshotResult[]> {
  const command = new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true })
  const { Return, DeleteSnapshotResults = [] } = await ask(ec2, 'ec2:DeregisterImage', (client, options) =>
    client.send(command, options),
  )
  if (!Return) {
    throw new Error(`ec2:DeregisterImage in ${ec2.region}: the response does not confirm it for ${ImageId}. ${NOT_EC2}`)
  }
  return DeleteSnapshotResults.flatMap(({ SnapshotId: id, ReturnCode: code = '' }) => (id ? { id, code } : []))
}

/**
 * EC2 answers "Unavailable" for an image that is deregistered already and for one in a state that forbids it (AWS: "Error codes for the
 * Amazon EC2 API"), and "NotFound" also for an image that was just created. Only a description of the image tells them apart.
 */
const AMBIGUOUS: ReadonlySet<string> = new Set(['InvalidAMIID.Unavailable', 'IncorrectState'])
