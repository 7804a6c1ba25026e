import { type Checksum, findChanged } from './checksum.ts'
import { listDefinition, toText } from './definition.ts'
import { connect, type Ec2 } from './ec2.ts'
import { workflowRun } from './github.ts'
import {
  CHECKSUM_TAG,
  type Image,
  type Outcome,
  TEMPLATE_TAG,
  tagImage,
  waitUntilAvailable,
  waitUntilFound,
} from './images.ts'
import type { Inputs } from './inputs.ts'
import { group, info, warn } from './log.ts'
import { type Artifacts, buildImages } from './packer/build.ts'
import { packerEnvironment } from './packer/environment.ts'
import { prepareBuild } from './packer/prepare.ts'

/**
 * Runs Packer on the template and makes its image one that the next look-up finds. An image counts only when Packer ended
 * well, said which one it is, EC2 confirms it, and the definition is still what the checksum says.
 *
 * @throws Error in every other case.
 */
export async function bake(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<Outcome> {
  refuseLfsPointers(checksum)
  const packer = { directory: inputs.workingDirectory, environment: packerEnvironment(inputs.region) }
  const args = await prepareBuild(packer, {
    template: inputs.template,
    variables: variablesFor(inputs, checksum),
    githubToken: inputs.githubToken,
  })
  const artifacts = await group('Packer: build', () => buildImages(packer, args))
  const ids = oneEachRegion(artifacts, inputs.region)
  await confirmDefinition(inputs, checksum)
  return await group('Verify and tag', () => accept(ec2, ids, inputs, checksum))
}

function refuseLfsPointers({ files }: Checksum): void {
  const pointer = files.find(file => file.isLfsPointer)
  if (!pointer) return
  const advice = 'Give actions/checkout "lfs: true", so that the bake gets the file and not the pointer.'
  throw new Error(`ami-definition-dirs: ${toText(pointer.path)} is a Git LFS pointer. ${advice}`)
}

function variablesFor({ region, subnetId }: Inputs, { value }: Checksum): ReadonlyMap<string, string> {
  const variables = new Map([['aws_region', region]])
  if (subnetId) variables.set('aws_subnet_id', subnetId)
  return variables.set('config_checksum', value)
}

function oneEachRegion(artifacts: Artifacts, wanted: string): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  for (const [region, images] of artifacts) {
    const [image, another] = images
    if (image && !another) ids.set(region, image)
    else
      throw new Error(
        `packer build made several images in ${region}: ${[...images].join(', ')}. One checksum stands for one image.`,
      )
  }
  if (ids.has(wanted)) return ids
  const made = [...ids].map(([region, id]) => `${id} in ${region}`).join(', ') || 'none at all'
  throw new Error(`packer build made no image in ${wanted}, but ${made}. Let the template's region be var.aws_region.`)
}

/** The image must carry the checksum of what it was made from, so nothing of that may have changed meanwhile. */
async function confirmDefinition({ definition }: Inputs, { files }: Checksum): Promise<void> {
  const changed = await findChanged(files)
  if (changed.length > 0) {
    const advice = 'Write what the bake makes outside the definition, or to a name that begins with ".".'
    throw new Error(`ami-definition-dirs: changed during the bake: ${changed.map(toText).join(', ')}. ${advice}`)
  }
  const known = new Set(files.map(file => file.path))
  const added = listDefinition(definition).filter(path => !known.has(path))
  if (added.length === 0) return
  warn(
    `ami-definition-dirs: new since the bake began: ${added.map(toText).join(', ')}. The next run gets another checksum.`,
  )
}

async function accept(
  ec2: Ec2,
  ids: ReadonlyMap<string, string>,
  inputs: Inputs,
  checksum: Checksum,
): Promise<Outcome> {
  const images = await Promise.all(
    [...ids].map(([region, id]) => acceptOne(inRegion(ec2, region), id, inputs, checksum)),
  )
  const image = images.find(({ id }) => id === ids.get(ec2.region))
  if (!image) throw new Error(`There is no image in ${ec2.region}.`)
  return { how: 'baked', image, ids }
}

function inRegion(ec2: Ec2, region: string): Ec2 {
  return region === ec2.region ? ec2 : connect(region)
}

async function acceptOne(ec2: Ec2, id: string, inputs: Inputs, checksum: Checksum): Promise<Image> {
  const image = await waitUntilAvailable(ec2, id)
  await tagImage(ec2, id, originTags(inputs, checksum)).catch(error =>
    warn(`${error.message} The image is good without them.`),
  )
  if (image.tags.get(CHECKSUM_TAG) !== checksum.value)
    await tagImage(ec2, id, new Map([[CHECKSUM_TAG, checksum.value]]))
  await waitUntilFound(ec2, checksum.value, id)
  info(`${id} in ${ec2.region} is available and carries the checksum.`)
  return image
}

/** Where the image comes from, for people and for the next look-up. */
function originTags({ template }: Inputs, { ingredients }: Checksum): ReadonlyMap<string, string> {
  const tags = new Map([
    [TEMPLATE_TAG, template.name],
    ['ami_bakery_baked_at', new Date().toISOString()],
    ['ami_bakery_ingredients', ingredients],
  ])
  const run = workflowRun()
  if (!run) return tags
  return tags
    .set('ami_bakery_repository', run.repository)
    .set('ami_bakery_commit', run.commit)
    .set('ami_bakery_run', run.url)
}
