import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { hasTools, toolPath } from './tools.ts'
import { parseXml, type XmlElement } from './xml.ts'

/** AWS's own model of a service, as botocore ships it: the shapes of requests and answers. */
interface Model {
  readonly operations: Readonly<Record<string, Operation>>
  readonly shapes: Readonly<Record<string, Shape>>
}

interface Operation {
  readonly input?: { readonly shape: string }
  readonly output?: { readonly shape: string }
}

interface Shape {
  readonly type: string
  readonly members?: Readonly<Record<string, Member>>
  readonly member?: Member
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly pattern?: string
}

interface Member {
  readonly shape: string
  readonly locationName?: string
  readonly queryName?: string
}

export type Service = 'ec2' | 'sts'

const models = new Map<Service, Model>()

function modelOf(service: Service): Model {
  const known = models.get(service)
  if (known) return known
  const file = path.join(toolPath('service_models'), `${service}.json.gz`)
  const model: Model = JSON.parse(gunzipSync(fs.readFileSync(file)).toString())
  models.set(service, model)
  return model
}

/** Whether the models are on this machine; in CI they must be. */
export const canCheck = hasTools('service_models')

/**
 * Checks a request of the query protocol against the model: unknown and missing parameters, types, lengths, patterns and
 * enumerations (AWS: "Query requests for Amazon EC2"; lists are written `Name.1`, `Name.2`, …).
 *
 * @returns What is wrong, one sentence each.
 */
export function checkRequest(service: Service, action: string, parameters: URLSearchParams): string[] {
  const model = modelOf(service)
  const operation = model.operations[action]
  if (!operation) return [`${service} has no action ${action}.`]
  const root: Branch = new Map()
  for (const [name, value] of parameters) {
    if (name !== 'Action' && name !== 'Version') insert(root, name.split('.'), value)
  }
  if (!operation.input) return [...root.keys()].map(name => `${action} takes no parameter ${name}.`)
  return checkParameter({ model, service }, operation.input, root, action)
}

type Branch = Map<string, Branch | string>

function insert(branch: Branch, [first = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    branch.set(first, value)
    return
  }
  const known = branch.get(first)
  const below: Branch = known instanceof Map ? known : new Map()
  branch.set(first, below)
  insert(below, rest, value)
}

interface Context {
  readonly model: Model
  readonly service: Service
}

function checkParameter(
  context: Context,
  { shape: name }: { shape: string },
  value: Branch | string,
  at: string,
): string[] {
  const shape = context.model.shapes[name]
  if (!shape) return [`${at} has an unknown shape.`]
  if (shape.type === 'structure') return checkStructure(context, shape, value, at)
  if (shape.type === 'list') return checkList(context, shape, value, at)
  return typeof value === 'string' ? checkScalar(shape, value, at) : [`${at} has parts, but is a ${shape.type}.`]
}

function checkStructure(context: Context, shape: Shape, value: Branch | string, at: string): string[] {
  if (typeof value === 'string') return [`${at} has the value ${JSON.stringify(value)}, but is a structure.`]
  const members = new Map(
    Object.entries(shape.members ?? {}).map(([name, member]) => [queryName(name, member), { name, member }]),
  )
  const unknown = [...value.keys()].filter(name => !members.has(name)).map(name => `${at} has no parameter ${name}.`)
  const present = [...members].flatMap(([name, known]) => {
    const part = value.get(name)
    if (part === undefined) return shape.required?.includes(known.name) ? [`${at} lacks the parameter ${name}.`] : []
    return checkParameter(context, known.member, part, `${at}.${name}`)
  })
  return [...unknown, ...present]
}

