import { createHash } from 'node:crypto'
import { CreateKeyPairCommand, DeleteKeyPairCommand } from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import { makeDice } from '../support/definitions.ts'
import { SOURCE_IMAGE } from '../support/ec2.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import type { Run, Running } from '../support/runner.ts'
import { hasTools } from '../support/tools.ts'
import {
  deregister,
  errorOf,
  expectSuccess,
  imagesOf,
  makeTree,
  parse,
  type Tree,
  tag,
  tagsOfImages,
} from '../support/tree.ts'

/** Two bases with two children each. */
const SIX = {
  base: '',
  web: 'parent: base',
  worker: 'parent: base',
  arm: '',
  'arm-web': 'parent: arm',
  'arm-worker': 'parent: arm',
}
const CHAIN = { base: '', mid: 'parent: base', leaf: 'parent: mid' }
const PAIR = { base: '', web: 'parent: base' }
const RUN = 'https://github.com/example/app/actions/runs/4711/attempts/1'
const OTHER_RUN = 'https://github.com/example/other/actions/runs/1/attempts/1'

/** Another image of Amazon's, newer than the one that templates are baked from. */
const NEWER = { ...SOURCE_IMAGE, ami_id: 'ami-0ba5e000', name: 'al2023-ami-2023.9.20260201.0-kernel-6.12-x86_64' }

const idOf = ({ outputs }: Run) => outputs.ami_id ?? ''

/** The result of each image, by a plan. */
async function results(tree: Tree): Promise<Record<string, string>> {
  const entries = Object.entries<{ result: string }>(parse(await tree.plan(), 'plan'))
  return Object.fromEntries(entries.map(([name, { result }]) => [name, result]))
}

/** The checksum of each image, by a plan. */
async function checksums(tree: Tree): Promise<Record<string, string>> {
  const entries = Object.entries<{ ami_config_checksum: string }>(parse(await tree.plan(), 'plan'))
  return Object.fromEntries(entries.map(([name, entry]) => [name, entry.ami_config_checksum]))
}

/** The id of an image's hit, by a plan. */
async function hitOf(tree: Tree, image: string): Promise<string> {
  return parse(await tree.plan(), 'ami_ids')[image]
}

