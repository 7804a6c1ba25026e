import {
  CreateImageUsageReportCommand,
  type ImageUsageReport,
  paginateDescribeImageUsageReportEntries,
  paginateDescribeImageUsageReports,
} from '@aws-sdk/client-ec2'
import { ask, type Ec2, NOT_EC2 } from './client.ts'
import { chunk } from './look-up.ts'

/** A report on the use of an image by other accounts. EC2 deletes it after 30 days (AWS: ImageUsageReport). */
export interface UsageReport {
  readonly id: string
  readonly image: string
  /** In milliseconds since 1970. */
  readonly requestedAt: number
  /** Only a report that is `available` has been finished; another one is `pending` or in `error`. */
  readonly state: string
  /** The accounts that used the image. */
  readonly users: readonly string[]
}

/** How many ids a request may name (EC2 API reference, DescribeImageUsageReports). */
const IDS_PER_REQUEST = 200

/**
 * Describes the reports on images of one region, with the accounts that they name.
 *
 * @returns The reports by the image, from the oldest to the newest.
 * @throws Error in the form of `ask` for anything but a clear answer.
 */
export async function describeUsageReports(
  ec2: Ec2,
  images: readonly string[],
): Promise<ReadonlyMap<string, readonly UsageReport[]>> {
  const reports: UsageReport[] = []
  for (const ids of chunk(images, IDS_PER_REQUEST)) {
    for (const report of await describeReports(ec2, ids)) reports.push(toReport(ec2, report))
  }
  const finished = reports.filter(({ state }) => state === 'available').map(({ id }) => id)
  const users = new Map<string, string[]>()
  for (const ids of chunk(finished, IDS_PER_REQUEST)) {
    for (const [id, account] of await describeUsers(ec2, ids)) users.set(id, [...(users.get(id) ?? []), account])
  }
  const complete = reports.map(report => ({ ...report, users: [...new Set(users.get(report.id) ?? [])] }))
  return Map.groupBy(
    complete.sort((a, b) => a.requestedAt - b.requestedAt),
    ({ image }) => image,
  )
}

async function describeReports(ec2: Ec2, ImageIds: string[]): Promise<ImageUsageReport[]> {
  const pages = await ask(ec2, 'ec2:DescribeImageUsageReports', async (client, options) => {
    const lists: (ImageUsageReport[] | undefined)[] = []
    for await (const { ImageUsageReports } of paginateDescribeImageUsageReports({ client }, { ImageIds }, options)) {
      lists.push(ImageUsageReports)
    }
    return lists
  })
  return pages.flatMap(list => list ?? malformed(ec2, 'ec2:DescribeImageUsageReports', 'no list of reports'))
}

function toReport(ec2: Ec2, { ReportId: id, ImageId: image, State, CreationTime }: ImageUsageReport): UsageReport {
  if (!id || !image || !CreationTime) return malformed(ec2, 'ec2:DescribeImageUsageReports', 'an incomplete report')
  return { id, image, requestedAt: CreationTime.getTime(), state: State ?? '', users: [] }
}

async function describeUsers(ec2: Ec2, ReportIds: string[]): Promise<(readonly [report: string, account: string])[]> {
  const action = 'ec2:DescribeImageUsageReportEntries'
  const pages = await ask(ec2, action, async (client, options) => {
    const lists: ((readonly [string | undefined, string | undefined])[] | undefined)[] = []
    const query = { ReportIds }
    for await (const page of paginateDescribeImageUsageReportEntries({ client }, query, options)) {
      lists.push(page.ImageUsageReportEntries?.map(({ ReportId, AccountId }) => [ReportId, AccountId]))
    }
    return lists
  })
  return pages
    .flatMap(list => list ?? malformed(ec2, action, 'no list of entries'))
    .map(([report, account]) => {
      if (report && account) return [report, account] as const
      return malformed(ec2, action, 'an incomplete entry')
    })
}

function malformed({ region }: Ec2, action: string, what: string): never {
  throw new Error(`${action} in ${region}: the response has ${what}. ${NOT_EC2}`)
}

/** How many versions of a launch template a report includes, from the newest on; 20 by default (AWS: CreateImageUsageReport). */
const VERSION_DEPTH = '10000'

/** Requests a report on the use of an image by all other accounts. EC2 finishes it later. */
export async function requestUsageReport(ec2: Ec2, ImageId: string): Promise<void> {
  const depth = [{ OptionName: 'version-depth', OptionValues: [VERSION_DEPTH] }]
  const command = new CreateImageUsageReportCommand({
    ImageId,
    ResourceTypes: [
      { ResourceType: 'ec2:Instance' },
      { ResourceType: 'ec2:LaunchTemplate', ResourceTypeOptions: depth },
      { ResourceType: 'imagebuilder:ImageRecipe' },
      { ResourceType: 'imagebuilder:ContainerRecipe' },
    ],
  })
  const action = 'ec2:CreateImageUsageReport'
  const { ReportId } = await ask(ec2, action, (client, options) => client.send(command, options))
  if (!ReportId) malformed(ec2, action, 'no id of a report')
}
