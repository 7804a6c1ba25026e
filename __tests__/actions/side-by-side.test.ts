import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { fakePacker, printArtifact } from '../support/fake-packer.ts'
import { checksumTagOf, errorsOf, findAsOldTool, HOME, parse, runSub, startSub, tagsOf } from '../support/lifecycle.ts'
import { type FaultyEc2, startProxy } from '../support/proxy.ts'
import { cancel, type Run } from '../support/runner.ts'
import { CHECKSUM } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'

const CANDIDATE = { ami_config_checksum: `candidate:${CHECKSUM}` }
const WEST = 'eu-west-1'
const REASON = 'boots badly'

describe.skipIf(!hasTools('moto_server'))('processes side by side:', { concurrent: true }, () => {
  let moto: Ec2Server
  let workspace: Workspace
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
    workspace = makeWorkspace({ 'a.txt': '' })
  })
  afterAll(async () => {
    workspace[Symbol.dispose]()
    await moto.stop()
  })

  async function startAccount(): Promise<FaultyEc2> {
    return await startProxy(moto, String(430_000_000_000 + accounts++))
  }

  const revoke = (ec2: FaultyEc2, id: string, more = {}) =>
    runSub('revoke', ec2, { 'ami-id': id, reason: REASON, regions: WEST, ...more })
  const restore = (ec2: FaultyEc2, id: string) =>
    runSub('revoke', ec2, { 'ami-id': id, restore: 'true', regions: WEST })
  const publish = (ec2: FaultyEc2, id: string) =>
    startSub('publish', ec2, workspace.directory, { 'ami-id': id, regions: WEST })

  async function expectNoHit(ec2: FaultyEc2): Promise<void> {
    for (const region of [HOME, WEST]) expect(await findAsOldTool(ec2, CHECKSUM, region)).toEqual([])
  }

  const succeed = ({ exitCode, log }: Run) => expect(exitCode, log).toBe(0)

  test('a revocation that comes while a publication waits for its copy wins', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage(CANDIDATE)
    ec2.slowCopies(5_000)
    const publishing = publish(ec2, id)
    await publishing.printed(/is pending/)
    succeed(await revoke(ec2, id))
    const run = await publishing.ended
    expect(errorsOf(run), run.log).toContain(`is revoked (${REASON})`)
    expect(await checksumTagOf(ec2, id)).toBe(`revoked:candidate:${CHECKSUM}`)
    await expectNoHit(ec2)
  })

  test('a revocation that comes when a publication has tagged a copy wins, in all regions', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage(CANDIDATE)
    const publishing = publish(ec2, id)
    while (!ec2.requests.some(({ parameters }) => [...parameters.values()].includes(CHECKSUM))) await pause()
    publishing.process.kill('SIGSTOP')
    succeed(await revoke(ec2, id))
    publishing.process.kill('SIGCONT')
    const run = await publishing.ended
    expect(errorsOf(run), run.log).toContain(`is revoked (${REASON})`)
    expect(await checksumTagOf(ec2, id)).toMatch(new RegExp(`^revoked:(candidate:)?${CHECKSUM}$`))
    await expectNoHit(ec2)
  })

  test('a publication that begins between the objection and the value of a revocation is refused', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage(CANDIDATE)
    ec2.fail({ action: 'CreateTags', about: /=revoked:/, delay: 4_000 })
    const revoking = revoke(ec2, id)
    while (!ec2.requests.some(({ parameters }) => [...parameters.values()].includes(`revoked:candidate:${CHECKSUM}`))) {
      await pause()
    }
    const run = await publish(ec2, id).ended
    expect(errorsOf(run)).toBe(
      `ami-id: ${id} in ${HOME} is revoked (${REASON}). Restore it first, or bake another one.`,
    )
    succeed(await revoking)
    await expectNoHit(ec2)
  })

  test('two publications of one image make one copy, and both succeed', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage(CANDIDATE)
    ec2.slowCopies(1_000)
    const runs = await Promise.all([publish(ec2, id).ended, publish(ec2, id).ended])
    for (const run of runs) succeed(run)
    expect(runs[0]?.outputs.ami_ids).toBe(runs[1]?.outputs.ami_ids)
    expect((await ec2.inventory(WEST)).images).toHaveLength(1)
  })

  test('two revocations of one image both succeed, and one restore undoes them', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage(CANDIDATE)
    for (const run of await Promise.all([revoke(ec2, id), revoke(ec2, id)])) succeed(run)
    expect(await checksumTagOf(ec2, id)).toBe(`revoked:candidate:${CHECKSUM}`)
    succeed(await restore(ec2, id))
    expect(await checksumTagOf(ec2, id)).toBe(`candidate:${CHECKSUM}`)
    expect((await tagsOf(ec2, id)).ami_bakery_revoked).toBe('')
    succeed(await publish(ec2, id).ended)
  })

  test('a publication that is cancelled while it copies leaves a candidate, and the next one takes its copy', async () => {
    await using ec2 = await startAccount()
    const id = await ec2.makeImage(CANDIDATE)
    ec2.slowCopies(4_000)
    const publishing = publish(ec2, id)
    await publishing.printed(/is pending/)
    const run = await cancel(publishing)
    expect(run.exitCode).toBe(1)
    expect(run.log).toContain('Started copies continue on EC2.')
    expect(await checksumTagOf(ec2, id)).toBe(`candidate:${CHECKSUM}`)
    await expectNoHit(ec2)
    const next = await publish(ec2, id).ended
    succeed(next)
    expect(parse(next, 'ami_ids')[id][WEST]).toBe((await findAsOldTool(ec2, CHECKSUM, WEST)).join())
  })

  test('a bake whose definition is revoked before its last tag makes no hit', async () => {
    await using ec2 = await startAccount()
    const [known, baked] = [await ec2.makeImage(CANDIDATE), await ec2.makeImage({})]
    const wait = `while [ ! -f "$0.go" ]; do sleep 0.1; done\n`
    using scene = fakePacker(ec2, `${wait}${printArtifact(`${HOME}:${baked}`)}`)
    const baking = scene.start()
    await scene.building()
    succeed(await revoke(ec2, known))
    scene.workspace.write({ 'bin/packer.go': '' })
    const run = await baking.ended
    expect(run.exitCode, run.log).toBe(1)
    expect(errorsOf(run)).toContain('is revoked')
    expect(await checksumTagOf(ec2, baked)).toBe(`failed:${CHECKSUM}`)
    await expectNoHit(ec2)
  })

  test('a revoked definition is baked again only with rebake', async () => {
    await using ec2 = await startAccount()
    const [known, baked] = [await ec2.makeImage({ ami_config_checksum: CHECKSUM }), await ec2.makeImage({})]
    using scene = fakePacker(ec2, printArtifact(`${HOME}:${baked}`))
    succeed(await revoke(ec2, known))
    const refused = await scene.start().ended
    expect(errorsOf(refused), refused.log).toContain(known)
    succeed(await revoke(ec2, known, { rebake: 'true' }))
    const run = await scene.start().ended
    expect(run.outputs.ami_id, run.log).toBe(baked)
    expect(await findAsOldTool(ec2, CHECKSUM)).toEqual([baked])
  })
})

async function pause(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 5))
}
