import type { Image } from '../../ec2/images.ts'
import type { UsageReport } from '../../ec2/usage-reports.ts'

/** An image of this account, and its region. */
export interface LocatedImage {
  readonly region: string
  readonly image: Image
}

/** The images of an account that have our tags, and what is known about their use. */
export interface Account {
  /** Those of every repository. */
  readonly images: readonly LocatedImage[]
  /** The regions whose images are not known, with the reason. */
  readonly unreadRegions: ReadonlyMap<string, string>
  /** The enabled regions that the user has left out: the sources of copies may be there. */
  readonly unaskedRegions: ReadonlySet<string>
  /** The images of the images file as it stands. */
  readonly definitions: readonly Definition[]
  /** The ARNs of the resources that refer to an image. */
  readonly references: Facts<readonly string[]>
  /** Who else may launch an image. */
  readonly sharing: Facts<readonly string[]>
  /** The reports on the use of an image by other accounts, from the oldest to the newest. */
  readonly reports: Facts<readonly UsageReport[]>
  /**
   * Which facts have been collected of all images that the facts before leave undecided: a missing fact is unknown then. Before, it
   * decides nothing.
   */
  readonly collected: 'descriptions' | 'references' | 'everything'
}

/** What is known of images, by their ids. */
export type Facts<Value> = ReadonlyMap<string, Fact<Value>>

/** What is known, or the reason why it is not. */
export type Fact<Value> = { readonly known: Value } | { readonly unknown: string }

/** An image of the images file. */
export interface Definition {
  readonly imageName: string
  readonly template: string
  /** Every checksum that a bake of it may compute as the file stands. */
  readonly checksums: Fact<readonly string[]>
}

/** What to keep. */
export interface Retention {
  /** The repositories whose images may be pruned; `undefined` among them for images without one. */
  readonly repositories: ReadonlySet<string | undefined>
  /** The templates whose images may be pruned, in addition to those of the images file. */
  readonly templates: ReadonlySet<string>
  readonly keepLast: number
  readonly keepDays: number
  readonly keepLaunchedDays: number
  /** Ids of images, and checksums. */
  readonly keep: ReadonlySet<string>
  readonly shared: 'keep' | 'usage'
  /** The time between mark and deletion, in days. */
  readonly graceDays: number
  readonly maxDeletions: { readonly units: number } | { readonly percent: number }
  /** In milliseconds since 1970. */
  readonly now: number
}
