import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ec2Server, startEc2 } from '../support/ec2.ts'
import { sceneWith } from '../support/fake-packer.ts'
import { startProxy } from '../support/proxy.ts'
import type { Run } from '../support/runner.ts'
import { canSetScene, INPUTS, NOTHING, type Scene, setScene, takeStock } from '../support/scene.ts'
import { hclTemplate, jsonTemplate } from '../support/workspace.ts'

let moto: Ec2Server

/** Variables that change what Packer and its plugins print or read (hashicorp/packer, packer-plugin-sdk). */
const VARIABLES: Readonly<Record<string, string>> = {
  PACKER_LOG: '1',
  PACKER_LOG_PATH: '{temp}/packer.log',
  PACKER_NO_COLOR: '',
  TERM: 'xterm-256color',
  PACKER_WRAP_COOKIE: '49C22B1A-3A93-4C98-97FA-E07D18C787B5',
  PACKER_PLUGIN_MAGIC_COOKIE: 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2',
  PACKER_CONFIG: '{temp}/packerconfig',
  CHECKPOINT_DISABLE: '',
  COMP_LINE: 'packer bu',
  GODEBUG: 'inittrace=1',
  PKR_VAR_undeclared: '1',
}

/** Further variables for the test with all of them. */
const MORE_VARIABLES: Readonly<Record<string, string>> = {
  NO_COLOR: '1',
  FORCE_COLOR: '1',
  CLICOLOR_FORCE: '1',
  PACKER_RUN_UUID: 'not one',
  PACKER_CONFIG_DIR: '{temp}',
  PACKER_CACHE_DIR: '{temp}/cache',
  CHECKPOINT_TIMEOUT: '1',
  COMP_POINT: '3',
  TF_LOG: 'TRACE',
  GOMAXPROCS: '1',
}

