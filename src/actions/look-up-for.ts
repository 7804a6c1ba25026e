import type { Checksum } from '../definition/checksum.ts'
import type { ImageSettings } from '../definition/settings.ts'
import type { LookUp } from '../ec2/look-up.ts'

/** The look-up of an image, the same for every action: a plan must not report a hit that the bake would not use. */
export function lookUpFor({ name, template, maxAgeDays }: ImageSettings, { value: checksum }: Checksum): LookUp {
  return { checksum, template: template.name, imageName: name, maxAgeDays }
}
