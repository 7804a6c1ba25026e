/**
 * moto 5.2.1 is kinder than EC2. What the proxy makes up for, as EC2's API reference has it:
 * - images are available and instances terminated at once: `slowImages`, `slowTermination`;
 * - a pending image names its snapshots: they are hidden until it is available;
 * - RunInstances and CopyImage ignore their ClientToken: a second request with it gets the first one's answer;
 * - CreateImage takes an instance that is terminated: refused with IncorrectState;
 * - DeleteSecurityGroup takes a group whose instances still end: refused with DependencyViolation;
 * - DeleteKeyPair by id says yes and deletes nothing (EC2's reference: "You can use either KeyName or KeyPairId"): the id becomes the name;
 * - the root device of an image of CreateImage has the type `standard`, which EC2 does not know: it is `ebs`;
 * - GetConsoleOutput tells the same of every instance: a sample of 2006; it is left out, since no instance has printed anything;
 * - CopyImage tells no source, neither on the image nor on its snapshot, and there is no filter source-image-id;
 * - what `copies.ts` lists about copies of images, and `image-use.ts` about their use;
 * - what `parameters.ts` lists about SSM;
 * - no image was ever scanned: `scan`, as `scans.ts` has it;
 * - everything is consistent at once: `lateness`, as `consistency.ts` has it;
 * - answers have one page: `pages`.
 *
 * What it does not make up for:
 * - DeregisterImage ignores DeleteAssociatedSnapshots, and DeleteSnapshot takes a snapshot whose image is still there;
 * - two images may have one name, unless one is a copy.
 */
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConsistency, IS_LATE_RUN, LATE, type Lateness } from './consistency.ts'
import { completeImages, type ImageFacts } from './copies.ts'
import { type Ec2Server, speakTo } from './ec2.ts'
import { type ImageUse, knowUseOfImages } from './image-use.ts'
import { createModelCheck } from './model-check.ts'
import { createPages } from './pages.ts'
import { completeParameters, type ParameterFacts, refuse } from './parameters.ts'
import { createScans, type ScanElements } from './scans.ts'
import { errorDocument, mapItems } from './xml.ts'

/** What goes wrong with requests of one action, before or instead of EC2's answer. */
export interface Fault {
  /** The EC2 action, like `DescribeImages`; `*` for all. */
  readonly action: string
  /** Only requests to this region count. */
  readonly region?: string
  /** Only requests with such a parameter count, written like `ResourceId.1=ami-0`. */
  readonly about?: RegExp
  /** How many requests of it pass unharmed first. */
  readonly after?: number
  /** How many requests are hit; all, when it is absent. */
  readonly times?: number
  /** The request does not reach EC2 and is answered with this error code. */
  readonly error?: string
  /** The request reaches EC2 this many milliseconds late, even when nobody waits for the answer any more. */
  readonly delay?: number
  /** The request does not reach EC2 and is never answered. */
  readonly hang?: true
  /** The request reaches EC2, and the connection breaks before the answer. */
  readonly lost?: true
  /** The request reaches EC2, and the answer never comes. */
  readonly silent?: true
  /** The request does not reach EC2 and is answered with this, under status 200 unless another is given. */
  readonly answer?: string
  readonly status?: number
  /** The answer is none that EC2 would give, on purpose: it is not checked against EC2's model. */
  readonly isMalformed?: true
}

export interface Request {
  readonly action: string
  readonly parameters: URLSearchParams
  readonly region: string
  /** What it was signed for: `ec2`, or `iam`. */
  readonly service: string
  /** The user agent that sent it. */
  readonly agent: string
}

