import type { Region } from '../../definition/settings.ts'
import { toDestination } from '../../regions/copy-image.ts'
import { cancelled } from '../../runner/cancel.ts'
import { info, messageOf, warn } from '../../runner/log.ts'
import { nameSetting } from '../name-setting.ts'
import { sign } from '../signature.ts'
import type { Publishable } from './judge-image.ts'
import { type Published, publishImage } from './publish-image.ts'

/** What became of an image that was to be published. */
export interface Publication {
  /** Its name in the images file, else its id. */
  readonly label: string
  readonly outcome: Outcome
}

export type Outcome =
  | { readonly kind: 'published'; readonly image: Publishable; readonly published: Published }
  /** Without an image it could not be looked up. */
  | { readonly kind: 'failed'; readonly image?: Publishable; readonly message: string }
  /** No image has the current checksum. */
  | { readonly kind: 'missing'; readonly message: string }

/** The settings of an image that are not included in its checksum. */
export interface PublishSettings {
  readonly regions: readonly Region[]
  readonly tags: ReadonlyMap<string, string>
  readonly shareWith: readonly string[]
  readonly ssmParameter: string | undefined
}

/** Publishes an image. A failure is an outcome: it does not keep other images from being published. */
export async function publishKnown(label: string, image: Publishable, settings: PublishSettings): Promise<Publication> {
  const { regions, ...options } = settings
  const destinations = regions.filter(({ name }) => name !== image.ec2.region).map(toDestination)
  try {
    const published = await publishImage(image, { ...options, destinations, by: sign() })
    info(`${label}: ${image.image.id} is published.`)
    for (const warning of published.warnings) warn(`${label}: ${warning}`)
    for (const problem of published.problems) info(`${label}: ${problem}`)
    return { label, outcome: { kind: 'published', image, published } }
  } catch (error) {
    return { label, outcome: { kind: 'failed', image, message: explainFailure(label, error) } }
  }
}

/**
 * Prints why an image is not published.
 *
 * @throws The reason of a cancel.
 */
export function explainFailure(label: string, error: unknown): string {
  cancelled.throwIfAborted()
  const message = messageOf(nameSetting(error))
  info(`${label} is not published. ${message}`)
  return message
}
