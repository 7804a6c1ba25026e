import fs from 'node:fs'
import type { Hcl2Template, JsonBuilder, JsonTemplate } from '../template.ts'
import type { Build } from './prepare.ts'
import { type Attributes, findSources } from './regions.ts'

/** A build that Packer is going to run and that makes an AMI. */
export interface AmiBuild {
  /** As Packer names it, like `amazon-ebs.app`. */
  readonly name: string
  /** Where it makes its AMI; `undefined` where the template does not tell it in so many words. */
  readonly region: string | undefined
}

/**
 * Makes sure that one image can come of the template in the region of the look-up, as far as the template tells. What can't
 * be told is let pass: after the bake it is known.
 *
 * @throws Error when several builds would each make an AMI there, or all of them make theirs elsewhere.
 */
export function demandOneImage(builds: readonly AmiBuild[], region: string): void {
  const here = builds.filter(build => build.region === region).map(({ name }) => name)
  if (here.length > 1) {
    const advice = 'A checksum stands for one image. Choose one of them by packer-only.'
    throw new Error(`packer-only: ${here.length} builds make an image in ${region}: ${here.join(', ')}. ${advice}`)
  }
  const elsewhere = builds.map(build => build.region ?? region)
  if (builds.length === 0 || elsewhere.includes(region)) return
  throw new Error(
    `packer-template: it makes its image in ${[...new Set(elsewhere)].join(', ')}, but aws-region is ${region}. ` +
      "Let the template's region be the variable aws_region, or correct aws-region.",
  )
}

/** The builders of the amazon plugin whose artifact is an AMI. */
const AMI_BUILDERS = /^amazon-(ebs|ebssurrogate|instance|chroot)$/

/** The builds of an HCL2 template, from what `packer inspect` prints of it when it is given the variables' values. */
export function listHcl2Builds(inspected: string, build: Build, template: Hcl2Template): AmiBuild[] {
  // Of these patterns only Packer knows what they select.
  if (build.only.some(pattern => /[[\]{}\\]/.test(pattern))) return []
  const values = readValues(inspected)
  const sources = findSources(template.files.filter(isHcl).map(file => fs.readFileSync(file, 'utf8')))
  const selected = readBuilds(inspected).filter(({ name }) => isSelected(name, build.only))
  return selected.flatMap(({ name, source }) => {
    if (!AMI_BUILDERS.test(source.split('.')[0] ?? '')) return []
    const told = (sources.get(source) ?? [new Map([['region', '?']])]).map(attributes =>
      regionOf(attributes, build, values),
    )
    const [region] = told
    return { name, region: told.every(other => other === region) ? region : undefined }
  })
}

function isHcl(file: string): boolean {
  return file.endsWith('.pkr.hcl')
}

/** `var.name: "value"`, the value as a Go string; a secret and what is not known yet are in angle brackets. */
function readValues(inspected: string): ReadonlyMap<string, string> {
  const lines = inspected.matchAll(/^((?:var|local)\.[^:]+): "([\w-]+)"$/gm)
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]))
}

/** Below `> builds:` each build has its name, and its sources in a list that is indented more. */
function readBuilds(inspected: string): readonly { name: string; source: string }[] {
  const [, listed = ''] = inspected.split(/^> builds:$/m)
  return listed.split(/^ {2}> /m).flatMap(part => {
    const [, title = '', sources = ''] = /^(.*):\n\s*sources:\n([\s\S]*?)\n {4}\w+:/.exec(part) ?? []
    const prefix = title.startsWith('<unnamed build') ? '' : `${title}.`
    return [...sources.matchAll(/^ {6}([\w-]+\.[\w-]+)$/gm)].map(([, source = '']) => ({
      name: `${prefix}${source}`,
      source,
    }))
  })
}

/** Packer's `-only` takes patterns in HCL2 (gobwas/glob, without separators). */
function isSelected(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some(pattern => toExpression(pattern).test(name))
}

function toExpression(pattern: string): RegExp {
  const plain = pattern.replace(/[^\w*?]/g, '\\$&')
  return new RegExp(`^${plain.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}

function regionOf(attributes: Attributes, { region }: Build, values: ReadonlyMap<string, string>): string | undefined {
  if (attributes.has('skip_create_ami') || attributes.has('skip_save_build_region')) return undefined
  const written = attributes.get('region')
  const home = written === undefined ? region : (/^"([a-z0-9-]+)"$/.exec(written)?.[1] ?? values.get(written))
  // It may copy the image to the region of the look-up.
  return home !== region && attributes.has('ami_regions') ? undefined : home
}

/** The builds of a legacy template. */
export function listJsonBuilds(build: Build, { builders }: JsonTemplate): AmiBuild[] {
  return builders.flatMap(builder => {
    const { type, name = type } = builder
    if (typeof type !== 'string' || typeof name !== 'string' || !AMI_BUILDERS.test(type)) return []
    if (build.only.length > 0 && !build.only.includes(name)) return []
    return { name, region: regionOfBuilder(builder, build) }
  })
}

/** A legacy template's region is written out, or is a variable that the action hands over. */
function regionOfBuilder(builder: JsonBuilder, build: Build): string | undefined {
  if ('skip_create_ami' in builder || 'skip_save_build_region' in builder) return undefined
  const home = homeOf(builder, build)
  return home !== build.region && 'ami_regions' in builder ? undefined : home
}

function homeOf({ region }: JsonBuilder, build: Build): string | undefined {
  if (region === undefined) return build.region
  if (typeof region !== 'string') return undefined
  const [, user] = /^\{\{ *user +[`"]([^`"]+)[`"] *\}\}$/.exec(region) ?? []
  const value = user ? [...build.offered, ...build.demanded].find(({ name }) => name === user)?.value : region
  return value && /^[a-z0-9-]+$/.test(value) ? value : undefined
}
