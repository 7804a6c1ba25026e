import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { type Run, runAction } from '../support/runner.ts'
import type { ScanElements } from '../support/scans.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'

const DAY = 24 * 60 * 60 * 1000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY).toISOString()

describe.skipIf(!hasTools('moto_server'))(
  'an image with scan results of Amazon Inspector',
  { concurrent: true },
  () => {
    let moto: Ec2Server
    let accounts = 0
    beforeAll(async () => {
      moto = await startEc2()
    })
    afterAll(() => moto.stop())

    /** An account with one image, baked 30 days ago unless it is said otherwise. */
    async function setUp(scan: ScanElements | undefined, age = 30) {
      const ec2 = await startProxy(moto, String(600_000_000_000 + accounts++))
      ec2.prompt()
      await ec2.inventory()
      const workspace = makeWorkspace({
        'ami-bakery.yml':
          'images: { web: { aws-region: us-east-1, packer-template: ami/t.pkr.hcl, ami-definition-dirs: ami } }',
        // Packer is not run: a hit does not need it, and a miss is skipped.
        'ami/t.pkr.hcl': 'hello\n',
      })
      const tags = {
        ami_config_checksum: 'd4bb773a0da54b50d60e6089e12ed7e53c7e423c',
        ami_bakery_baked_at: daysAgo(age),
      }
      const id = await ec2.makeImage(tags)
      if (scan) ec2.scan(id, scan)
      const dispose = async () => {
        workspace[Symbol.dispose]()
        await ec2.stop()
      }
      return { ec2, id, workspace, [Symbol.asyncDispose]: dispose }
    }

    async function lookUp(workspace: Workspace, ec2: FaultyEc2, days?: string): Promise<Run> {
      const inputs = { image: 'web', 'on-miss': 'skip', ...(days && { 'critical-fix-days': days }) }
      return await runAction({ workspace: workspace.directory, inputs, env: ec2.environment })
    }

    async function plan(workspace: Workspace, ec2: FaultyEc2, days?: string) {
      const settings = `{ aws-region: us-east-1, packer-template: ami/t.pkr.hcl, ami-definition-dirs: ami, critical-fix-days: ${days ?? '~'} }`
      workspace.write({ 'ami-bakery.yml': `images: { web: ${settings} }` })
      const run = await runAction({ action: 'plan', workspace: workspace.directory, env: ec2.environment })
      return { run, entry: JSON.parse(run.outputs.plan ?? 'null').web }
    }

    const OLD = { criticalFixAvailableSince: daysAgo(20) }
    const rows: readonly (readonly [
      what: string,
      scan: ScanElements | undefined,
      age: number,
      days: string | undefined,
      'hit' | 'miss',
    ])[] = [
      ['has an old critical fix, in an old image', OLD, 30, '7', 'miss'],
      ['has an old critical fix, but it does not matter', OLD, 30, undefined, 'hit'],
      ['has an old critical fix, in a fresh image', OLD, 6, '7', 'hit'],
      ['has a critical fix that is younger than the limit', OLD, 30, '21', 'hit'],
      ['has an old fix of a high finding only', { highFixAvailableSince: daysAgo(20) }, 30, '7', 'hit'],
      ['has no finding', {}, 30, '7', 'hit'],
      ['was never scanned', undefined, 30, '7', 'hit'],
      ['has a critical fix in the future', { criticalFixAvailableSince: daysAgo(-20) }, 30, '7', 'hit'],
      ['has a critical fix at an unreadable time', { criticalFixAvailableSince: 'yesterday' }, 30, '7', 'hit'],
      ['has a critical fix at an empty time', { criticalFixAvailableSince: '' }, 30, '7', 'hit'],
      ['has an unreadable date of the scan and an old critical fix', { findingScanDate: '?', ...OLD }, 30, '7', 'miss'],
    ]
    const cells = rows.map(([what, scan, age, days, result]) => [what, result, { scan, age, days }] as const)

    test.each(cells)(
      'which %s is a %s for bake and plan, by one request each',
      async (_, expected, { scan, age, days }) => {
        await using scene = await setUp(scan, age)
        const run = await lookUp(scene.workspace, scene.ec2, days)
        expect(run.exitCode, run.log).toBe(0)
        expect(run.outputs).toMatchObject({
          ami_id: expected === 'hit' ? scene.id : '',
          cache_hit: String(expected === 'hit'),
        })
        if (expected === 'hit') expect(scene.ec2.requests).toHaveLength(1)
        else
          expect(run.log).toContain(
            `${scene.id} has a critical vulnerability with a fix available since ${OLD.criticalFixAvailableSince}`,
          )
        const { entry } = await plan(scene.workspace, scene.ec2, days)
        expect(entry.result).toBe(expected)
      },
    )

    test('shows highest severity, time of the scan and fixes in log, summary and plan', async () => {
      const scan = {
        highestFindingSeverityLabel: 'critical',
        findingScanDate: '2026-05-01T00:00:00.000Z',
        criticalFixAvailableSince: '2026-04-01T00:00:00.000Z',
        lowFixAvailableSince: '2026-03-01T00:00:00.000Z',
      }
      await using scene = await setUp(scan)
      const line =
        'Amazon Inspector: highest severity critical, scanned at 2026-05-01T00:00:00.000Z. Fixes available: critical since ' +
        '2026-04-01T00:00:00.000Z, low since 2026-03-01T00:00:00.000Z.'
      const run = await lookUp(scene.workspace, scene.ec2)
      expect(run.log).toContain(line)
      expect(run.summary).toContain(line)
      expect(run.annotations).toEqual([])
      const { run: planned, entry } = await plan(scene.workspace, scene.ec2)
      expect(entry.reason).toBe(`The image has this checksum. ${line}`)
      expect(planned.summary).toContain(line)
    })

    test('is said to be unscanned only if vulnerabilities matter', async () => {
      await using scene = await setUp(undefined)
      const unscanned = 'Amazon Inspector has not scanned the image.'
      expect((await lookUp(scene.workspace, scene.ec2)).log).not.toContain(unscanned)
      const run = await lookUp(scene.workspace, scene.ec2, '7')
      expect(run.log).toContain(unscanned)
      expect(run.summary).toContain(unscanned)
      expect((await plan(scene.workspace, scene.ec2, '7')).entry.reason).toContain(unscanned)
    })

    test.each([
      ['2999-01-01T00:00:00.000Z', 'a time in the future (2999-01-01T00:00:00.000Z)'],
      ['soon', 'a time that is unreadable'],
      ['2026-13-01T00:00:00.000Z', 'a time that is unreadable'],
    ])(
      'has a warning for the time %s of a critical fix, in bake and plan, if vulnerabilities matter',
      async (time, words) => {
        await using scene = await setUp({ criticalFixAvailableSince: time })
        const warning = `${scene.id}: Amazon Inspector gives ${words} for a critical fix. It is ignored.`
        expect((await lookUp(scene.workspace, scene.ec2)).annotations).toEqual([])
        const run = await lookUp(scene.workspace, scene.ec2, '7')
        expect(run.annotations).toEqual([{ level: 'warning', message: warning }])
        expect(run.outputs).toMatchObject({ ami_id: scene.id, cache_hit: 'true' })
        expect((await plan(scene.workspace, scene.ec2, '7')).run.annotations).toContainEqual({
          level: 'warning',
          message: `web: ${warning}`,
        })
      },
    )

    test('can’t print anything that the runner or the summary would obey', async () => {
      await using scene = await setUp({
        highestFindingSeverityLabel: '&lt;b&gt;&#10;::error::x',
        criticalFixAvailableSince: '&#10;::error::y',
      })
      const run = await lookUp(scene.workspace, scene.ec2, '7')
      expect(run.exitCode, run.log).toBe(0)
      expect(run.annotations.map(({ level }) => level)).toEqual(['warning'])
      expect(run.summary).not.toContain('<b>')
    })
  },
)
