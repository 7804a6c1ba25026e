import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagesAnswer } from './support/answers.ts'
import { type Ec2Server, startEc2 } from './support/ec2.ts'
import { fakePacker, printArtifact } from './support/fake-packer.ts'
import { type FaultyEc2, startProxy } from './support/proxy.ts'
import { setScene } from './support/scene.ts'
import { CHECKSUM, HAS_CHECKSUM, tagSet } from './support/tags.ts'
import { hasTools } from './support/tools.ts'
import { findCommands } from './support/workflow-commands.ts'
import { hclTemplate, withSteps } from './support/workspace.ts'

/** The workflow commands that the action itself prints. */
const OWN = new Set(['group', 'endgroup', 'error', 'warning', 'notice'])

const FORGED = [
  '::set-output name=ami_id::ami-0fedcba9876543210',
  '   ::add-mask::us-east-1',
  '::stop-commands::x',
  '::error::forged',
  'text ##[set-output name=ami_id;]ami-0fedcba9876543210',
  '##[save-state name=bake;]/etc',
  '##[add-path]/tmp',
  'a\r::warning::forged',
]

function expectNoForgery(log: string): void {
  const commands = findCommands(log)
  expect(commands.filter(({ name }) => !OWN.has(name))).toEqual([])
  expect(commands.filter(({ data }) => data.startsWith('forged'))).toEqual([])
  expect(log).not.toContain('::stop-commands::x\n::')
}

