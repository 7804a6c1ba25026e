/**
 * What moto 5.2.1 lacks about copies of images and their deprecation, filled in as EC2's API reference has it:
 * - CopyImage ignores TagSpecifications: the image and its snapshots get them before the answer;
 * - CopyImage takes a name that is taken in the region: refused with InvalidAMIName.Duplicate;
 * - copies never fail: `failCopies`; no image is encrypted: `encrypt`;
 * - EnableImageDeprecation and DisableImageDeprecation are unknown: remembered, and told by DescribeImages; a date in the past is
 *   refused;
 * - RunInstances and CopyImage take a ClientToken twice with other parameters: refused in `proxy.ts`.
 */

import { errorDocument } from './xml.ts'

/** What the tests make true of images. */
export interface ImageFacts {
  /** Copies that are asked for in a region from now on fail for this reason; without a reason they don't any more. */
  failCopies(region: string, reason?: string): void
  /** An image's disks are encrypted. */
  encrypt(id: string): void
  /** An image is disabled: DescribeImages has it only if the request includes disabled ones. */
  disable(id: string): void
}

interface Asked {
  readonly action: string
  readonly region: string
  readonly parameters: URLSearchParams
}

interface Answer {
  readonly status: number
  readonly body: string
}

interface CompleteImages {
  readonly facts: ImageFacts
  /** Sends a request on, with what EC2 would do beside. */
  send<Request extends Asked>(request: Request, forward: (request: Request) => Promise<Answer>): Promise<Answer>
  /** Puts into an image's `<item>` what moto doesn't know; an empty text when the image doesn't match the question any more. */
  describe(question: Asked, item: string): string
}

export function completeImages(): CompleteImages {
  const failing = new Map<string, string>()
  const failed = new Map<string, string>()
  const encrypted = new Set<string>()
  const disabled = new Set<string>()
  const deprecated = new Map<string, string>()

  async function send<Request extends Asked>(
    request: Request,
    forward: (request: Request) => Promise<Answer>,
  ): Promise<Answer> {
    const { action, region, parameters } = request
    const ask = (question: Record<string, string>) =>
      forward({ ...request, parameters: new URLSearchParams({ Version: '2016-11-15', ...question }) })
    if (/^(En|Dis)ableImageDeprecation$/.test(action)) {
      const id = parameters.get('ImageId') ?? ''
      const known = await ask({ Action: 'DescribeImages', 'ImageId.1': id })
      if (known.status !== 200) return known
      const time = parameters.get('DeprecateAt')
      if (time !== null && roundToMinute(time) < Date.now())
        return { status: 400, body: errorDocument('InvalidParameter') }
      if (time === null) deprecated.delete(id)
      else deprecated.set(id, new Date(roundToMinute(time)).toISOString())
      return { status: 200, body: `<${action}Response><return>true</return></${action}Response>` }
    }
    if (action !== 'CopyImage') return await forward(request)
    const name = { 'Filter.1.Name': 'name', 'Filter.1.Value.1': parameters.get('Name') ?? '', 'Owner.1': 'self' }
    const namesakes = await ask({ Action: 'DescribeImages', ...name })
    if (namesakes.body.includes('<imageId>')) return { status: 400, body: duplicate }
    const answer = await forward(request)
    const [, id = ''] = /<imageId>(ami-[0-9a-f]+)</.exec(answer.body) ?? []
    if (!id) return answer
    const image = await ask({ Action: 'DescribeImages', 'ImageId.1': id })
    const [, snapshot = ''] = /<snapshotId>(snap-[0-9a-f]+)</.exec(image.body) ?? []
    for (const [type, resource] of [
      ['image', id],
      ['snapshot', snapshot],
    ] as const) {
      const tags = tagsFor(parameters, type)
      if (Object.keys(tags).length > 0) await ask({ Action: 'CreateTags', 'ResourceId.1': resource, ...tags })
    }
    const reason = failing.get(region)
    if (reason) failed.set(id, reason)
    return answer
  }

  function describe({ action, parameters }: Asked, item: string): string {
    const [, id = ''] = /<imageId>(ami-[0-9a-f]+)</.exec(item) ?? []
    if (action !== 'DescribeImages' || !id) return item
    const [reason, time] = [failed.get(id), deprecated.get(id)]
    const isDisabled = disabled.has(id)
    if ((reason || isDisabled) && [...parameters.values()].includes('available')) return ''
    if (isDisabled && parameters.get('IncludeDisabled') !== 'true') return ''
    const told = [
      reason ? `<stateReason><code>Client.InternalError</code><message>${reason}</message></stateReason>` : '',
      time ? `<deprecationTime>${time}</deprecationTime>` : '',
    ]
    return item
      .replace('<imageState>available<', reason ? '<imageState>failed<' : isDisabled ? '<imageState>disabled<' : '$&')
      .replaceAll('</ebs>', encrypted.has(id) ? '<encrypted>true</encrypted></ebs>' : '$&')
      .replace(/<\/item>$/, `${told.join('')}</item>`)
  }

  const facts: ImageFacts = {
    failCopies: (region, reason) => void (reason ? failing.set(region, reason) : failing.delete(region)),
    encrypt: id => void encrypted.add(id),
    disable: id => void disabled.add(id),
  }
  return { facts, send, describe }
}

/** A time in milliseconds since 1970: EC2 "rounds the seconds to the nearest minute". */
function roundToMinute(time: string): number {
  return Math.round(Date.parse(time) / 60_000) * 60_000
}

const duplicate =
  '<Response><Errors><Error><Code>InvalidAMIName.Duplicate</Code><Message>AMI name is already in use.</Message></Error></Errors></Response>'

/** The tags that a request specifies for a type of resource, as CreateTags takes them. */
function tagsFor(parameters: URLSearchParams, type: string): Record<string, string> {
  const [key = ''] = [...parameters].find(([, value]) => value === type) ?? []
  const prefix = key.replace(/ResourceType$/, '')
  const tags = [...parameters].filter(([name]) => prefix && name.startsWith(`${prefix}Tag.`))
  return Object.fromEntries(tags.map(([name, value]) => [name.slice(prefix.length), value]))
}
