import { describe, expect, test, vi } from 'vitest'
import { acquireLease, HEARTBEAT_TAG, type LeaseRequest, URL_TAG } from '../../src/lease/acquire.ts'
import { type KeyPairs, OWNER_TAG } from '../../src/lease/key-pairs.ts'
import { captureLog } from '../support/capture-log.ts'

// A second takes 20 milliseconds in this file. The scale is used only with an endpoint on this machine.
vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.02'
  process.env.AWS_ENDPOINT_URL_EC2 = 'http://127.0.0.1:9'
})

captureLog()

describe('a lease of a job that made no image', { concurrent: true }, () => {
  const RUN = 'https://github.com/example/app/actions/runs/1/attempts/1'

  /** A lease that its holder releases before it is seen so many times; one without a heartbeat is never released. */
  function leaseOf(
    owner: string,
    hasHeartbeat: boolean,
    times = 3,
  ): KeyPairs & { readonly evicted: readonly string[] } {
    const evicted: string[] = []
    let seen = 0
    const isThere = () => evicted.length === 0 && (!hasHeartbeat || seen < times)
    return {
      evicted,
      list: async () => {
        seen++
        const heartbeat = hasHeartbeat ? String(seen) : '7'
        const tags = new Map([
          [OWNER_TAG, owner],
          [HEARTBEAT_TAG, heartbeat],
          [URL_TAG, RUN],
        ])
        return isThere() ? [{ id: 'key-1', name: 'lease', created: new Date(), tags }] : []
      },
      create: async () => (isThere() ? undefined : 'key-2'),
      tag: async () => {},
      remove: async id => void evicted.push(id),
    }
  }

  async function acquire(keyPairs: KeyPairs, pace: LeaseRequest['pace'], more: Partial<LeaseRequest>) {
    return await acquireLease({
      keyPairs,
      name: 'lease',
      tags: new Map([[OWNER_TAG, 'example/app/1/1/this']]),
      minutes: 60,
      pace,
      ...more,
      signal: undefined,
      lookUp: async () => undefined,
      beforeCreate: () => {},
      cleanUp: async () => {},
    })
  }

  test.each(['steady', 'slowing'] as const)('of this run and attempt is not acquired again (pace %s)', async pace => {
    const lease = leaseOf('example/app/1/1/other', true)
    await expect(acquire(lease, pace, { sameRun: 'example/app/1/1/' })).rejects.toThrow(
      `Another job of this workflow run has tried to bake the checksum and made no image: ${RUN}. Read the log of that job`,
    )
  })

  test.each([
    [
      'its image may be baked without a lease',
      undefined,
      ', wait longer (a stale lease is removed after 5 minutes), or set it to 0',
    ],
    ['it may not', 'Without a lease, bake base first.', ', or wait longer (a stale lease is removed after 5 minutes).'],
  ])(
    'that is still held at the end of the wait advises to bake without one only if %s',
    async (_, adviceWithoutLease, advice) => {
      const lease = leaseOf('example/app/2/1/other', true, Number.POSITIVE_INFINITY)
      const waiting = acquire(lease, 'slowing', { minutes: 0.5, adviceWithoutLease })
      await expect(waiting).rejects.toThrow(
        `After 0.5 minutes ${RUN} is still baking this checksum. Look at that run${advice}`,
      )
    },
  )

  test.each([
    ['another attempt', 'example/app/1/2/other', 'example/app/1/1/'],
    ['another run', 'example/app/11/1/other', 'example/app/1/1/'],
    ['another repository', 'example/apps/1/1/other', 'example/app/1/1/'],
    ['this run, where that does not matter', 'example/app/1/1/other', undefined],
  ])('of %s is acquired', async (_, owner, sameRun) => {
    expect(await acquire(leaseOf(owner, true), 'slowing', { sameRun })).toBe('key-2')
  })

  test.each(['steady', 'slowing'] as const)(
    'of this run that vanished is evicted and acquired (pace %s)',
    async pace => {
      const lease = leaseOf('example/app/1/1/other', false)
      expect(await acquire(lease, pace, { sameRun: 'example/app/1/1/' })).toBe('key-2')
      expect(lease.evicted).toEqual(['key-1'])
    },
  )
})
