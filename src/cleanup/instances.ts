import { type Filter, type Instance, paginateDescribeInstances, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, poll } from '../ec2/client.ts'
import { ELSEWHERE } from '../ec2/credentials.ts'
import { askForAll, isNotFound } from '../ec2/requests.ts'
import type { CreatedResources } from '../packer/created-resources.ts'
import { info, warn } from '../runner/log.ts'
import type { BakeIdentity } from './journal.ts'
import { EC2_DIFFERENCE, isSince } from './since.ts'

/** How long EC2 may not know a new instance, in seconds (EC2 developer guide, "Eventual consistency"). */
const VISIBLE_WITHIN = 60
/** How long the termination of an instance may take, in seconds: its operating system is shut down first. */
const TERMINATION_TIMEOUT = 5 * 60
/** How long EC2 describes a terminated instance at least, in milliseconds: "approximately one hour" (AWS: TerminateInstances). */
const DESCRIBED_FOR = 50 * 60_000

/**
 * Finds the bake's instances by their printed ids, and by their key pair or group, because an id may not have been printed. An id in
 * a lease's tags proves nothing: with untrusted resources this finds only instances with Packer's own key pair or group, launched
 * after the bake started.
 */
export async function findInstances(ec2: Ec2, resources: CreatedResources, bake: BakeIdentity): Promise<string[]> {
  const { launching, isUntrusted } = resources
  const instances = isUntrusted ? [] : resources.instances
  const filter = filterFor(resources)
  if (!launching || filter.Values.length === 0) return [...instances]
  const isRecent = ({ LaunchTime }: Instance) => isSince(bake, LaunchTime, EC2_DIFFERENCE)
  const search = async (): Promise<string[] | undefined> => {
    const described = await describeInstances(ec2, filter)
    const found = described.filter(isUntrusted ? isRecent : isNotTerminated)
    return found.length > 0 ? found.flatMap(({ InstanceId }) => InstanceId ?? []) : undefined
  }
  // EC2 may not show an instance yet that Packer requested just before it ended.
  const found = instances.length > 0 ? await search() : await poll(ec2, 20, search)
  return [...new Set([...instances, ...(found ?? [])])]
}

/** The filter that finds instances whose ids were not printed. */
export function filterFor({ keyPairs, securityGroups }: CreatedResources): { Name: string; Values: string[] } {
  if (keyPairs.length > 0) return { Name: 'key-name', Values: [...keyPairs] }
  return { Name: 'instance.group-name', Values: [...securityGroups] }
}

function isNotTerminated({ State }: Instance): boolean {
  return State?.Name !== 'terminated'
}

/** Describes the instances that a filter finds, including those that were terminated in the last hour. */
export async function describeInstances(ec2: Ec2, filter: Filter): Promise<Instance[]> {
  return await askForAll(ec2, 'ec2:DescribeInstances', async function* (pages, options) {
    for await (const { Reservations = [] } of paginateDescribeInstances(pages, { Filters: [filter] }, options)) {
      yield* Reservations.flatMap(({ Instances = [] }) => Instances)
    }
  })
}

/**
 * Terminates an instance and waits for its termination. If EC2 does not know the instance, it was terminated more than an hour ago, or
 * it is in another account, which is a warning.
 *
 * @throws Error when the instance is not terminated within 5 minutes.
 */
export async function terminate(ec2: Ec2, id: string, { startedAt }: BakeIdentity): Promise<true> {
  info(`Terminating ${id}.`)
  const isKnown = await poll(ec2, VISIBLE_WITHIN, () => terminateIfKnown(ec2, id))
  if (!isKnown && Date.now() - Date.parse(startedAt) > DESCRIBED_FOR) return true
  if (!isKnown) {
    warn(`Instance ${id} was not found, and not terminated. ${ELSEWHERE} Check in that account whether it still runs.`)
    return true
  }
  const filter = { Name: 'instance-id', Values: [id] }
  const isTerminated = await poll(ec2, TERMINATION_TIMEOUT, async () =>
    (await describeInstances(ec2, filter)).some(isNotTerminated) ? undefined : true,
  )
  if (!isTerminated) throw new Error(`${id} is still not terminated after ${TERMINATION_TIMEOUT / 60} minutes.`)
  return isTerminated
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
