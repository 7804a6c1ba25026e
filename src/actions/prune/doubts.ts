import { IMAGE_NAME_TAG, TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import type { Account, Fact } from './account.ts'
import { imagesOf, type Unit } from './units.ts'

/**
 * Finds what is not known about a unit that no known fact keeps: a check has failed, and might have kept it.
 *
 * @returns Why it is in doubt; `undefined` when everything is known.
 */
export function findDoubt(unit: Unit, account: Account): string | undefined {
  const [region] = account.unreadRegions
  if (region) return `the images of ${region[0]} are not known, and a copy may be there: ${region[1]}`
  return doubtDefinition(unit, account) ?? doubtFacts(unit, account)
}

/** The name counts, and so does the template, because an image file's name may be new. */
function doubtDefinition({ source: { image } }: Unit, { definitions }: Account): string | undefined {
  const [name, template] = [image.tags.get(IMAGE_NAME_TAG), image.tags.get(TEMPLATE_TAG)]
  for (const definition of definitions) {
    const isOfLine = definition.imageName === name || definition.template === template
    if (isOfLine && 'unknown' in definition.checksums) return definition.checksums.unknown
  }
  return undefined
}

function doubtFacts(unit: Unit, account: Account): string | undefined {
  const facts = imagesOf(unit).flatMap(({ image }) => factsOf(image.id, account))
  return facts.map(doubtFact).find(doubt => doubt !== undefined)
}

/** The facts that must be known about an image that no rule keeps. For a shared image the usage reports are one of them. */
function factsOf(id: string, account: Account): readonly (Fact<unknown> | undefined)[] {
  const { references, sharing, reports, collected } = account
  if (collected === 'descriptions') return []
  if (collected === 'references') return [references.get(id)]
  const fact = sharing.get(id)
  const isShared = fact && 'known' in fact && fact.known.length > 0
  return [references.get(id), fact, ...(isShared ? [reports.get(id)] : [])]
}

function doubtFact(fact: Fact<unknown> | undefined): string | undefined {
  if (!fact) return 'it was not checked'
  return 'unknown' in fact ? fact.unknown : undefined
}