/** EC2 behind a proxy that records every request and lets some go wrong. */
export interface FaultyEc2 extends Pick<Ec2Server, 'endpoint' | 'environment' | 'client' | 'inventory' | 'makeImage'> {
  /** Every request so far, in the order of arrival, save what goes through `client`, `inventory` and `makeImage`. */
  readonly requests: Request[]
  /** Waits until an action has been asked for so many times. */
  asked(action: string, times?: number): Promise<void>
  /** Lets requests go wrong from now on. */
  fail(...faults: readonly Fault[]): void
  /** Lets no request go wrong any more. */
  mend(): void
  /** DescribeImages has this result of Amazon Inspector for an image from now on. */
  scan(image: string, elements: ScanElements): void
  /** Images stay pending for so many milliseconds after they were asked for. */
  slowImages(milliseconds: number): void
  /** The same for copies of images. */
  slowCopies(milliseconds: number): void
  /** Instances stay shutting-down for so many milliseconds after they were told to end. */
  slowTermination(milliseconds: number): void
  /** EC2 knows late of what was done, from now on. */
  lateness(lateness: Lateness): void
  /** Answers have so few things on a page from now on, for who asks for pages, and none on the first. */
  pages(size: number): void
  /** EC2 is neither late nor slow from now on, not even in a run in which it is: for what counts requests or milliseconds. */
  prompt(): void
  readonly images: ImageFacts
  readonly parameters: ParameterFacts
  readonly use: ImageUse
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** The access key of somebody else, whose account is none of the tests'. */
export const STRANGER = { AWS_ACCESS_KEY_ID: 'stranger', AWS_SECRET_ACCESS_KEY: 'strange' }
const STRANGERS_ACCOUNT = '210987654321'

/** What takes how long at the least in a run with a late and slow EC2, in milliseconds. */
const SLOW = { CreateImage: 1_500, CopyImage: 1_500, TerminateInstances: 1_000 }

/** What the tests ask through, unrecorded and unharmed. */
const BACK_DOOR = '/back-door'

/**
 * Puts the proxy before EC2.
 *
 * @param account Whose requests they are, so that scenarios side by side don't meet; by default moto's own account.
 */
export async function startProxy(ec2: Pick<Ec2Server, 'moto'>, account?: string): Promise<FaultyEc2> {
  const requests: Request[] = []
  const counts = new Map<Fault, number>()
  const scans = createScans()
  const slowness = createSlowness()
  const model = createModelCheck()
  const copies = createCopies()
  const images = completeImages()
  const use = knowUseOfImages()
  const upstream = { endpoint: ec2.moto, account }
  const parameters = completeParameters(async request => {
    const answer = await forward(upstream, request)
    if (request.json !== undefined && answer.status === 200) model.motosAnswer(request, answer.body)
    return answer
  })
  const deleteById = createDeletion(upstream)
  const guard = createGuard(upstream, slowness)
  const consistency = createConsistency()
  const pages = createPages()
  if (IS_LATE_RUN) {
    consistency.late(LATE)
    slowness.atLeast(SLOW)
  }

  async function play(asked: Received): Promise<Answer> {
    const send = (request: Received) =>
      images.send(copies.translate(request), async translated => {
        const answer = await deleteById(translated)
        if (answer.status === 200) model.motosAnswer(translated, answer.body)
        return answer
      })
    const { status, body } = await guard(asked, () => use.answer(asked, send))
    const completed = mapItems(copies.complete(asked, correct(asked, body)), item =>
      use.describe(asked, images.describe(asked, item)),
    )
    return { status, body: slowness.apply(asked, completed) }
  }

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const asked = await receive(request)
    const isRecorded = !request.url?.startsWith(BACK_DOOR)
    if (isRecorded) requests.push(asked)
    const [violation] = model.request(asked)
    if (violation) return void reply(response, asked, refuseAs(asked, 'AwsServiceModelViolated', violation))
    const fault = isRecorded ? findFault(counts, asked) : undefined
    if (fault?.hang) return
    if (fault?.delay) await sleep(fault.delay)
    if (fault?.error) {
      const refusal = refuseAs(asked, fault.error)
      return void reply(response, asked, { ...refusal, status: fault.status ?? refusal.status })
    }
    if (fault?.answer !== undefined) {
      if (!fault.isMalformed && !fault.status) model.answer(asked, fault.answer)
      return void response.writeHead(fault.status ?? 200).end(fault.answer)
    }
    const { status, body: unscanned } = await playFor(asked, isRecorded)
    const body = scans.complete(asked, unscanned)
    if (fault?.lost) return void request.socket.destroy()
    if (fault?.silent) return
    if (status === 200) model.answer(asked, scans.areMalformed() ? unscanned : body)
    reply(response, asked, { status, body })
  }

