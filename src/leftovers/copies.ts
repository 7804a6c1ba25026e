import { findCopies, WAITER_TAG } from '../copies/obtain.ts'
import { connect, type Ec2, poll } from '../ec2.ts'
import { describeImage, type Image } from '../images.ts'
import { info, messageOf } from '../log.ts'
import type { BakeFacts, BegunCopy } from '../record.ts'
import { quarantine } from './images.ts'
import { findStranger, type Leftover } from './remove.ts'

/**
 * Removes the copies that a run has begun and not finished. One that another run waits for stays; so does one that is
 * available by now: it is whole, and the next run goes on with it.
 *
 * @returns What could not be removed.
 */
export async function removeCopies(
  { copies = [], ...facts }: BakeFacts,
  deadline?: AbortSignal,
): Promise<readonly Leftover[]> {
  if (copies.length === 0) return []
  const stranger = await findStranger(connect(facts.region, deadline), facts)
  const removed = copies.map(async copy => {
    if (stranger) throw new Error(stranger)
    await removeCopy(connect(copy.region, deadline), copy, facts.checksum)
  })
  const results = await Promise.allSettled(removed)
  return results.flatMap((result, index) => {
    const copy = copies[index]
    return copy && result.status === 'rejected' ? { command: commandFor(copy), reason: messageOf(result.reason) } : []
  })
}

async function removeCopy(ec2: Ec2, copy: BegunCopy, checksum: string): Promise<void> {
  for (const image of await findBegun(ec2, copy)) {
    if (image.tags.has(WAITER_TAG)) info(`${image.id} in ${ec2.region} stays: another run waits for this copy.`)
    else if (image.state === 'pending') await quarantine({ ec2, image }, checksum)
  }
}

/** One that was asked for in the last moment has no id here, and may be unknown for a while. */
async function findBegun(ec2: Ec2, { id, source }: BegunCopy): Promise<Image[]> {
  if (id === undefined) {
    const search = async () => (await findCopies(ec2, source)).filter(({ state }) => state === 'pending')
    return (await poll(ec2, 20, async () => (await search()).at(0))) ? await search() : []
  }
  const image = await describeImage(ec2, id)
  return image ? [image] : []
}

function commandFor({ region, source, id }: BegunCopy): string {
  return id
    ? `aws ec2 deregister-image --region ${region} --image-id ${id} --delete-associated-snapshots`
    : `aws ec2 describe-images --region ${region} --owners self --filters Name=tag:ami_bakery_image,Values=${source}`
}
