import { afterAll, describe, test } from 'vitest'
import type { Account, Facts } from '../../src/actions/prune/account.ts'
import { dueText } from '../../src/actions/prune/apply.ts'
import { decide, type Verdict } from '../../src/actions/prune/decide.ts'
import { imagesOf } from '../../src/actions/prune/units.ts'
import { cases } from '../support/cases.ts'
import { makeDice } from '../support/definitions.ts'
import { findReasons, isDue } from '../support/prune-oracle.ts'
import { DAY, describeInWordsOfEc2, makeAccount, NOW, type TrueAccount } from '../support/random-account.ts'

const ACCOUNTS = cases(10_000)
/** Each part is a test of its own, so that none takes long. */
const PARTS = 10

describe('the rules of prune', () => {
  const counts: Record<string, number> = {}
  const count = (what: string, number = 1) => {
    counts[what] = (counts[what] ?? 0) + number
  }

  afterAll(() => console.log(counts))

  test.each(Array.from({ length: PARTS }, (_, part) => [part]))(
    `delete nothing that an oracle names a reason to keep, and all else by the second stage: part %i of ${ACCOUNTS} random accounts`,
    part => {
      for (let seed = part; seed < ACCOUNTS; seed += PARTS) {
        const dice = makeDice(seed)
        // Most accounts are small, some have hundreds of images.
        const account = makeAccount(dice, dice.chance(0.1) ? 100 + dice.below(300) : 5 + dice.below(60))
        count('accounts')
        count('images', account.images.length)
        live(account, seed)
      }
    },
  )

  /** Runs prune three times: today, when the marks of today are due, and at once again. */
  function live(account: TrueAccount, seed: number): void {
    const later = NOW + account.options.graceDays * DAY
    run(account, NOW, seed)
    const reasons = findReasons(account, later)
    const unmarked = new Set(account.images.filter(({ mark }) => !/^\d{4}-/.test(mark)).map(({ id }) => id))
    const { pending, unfinished } = run(account, later, seed)
    const left = account.images.filter(({ id }) => !reasons.has(id) && !unmarked.has(id) && !pending.has(id))
    if (left.length > 0) throw new Error(`Seed ${seed}: ${left.map(({ id }) => id)} stay without a reason.`)
    const again = decideInSteps(describeInWordsOfEc2(account), { ...account.options, now: later })
    // What was unmarked because its report was not finished gets another mark, and so do its parents.
    const changes = unfinished.size === 0 ? again.filter(isChange) : []
    if (changes.length > 0) throw new Error(`Seed ${seed}: a further run changes ${describe1(changes)}`)
  }

  /** @returns What waits for its due time, and what stays for want of a report. */
  function run(account: TrueAccount, now: number, seed: number) {
    const reasons = findReasons(account, now)
    const verdicts = decideInSteps(describeInWordsOfEc2(account), { ...account.options, now })
    for (const verdict of verdicts) {
      count(verdict.result)
      check(verdict, { account, reasons, now, seed })
    }
    applyTo(account, verdicts)
    return {
      pending: new Set(idsOf(verdicts.filter(({ result }) => result === 'wait' || result === 'mark'))),
      unfinished: new Set(idsOf(verdicts.filter(({ reason }) => reason.includes('no finished report')))),
    }
  }

  interface Place {
    readonly account: TrueAccount
    readonly reasons: ReadonlyMap<string, string>
    readonly now: number
    readonly seed: number
  }

  function check(verdict: Verdict, { account, reasons, now, seed }: Place): void {
    const why = idsOf([verdict]).flatMap(id => reasons.get(id) ?? [])
    const stays = verdict.result === 'keep' || verdict.result === 'unknown'
    for (const reason of why) count(`oracle: ${reason}`)
    if (stays !== why.length > 0) {
      throw new Error(`Seed ${seed}: ${describe1([verdict])}, and the oracle says ${why.join() || 'nothing'}`)
    }
    const { id } = verdict.unit.source.image
    const source = verdict.result === 'delete' ? account.images.find(image => image.id === id) : undefined
    const isOfTwoStages = imagesOf(verdict.unit).some(({ image }) => isOfTwo(image.tags))
    if (verdict.result === 'delete' && isOfTwoStages && !(source && isDue(source, now)))
      throw new Error(`Seed ${seed}: ${describe1([verdict])} without a mark that is due.`)
  }
})

function isOfTwo(tags: ReadonlyMap<string, string>): boolean {
  return /^(revoked:|revoked-once:)?[0-9a-f]{40}$/.test(tags.get('ami_config_checksum') ?? '')
}

function idsOf(verdicts: readonly Verdict[]): string[] {
  return verdicts.flatMap(({ unit }) => imagesOf(unit).map(({ image }) => image.id))
}

function describe1(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ unit, result, reason }) => `${unit.source.image.id} ${result} (${reason})`).join('\n')
}

/** Asks only about what the facts before leave undecided, as a run does. It must not make a difference. */
function decideInSteps(account: Account, options: Parameters<typeof decide>[1]): Verdict[] {
  const NONE = new Map()
  const described: Account = {
    ...account,
    references: NONE,
    sharing: NONE,
    reports: NONE,
    collected: 'descriptions',
  }
  const undecided = (known: Account) =>
    new Set(idsOf(decide(known, options).filter(({ result }) => result !== 'keep' && result !== 'unknown')))
  const referenced: Account = {
    ...described,
    references: only(account.references, undecided(described)),
    collected: 'references',
  }
  const left = undecided(referenced)
  const [sharing, reports] = [only(account.sharing, left), only(account.reports, left)]
  return decide({ ...referenced, sharing, reports, collected: 'everything' }, options)
}

function only<Value>(facts: Facts<Value>, ids: ReadonlySet<string>): Facts<Value> {
  return new Map([...facts].filter(([id]) => ids.has(id)))
}

function isChange(verdict: Verdict): boolean {
  const { result, unit } = verdict
  if (result === 'delete' || result === 'mark') return true
  if (result !== 'keep' && result !== 'wait') return false
  const wanted = result === 'keep' ? '' : dueText(verdict)
  return imagesOf(unit).some(({ image }) => (image.tags.get('ami_bakery_prune') ?? '') !== wanted)
}

function applyTo(account: TrueAccount, verdicts: readonly Verdict[]): void {
  const gone = new Set(idsOf(verdicts.filter(({ result }) => result === 'delete')))
  const byId = new Map(account.images.map(image => [image.id, image]))
  for (const verdict of verdicts) {
    const { result } = verdict
    if (result === 'unknown' || result === 'delete') continue
    for (const id of idsOf([verdict])) {
      const image = byId.get(id)
      if (image) image.mark = result === 'keep' ? '' : dueText(verdict)
    }
  }
  account.images = account.images.filter(({ id }) => !gone.has(id))
}