describe.skipIf(!hasTools('moto_server'))('the runner', () => {
  let moto: Ec2Server
  let accounts = 0
  beforeAll(async () => {
    moto = await startEc2()
  })
  afterAll(() => moto.stop())

  async function account(): Promise<FaultyEc2 & { id: string }> {
    const ec2 = await startProxy(moto, String(300_000_000_000 + accounts++))
    return { ...ec2, id: await ec2.makeImage({}) }
  }

  test('Packer’s output on both streams contains no workflow command for the runner', async () => {
    await using ec2 = await account()
    const lines = FORGED.flatMap(line => [
      line,
      `1,,ui,say,${line.replaceAll(',', '%!(PACKER_COMMA)')}`,
      `1,,ui,error,a\\n${line}\\r${line}`,
    ])
    const print = `cat <<'END_OF_LINES'\n${lines.join('\n')}\nEND_OF_LINES\n`
    using scene = fakePacker(ec2, `${print}${print.replace('cat', 'cat >&2')}${printArtifact(`us-east-1:${ec2.id}`)}`)
    const run = await scene.start().ended
    expect(run.outputs.ami_id, run.log).toBe(ec2.id)
    expect(run.log).toContain('set-output name=ami_id')
    expectNoForgery(run.log)
    expect(run.annotations).toEqual([])
  })

  test('Packer’s last error contains no workflow command for the runner', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `echo '1,app,error,It broke\\n::set-output name=ami_id::a\\r##[add-mask]b'; exit 1`)
    const run = await scene.start().ended
    expect(run.annotations).toHaveLength(1)
    expectNoForgery(run.log)
  })

  test('the file names of the definition contain no workflow command for the runner', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, printArtifact(`us-east-1:${ec2.id}`))
    scene.workspace.write({
      'ami/a\n::set-output name=ami_id::b': '1',
      'ami/##[add-mask]c': '2',
      'ami/\r::error::forged': '3',
    })
    const run = await scene.start().ended
    expect(run.exitCode, run.log).toBe(0)
    expect(run.log).toContain('a\\u000a::set-output')
    expectNoForgery(run.log)
  })

  test('names and tags of images and messages of AWS contain no workflow command for the runner', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, 'exit 1')
    const tags = (name: string) => tagSet({ ami_config_checksum: CHECKSUM, ami_bakery_template: name })
    const image = (id: string, name: string, more: string) =>
      `<item><imageId>${id}</imageId><imageState>available</imageState><name>${name}</name><creationDate>2026-01-01T00:00:00.000Z</creationDate>${more}</item>`
    const evil = 'a&#10;::set-output name=ami_id::b&#13;##[add-mask]c'
    const good = image('ami-00000001', evil, HAS_CHECKSUM)
    ec2.fail({
      action: 'DescribeImages',
      answer: imagesAnswer(good + image('ami-00000002', 'b', tags(evil))),
      times: 1,
    })
    const hit = await scene.start().ended
    expect(hit.outputs, hit.log).toMatchObject({
      ami_id: 'ami-00000001',
      ami_name: expect.stringContaining('add-mask'),
    })
    expectNoForgery(hit.log)
    expect(hit.summary).not.toMatch(/^::/m)
    const error = `<Response><Errors><Error><Code>AuthFailure</Code><Message>${evil}</Message></Error></Errors></Response>`
    ec2.mend()
    ec2.fail({ action: 'DescribeImages', answer: error, status: 401 })
    const failed = await scene.start().ended
    expect(failed.annotations).toEqual([{ level: 'error', message: expect.stringContaining('a') }])
    expectNoForgery(failed.log)
  })

  test.skipIf(!hasTools('packer', 'packer_plugins'))(
    'a provisioner of a real Packer can’t send a workflow command, and does not see the runner’s secrets',
    async () => {
      const print = FORGED.map(line => `printf '%s\\n' '${line.replaceAll('\r', '\\r')}'`)
      const inline = JSON.stringify([...print, 'env | sort > env.txt'])
      await using scene = await setScene(
        moto,
        withSteps(hclTemplate(), `provisioner "shell-local" { inline = ${inline} }`),
      )
      const secrets = {
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret',
        STATE_bake: 'secret',
        GITHUB_WORKFLOW: 'kept',
        PKR_VAR_x: 'kept',
        AWS_MAX_ATTEMPTS: '3',
        NODE_OPTIONS: '--no-warnings',
      }
      const run = await scene.start({ env: { ...scene.env, ...secrets } }).ended
      expect(run.exitCode, run.log).toBe(0)
      expectNoForgery(run.log)
      const names = scene.workspace
        .read('ami/env.txt')
        .split('\n')
        .map(line => line.split('=')[0] ?? '')
      const withheld = names.filter(name =>
        /^(ACTIONS_|INPUT_|STATE_|NODE_OPTIONS$|GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)$)/.test(name),
      )
      expect(withheld).toEqual([])
      expect(names).toEqual(
        expect.arrayContaining([
          'PKR_VAR_x',
          'GITHUB_WORKFLOW',
          'AWS_REGION',
          'AWS_DEFAULT_REGION',
          'AWS_MAX_ATTEMPTS',
        ]),
      )
    },
  )

  test('AWS_MAX_ATTEMPTS alone is not passed to Packer', async () => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, `env > env.txt; ${printArtifact(`us-east-1:${ec2.id}`)}`)
    await scene.start({ env: { AWS_MAX_ATTEMPTS: '3' } }).ended
    expect(scene.workspace.read('ami/env.txt')).not.toContain('AWS_MAX_ATTEMPTS')
  })

  test.each([
    '',
    '/',
    '/etc',
    '/etc/passwd',
    '../../etc',
    '{temp}',
    '{temp}/ami-bakery-',
    '{temp}/ami-bakery-x',
    '\n::error::forged',
  ])('post does nothing when the saved state is %j', async bake => {
    await using ec2 = await account()
    using scene = fakePacker(ec2, 'true')
    const running = scene.start({ inputs: {} })
    await running.ended
    fs.mkdirSync(path.join(running.temp, 'ami-bakery-x'))
    fs.writeFileSync(path.join(running.temp, 'ami-bakery-x', 'bake.json'), '{"region": "us-east-1"}')
    const requests = ec2.requests.length
    const run = await running.post({ STATE_bake: bake.replace('{temp}', running.temp) })
    expect([run.exitCode, run.annotations, ec2.requests.length - requests], run.log).toEqual([0, [], 0])
    expect(fs.existsSync('/etc/passwd')).toBe(true)
  })
})

describe.skipIf(!hasTools('moto_server'))('the JSON file', () => {
  test('the JSON file replaces a symbolic link and does not write to its target', async () => {
    await using moto = await startEc2()
    await using ec2 = await startProxy(moto, '400000000000')
    const id = await ec2.makeImage({})
    using scene = fakePacker(ec2, printArtifact(`us-east-1:${id}`))
    const outside = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'outside-')), 'file')
    fs.writeFileSync(outside, 'untouched')
    const file = path.join(scene.workspace.directory, 'ami/.ami_id.json')
    fs.symlinkSync(outside, file)
    const run = await scene.start().ended
    expect(run.exitCode, run.log).toBe(0)
    expect(fs.readFileSync(outside, 'utf8')).toBe('untouched')
    expect(fs.lstatSync(file).isSymbolicLink()).toBe(false)
    expect(fs.readFileSync(file, 'utf8')).toBe(`{"ami_id": "${id}"}`)
    fs.rmSync(path.dirname(outside), { recursive: true })
  })
})
