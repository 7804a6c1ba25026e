import { assertNotRevoked } from '../../bake/current-state.ts'
import { explainMiss } from '../../bake/explain-miss.ts'
import { chooseImage, type Described, type LookUp } from '../../ec2/choose-image.ts'
import type { Ec2 } from '../../ec2/client.ts'
import { cancelled } from '../../runner/cancel.ts'
import { workflowRun } from '../../runner/environment.ts'
import { info, messageOf } from '../../runner/log.ts'
import { type DefinedImage, titleOf } from '../image-checksum.ts'
import { nameSetting } from '../name-setting.ts'
import { bakeImage } from './bake-image.ts'
import type { Inputs } from './inputs.ts'
import type { Report } from './outputs.ts'

/** What the bake of a missing parent needs. */
export interface ParentOptions {
  readonly ec2: Ec2
  readonly inputs: Inputs
  readonly described: Described
  readonly report: Report
}

/**
 * Provides the image that a child is baked from: the hit of the parent's look-up, else a new one. What is missing above the parent
 * is baked before it, each with its own settings and under its own lease. A parent gets no copies and no JSON file.
 *
 * @param lookUp The child's.
 * @returns The id of the parent's image; `undefined` for an image without a parent.
 * @throws Error that begins with the parent's place in the images file, or with its name.
 */
export async function provideParent(
  { parent, settings: child }: DefinedImage,
  lookUp: LookUp,
  options: ParentOptions,
): Promise<string | undefined> {
  if (!parent || !lookUp.parent) return undefined
  const choice = chooseImage(options.described, lookUp.parent)
  const title = titleOf(parent)
  if (choice.hit) {
    info(`${child.name} is baked from ${choice.hit.id}, the image of ${title}.`)
    options.report.parent(parent, choice.hit.id, 'hit')
    return choice.hit.id
  }
  assertNotRevoked({ choice }, lookUp.parent)
  if (parent.settings.candidate && !child.candidate) {
    throw new Error(
      `${title} is a candidate, but ${child.name}, which is baked from it, is none. Publish ${title} first.`,
    )
  }
  return await bakeParent(parent, lookUp.parent, options)
}

async function bakeParent(parent: DefinedImage, lookUp: LookUp, options: ParentOptions): Promise<string> {
  const { ec2, inputs, report } = options
  const title = titleOf(parent)
  info(`The image of ${title} is missing: it is baked first.`)
  try {
    const line = { ...lookUp, imageName: lookUp.imageName, repository: workflowRun()?.repository }
    info((await explainMiss(ec2, line, parent.checksum)).reasons)
    const parentImage = await provideParent(parent, lookUp, options)
    const { image, how } = await bakeImage(parent, { ec2, inputs, lookUp, parentImage, purpose: 'missing parent' })
    info(`${how === 'hit' ? 'Hit' : 'Baked'}: ${image.id}, the image of ${title}`)
    report.parent(parent, image.id, how)
    return image.id
  } catch (cause) {
    cancelled.throwIfAborted()
    throw nameParent(cause, title, inputs)
  }
}

function nameParent(cause: unknown, title: string, { file }: Inputs): unknown {
  const named = nameSetting(cause, setting => file?.prefix(title, setting) ?? `${setting}: `)
  return named === cause ? new Error(`${title}: ${messageOf(cause)}`, { cause }) : named
}