  async function playFor(asked: Received, isRecorded: boolean): Promise<Answer> {
    if (asked.json !== undefined) return await parameters.answer(asked)
    return isRecorded ? await pages.answer(asked, request => consistency.answer(request, play)) : await play(asked)
  }

  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy())
  })
  // A connection that is closed for idleness just as it is used again would be a fault that nobody asked for.
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  async function asked(action: string, times = 1): Promise<void> {
    while (requests.filter(request => request.action === action).length < times) await sleep(5)
  }
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    model.finish()
  }
  return {
    ...speakTo(`${endpoint}${BACK_DOOR}`),
    endpoint,
    environment: speakTo(endpoint).environment,
    requests,
    asked,
    fail: (...faults) => {
      for (const fault of faults) counts.set(fault, 0)
    },
    mend: () => counts.clear(),
    scan: scans.scan,
    slowImages: milliseconds => slowness.slow('CreateImage', milliseconds),
    slowCopies: milliseconds => slowness.slow('CopyImage', milliseconds),
    slowTermination: milliseconds => slowness.slow('TerminateInstances', milliseconds),
    lateness: consistency.late,
    pages: pages.shorten,
    prompt: () => {
      consistency.late({})
      slowness.atLeast({})
    },
    images: images.facts,
    parameters: parameters.facts,
    use: use.facts,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A request as it came in, with what it takes to send it on. */
export interface Received extends Request {
  readonly accessKey: string
  readonly headers: Readonly<Record<string, string>>
  /** The body of a request to a service whose protocol is JSON. */
  readonly json: string | undefined
  /** Whose account it is about, when that is not the sender's. */
  readonly owner?: string
}

/** Leaves out moto's sample of a console output. */
function correct({ action }: Request, body: string): string {
  return action === 'GetConsoleOutput' ? body.replace(/<output>[^<]*<\/output>/, '') : body
}

async function receive(request: http.IncomingMessage): Promise<Received> {
  const body = await text(request)
  const { authorization = '', 'x-amz-date': date, 'user-agent': agent = '', 'x-amz-target': target } = request.headers
  // Credential=<access key>/<day>/<region>/<service>/aws4_request
  const [, accessKey = '', region = '', service = ''] =
    /Credential=([^/]*)\/[^/]*\/([^/]*)\/([^/]*)/.exec(authorization) ?? []
  const headers = { authorization, 'x-amz-date': String(date) }
  const common = { region, service, agent, accessKey, headers }
  if (!target) {
    const parameters = new URLSearchParams(body)
    return { ...common, action: parameters.get('Action') ?? '', parameters, json: undefined }
  }
  const values = Object.entries(JSON.parse(body)).map(([name, value]): [string, string] => [name, String(value)])
  const parameters = new URLSearchParams(values)
  return { ...common, action: String(target).replace(/^.*\./, ''), parameters, json: body }
}

function reply(response: http.ServerResponse, { json }: Received, { status, body }: Answer): void {
  const type = json === undefined ? 'text/xml' : 'application/x-amz-json-1.1'
  response.writeHead(status, { 'content-type': type }).end(body)
}

function refuseAs({ json }: Received, code: string, message?: string): Answer {
  return json === undefined ? { status: 400, body: errorDocument(code, message) } : refuse(code, message)
}

function findFault(counts: Map<Fault, number>, { action, region, parameters }: Request): Fault | undefined {
  for (const [fault, count] of counts) {
    if (fault.region !== undefined && fault.region !== region) continue
    if (fault.about && ![...parameters].some(([name, value]) => fault.about?.test(`${name}=${value}`))) continue
    if (fault.action !== action && fault.action !== '*') continue
    counts.set(fault, count + 1)
    const { after = 0, times = Number.POSITIVE_INFINITY } = fault
    if (count >= after && count < after + times) return fault
  }
  return undefined
}

interface Upstream {
  readonly endpoint: string
  readonly account: string | undefined
}

export interface Answer {
  readonly status: number
  readonly body: string
}

async function forward({ endpoint, account }: Upstream, request: Received): Promise<Answer> {
  const { action, accessKey, headers, parameters, json, owner } = request
  const caller = owner ?? (accessKey === STRANGER.AWS_ACCESS_KEY_ID ? STRANGERS_ACCOUNT : account)
  const protocol =
    json === undefined
      ? { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
      : { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AmazonSSM.${action}` }
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { ...headers, ...protocol, ...(caller && { 'x-moto-account-id': caller }) },
    body: json ?? parameters.toString(),
  })
  const body = await response.text()
  // moto tells what is absent as null, AWS does not.
  const told = json === undefined ? body : body.replaceAll(/"\w+": ?null,? ?/g, '').replace(/, ?}/g, '}')
  return { status: response.status, body: told.replaceAll('<rootDeviceType>standard<', '<rootDeviceType>ebs<') }
}

/** Sends a request on unless EC2 would refuse it, or has answered it before. */
type Guard = (request: Received, send: () => Promise<Answer>) => Promise<Answer>

function createGuard(upstream: Upstream, { isBusy }: Slowness): Guard {
  const answers = new Map<string, { readonly parameters: string; readonly answer: Promise<Answer> }>()

  async function instances(request: Received, filter: readonly [string, string]): Promise<readonly Instance[]> {
    const [name, value] = filter
    const question = { Action: 'DescribeInstances', Version: '2016-11-15', 'Filter.1.Name': name }
    const parameters = new URLSearchParams({ ...question, 'Filter.1.Value.1': value })
    const { body } = await forward(upstream, { ...request, parameters })
    return [...body.matchAll(/<instanceId>(i-[0-9a-f]+)<.*?<instanceState>.*?<name>([a-z-]+)</gs)].map(
      ([, id = '', state = '']) => ({ id, isUp: state !== 'terminated' && state !== 'shutting-down' }),
    )
  }

  async function refusal(request: Received): Promise<string | undefined> {
    const { action, parameters } = request
    if (action === 'CreateImage') {
      const found = await instances(request, ['instance-id', parameters.get('InstanceId') ?? ''])
      return found.some(({ isUp }) => !isUp) ? 'IncorrectState' : undefined
    }
    if (action !== 'DeleteSecurityGroup') return undefined
    const users = await instances(request, ['instance.group-id', parameters.get('GroupId') ?? ''])
    return users.some(({ id, isUp }) => isUp || isBusy(id)) ? 'DependencyViolation' : undefined
  }

  return async (request, send) => {
    const code = await refusal(request)
    if (code) return { status: 400, body: errorDocument(code) }
    const token = `${request.action} ${request.parameters.get('ClientToken') ?? ''}`
    if (token.endsWith(' ')) return await send()
    const parameters = String(request.parameters)
    const known = answers.get(token) ?? { parameters, answer: send() }
    if (known.parameters !== parameters) return { status: 400, body: errorDocument('IdempotentParameterMismatch') }
    answers.set(token, known)
    // A token is spent by a request that succeeds only.
    if ((await known.answer).status !== 200) answers.delete(token)
    return await known.answer
  }
}

interface Instance {
  readonly id: string
  readonly isUp: boolean
}

/** moto deletes a key pair by its name only. What changes key pairs waits meanwhile, so that the name is still that of the id. */
function createDeletion(upstream: Upstream): (request: Received) => Promise<Answer> {
  let last: Promise<unknown> = Promise.resolve()

  async function name(request: Received): Promise<Received> {
    const id = request.parameters.get('KeyPairId')
    if (request.action !== 'DeleteKeyPair' || !id) return request
    const filter = { 'Filter.1.Name': 'key-pair-id', 'Filter.1.Value.1': id }
    const parameters = new URLSearchParams({ Action: 'DescribeKeyPairs', Version: '2016-11-15', ...filter })
    const { body } = await forward(upstream, { ...request, parameters })
    const [, KeyName] = /<keyName>([^<]*)</.exec(body) ?? []
    const named = KeyName ? { KeyName } : { KeyPairId: id }
    return { ...request, parameters: new URLSearchParams({ Action: 'DeleteKeyPair', Version: '2016-11-15', ...named }) }
  }

  return async request => {
    if (!/^(Create|Delete)KeyPair$/.test(request.action)) return await forward(upstream, request)
    const turn = last.then(async () => await forward(upstream, await name(request)))
    last = turn.catch(() => {})
    return await turn
  }
}

interface Slowness {
  /** What an action begins takes so long from now on. */
  slow(action: string, milliseconds: number): void
  /** What these actions begin takes so long at the least. */
  atLeast(milliseconds: Readonly<Record<string, number>>): void
  /** Whether an instance was told to end, or an image to be, and has not done so yet. */
  isBusy(id: string): boolean
  apply(request: Request, body: string): string
}

/** moto's images are available and its instances terminated at once; EC2's take their time. */
function createSlowness(): Slowness {
  const delays = new Map<string, number>()
  let least: Readonly<Record<string, number>> = {}
  const busyUntil = new Map<string, number>()
  const isBusy = (id = '') => (busyUntil.get(id) ?? 0) > Date.now()

  function apply({ action, parameters }: Request, body: string): string {
    const delay = Math.max(delays.get(action) ?? 0, least[action] ?? 0)
    for (const id of delay > 0 ? (body.match(/\b(ami|i)-[0-9a-f]{8,17}\b/g) ?? []) : []) {
      if (!busyUntil.has(id)) busyUntil.set(id, Date.now() + delay)
    }
    const wantsAvailable = [...parameters.values()].includes('available')
    return mapItems(body, item => {
      if (isBusy(/<instanceId>(i-[0-9a-f]+)</.exec(item)?.[1])) return makeEnding(item)
      if (action !== 'DescribeImages' || !isBusy(/<imageId>(ami-[0-9a-f]+)</.exec(item)?.[1])) return item
      return wantsAvailable ? '' : makePending(item)
    })
  }

  return {
    slow: (action, milliseconds) => void delays.set(action, milliseconds),
    atLeast: milliseconds => {
      least = milliseconds
    },
    isBusy,
    apply,
  }
}

function makePending(item: string): string {
  return item
    .replace('<imageState>available<', '<imageState>pending<')
    .replaceAll(/<snapshotId>[^<]*<\/snapshotId>/g, '')
}

function makeEnding(item: string): string {
  return item
    .replaceAll('<code>48</code>', '<code>32</code>')
    .replaceAll('<name>terminated</name>', '<name>shutting-down</name>')
}

interface Copies {
  /** Says in moto's words what it has no words for. */
  translate(request: Received): Received
  /** Puts in what moto's answer lacks. */
  complete(request: Request, body: string): string
}

/** moto's copies of images don't know what they are copied from. */
function createCopies(): Copies {
  const sources = new Map<string, { readonly image: string; readonly region: string }>()

  function translate(request: Received): Received {
    const parameters = new URLSearchParams(request.parameters)
    for (const [key, value] of request.parameters) {
      if (value === 'source-image-id') askForCopies(parameters, key.replace(/\.Name$/, ''))
      const [, id] = /^Copied for DestinationAmi (ami-[0-9a-f]+) /.exec(value) ?? []
      if (id) parameters.set(key, `Auto-created snapshot for AMI ${id}`)
    }
    return { ...request, parameters }
  }

  /** Instead of "those copied from these" it asks for the copies by their ids: moto finds those that are in the region. */
  function askForCopies(parameters: URLSearchParams, filter: string): void {
    const values = [...parameters].filter(([key]) => key.startsWith(`${filter}.Value.`))
    const copies = [...sources].filter(([, { image }]) => values.some(([, value]) => value === image))
    for (const [key] of values) parameters.delete(key)
    parameters.set(`${filter}.Name`, 'image-id')
    for (const [index, id] of ['none', ...copies.map(([id]) => id)].entries()) {
      parameters.set(`${filter}.Value.${index + 1}`, id)
    }
  }

  function complete({ action, parameters }: Request, body: string): string {
    const [, copy] = /<imageId>(ami-[0-9a-f]+)</.exec(body) ?? []
    if (action === 'CopyImage' && copy) {
      sources.set(copy, {
        image: parameters.get('SourceImageId') ?? '',
        region: parameters.get('SourceRegion') ?? '',
      })
    }
    if (action === 'DescribeImages') return mapItems(body, completeImage)
    if (action !== 'DescribeSnapshots') return body
    return body.replaceAll(/>Auto-created snapshot for AMI (ami-[0-9a-f]+)</g, (description, id: string) => {
      const source = sources.get(id)?.image
      return source
        ? `>Copied for DestinationAmi ${id} from SourceAmi ${source} for SourceSnapshot snap-0.<`
        : description
    })
  }

  function completeImage(item: string): string {
    const [, id = ''] = /<imageId>(ami-[0-9a-f]+)</.exec(item) ?? []
    const source = sources.get(id)
    if (!source) return item
    const told = `<sourceImageId>${source.image}</sourceImageId><sourceImageRegion>${source.region}</sourceImageRegion>`
    return item.replace(/<\/item>$/, `${told}</item>`)
  }

  return { translate, complete }
}
