import type { Inputs, Region } from '../actions/bake/inputs.ts'
import type { Checksum } from '../definition/checksum.ts'
import { readEndpoint } from '../ec2/addresses.ts'
import { connect, type Ec2, errorCode } from '../ec2/client.ts'
import { byAge, type FoundImage, type Image, isCopyOf, type Outcome } from '../ec2/images.ts'
import { describeCandidates, findImage, printSkips, reasonToSkipCopy, type Skip } from '../ec2/look-up.ts'
import { cancelled } from '../runner/cancel.ts'
import { group, info, messageOf } from '../runner/log.ts'
import { copyToRegions } from './copy-image.ts'

/**
 * Looks for the image in the look-up region and, at the same time, for its copies in every other region that it must be
 * available in: one request each. A copy of another generation is none of this image.
 *
 * @returns The image with the copies that are there; `undefined` when the look-up region has none.
 * @throws Error for anything but a clear answer from every region.
 */
export async function findInRegions(ec2: Ec2, inputs: Inputs, checksum: Checksum): Promise<FoundImage | undefined> {
  const elsewhere = inputs.regions.map(region => findCopiesIn(region, checksum))
  // What is wrong in the look-up region is wrong everywhere, and better said of that one.
  const [[here], answers] = await Promise.all([
    Promise.allSettled([findImage(ec2, inputs, checksum)]),
    Promise.allSettled(elsewhere),
  ])
  if (here.status === 'rejected') throw here.reason
  const failure = answers.find(answer => answer.status === 'rejected')
  if (failure) throw failure.reason
  if (!here.value) return undefined
  const { image, ids } = here.value
  const copies = answers.flatMap(answer => (answer.status === 'fulfilled' ? newestCopy(answer.value, image.id) : []))
  return { ...here.value, ids: new Map([...ids, ...copies]) }
}

/** The images with the checksum that a region has. */
interface Answer {
  readonly region: string
  readonly images: readonly Image[]
}

async function findCopiesIn({ name }: Region, { value }: Checksum): Promise<Answer> {
  try {
    return { region: name, images: await describeCandidates(connect(name, cancelled), value) }
  } catch (cause) {
    cancelled.throwIfAborted()
    throw new Error(`regions: ${name} can't be asked for the image. ${advise(name, cause)}${messageOf(cause)}`, {
      cause,
    })
  }
}

const UNKNOWN = /^(AuthFailure|UnrecognizedClientException|InvalidClientTokenId|SignatureDoesNotMatch)$/

/** EC2 knows no credentials in a region that the account has not enabled (AWS: "Enable or disable AWS Regions"). */
function advise(name: string, cause: unknown): string {
  const code = errorCode(cause) ?? ''
  const enable = `Is ${name} enabled in the account? Enable it, or take it out. `
  if (!UNKNOWN.test(code)) return code === 'OptInRequired' ? enable : ''
  const endpoint = readEndpoint()
  if (!endpoint) return enable
  const reason = `${endpoint.variable} leads to ${endpoint.url.host}, and an endpoint of AWS serves one region alone`
  return `${reason}: remove the variable, and let DNS lead to each region's own. Or: ${enable}`
}

function newestCopy({ region, images }: Answer, source: string): [[string, string]] | [] {
  const copies = images.filter(image => isCopyOf(image, source)).sort(byAge)
  printSkips(copies.flatMap(image => inRegion(region, reasonToSkipCopy(image))))
  const newest = copies.findLast(image => !reasonToSkipCopy(image))
  return newest ? [[region, newest.id]] : []
}

function inRegion(region: string, skip: Skip | undefined): Skip | [] {
  return skip ? { ...skip, message: `${region}: ${skip.message}` } : []
}

/**
 * Copies the image to the regions that lack it, all at once. Where the user wants no bake, nothing is copied either: then
 * a region without the image is a miss.
 *
 * @returns The image with its ids in all regions, or that there is none for want of copies.
 * @throws Error that names the regions that could not be filled; those that could be are kept.
 */
export async function fillRegions(
  ec2: Ec2,
  outcome: Outcome,
  { inputs, checksum }: { readonly inputs: Inputs; readonly checksum: Checksum },
): Promise<Outcome> {
  if (outcome.how === 'skipped') return outcome
  const { image, ids } = outcome
  const lacking = inputs.regions.filter(({ name }) => !ids.has(name))
  if (lacking.length === 0) return outcome
  const names = lacking.map(({ name }) => name).join(', ')
  info(`${image.id} is not available in ${names}.`)
  if (inputs.onMiss === 'skip') return { how: 'skipped' }
  if (inputs.onMiss === 'fail') {
    throw new Error(`on-miss: ${image.id} is not available in ${names}. Let it be copied: set on-miss to bake.`)
  }
  const copies = await group(`Copies to ${names}`, () => copyToRegions({ ec2, image }, lacking, checksum))
  return { ...outcome, ids: new Map([...ids, ...copies]), healed: new Set(copies.keys()) }
}
