import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { kill } from '../support/interruption.ts'
import type { Run } from '../support/runner.ts'
import { canSetScene, INPUTS, NOTHING, setScene, takeStock } from '../support/scene.ts'
import { hclTemplate, jsonTemplate, selfTaggingTemplate, withSteps } from '../support/workspace.ts'

let moto: Ec2Server

describe.skipIf(!canSetScene)('builds of a real Packer', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  describe.for(['ubuntu:22.04', 'a: b', ' Grüße, [x] {y} 100% ==> b ', 'two\nlines'])('a build named %j', name => {
    for (const language of ['json', 'hcl2'] as const) {
      const template = language === 'json' ? namedJson : namedHcl2

      test(`a failed build with this name leaves no hit: ${JSON.stringify(name)} (${language})`, async () => {
        await using scene = await setScene(moto, hclTemplate())
        const steps = template(name, 'echo changed >> setup.sh')
        scene.workspace.write({ [`ami/${steps.file}`]: steps.content, 'ami/setup.sh': 'echo hello\n' })
        const run = await scene.start({ inputs: inputsOf(steps.file) }).ended
        // A line feed in the name cuts the artifact's line before the image's id.
        expectFailure(run, name.includes('\n') ? /reported no AMI/ : /^ami-definition-dirs: Changed during the bake/)
        const { images, snapshots, ...rest } = await takeStock(scene.ec2, 'us-east-1')
        expect(rest, run.log).toEqual({ instances: [], keyPairs: [], securityGroups: [] })
        expect([images, snapshots.length], run.log).toEqual([[`failed:${run.outputs.ami_config_checksum}`], 1])
        scene.workspace.write({ 'ami/setup.sh': 'echo hello\n' })
        const again = await scene.start({ inputs: { ...inputsOf(steps.file), 'on-miss': 'skip' } }).ended
        expect(again.outputs, again.log).toMatchObject({ ami_id: '', cache_hit: 'false' })
      })

      test(`a killed build with this name leaves nothing: ${JSON.stringify(name)} (${language})`, async () => {
        await using scene = await setScene(moto, hclTemplate())
        const steps = template(name, 'echo waiting; sleep 600')
        scene.workspace.write({ [`ami/${steps.file}`]: steps.content })
        const running = scene.start({ inputs: inputsOf(steps.file) })
        await running.printed(/: waiting$/m)
        process.kill(-(await scene.packer()), 'SIGKILL')
        await kill(running)
        const post = await running.post()
        expect([post.exitCode, post.annotations], post.log).toEqual([0, []])
        expect(post.log).toMatch(/Terminating i-/)
        expect(await takeStock(scene.ec2, 'us-east-1'), post.log).toEqual(NOTHING)
      })
    }
  })

  describe('two builds that create something on EC2', () => {
    const second = hclTemplate()
      .slice(hclTemplate().indexOf('source "amazon-ebs"'))
      .replace('"app"', '"other"')
      .replace(/^build .*/m, '')
    const both = 'build { sources = ["source.amazon-ebs.app", "source.amazon-ebs.other"] }'
    const two = (more = '') => `${hclTemplate(more).replace(/^build .*/m, both)}${second.replace('{', `{\n  ${more}`)}`
    const dynamic = hclTemplate()
      .replace(/instance_type .*/, '')
      .replace(
        /^build .*/m,
        `build {
  dynamic "source" {
    for_each = { a = "t3.micro", b = "t3.small" }
    labels   = ["source.amazon-ebs.app"]
    content {
      name          = source.key
      instance_type = source.value
    }
  }
}`,
      )
    const ebsvolume = `${hclTemplate().replace(/^build .*/m, both.replace('amazon-ebs.other', 'amazon-ebsvolume.other'))}
source "amazon-ebsvolume" "other" {
  region        = var.aws_region
  source_ami    = "ami-03cf127a"
  instance_type = "t3.micro"
  communicator  = "none"
}`

    test.for([
      ['two plain builds', two(), ['amazon-ebs.app', 'amazon-ebs.other']],
      [
        'two builds with skip_create_ami = false',
        two('skip_create_ami = false'),
        ['amazon-ebs.app', 'amazon-ebs.other'],
      ],
      ['two builds with skip_create_ami = true', two('skip_create_ami = true'), ['amazon-ebs.app', 'amazon-ebs.other']],
      ['two builds that overwrite images', two('force_deregister = true'), ['amazon-ebs.app', 'amazon-ebs.other']],
      ['two builds with copies', two('ami_regions = ["eu-west-1"]'), ['amazon-ebs.app', 'amazon-ebs.other']],
      [
        'two builds that share a name',
        hclTemplate().replace(/^build .*/m, '$&\n$&'),
        ['amazon-ebs.app, amazon-ebs.app'],
      ],
      ['two builds of a dynamic block', dynamic, ['amazon-ebs.a', 'amazon-ebs.b']],
      ['a build of an image and one of a volume', ebsvolume, ['amazon-ebs.app', 'amazon-ebsvolume.other']],
    ] as const)('Packer is stopped and leaves nothing when there are %s', async ([, template, names]) => {
      await using scene = await setScene(moto, template)
      const run = await scene.start().ended
      expectFailure(run, /^packer-only: 2 builds of the template create resources on EC2: .* with packer-only; /)
      for (const name of names) expect(run.annotations[0]?.message).toContain(name)
      expect(run.log).toContain('Sent SIGTERM to Packer')
      expect(run.log).not.toMatch(/AMI: ami-/)
      expect(await takeStock(scene.ec2, 'us-east-1', 'eu-west-1'), run.log).toEqual(NOTHING)
    })

    test('Packer is stopped and leaves nothing when a legacy template has two builds with colons in their names', async () => {
      await using scene = await setScene(moto, hclTemplate())
      const legacy = JSON.parse(jsonTemplate())
      const [builder] = legacy.builders
      legacy.builders = ['a', 'a: b'].map(name => ({ ...builder, name }))
      scene.workspace.write({ 'ami/a.json': JSON.stringify(legacy) })
      const run = await scene.start({ inputs: inputsOf('a.json') }).ended
      expectFailure(run, /^packer-only: 2 builds .*: amazon-ebs\.a(: b)?, amazon-ebs\.a(: b)?\. /)
      expect(await takeStock(scene.ec2, 'us-east-1'), run.log).toEqual(NOTHING)
    })

    test('Packer is stopped and leaves nothing when the first of two builds has created its image before the second starts', async () => {
      const oneByOne = 'if [ "$1" = build ]; then shift; set -- build -parallel-builds=1 "$@"; fi'
      await using scene = await setScene(moto, two(), oneByOne)
      const run = await scene.start().ended
      expectFailure(run, /^packer-only: 2 builds/)
      expect(run.log).toMatch(/AMI: ami-/)
      expect(await takeStock(scene.ec2, 'us-east-1'), run.log).toEqual(NOTHING)
    })

    test('one of two builds is baked when packer-only selects it', async () => {
      await using scene = await setScene(moto, two())
      const run = await scene.start({ inputs: { ...INPUTS, 'packer-only': '*.app' } }).ended
      expect(run.exitCode, run.log).toBe(0)
      expect(run.log).not.toContain('amazon-ebs.other:')
    })

    test('a second build that creates nothing on EC2 is allowed', async () => {
      const beside = withSteps(hclTemplate(), 'provisioner "shell-local" { inline = ["echo hello"] }')
        .replace('["source.amazon-ebs.app"]', '["source.amazon-ebs.app", "source.null.other"]')
        .concat('source "null" "other" { communicator = "none" }\n')
      await using scene = await setScene(moto, beside)
      const run = await scene.start().ended
      expect(run.exitCode, run.log).toBe(0)
      expect(run.log).toContain('==> null.other: hello')
    })

    test('the output of another Packer in a provisioner or a post-processor is not a second build', async () => {
      const lines = [
        '==> amazon-ebs.next: Prevalidating any provided VPC information',
        'x: Launching a source AWS instance...',
      ]
      const inline = JSON.stringify(lines.map(line => `echo '${line}'`))
      const steps = [
        `provisioner "shell-local" { inline = ${inline} }`,
        `post-processor "shell-local" { inline = ${inline} }`,
      ]
      await using scene = await setScene(moto, withSteps(hclTemplate(), ...steps))
      const run = await scene.start().ended
      expect(run.exitCode, run.log).toBe(0)
      expect(run.log).toContain('(shell-local): ==> amazon-ebs.next: Prevalidating')
    })
  })

  describe('builds in another region', () => {
    const elsewhere = (region: string, variables = {}) => {
      const legacy = JSON.parse(jsonTemplate())
      return JSON.stringify({
        ...legacy,
        variables: { ...legacy.variables, ...variables },
        builders: [{ ...legacy.builders[0], region }],
      })
    }

    test.for([
      ['a region', elsewhere('eu-west-1'), {}],
      ["a variable's default", elsewhere('{{user `region`}}', { region: 'eu-west-1' }), {}],
      ['packer-vars', elsewhere('{{user `region`}}', { region: 'us-east-1' }), { 'packer-vars': 'region=eu-west-1' }],
    ] as const)(
      'a legacy template that states another region fails before the bake: %s',
      async ([, template, more]) => {
        await using scene = await setScene(moto, hclTemplate())
        scene.workspace.write({ 'ami/a.json': template })
        const run = await scene.start({ inputs: { ...inputsOf('a.json'), ...more } }).ended
        expectFailure(
          run,
          /^packer-template: The template creates its image in eu-west-1, but the region of the look-up is us-east-1/,
        )
        expect(scene.ec2.requests.map(({ action }) => action)).not.toContain('RunInstances')
      },
    )

    test.for([
      ["aws-region's variable", elsewhere('{{user `aws_region`}}'), {}],
      ['packer-vars', elsewhere('{{user `region`}}', { region: 'eu-west-1' }), { 'packer-vars': 'region=us-east-1' }],
      [
        'a file of variables',
        elsewhere('{{user `region`}}', { region: 'eu-west-1' }),
        { 'packer-var-files': 'ami/vars.json' },
      ],
    ] as const)(
      'a legacy template whose variable is set to the region of the look-up bakes: %s',
      async ([, template, more]) => {
        await using scene = await setScene(moto, hclTemplate())
        scene.workspace.write({ 'ami/a.json': template, 'ami/vars.json': '{"region": "us-east-1"}' })
        const run = await scene.start({ inputs: { ...inputsOf('a.json'), ...more } }).ended
        expect(run.exitCode, run.log).toBe(0)
      },
    )

    test.for([
      ['a.json', elsewhere('{{user `region`}}', { region: '{{env `BAKE_REGION`}}' })],
      ['a.pkr.hcl', hclTemplate().replace(/region += .*/, 'region = "eu-west-1"')],
      [
        'b.pkr.hcl',
        selfTaggingTemplate('ami_regions = ["ap-south-1"]').replace(/region += .*/, 'region = "eu-west-1"'),
      ],
    ] as const)('a build in another region is cleaned up there: %s', async ([file, template]) => {
      await using scene = await setScene(moto, hclTemplate())
      scene.workspace.write({ [`ami/${file}`]: template })
      const run = await scene.start({ inputs: inputsOf(file), env: { ...scene.env, BAKE_REGION: 'eu-west-1' } }).ended
      expectFailure(run, /^packer build made no image in us-east-1, but .*ami-[0-9a-f]+ in eu-west-1/)
      expect(run.annotations[0]?.message).not.toContain('aws ec2')
      expect(run.seconds).toBeLessThan(120)
      const { images, snapshots, ...rest } = await takeStock(scene.ec2, 'us-east-1', 'eu-west-1', 'ap-south-1')
      expect(rest, run.log).toEqual({ instances: [], keyPairs: [], securityGroups: [] })
      const isTagged = file !== 'a.pkr.hcl'
      expect(new Set(images), run.log).toEqual(new Set(isTagged ? [`failed:${run.outputs.ami_config_checksum}`] : []))
      expect(snapshots.length).toBe(images.length)
    })

    test('a build in another region is cleaned up there when the image of the look-up is a copy', async () => {
      const copied = hclTemplate('ami_regions = ["us-east-1"]').replace(/region += .*/, 'region = "eu-west-1"')
      const steps = 'provisioner "shell-local" { inline = ["echo changed > setup.sh"] }'
      await using scene = await setScene(moto, withSteps(copied, steps))
      scene.workspace.write({ 'ami/setup.sh': 'echo hello\n' })
      const run = await scene.start().ended
      expectFailure(run, /^ami-definition-dirs: Changed during the bake/)
      expect(run.annotations[0]?.message).not.toContain('aws ec2')
      expect(await takeStock(scene.ec2, 'us-east-1', 'eu-west-1'), run.log).toEqual(NOTHING)
    })

    test('leftovers in another region are listed with that region when the clean-up is denied', async () => {
      await using scene = await setScene(moto, hclTemplate().replace(/region += .*/, 'region = "eu-west-1"'))
      scene.ec2.fail({ action: 'DeregisterImage', error: 'UnauthorizedOperation', status: 403 })
      const run = await scene.start().ended
      expectFailure(run, /aws ec2 deregister-image --region eu-west-1 --image-id ami-/)
      expect(run.annotations[0]?.message).not.toContain('terminate-instances')
      expect(run.annotations[0]?.message).not.toContain('--region us-east-1')
    })
  })
})

interface Named {
  readonly file: string
  readonly content: string
}

/** A template whose build has this name, tags its image itself and runs a command. */
function namedJson(name: string, command: string): Named {
  const legacy = JSON.parse(jsonTemplate())
  const content = JSON.stringify({
    ...legacy,
    builders: [{ ...legacy.builders[0], name }],
    provisioners: [{ type: 'shell-local', inline: [command] }],
  })
  return { file: 'a.json', content }
}

function namedHcl2(name: string, command: string): Named {
  const steps = [`name = ${hclString(name)}`, `provisioner "shell-local" { inline = [${hclString(command)}] }`]
  return { file: 'a.pkr.hcl', content: withSteps(selfTaggingTemplate(), ...steps) }
}

function hclString(text: string): string {
  return JSON.stringify(text)
    .replaceAll('%{', '%%{')
    .replaceAll('${', () => '$${')
}

function inputsOf(file: string): Record<string, string> {
  return { ...INPUTS, 'packer-template': `ami/${file}` }
}

function expectFailure(run: Run, message: RegExp): void {
  expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
  expect(run.exitCode).toBe(1)
}
