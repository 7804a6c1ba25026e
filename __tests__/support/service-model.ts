/**
 * Holds requests and answers of AWS's services against AWS's own models of them, which are part of botocore
 * (`service-2.json.gz`), in the protocols `ec2` and `query` (form parameters and XML) and `json`.
 */
import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { toolPath } from './tools.ts'
import { readXml, type Value } from './xml-tree.ts'

export type Service = 'ec2' | 'iam' | 'ssm' | 'sts'

/** What a service takes and answers. Each violation is one line: the path to the value, and what is wrong with it. */
export interface ServiceModel {
  /** The violations of a request with these parameters. */
  checkRequest(action: string, parameters: URLSearchParams): string[]
  /** The same for a request whose body is a JSON document. */
  checkJson(action: string, body: string): string[]
  /** The violations of an answer, an XML document. */
  checkAnswer(action: string, body: string): string[]
  /** The same for an answer that is a JSON document. */
  checkJsonAnswer(action: string, body: string): string[]
}

type Type =
  | 'structure'
  | 'list'
  | 'map'
  | 'string'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'boolean'
  | 'timestamp'
  | 'blob'

interface Shape {
  readonly type: Type
  readonly members?: Readonly<Record<string, Member>>
  readonly required?: readonly string[]
  readonly member?: Member
  readonly value?: Member
  readonly flattened?: true
  readonly enum?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly pattern?: string
}

interface Member {
  readonly shape: string
  readonly locationName?: string
  readonly queryName?: string
  readonly documentation?: string
}

interface Model {
  readonly metadata: { readonly apiVersion: string; readonly protocol: 'ec2' | 'query' | 'json' }
  readonly operations: Readonly<Record<string, { readonly input?: Member; readonly output?: Member }>>
  readonly shapes: Readonly<Record<string, Shape>>
}

/** How the values of a structure and of a list are named. */
interface Notation {
  readonly isRequest: boolean
  nameOf(name: string, member: Member): string
  /** The items of a list; `undefined` when the value is no list. */
  items(shape: Shape, value: Value): readonly Value[] | undefined
}

interface Place {
  readonly model: Model
  readonly notation: Notation
  readonly path: string
}

type Check = (place: Place, shape: NamedShape, value: Value) => string[]

interface NamedShape extends Shape {
  readonly name: string
}

/** What the reference says in words only, by shape and member. */
const WORDS: Readonly<Record<string, Partial<Shape>>> = {
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html
  'Tag.Key': { max: 127, pattern: '(?!aws:).*' },
  'Tag.Value': { max: 256 },
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html: 200 values a filter.
  'Filter.Values': { max: 200 },
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
  'CreateImageRequest.Name': { pattern: "[a-zA-Z0-9()\\[\\] ./\\-'@_]*" },
  'CopyImageRequest.Name': { pattern: "[a-zA-Z0-9()\\[\\] ./\\-'@_]*" },
  'RegisterImageRequest.Name': { pattern: "[a-zA-Z0-9()\\[\\] ./\\-'@_]*" },
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateKeyPair.html
  'CreateKeyPairRequest.KeyName': { pattern: '[\\x20-\\x7e]{1,255}' },
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
  'CreateSecurityGroupRequest.GroupName': { pattern: '(?!sg-)[a-zA-Z0-9 ._\\-:/()#,@[\\]+=&;{}!$*]{1,255}' },
  'CreateSecurityGroupRequest.Description': { pattern: '[a-zA-Z0-9 ._\\-:/()#,@[\\]+=&;{}!$*]{1,255}' },
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
  'RunInstancesRequest.ClientToken': { max: 64 },
}

const NOTATIONS = {
  ec2: {
    isRequest: true,
    nameOf: (name, { queryName, locationName }) =>
      queryName ?? locationName?.replace(/^./, first => first.toUpperCase()) ?? name,
    items: (_, value) => numbered(value),
  },
  query: {
    isRequest: true,
    nameOf: (name, { locationName }) => locationName ?? name,
    items: ({ flattened }, value) => {
      if (flattened) return numbered(value)
      return value.text === '' && value.parts.every(([name]) => name === 'member')
        ? numbered(within(value, 'member'))
        : undefined
    },
  },
  json: {
    isRequest: true,
    nameOf: (name, { locationName }) => locationName ?? name,
    items: (_, value) => numbered(value),
  },
  xml: {
    isRequest: false,
    nameOf: (name, { locationName }) => locationName ?? name,
    items: ({ member }, { parts }) => {
      const name = member?.locationName ?? 'member'
      return parts.every(([given]) => given === name) ? parts.map(([, item]) => item) : undefined
    },
  },
} as const satisfies Record<string, Notation>

