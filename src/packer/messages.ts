/** What one line of `packer build -machine-readable` says. */
export type Message =
  /** Something for people to read. */
  | { readonly kind: 'text'; readonly text: string }
  /** Why a build failed. */
  | { readonly kind: 'failure'; readonly text: string }
  /** One property of something that a build made, like `builder-id` or `id`. */
  | { readonly kind: 'artifact'; readonly property: string; readonly value: string }

/**
 * Reads a line of Packer's machine-readable output: a time, a target, a type, and data with its commas escaped (Packer
 * docs, "Machine-Readable Output"). A text that a provisioner prints can't pass for another type: its commas are escaped.
 *
 * @returns `undefined` for lines of no interest.
 */
export function readMessage(line: string): Message | undefined {
  const [, level, text = ''] = TEXT_LINE.exec(line) ?? []
  if (level) return { kind: 'text', text: unescapeData(text) }
  const [, property, value = ''] = ARTIFACT_LINE.exec(line) ?? []
  if (property) return { kind: 'artifact', property, value: unescapeData(value) }
  const [, failure] = FAILURE_LINE.exec(line) ?? []
  return failure ? { kind: 'failure', text: unescapeData(failure) } : undefined
}

const TEXT_LINE = /^\d+,[^,]*,ui,(say|message|error),(.*)$/s
const ARTIFACT_LINE = /^\d+,.*?,artifact,\d+,([a-z-]+),(.*)$/s
const FAILURE_LINE = /^\d+,.*,error,([^,]+)$/s

function unescapeData(data: string): string {
  return data.replaceAll('%!(PACKER_COMMA)', ',').replaceAll('\\r', '\r').replaceAll('\\n', '\n')
}

/**
 * The images that an artifact's id names: `us-east-1:ami-…`, several with commas between.
 *
 * @returns Pairs of region and image id; none when the artifact is no AMI.
 */
export function imagesOf(artifactId: string): readonly (readonly [string, string])[] {
  const images = artifactId.split(',').map(part => ARTIFACT_IMAGE.exec(part))
  return images.flatMap(match => (match?.[1] && match[2] ? [[match[1], match[2]] as const] : []))
}

const ARTIFACT_IMAGE = /^([a-z0-9-]+):(ami-(?:[0-9a-f]{8}|[0-9a-f]{17}))$/
