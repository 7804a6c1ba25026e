import { MAX_VALUE_LENGTH } from '../../ec2/tags.ts'
import { assertArguments, readInput } from '../../runner/inputs.ts'
import { escapeControlCharacters } from '../../runner/log.ts'
import { readChecksum, readImageId, readRegion, readSetting } from '../read-setting.ts'
import { type ParameterNames, readParameterNames } from './parameter-names.ts'

/** The inputs of `revoke`, read once and fully parsed. */
export interface Inputs {
  readonly subject: Subject
  readonly task: Task
  readonly region: string
  /** The regions whose images are changed; `undefined` for all that are enabled in the account. */
  readonly regions: readonly string[] | undefined
  readonly descendants: 'include' | 'leave'
  readonly dryRun: boolean
}

/** The images to revoke or to restore: one with its copies, or all that have a checksum. */
export type Subject = { readonly id: string } | { readonly checksum: string }

export type Task = Revocation | { readonly kind: 'restore' }

export interface Revocation {
  readonly kind: 'revoke'
  readonly reason: string
  /** `blocked`: the definition may not be baked again; `once`: it may. */
  readonly as: 'blocked' | 'once'
  /** More images, copies not counted, are an error. */
  readonly maxImages: number
  /** Moved away from the revoked images. */
  readonly parameters: ParameterNames
  /** The image that they go back to; `undefined` for the newest good one of each parameter's history. */
  readonly rollBackTo: string | undefined
}

/** The names of all inputs. */
export const INPUTS = [
  'ami-id',
  'ami-config-checksum',
  'reason',
  'aws-region',
  'regions',
  'descendants',
  'rebake',
  'ssm-parameter',
  'roll-back-to',
  'max-images',
  'dry-run',
  'restore',
] as const

/**
 * Reads every input.
 *
 * @throws Error that begins with the input's name.
 */
export async function readInputs(): Promise<Inputs> {
  assertArguments(INPUTS)
  return {
    subject: readSubject(),
    task: await readTask(),
    region: readRegion(),
    regions: readRegions(),
    descendants: (readSetting('descendants', 'strict') ?? true) ? 'include' : 'leave',
    dryRun: readSetting('dry-run', 'strict') ?? false,
  }
}

function readSubject(): Subject {
  const [id, checksum] = [readImageId('ami-id'), readChecksum()]
  if (id !== undefined && checksum !== undefined) {
    throw new Error('ami-id: ami-config-checksum is specified too. Specify one of the two.')
  }
  if (id !== undefined) return { id }
  if (checksum !== undefined) return { checksum }
  throw new Error('ami-id: neither ami-id nor ami-config-checksum is specified. Specify one of the two.')
}

async function readTask(): Promise<Task> {
  const [isRestore, isRebake] = [readSetting('restore', 'strict') ?? false, readSetting('rebake', 'strict') ?? false]
  const [maxImages, rollBackTo] = [readMaxImages(), readImageId('roll-back-to')]
  if (isRestore) return { kind: 'restore' }
  const as = isRebake ? 'once' : 'blocked'
  return { kind: 'revoke', reason: readReason(), as, maxImages, parameters: await readParameterNames(), rollBackTo }
}

function readReason(): string {
  const reason = readInput('reason')
  if (reason === '') throw new Error('reason: is required. Say in one line why the image must not be used.')
  if (escapeControlCharacters(reason) !== reason) {
    throw new Error(`reason: ${JSON.stringify(reason)} has line breaks or control characters. Write one line of text.`)
  }
  if (reason.length <= MAX_VALUE_LENGTH) return reason
  throw new Error(
    `reason: it has ${reason.length} characters, but the value of a tag has at most ${MAX_VALUE_LENGTH}. Shorten it.`,
  )
}

function readRegions(): readonly string[] | undefined {
  return readSetting('regions', 'regions')?.map(({ name }) => name)
}

function readMaxImages(): number {
  const value = readInput('max-images') || '20'
  if (/^[1-9]\d*$/.test(value)) return Number(value)
  throw new Error(`max-images: ${JSON.stringify(value)} is not a whole number above 0. Specify one like 20.`)
}
