import { info } from '../../runner/log.ts'
import { OptionError } from '../../runner/option-error.ts'
import type { Ec2 } from '../client.ts'
import { type GoodImages, goodImagesIn } from '../good-images.ts'
import { connectToSsm } from './client.ts'
import { assertImageParameter, blameParameter, readNewest } from './image-parameter.ts'
import { isLater, type Mark, markOfRun, parseMark, type RunIds, toDescription } from './mark.ts'
import { moveAway } from './roll-back.ts'
import { writeVersion } from './settle.ts'
import { openParameter, type ParameterStore, type Version } from './store.ts'

/** A parameter that must hold the id of an image. */
export interface ParameterOptions {
  /** The region of the parameter and of the image. */
  readonly ec2: Ec2
  /** Like `/amis/web`. */
  readonly name: string
  readonly imageId: string
  /** The run that publishes; `undefined` outside a workflow, where the last one to write wins. */
  readonly run: RunIds | undefined
}

/** How a parameter was set. */
export type Setting = { readonly how: 'unchanged' | 'written' } | Refusal

/** A parameter that holds another image, and why. */
export interface Refusal {
  readonly how: 'refused'
  readonly imageId: string
  /** The later run that has set it, like `4711.1`; `undefined` if it was changed by hand at the same time. */
  readonly laterRun: string | undefined
}

/**
 * Sets a parameter to an image's id, forward only: not when a later run has set it. The order is that of runs, not of images, so that a
 * revert publishes an older image. A parameter that holds the id already costs one request.
 *
 * @throws OptionError with the region and the reason: the parameter has another type, SSM refuses it, the value is not readable within
 *   five minutes, or the image was revoked meanwhile, in which case the parameter is rolled back.
 */
export async function setParameter({ ec2, name, imageId, run }: ParameterOptions): Promise<Setting> {
  const store = openParameter(connectToSsm(ec2.region, ec2.signal), name)
  const publication = { imageId, mark: markOfRun(run), good: goodImagesIn(ec2) }
  const setting = await blameParameter({ name, signal: ec2.signal }, () => publishImage(store, publication))
  if (setting.how === 'unchanged') info(`${ec2.region}: ${name} holds ${imageId} already.`)
  if (setting.how === 'written') info(`${ec2.region}: ${name} holds ${imageId} now.`)
  return setting
}

/** What a parameter must hold. */
export interface Publication {
  readonly imageId: string
  readonly mark: Mark | undefined
  readonly good: GoodImages
}

/** The rule of {@link setParameter}, for any store. */
export async function publishImage(store: ParameterStore, publication: Publication): Promise<Setting> {
  const { imageId, good } = publication
  const { written, ...setting } = await setForward(store, publication)
  // A revocation tags the image and then reads the parameter; the reverse order here, so that one of the two sees the other.
  if (!written || (await good.includes(written))) return setting
  const rolledBack = await moveAway(store, { ...publication, revoked: new Set([written]), to: undefined })
  if (setting.how === 'refused') return setting
  const now = rolledBack ? `It is rolled back to ${rolledBack.to}` : 'It holds another image now'
  const what = `${imageId} was revoked or deregistered while ${store.name} in ${store.region} was set to it`
  throw new OptionError('ssmParameter', `${what}. ${now}.`)
}

/** The image that this run wrote last: its own, or again that of a later run. */
type Forward = Setting & { readonly written?: string }

/** How long another run may take to create the parameter, in seconds: SSM validates its value for so long. */
const CREATED_WITHIN = 5 * 60

async function setForward(store: ParameterStore, { imageId, mark }: Publication): Promise<Forward> {
  // A repeated request is told that the parameter exists, also if the first one has created it.
  let mayHaveWritten = false
  const setting = await store.poll(CREATED_WITHIN, async (): Promise<Forward | undefined> => {
    const current = await store.read()
    if (current) assertImageParameter(store, current)
    if (current?.value === imageId) return mayHaveWritten ? written(imageId) : { how: 'unchanged' }
    const over = current && (await readNewest(store, current))
    if (over && mark && isLater(parseMark(over.description), mark)) return refused(over)
    const entry = { value: imageId, description: toDescription(mark) }
    const standing = await writeVersion(store, { entry, over, choose: chooseLatest })
    mayHaveWritten = true
    if (!standing) return undefined
    const { value } = standing
    if (value === imageId) return written(imageId)
    return { ...refused(standing), ...(parseMark(standing.description) && { written: value }) }
  })
  if (setting) return setting
  throw new OptionError(
    'ssmParameter',
    `${store.name} in ${store.region} exists, but has had no value for ${CREATED_WITHIN / 60} minutes. Run the job again.`,
  )
}

function written(imageId: string): Forward {
  return { how: 'written', written: imageId }
}

function refused({ value, description }: Version): Setting {
  const mark = parseMark(description)
  return { how: 'refused', imageId: value, laterRun: mark && `${mark.run}.${mark.attempt}` }
}

/** That of the latest run; of one run, the newest. A newest one without a mark is a change on purpose, which stands. */
export function chooseLatest(versions: readonly Version[]): Version | undefined {
  return versions.reduce<Version | undefined>((best, next, index) => {
    const mark = parseMark(next.description)
    if (!mark && index === versions.length - 1) return next
    return best && isLater(parseMark(best.description), mark) ? best : next
  }, undefined)
}
