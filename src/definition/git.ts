import { environment } from '../runner/environment.ts'
import { run } from '../runner/exec.ts'

/** Runs a Git command and returns its output. It throws an error when the command fails or the limit is aborted. */
export type Git = (...args: readonly string[]) => Promise<string>

/**
 * Creates a Git that only reads: it changes nothing, uses no network, prompts for no password, and runs no hook, no file system
 * monitor and no diff program. Only filters of the user's own configuration may run: without them, files of Git LFS and files
 * with converted line ends would be listed as changed.
 *
 * @param limit Kills every command when it is aborted.
 */
export function createGit(directory: string, limit: AbortSignal): Git {
  const options = { directory, environment: gitEnvironment(), limit }
  return async (...args) => {
    const { exitCode, stdout } = await run('git', [...OPTIONS, ...args], options)
    if (exitCode === 0) return stdout
    throw new Error(`git ${args[0]} failed with exit code ${exitCode}.`)
  }
}

/** They override every configuration file (git-config, "FILES"). */
const OPTIONS = [
  '--no-pager',
  ...['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'diff.autoRefreshIndex=true'].flatMap(one => ['-c', one]),
]

/** Without the step's own variables of Git: they could select another repository, or change the output. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith('GIT_'))
  return { ...Object.fromEntries(others), ...VARIABLES }
}

const VARIABLES = {
  // A partial clone fetches missing objects. The first variable exists since Git 2.44; the second forbids every protocol and
  // overrides the configuration (git, "Environment Variables").
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'true',
  SSH_ASKPASS: 'true',
  GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
  GIT_OPTIONAL_LOCKS: '0',
  LC_ALL: 'C',
}

/** Lists the tracked files that these pathspecs match, with their modes. */
export async function listTracked(git: Git, pathspecs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const answer = await git('ls-files', '--stage', '-z', '--', ...pathspecs)
  return new Map([...answer.matchAll(/(\d+) [^\t]+\t([^\0]+)\0/g)].map(([, mode = '', path = '']) => [path, mode]))
}

/** A file, link or submodule that differs between a commit and the files on disk. */
export interface Difference {
  /** Added, deleted or modified. */
  readonly status: 'A' | 'D' | 'M'
  readonly path: string
  readonly isSubmodule: boolean
}

/** The commit that the files on disk are compared with, and how. */
export interface Comparison {
  readonly commit: string
  /** Whether a file differs if only its executable bit does. */
  readonly withModes: boolean
}

/** Lists the tracked files that these pathspecs match and that differ between a commit and the disk. */
export async function listDifferences(
  git: Git,
  { commit, withModes }: Comparison,
  pathspecs: readonly string[],
): Promise<readonly Difference[]> {
  const answer = await git(...(withModes ? [] : WITHOUT_MODES), ...DIFF, commit, '--', ...pathspecs)
  const rows = answer.matchAll(/:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\0([^\0]+)\0/g)
  return [...rows].flatMap(([, before, now, idBefore, idNow, status, path = '']) => {
    if (idBefore === idNow && !withModes) return []
    const isSubmodule = before === SUBMODULE || now === SUBMODULE
    return [{ status: status === 'A' || status === 'D' ? status : 'M', path, isSubmodule }]
  })
}

/** Git's mode of a symbolic link. */
export const LINK = '120000'
const SUBMODULE = '160000'

/** `--ignore-submodules=dirty`: to compare a submodule's files Git would start a process with the submodule's configuration. */
const DIFF = [
  'diff',
  ...['--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--no-textconv', '-O/dev/null'],
  '--ignore-submodules=dirty',
]
const WITHOUT_MODES = ['-c', 'core.fileMode=false']
