import { describe, expect, test } from 'vitest'
import { type AmiBuild, demandOneImage, listHcl2Builds, listJsonBuilds } from '../src/packer/builds.ts'
import type { Build } from '../src/packer/prepare.ts'
import type { JsonBuilder } from '../src/template.ts'
import { makeWorkspace } from './support/workspace.ts'

const PLACE = { path: '/t', directory: '/', name: 't', isDirectory: false }

function buildOf(more: Partial<Build> = {}): Build {
  const template = { language: 'hcl2', ...PLACE, files: [] } as const
  const nothing = { demanded: [], variableFiles: [], only: [], githubToken: undefined }
  return { template, region: 'us-east-1', offered: [{ name: 'aws_region', value: 'us-east-1' }], ...nothing, ...more }
}

/** What `packer inspect` prints of values and of builds with their sources. */
function inspected(
  values: Readonly<Record<string, string>>,
  builds: Readonly<Record<string, readonly string[]>>,
): string {
  const variables = Object.entries(values).map(([name, value]) => `${name}: "${value}"\n`)
  const listed = Object.entries(builds).map(
    ([name, sources]) =>
      `  > ${name}:\n\n    sources:\n\n${sources.map(source => `      ${source}\n\n`).join('')}    provisioners:\n\n      <no provisioner>\n\n    post-processors:\n\n      0:\n        manifest\n\n`,
  )
  return `Packer Inspect: HCL2 mode\n\n> input-variables:\n\n${variables.join('')}\n> local-variables:\n\n\n> builds:\n\n${listed.join('')}`
}

function list(text: string, output: string, build = buildOf()): AmiBuild[] {
  using workspace = makeWorkspace({ 'a.pkr.hcl': text, 'b.auto.pkrvars.hcl': 'source "a" "b" {' })
  const files = ['a.pkr.hcl', 'b.auto.pkrvars.hcl'].map(file => `${workspace.directory}/${file}`)
  return listHcl2Builds(output, build, { language: 'hcl2', ...PLACE, files })
}

const APP = inspected(
  { 'var.r': 'eu-west-1', 'local.l': 'eu-west-2', 'var.s': '<sensitive>' },
  { '<unnamed build 0>': ['amazon-ebs.app'] },
)

describe('the region of a build', () => {
  const cases: readonly (readonly [block: string, region: string | undefined])[] = [
    ['{\n region = "eu-west-3"\n}', 'eu-west-3'],
    ['{ region = "eu-west-3" }', 'eu-west-3'],
    ['{\n  region   =\t"eu-west-3" # there\r\n}', 'eu-west-3'],
    ['{\n region = var.r\n}', 'eu-west-1'],
    [`{\n region = "\${var.r}"\n}`, 'eu-west-1'],
    ['{\n region = local.l // so\n}', 'eu-west-2'],
    ['{\n ami_name = "a"\n}', 'us-east-1'],
    ['{\n # region = "eu-west-3"\n /* region = "eu-west-3"\n*/ }', 'us-east-1'],
    ['{\n tags = {\n region = "eu-west-3"\n }\n}', 'us-east-1'],
    ['{\n user_data = <<EOF\nregion = "eu-west-3"\n}\nEOF\n}', 'us-east-1'],
    ['{\n a = "}"\n b = "\\"{"\n region = "eu-west-3"\n}', 'eu-west-3'],
    [`{\n c = "\${upper("{")}"\n region = "eu-west-3"\n}`, undefined],
    ['{\n region = var.s\n}', undefined],
    ['{\n region = var.unknown\n}', undefined],
    [`{\n region = "\${var.r}b"\n}`, undefined],
    ['{\n region = lower("EU-WEST-1")\n}', undefined],
    ['{\n region = "eu-west-3"\n ami_regions = ["us-east-1"]\n}', undefined],
    ['{\n region = "us-east-1"\n ami_regions = ["eu-west-3"]\n}', 'us-east-1'],
    ['{\n ami_regions = ["eu-west-3"]\n}', 'us-east-1'],
    ['{\n ami_regions = ["eu-west-3"]\n skip_save_build_region = true\n}', undefined],
    ['{\n skip_create_ami = true\n}', undefined],
    ['{\n region = "eu-west-3"', undefined],
  ]

  test.each(cases)('of the source %j is %s', (block, region) => {
    expect(list(`source "amazon-ebs" "app" ${block}`, APP)).toEqual([{ name: 'amazon-ebs.app', region }])
  })

  test('is not known when the source is none of the HCL files', () => {
    expect(list('', APP)).toEqual([{ name: 'amazon-ebs.app', region: undefined }])
  })

  test('is the one of the build that changes it', () => {
    const text =
      'source "amazon-ebs" "app" {\n region = "eu-west-3"\n}\nbuild {\n source "amazon-ebs.app" {\n name = "b"\n region = "eu-west-4"\n }\n}'
    const output = inspected({}, { '<unnamed build 0>': ['amazon-ebs.app', 'amazon-ebs.b'] })
    expect(list(text, output).map(({ region }) => region)).toEqual(['eu-west-3', 'eu-west-4'])
  })

  test('is not known when one build changes it and another does not', () => {
    const text =
      'source "amazon-ebs" "app" {\n region = "eu-west-3"\n}\nbuild {\n source "source.amazon-ebs.app" {\n region = "eu-west-4"\n }\n}'
    expect(list(text, APP)).toEqual([{ name: 'amazon-ebs.app', region: undefined }])
  })
})

