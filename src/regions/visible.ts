import { type Ec2, errorCode, poll } from '../ec2/client.ts'

/** How long EC2 may not know an image that is there, in seconds (EC2 developer guide, "Eventual consistency"). */
export const VISIBLE_WITHIN = 30

/**
 * Does something with an image that is new, and tries again for 30 s while EC2 does not know the image yet.
 *
 * @throws What `work` throws: any other error at once, this one when the time is over.
 */
export async function onceVisible<Result>(ec2: Ec2, work: () => Promise<Result>): Promise<Result> {
  let refusal: unknown
  const done = await poll(ec2, VISIBLE_WITHIN, async () => {
    try {
      return { result: await work() }
    } catch (error) {
      if (!NOT_VISIBLE.has(errorCode(error) ?? '')) throw error
      refusal = error
      return undefined
    }
  })
  if (!done) throw refusal
  return done.result
}

/** AWS, "Error codes for the Amazon EC2 API". */
const NOT_VISIBLE = new Set(['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable'])
