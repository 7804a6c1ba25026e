/**
 * What moto 5.2.1 does not know about the use of images, as EC2's API reference has it:
 * - DescribeImageReferences: one to ten images, all types or those of a list, versions of launch templates to a depth of 10;
 * - image usage reports: asked for, pending, and finished when the test says so; they expire;
 * - EnableImageDeregistrationProtection and DisableImageDeregistrationProtection; DeregisterImage refuses a protected image;
 * - DescribeImages says when an image was last launched, whether it is protected, and when it was created.
 */
import { errorDocument } from './xml.ts'

/** What the tests make true of the use of images. */
export interface ImageUse {
  /** A resource of the account refers to an image from now on. */
  refer(image: string, reference: Reference): void
  /** No resource refers to the image any more. */
  release(image: string): void
  /** An image was last launched at this time. */
  launch(image: string, time: Date): void
  /** An image was created at this time. */
  backdate(image: string, time: Date): void
  /** Another account uses an image, for reports that are finished from now on. */
  useElsewhere(image: string, account: string): void
  /** All reports that were asked for are finished; with another state they are not. */
  finishReports(state?: 'available' | 'error'): void
  /** Reports are deleted, as 30 days after they were asked for. */
  expireReports(): void
  /** A page of references or of reports has so many items from now on, whatever the request asks for. */
  shortenPages(size: number): void
}

/** A resource that refers to an image. */
export interface Reference {
  readonly arn: string
  readonly type: ReferenceType
  /** For a launch template: in which of its versions, 1 for the newest. */
  readonly depth?: number
}

const TYPES = [
  'ec2:Instance',
  'ec2:LaunchTemplate',
  'ssm:Parameter',
  'imagebuilder:ImageRecipe',
  'imagebuilder:ContainerRecipe',
] as const

type ReferenceType = (typeof TYPES)[number]

interface Asked {
  readonly action: string
  readonly parameters: URLSearchParams
}

interface Answer {
  readonly status: number
  readonly body: string
}

interface UseOfImages {
  readonly facts: ImageUse
  /** Answers a request about the use of images; sends on any other. */
  answer<Request extends Asked>(request: Request, send: (request: Request) => Promise<Answer>): Promise<Answer>
  /** Puts into an image's `<item>` what moto doesn't know. */
  describe(question: Asked, item: string): string
}

/** Answers an action's request. */
type Play = (parameters: URLSearchParams) => Answer

export function knowUseOfImages(): UseOfImages {
  const [launched, created, protections] = [1, 2, 3].map(() => new Map<string, string>())
  const { play: playReferences, ...references } = createReferences()
  const { plays, ...reports } = createReports()
  const protect = (state: (parameters: URLSearchParams) => string): Play => {
    return parameters => {
      protections?.set(parameters.get('ImageId') ?? '', state(parameters))
      return succeed(parameters, '<return>true</return>')
    }
  }
  const actions: Readonly<Record<string, Play>> = {
    DescribeImageReferences: playReferences,
    ...plays,
    EnableImageDeregistrationProtection: protect(parameters =>
      parameters.get('WithCooldown') === 'true' ? 'enabled-with-cooldown' : 'enabled-without-cooldown',
    ),
    DisableImageDeregistrationProtection: protect(() => 'disabled'),
  }
  let pageSize = Number.POSITIVE_INFINITY

  async function answer<Request extends Asked>(
    request: Request,
    send: (request: Request) => Promise<Answer>,
  ): Promise<Answer> {
    const { action, parameters } = request
    const play = actions[action]
    if (play) return paginate(parameters, play(parameters), pageSize)
    const isProtected = protections?.get(parameters.get('ImageId') ?? '')?.startsWith('enabled')
    if (action === 'DeregisterImage' && isProtected) return refuse('OperationNotPermitted')
    return await send(request)
  }

  function describe({ action }: Asked, item: string): string {
    const [, id = ''] = /<imageId>(ami-[0-9a-f]+)</.exec(item) ?? []
    if (action !== 'DescribeImages' || !id) return item
    const [time, date, protection] = [launched, created, protections].map(facts => facts?.get(id))
    const told = [
      time ? `<lastLaunchedTime>${time}</lastLaunchedTime>` : '',
      protection ? `<deregistrationProtection>${protection}</deregistrationProtection>` : '',
    ]
    return item
      .replace(/(?<=<creationDate>)[^<]*/, found => date ?? found)
      .replace(/<\/item>$/, `${told.join('')}</item>`)
  }

  const facts: ImageUse = {
    ...references,
    ...reports,
    launch: (id, time) => void launched?.set(id, time.toISOString()),
    backdate: (id, time) => void created?.set(id, time.toISOString()),
    shortenPages: size => {
      pageSize = size
    },
  }
  return { facts, answer, describe }
}

function createReferences(): Pick<ImageUse, 'refer' | 'release'> & { readonly play: Play } {
  const references = new Map<string, Reference[]>()

  function play(parameters: URLSearchParams): Answer {
    const depths = depthsOf(parameters)
    if (depths.size === 0) return refuse('MissingParameter')
    const items = valuesOf(parameters, 'ImageId').flatMap(id =>
      (references.get(id) ?? [])
        .filter(({ type, depth = 1 }) => depth <= (depths.get(type) ?? 0))
        .map(({ type, arn }) => toXml({ imageId: id, resourceType: type, arn })),
    )
    return succeed(parameters, `<imageReferenceSet>${items.join('')}</imageReferenceSet>`)
  }

  return {
    play,
    refer: (id, reference) => void references.set(id, [...(references.get(id) ?? []), reference]),
    release: id => void references.delete(id),
  }
}

