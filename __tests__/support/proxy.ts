import http from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Ec2Server, speakTo } from './ec2.ts'

/** What goes wrong with requests of one action, before or instead of EC2's answer. */
export interface Fault {
  /** The EC2 action, like `DescribeImages`. */
  readonly action: string
  /** How many requests of it pass unharmed first. */
  readonly after?: number
  /** How many requests are hit; all, when it is absent. */
  readonly times?: number
  /** The request does not reach EC2 and is answered with this error code. */
  readonly error?: string
  /** The request reaches EC2 this many milliseconds late. */
  readonly delay?: number
  /** The request does not reach EC2 and is never answered. */
  readonly hang?: true
  /** The request reaches EC2, and the connection breaks before the answer. */
  readonly lost?: true
  /** The request does not reach EC2 and is answered with this, under status 200 unless another is given. */
  readonly answer?: string
  readonly status?: number
}

export interface Request {
  readonly action: string
  readonly parameters: URLSearchParams
  /** The user agent that sent it. */
  readonly agent: string
}

/** EC2 behind a proxy that records every request and lets some go wrong. */
export interface FaultyEc2 extends Pick<Ec2Server, 'endpoint' | 'environment'> {
  /** Every request so far, in the order of arrival. */
  readonly requests: Request[]
  /** Lets requests go wrong from now on. */
  fail(...faults: readonly Fault[]): void
  /** Images stay pending for so many milliseconds after they were asked for. */
  slowImages(milliseconds: number): void
  /** Instances stay shutting-down for so many milliseconds after they were told to end. */
  slowTermination(milliseconds: number): void
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Puts the proxy before EC2. */
export async function startProxy(ec2: Ec2Server): Promise<FaultyEc2> {
  const requests: Request[] = []
  const counts = new Map<Fault, number>()
  const slowness = createSlowness()

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = await text(request)
    const parameters = new URLSearchParams(body)
    const action = parameters.get('Action') ?? ''
    requests.push({ action, parameters, agent: request.headers['user-agent'] ?? '' })
    const fault = findFault(counts, action)
    if (fault?.hang) return
    if (fault?.delay) await sleep(fault.delay)
    if (fault?.error) return void response.writeHead(fault.status ?? 400).end(errorDocument(fault.error))
    if (fault?.answer !== undefined) return void response.writeHead(fault.status ?? 200).end(fault.answer)
    const forwarded = await forward(ec2.endpoint, request, body)
    if (fault?.lost) return void request.socket.destroy()
    response.writeHead(forwarded.status, { 'content-type': 'text/xml' })
    response.end(slowness.apply(action, parameters, forwarded.body))
  }

  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return {
    ...speakTo(`http://127.0.0.1:${port}`),
    requests,
    fail: (...faults) => {
      for (const fault of faults) counts.set(fault, 0)
    },
    slowImages: slowness.images,
    slowTermination: slowness.termination,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function findFault(counts: Map<Fault, number>, action: string): Fault | undefined {
  for (const [fault, count] of counts) {
    if (fault.action !== action && fault.action !== '*') continue
    counts.set(fault, count + 1)
    const { after = 0, times = Number.POSITIVE_INFINITY } = fault
    if (count >= after && count < after + times) return fault
  }
  return undefined
}

function errorDocument(code: string): string {
  return `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>The proxy says ${code}.</Message></Error></Errors><RequestID>0</RequestID></Response>`
}

async function forward(
  endpoint: string,
  request: http.IncomingMessage,
  body: string,
): Promise<{ status: number; body: string }> {
  const { authorization = '', 'content-type': type = '', 'x-amz-date': date } = request.headers
  const headers = { authorization, 'content-type': type, 'x-amz-date': String(date) }
  const response = await fetch(`${endpoint}${request.url}`, { method: request.method ?? 'POST', headers, body })
  return { status: response.status, body: await response.text() }
}

interface Slowness {
  images(milliseconds: number): void
  termination(milliseconds: number): void
  apply(action: string, parameters: URLSearchParams, body: string): string
}

/** moto's images are available and its instances terminated at once; EC2's take their time. */
function createSlowness(): Slowness {
  const pendingUntil = new Map<string, number>()
  const dyingUntil = new Map<string, number>()
  let imageDelay = 0
  let terminationDelay = 0
  const isStill = (times: Map<string, number>, id: string) => (times.get(id) ?? 0) > Date.now()
  const idsIn = (body: string, prefix: string) => body.match(new RegExp(`${prefix}-[0-9a-f]{8,17}`, 'g')) ?? []

  function apply(action: string, parameters: URLSearchParams, body: string): string {
    if (action === 'CreateImage') for (const id of idsIn(body, 'ami')) pendingUntil.set(id, Date.now() + imageDelay)
    if (action === 'TerminateInstances') {
      for (const id of idsIn(body, 'i')) if (!dyingUntil.has(id)) dyingUntil.set(id, Date.now() + terminationDelay)
    }
    const wantsAvailable = [...parameters.values()].includes('available')
    return mapItems(body, item => {
      const image = /<imageId>(ami-[0-9a-f]+)<\/imageId>\s*<imageLocation>|<imageId>(ami-[0-9a-f]+)<\/imageId>/.exec(
        item,
      )
      const instance = /<instanceId>(i-[0-9a-f]+)<\/instanceId>/.exec(item)?.[1]
      if (action === 'DescribeImages' && isStill(pendingUntil, image?.[1] ?? image?.[2] ?? '')) {
        return wantsAvailable ? '' : item.replace('<imageState>available<', '<imageState>pending<')
      }
      if (instance && isStill(dyingUntil, instance)) {
        return item
          .replaceAll('<code>48</code>', '<code>32</code>')
          .replaceAll('<name>terminated</name>', '<name>shutting-down</name>')
      }
      return item
    })
  }
  return {
    images: milliseconds => {
      imageDelay = milliseconds
    },
    termination: milliseconds => {
      terminationDelay = milliseconds
    },
    apply,
  }
}

/** Replaces each outermost `<item>` of an answer. */
function mapItems(body: string, replace: (item: string) => string): string {
  let depth = 0
  let start = 0
  let copied = 0
  let result = ''
  for (const match of body.matchAll(/<(\/?)item>/g)) {
    if (match[1] === '' && depth++ === 0) start = match.index
    if (match[1] === '/' && --depth === 0) {
      const end = match.index + match[0].length
      result += body.slice(copied, start) + replace(body.slice(start, end))
      copied = end
    }
  }
  return result + body.slice(copied)
}
