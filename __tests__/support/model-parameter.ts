import http from 'node:http'
import { text } from 'node:stream/consumers'
import type { GoodImages } from '../../src/ec2/good-images.ts'
import type { Current, Entry, ParameterStore, Version } from '../../src/ec2/parameters/store.ts'
import { type Served, serve } from './serve.ts'

/**
 * When SSM numbers a version, and when it is readable: at once; when its id is validated, in the order of the numbers; or numbered only
 * then, so that the answer to the write tells the number that it would have had. AWS documents that validation comes after the answer,
 * and no more. With the last order two runs that write back the same version can't tell theirs apart: of 100,000 schedules four end on it
 * although a third, later run has written meanwhile.
 */
export const ORDERS = ['at once', 'readable later', 'numbered later'] as const

/** A parameter of SSM in the memory of the test. */
export interface ModelParameter {
  readonly order: (typeof ORDERS)[number]
  readonly versions: Version[]
  /** Written and not validated yet. */
  readonly pending: Entry[]
}

/** The value that a parameter has now. */
export function currentOf({ versions }: ModelParameter): Current | undefined {
  const newest = versions.at(-1)
  return newest && { version: newest.number, value: newest.value, type: 'String', dataType: 'aws:ec2:image' }
}

/** Writes a version, and returns its number; `undefined` when the parameter to create exists already. */
export function put(parameter: ModelParameter, entry: Entry, isNew: boolean): number | undefined {
  const { versions, pending, order } = parameter
  if (isNew && versions.length + pending.length > 0) return undefined
  const number = versions.length + 1 + (order === 'numbered later' ? 0 : pending.length)
  pending.push(entry)
  if (order === 'at once') validate(parameter)
  return number
}

/** Makes the oldest version readable that is not validated yet. */
export function validate({ versions, pending }: ModelParameter): void {
  const entry = pending.shift()
  if (entry) versions.push({ ...entry, number: versions.length + 1 })
}

/** A version in short: the id of the image, and the description. */
export type ShortVersion = readonly [value: string, description: string]

/** A parameter that one run sets, with all that happens meanwhile. Its clock moves only while the run polls. */
export interface Scene {
  readonly store: ParameterStore
  /** The requests of the run. */
  readonly requests: readonly string[]
  /** All readable versions, from the oldest to the newest. */
  versions(): readonly ShortVersion[]
}

/** What others can do with the parameter. */
export interface Others {
  write(...version: ShortVersion): void
  remove(): void
}

type Request = 'read' | 'history' | 'write'

/** What others do right before a request of the run takes effect: before its second read by `read 2`. */
export type Meanwhile = Readonly<Partial<Record<`${Request} ${number}`, (others: Others) => void>>>

/** What is not as usual. */
export interface Circumstances {
  readonly meanwhile?: Meanwhile
  /** How many seconds SSM validates a value. */
  readonly validation?: number
  /** The answer to a write is lost, and the SDK sends the request once more. */
  readonly answersAreLost?: boolean
  readonly type?: Partial<Current>
}

/** Makes a parameter with these versions; without any it does not exist. */
export function makeScene(history: readonly ShortVersion[], circumstances: Circumstances = {}): Scene {
  const { meanwhile = {}, validation = 0, answersAreLost = false, type } = circumstances
  const versions = history.map(([value, description], index): Version => ({ number: index + 1, value, description }))
  const parameter: ModelParameter = { order: validation > 0 ? 'readable later' : 'at once', versions, pending: [] }
  const requests: Request[] = []
  const due: number[] = []
  let now = 0

  function write(entry: Entry, isNew: boolean): number | undefined {
    const number = put(parameter, entry, isNew)
    if (parameter.pending.length > due.length) due.push(now + validation)
    return number
  }

  function tick(): void {
    now++
    for (; due.length > 0 && now >= (due[0] ?? 0); due.shift()) validate(parameter)
  }

  const others: Others = {
    write: (value, description) => void write({ value, description }, false),
    remove: () => void versions.splice(0),
  }

  function receive(request: Request): void {
    requests.push(request)
    meanwhile[`${request} ${requests.filter(one => one === request).length}`]?.(others)
  }

  const store: ParameterStore = {
    name: '/amis/web',
    region: 'us-east-1',
    read: async () => {
      receive('read')
      const current = currentOf(parameter)
      return current && { ...current, ...type }
    },
    history: async () => {
      receive('history')
      return [...versions]
    },
    write: async (entry, over) => {
      receive('write')
      const number = write(entry, over === undefined)
      return answersAreLost ? write(entry, over === undefined) : number
    },
    poll: async (seconds, probe) => {
      for (const end = now + seconds; ; tick()) {
        const answer = await probe()
        if (answer !== undefined || now >= end) return answer
      }
    },
  }
  return { store, requests, versions: () => versions.map(({ value, description }) => [value, description]) }
}

/** All images are good but those of the set. */
export function allGoodBut(bad: ReadonlySet<string>): GoodImages {
  const isGood = (id: string) => !bad.has(id)
  return {
    among: async ids => {
      if (ids.length === 0) throw new Error('A request for no image is a mistake.')
      return new Set(ids.filter(isGood))
    },
    includes: async id => isGood(id),
  }
}

/** Answers requests to SSM over HTTP, for clients of the SDK: there is access to one parameter. Sets the environment for them. */
export async function serveParameter(store: ParameterStore): Promise<Served> {
  const server = http.createServer(async (request, response) => {
    const action = `${request.headers['x-amz-target']}`.replace('AmazonSSM.', '')
    const answer = await answerTo(store, action, JSON.parse(await text(request)))
    response.writeHead('__type' in answer ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer))
  })
  const served = await serve(server)
  const keys = { AWS_ACCESS_KEY_ID: 'model', AWS_SECRET_ACCESS_KEY: 'model' }
  Object.assign(process.env, keys, { AWS_ENDPOINT_URL_SSM: `http://127.0.0.1:${served.port}` })
  return served
}

async function answerTo(store: ParameterStore, action: string, input: Record<string, string>): Promise<object> {
  if (input.Name !== store.name) return { __type: 'AccessDeniedException', message: `No access to ${input.Name}.` }
  if (action === 'GetParameter') {
    const current = await store.read()
    if (!current) return { __type: 'ParameterNotFound', message: `There is no ${input.Name}.` }
    const { version, value, type, dataType } = current
    return { Parameter: { Name: input.Name, Version: version, Value: value, Type: type, DataType: dataType } }
  }
  if (action === 'GetParameterHistory') {
    const toParameter = ({ number, value, description }: Version) => {
      return { Name: input.Name, Version: number, Value: value, Description: description }
    }
    return { Parameters: (await store.history()).map(toParameter) }
  }
  const entry = { value: input.Value ?? '', description: input.Description ?? '' }
  const version = await store.write(entry, input.Overwrite ? { ...entry, number: 0 } : undefined)
  return version ? { Version: version } : { __type: 'ParameterAlreadyExists', message: 'It exists already.' }
}
