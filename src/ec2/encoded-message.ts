/**
 * What EC2 adds to a refusal in accounts that may decode it: one or two thousand characters that only
 * `sts:DecodeAuthorizationMessage` can read (AWS: DecodeAuthorizationMessage).
 */
const ENCODED = /\s*Encoded authorization failure message:\s*([\w+/=-]{20,})\.?/

const DECODE = ' The encoded rest is in the log; aws sts decode-authorization-message --encoded-message reads it.'

/** Takes the encoded part out of a message of AWS, also of one that Packer passes on, and names the command that reads it. */
export function withoutEncoded(message: string): string {
  return message.replace(new RegExp(ENCODED, 'g'), DECODE)
}

/** The encoded part of such a message; `undefined` where it has none. */
export function encodedIn(message: string): string | undefined {
  return ENCODED.exec(message)?.[1]
}
