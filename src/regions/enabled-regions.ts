import { DescribeRegionsCommand } from '@aws-sdk/client-ec2'
import { ask, type Ec2, NOT_EC2 } from '../ec2/client.ts'

/**
 * Lists the regions that are enabled in the account.
 *
 * @param ec2 Any region of the account's partition.
 * @returns Their names, sorted.
 * @throws Error for anything but a clear answer.
 */
export async function listEnabledRegions(ec2: Ec2): Promise<readonly string[]> {
  // Without AllRegions EC2 lists the enabled ones alone (EC2 API reference, DescribeRegions).
  const { Regions } = await ask(ec2, 'ec2:DescribeRegions', (client, options) =>
    client.send(new DescribeRegionsCommand({}), options),
  )
  const names = (Regions ?? []).flatMap(({ RegionName }) => RegionName ?? [])
  if (names.length > 0) return names.sort()
  throw new Error(`ec2:DescribeRegions in ${ec2.region}: the response has no list of regions. ${NOT_EC2}`)
}
