import { DescribeImagesCommand, EC2Client } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { FAILING, FAST } from '../support/interruption.ts'
import { STRANGER } from '../support/proxy.ts'
import { canSetScene, type Scene, setScene, takeStock } from '../support/scene.ts'
import { hclTemplate, withSteps } from '../support/workspace.ts'

const { AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET } = STRANGER
const CREDENTIALS = `[elsewhere]\naws_access_key_id = ${KEY}\naws_secret_access_key = ${SECRET}\n`
const OTHER_KEYS = `access_key = "${KEY}"\n  secret_key = "${SECRET}"`

describe.skipIf(!canSetScene)('Packer with credentials of another account', { concurrent: true }, () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
    await moto.inventory()
  })
  afterAll(() => moto.stop())

  /** Sets a scene with a profile of another account. */
  async function sceneWith(template: string): Promise<Scene & { readonly env: Readonly<Record<string, string>> }> {
    const scene = await setScene(moto, template)
    scene.workspace.write({ credentials: CREDENTIALS })
    const files = {
      AWS_SHARED_CREDENTIALS_FILE: `${scene.workspace.directory}/credentials`,
      AWS_CONFIG_FILE: '/nowhere',
    }
    return { ...scene, env: { ...scene.env, ...FAST, ...files } }
  }

  /** The tags of an image in that account; `undefined` where it is not. */
  async function findElsewhere({ ec2 }: Scene, id: string): Promise<readonly unknown[] | undefined> {
    const credentials = { accessKeyId: KEY, secretAccessKey: SECRET }
    const client = new EC2Client({ region: 'us-east-1', endpoint: ec2.endpoint, credentials })
    const { Images = [] } = await client.send(new DescribeImagesCommand({ Owners: ['self'] }))
    return Images.filter(({ ImageId }) => ImageId === id).map(({ Tags = [] }) => Tags)[0]
  }

  test('the keys in the environment take precedence over AWS_PROFILE, for the action as for Packer, and the log says so', async () => {
    await using scene = await sceneWith(hclTemplate())
    const env = { ...scene.env, AWS_PROFILE: 'elsewhere' }
    const run = await scene.start({ env }).ended
    expect([run.exitCode, run.annotations], run.log).toEqual([0, []])
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({
      images: [run.outputs.ami_config_checksum],
      instances: [],
      keyPairs: [],
    })
    expect(run.log.match(/^.*AWS_PROFILE.*$/gm)).toEqual([
      'Using AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as credentials, as Packer does; AWS_PROFILE is ignored.',
    ])
    expect(run.log).not.toContain('Multiple credential sources')
    expect((await scene.start({ env }).ended).outputs).toMatchObject({ ami_id: run.outputs.ami_id, cache_hit: 'true' })
  })

  test.each([
    ['access_key', OTHER_KEYS],
    ['profile', 'profile = "elsewhere"'],
  ])(
    'an image that Packer created in another account by %s is named in the error after three minutes',
    async (_, more) => {
      await using scene = await sceneWith(hclTemplate(more))
      const running = scene.start({ env: scene.env })
      const run = await running.ended
      expect(
        run.annotations.map(({ level }) => level),
        run.log,
      ).toEqual(['error'])
      const message = run.annotations[0]?.message ?? ''
      const [, id = ''] =
        /^EC2 does not know (ami-[0-9a-f]+) in us-east-1, 3 minutes after Packer created it\. /.exec(message) ?? []
      expect(message).toMatch(/Packer works in another account than this step\. .*profile, assume_role, access_key/)
      expect(message).toMatch(/This step's account is \d{12}\./)
      expect(message).toContain(`${id} is left in that account, without the tag ami_config_checksum.`)
      expect(message).toContain(`aws ec2 describe-images --region us-east-1 --image-ids ${id}`)
      expect(message).not.toMatch(/pending|Could not remove|terminate-instances/)
      expect(await findElsewhere(scene, id)).toEqual([])
      expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ images: [], instances: [], keyPairs: [] })
      const questions = scene.ec2.requests.filter(({ parameters }) => parameters.get('ImageId.1') === id)
      const ours = questions.filter(({ agent }) => agent.includes('ami-bakery'))
      // An image that the other account shares with this one is not this account's.
      expect(new Set(ours.map(({ parameters }) => parameters.get('Owner.1')))).toEqual(new Set(['self']))
      // Half an hour would be 180 s.
      expect(run.seconds).toBeLessThan(90)
      expect((await running.post()).annotations).toEqual([])
    },
  )

  test('the instance of a bake that failed in another account is not listed as one of this account', async () => {
    await using scene = await sceneWith(withSteps(hclTemplate(OTHER_KEYS), FAILING))
    const run = await scene.start({ env: scene.env }).ended
    expect(
      run.annotations.map(({ level }) => level),
      run.log,
    ).toEqual(['warning', 'error'])
    expect(run.annotations[0]?.message).toMatch(
      /^Instance i-[0-9a-f]+ was not found, .*Packer works in another account/,
    )
    expect(run.annotations[1]?.message).toMatch(/^packer build exited with code 1/)
    expect(run.log).not.toContain('terminate-instances')
  })
})
