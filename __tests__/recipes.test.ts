import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runWorkflow, withoutStepsOfOthers } from './support/act.ts'
import { type Ec2Server, SOURCE_IMAGE, startEc2 } from './support/ec2.ts'
import { packerEnvironment } from './support/packer.ts'
import { hasTools, toolPath } from './support/tools.ts'
import { hclTemplate, jsonTemplate, makeWorkspace, type Workspace } from './support/workspace.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')

/** The base image of the nightly recipe: the newer of two that Amazon publishes. */
const BASE_IMAGE = { ...SOURCE_IMAGE, ami_id: 'ami-0ba5e000', name: 'al2023-ami-2023.9.20260201.0-kernel-6.12-x86_64' }

describe.skipIf(!hasTools('act', 'terraform', 'moto_server', 'packer', 'packer_plugins'))('the recipe', () => {
  let ec2: Ec2Server
  let env: Record<string, string>
  beforeAll(async () => {
    ec2 = await startEc2(BASE_IMAGE)
    const { PATH = '', ...packer } = packerEnvironment()
    const programs = `${path.dirname(toolPath('terraform'))}${path.delimiter}${PATH}`
    env = { ...ec2.environment, ...packer, PATH: programs, AWS_REGION: 'us-east-1' }
  })
  beforeEach(() => ec2.reset())
  afterAll(() => ec2.stop())

  async function follow(recipe: string, workspace: Workspace): Promise<string> {
    const workflow = withoutStepsOfOthers(read(`docs/recipes/${recipe}`))
    const { exitCode, log } = await runWorkflow(workspace, workflow, env)
    expect(exitCode, log).toBe(0)
    return log
  }

  async function imagesIn(region = 'us-east-1'): Promise<string[]> {
    const { images } = await ec2.inventory(region)
    return images.map(({ ImageId = '' }) => ImageId)
  }

  test('plain bakes on its first run and is a hit on its second', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const first = await follow('plain.yml', workspace)
    const second = await follow('plain.yml', workspace)
    const [image, ...others] = await imagesIn()
    expect(others).toEqual([])
    expect(first).toContain('Baked: ami-')
    expect(second).toContain(`Hit: ${image}`)
    expect(second).toContain(`The image is ${image}.`)
  })

  test('look-up-first runs the bake step only when there is no image', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const first = await follow('look-up-first.yml', workspace)
    const second = await follow('look-up-first.yml', workspace)
    expect(first).toContain('skipped because on-miss is skip')
    expect(first).toContain('Baked: ami-')
    expect(second).toContain('Hit: ami-')
    expect(second).not.toContain('Main ./ (bake)')
    expect(await imagesIn()).toHaveLength(1)
  })

  test('terraform-separate-jobs passes the ID to Terraform in the next job', async () => {
    const module = read('example-app/terraform/check/main.tf')
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate(), 'terraform/main.tf': module })
    const log = await follow('terraform-separate-jobs.yml', workspace)
    expect(log).toMatch(new RegExp(`app/deploy *\\] .*ami_id = .*"${(await imagesIn()).join()}"`))
  })

  test('matrix bakes only the image whose files have changed', async () => {
    const files = { 'web/ami/app.pkr.hcl': hclTemplate(), 'worker/ami/app.pkr.hcl': hclTemplate(), 'shared/a': '' }
    using workspace = makeWorkspace(files)
    await follow('matrix.yml', workspace)
    expect(await imagesIn()).toHaveLength(2)
    workspace.write({ 'worker/ami/a': 'new' })
    const log = await follow('matrix.yml', workspace)
    expect(await imagesIn()).toHaveLength(3)
    expect(log.match(/Hit: ami-|Baked: ami-/g)?.sort()).toEqual(['Baked: ami-', 'Hit: ami-'])
  })

  /** A template that bakes from the parent's image. */
  const childTemplate = (more = '') => {
    const template = hclTemplate().replace(`"${SOURCE_IMAGE.ami_id}"`, 'var.base_ami')
    return `variable "base_ami" { type = string }\n${more}${template}`
  }

  const MANY_IMAGES = {
    'ami-bakery.yml': read('docs/ami-bakery.example.yml'),
    'base/base.pkr.hcl': hclTemplate(),
    'web/web.pkr.hcl': childTemplate('variable "app_version" { type = string }\n'),
    'worker/worker.pkr.hcl': childTemplate(),
    'shared/a': '',
    'terraform/main.tf': 'variable "ami_ids" { type = map(string) }\noutput "ami_ids" { value = var.ami_ids }\n',
  }

  test('many-images bakes what is missing, a parent once, and gives all ids to Terraform', async () => {
    using workspace = makeWorkspace(MANY_IMAGES)
    const first = await follow('many-images.yml', workspace)
    const ids = await imagesIn()
    expect(ids).toHaveLength(3)
    expect(first).toMatch(/web: miss/)
    for (const id of ids) expect(first).toMatch(new RegExp(`images/deploy.*(base|web|worker).*${id}`))
    workspace.write({ 'worker/a': 'new' })
    const second = await follow('many-images.yml', workspace)
    expect(await imagesIn()).toHaveLength(4)
    expect(second).toMatch(/web: hit/)
    expect(second).toMatch(/worker: miss/)
    expect(second.match(/Baked: ami-/g)).toHaveLength(1)
    const third = await follow('many-images.yml', workspace)
    expect(third).not.toMatch(/Baked: ami-/)
    expect(third).toMatch(/images\/deploy.*ami-/)
  })

  test('layers bakes a parent in a job before its children, and skips a layer without a job', async () => {
    using workspace = makeWorkspace(MANY_IMAGES)
    const first = await follow('layers.yml', workspace)
    expect(await imagesIn()).toHaveLength(3)
    expect(first.match(/layers\/layer-1.*Baked: ami-/g)).toHaveLength(1)
    expect(first.match(/layers\/layer-2.*Baked: ami-/g)).toHaveLength(2)
    expect(first).not.toContain('is missing: it is baked first')
    expect(first.indexOf('layers/layer-2')).toBeGreaterThan(first.indexOf('Baked: ami-'))
    workspace.write({ 'worker/a': 'new' })
    const second = await follow('layers.yml', workspace)
    expect(second.match(/layers\/layer-1.*Baked: ami-/g)).toHaveLength(1)
    expect(second).not.toMatch(/layers\/layer-2.*Baked: ami-/)
    expect(second).toMatch(/layers\/check.*worker: hit/)
    const third = await follow('layers.yml', workspace)
    expect(third).not.toMatch(/Baked: ami-/)
    expect(third).toMatch(/layers\/check.*worker: hit/)
  })

  test('preview shows what a merge bakes', async () => {
    using workspace = makeWorkspace(MANY_IMAGES)
    const log = await follow('preview.yml', workspace)
    expect(log).toContain('A merge bakes [{"image":"base",')
    expect(await imagesIn()).toEqual([])
  })

  test('prune rehearses, and deletes nothing', async () => {
    using workspace = makeWorkspace(MANY_IMAGES)
    const tags = { ami_bakery_image_name: 'web', ami_bakery_template: 'web/web.pkr.hcl', ami_bakery_repository: '' }
    const at = (year: number) => ({ ami_bakery_baked_at: `${year}-01-01T00:00:00Z` })
    const published = (number: number) => ({
      ...tags,
      ...at(2020 + number),
      ami_config_checksum: `${number}`.repeat(40),
    })
    for (const number of [1, 2, 3, 4]) await ec2.makeImage(published(number))
    const log = await follow('prune.yml', workspace)
    expect(log).toContain('Rehearsal: nothing is changed')
    expect(log).toMatch(/failed: 0, would be pruned: 0, would be marked: \d, kept: \d/)
    expect(await imagesIn()).toHaveLength(4)
  })

  test('regions bakes in one region and copies the image to the others', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const log = await follow('regions.yml', workspace)
    expect(await imagesIn()).toHaveLength(1)
    expect(await imagesIn('ap-south-1')).toHaveLength(1)
    expect(log).toContain(`In eu-west-1 it is ${(await imagesIn('eu-west-1')).join()}.`)
  })

  test('nightly bakes from the newest base image', async () => {
    const template = hclTemplate().replace(`"${SOURCE_IMAGE.ami_id}"`, 'var.base_ami')
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': `variable "base_ami" { type = string }\n${template}` })
    const log = await follow('nightly.yml', workspace)
    expect(log).toContain(`Base image ${BASE_IMAGE.ami_id}`)
    expect(log).toContain('Baked: ami-')
  })

  test('switch-from-docker finds an image of the Docker image by the checksum that shell tools compute', async () => {
    using workspace = makeWorkspace({ 'ami/packer/ami.json': jsonTemplate(), 'ami/a b': '1', 'ami/B': '2' })
    const files =
      "find ami -type f ! -name '.*' -print0 | LC_ALL=C sort -z | xargs -0 openssl dgst -sha1 -r | cut -c 1-40"
    const command = `${files} | tr -d '\\n' | openssl dgst -sha1 -r | cut -c 1-40`
    const checksum = execFileSync('sh', ['-c', command], { cwd: workspace.directory, encoding: 'utf8' }).trim()
    const id = await ec2.makeImage({ ami_config_checksum: checksum })
    const log = await follow('switch-from-docker.yml', workspace)
    expect(log).toContain(`{"ami_id": "${id}"}`)
    expect(await imagesIn()).toEqual([id])
  })

  test('shell.sh bakes outside GitHub, with the specified commit of the action', async () => {
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    using repository = makeWorkspace({})
    fs.cpSync(path.join(root, 'dist'), path.join(repository.directory, 'dist'), { recursive: true })
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repository.directory, encoding: 'utf8' }).trim()
    git('init', '--quiet')
    git('add', '--all', '--force')
    git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message=release')
    const ours = {
      ...env,
      HOME: workspace.directory,
      AMI_BAKERY_COMMIT: git('rev-parse', 'HEAD'),
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${repository.directory}.insteadOf`,
      GIT_CONFIG_VALUE_0: 'https://github.com/ami-bakery/ami-bakery',
    }
    const options = { cwd: workspace.directory, env: ours }
    const { stdout } = await promisify(execFile)('sh', [path.join(root, 'docs/recipes/shell.sh')], options)
    expect(stdout).toContain('Baked: ami-')
    expect(stdout).toContain('cache_hit=false')
    expect(stdout.trimEnd().endsWith(`{"ami_id": "${(await imagesIn()).join()}"}`)).toBe(true)
  })
})