function queryName(name: string, { queryName, locationName }: Member): string {
  const plain = queryName ?? locationName ?? name
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

function checkList(context: Context, shape: Shape, value: Branch | string, at: string): string[] {
  if (typeof value === 'string' || !shape.member) return [`${at} is a list: write ${at}.1.`]
  const { member, min = 0, max = Number.POSITIVE_INFINITY } = shape
  const length =
    value.size >= min && value.size <= max ? [] : [`${at} has ${value.size} entries, not ${min} to ${max}.`]
  const entries = [...value].flatMap(([index, entry]) => {
    if (!/^[1-9]\d*$/.test(index)) return [`${at} is a list, whose entries have numbers, not ${index}.`]
    return checkParameter(context, member, entry, `${at}.${index}`)
  })
  return [...length, ...entries]
}

const TYPES: Readonly<Record<string, RegExp>> = {
  boolean: /^(true|false)$/,
  integer: /^-?\d+$/,
  long: /^-?\d+$/,
  float: /^-?\d+(\.\d+)?$/,
  double: /^-?\d+(\.\d+)?$/,
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
}

function checkScalar(shape: Shape, value: string, at: string): string[] {
  const { type, enum: words, min, max, pattern } = shape
  const shown = JSON.stringify(value)
  if (TYPES[type] && !TYPES[type].test(value)) return [`${at} is ${shown}, which is no ${type}.`]
  if (words && !words.includes(value)) return [`${at} is ${shown}, which is none of ${words.slice(0, 10).join(', ')}.`]
  const size = type === 'integer' || type === 'long' ? Number(value) : value.length
  if ((min !== undefined && size < min) || (max !== undefined && size > max))
    return [`${at} is ${shown}, out of the range ${min ?? 0} to ${max ?? '∞'}.`]
  if (pattern && type === 'string' && !matches(pattern, value))
    return [`${at} is ${shown}, which does not match ${pattern}.`]
  return []
}

/** Patterns are Java's; one that JavaScript can't read is not checked. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'su').test(value)
  } catch {
    return true
  }
}

/**
 * Checks an answer against the model: unknown elements, types and enumerations. An error document is right for every action.
 *
 * @returns What is wrong, one sentence each.
 */
export function checkAnswer(service: Service, action: string, body: string): string[] {
  const root = parseXml(body)
  if (!root) return [`The answer to ${action} is no XML.`]
  if (root.name === 'Response' && root.children.some(({ name }) => name === 'Errors')) return []
  const model = modelOf(service)
  const output = model.operations[action]?.output
  // The query protocol of STS wraps its answer, that of EC2 does not.
  const result = root.children.find(({ name }) => name === `${action}Result`) ?? root
  const children = result.children.filter(({ name }) => name !== 'requestId' && name !== 'RequestId')
  if (!output)
    return children.filter(({ name }) => name !== 'return').map(({ name }) => `${action} answers no ${name}.`)
  return checkElement({ model, service }, output, { ...root, children }, action)
}

function checkElement(context: Context, { shape: name }: { shape: string }, element: XmlElement, at: string): string[] {
  const shape = context.model.shapes[name]
  if (!shape) return [`${at} has an unknown shape.`]
  if (shape.type === 'list') {
    const { member } = shape
    return element.children.flatMap(child =>
      child.name === 'item' && member
        ? checkElement(context, member, child, `${at}.item`)
        : [`${at} is a list of <item>, not of <${child.name}>.`],
    )
  }
  if (shape.type !== 'structure')
    return element.children.length > 0
      ? [`${at} has elements, but is a ${shape.type}.`]
      : checkText(shape, element.text, at)
  const members = new Map(
    Object.entries(shape.members ?? {}).map(([key, member]) => [member.locationName ?? key, member]),
  )
  return element.children.flatMap(child => {
    const member = members.get(child.name)
    return member
      ? checkElement(context, member, child, `${at}.${child.name}`)
      : [`${at} has no element <${child.name}>.`]
  })
}

/** Lengths hold for requests. An empty element is no value. */
function checkText({ type, enum: words }: Shape, text: string, at: string): string[] {
  if (text === '') return []
  return checkScalar({ type, ...(words && { enum: words }) }, text, at)
}
