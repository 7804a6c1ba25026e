import {
  CreateKeyPairCommand,
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  type KeyPairInfo,
} from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, NOT_EC2 } from '../ec2/client.ts'
import { isExpired } from '../ec2/errors.ts'
import { tagResource } from '../ec2/tags.ts'

/** A key pair that is a lease: a name that only one can have, and tags that say who has it. */
export interface KeyPair {
  readonly id: string
  readonly name: string
  /** When it was created, by the clock of EC2. */
  readonly created: Date | undefined
  readonly tags: ReadonlyMap<string, string>
}

/**
 * The key pairs that are leases in one region. A call throws a {@link LeaseError}, save when the credentials have expired:
 * then nothing works any more.
 */
export interface KeyPairs {
  /** Every lease of the account, whatever its checksum. */
  list(): Promise<readonly KeyPair[]>
  /** @returns The new key pair's id; `undefined` when there is one of this name, maybe this very one after a lost reply. */
  create(name: string, tags: ReadonlyMap<string, string>): Promise<string | undefined>
  tag(id: string, tags: ReadonlyMap<string, string>): Promise<void>
  /** Deletes this very one, never a later one of its name. One that is gone already is no error. */
  remove(id: string): Promise<void>
}

/** Something about the lease does not work. It is never a reason not to bake. */
export class LeaseError extends Error {}

/** What the names of all leases begin with. */
export const PREFIX = 'ami-bakery-'

/** The leases in a region of EC2. */
export function keyPairsIn(ec2: Ec2): KeyPairs {
  return {
    list: () => troubled(ec2, list(ec2)),
    create: (name, tags) => troubled(ec2, create(ec2, name, tags)),
    tag: (id, tags) => troubled(ec2, tagResource(ec2, id, tags)),
    remove: id => troubled(ec2, remove(ec2, id)),
  }
}

async function troubled<Result>({ signal }: Ec2, work: Promise<Result>): Promise<Result> {
  return await work.catch((cause: Error) => {
    signal?.throwIfAborted()
    if (isExpired(cause)) throw cause
    throw new LeaseError(cause.message, { cause })
  })
}

/** Asked by a filter: a name that isn't there is no error then. */
async function list(ec2: Ec2): Promise<KeyPair[]> {
  const Filters = [{ Name: 'key-name', Values: [`${PREFIX}*`] }]
  const { KeyPairs } = await ask(ec2, 'ec2:DescribeKeyPairs', (client, options) =>
    client.send(new DescribeKeyPairsCommand({ Filters }), options),
  )
  if (KeyPairs) return KeyPairs.map(understand)
  throw new Error(`ec2:DescribeKeyPairs in ${ec2.region}: the answer has no list of key pairs. ${NOT_EC2}`)
}

function understand({ KeyPairId: id = '', KeyName: name = '', CreateTime: created, Tags = [] }: KeyPairInfo): KeyPair {
  return { id, name, created, tags: new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value])) }
}

/** The private key that EC2 answers with is dropped here and now: it opens nothing, and nobody may see it. */
async function create(ec2: Ec2, KeyName: string, tags: ReadonlyMap<string, string>): Promise<string | undefined> {
  const Tags = [...tags].map(([Key, Value]) => ({ Key, Value }))
  const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags }]
  try {
    const { KeyPairId } = await ask(ec2, 'ec2:CreateKeyPair', (client, options) =>
      client.send(new CreateKeyPairCommand({ KeyName, KeyType: 'ed25519', TagSpecifications }), options),
    )
    if (KeyPairId) return KeyPairId
  } catch (error) {
    if (errorCode(error) === 'InvalidKeyPair.Duplicate') return undefined
    throw error
  }
  throw new Error(`ec2:CreateKeyPair in ${ec2.region}: the answer has no id. ${NOT_EC2}`)
}

async function remove(ec2: Ec2, KeyPairId: string): Promise<void> {
  const command = new DeleteKeyPairCommand({ KeyPairId })
  try {
    await ask(ec2, 'ec2:DeleteKeyPair', (client, options) => client.send(command, options))
  } catch (error) {
    // Another waiter has deleted it first.
    if (errorCode(error) !== 'InvalidKeyPair.NotFound') throw error
  }
}

/** What must be known of a lease to give it back. */
export interface LeaseEntry {
  readonly name: string
  /** The value of its owner's tag. */
  readonly owner: string
  /** Absent as long as EC2 has not said that there is one. */
  readonly id?: string
}

/** The tag that says whose a lease is: repository, run, attempt, and a word that nobody else has. */
export const OWNER_TAG = 'ami_bakery_owner'

/** Gives a lease back, whether or not EC2's answer to its creation ever came. What is another's stays. */
export async function removeLease(keyPairs: KeyPairs, { name, owner, id }: LeaseEntry): Promise<void> {
  if (id) return await keyPairs.remove(id)
  const ours = (await keyPairs.list()).find(pair => pair.name === name && pair.tags.get(OWNER_TAG) === owner)
  if (ours) await keyPairs.remove(ours.id)
}
