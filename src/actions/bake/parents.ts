import { assertNotRevoked } from '../../bake/current-state.ts'
import { explainMiss } from '../../bake/explain-miss.ts'
import { type Choice, chooseImage, type Described, type LookUp } from '../../ec2/choose-image.ts'
import type { Ec2 } from '../../ec2/client.ts'
import { printSkips } from '../../ec2/look-up.ts'
import { cancelled } from '../../runner/cancel.ts'
import { workflowRun } from '../../runner/environment.ts'
import { info, messageOf } from '../../runner/log.ts'
import { type DefinedImage, titleOf } from '../image-checksum.ts'
import { nameSetting } from '../name-setting.ts'
import { assertNoPointers, bakeImage } from './bake-image.ts'
import type { Inputs } from './inputs.ts'
import type { Report } from './outputs.ts'

/** What the bake of a missing parent needs. */
export interface ParentOptions {
  readonly ec2: Ec2
  readonly inputs: Inputs
  /** What the step's first look-up has found of the requested image and of its ancestors. */
  readonly described: Described
  readonly report: Report
}

/**
 * Provides the image that a child is baked from: the hit of the parent's look-up, else a new one. What is missing above the parent
 * is baked before it, each with its own settings and under its own lease. A parent gets no copies and no JSON file.
 *
 * @param lookUp The child's.
 * @returns The id of the parent's image; `undefined` for an image without a parent.
 * @throws Error that begins with the name of the image that could not be baked.
 */
export async function provideParent(
  child: DefinedImage,
  lookUp: LookUp,
  options: ParentOptions,
): Promise<string | undefined> {
  const { parent } = child
  if (!parent || !lookUp.parent) return undefined
  const choice = chooseImage(options.described, lookUp.parent)
  const id = choice.hit?.id ?? (await bakeParent({ parent, lookUp: lookUp.parent, choice }, options))
  if (choice.hit) options.report.parent(parent, id, 'hit')
  info(`${titleOf(child)} is baked from ${id}, the image of ${titleOf(parent)}.`)
  return id
}

/** A parent without an image. */
interface MissingParent {
  readonly parent: DefinedImage
  readonly lookUp: LookUp
  readonly choice: Choice
}

async function bakeParent(missing: MissingParent, options: ParentOptions): Promise<string> {
  const { parent, lookUp } = missing
  const { ec2, inputs, report } = options
  const title = titleOf(parent)
  await reportMissing(missing, ec2)
  // Before the images above it are baked, which would be of no use.
  await blameParent(parent, inputs, async () => assertBakeable(missing, inputs))
  const parentImage = await provideParent(parent, lookUp, options)
  const { image, how } = await blameParent(parent, inputs, () =>
    bakeImage(parent, { ec2, inputs, lookUp, parentImage, purpose: 'missing parent' }),
  )
  info(`${how === 'hit' ? 'Hit' : 'Baked'}: ${image.id}, the image of ${title}`)
  report.parent(parent, image.id, how)
  return image.id
}

async function reportMissing({ parent, lookUp, choice }: MissingParent, ec2: Ec2): Promise<void> {
  info(`The image of ${titleOf(parent)} is missing: it is baked first.`)
  printSkips(choice.skips)
  const line = { ...lookUp, imageName: lookUp.imageName, repository: workflowRun()?.repository }
  info((await explainMiss(ec2, line, parent.checksum)).reasons)
}

/** @throws Error when the parent may not be baked, or can't be. */
function assertBakeable({ parent, lookUp, choice }: MissingParent, inputs: Inputs): void {
  assertNotRevoked(choice.block, lookUp)
  if (parent.settings.candidate && !lookUp.candidate) {
    const fact = `it is a candidate by the images file, but ${inputs.settings.name} is none`
    throw new Error(`${fact}: publish ${titleOf(parent)} first.`)
  }
  assertNoPointers(parent.checksum)
}

/** Begins every error with the image that it is about, because the step's own image is another one. */
async function blameParent<Result>(parent: DefinedImage, { file, settings }: Inputs, work: () => Promise<Result>) {
  try {
    return await work()
  } catch (cause) {
    if (cancelled.aborted) throw cause
    const title = titleOf(parent)
    const named = nameSetting(cause, setting => file?.prefix(title, setting) ?? `${setting}: `)
    throw new Error(`${title} could not be baked for ${settings.name}: ${messageOf(named)}`, { cause })
  }
}