/** To which depth a request asks for each type (EC2 user guide, "How AMI reference checks work"). */
function depthsOf(parameters: URLSearchParams): ReadonlyMap<string, number> {
  const all = parameters.get('IncludeAllResourceTypes') === 'true' ? [...TYPES] : []
  const listed = [...parameters].flatMap(([key, type]) => {
    const [prefix] = /^ResourceType\.\d+(?=\.ResourceType$)/.exec(key) ?? []
    if (!prefix) return []
    const options = [...parameters].filter(([name]) => name.startsWith(`${prefix}.ResourceTypeOption.`))
    const [depthName] = options.find(([, value]) => value === 'version-depth') ?? []
    const depth = parameters.get(`${depthName?.replace(/OptionName$/, '')}OptionValue.1`) ?? DEFAULT_DEPTH
    return [[type, Number(depth)] as const]
  })
  return new Map([...all.map(type => [type, DEFAULT_DEPTH] as const), ...listed])
}

const DEFAULT_DEPTH = 10

interface Report {
  readonly id: string
  readonly image: string
  readonly created: string
  state: 'pending' | 'available' | 'error'
  /** Who used the image when the report was finished. */
  users: readonly string[]
}

type ReportFacts = Pick<ImageUse, 'useElsewhere' | 'finishReports' | 'expireReports'>

function createReports(): ReportFacts & { readonly plays: Readonly<Record<string, Play>> } {
  const users = new Map<string, string[]>()
  const reports: Report[] = []
  const select = (parameters: URLSearchParams) => {
    const [images, ids] = [valuesOf(parameters, 'ImageId'), valuesOf(parameters, 'ReportId')]
    const isOf = (values: readonly string[], value: string) => values.length === 0 || values.includes(value)
    return reports.filter(({ id, image }) => isOf(images, image) && isOf(ids, id))
  }
  const plays: Readonly<Record<string, Play>> = {
    CreateImageUsageReport: parameters => {
      const id = `report-${crypto.randomUUID().replaceAll('-', '').slice(0, 17)}`
      const image = parameters.get('ImageId') ?? ''
      reports.push({ id, image, created: new Date().toISOString(), state: 'pending', users: [] })
      return succeed(parameters, `<reportId>${id}</reportId>`)
    },
    DescribeImageUsageReports: parameters => {
      const items = select(parameters).map(({ id, image, created, state }) =>
        toXml({ imageId: image, reportId: id, state, creationTime: created }),
      )
      return succeed(parameters, `<imageUsageReportSet>${items.join('')}</imageUsageReportSet>`)
    },
    DescribeImageUsageReportEntries: parameters => {
      const finished = select(parameters).filter(({ state }) => state === 'available')
      const items = finished.flatMap(({ id, image, created, users }) =>
        users.map(accountId =>
          toXml({
            ...{ resourceType: 'ec2:Instance', reportId: id, usageCount: '1', accountId, imageId: image },
            reportCreationTime: created,
          }),
        ),
      )
      return succeed(parameters, `<imageUsageReportEntrySet>${items.join('')}</imageUsageReportEntrySet>`)
    },
    DeleteImageUsageReport: parameters => {
      const place = reports.findIndex(({ id }) => id === parameters.get('ReportId'))
      if (place < 0) return refuse('InvalidImageUsageReportId.NotFound')
      reports.splice(place, 1)
      return succeed(parameters, '<return>true</return>')
    },
  }
  return {
    plays,
    useElsewhere: (id, account) => void users.set(id, [...(users.get(id) ?? []), account]),
    finishReports: (state = 'available') => {
      for (const report of reports.filter(({ state }) => state === 'pending')) {
        report.state = state
        report.users = users.get(report.image) ?? []
      }
    },
    expireReports: () => void reports.splice(0),
  }
}

function valuesOf(parameters: URLSearchParams, name: string): string[] {
  return [...parameters].filter(([key]) => key.startsWith(`${name}.`) && /\.\d+$/.test(key)).map(([, value]) => value)
}

function toXml(values: Readonly<Record<string, string>>): string {
  const elements = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`)
  return `<item>${elements.join('')}</item>`
}

function succeed(parameters: URLSearchParams, content: string): Answer {
  const root = `${parameters.get('Action')}Response`
  return { status: 200, body: `<${root}><requestId>0</requestId>${content}</${root}>` }
}

function refuse(code: string): Answer {
  return { status: 400, body: errorDocument(code) }
}

/** Cuts the only list of an answer down to the page that a request asks for. */
function paginate(parameters: URLSearchParams, { status, body }: Answer, size: number): Answer {
  const items = body.match(/<item>.*?<\/item>/gs) ?? []
  if (items.length <= size) return { status, body }
  const start = Number(parameters.get('NextToken')?.replace('from-', '') ?? 0)
  const page = items.slice(start, start + size)
  const token = start + size < items.length ? `<nextToken>from-${start + size}</nextToken>` : ''
  const rest = body.replace(items.join(''), () => page.join(''))
  return { status, body: rest.replace(/<\/\w+Response>$/, root => `${token}${root}`) }
}
