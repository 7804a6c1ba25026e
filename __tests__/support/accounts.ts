import { afterAll, beforeAll } from 'vitest'
import { type Ec2Server, type FirstImage, startEc2 } from './ec2.ts'
import { type FaultyEc2, startProxy } from './proxy.ts'

/** How the accounts of a suite begin. */
export interface AccountOptions {
  /** Images that EC2 has from the start, see `startEc2`. */
  readonly images?: readonly FirstImage[]
  /** What is done with each account before a test gets it. */
  readonly prepare?: (ec2: FaultyEc2) => unknown
}

/**
 * Starts moto before the tests of the suite that calls this, and stops it after them.
 *
 * @returns A function that starts EC2 for one test, in an account that no other test has.
 */
export function useAccounts({ images = [], prepare }: AccountOptions = {}): () => Promise<FaultyEc2> {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2(...images)
  })
  afterAll(async () => await moto.stop())

  return async () => {
    const ec2 = await startProxy(moto, String(400_000_000_000 + accounts++))
    await prepare?.(ec2)
    return ec2
  }
}
