import fs from 'node:fs'
import path from 'node:path'
import { readModel, type Service, type ServiceModel } from './service-model.ts'
import { hasTools } from './tools.ts'

interface Asked {
  readonly action: string
  readonly parameters: URLSearchParams
  /** The body of a request to SSM. */
  readonly json: string | undefined
}

/** Holds what a proxy is sent and answers against AWS's service models. Without the tool `service_models` nothing is wrong. */
export interface ModelCheck {
  /** The violations of a request, by its parameters. */
  request(asked: Asked): string[]
  /** Remembers how moto's own answers to such a request violate the model: that is not the proxy's doing. */
  motosAnswer(asked: Asked, body: string): void
  /** Checks an answer of the proxy's. */
  answer(asked: Asked, body: string): void
  /**
   * Writes down how much was checked.
   *
   * @throws Error with all violations.
   */
  finish(): void
}

/** Every request has the version of its service's API, also one that is not signed. */
const SERVICES: Readonly<Record<string, Service>> = { '2016-11-15': 'ec2', '2011-06-15': 'sts', '2010-05-08': 'iam' }

const motosOwn = new Set<string>()

/** Makes the check of one proxy. */
export function createModelCheck(): ModelCheck {
  const violations: string[] = []
  const checked: string[] = []
  const isPossible = hasTools('service_models')

  function check({ action, parameters, json }: Asked, find: (model: ServiceModel) => string[]): string[] {
    if (!isPossible) return []
    const version = parameters.get('Version') ?? ''
    const service = json === undefined ? SERVICES[version] : 'ssm'
    return service ? find(readModel(service)) : [`${action}.Version: ${version} is that of no known service.`]
  }

  function checkAnswer(asked: Asked, body: string): string[] {
    const { action, json } = asked
    const found = check(asked, model =>
      json === undefined ? model.checkAnswer(action, body) : model.checkJsonAnswer(action, body),
    )
    // Which of a list's items it is makes no difference.
    return found.map(violation => violation.replaceAll(/\.\d+/g, ''))
  }

  function request(asked: Asked): string[] {
    const { action, parameters, json } = asked
    checked.push(`request ${action}`)
    const found = check(asked, model =>
      json === undefined ? model.checkRequest(action, parameters) : model.checkJson(action, json),
    )
    violations.push(...found.map(violation => `request ${violation}`))
    return found
  }

  function motosAnswer(asked: Asked, body: string): void {
    for (const violation of checkAnswer(asked, body)) motosOwn.add(violation)
  }

  function answer(asked: Asked, body: string): void {
    checked.push(`answer ${asked.action}`)
    const found = checkAnswer(asked, body).filter(violation => !motosOwn.has(violation))
    violations.push(...found.map(violation => `answer ${violation}`))
  }

  function finish(): void {
    if (isPossible) note(checked.splice(0))
    const all = [...new Set(violations.splice(0))]
    if (all.length > 0) throw new Error(`Against AWS's service models:\n  ${all.join('\n  ')}`)
  }

  return { request, motosAnswer, answer, finish }
}

const NOTES = 'checked'

/** The tests of a run are in several processes, which all write to one file. */
function note(lines: readonly string[]): void {
  const { RUN_DIRECTORY } = process.env
  if (RUN_DIRECTORY) fs.appendFileSync(path.join(RUN_DIRECTORY, NOTES), lines.map(line => `${line}\n`).join(''))
}

/** One line on all that was checked in a run. */
export function describeChecked(runDirectory: string): string {
  const file = path.join(runDirectory, NOTES)
  const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : []
  const [requests, answers] = ['request', 'answer'].map(kind => {
    const those = lines.filter(line => line.startsWith(`${kind} `))
    return `${those.length} ${kind}s of ${new Set(those).size} actions`
  })
  return `Held against AWS's service models: ${requests}, ${answers}.`
}
