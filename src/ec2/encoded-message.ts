/**
 * The details that EC2 adds to an authorization failure: one or two thousand characters that only
 * `sts:DecodeAuthorizationMessage` decodes (AWS: DecodeAuthorizationMessage).
 */
const ENCODED = /\s*Encoded authorization failure message:\s*([\w+/=-]{20,})\.?/

const DECODE =
  ' The log has the encoded message; to decode it: aws sts decode-authorization-message --encoded-message …'

/** Replaces the encoded part of a message of AWS, also of one in Packer's output, by the command that decodes it. */
export function withoutEncoded(message: string): string {
  return message.replace(new RegExp(ENCODED, 'g'), DECODE)
}

/** The encoded part of a message of AWS; `undefined` when it has none. */
export function encodedIn(message: string): string | undefined {
  return ENCODED.exec(message)?.[1]
}
