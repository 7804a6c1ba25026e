import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { canCheck, checkAnswer, checkRequest, type Service } from './service-model.ts'

/** A request or the answer to it, as the proxy saw it. */
interface Asked {
  readonly service: string
  readonly action: string
  readonly parameters: URLSearchParams
}

/** Holds all that goes through one proxy to AWS's models of its services. */
export interface ModelCheck {
  /** Checks a request. Answers what is wrong with it. */
  request(asked: Asked): readonly string[]
  /** Checks what the proxy answers itself, or changes in moto's answer. */
  answer(asked: Asked, body: string): void
  /** Adds the counts to those of the run, and throws when anything was wrong. */
  finish(): void
}

/** Elements of moto 5.2.1's own answers that AWS's models don't have, and values that it writes otherwise. */
const MOTO: readonly RegExp[] = [/rootDeviceType is "standard"/]

/** What the counts' files are named by, in the run's directory for temporary files. */
const COUNTS = 'model-check-'

/** Makes a check. Without the models, on a machine that can't get them, it checks nothing. */
export function createModelCheck(): ModelCheck {
  const counts = new Map<string, number>()
  const problems = new Set<string>()
  function request({ service, action, parameters }: Asked): readonly string[] {
    if (!canCheck || !isModelled(service)) return []
    counts.set(action, (counts.get(action) ?? 0) + 1)
    const found = checkRequest(service, action, parameters)
    for (const problem of found) problems.add(problem)
    return found
  }
  function answer({ service, action }: Asked, body: string): void {
    if (!canCheck || !isModelled(service)) return
    const found = checkAnswer(service, action, body).filter(problem => !MOTO.some(known => known.test(problem)))
    for (const problem of found) problems.add(problem)
  }
  function finish(): void {
    if (counts.size > 0)
      fs.writeFileSync(path.join(os.tmpdir(), `${COUNTS}${randomUUID()}`), JSON.stringify([...counts]))
    counts.clear()
    if (problems.size > 0) throw new Error(`Against AWS's service model:\n${[...problems].join('\n')}`)
  }
  return { request, answer, finish }
}

function isModelled(service: string): service is Service {
  return service === 'ec2' || service === 'sts'
}

/** Says how many requests of a run were checked, from the counts that its proxies left in a directory. */
export function describeCounts(directory: string): string {
  const files = fs.readdirSync(directory).filter(name => name.startsWith(COUNTS))
  const counts = new Map<string, number>()
  for (const file of files) {
    const entries: readonly [string, number][] = JSON.parse(fs.readFileSync(path.join(directory, file), 'utf8'))
    for (const [action, count] of entries) counts.set(action, (counts.get(action) ?? 0) + count)
  }
  const sum = [...counts.values()].reduce((total, count) => total + count, 0)
  return `${sum} requests of ${counts.size} actions were checked against AWS's service models.`
}
