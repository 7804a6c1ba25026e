import type { DescribeImagesCommand, ScanResults } from '@aws-sdk/client-ec2'

/** The severities of Amazon Inspector from the highest to the lowest. */
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'informational'] as const
type Severity = (typeof SEVERITIES)[number]

/** A time that EC2 gave as something else than a time. */
export const UNREADABLE = 'unreadable'

/** What Amazon Inspector knows of an image (EC2 API reference, `ScanResults`). */
export interface Scan {
  /** The highest severity of its findings, with or without a fix; absent when there is no finding. */
  readonly severity: string | undefined
  readonly scannedAt: Time | undefined
  /** Since when a fix has been known for a finding, by its severity: the earliest one, specific to this image. */
  readonly fixes: ReadonlyMap<Severity, Time>
}

type Time = Date | typeof UNREADABLE

/** Takes the place of an unreadable time in a response, so that the SDK can parse it. */
const SENTINEL = '9999-12-31T23:59:59.999Z'

/** Reads the scan results of an image; `undefined` when it was never scanned. */
export function readScan(results: ScanResults | undefined): Scan | undefined {
  if (!results) return undefined
  const fixes: readonly (readonly [Severity, Date | undefined])[] = [
    ['critical', results.CriticalFixAvailableSince],
    ['high', results.HighFixAvailableSince],
    ['medium', results.MediumFixAvailableSince],
    ['low', results.LowFixAvailableSince],
    ['informational', results.InformationalFixAvailableSince],
  ]
  return {
    severity: results.HighestFindingSeverityLabel,
    scannedAt: toTime(results.FindingScanDate),
    fixes: new Map(fixes.flatMap(([severity, date]) => toEntry(severity, toTime(date)))),
  }
}

function toEntry(severity: Severity, time: Time | undefined): [[Severity, Time]] | [] {
  return time === undefined ? [] : [[severity, time]]
}

function toTime(date: Date | undefined): Time | undefined {
  return date?.toISOString() === SENTINEL ? UNREADABLE : date
}

/** Describes the findings in one sentence for log and summary. */
export function describeScan(scan: Scan | undefined): string {
  if (!scan) return 'Amazon Inspector has not scanned the image.'
  const { severity, scannedAt, fixes } = scan
  const known = [...fixes].map(([level, since]) => `${level} since ${print(since)}`)
  const scanned = scannedAt ? `, scanned at ${print(scannedAt)}` : ''
  const available = known.length > 0 ? ` Fixes available: ${known.join(', ')}.` : ''
  return `Amazon Inspector: ${severity ? `highest severity ${severity}` : 'no findings'}${scanned}.${available}`
}

function print(time: Time): string {
  return time === UNREADABLE ? 'an unreadable time' : time.toISOString()
}

/** The elements of a scan result that hold a time. */
const TIMES = /<((?:finding(?=ScanDate)|(?:critical|high|medium|low|informational)(?=FixAvailable))\w+)>([^<]*)<\/\1>/g

/** The times that the SDK parses (RFC 3339). */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/**
 * Lets a response with an unreadable time in a scan result be read: the SDK would refuse the whole response, and an image must
 * not be lost because of a finding.
 */
export function tolerateScanTimes({ middlewareStack }: DescribeImagesCommand): void {
  middlewareStack.add(
    next => async args => {
      const result = await next(args)
      const { response } = result
      if (hasBody(response) && Symbol.asyncIterator in response.body)
        response.body = await replaceUnreadableTimes(response.body)
      return result
    },
    // Below the SDK's deserializer, whose priority is the normal one.
    { name: 'tolerateScanTimes', step: 'deserialize', priority: 'low' },
  )
}

function hasBody(response: unknown): response is { body: Body } {
  return typeof response === 'object' && response !== null && 'body' in response
}

type Body = AsyncIterable<Uint8Array> | Uint8Array

async function replaceUnreadableTimes(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  const whole = Buffer.concat(parts)
  if (!whole.includes('<scanResults>')) return whole
  return Buffer.from(
    whole.toString().replace(TIMES, (element, name: string, time: string) => {
      return RFC_3339.test(time) && !Number.isNaN(Date.parse(time)) ? element : `<${name}>${SENTINEL}</${name}>`
    }),
  )
}
