import fs from 'node:fs'
import type { Request } from './proxy.ts'

/** A statement of a policy, as far as the policies of the actions use IAM's language. */
export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/** A request as IAM sees it: its action on one resource, with the values of the condition keys. */
export interface Asked {
  readonly action: string
  readonly resource: string
  readonly keys: ReadonlyMap<string, readonly string[]>
}

export function readPolicy(name: string): readonly Statement[] {
  return JSON.parse(fs.readFileSync(new URL(`../../docs/iam/${name}.json`, import.meta.url), 'utf8')).Statement
}

/** What IAM checks for a request to EC2: one permission for each resource, and CreateTags for the tags that are set at creation. */
export function toAsked({ service, action, parameters }: Request): readonly Asked[] {
  const name = `${service}:${action}`
  if (action === 'CreateTags') {
    const keys = tagKeys(parameters, 'Tag')
    return valuesOf(parameters, /^ResourceId\.\d+$/).map(id => ({ action: name, resource: arnOf(id), keys }))
  }
  const created = [...parameters].filter(([key]) => /^TagSpecification\.\d+\.ResourceType$/.test(key))
  return [
    { action: name, resource: arnOf(parameters.get('ImageId') ?? ''), keys: new Map() },
    ...created.map(([key, type]) => ({
      action: 'ec2:CreateTags',
      resource: `arn:aws:ec2:us-east-1::${type}/*`,
      keys: new Map([
        ...tagKeys(parameters, key.replace('ResourceType', 'Tag')),
        ['ec2:CreateAction', [action]] as const,
      ]),
    })),
  ]
}

function tagKeys(parameters: URLSearchParams, prefix: string): Map<string, readonly string[]> {
  const pattern = new RegExp(`^${prefix.replaceAll('.', '\\.')}\\.\\d+\\.Key$`)
  const tags = [...parameters].flatMap(([name, key]) =>
    pattern.test(name) ? [[key, parameters.get(name.replace(/Key$/, 'Value')) ?? ''] as const] : [],
  )
  return new Map([
    ['aws:TagKeys', tags.map(([key]) => key)],
    ...tags.map(([key, value]): [string, string[]] => [`aws:RequestTag/${key}`, [value]]),
  ])
}

function arnOf(id: string): string {
  const types: readonly (readonly [string, string])[] = [
    ['ami-', 'image'],
    ['snap-', 'snapshot'],
  ]
  const type = types.find(([prefix]) => id.startsWith(prefix))?.[1]
  return type ? `arn:aws:ec2:us-east-1::${type}/${id}` : '*'
}

function valuesOf(parameters: URLSearchParams, pattern: RegExp): readonly string[] {
  return [...parameters].flatMap(([name, value]) => (pattern.test(name) ? [value] : []))
}

/** Whether a statement applies to a request (IAM user guide, "Condition operators" and "Multivalued context keys"). */
export function applies({ Action, Resource, Condition = {} }: Statement, { action, resource, keys }: Asked): boolean {
  if (!list(Action).includes(action)) return false
  if (!list(Resource).some(pattern => wildcard(pattern).test(resource))) return false
  return Object.entries(Condition).every(([operator, tests]) =>
    Object.entries(tests).every(([key, wanted]) => holds(operator, keys.get(key), list(wanted))),
  )
}

function holds(operator: string, values: readonly string[] | undefined, wanted: readonly string[]): boolean {
  if (operator === 'Null') return (values === undefined) === wanted.includes('true')
  const [, quantifier, test = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? []
  const isNegated = /Not/.test(test)
  const matches = (value: string) => wanted.some(one => wildcard(one).test(value)) !== isNegated
  if (quantifier === 'ForAllValues') return (values ?? []).every(matches)
  if (quantifier === 'ForAnyValue') return (values ?? []).some(matches)
  return values === undefined ? isNegated || ifExists !== undefined : values.some(matches)
}

/** Whether a policy allows a request. */
export function allows(policy: readonly Statement[], asked: Asked): boolean {
  const applying = policy.filter(statement => applies(statement, asked))
  return applying.some(({ Effect }) => Effect === 'Allow') && !applying.some(({ Effect }) => Effect === 'Deny')
}

export function list(values: string | readonly string[]): readonly string[] {
  return typeof values === 'string' ? [values] : values
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}
