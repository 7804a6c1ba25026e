import {
  CreateKeyPairCommand,
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  type KeyPairInfo,
} from '@aws-sdk/client-ec2'
import { ask, type Ec2, errorCode, NOT_EC2 } from '../ec2/client.ts'
import { isExpired } from '../ec2/errors.ts'
import { readTagList, toTagList } from '../ec2/tag-list.ts'
import { tagResource } from '../ec2/tags.ts'

/** A key pair that is a lease: its name is unique in the region, and its tags name the holder. */
export interface KeyPair {
  readonly id: string
  readonly name: string
  /** When it was created, by EC2's clock. */
  readonly created: Date | undefined
  readonly tags: ReadonlyMap<string, string>
}

/**
 * The key pairs that are leases in one region. Every call throws {@link LeaseError}, except when the credentials have expired: then
 * the bake can't work either.
 */
export interface KeyPairs {
  /** Every lease of the account, whatever its checksum. */
  list(): Promise<readonly KeyPair[]>
  /** @returns The new key pair's id; `undefined` when the name exists already, maybe created by this call after a lost response. */
  create(name: string, tags: ReadonlyMap<string, string>): Promise<string | undefined>
  tag(id: string, tags: ReadonlyMap<string, string>): Promise<void>
  /** Deletes a lease by its id, never a later one of the same name. One that does not exist is no error. */
  remove(id: string): Promise<void>
}

/** A lease can't be used. That is never a reason not to bake. */
export class LeaseError extends Error {}

/** What the names of all leases begin with. */
export const PREFIX = 'ami-bakery-'

/** The leases in a region of EC2. */
export function keyPairsIn(ec2: Ec2): KeyPairs {
  return {
    list: () => wrapErrors(ec2, list(ec2)),
    create: (name, tags) => wrapErrors(ec2, create(ec2, name, tags)),
    tag: (id, tags) => wrapErrors(ec2, tagResource(ec2, id, tags)),
    remove: id => wrapErrors(ec2, remove(ec2, id)),
  }
}

async function wrapErrors<Result>({ signal }: Ec2, work: Promise<Result>): Promise<Result> {
  return await work.catch((cause: Error) => {
    signal?.throwIfAborted()
    if (isExpired(cause)) throw cause
    throw new LeaseError(cause.message, { cause })
  })
}

/** With a filter a name that does not exist is no error. */
async function list(ec2: Ec2): Promise<KeyPair[]> {
  const Filters = [{ Name: 'key-name', Values: [`${PREFIX}*`] }]
  const { KeyPairs } = await ask(ec2, 'ec2:DescribeKeyPairs', (client, options) =>
    client.send(new DescribeKeyPairsCommand({ Filters }), options),
  )
  if (KeyPairs) return KeyPairs.map(toKeyPair)
  throw new Error(`ec2:DescribeKeyPairs in ${ec2.region}: the response has no list of key pairs. ${NOT_EC2}`)
}

function toKeyPair({ KeyPairId: id = '', KeyName: name = '', CreateTime: created, Tags }: KeyPairInfo): KeyPair {
  return { id, name, created, tags: readTagList(Tags) }
}

/** Discards the private key in the response at once: no instance has the key pair, and the key must not be printed. */
async function create(ec2: Ec2, KeyName: string, tags: ReadonlyMap<string, string>): Promise<string | undefined> {
  const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags: toTagList(tags) }]
  try {
    const { KeyPairId } = await ask(ec2, 'ec2:CreateKeyPair', (client, options) =>
      client.send(new CreateKeyPairCommand({ KeyName, KeyType: 'ed25519', TagSpecifications }), options),
    )
    if (KeyPairId) return KeyPairId
  } catch (error) {
    if (errorCode(error) === 'InvalidKeyPair.Duplicate') return undefined
    throw error
  }
  throw new Error(`ec2:CreateKeyPair in ${ec2.region}: the response has no id. ${NOT_EC2}`)
}

async function remove(ec2: Ec2, KeyPairId: string): Promise<void> {
  const command = new DeleteKeyPairCommand({ KeyPairId })
  try {
    await ask(ec2, 'ec2:DeleteKeyPair', (client, options) => client.send(command, options))
  } catch (error) {
    // Another waiting run has deleted it first.
    if (errorCode(error) !== 'InvalidKeyPair.NotFound') throw error
  }
}

/** What it takes to release a lease. */
export interface LeaseEntry {
  readonly name: string
  /** The value of its owner's tag. */
  readonly owner: string
  /** Absent until EC2 confirms the creation. */
  readonly id?: string
}

/** The tag that identifies the owner of a lease: repository, run, attempt, and a unique word. */
export const OWNER_TAG = 'ami_bakery_owner'

/** Releases a lease, also when the response to its creation was lost. Never deletes a lease of another owner. */
export async function removeLease(keyPairs: KeyPairs, { name, owner, id }: LeaseEntry): Promise<void> {
  if (id) return await keyPairs.remove(id)
  const ours = (await keyPairs.list()).find(pair => pair.name === name && pair.tags.get(OWNER_TAG) === owner)
  if (ours) await keyPairs.remove(ours.id)
}