describe.skipIf(!hasTools('moto_server'))('the main action', () => {
  // The emulator answers once before: its first answer takes some time.
  const startAccount = useAccounts({ images: [NEWER], prepare: ec2 => ec2.inventory() })

  describe('an image with a parent in a flat matrix', () => {
    test.each([1, 2, 3])(
      'is baked once after its parent, and so are all others, whatever the order of the jobs (seed %d)',
      async seed => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, SIX)
        const dice = makeDice(seed)
        const order = Object.keys(SIX).sort(() => dice.below(3) - 1)
        const start = (image: string) => tree.start({ inputs: { image } }).ended
        const runs = await Promise.all(order.map(start))
        expectSuccess(...runs)
        expect(imagesOf(tree).sort()).toEqual(Object.keys(SIX).sort())
        const tags = await tagsOfImages(ec2)
        const ids = new Map(order.map((image, index) => [image, runs[index]?.outputs.ami_id]))
        for (const [image, parent] of [
          ['web', 'base'],
          ['worker', 'base'],
          ['arm-web', 'arm'],
          ['arm-worker', 'arm'],
        ] as const) {
          expect(tags[ids.get(image) ?? ''], image).toMatchObject({
            ami_bakery_parent: ids.get(parent),
            ami_bakery_image_name: image,
          })
          expect(tree.bakes()).toContainEqual({ image, base: ids.get(parent) })
        }
        expect((await ec2.inventory()).keyPairs).toEqual([])
        const plan = await tree.plan()
        expect(parse(plan, 'ami_ids')).toEqual(Object.fromEntries(ids))
        const again = await Promise.all(order.map(start))
        expect(again.map(({ outputs }) => outputs.cache_hit)).toEqual(order.map(() => 'true'))
        expect(again.map(idOf)).toEqual(runs.map(idOf))
      },
    )

    test('fails without another bake when a job of the same run could not bake its parent; the others succeed', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, SIX)
      tree.break('base')
      tree.hold('base')
      const jobs = new Map(Object.keys(SIX).map(image => [image, tree.start({ inputs: { image } })]))
      const ofBase = ['base', 'web', 'worker'].flatMap(image => jobs.get(image) ?? [])
      await waitUntil(() => ofBase.filter(isWaiting).length === 2)
      tree.release('base')
      const failed = await Promise.all(ofBase.map(({ ended }) => ended))
      const messages = failed.map(errorOf)
      expect(imagesOf(tree).filter(image => image === 'base')).toHaveLength(1)
      const told = messages.filter(message => message.includes('the package mirror is down'))
      const waited = messages.filter(message => message.includes(`made no image: ${RUN}.`))
      expect([told.length, waited.length], messages.join('\n')).toEqual([1, 2])
      for (const [index, image] of ['web', 'worker'].entries()) {
        expect(messages[index + 1]).toMatch(new RegExp(`^base could not be baked for ${image}: `))
      }
      expectSuccess(
        ...(await Promise.all(['arm', 'arm-web', 'arm-worker'].flatMap(name => jobs.get(name)?.ended ?? []))),
      )
      expect((await ec2.inventory()).keyPairs).toEqual([])

      // A re-run is another attempt.
      tree.repair('base')
      const env = { GITHUB_RUN_ATTEMPT: '2' }
      expectSuccess(
        ...(await Promise.all(['web', 'worker'].map(image => tree.start({ inputs: { image }, env }).ended))),
      )
      expect(imagesOf(tree).filter(image => image === 'base')).toHaveLength(2)
    })

    test('bakes its parent once more after a job of another run could not', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, PAIR)
      tree.break('base')
      tree.hold('base')
      const other = tree.start({ inputs: { image: 'base' }, env: { GITHUB_RUN_ID: '4712' } })
      await tree.baking('base')
      const web = tree.start({ inputs: { image: 'web' } })
      await web.printed(/Waiting: /)
      tree.release('base')
      errorOf(await other.ended)
      tree.repair('base')
      expectSuccess(await web.ended)
      expect(imagesOf(tree)).toEqual(['base', 'base', 'web'])
    })
  })

  describe('an image with a parent', { concurrent: true }, () => {
    describe('where leases do not work', () => {
      const DENIED = { action: 'CreateKeyPair', error: 'UnauthorizedOperation' }

      test('does not bake its parent, and says what to do', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, PAIR)
        ec2.fail(DENIED)
        const message = errorOf(await tree.bake('web'))
        expect(message).toMatch(
          /^base could not be baked for web: The bake lease does not work here: ec2:CreateKeyPair/,
        )
        expect(message).toMatch(
          /Without a lease, bake base first, in a job before this one: see the output layers of plan\.$/,
        )
        expect(tree.bakes()).toEqual([])
        const base = await tree.bake('base')
        expectSuccess(base, await tree.bake('web'))
        expect(tree.bakes()).toEqual([
          { image: 'base', base: '' },
          { image: 'web', base: idOf(base) },
        ])
        expect(base.annotations).toEqual([
          { level: 'warning', message: expect.stringContaining('this run bakes without it') },
        ])
      })

      test.each([
        ['can’t be listed', { ...DENIED, action: 'DescribeKeyPairs' }, {}, /^base could not .*ec2:DescribeKeyPairs/],
        [
          'can’t be renewed',
          { ...DENIED, action: 'CreateTags', about: /=key-/ },
          {},
          /^base could not .*ec2:CreateTags/,
        ],
        [
          'are turned off',
          undefined,
          { 'wait-for-other-bakes': '0' },
          /^base could not be baked for web: wait-for-other/,
        ],
      ])('does not bake its parent when they %s', async (_, fault, inputs, expected) => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, PAIR)
        if (fault) ec2.fail(fault)
        const message = errorOf(await tree.bake('web', inputs))
        expect(message).toMatch(expected)
        expect(message).toContain('bake base first')
        expect(tree.bakes()).toEqual([])
      })

      test('is baked when its parent is a hit', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, PAIR)
        expectSuccess(await tree.bake('base'), await tree.bake('web', { 'wait-for-other-bakes': '0' }))
        expect(imagesOf(tree)).toEqual(['base', 'web'])
      })
    })

    describe('that has been baked', () => {
      async function bakePair(ec2: FaultyEc2, settings: Readonly<Record<string, string>> = PAIR) {
        const tree = makeTree(ec2, settings)
        const web = await tree.bake('web')
        expectSuccess(web)
        return { tree, web: idOf(web), base: await hitOf(tree, 'base') }
      }

      test('stays a hit in plan and for every on-miss when its parent is deleted by hand, until that is baked anew', async () => {
        await using ec2 = await startAccount()
        const { tree, web, base } = await bakePair(ec2)
        using _ = tree
        await deregister(ec2, base)
        expect(await results(tree)).toEqual({ base: 'miss', web: 'hit' })
        for (const onMiss of ['bake', 'skip', 'fail']) {
          const run = await tree.bake('web', { 'on-miss': onMiss })
          expectSuccess(run)
          expect(run.outputs).toMatchObject({ ami_id: web, cache_hit: 'true', state: 'published' })
        }
        expectSuccess(await tree.bake('base'))
        expect(await results(tree)).toEqual({ base: 'hit', web: 'miss' })
        const anew = await tree.bake('web')
        expect(idOf(anew)).not.toBe(web)
        expect(imagesOf(tree)).toEqual(['base', 'web', 'base', 'web'])
      })

      test('is the same hit again after a change of its parent is reverted, without a bake', async () => {
        await using ec2 = await startAccount()
        const { tree, web, base } = await bakePair(ec2)
        using _ = tree
        const template = tree.workspace.read('base/t.pkr.hcl')
        tree.workspace.write({ 'base/t.pkr.hcl': `${template}# changed\n` })
        expect(await results(tree)).toEqual({ base: 'miss', web: 'miss' })
        const changed = await tree.bake('web')
        expectSuccess(changed)
        expect(changed.log).toContain('The image of base is missing: it is baked first.')
        expect(imagesOf(tree)).toEqual(['base', 'web', 'base', 'web'])
        tree.workspace.write({ 'base/t.pkr.hcl': template })
        expect(parse(await tree.plan(), 'ami_ids')).toEqual({ base, web })
        expect(idOf(await tree.bake('web'))).toBe(web)
        expect(imagesOf(tree)).toHaveLength(4)
      })

      test('is baked once more after its parent, which is too old', async () => {
        await using ec2 = await startAccount()
        const { tree, base } = await bakePair(ec2, { ...PAIR, base: 'max-age-days: 30' })
        using _ = tree
        await tag(ec2, base, { ami_bakery_baked_at: new Date(Date.now() - 31 * 24 * 3600 * 1000).toISOString() })
        expect(await results(tree)).toEqual({ base: 'miss', web: 'miss' })
        expect((await tree.bake('web', { 'on-miss': 'skip' })).outputs).toMatchObject({
          ami_id: '',
          cache_hit: 'false',
        })
        const [web, ...others] = await Promise.all([tree.bake('web'), tree.bake('base')])
        expectSuccess(web, ...others)
        expect(web.log).toContain(`${base} is 31 days old: it is skipped.`)
        expect(imagesOf(tree)).toEqual(['base', 'web', 'base', 'web'])
        expect(await results(tree)).toEqual({ base: 'hit', web: 'hit' })
      })

      test('is a miss once after a forced bake of its parent, which its own forced bake does not repeat', async () => {
        await using ec2 = await startAccount()
        const { tree, base } = await bakePair(ec2)
        using _ = tree
        // EC2's times are whole seconds.
        await tag(ec2, base, { ami_bakery_baked_at: '2026-01-01T00:00:00Z' })
        const forced = await tree.bake('base', { 'force-bake': 'true' })
        expectSuccess(forced)
        expect(await results(tree)).toEqual({ base: 'hit', web: 'miss' })
        expectSuccess(await tree.bake('web'), await tree.bake('web', { 'force-bake': 'true' }), await tree.bake('web'))
        expect(tree.bakes().slice(2)).toEqual([
          { image: 'base', base: '' },
          { image: 'web', base: idOf(forced) },
          { image: 'web', base: idOf(forced) },
        ])
      })

      test('is a miss when its parent is revoked, and says why', async () => {
        await using ec2 = await startAccount()
        const { tree, base } = await bakePair(ec2)
        using _ = tree
        const { base: checksum } = await checksums(tree)
        await tag(ec2, base, { ami_bakery_revoked: 'boots badly', ami_bakery_revoked_by: OTHER_RUN })
        expect(await results(tree)).toEqual({ base: 'miss', web: 'miss' })
        await tag(ec2, base, { ami_config_checksum: `revoked:${checksum}` })
        expect(await results(tree)).toEqual({ base: 'revoked', web: 'miss' })
        const message = errorOf(await tree.bake('web'))
        expect(message).toMatch(/^base could not be baked for web: The definition of base with the checksum /)
        expect(message).toContain(`${base} (boots badly) by ${OTHER_RUN}.`)
        expect(imagesOf(tree)).toEqual(['base', 'web'])
      })
    })

    describe('while it is baked', () => {
      async function startBake(ec2: FaultyEc2) {
        const tree = makeTree(ec2, PAIR)
        const base = idOf(await tree.bake('base'))
        tree.hold('web')
        const running = tree.start({ inputs: { image: 'web' } })
        await tree.baking('web')
        return { tree, base, running, checksum: (await checksums(tree)).base ?? '' }
      }

      test('is kept with a notice when its parent is replaced, and is baked again by the next run', async () => {
        await using ec2 = await startAccount()
        const { tree, base, running, checksum } = await startBake(ec2)
        using _ = tree
        await tag(ec2, base, { ami_bakery_baked_at: '2026-01-01T00:00:00Z' })
        const newer = await ec2.makeImage({ ami_config_checksum: checksum })
        tree.release('web')
        const run = await running.ended
        expectSuccess(run)
        expect(run.annotations).toEqual([
          {
            level: 'notice',
            message: expect.stringMatching(`baked from ${base}, the image of base, but meanwhile ${newer} has`),
          },
        ])
        expect((await tagsOfImages(ec2))[idOf(run)]).toMatchObject({ ami_bakery_parent: base })
        expect(await results(tree)).toEqual({ base: 'hit', web: 'miss' })
        const next = await tree.bake('web')
        expect((await tagsOfImages(ec2))[idOf(next)]).toMatchObject({ ami_bakery_parent: newer })
      })

      test('is kept with a notice when its parent is deleted', async () => {
        await using ec2 = await startAccount()
        const { tree, base, running } = await startBake(ec2)
        using _ = tree
        await deregister(ec2, base)
        tree.release('web')
        const run = await running.ended
        expectSuccess(run)
        expect(run.annotations).toEqual([
          { level: 'notice', message: expect.stringContaining('it is no hit any more') },
        ])
        expect(await results(tree)).toEqual({ base: 'miss', web: 'hit' })
      })

      test.each([
        ['is only marked as revoked', (_: string) => ({})],
        ['is revoked', (checksum: string) => ({ ami_config_checksum: `revoked:${checksum}` })],
        ['is revoked for a new bake', (checksum: string) => ({ ami_config_checksum: `revoked-once:${checksum}` })],
        [
          'is revoked without a reason',
          (checksum: string) => ({ ami_bakery_revoked: '', ami_config_checksum: `revoked:${checksum}` }),
        ],
      ])('fails and leaves no image when its parent %s', async (_, more) => {
        await using ec2 = await startAccount()
        const { tree, base, running, checksum } = await startBake(ec2)
        using __ = tree
        const tags = { ami_bakery_revoked: 'boots badly', ...more(checksum) }
        await tag(ec2, base, tags)
        tree.release('web')
        const message = errorOf(await running.ended)
        const reason = tags.ami_bakery_revoked || 'without a reason'
        expect(message).toContain(`${base}, the image of base to bake from, was revoked during the bake (${reason}).`)
        expect(Object.keys(await tagsOfImages(ec2))).toEqual([base])
        expect((await ec2.inventory()).keyPairs).toEqual([])
      })

      test('gives its image the failed value when its own definition is revoked, and the lease goes last', async () => {
        await using ec2 = await startAccount()
        const { tree, running } = await startBake(ec2)
        using _ = tree
        const { web = '' } = await checksums(tree)
        const revoked = { ami_bakery_revoked: 'boots badly', ami_bakery_revoked_by: OTHER_RUN }
        const bad = await ec2.makeImage({ ami_config_checksum: `revoked:${web}`, ...revoked })
        tree.release('web')
        const message = errorOf(await running.ended)
        expect(message).toMatch(/^The definition of web with the checksum [0-9a-f]{40} is revoked: /)
        expect(message).toContain(`${bad} (boots badly) by ${OTHER_RUN}.`)
        const tags = Object.values(await tagsOfImages(ec2)).map(image => image.ami_config_checksum)
        expect(tags.filter(value => value?.endsWith(web)).sort()).toEqual([`failed:${web}`, `revoked:${web}`])
        expect(message).toMatch(/ami-[0-9a-f]+ is marked as failed\.$/)
        expect((await ec2.inventory()).keyPairs).toEqual([])
      })
    })

    describe('that waits for its lease', () => {
      /** Another run's lease for the image. */
      async function plantLease(ec2: FaultyEc2, tree: Tree, image: string): Promise<() => Promise<void>> {
        const checksum = (await checksums(tree))[image]
        const digest = createHash('sha1').update(`${image}/t.pkr.hcl`).digest('hex').slice(0, 8)
        const Tags = [{ Key: 'ami_bakery_run', Value: OTHER_RUN }]
        const TagSpecifications = [{ ResourceType: 'key-pair' as const, Tags }]
        const KeyName = `ami-bakery-${checksum}-${digest}`
        await ec2.client().send(new CreateKeyPairCommand({ KeyName, TagSpecifications }))
        return async () => void (await ec2.client().send(new DeleteKeyPairCommand({ KeyName })))
      }

      async function startWaiting(ec2: FaultyEc2) {
        const tree = makeTree(ec2, PAIR)
        const base = idOf(await tree.bake('base'))
        await tag(ec2, base, { ami_bakery_baked_at: '2026-01-01T00:00:00Z' })
        const release = await plantLease(ec2, tree, 'web')
        const running = tree.start({ inputs: { image: 'web' } })
        await running.printed(/Waiting: /)
        return { tree, base, running, release, checksum: (await checksums(tree)).base ?? '' }
      }

      test('is baked from the newer image of its parent', async () => {
        await using ec2 = await startAccount()
        const { tree, running, release, checksum } = await startWaiting(ec2)
        using _ = tree
        const newer = await ec2.makeImage({ ami_config_checksum: checksum })
        await release()
        const run = await running.ended
        expectSuccess(run)
        expect(tree.bakes().at(-1)).toEqual({ image: 'web', base: newer })
        expect((await tagsOfImages(ec2))[idOf(run)]).toMatchObject({ ami_bakery_parent: newer })
        expect(await results(tree)).toEqual({ base: 'hit', web: 'hit' })
      })

      test.each([
        ['revoked', { ami_bakery_revoked: 'boots badly' }, 'is revoked (boots badly)'],
        ['due for deletion', { ami_bakery_prune: '2026-01-01T00:00:00Z' }, 'has been due for deletion since'],
      ])('is not baked when its parent is %s by then', async (_, tags, reason) => {
        await using ec2 = await startAccount()
        const { tree, base, running, release } = await startWaiting(ec2)
        using __ = tree
        await tag(ec2, base, tags)
        await release()
        const message = errorOf(await running.ended)
        expect(message).toContain(`${base}, the image of base to bake from, is no hit any more: `)
        expect(message).toContain(reason)
        expect(imagesOf(tree)).toEqual(['base'])
      })

      test('is no hit for the step that has baked its parent, even if another run has baked it by then', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, PAIR)
        const { web = '' } = await checksums(tree)
        await plantLease(ec2, tree, 'web')
        const running = tree.start({ inputs: { image: 'web' } })
        await running.printed(/Waiting: /)
        const base = await hitOf(tree, 'base')
        const image = await ec2.makeImage({ ami_config_checksum: web, ami_bakery_parent: base })
        const run = await running.ended
        expectSuccess(run)
        expect(run.outputs).toMatchObject({ ami_id: image, cache_hit: 'false' })
        expect(imagesOf(tree)).toEqual(['base'])
      })
    })

    describe('in a chain of three', () => {
      test('is baked root first in one step, and log and summary show the chain', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, CHAIN)
        const run = await tree.bake('leaf')
        expectSuccess(run)
        const [base = '', mid = ''] = tree
          .bakes()
          .map(({ base }) => base)
          .slice(1)
        expect(tree.bakes()).toEqual([
          { image: 'base', base: '' },
          { image: 'mid', base },
          { image: 'leaf', base: mid },
        ])
        const tags = await tagsOfImages(ec2)
        expect([tags[base], tags[mid], tags[idOf(run)]]).toMatchObject([
          { ami_bakery_image_name: 'base' },
          { ami_bakery_image_name: 'mid', ami_bakery_parent: base },
          { ami_bakery_image_name: 'leaf', ami_bakery_parent: mid },
        ])
        expect(tags[base]).not.toHaveProperty('ami_bakery_parent')
        expectInOrder(run.log, [
          'Checksum ',
          'The image of mid is missing: it is baked first.',
          'The image of base is missing: it is baked first.',
          `Baked: ${base}, the image of base`,
          `mid is baked from ${base}, the image of base.`,
          `Baked: ${mid}, the image of mid`,
          `leaf is baked from ${mid}, the image of mid.`,
          `Baked: ${idOf(run)}`,
        ])
        expect(run.summary).toContain(`<th>Parent base</th><td><code>${base}</code> baked</td>`)
        expect(run.summary).toContain(`<th>Parent mid</th><td><code>${mid}</code> baked</td>`)
        expect(run.summary).toMatch(/base: prepare .*\n(.*\n)*mid: prepare .*\n(.*\n)*leaf: prepare /)
        expect(tree.workspace.read('leaf/.ami_id.json')).toBe(`{"ami_id": "${idOf(run)}"}`)
        expect([tree.workspace.has('mid/.ami_id.json'), tree.workspace.has('base/.ami_id.json')]).toEqual([
          false,
          false,
        ])
        expect(await results(tree)).toEqual({ base: 'hit', mid: 'hit', leaf: 'hit' })
        expect((await tree.bake('leaf')).outputs).toMatchObject({ cache_hit: 'true', ami_id: idOf(run) })
      })

      test('is a hit by one request, and a plan of all levels too', async () => {
        await using ec2 = await startAccount()
        ec2.prompt()
        using tree = makeTree(ec2, CHAIN)
        expectSuccess(await tree.bake('leaf'))
        ec2.requests.length = 0
        expect((await tree.bake('leaf')).outputs.cache_hit).toBe('true')
        expect(ec2.requests.map(({ action }) => action)).toEqual(['DescribeImages'])
        expect(await results(tree)).toEqual({ base: 'hit', mid: 'hit', leaf: 'hit' })
        expect(ec2.requests.map(({ action }) => action)).toEqual(['DescribeImages', 'DescribeImages'])
        const { leaf, mid, base } = await checksums(tree)
        const values = [...(ec2.requests[0]?.parameters ?? [])].flatMap(([name, value]) =>
          /^Filter\.1\.Value/.test(name) ? value : [],
        )
        expect(values.sort()).toEqual(
          [leaf, mid, base].flatMap(c => [`${c}`, `revoked:${c}`, `revoked:candidate:${c}`]).sort(),
        )
      })

      test('needs only what is missing: a hit above is not looked into', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, CHAIN)
        expectSuccess(await tree.bake('mid'))
        await deregister(ec2, await hitOf(tree, 'base'))
        expectSuccess(await tree.bake('leaf'))
        expect(imagesOf(tree)).toEqual(['base', 'mid', 'leaf'])
      })

      test('fails with the name of the image above that could not be baked, and keeps what is finished', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, CHAIN)
        tree.break('mid')
        const run = await tree.bake('leaf')
        expect(errorOf(run)).toMatch(/^mid could not be baked for leaf: packer build .*the package mirror is down/s)
        expect(await results(tree)).toEqual({ base: 'hit', mid: 'miss', leaf: 'miss' })
        expect(run.summary).toContain('mid could not be baked for leaf')
        tree.repair('mid')
        expectSuccess(await tree.bake('leaf'))
        expect(imagesOf(tree)).toEqual(['base', 'mid', 'mid', 'leaf'])
      })

      test('has a checksum that includes the parent’s checksum, in a plan and in the bake', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, CHAIN)
        const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
        const base = sha1(sha1('# base\n'))
        const mid = sha1(sha1('# mid\n') + sha1(`parent\0${base}`))
        const leaf = sha1(sha1('# leaf\n') + sha1(`parent\0${mid}`))
        expect(await checksums(tree)).toEqual({ base, mid, leaf })
        const run = await tree.bake('leaf', { 'on-miss': 'skip' })
        expect(run.outputs.ami_config_checksum).toBe(leaf)
      })

      test('is planned in layers, and with on-miss fail or skip nothing above is baked', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, CHAIN)
        const layers = parse(await tree.plan(), 'layers')
        expect(layers.map((layer: { image: string }[]) => layer.map(({ image }) => image))).toEqual([
          ['base'],
          ['mid'],
          ['leaf'],
        ])
        const alone = await tree.plan({ images: 'leaf' })
        expect([parse(alone, 'matrix'), parse(alone, 'layers')]).toEqual([layers[2], [layers[2]]])
        expect((await tree.bake('leaf', { 'on-miss': 'skip' })).outputs).toMatchObject({
          cache_hit: 'false',
          ami_id: '',
        })
        expect(errorOf(await tree.bake('leaf', { 'on-miss': 'fail' }))).toMatch(/^on-miss: there is no image/)
        expect(tree.bakes()).toEqual([])
      })

      test('bakes nothing when an image above has a Git LFS pointer', async () => {
        await using ec2 = await startAccount()
        using tree = makeTree(ec2, CHAIN)
        const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'
        tree.workspace.write({ 'mid/big.bin': pointer })
        expect(errorOf(await tree.bake('leaf'))).toMatch(
          /^mid could not be baked for leaf: .*big\.bin is a Git LFS pointer/,
        )
        expect(tree.bakes()).toEqual([])
      })
    })

    test('uses the base image of the plan for its parent, although a newer one has been published since', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { base: 'base-ami: newest:amazon/al2023-*', web: 'parent: base' })
      const resolved = JSON.stringify({ 'newest:amazon/al2023-*': SOURCE_IMAGE.ami_id })
      const plan = await tree.plan({ resolved })
      const web = await tree.bake('web', { resolved })
      expectSuccess(web)
      expect(web.outputs.ami_config_checksum).toBe(parse(plan, 'plan').web.ami_config_checksum)
      expect(tree.bakes()[0]).toEqual({ image: 'base', base: SOURCE_IMAGE.ami_id })
      expect(parse(await tree.plan({ resolved }), 'any_miss')).toBe(false)
      const moved = await tree.bake('web')
      expect(tree.bakes()[2]).toEqual({ image: 'base', base: NEWER.ami_id })
      expect(moved.outputs.ami_config_checksum).not.toBe(web.outputs.ami_config_checksum)
    })
  })
})

function isWaiting(job: Running): boolean {
  return job.log().includes('Waiting: ')
}

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(done => setTimeout(done, 5))
}

function expectInOrder(text: string, parts: readonly string[]): void {
  let from = 0
  for (const part of parts) {
    const at = text.indexOf(part, from)
    expect(at, `${part} in:\n${text.slice(from)}`).not.toBe(-1)
    from = at + part.length
  }
}
