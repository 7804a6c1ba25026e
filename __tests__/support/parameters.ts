/**
 * SSM's parameters, played by moto and completed as the SSM API reference and the user guide have it:
 * - the id in a parameter of the data type `aws:ec2:image` is validated after the answer to PutParameter: `slowValidation`; one whose image
 *   is not available in the region is dropped without an error (PutParameter, `DataType`);
 * - the data type `aws:ec2:image` can't be changed, nor can others become it (user guide, "Parameter data types");
 * - an advanced parameter does not become a standard one (PutParameter, `Tier`);
 * - GetParameter takes the ARN of a parameter that another account shares: `share`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Received } from './proxy.ts'

/** What the tests make true of parameters. */
export interface ParameterFacts {
  /** Validation of an image's id takes so many milliseconds from now on. */
  slowValidation(milliseconds: number): void
  /** The owner of a parameter shares it with all accounts (user guide, "Working with shared parameters"). */
  share(arn: string): void
}

export interface Parameters {
  readonly facts: ParameterFacts
  /** Answers a request to SSM. */
  answer(request: Received): Promise<Answer>
}

type Forward = (request: Received) => Promise<Answer>

/** @param forward Sends a request to moto, in the account of the request's owner if that is set. */
export function completeParameters(forward: Forward): Parameters {
  let validation = 0
  const shared = new Set<string>()

  async function send(request: Received, action: string, input: object): Promise<Record<string, unknown>> {
    const { body } = await forward({ ...request, action, json: JSON.stringify(input) })
    return JSON.parse(body)
  }

  async function newest(request: Received, Name: unknown): Promise<Record<string, unknown> | undefined> {
    const { Parameters = [] } = await send(request, 'GetParameterHistory', { Name })
    return Array.isArray(Parameters) ? Parameters.at(-1) : undefined
  }

  async function isAvailable(request: Received, id: string): Promise<boolean> {
    const question = { Action: 'DescribeImages', Version: '2016-11-15', 'ImageId.1': id }
    const parameters = new URLSearchParams(question)
    // moto knows by the signature which service is asked.
    const authorization = request.headers.authorization?.replace('/ssm/', '/ec2/') ?? ''
    const headers = { ...request.headers, authorization }
    const { body } = await forward({ ...request, action: 'DescribeImages', parameters, headers, json: undefined })
    return body.includes('<imageState>available<')
  }

  async function put(request: Received): Promise<Answer> {
    const input = JSON.parse(request.json ?? '{}')
    const current = await newest(request, input.Name)
    const [before = input.DataType, after = 'text'] = [current?.DataType, input.DataType]
    if (before !== after && [before, after].includes(IMAGE))
      return refuse('ValidationException', "DataType can't change.")
    if (current?.Tier === 'Advanced' && input.Tier !== 'Advanced')
      return refuse('ValidationException', "You can't downgrade a parameter from the advanced-parameter tier.")
    if (after !== IMAGE || (current && !input.Overwrite)) return await forward(request)
    const write = async () => ((await isAvailable(request, input.Value)) ? await forward(request) : undefined)
    const answer = { Version: Number(current?.Version ?? 0) + 1, Tier: current?.Tier ?? 'Standard' }
    if (validation > 0) void sleep(validation).then(write)
    else return (await write()) ?? { status: 200, body: JSON.stringify(answer) }
    return { status: 200, body: JSON.stringify(answer) }
  }

  async function answer(request: Received): Promise<Answer> {
    if (request.action === 'PutParameter') return await put(request)
    const name = JSON.parse(request.json ?? '{}').Name ?? ''
    const [, owner] = /^arn:aws:ssm:[^:]*:(\d{12}):parameter\//.exec(name) ?? []
    return await forward(owner && shared.has(name) ? { ...request, owner } : request)
  }

  return {
    facts: {
      slowValidation: milliseconds => {
        validation = milliseconds
      },
      share: arn => void shared.add(arn),
    },
    answer,
  }
}

const IMAGE = 'aws:ec2:image'

/** An answer of SSM's that refuses a request. */
export function refuse(code: string, message = `The proxy says ${code}.`): Answer {
  return { status: 400, body: JSON.stringify({ __type: code, message }) }
}
