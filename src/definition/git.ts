import { environment } from '../runner/environment.ts'
import { run } from '../runner/exec.ts'

/** Runs a Git command and returns what it printed. It throws an error when the command fails or the limit is aborted. */
export type Git = (...args: readonly string[]) => Promise<string>

/**
 * Prepares Git for questions: it changes nothing, reaches no network, asks for no password, and runs no hook, no file system
 * monitor, no program that shows differences. Only filters of the user's own configuration may run: without them files of
 * Git LFS, or with other line ends, would seem changed.
 *
 * @param limit Ends every command when it is aborted.
 */
export function createGit(directory: string, limit: AbortSignal): Git {
  const where = { directory, environment: gitEnvironment(), limit }
  return async (...args) => {
    const { exitCode, stdout } = await run('git', [...OPTIONS, ...args], where)
    if (exitCode === 0) return stdout
    throw new Error(`git ${args[0]} failed with exit code ${exitCode}.`)
  }
}

/** They overrule every configuration file (git-config, "FILES"). */
const OPTIONS = [
  '--no-pager',
  ...['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'diff.autoRefreshIndex=true'].flatMap(one => ['-c', one]),
]

/** Git's variables in the step's environment could lead it to another repository, or make it print more or elsewhere. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith('GIT_'))
  return { ...Object.fromEntries(others), ...VARIABLES }
}

const VARIABLES = {
  // A partial clone fetches what it lacks. Git knows the first since 2.44; the second allows no protocol at all, whatever the
  // configuration says (git, "Environment Variables").
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'true',
  SSH_ASKPASS: 'true',
  GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
  GIT_OPTIONAL_LOCKS: '0',
  LC_ALL: 'C',
}

/** Lists what Git tracks at these pathspecs: the mode of each, by its path. */
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

/** What two states are compared by. */
export interface Comparison {
  readonly commit: string
  /** Whether a file differs that has another executable bit only. */
  readonly withModes: boolean
}

/** Lists what differs between a commit and the files on disk at these pathspecs, as far as Git tracks it. */
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

/** The mode that Git gives a symbolic link. */
export const LINK = '120000'
const SUBMODULE = '160000'

/** In a submodule Git would start a process to look for changes, with the submodule's own configuration. */
const DIFF = [
  'diff',
  ...['--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--no-textconv', '-O/dev/null'],
  '--ignore-submodules=dirty',
]
const WITHOUT_MODES = ['-c', 'core.fileMode=false']