describe('the builds that make an image', () => {
  const several = inspected(
    {},
    {
      first: ['amazon-ebs.a', 'docker.b', 'amazon-ebsvolume.c'],
      '<unnamed build 1>': ['amazon-ebssurrogate.a', 'amazon-instance.d', 'amazon-chroot.e'],
    },
  )
  const all = ['first.amazon-ebs.a', 'amazon-ebssurrogate.a', 'amazon-instance.d', 'amazon-chroot.e']
  const names = (...only: string[]) => list('', several, buildOf({ only })).map(({ name }) => name)

  test('are those of four builders', () => {
    expect(names()).toEqual(all)
  })

  test.each([
    ['*', all],
    ['first.*', all.slice(0, 1)],
    ['*.a', all.slice(0, 2)],
    ['amazon-ebs.a', []],
    ['amazon-instance.?', ['amazon-instance.d']],
    ['amazon-chroot+e', []],
    ['*[ad]', []],
    ['*{a}', []],
  ])('are those that %s selects', (only, expected) => {
    expect(names(only)).toEqual(expected)
  })

  test('are none when Packer prints something else', () => {
    expect(list('', 'nothing of the kind')).toEqual([])
  })

  const builders: readonly (readonly [builder: JsonBuilder, region: string | undefined])[] = [
    [{ region: 'eu-west-1' }, 'eu-west-1'],
    [{}, 'us-east-1'],
    [{ region: '{{user `aws_region`}}' }, 'us-east-1'],
    [{ region: '{{ user "aws_region" }}' }, 'us-east-1'],
    [{ region: '{{user `other`}}' }, undefined],
    [{ region: '{{env `R`}}' }, undefined],
    [{ region: 1 }, undefined],
    [{ region: 'eu-west-1', ami_regions: ['us-east-1'] }, undefined],
    [{ region: '{{user `aws_region`}}', ami_regions: ['eu-west-1'] }, 'us-east-1'],
    [{ ami_regions: ['eu-west-1'] }, 'us-east-1'],
    [{ ami_regions: ['eu-west-1'], skip_save_build_region: true }, undefined],
    [{ region: 'eu-west-1', skip_create_ami: true }, undefined],
  ]

  test.each(builders)('of a legacy template: %j', (builder, region) => {
    const template = {
      language: 'json',
      ...PLACE,
      files: [],
      variables: [],
      builders: [{ type: 'amazon-ebs', ...builder }],
    } as const
    expect(listJsonBuilds(buildOf(), template)).toEqual([{ name: 'amazon-ebs', region }])
    expect(listJsonBuilds(buildOf({ only: ['other'] }), template)).toEqual([])
    const more = { ...template, builders: [{ type: 'docker' }, { type: 'amazon-ebs', name: 'other' }, { type: 3 }] }
    expect(listJsonBuilds(buildOf({ only: ['other'] }), more).map(({ name }) => name)).toEqual(['other'])
  })
})

describe('one image', () => {
  const at = (...regions: (string | undefined)[]) => regions.map((region, index) => ({ name: `b${index}`, region }))

  test.each([
    [[]],
    [['us-east-1']],
    [['us-east-1', 'eu-west-1']],
    [['us-east-1', undefined]],
    [['eu-west-1', undefined]],
    [[undefined, undefined]],
  ])('may come of builds in %j', regions => {
    expect(() => demandOneImage(at(...regions), 'us-east-1')).not.toThrow()
  })

  test.each([
    [['us-east-1', 'us-east-1'], /^packer-only: 2 builds make an image in us-east-1: b0, b1\./],
    [['us-east-1', undefined, 'us-east-1'], /: b0, b2\./],
    [['eu-west-1'], /^packer-template: it makes its image in eu-west-1, but/],
    [['eu-west-1', 'eu-west-2', 'eu-west-1'], /in eu-west-1, eu-west-2, but/],
  ])('can not come of builds in %j', (regions, message) => {
    expect(() => demandOneImage(at(...regions), 'us-east-1')).toThrow(message)
  })
})
