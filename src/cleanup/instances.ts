import { type Filter, type Instance, paginateDescribeInstances, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { ELSEWHERE } from '../ec2/credentials.ts'
import { askForAll, isNotFound } from '../ec2/requests.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { info, warn } from '../runner/log.ts'
import type { BakeIdentity } from './journal.ts'

/** How long an instance that was just launched may be unknown to EC2, in seconds (EC2 developer guide, "Eventual consistency"). */
const UNKNOWN_AT_FIRST = 60
/** How long an instance may take to end, in seconds: its operating system is shut down first. */
const ENDING = 5 * 60
/** For how long EC2 at least knows a terminated instance, in milliseconds: "approximately one hour" (AWS: TerminateInstances). */
const REMEMBERED = 50 * 60_000

/**
 * Finds the bake's instances by their printed ids, and by their key pair or group: the id of one may never have been printed. An
 * id that only a tag tells proves nothing, so that only instances with Packer's own key pair or group, launched since, count then.
 */
export async function findInstances(
  ec2: Ec2,
  resources: CreatedResources,
  { startedAt }: BakeIdentity,
): Promise<string[]> {
  const { launching, isUntrusted } = resources
  const instances = isUntrusted ? [] : resources.instances
  const filter = filterFor(resources)
  if (!launching || filter.Values.length === 0) return [...instances]
  const search = async (): Promise<string[] | undefined> => {
    const described = await describeInstances(ec2, filter)
    const found = isUntrusted ? described.filter(isSince(startedAt)) : described.filter(isAlive)
    return found.length > 0 ? found.flatMap(({ InstanceId }) => InstanceId ?? []) : undefined
  }
  // One that was asked for in Packer's last moment may be unknown for a while.
  const found = instances.length > 0 ? await search() : await poll(ec2, 20, search)
  return [...new Set([...instances, ...(found ?? [])])]
}

/** What finds instances whose ids were never printed. */
export function filterFor({ keyPairs, securityGroups }: CreatedResources): { Name: string; Values: string[] } {
  if (keyPairs.length > 0) return { Name: 'key-name', Values: [...keyPairs] }
  return { Name: 'instance.group-name', Values: [...securityGroups] }
}

/** EC2 may begin an instance's time a little before that of the key pair which was created first. */
function isSince(startedAt: string): (instance: Instance) => boolean {
  return ({ LaunchTime }) => LaunchTime !== undefined && LaunchTime.getTime() > Date.parse(startedAt) - 60_000
}

function isAlive({ State }: Instance): boolean {
  return State?.Name !== 'terminated'
}

/** The instances that a filter finds, terminated ones of the last hour included. */
export async function describeInstances(ec2: Ec2, filter: Filter): Promise<Instance[]> {
  return await askForAll(ec2, 'ec2:DescribeInstances', async function* (pages, options) {
    for await (const { Reservations = [] } of paginateDescribeInstances(pages, { Filters: [filter] }, options)) {
      yield* Reservations.flatMap(({ Instances = [] }) => Instances)
    }
  })
}

/**
 * Terminates an instance and waits until it has ended. One that EC2 does not know any more has ended long ago; one that EC2 has
 * never known is another account's, where nothing can be done here but to say so.
 *
 * @throws Error when it does not end within 5 minutes.
 */
export async function terminate(ec2: Ec2, id: string, { startedAt }: BakeIdentity): Promise<true> {
  info(`Terminating ${id}.`)
  const isKnown = await poll(ec2, UNKNOWN_AT_FIRST, () => terminateIfKnown(ec2, id))
  if (!isKnown && Date.now() - Date.parse(startedAt) > REMEMBERED) return true
  if (!isKnown) {
    warn(
      `EC2 does not know ${id}, so that it is not terminated here. ${ELSEWHERE} Look in that account whether it still runs.`,
    )
    return true
  }
  const filter = { Name: 'instance-id', Values: [id] }
  const hasEnded = await poll(ec2, ENDING, async () =>
    (await describeInstances(ec2, filter)).some(isAlive) ? undefined : true,
  )
  if (!hasEnded) throw new Error(`${id} is still not terminated after ${ENDING / 60} minutes.`)
  return hasEnded
}

async function terminateIfKnown(ec2: Ec2, id: string): Promise<true | undefined> {
  try {
    await ask(ec2, 'ec2:TerminateInstances', (client, options) =>
      client.send(new TerminateInstancesCommand({ InstanceIds: [id] }), options),
    )
    return true
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
