/**
 * Does the work for every item, a few items at a time, and waits for all of them.
 *
 * @param limit How many items are worked on at once.
 * @returns The results in the order of the items, also of work that failed.
 */
export async function settleAll<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
  const results: PromiseSettledResult<Result>[] = []
  const queue = items.entries()
  async function workOn(): Promise<void> {
    for (const [index, item] of queue) {
      const [result] = await Promise.allSettled([work(item)])
      results[index] = result
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, workOn))
  return results
}

/**
 * Makes a queue for work that comes from several places.
 *
 * @param limit How much of it is worked on at once; the rest waits in the order of its arrival.
 */
export function createQueue(limit: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = []
  let running = 0
  return async work => {
    if (running < limit) running++
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // Work that waits takes the place over, so that nothing comes before it.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
