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
