import type { LookUp } from '../ec2/choose-image.ts'
import type { DefinedImage } from './image-checksum.ts'

/**
 * The look-up of an image, the same for every action: a plan must not report a hit that the bake would not use. A parent that is
 * not published yet is good enough for a child that is not either.
 */
export function lookUpFor({ settings, checksum, parent }: DefinedImage): LookUp {
  const { name, template, maxAgeDays, criticalFixDays, candidate } = settings
  const above = parent && lookUpFor(parent)
  return {
    checksum: checksum.value,
    template: template.name,
    imageName: name,
    maxAgeDays,
    criticalFixDays,
    candidate,
    parent: above && (candidate ? above : withoutCandidates(above)),
  }
}

function withoutCandidates(lookUp: LookUp): LookUp {
  return { ...lookUp, candidate: false, parent: lookUp.parent && withoutCandidates(lookUp.parent) }
}
