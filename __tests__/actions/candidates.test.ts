import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import type { FaultyEc2 } from '../support/proxy.ts'
import { hasTools } from '../support/tools.ts'
import { errorOf, expectSuccess, imagesOf, makeTree, parse, type Tree, tag, tagsOfImages } from '../support/tree.ts'

const RUN = 'https://github.com/example/other/actions/runs/1/attempts/1'

/** What a plan has for an image. */
async function entryOf(tree: Tree, image: string): Promise<Record<string, string>> {
  return parse(await tree.plan(), 'plan')[image]
}

describe.skipIf(!hasTools('moto_server'))('the main action', { concurrent: true }, () => {
  // The emulator answers once before: its first answer takes some time.
  const startAccount = useAccounts({ prepare: ec2 => ec2.inventory() })

  describe('an image that is not published yet', () => {
    test.each([
      ['by the file', 'candidate: true', {}],
      ['by an input', '', { candidate: 'true' }],
      ['by the file, which an input can’t switch off', 'candidate: true', { candidate: 'false' }],
    ])('is baked once (%s), is found again, and is copied nowhere', async (_, settings, inputs) => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: `regions: [eu-west-1]${settings && `, ${settings}`}` })
      const first = await tree.bake('web', inputs)
      expectSuccess(first)
      const { ami_id: id = '', ami_config_checksum: checksum } = first.outputs
      expect(first.outputs).toMatchObject({
        state: 'candidate',
        cache_hit: 'false',
        ami_ids: JSON.stringify({ 'us-east-1': id }),
      })
      expect((await tagsOfImages(ec2))[id]).toMatchObject({ ami_config_checksum: `candidate:${checksum}` })
      const again = await tree.bake('web', { ...inputs, 'on-miss': 'fail' })
      expect(again.outputs, again.log).toMatchObject({ state: 'candidate', cache_hit: 'true', ami_id: id })
      expect(again.log).toContain('a candidate that is not published yet')
      expect(again.summary).toContain('candidate, not published')
      expect(tree.workspace.read('web/.ami_id.json')).toBe(`{"ami_id": "${id}"}`)
      expect(imagesOf(tree)).toEqual(['web'])
      expect(ec2.requests.map(({ action }) => action)).not.toContain('CopyImage')
    })

    test('is no hit without candidate, and once it is published it is one with that state', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: '' })
      const { outputs } = await tree.bake('web', { candidate: 'true' })
      const { ami_id: id = '', ami_config_checksum: checksum = '' } = outputs
      const skipped = await tree.bake('web', { 'on-miss': 'skip' })
      expect(skipped.outputs).toMatchObject({ ami_id: '', state: '', cache_hit: 'false', last_ami_id: '' })
      expect(await entryOf(tree, 'web')).toMatchObject({ result: 'miss' })
      await tag(ec2, id, { ami_config_checksum: checksum })
      for (const candidate of ['true', 'false']) {
        const run = await tree.bake('web', { candidate, 'on-miss': 'fail' })
        expect(run.outputs, run.log).toMatchObject({ ami_id: id, state: 'published', cache_hit: 'true' })
      }
      expect(imagesOf(tree)).toEqual(['web'])
    })

    test('is a candidate in a plan: no row, no hit, and no file', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: 'candidate: true, regions: [eu-west-1]', db: '' })
      const { ami_id: id } = (await tree.bake('web')).outputs
      await tree.bake('db')
      const plan = await tree.plan({ 'on-miss': 'fail' })
      expect(parse(plan, 'plan').web).toMatchObject({ result: 'candidate', ami_id: id })
      expect(plan.outputs).toMatchObject({ matrix: '[]', any_miss: 'false', layers: '[]' })
      expect(Object.keys(parse(plan, 'ami_ids'))).toEqual(['db'])
      expect(errorOf(plan)).toContain('web (candidate)')
      expect(tree.workspace.has('.ami_ids.json')).toBe(false)
    })

    test('may be baked on a candidate of its parent; one that is to be published may not', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, {
        base: 'candidate: true',
        web: 'parent: base',
        trial: 'parent: base, candidate: true',
      })
      const trial = await tree.bake('trial')
      expectSuccess(trial)
      const base = tree.bakes()[1]?.base ?? ''
      const tags = await tagsOfImages(ec2)
      expect(tags[base]?.ami_config_checksum).toMatch(/^candidate:/)
      expect(tags[trial.outputs.ami_id ?? '']).toMatchObject({ ami_bakery_parent: base })
      const message = errorOf(await tree.bake('web'))
      expect(message).toBe(
        'base could not be baked for web: it is a candidate by the images file, but web is none: publish base first.',
      )
      expect(imagesOf(tree)).toEqual(['base', 'trial'])
      const [checksum] = /[0-9a-f]{40}$/.exec(tags[base]?.ami_config_checksum ?? '') ?? []
      await tag(ec2, base, { ami_config_checksum: checksum ?? '' })
      const web = await tree.bake('web')
      expectSuccess(web)
      expect(web.outputs.state).toBe('published')
      expect((await tree.bake('trial')).outputs).toMatchObject({ cache_hit: 'true', state: 'candidate' })
      expect(tree.bakes()[2]).toEqual({ image: 'web', base })
    })

    test('passes its value to Packer as config_checksum', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: 'candidate: true' })
      const packer = tree.workspace
        .read('bin/packer')
        .replace('echo "$image $base"', 'echo "$*" > "$state/arguments"\n$&')
      tree.workspace.write({ 'bin/packer': packer })
      const { outputs } = await tree.bake('web')
      expect(tree.workspace.read('.state/arguments')).toContain(
        `-var=config_checksum=candidate:${outputs.ami_config_checksum} `,
      )
    })
  })

  describe('a revoked definition', () => {
    async function revoke(ec2: FaultyEc2, tree: Tree, prefix = 'revoked:') {
      const run = await tree.bake('web')
      expectSuccess(run)
      const { ami_id: id = '', ami_config_checksum: checksum = '' } = run.outputs
      await tag(ec2, id, {
        ami_config_checksum: prefix + checksum,
        ami_bakery_revoked: 'boots\nbadly',
        ami_bakery_revoked_by: `${RUN} attempt 1, octocat`,
      })
      return { id, checksum }
    }

    test.each([
      ['', {}],
      ['with force-bake', { 'force-bake': 'true' }],
      ['with candidate', { candidate: 'true' }],
      ['without waiting', { 'wait-for-other-bakes': '0' }],
      ['with on-miss fail', { 'on-miss': 'fail' }],
    ])('is not baked %s: the error has reason, run and id', async (_, inputs) => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: '' })
      const { id, checksum } = await revoke(ec2, tree)
      const run = await tree.bake('web', inputs)
      expect(errorOf(run)).toBe(
        `The definition of web with the checksum ${checksum} is revoked: ${id} (boots\\u000abadly) by ${RUN} attempt 1, octocat. ` +
          'Change the definition, restore the image, or revoke it again with rebake: true.',
      )
      expect(imagesOf(tree)).toEqual(['web'])
    })

    test('is a miss with on-miss skip, and revoked without a row in a plan', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: '' })
      const { id } = await revoke(ec2, tree)
      const skipped = await tree.bake('web', { 'on-miss': 'skip' })
      expectSuccess(skipped)
      expect(skipped.outputs).toMatchObject({ ami_id: '', cache_hit: 'false', state: '' })
      const plan = await tree.plan()
      expect(plan.outputs).toMatchObject({ matrix: '[]', any_miss: 'false', layers: '[]', ami_ids: '{}' })
      expect(parse(plan, 'plan').web).toMatchObject({
        result: 'revoked',
        reason: expect.stringMatching(`${id} .*boots`),
      })
      expect(parse(plan, 'plan').web).not.toHaveProperty('ami_id')
      expect(errorOf(await tree.plan({ 'on-miss': 'fail' }))).toContain('web (revoked)')
    })

    test('may be baked again after a change, after a restore, or when it is revoked with rebake', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: '' })
      const { id, checksum } = await revoke(ec2, tree)
      const template = tree.workspace.read('web/t.pkr.hcl')
      tree.workspace.write({ 'web/t.pkr.hcl': '# another\n' })
      expectSuccess(await tree.bake('web'))
      tree.workspace.write({ 'web/t.pkr.hcl': template })
      await tag(ec2, id, { ami_config_checksum: checksum, ami_bakery_revoked: '' })
      expect((await tree.bake('web')).outputs).toMatchObject({ ami_id: id, cache_hit: 'true' })
      await tag(ec2, id, { ami_config_checksum: `revoked-once:${checksum}`, ami_bakery_revoked: 'bad luck' })
      expect(await entryOf(tree, 'web')).toMatchObject({ result: 'miss' })
      const anew = await tree.bake('web')
      expectSuccess(anew)
      expect(anew.outputs.ami_id).not.toBe(id)
      expect(imagesOf(tree)).toEqual(['web', 'web', 'web'])
    })

    test('blocks nothing while another published image is good', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: '' })
      const { checksum } = await revoke(ec2, tree)
      const good = await ec2.makeImage({ ami_config_checksum: checksum, ami_bakery_template: 'web/t.pkr.hcl' })
      expect((await tree.bake('web')).outputs).toMatchObject({ ami_id: good, cache_hit: 'true' })
      expectSuccess(await tree.bake('web', { 'max-age-days': '0' }))
      expect(imagesOf(tree)).toEqual(['web', 'web'])
    })

    test('that is revoked during the bake makes the image of a template that tags it itself no hit before the lease goes', async () => {
      await using ec2 = await startAccount()
      using tree = makeTree(ec2, { web: '' })
      const { web } = parse(await tree.plan(), 'plan')
      const tagging = `curl --silent --output /dev/null "$AWS_ENDPOINT_URL_EC2" \\
  --header 'authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request' \\
  --data "Action=CreateTags&Version=2016-11-15&ResourceId.1=$id&Tag.1.Key=ami_config_checksum&Tag.1.Value=${web.ami_config_checksum}"\n`
      tree.workspace.write({
        'bin/packer': tree.workspace.read('bin/packer').replace('echo "1,,ui,message', `${tagging}$&`),
      })
      tree.hold('web')
      const running = tree.start({ inputs: { image: 'web' } })
      await tree.baking('web')
      const block = { ami_config_checksum: `revoked:candidate:${web.ami_config_checksum}`, ami_bakery_revoked: 'x' }
      const bad = await ec2.makeImage(block)
      tree.release('web')
      const message = errorOf(await running.ended)
      // Its own image is published by its template, so that it is judged by what EC2 has besides it.
      expect(message).toContain(`is revoked: ${bad} (x)`)
      const values = Object.values(await tagsOfImages(ec2)).map(tags => tags.ami_config_checksum)
      expect(values.sort()).toEqual([`failed:${web.ami_config_checksum}`, block.ami_config_checksum].sort())
    })
  })
})
