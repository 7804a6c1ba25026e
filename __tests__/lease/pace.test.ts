import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { acquireLease, HEARTBEAT_TAG, type LeaseRequest } from '../../src/lease/acquire.ts'
import { type KeyPair, OWNER_TAG } from '../../src/lease/key-pairs.ts'
import { captureLog } from '../support/capture-log.ts'

/** A second takes five milliseconds in this file. The scale is used only with an endpoint on this machine. */
const SCALE = vi.hoisted(() => {
  process.env.AMI_BAKERY_TIME_SCALE = '0.005'
  process.env.AWS_ENDPOINT_URL_EC2 = 'http://127.0.0.1:9'
  return 0.005
})

captureLog()

const WAITERS = 60
const MINUTES = 10

/** The lease of a parent that another job bakes, with a heartbeat in every answer. */
function holder(): KeyPair {
  const tags = new Map([
    [OWNER_TAG, 'example/app/1/1/other'],
    [HEARTBEAT_TAG, String(performance.now())],
  ])
  return { id: 'key-1', name: 'ami-bakery-parent', created: new Date(), tags }
}

/** Lets jobs wait that began at about the same time, and returns when they sent a request, in minutes since their own start. */
async function wait(pace: LeaseRequest['pace']): Promise<readonly number[][]> {
  const end = new AbortController()
  const jobs = Array.from({ length: WAITERS }, async () => {
    const began = performance.now()
    const times: number[] = []
    const note = () => void times.push((performance.now() - began) / (60_000 * SCALE))
    await acquireLease({
      keyPairs: {
        list: async () => {
          note()
          return [holder()]
        },
        create: async () => undefined,
        tag: async () => {},
        remove: async () => {},
      },
      name: 'ami-bakery-parent',
      tags: new Map([[OWNER_TAG, 'example/app/1/1/this']]),
      minutes: 60,
      pace,
      signal: end.signal,
      lookUp: async () => void note(),
      beforeCreate: () => {},
      cleanUp: async () => {},
    }).catch(() => {})
    return times
  })
  await sleep(MINUTES * 60_000 * SCALE)
  end.abort()
  return await Promise.all(jobs)
}

/** The requests of each minute. */
function countByMinute(jobs: readonly (readonly number[])[]): number[] {
  return Array.from({ length: MINUTES }, (_, minute) => jobs.flat().filter(time => Math.floor(time) === minute).length)
}

// A busy machine only delays requests, so that there are fewer of them in a minute.
test(`${WAITERS} jobs that wait for a parent send 8 requests a minute each for two minutes, then 3 at most`, async () => {
  const jobs = await wait('slowing')
  const counts = countByMinute(jobs)
  console.log(`${WAITERS} jobs that wait for one parent, requests in each minute: ${counts.join(', ')}`)
  for (const count of counts.slice(0, 2)) expect(count).toBeLessThanOrEqual(WAITERS * 2 * 4)
  // Every 45 to 75 s: a minute has two rounds at most, and mostly one.
  for (const count of counts.slice(3)) expect(count).toBeLessThanOrEqual(WAITERS * 2 * 1.5)
  for (const times of jobs) {
    const rounds = times.filter((_, index) => index % 2 === 0)
    for (const [index, time] of rounds.slice(1).entries()) {
      const before = rounds[index] ?? 0
      // A timer may end a millisecond early, which is a fifth of a second here.
      expect((time - before) * 60).toBeGreaterThanOrEqual(before < 2.1 ? 14.5 : 44.5)
    }
  }
})
