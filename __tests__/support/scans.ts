/** What moto 5.2.1 does not know: the results of Amazon Inspector that DescribeImages has for an image (API_ScanResults). */
import { mapItems } from './xml.ts'

/** The elements of a scan's result, as in EC2's answers. */
export interface ScanElements {
  readonly highestFindingSeverityLabel?: string
  readonly findingScanDate?: string
  readonly criticalFixAvailableSince?: string
  readonly highFixAvailableSince?: string
  readonly mediumFixAvailableSince?: string
  readonly lowFixAvailableSince?: string
  readonly informationalFixAvailableSince?: string
}

interface Asked {
  readonly action: string
}

interface Scans {
  /** DescribeImages has this result of a scan for an image from now on. */
  scan(image: string, elements: ScanElements): void
  /** Puts the results into an answer. */
  complete(question: Asked, body: string): string
  /** Whether an element holds something that EC2 would never answer, so that the answer can't be checked. */
  areMalformed(): boolean
}

/** Creates the results of scans of one account. */
export function createScans(): Scans {
  const scans = new Map<string, ScanElements>()

  function describe(item: string): string {
    const [, id = ''] = /<imageId>(ami-[0-9a-f]+)</.exec(item) ?? []
    const scan = scans.get(id)
    if (!scan) return item
    const elements = Object.entries(scan).map(([name, value]) => `<${name}>${value}</${name}>`)
    return item.replace(/<\/item>$/, `<scanResults>${elements.join('')}</scanResults></item>`)
  }

  return {
    scan: (image, elements) => void scans.set(image, elements),
    complete: ({ action }, body) => (action === 'DescribeImages' && scans.size > 0 ? mapItems(body, describe) : body),
    areMalformed: () => [...scans.values()].some(scan => Object.entries(scan).some(isMalformed)),
  }
}

function isMalformed([name, value]: readonly [string, string]): boolean {
  return name !== 'highestFindingSeverityLabel' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)
}
