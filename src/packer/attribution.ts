/** The first line of a text that a build prints, without the build's name. */
export interface BuildLine {
  readonly build: string
  readonly text: string
}

/** Finds the build that prints a text. */
export interface Attribution {
  /** @returns `undefined` for a text of Packer itself, or of a build that creates no resources on EC2. */
  attribute(text: string): BuildLine | undefined
  /** The names of the builds that have started to create resources on EC2; a name that several builds share is listed several times. */
  builds(): readonly string[]
}

/**
 * Attributes Packer's texts to builds. Packer prints a build's name and a colon before each line (hashicorp/packer,
 * packer/ui.go, TargetedUI). A name can contain any character, colons and line feeds too, so that a line alone does not show
 * where the name ends. The first sentence of a build is fixed and shows it; later lines of the build start with that name.
 *
 * The first sentences are printed before anything else can print in the build's name: an instance, a provisioner or a
 * post-processor, whose lines start with the name too, can't introduce another build.
 */
export function createAttribution(): Attribution {
  const sentences = new Map<string, readonly string[]>()
  const launched = new Set<string>()

  function introduce(line: string): void {
    if ([...launched].some(build => line.startsWith(`${build}: `) || line.startsWith(`${build} (`))) return
    const [, name, sentence = ''] = FIRST_SENTENCE.exec(line) ?? []
    // A match over several lines is a text of an unknown build, not a name.
    if (!name || /\n(==> | {4})/.test(name)) return
    sentences.set(name, [...(sentences.get(name) ?? []), sentence.replace(/: packer.*/, '')])
  }

  function attribute(text: string): BuildLine | undefined {
    const [arrow] = /^(==> | {4})/.exec(text) ?? []
    if (!arrow) return undefined
    const line = text.slice(arrow.length)
    introduce(line)
    const build = longest([...sentences.keys()].filter(name => line.startsWith(`${name}: `)))
    if (build === undefined) return undefined
    const [first = ''] = line.slice(`${build}: `.length).split('\n', 1)
    if (LAUNCH.test(first)) launched.add(build)
    return { build, text: first }
  }

  function builds(): readonly string[] {
    return [...sentences].flatMap(([name, printed]) => Array.from({ length: countBuilds(printed) }, () => name))
  }

  return { attribute, builds }
}

/** A build prints each of its first sentences once. In HCL2 several builds can have the same name. */
function countBuilds(sentences: readonly string[]): number {
  return Math.max(...sentences.map(sentence => sentences.filter(other => other === sentence).length))
}

/**
 * What a build prints before its instance runs (packer-plugin-amazon 1.8.2: step_pre_validate.go, step_key_pair.go,
 * step_security_group.go, step_iam_instance_profile.go, step_run_*_instance.go; amazon-chroot: step_instance_info.go).
 * Not every build prints each of them. None contains text from elsewhere, so that all before it is the name.
 */
const FIRST_SENTENCE = new RegExp(
  `^(.+): (${[
    'Prevalidating any provided VPC information',
    'Creating temporary keypair: packer_[0-9a-f-]{36}',
    'Creating temporary security group for this instance: packer_[0-9a-f-]{36}',
    'Creating temporary instance profile for this instance: packer-[0-9a-f-]{36}',
    'Launching a (?:source|spot) AWS instance\\.\\.\\.',
    'Gathering information about this EC2 instance\\.\\.\\.',
  ].join('|')})\\s*$`,
  's',
)

/** After this line the instance, or a program in amazon-chroot, prints too. */
const LAUNCH = /^(Launching a (source|spot) AWS instance|Gathering information about this EC2 instance)/

function longest(names: readonly string[]): string | undefined {
  return names.reduce<string | undefined>(
    (found, name) => (name.length > (found?.length ?? -1) ? name : found),
    undefined,
  )
}