describe.skipIf(!canSetScene)('the output of a real Packer', { concurrent: true }, () => {
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  describe('variables of the environment', () => {
    test.for(Object.entries(VARIABLES))("Packer's output is read in the same way with %s=%s", async ([name, value]) => {
      await using scene = await setScene(moto, declaring(hclTemplate()), COUNT_COMMANDS)
      const set = value.replace('{temp}', scene.workspace.directory)
      const env = { ...scene.env, [name]: set }
      const run = await scene.start({ inputs: { ...INPUTS, 'packer-vars': 'size=3' }, env }).ended
      expectBake(run)
      // The debug log is printed only when PACKER_LOG is set.
      expect(run.log.includes('[INFO] Packer version'), run.log).toBe(name === 'PACKER_LOG')
      expect(scene.workspace.read('bin/commands')).toBe('version\ninit\ninspect\nvalidate\nbuild\n')
      const { images, ...rest } = await takeStock(scene.ec2, 'us-east-1')
      expect([images.length, rest.instances, rest.keyPairs], run.log).toEqual([1, [], []])
    })

    test.for(['a.pkr.hcl', 'a.json'])(
      "Packer's output is read in the same way with all these variables (%s)",
      async file => {
        await using scene = await setScene(moto, hclTemplate())
        const legacy = JSON.parse(jsonTemplate())
        legacy.variables.size = ''
        scene.workspace.write({ 'ami/a.pkr.hcl': declaring(hclTemplate()), 'ami/a.json': JSON.stringify(legacy) })
        const all = Object.entries({ ...VARIABLES, ...MORE_VARIABLES }).map(([name, value]) => [
          name,
          value.replace('{temp}', scene.workspace.directory),
        ])
        const inputs = { ...INPUTS, 'packer-template': `ami/${file}`, 'packer-vars': 'size=3' }
        expectBake(await scene.start({ inputs, env: { ...scene.env, ...Object.fromEntries(all) } }).ended)
      },
    )

    const DECLARED = 'printf "Packer Inspect: HCL2 mode\\n\\n> input-variables:\\n\\nvar.size: 1\\n\\n" >&2'
    const VERSION = 'echo "Packer v1.16.0"'

    test.for([
      ['a version', `${VERSION} >&2`, /^packer: .* does not print a version/],
      [
        'a variable',
        `case "$1" in version) ${VERSION};; inspect) ${DECLARED};; esac`,
        /^packer-vars: .* not declare .* size/,
      ],
    ] as const)('standard error is not read as an answer: %s', async ([, script, message]) => {
      await using ec2 = await startProxy(moto, '600000000000')
      using scene = sceneWith(ec2, script)
      const run = await scene.start({ inputs: { ...INPUTS, 'packer-vars': 'size=3' } }).ended
      expectFailure(run, message)
    })

    test('standard error is not read as an answer: a plugin', async () => {
      await using ec2 = await startProxy(moto, '600000000001')
      const script = `case "$1 $2" in version*) ${VERSION};; 'plugins installed') echo packer-plugin-amazon >&2;; plugins*) touch "$0.installs";; esac`
      using scene = sceneWith(ec2, script)
      scene.workspace.write({ 'ami/a.json': jsonTemplate() })
      await scene.start({ inputs: { ...INPUTS, 'packer-template': 'ami/a.json' } }).ended
      expect(scene.workspace.has('bin/packer.installs')).toBe(true)
    })

    test('the reason of a failure is not a line of the debug log', async () => {
      await using scene = await setScene(moto, hclTemplate('nonsense = true'))
      const env = { ...scene.env, PACKER_LOG: '1' }
      expectFailure(
        await scene.start({ env }).ended,
        /^packer (init|inspect|validate) failed: Error: Unsupported argument/,
      )
    })

    test.for([
      [
        'it can not write its log',
        { PACKER_LOG_PATH: '/nowhere/log' },
        /Couldn't setup log output: open \/nowhere\/log/,
      ],
      [
        'it can not read its configuration',
        { PACKER_CONFIG: 'ami/broken' },
        /Error loading configuration: .*unexpected EOF/,
      ],
      [
        'it can not read its configuration, with the debug log',
        { PACKER_CONFIG: 'ami/broken', PACKER_LOG: '1' },
        /but "Error loading configuration: .*unexpected EOF/,
      ],
    ] as const)("Packer's own error is the reason when %s", async ([, variables, words]) => {
      await using scene = await setScene(moto, hclTemplate())
      scene.workspace.write({ 'ami/broken': '{' })
      const broken = Object.entries(variables).map(([name, value]) => [
        name,
        value.replace(/^ami/, `${scene.workspace.directory}/ami`),
      ])
      const run = await scene.start({ env: { ...scene.env, ...Object.fromEntries(broken) } }).ended
      expectFailure(run, words)
    })
  })

  describe('reasons with hints', () => {
    const nothing =
      /^packer build exited with code 1: .*Error: No builds to run\n.*Set packer-only to a build of the template/s

    test.for(['a.pkr.hcl', 'a.json'])(
      'a packer-only that selects no build is the reason, with a hint (%s)',
      async file => {
        await using scene = await setScene(moto, hclTemplate())
        scene.workspace.write({ 'ami/a.pkr.hcl': hclTemplate(), 'ami/a.json': jsonTemplate() })
        const run = await scene.start({
          inputs: { ...INPUTS, 'packer-template': `ami/${file}`, 'packer-only': 'nope' },
        }).ended
        expectFailure(run, nothing)
        if (file.endsWith('.hcl'))
          expect(run.annotations[0]?.message).toContain('Possible build names: [amazon-ebs.app]')
        expect(await takeStock(scene.ec2, 'us-east-1')).toEqual(NOTHING)
      },
    )

    test('a data source without an image is the reason, with a hint', async () => {
      const data =
        'data "amazon-ami" "base" {\n region = var.aws_region\n owners = ["self"]\n most_recent = true\n filters = { name = "no-such-*" }\n}\n'
      const template = `${data}${hclTemplate().replace(/source_ami .*/, 'source_ami = data.amazon-ami.base.id')}`
      await using scene = await setScene(moto, template)
      const run = await scene.start().ended
      expectFailure(
        run,
        /^packer validate failed: Error: Datasource\.Execute failed: No AMI was found .*Correct the filters and owners/s,
      )
    })

    test('a data source without an image during the build is the reason, with a hint', async () => {
      const data =
        'data "amazon-ami" "base" {\n region = var.aws_region\n owners = ["self"]\n most_recent = true\n filters = { name = "no-such-*" }\n}\n'
      const template = `${data}${hclTemplate().replace(/source_ami .*/, 'source_ami = data.amazon-ami.base.id')}`
      await using scene = await setScene(moto, template, 'if [ "$1" = validate ]; then exit 0; fi')
      const run = await scene.start().ended
      expectFailure(
        run,
        /^packer build exited with code 1: Error: Datasource\.Execute failed: .*Correct the filters and owners/s,
      )
    })

    test.for([
      [
        'an HCL2 variable without a value',
        'a.pkr.hcl',
        `variable "size" { type = string }\n${hclTemplate('tags = { size = var.size }')}`,
        /Unset variable "size"/,
      ],
      [
        'a legacy variable without a value',
        'a.json',
        jsonTemplate().replace('"aws_region":""', '"aws_region":"","size":null'),
        /required variable not set: size/,
      ],
    ] as const)('the reason is %s, with a hint', async ([, file, template, words]) => {
      await using scene = await setScene(moto, hclTemplate())
      scene.workspace.write({ [`ami/${file}`]: template })
      const run = await scene.start({ inputs: { ...INPUTS, 'packer-template': `ami/${file}` } }).ended
      expectFailure(run, /^packer validate failed: Error/)
      expectFailure(run, words)
      expectFailure(run, /Set the variable with packer-vars .* PKR_VAR_name .*\{\{env `NAME`\}\}\.$/s)
    })

    test('an invalid template is the reason', async () => {
      await using scene = await setScene(moto, hclTemplate().replace(/instance_type .*/, ''))
      const run = await scene.start().ended
      expectFailure(run, /^packer validate failed: Error: .*instance_type or spot_instance_types must be specified/s)
    })
  })

  describe('secrets', () => {
    test('an HCL2 template gets a secret as PKR_VAR_name, and it is not printed', async () => {
      const template = `variable "token" {\n type = string\n sensitive = true\n}\n${hclTemplate('tags = { token = var.token }')}`
      await using scene = await setScene(moto, template)
      await expectSecret(scene, 'a.pkr.hcl', template, 'PKR_VAR_token')
    })

    test('a legacy template gets a secret by {{env}} as the default of a variable, and it is not printed', async () => {
      const legacy = JSON.parse(jsonTemplate())
      legacy.variables.token = '{{env `TOKEN`}}'
      legacy['sensitive-variables'] = ['token']
      legacy.builders[0].tags.token = '{{user `token`}}'
      await using scene = await setScene(moto, hclTemplate())
      await expectSecret(scene, 'a.json', JSON.stringify(legacy), 'TOKEN')
    })

    test('a legacy template does not get a secret as PKR_VAR_name', async () => {
      const legacy = JSON.parse(jsonTemplate())
      legacy.variables.token = 'unset'
      legacy.builders[0].tags.token = '{{user `token`}}'
      await using scene = await setScene(moto, hclTemplate())
      scene.workspace.write({ 'ami/a.json': JSON.stringify(legacy) })
      const inputs = { ...INPUTS, 'packer-template': 'ami/a.json' }
      const run = await scene.start({ inputs, env: { ...scene.env, PKR_VAR_token: 'secret-value' } }).ended
      expect(run.exitCode, run.log).toBe(0)
      expect(await tokens(scene)).toEqual(['unset'])
    })
  })
})