const models = new Map<Service, ServiceModel>()

/** The model of a service. Reading EC2's takes a good part of a second; it is read once. */
export function readModel(service: Service): ServiceModel {
  const known = models.get(service) ?? createModel(readFile(service))
  models.set(service, known)
  return known
}

function readFile(service: Service): Model {
  const file = path.join(toolPath('service_models'), `${service}.json.gz`)
  return JSON.parse(gunzipSync(fs.readFileSync(file)).toString())
}

function createModel(model: Model): ServiceModel {
  const { apiVersion, protocol } = model.metadata
  function checkInput(action: string, value: Value): string[] {
    const operation = model.operations[action]
    if (!operation) return [`${action}: there is no such action.`]
    return checkMember({ model, notation: NOTATIONS[protocol], path: action }, operation.input, value)
  }

  function checkRequest(action: string, parameters: URLSearchParams): string[] {
    const names = [...parameters.keys()]
    const twice = names.filter((name, index) => names.indexOf(name) !== index)
    const version = parameters.get('Version')
    return [
      ...(version === apiVersion ? [] : [`${action}.Version: ${version} is not ${apiVersion}.`]),
      ...twice.map(name => `${action}.${name}: is there twice.`),
      ...checkInput(action, without(without(fromNames([...parameters]), 'Action'), 'Version')),
    ]
  }

  function checkAnswer(action: string, body: string): string[] {
    const place = { model, notation: NOTATIONS.xml, path: action }
    const root = `${action}Response`
    try {
      const [[name, answer] = ['', NONE], ...more] = readXml(body).parts
      if (name !== root || more.length > 0) return [`${action}: the answer is not one ${root}.`]
      const result = protocol === 'query' ? within(answer, `${action}Result`) : without(answer, 'requestId')
      return checkMember(place, model.operations[action]?.output, result)
    } catch (error) {
      return [`${action}: ${error instanceof Error ? error.message : error}`]
    }
  }

  return {
    checkRequest,
    checkJson: (action, body) => checkInput(action, fromJson(JSON.parse(body))),
    checkAnswer,
    checkJsonAnswer: (action, body) => {
      const place = { model, notation: { ...NOTATIONS.json, isRequest: false }, path: action }
      return checkMember(place, model.operations[action]?.output, fromJson(JSON.parse(body)))
    },
  }
}

const NONE: Value = { text: '', parts: [] }

/** From parameters like `Filter.1.Name`. */
function fromNames(parameters: readonly (readonly [string, string])[]): Value {
  const direct = parameters.filter(([name]) => name === '').map(([, text]) => text)
  const names = new Set(parameters.filter(([name]) => name !== '').map(([name]) => name.replace(/\..*/s, '')))
  const parts = [...names].map(first => {
    const below = parameters.filter(([name]) => name === first || name.startsWith(`${first}.`))
    return [first, fromNames(below.map(([name, text]) => [name.slice(first.length + 1), text]))] as const
  })
  return { text: direct.join(), parts }
}

function fromJson(value: unknown): Value {
  if (Array.isArray(value)) return { text: '', parts: value.map((item, index) => [String(index + 1), fromJson(item)]) }
  if (typeof value !== 'object' || value === null) return { text: String(value), parts: [] }
  return { text: '', parts: Object.entries(value).map(([name, part]) => [name, fromJson(part)]) }
}

function numbered({ text, parts }: Value): readonly Value[] | undefined {
  if (text !== '' || parts.some(([name], index) => name !== String(index + 1))) return undefined
  return parts.map(([, item]) => item)
}

function within({ parts }: Value, name: string): Value {
  return parts.find(([given]) => given === name)?.[1] ?? NONE
}

function without({ text, parts }: Value, name: string): Value {
  return { text, parts: parts.filter(([given]) => given !== name) }
}

function checkMember(place: Place, member: Member | undefined, value: Value, words?: Partial<Shape>): string[] {
  const shape = member && place.model.shapes[member.shape]
  const named: NamedShape = { name: member?.shape ?? '', type: 'structure', ...shape, ...words }
  return [...CHECKS[named.type](place, named, value), ...checkFilterNames(place, member, value)]
}

const CHECKS: Readonly<Record<Type, Check>> = {
  structure: checkStructure,
  list: checkList,
  map: (place, { value: member }, { parts }) =>
    parts.flatMap(([name, part]) => checkMember(at(place, name), member, part)),
  string: textLike(/^/, text => [...text].length),
  integer: textLike(/^-?\d+$/, Number),
  long: textLike(/^-?\d+$/, Number),
  float: textLike(/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i, Number),
  double: textLike(/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i, Number),
  boolean: textLike(/^(true|false)$/),
  timestamp: textLike(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\d+(\.\d+)?)$/),
  blob: textLike(/^[a-z0-9+/]*={0,2}$/i),
}

