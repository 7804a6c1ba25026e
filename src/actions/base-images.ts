import type { BaseAmi } from '../definition/settings.ts'
import { findNewestImage } from '../ec2/base-image.ts'
import { connect } from '../ec2/client.ts'
import { cancelled } from '../runner/cancel.ts'
import { IMAGE_ID } from '../runner/ids.ts'

/** The ids of the base images that searches have found, by the value of `base-ami`. */
export type Resolved = ReadonlyMap<string, string>

/**
 * Parses the input `resolved`: a JSON object of the output of `plan`.
 *
 * @throws Error that begins with `resolved`.
 */
export function parseResolved(json: string): Resolved {
  if (json === '') return new Map()
  const entries = Object.entries(parseObject(json))
  const wrong = entries.find(([, id]) => typeof id !== 'string' || !IMAGE_ID.test(id))
  if (!wrong) return new Map(entries.map(([value, id]) => [value, String(id)]))
  throw new Error(
    `resolved: ${JSON.stringify(wrong[1])} is not the id of an image. Specify the output resolved of plan.`,
  )
}

function parseObject(json: string): object {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // The error below says what is expected.
  }
  throw new Error('resolved: it is not a JSON object. Specify the output resolved of plan.')
}

/** Resolves base images, each search once in a step. */
export interface BaseImages {
  /**
   * @returns The id of the image to bake from; `undefined` when the template chooses it.
   * @throws OptionError when a search finds nothing, or images of several architectures, or a parameter holds no image id.
   */
  resolve(baseAmi: BaseAmi | undefined, region: string): Promise<string | undefined>
  /** The ids that were found, by the value of `base-ami`; if it was searched in several regions, `us-east-1/newest:…`. */
  resolved(): Resolved
}

/** @param earlier What an earlier step has found: it is not searched for again. */
export function createBaseImages(earlier: Resolved): BaseImages {
  const answers = new Map<string, Promise<string>>()
  const resolved = new Map<string, string>()

  async function resolve(baseAmi: BaseAmi | undefined, region: string): Promise<string | undefined> {
    if (baseAmi === undefined) return undefined
    if ('id' in baseAmi) return baseAmi.id
    const value = toText(baseAmi)
    const key = `${region}/${value}`
    const known = earlier.get(key) ?? earlier.get(value)
    const answer = known ? Promise.resolve(known) : (answers.get(key) ?? search(baseAmi, region))
    answers.set(key, answer)
    resolved.set(key, await answer)
    return await answer
  }

  return { resolve, resolved: () => shorten(resolved) }
}

/** Leaves the region out of a key if no other key has the same value of `base-ami`. */
function shorten(resolved: Resolved): Resolved {
  const values = [...resolved.keys()].map(key => key.slice(key.indexOf('/') + 1))
  const isShared = (value: string) => values.filter(other => other === value).length > 1
  return new Map(
    [...resolved].map(([key, id], index) => {
      const value = values[index] ?? ''
      return [isShared(value) ? key : value, id]
    }),
  )
}

function toText(baseAmi: Exclude<BaseAmi, { readonly id: string }>): string {
  return 'owner' in baseAmi ? `newest:${baseAmi.owner}/${baseAmi.pattern}` : `ssm:${baseAmi.parameter}`
}

async function search(baseAmi: Exclude<BaseAmi, { readonly id: string }>, region: string): Promise<string> {
  if ('owner' in baseAmi) return await findNewestImage(connect(region, cancelled), baseAmi)
  // Loaded on demand: no other run needs SSM.
  const { readImageId } = await import('../ec2/parameters/read-image-id.ts')
  return await readImageId(baseAmi.parameter, region, cancelled)
}
