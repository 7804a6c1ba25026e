import { CreateTagsCommand } from '@aws-sdk/client-ec2'
import { describe, expect, test } from 'vitest'
import { useAccounts } from '../support/accounts.ts'
import { imagesAnswer } from '../support/answers.ts'
import { fakePacker, printArtifact } from '../support/fake-packer.ts'
import { CHECKSUM, tagSet } from '../support/tags.ts'
import { hasTools } from '../support/tools.ts'

const LOOK_UP = /=tag:ami_config_checksum$/

describe.skipIf(!hasTools('moto_server'))('the look-up of a run that waits', () => {
  const startAccount = useAccounts()

  function item(id: string, tags: Record<string, string>): string {
    const image = `<imageId>${id}</imageId><imageState>available</imageState><creationDate>2099-01-01T00:00:00.000Z</creationDate>`
    return `<item>${image}${tagSet({ ami_config_checksum: CHECKSUM, ...tags })}</item>`
  }

  test('a run that waits for another does not return an image that the first look-up skips, nor one of a failed bake', async () => {
    await using ec2 = await startAccount()
    const baked = await ec2.makeImage({})
    using first = fakePacker(ec2, `while [ ! -e "$0.go" ]; do sleep 0.1; done; ${printArtifact(`us-east-1:${baked}`)}`)
    using second = fakePacker(ec2, 'echo A second bake; exit 1')
    const env = { AMI_BAKERY_TIME_SCALE: '0.05' }
    const bake = first.start({ env })
    await first.building()
    const others = [
      item('ami-00000001', { ami_config_checksum: `failed:${CHECKSUM}` }),
      item('ami-00000002', { 'aws:backup:source-resource': 'i-1' }),
      item('ami-00000003', { ami_bakery_revoked: 'boots badly' }),
      item('ami-00000004', { ami_bakery_prune: '2026-01-01T00:00:00Z' }),
      item('ami-00000005', { ami_bakery_template: 'other.json' }),
    ]
    ec2.fail({ action: 'DescribeImages', about: LOOK_UP, answer: imagesAnswer(others.join('')) })
    ec2.requests.length = 0
    const wait = second.start({ env })
    await Promise.race([ec2.asked('DescribeImages', 6), wait.ended])
    ec2.mend()
    first.workspace.write({ 'bin/packer.go': '' })
    const [one, two] = [await bake.ended, await wait.ended]
    expect(one.outputs, one.log).toMatchObject({ ami_id: baked, cache_hit: 'false' })
    expect(two.outputs, two.log).toMatchObject({ ami_id: baked, cache_hit: 'true' })
    // Each is reported once, by the first look-up.
    const notices = two.annotations.map(({ level, message }) => [level, message.slice(0, 12)])
    expect(notices.sort()).toEqual([2, 3, 4, 5].map(number => ['notice', `ami-0000000${number}`]))
  })

  test.each([
    ['ami_bakery_revoked', 'boots badly', 'is revoked (boots badly)'],
    ['ami_bakery_prune', '2026-01-01T00:00:00Z', 'has been due for deletion since 2026-01-01T00:00:00Z'],
  ])('a bake whose template sets the tag %s=%s fails, because no look-up returns the image', async (...row) => {
    const [key, value, why] = row
    await using ec2 = await startAccount()
    const baked = await ec2.makeImage({ [key]: value })
    using scene = fakePacker(ec2, printArtifact(`us-east-1:${baked}`))
    const run = await scene.start().ended
    expect(run.outputs, run.log).toEqual({ ami_config_checksum: CHECKSUM, cache_hit: 'false', last_ami_id: '' })
    const reason = `The look-up in us-east-1 does not return the new image: ${baked} also has the checksum, but ${why}`
    expect(run.annotations).toEqual([{ level: 'error', message: expect.stringContaining(reason) }])
    // The next run does not find the image either.
    expect(run.annotations[0]?.message).toMatch(new RegExp(`\\n${baked} is kept\\.$`))
    expect((await ec2.inventory()).images.map(({ ImageId }) => ImageId)).toEqual([baked])
  })

  test('a run that waits until its own image is found logs it once', async () => {
    await using ec2 = await startAccount()
    const baked = await ec2.makeImage({})
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${baked}`)}`)
    const running = scene.start()
    await scene.building()
    const old = item(baked, { ami_config_checksum: 'old' })
    ec2.fail({ action: 'DescribeImages', about: LOOK_UP, answer: imagesAnswer(old), times: 3 })
    const run = await running.ended
    expect(run.outputs.ami_id, run.log).toBe(baked)
    expect(run.log.match(/Waiting up to 5 minutes until EC2 finds ami-\w+ in us-east-1 by its tags\./g)).toHaveLength(1)
  })
  test('a bake does not wait for an image that is revoked right after its last tag', async () => {
    await using ec2 = await startAccount()
    const baked = await ec2.makeImage({})
    using scene = fakePacker(ec2, `sleep 1; ${printArtifact(`us-east-1:${baked}`)}`)
    const running = scene.start({ env: { AMI_BAKERY_TIME_SCALE: '0.5' } })
    await scene.building()
    ec2.fail({ action: 'DescribeImages', about: LOOK_UP, answer: imagesAnswer('') })
    await running.printed(/Waiting up to 5 minutes until EC2 finds/)
    const Tags = [
      { Key: 'ami_config_checksum', Value: `revoked:${CHECKSUM}` },
      { Key: 'ami_bakery_revoked', Value: 'boots badly' },
    ]
    await ec2.client().send(new CreateTagsCommand({ Resources: [baked], Tags }))
    const run = await running.ended
    const message = `${baked} in us-east-1 is revoked (boots badly) since it was tagged.\n${baked} is kept.`
    expect(run.annotations).toEqual([{ level: 'error', message }])
    expect(run.seconds).toBeLessThan(60)
  })
})