function at(place: Place, name: string | number): Place {
  return { ...place, path: `${place.path}.${name}` }
}

function checkStructure(
  place: Place,
  { name: shape, members = {}, required = [] }: NamedShape,
  value: Value,
): string[] {
  const { path, notation } = place
  if (value.text.trim() !== '') return [`${path}: ${quote(value.text)} is no structure.`]
  const given = value.parts.map(([name]) => name)
  const known = new Map(
    Object.entries(members).map(([name, member]) => [notation.nameOf(name, member), { name, member }]),
  )
  const missing = [...known].filter(([name, member]) => required.includes(member.name) && !given.includes(name))
  const twice = given.filter((name, index) => given.indexOf(name) !== index)
  return [
    ...value.parts.flatMap(([name, part]) => {
      const { name: own, member } = known.get(name) ?? {}
      if (!member) return [`${path}.${name}: is unknown.`]
      return checkMember(at(place, name), member, part, notation.isRequest ? WORDS[`${shape}.${own}`] : undefined)
    }),
    ...missing.map(([name]) => `${path}.${name}: is missing.`),
    ...twice.map(name => `${path}.${name}: is there twice.`),
    ...(notation.isRequest ? checkExclusion(place, members, given) : []),
  ]
}

/** A parameter whose documentation has it that it can't stand beside ids: `MaxResults` of DescribeInstances. */
function checkExclusion(
  { path }: Place,
  members: Readonly<Record<string, Member>>,
  given: readonly string[],
): string[] {
  const ids = given.find(name => /^\w+Id$/.test(name) && members[`${name}s`])
  const excluded = Object.entries(members).filter(
    ([name, { documentation = '' }]) =>
      given.includes(name) && /cannot specify this .* IDs parameter/.test(documentation),
  )
  return ids ? excluded.map(([name]) => `${path}.${name}: can't stand beside ${ids}.`) : []
}

function checkList(place: Place, shape: NamedShape, value: Value): string[] {
  const items = place.notation.items(shape, value)
  if (!items) return [`${place.path}: is no list.`]
  return [
    ...checkSize(place, shape, items.length),
    ...items.flatMap((item, index) => checkMember(at(place, index + 1), shape.member, item)),
  ]
}

/** The names of a request's filters: the documentation of the parameter lists them. */
function checkFilterNames({ path, notation }: Place, member: Member | undefined, value: Value): string[] {
  if (!notation.isRequest || member?.shape !== 'FilterList') return []
  const listed = [...(member.documentation ?? '').matchAll(/<li> *<p> *<code>([^<]+)<\/code>/g)]
  const known = new Set(listed.map(([, name = '']) => name.replace(/:.*/, '')))
  const names = (numbered(value) ?? []).map(filter => within(filter, 'Name').text)
  const unknown = names.filter(name => known.size > 0 && !known.has(name.replace(/^tag:.+/s, 'tag')))
  return unknown.map(name => `${path}: there is no filter ${quote(name)}.`)
}

function textLike(form: RegExp, sizeOf?: (text: string) => number): Check {
  return (place, shape, { text, parts }) => {
    const { path } = place
    if (parts.length > 0) return [`${path}: is no ${shape.type}.`]
    if (!form.test(text)) return [`${path}: ${quote(text)} is no ${shape.type}.`]
    const { enum: values, pattern } = shape
    return [
      ...(sizeOf ? checkSize(place, shape, sizeOf(text)) : []),
      ...(values?.includes(text) === false
        ? [`${path}: ${quote(text)} is none of ${values.slice(0, 9).join(', ')}.`]
        : []),
      ...(pattern && !matches(text, pattern) ? [`${path}: ${quote(text)} does not match ${pattern}.`] : []),
    ]
  }
}

function checkSize({ path }: Place, { type, min, max }: Shape, size: number): string[] {
  const what = type === 'string' ? 'its length' : type === 'list' ? 'the number of its items' : 'it'
  if (min !== undefined && size < min) return [`${path}: ${what} is ${size}, less than ${min}.`]
  if (max !== undefined && size > max) return [`${path}: ${what} is ${size}, more than ${max}.`]
  return []
}

/** AWS's patterns are those of Java: one that JavaScript doesn't read is ignored. */
function matches(text: string, pattern: string): boolean {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(`^(?:${pattern})$`, `${flags}s`).test(text)
    } catch {
      // It may be read without the flag.
    }
  }
  return true
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
