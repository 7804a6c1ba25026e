import { IMAGE_NAME_TAG, TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import type { Account, Fact } from './account.ts'
import type { Evidence } from './rules.ts'
import { imagesOf, type Unit } from './units.ts'

/**
 * Finds what is not known about a unit that no known fact keeps: a check has failed, and might have kept it.
 *
 * @returns Why it is in doubt; `undefined` when everything is known.
 */
export function findDoubt(unit: Unit, evidence: Evidence): string | undefined {
  const { account } = evidence
  const [region] = account.unreadRegions
  if (region) return `the images of ${region[0]} are not known, and a copy may be there: ${region[1]}`
  return doubtDefinition(unit, account) ?? doubtFacts(unit, evidence)
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

function doubtFacts(unit: Unit, { account, retention }: Evidence): string | undefined {
  const { references, sharing, reports, collected } = account
  if (collected === 'descriptions') return undefined
  for (const { image } of imagesOf(unit)) {
    const doubts = [doubtFact(references.get(image.id))]
    if (collected === 'everything') doubts.push(doubtFact(sharing.get(image.id)))
    const isShared = isNotEmpty(sharing.get(image.id))
    if (collected === 'everything' && isShared && retention.shared === 'usage') {
      doubts.push(doubtFact(reports.get(image.id)))
    }
    const doubt = doubts.find(found => found !== undefined)
    if (doubt) return doubt
  }
  return undefined
}

function doubtFact(fact: Fact<unknown> | undefined): string | undefined {
  if (!fact) return 'it was not checked'
  return 'unknown' in fact ? fact.unknown : undefined
}

function isNotEmpty(fact: Fact<readonly unknown[]> | undefined): boolean {
  return fact !== undefined && 'known' in fact && fact.known.length > 0
}