/** Shell commands for the `packer` on PATH. */
const COUNT_COMMANDS = 'echo "$1" >> "$(dirname "$0")/commands"'

/** The template with a variable that `packer inspect` must list, or the step fails. */
function declaring(template: string): string {
  return `variable "size" { type = string }\n${template}`
}

async function expectSecret(scene: Scene, file: string, template: string, variable: string): Promise<void> {
  scene.workspace.write({ [`ami/${file}`]: template })
  const inputs = { ...INPUTS, 'packer-template': `ami/${file}` }
  const run = await scene.start({ inputs, env: { ...scene.env, [variable]: 'secret-value' } }).ended
  expect(run.exitCode, run.log).toBe(0)
  expect(await tokens(scene)).toEqual(['secret-value'])
  expect(run.log + run.summary).not.toContain('secret-value')
}

async function tokens(scene: Scene): Promise<(string | undefined)[]> {
  const { images } = await scene.ec2.inventory('us-east-1')
  return images.map(({ Tags = [] }) => Tags.find(({ Key }) => Key === 'token')?.Value)
}

function expectBake(run: Run): void {
  expect(run.exitCode, run.log).toBe(0)
  expect(run.outputs, run.log).toMatchObject({ ami_id: expect.stringMatching(/^ami-/), cache_hit: 'false' })
  expect(run.annotations, run.log).toEqual([])
}

function expectFailure(run: Run, message: RegExp): void {
  expect(run.annotations, run.log).toEqual([{ level: 'error', message: expect.stringMatching(message) }])
  expect(run.exitCode).toBe(1)
}
