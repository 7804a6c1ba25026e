import type { Region } from '../definition/settings.ts'
import { readEndpoint } from '../ec2/addresses.ts'
import { type LookUp, reasonToSkipCopy, type Skip } from '../ec2/choose-image.ts'
import { connect, type Ec2, errorCode } from '../ec2/client.ts'
import { byAge, type Image, isCopyOf } from '../ec2/images.ts'
import { describeByValue, type Finding, findImage, printSkips } from '../ec2/look-up.ts'
import { cancelled } from '../runner/cancel.ts'
import { messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'

/**
 * Looks up the image in the look-up region and, at the same time, its copies in every other region that it must be available in:
 * one request each. A copy of another image with the same checksum is ignored.
 *
 * @returns The image with the copies found.
 * @throws Error unless every region gives a clear answer.
 */
export async function findInRegions(ec2: Ec2, regions: readonly Region[], lookUp: LookUp): Promise<Finding> {
  const elsewhere = regions.map(region => findCopiesIn(region, lookUp.checksum))
  // A failure in the look-up region mostly affects all regions, and is reported once.
  const [[here], answers] = await Promise.all([
    Promise.allSettled([findImage(ec2, lookUp)]),
    Promise.allSettled(elsewhere),
  ])
  if (here.status === 'rejected') throw here.reason
  const failure = answers.find(answer => answer.status === 'rejected')
  if (failure) throw failure.reason
  const { found } = here.value
  if (!found) return here.value
  const { image, ids } = found
  const copies = answers.flatMap(answer => (answer.status === 'fulfilled' ? newestCopy(answer.value, image.id) : []))
  return { ...here.value, found: { ...found, ids: new Map([...ids, ...copies]) } }
}

/** The images with the checksum in a region. */
interface Answer {
  readonly region: string
  readonly images: readonly Image[]
}

async function findCopiesIn({ name }: Region, checksum: string): Promise<Answer> {
  try {
    return { region: name, images: await describeByValue(connect(name, cancelled), checksum) }
  } catch (cause) {
    cancelled.throwIfAborted()
    const message = `Could not look up the image in ${name}. ${hintFor(name, cause)}${messageOf(cause)}`
    throw new OptionError('regions', message, { cause })
  }
}

const UNKNOWN_CREDENTIALS = /^(AuthFailure|UnrecognizedClientException|InvalidClientTokenId|SignatureDoesNotMatch)$/

/** In a region that the account has not enabled, EC2 knows no credentials (AWS: "Enable or disable AWS Regions"). */
function hintFor(name: string, cause: unknown): string {
  const code = errorCode(cause) ?? ''
  const enable = `Is ${name} enabled in the account? Enable it, or remove it from the regions. `
  if (!UNKNOWN_CREDENTIALS.test(code)) return code === 'OptInRequired' ? enable : ''
  const endpoint = readEndpoint()
  if (!endpoint) return enable
  const reason = `${endpoint.variable} is set to ${endpoint.url.host}, and an endpoint of AWS serves one region only`
  return `${reason}: unset the variable, so that each region's own endpoint is used. Or: ${enable}`
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
