import path from 'node:path'

/** The variables this process was started with. Nothing in the project changes them. */
export const environment: Readonly<NodeJS.ProcessEnv> = process.env

/** Whether a GitHub runner, or a compatible one, reads the output and the command files of this process. */
export const onGitHub = env('GITHUB_ACTIONS') === 'true' || env('GITHUB_OUTPUT') !== undefined

/** The value of an environment variable without surrounding blanks; `undefined` when it is unset or blank. */
export function env(name: string): string | undefined {
  return environment[name]?.trim() || undefined
}

/** The directory that relative paths are relative to: the runner's workspace, else the process's working directory. */
export function workspace(): string {
  return environment.GITHUB_WORKSPACE?.trim() ? environment.GITHUB_WORKSPACE : process.cwd()
}

/** Makes a path absolute by putting the workspace before it, and nothing else: `..`, `./` and `//` stay as specified. */
export function fromWorkspace(specified: string): string {
  return path.isAbsolute(specified) ? specified : `${workspace()}/${specified}`
}

/** The workflow run that this process is part of, for the tags of the images it bakes; `undefined` outside GitHub. */
export interface WorkflowRun {
  readonly repository: string
  /** `undefined` where the runner does not name it. */
  readonly commit: string | undefined
  readonly id: string
  readonly attempt: string
  /** Web address of this run's attempt. */
  readonly url: string
}

/** Reads the workflow run from the runner's default variables (GitHub docs, "Default environment variables"). */
export function workflowRun(): WorkflowRun | undefined {
  const repository = env('GITHUB_REPOSITORY')
  const id = env('GITHUB_RUN_ID')
  if (!onGitHub || !repository || !id) return undefined
  const server = env('GITHUB_SERVER_URL') ?? 'https://github.com'
  const attempt = env('GITHUB_RUN_ATTEMPT') ?? '1'
  const commit = env('GITHUB_SHA')
  return { repository, commit, id, attempt, url: `${server}/${repository}/actions/runs/${id}/attempts/${attempt}` }
}

/** Who started the workflow run, or who runs this process outside GitHub; `undefined` when the environment does not say. */
export function currentActor(): string | undefined {
  // The actor is who started the run first; a re-run may have another (GitHub docs, "Default environment variables").
  return env('GITHUB_TRIGGERING_ACTOR') ?? env('GITHUB_ACTOR') ?? env('USER')
}
