import { connect } from '../../ec2/client.ts'
import { cancelled } from '../../runner/cancel.ts'
import { assertSupportedPlatform } from '../../runner/platform.ts'
import { type Inputs, readInputs } from './inputs.ts'
import { findPublishable } from './judge-image.ts'
import { assertAllPublished, reportPublications } from './outputs.ts'
import { type Publication, publishKnown } from './publications.ts'
import { publishNamed } from './publish-named.ts'

/** Publishes one image, or images of the images file. */
export async function main(): Promise<void> {
  assertSupportedPlatform()
  const publications = await publish(await readInputs())
  await reportPublications(publications)
  assertAllPublished(publications)
}

async function publish(inputs: Inputs): Promise<readonly Publication[]> {
  const { subject, regions = [], tags = new Map(), shareWith = [], ssmParameter } = inputs
  if (subject.kind === 'names') return await publishNamed(subject, inputs)
  const image = await findPublishable(connect(subject.region, cancelled), subject)
  return [await publishKnown(subject.id, image, { regions, tags, shareWith, ssmParameter })]
}
