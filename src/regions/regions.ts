import type { Region } from '../definition/settings.ts'
import { readEndpoint } from '../ec2/addresses.ts'
import { connect, type Ec2, errorCode } from '../ec2/client.ts'
import { byAge, type FoundImage, type Image, isCopyOf } from '../ec2/images.ts'
import { describeCandidates, findImage, type LookUp, printSkips, reasonToSkipCopy, type Skip } from '../ec2/look-up.ts'
import { cancelled } from '../runner/cancel.ts'
import { messageOf } from '../runner/log.ts'
import { OptionError } from '../runner/option-error.ts'

/**
 * Looks for the image in the look-up region and, at the same time, for its copies in every other region that it must be
 * available in: one request each. A copy of another generation is none of this image.
 *
 * @returns The image with the copies that are there; `undefined` when the look-up region has none.
 * @throws Error for anything but a clear answer from every region.
 */
export async function findInRegions(
  ec2: Ec2,
  regions: readonly Region[],
  lookUp: LookUp,
): Promise<FoundImage | undefined> {
  const elsewhere = regions.map(region => findCopiesIn(region, lookUp.checksum))
  // What is wrong in the look-up region is wrong everywhere, and better said of that one.
  const [[here], answers] = await Promise.all([
    Promise.allSettled([findImage(ec2, lookUp)]),
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

async function findCopiesIn({ name }: Region, checksum: string): Promise<Answer> {
  try {
    return { region: name, images: await describeCandidates(connect(name, cancelled), checksum) }
  } catch (cause) {
    cancelled.throwIfAborted()
    throw new OptionError(
      'regions',
      `${name} can't be asked for the image. ${advise(name, cause)}${messageOf(cause)}`,
      {
        cause,
      },
    )
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
