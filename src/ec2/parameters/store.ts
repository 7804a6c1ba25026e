import {
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  type ParameterTier,
  PutParameterCommand,
  paginateGetParameterHistory,
  type SSMClient,
  TooManyUpdates,
} from '@aws-sdk/client-ssm'
import { milliseconds } from '../../runner/wait.ts'
import { ask, poll, type SendOptions } from '../client.ts'
import { notFrom } from '../errors.ts'
import type { Ssm } from './client.ts'

/** What SSM returns for a parameter now. */
export interface Current {
  readonly version: number
  readonly value: string
  /** `String`, `StringList` or `SecureString`. */
  readonly type: string
  /** `aws:ec2:image` for the id of an image. */
  readonly dataType: string
}

/** What is written as a version of a parameter. */
export interface Entry {
  readonly value: string
  readonly description: string
}

/** A version in the history of a parameter. */
export interface Version extends Entry {
  readonly number: number
  readonly tier?: ParameterTier | undefined
}

/** One parameter in one region. */
export interface ParameterStore {
  readonly name: string
  readonly region: string
  /** @returns `undefined` when SSM has no such parameter. */
  read(): Promise<Current | undefined>
  /** All versions that SSM keeps (the newest hundred), from the oldest to the newest. */
  history(): Promise<readonly Version[]>
  /**
   * Writes a version. SSM answers before the id is validated, and the version is readable only then (AWS: "Native parameter support
   * for Amazon Machine Image IDs").
   *
   * @param over The version to write over; without one the parameter is created.
   * @returns The new version's number; `undefined` when the parameter to create exists already.
   */
  write(entry: Entry, over: Version | undefined): Promise<number | undefined>
  /** Polls with exponential backoff, see {@link poll}. */
  poll<Answer>(seconds: number, probe: () => Promise<Answer | undefined>): Promise<Answer | undefined>
}

/** The data type that `resolve:ssm:` of a launch needs. SSM can't change that of a parameter. */
export const DATA_TYPE = 'aws:ec2:image'

/** How long another request may be busy with the parameter, in seconds. */
const BUSY_WITHIN = 30

/** Opens a parameter in SSM. Sends nothing. */
export function openParameter(ssm: Ssm, name: string): ParameterStore {
  async function write(entry: Entry, over: Version | undefined): Promise<number | undefined> {
    let refusal: unknown
    const number = await poll(ssm, BUSY_WITHIN, async () => {
      try {
        return await put(ssm, name, { entry, over })
      } catch (error) {
        if (!isCausedBy(error, TooManyUpdates)) throw error
        refusal = error
        return undefined
      }
    })
    if (number === undefined) throw refusal
    return number === EXISTS ? undefined : number
  }

  return {
    name,
    region: ssm.region,
    read: () => readParameter(ssm, name),
    history: () => readHistory(ssm, name),
    write,
    poll: (seconds, probe) => poll(ssm, seconds, probe),
  }
}

/**
 * Reads a parameter.
 *
 * @param seconds The timeout.
 * @param name Also a name with a version or a label, or the ARN of a parameter that another account shares (SSM API reference).
 * @returns `undefined` when SSM has no such parameter.
 * @throws Error for anything but a clear answer.
 */
export async function readParameter(ssm: Ssm, name: string, seconds = 50): Promise<Current | undefined> {
  const command = new GetParameterCommand({ Name: name })
  const send = (client: SSMClient, options: SendOptions) => client.send(command, options)
  const timeout = AbortSignal.timeout(milliseconds(seconds))
  const { Parameter } = await ask(ssm, 'ssm:GetParameter', send, timeout).catch(error => {
    if (isCausedBy(error, ParameterNotFound)) return { Parameter: null }
    throw error
  })
  if (Parameter === null) return undefined
  const { Value: value, Version: version, Type: type = '', DataType: dataType = 'text' } = Parameter ?? {}
  if (value !== undefined && version !== undefined) return { value, version, type, dataType }
  throw malformed(ssm, 'GetParameter', 'a value and a version')
}

async function readHistory(ssm: Ssm, name: string): Promise<readonly Version[]> {
  return await ask(ssm, 'ssm:GetParameterHistory', async (client, options) => {
    const versions: Version[] = []
    for await (const { Parameters } of paginateGetParameterHistory({ client, pageSize: 50 }, { Name: name }, options)) {
      if (!Parameters) throw malformed(ssm, 'GetParameterHistory', 'a list of versions')
      for (const { Version: number = 0, Value: value = '', Description: description = '', Tier: tier } of Parameters)
        versions.push({ number, value, description, tier })
    }
    return versions.sort((a, b) => a.number - b.number)
  })
}

/** In place of a number: the parameter to create exists already. */
const EXISTS = 0

interface Put {
  readonly entry: Entry
  readonly over: Version | undefined
}

async function put(ssm: Ssm, name: string, { entry, over }: Put): Promise<number> {
  const command = new PutParameterCommand({
    Name: name,
    Value: entry.value,
    Description: entry.description,
    Type: 'String',
    DataType: DATA_TYPE,
    ...(over && { Overwrite: true }),
    // Without it SSM applies the account's default tier, and refuses to make a standard parameter of an advanced one.
    ...(over?.tier === 'Advanced' && { Tier: over.tier }),
  })
  const { Version } = await ask(ssm, 'ssm:PutParameter', (client, options) => client.send(command, options)).catch(
    error => {
      if (isCausedBy(error, ParameterAlreadyExists)) return { Version: EXISTS }
      throw error
    },
  )
  if (Version !== undefined) return Version
  throw malformed(ssm, 'PutParameter', 'a version')
}

function isCausedBy(error: unknown, Kind: new (...args: never[]) => Error): boolean {
  return error instanceof Error && error.cause instanceof Kind
}

function malformed({ region }: Ssm, action: string, lacking: string): Error {
  return new Error(`ssm:${action} in ${region}: the response lacks ${lacking}. ${notFrom('SSM')}`)
}
