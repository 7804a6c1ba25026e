import fs from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { cancelWhen, type Interruption, killAllWhen, killWhen, makeTable } from '../support/interruption.ts'
import type { Run } from '../support/runner.ts'
import { canSetScene, processesIn, type Scene, setScene, takeStock } from '../support/scene.ts'
import { parse, tagsOfImages } from '../support/tree.ts'
import { hclTemplate } from '../support/workspace.ts'

const CHAIN = ['base', 'mid', 'leaf'] as const

const FILE = `defaults: { aws-region: us-east-1, strict: true }
images:
  base: { packer-template: base/t.pkr.hcl, ami-definition-dirs: base }
  mid: { parent: base, packer-template: mid/t.pkr.hcl, ami-definition-dirs: mid }
  leaf: { parent: mid, packer-template: leaf/t.pkr.hcl, ami-definition-dirs: leaf }
`

/** A template whose build has the name of its image, and which bakes from the parent's image. */
function template(image: string, more = ''): string {
  const own = hclTemplate(more)
    .replaceAll('amazon-ebs" "app"', `amazon-ebs" "${image}"`)
    .replaceAll('ebs.app', `ebs.${image}`)
  if (image === 'base') return own
  return `variable "base_ami" { type = string }\n${own.replace(/source_ami .*/, 'source_ami = var.base_ami')}`
}

async function setChain(moto: Ec2Server): Promise<Scene> {
  const scene = await setScene(moto, hclTemplate())
  scene.workspace.write({ 'ami-bakery.yml': FILE })
  for (const image of CHAIN) scene.workspace.write({ [`${image}/t.pkr.hcl`]: template(image) })
  return scene
}

/** How a bake of the chain is interrupted, when Packer has printed that it is so far. */
const WAYS: readonly (readonly [
  name: string,
  far: string,
  (pattern: RegExp) => Interruption['interrupt'],
  slow: number,
])[] = [
  ['cancelled while it launches', 'Launching a source', cancelWhen, 0],
  ['cancelled while the AMI is pending', 'Waiting for AMI', cancelWhen, 3_000],
  ['killed with node', 'Waiting for AMI', killWhen, 3_000],
  ['killed with Packer and node', 'Waiting for AMI', killAllWhen, 3_000],
]

const rows = CHAIN.flatMap((image, finished) =>
  WAYS.map(([way, far, interrupt, slow]) => ({
    name: `${image} ${way}`,
    finished: CHAIN.slice(0, finished),
    interrupt: interrupt(new RegExp(`amazon-ebs\\.${image}: ${far}`)),
    slow,
  })),
)
const table = makeTable(rows.map(({ name }) => name))

describe.skipIf(!canSetScene)('a chain of three images', { concurrent: true }, () => {
  let moto: Ec2Server
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(async () => {
    table.print()
    await moto.stop()
  })

  function expectError({ exitCode, annotations, outputs, log }: Run, message: RegExp): void {
    expect(exitCode, log).toBe(1)
    expect(outputs).not.toHaveProperty('ami_id')
    const errors = annotations.filter(({ level }) => level === 'error')
    expect(errors).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
  }

  test('is baked by one step from the parent’s image each, and is a hit and a plan of hits afterwards', async () => {
    await using scene = await setChain(moto)
    const run = await scene.start({ inputs: { image: 'leaf' } }).ended
    expect(run.exitCode, run.log).toBe(0)
    const images = await tagsOfImages(scene.ec2)
    const idOf = (name: string) => Object.entries(images).find(([, tags]) => tags.ami_bakery_image_name === name)?.[0]
    expect(images[idOf('mid') ?? '']).toMatchObject({ ami_bakery_parent: idOf('base') })
    expect(images[idOf('leaf') ?? '']).toMatchObject({ ami_bakery_parent: idOf('mid') })
    const launched = scene.ec2.requests.filter(({ action }) => action === 'RunInstances')
    expect(launched.map(({ parameters }) => parameters.get('ImageId')).slice(1)).toEqual([idOf('base'), idOf('mid')])
    const again = await scene.start({ inputs: { image: 'leaf' } }).ended
    expect(again.outputs).toMatchObject({ cache_hit: 'true', ami_id: idOf('leaf') })
    const plan = await scene.start({ action: 'plan', inputs: {} }).ended
    expect(parse(plan, 'ami_ids')).toEqual(Object.fromEntries(CHAIN.map(name => [name, idOf(name)])))
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ instances: [], keyPairs: [], securityGroups: [] })
  })

  test.for(rows.map(row => [row.name, row] as const))(
    'leaves nothing but what is finished, and no hit: %s',
    async ([name, { finished, interrupt, slow }]) => {
      await using scene = await setChain(moto)
      scene.ec2.slowImages(slow)
      const running = scene.start({ inputs: { image: 'leaf' }, env: { ...scene.env, AMI_BAKERY_TIME_SCALE: '0.3' } })
      const run = await interrupt(running, scene)
      scene.ec2.slowImages(0)
      const post = await running.post()
      const stock = await takeStock(scene.ec2, 'us-east-1')
      table.add(name, stock, post)
      const log = `${running.log()}\n--- post ---\n${post.log}`
      expect(stock, log).toMatchObject({ instances: [], keyPairs: [], securityGroups: [] })
      expect(
        Object.values(await tagsOfImages(scene.ec2)).map(tags => tags.ami_bakery_image_name),
        log,
      ).toEqual(finished)
      expect(stock.snapshots, log).toHaveLength(finished.length)
      expect([post.exitCode, post.annotations], log).toEqual([0, []])
      expect(processesIn(await scene.packer()), log).toEqual([])
      expect(fs.readdirSync(running.temp).filter(file => file.startsWith('ami-bakery'))).toEqual([])
      expect(run?.outputs, log).not.toHaveProperty('ami_id')
      const plan = parse(await scene.start({ action: 'plan', inputs: {} }).ended, 'plan')
      const hits = CHAIN.filter(image => plan[image].result === 'hit')
      expect(hits).toEqual(finished)
    },
  )

  test('fails before it bakes the child when its template does not declare base_ami, and names the line of parent', async () => {
    await using scene = await setChain(moto)
    scene.workspace.write({ 'mid/t.pkr.hcl': hclTemplate() })
    const run = await scene.start({ inputs: { image: 'mid' } }).ended
    expectError(
      run,
      /^images-file: ami-bakery\.yml:4: image mid: parent: The template does not declare the variable base_ami\./,
    )
    expect(await takeStock(scene.ec2, 'us-east-1')).toMatchObject({ instances: [], images: [expect.any(String)] })
  })

  test('refuses the name of a candidate that holds config_checksum, and says why', async () => {
    await using scene = await setChain(moto)
    const named = template('base').replace(/uuidv4\(\)/, 'var.config_checksum')
    scene.workspace.write({ 'base/t.pkr.hcl': `variable "config_checksum" { type = string }\n${named}` })
    const run = await scene.start({ inputs: { image: 'base', candidate: 'true' } }).ended
    expectError(
      run,
      /^packer validate failed: .*Remove the variable config_checksum from ami_name.*candidate:<checksum>/s,
    )
    expect((await takeStock(scene.ec2, 'us-east-1')).images).toEqual([])
    const published = await scene.start({ inputs: { image: 'base' } }).ended
    expect(published.exitCode, published.log).toBe(0)
  })
})
