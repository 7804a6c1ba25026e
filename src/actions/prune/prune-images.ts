import { connect } from '../../ec2/client.ts'
import { TEMPLATE_TAG } from '../../ec2/tag-names.ts'
import { listEnabledRegions } from '../../regions/enabled-regions.ts'
import { cancelled } from '../../runner/cancel.ts'
import { escapeControlCharacters, group, info, messageOf, warn } from '../../runner/log.ts'
import { createRecord } from '../record.ts'
import type { Account, Retention } from './account.ts'
import { applyAll, planned } from './apply.ts'
import { addReferences, addSharing, connectAll, describeAccount, type Regions } from './collect.ts'
import { decide, type Verdict } from './decide.ts'
import { readDefinitions } from './definitions.ts'
import type { Inputs } from './inputs.ts'
import { listLeases, removeLeases } from './leases.ts'
import { assertComplete, publishOutcomes, warnOfBacklog } from './outputs.ts'
import { reportsToRequest } from './reports.ts'
import { isOurs, isSelected } from './scope.ts'
import { nameOf } from './units.ts'

/**
 * Checks everything, then changes what the rules say.
 *
 * @throws Error before the first change when a region is not enabled or references are denied; at the end the list of what failed.
 */
export async function prune(inputs: Inputs): Promise<void> {
  const retention = { ...inputs.retention, now: Date.now() }
  const definitions = await readDefinitions(inputs.files)
  const { regions, unaskedRegions } = await connectRegions(inputs)
  const described = await describeAccount(regions, { definitions, unaskedRegions })
  const account = await describeUse(described, retention, regions)
  warnOfUnknownTemplates(account, retention)
  noteOtherLines(account, retention)
  const verdicts = decide(account, retention)
  const record = createRecord('prune', account.images[0]?.image.owner)
  const changes = {
    regions,
    record,
    reportsFor: (verdict: Verdict) => reportsToRequest(verdict, account, retention),
  }
  const [outcomes, leases] = await group(inputs.dryRun ? 'Rehearsal: nothing is changed' : 'Changes', async () => {
    if (inputs.dryRun) return [verdicts.map(planned), await listLeases(regions)] as const
    return [await applyAll(verdicts, changes), cancelled.aborted ? [] : await removeLeases(regions)] as const
  })
  await publishOutcomes(outcomes, record.text(), inputs.dryRun ? 'rehearsal' : 'changes')
  cancelled.throwIfAborted()
  warnOfBacklog(outcomes)
  assertComplete(outcomes, [...describeFailures(account), ...leases])
}

/** @throws Error that begins with the input's name for a region that is not enabled. */
async function connectRegions({
  region,
  regions,
}: Inputs): Promise<{ regions: Regions; unaskedRegions: ReadonlySet<string> }> {
  const enabled = await listEnabledRegions(connect(region, cancelled)).catch(cause => {
    cancelled.throwIfAborted()
    throw new Error(`aws-region: the regions of the account can't be listed. ${messageOf(cause)}`, { cause })
  })
  const wanted = regions ?? enabled
  for (const [input, name] of [['aws-region', region] as const, ...wanted.map(name => ['regions', name] as const)]) {
    if (enabled.includes(name)) continue
    throw new Error(
      `${input}: ${name} is not enabled in this account. Enable it, or specify some of ${enabled.join(', ')}.`,
    )
  }
  return { regions: connectAll(wanted), unaskedRegions: new Set(enabled.filter(name => !wanted.includes(name))) }
}

/** Asks EC2 only about the images that the facts before leave undecided. */
async function describeUse(account: Account, retention: Retention, regions: Regions): Promise<Account> {
  return await group('Use of the images', async () => {
    info(`${account.images.length} images with the tag ${TEMPLATE_TAG} in ${regions.size} regions`)
    const referenced = await addReferences(account, retention, regions)
    return await addSharing(referenced, retention, regions)
  })
}

function warnOfUnknownTemplates({ images }: Account, retention: Retention): void {
  const ours = images.filter(({ image }) => isOurs(image, retention))
  const known = new Set(ours.map(({ image }) => image.tags.get(TEMPLATE_TAG) ?? ''))
  const unknown = [...retention.templates].filter(template => !known.has(template))
  if (unknown.length === 0) return
  const listed = [...known].sort().map(escapeControlCharacters).join(', ')
  warn(`templates: no image was baked from ${unknown.join(', ')}. Known templates: ${listed || 'none'}.`)
}

/** Lines that the images file no longer names are kept for ever, so that the log lists them. */
function noteOtherLines(account: Account, retention: Retention): void {
  if (account.definitions.length === 0) return
  const others = account.images.filter(
    ({ image }) => isOurs(image, retention) && !isSelected(image, account, retention),
  )
  const lines = new Set(others.map(({ image }) => `${nameOf(image)} (${image.tags.get(TEMPLATE_TAG)})`))
  if (lines.size === 0) return
  const listed = [...lines].sort().map(escapeControlCharacters).join(', ')
  info(`The images file does not name these lines, whose images stay: ${listed}`)
}

function describeFailures({ unreadRegions, definitions }: Account): readonly string[] {
  const regions = [...unreadRegions.values()].map(reason => `${reason} To leave the region out, specify regions.`)
  return [...regions, ...definitions.flatMap(({ checksums }) => ('unknown' in checksums ? checksums.unknown : []))]
}
