import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createQueue } from '../../src/runner/parallel.ts'

describe('a queue', () => {
  test('works on as much as its limit allows, in the order of arrival, also after work that fails', async () => {
    const inTurn = createQueue(3)
    const started: number[] = []
    let [running, most] = [0, 0]
    const work = Array.from({ length: 20 }, (_, index) =>
      inTurn(async () => {
        started.push(index)
        running++
        most = Math.max(most, running)
        await sleep(1)
        running--
        if (index % 4 === 0) throw new Error(`${index} fails`)
        return index
      }),
    )
    const results = await Promise.allSettled(work)
    expect(most).toBe(3)
    expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5)
    await expect(inTurn(async () => 'free again')).resolves.toBe('free again')
  })
})
