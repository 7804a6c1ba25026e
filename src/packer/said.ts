/** What a build says that makes something on EC2: the first line of it. */
export interface Said {
  readonly build: string
  readonly text: string
}

/** Tells whose the texts are that Packer prints. */
export interface Attribution {
  /** @returns `undefined` for what is said by no build that makes something on EC2. */
  attribute(text: string): Said | undefined
  /** The names of the builds that make something on EC2, as far as they have begun. */
  builds(): readonly string[]
}

/**
 * Packer prints a build's name and a colon before each of its lines (hashicorp/packer, packer/ui.go, TargetedUI). A name may
 * hold any character, colons and line feeds too, so that it is not in the line where it ends. It is learnt from the first
 * sentence of the build, which is known whole; after that its lines are those that begin with it.
 *
 * The sentences come before anything else can print in the name of the build: an instance, its provisioners, and the
 * post-processors, whose lines begin with the name too, can't introduce another build.
 */
export function createAttribution(): Attribution {
  const builds = new Set<string>()
  const launched = new Set<string>()

  function introduce(line: string): void {
    if ([...launched].some(build => line.startsWith(`${build}: `) || line.startsWith(`${build} (`))) return
    const [, name] = FIRST_SENTENCE.exec(line) ?? []
    // The text of a build that is not known, over several lines.
    if (name && !/\n(==> | {4})/.test(name)) builds.add(name)
  }

  function attribute(text: string): Said | undefined {
    const [arrow] = /^(==> | {4})/.exec(text) ?? []
    if (!arrow) return undefined
    const line = text.slice(arrow.length)
    introduce(line)
    const build = longest([...builds].filter(name => line.startsWith(`${name}: `)))
    if (build === undefined) return undefined
    const [said = ''] = line.slice(`${build}: `.length).split('\n', 1)
    if (LAUNCH.test(said)) launched.add(build)
    return { build, text: said }
  }

  return { attribute, builds: () => [...builds] }
}

/**
 * What a build says before its instance runs (packer-plugin-amazon 1.8.2: step_pre_validate.go, step_key_pair.go,
 * step_security_group.go, step_iam_instance_profile.go, step_run_*_instance.go; amazon-chroot: step_instance_info.go).
 * Not every build says each of them; none of them holds a text of others, so that all before it is the name.
 */
const FIRST_SENTENCE = new RegExp(
  `^(.+): (?:${[
    'Prevalidating any provided VPC information',
    'Creating temporary keypair: packer_[0-9a-f-]{36}',
    'Creating temporary security group for this instance: packer_[0-9a-f-]{36}',
    'Creating temporary instance profile for this instance: packer-[0-9a-f-]{36}',
    'Launching a (?:source|spot) AWS instance\\.\\.\\.',
    'Gathering information about this EC2 instance\\.\\.\\.',
  ].join('|')})\\s*$`,
  's',
)

/** From here on others print too: the instance, or what amazon-chroot runs. */
const LAUNCH = /^(Launching a (source|spot) AWS instance|Gathering information about this EC2 instance)/

function longest(names: readonly string[]): string | undefined {
  return names.reduce<string | undefined>(
    (found, name) => (name.length > (found?.length ?? -1) ? name : found),
    undefined,
  )
}
