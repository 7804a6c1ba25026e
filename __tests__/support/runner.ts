import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The files in `dist` that a step starts. */
export type ActionName = 'index' | 'plan' | 'publish' | 'revoke' | 'prune'

/** A step of a job, as its author writes it. */
export interface Step {
  /** What stands under `with:`. */
  readonly inputs?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Which action of the repository it uses; by default the main one. */
  readonly action?: ActionName
  /** The checked-out repository. */
  readonly workspace: string
  /** A program that starts the action: the action's own command line follows these words. */
  readonly under?: readonly string[]
}

/** What a process of the action left behind for the runner. */
export interface Run {
  /** `undefined` when a signal killed it. */
  readonly exitCode: number | undefined
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly annotations: readonly Annotation[]
  readonly summary: string
  /** Standard output and standard error. */
  readonly log: string
  readonly seconds: number
}

export interface Annotation {
  readonly level: string
  readonly message: string
}

/** A process of the action that has been started. */
export interface Running {
  readonly process: ChildProcess
  /** The runner's directory for temporary files, the step's own here. */
  readonly temp: string
  /** Everything it has printed so far. */
  log(): string
  readonly ended: Promise<Run>
  /** Waits until it has printed something. */
  printed(pattern: RegExp): Promise<void>
  /** Runs the step's `post`, with the state that the step has left. */
  post(env?: Readonly<Record<string, string>>): Promise<Run>
}

const ACTION = path.resolve(import.meta.dirname, '..', '..', 'dist')

/** Runs the built action to its end, as the GitHub runner runs it. */
export async function runAction(step: Step): Promise<Run> {
  return await startAction(step).ended
}

/** Starts the built action, as the GitHub runner starts it. */
export function startAction({ action = 'index', inputs = {}, env = {}, workspace, under = [] }: Step): Running {
  const TMPDIR = makeTemporary(workspace)
  const temp = fs.mkdtempSync(path.join(TMPDIR, 'runner-'))
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
  )
  const variables = { ...runnerVariables(workspace, temp), TMPDIR, ...given, ...env }
  return start(`${action}.js`, { cwd: workspace, temp, env: variables, under })
}

/** Starts the built action outside GitHub, with nothing else in its environment, and with these arguments. */
export function startPlainly(
  directory: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  action: ActionName = 'index',
): Running {
  const temp = makeTemporary(directory)
  const variables = { PATH: process.env.PATH ?? '', HOME: os.homedir(), TMPDIR: temp, ...env }
  return start(`${action}.js`, { cwd: directory, temp, env: variables, under: [], args })
}

/**
 * Cancels a step as the runner does: SIGINT, after 7.5 s SIGTERM, after 2.5 s more SIGKILL, all to its process alone
 * (actions/runner, ProcessInvoker).
 */
export async function cancel(running: Running): Promise<Run> {
  const sequence = [
    ['SIGINT', 7_500],
    ['SIGTERM', 2_500],
    ['SIGKILL', 10_000],
  ] as const
  for (const [signal, patience] of sequence) {
    running.process.kill(signal)
    const ended = await Promise.race([running.ended, sleep(patience)])
    if (ended) return ended
  }
  throw new Error('The process survived SIGKILL.')
}

/** The directory for temporary files beside a workspace, and removed with it. Its path is short: macOS takes 103 bytes for a socket's. */
function makeTemporary(workspace: string): string {
  const directory = path.join(path.dirname(workspace), 'tmp')
  fs.mkdirSync(directory, { recursive: true })
  return directory
}

interface Place {
  readonly cwd: string
  readonly temp: string
  readonly env: Readonly<Record<string, string>>
  readonly under: readonly string[]
  /** Arguments of the action itself. */
  readonly args?: readonly string[]
}

function start(entry: string, place: Place): Running {
  const { cwd, temp, env, under } = place
  const begun = performance.now()
  const [program = '', ...args] = [...under, process.execPath, path.join(ACTION, entry), ...(place.args ?? [])]
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      log += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) =>
    collect(temp, log, typeof code === 'number' ? code : undefined, (performance.now() - begun) / 1000),
  )
  async function printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(log)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended before ${pattern}: ${log}`)
      await sleep(5)
    }
  }
  async function post(more: Readonly<Record<string, string>> = {}): Promise<Run> {
    const state = readFileCommands(path.join(temp, 'GITHUB_STATE'))
    const saved = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]))
    return await start('post.js', { ...place, env: { ...env, ...saved, ...more }, under: [] }).ended
  }
  return { process: child, temp, log: () => log, ended, printed, post }
}

const COMMAND_FILES = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'] as const

function runnerVariables(workspace: string, temp: string): Record<string, string> {
  const files = COMMAND_FILES.map(name => {
    const file = path.join(temp, name)
    fs.writeFileSync(file, '')
    return [name, file]
  })
  return {
    PATH: process.env.PATH ?? '',
    HOME: os.homedir(),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_REPOSITORY: 'example/app',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '4711',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: '3b18e512dba79e4c8300dd08aeb37f8e728b8dad',
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: temp,
    ACTIONS_RUNTIME_TOKEN: 'runtime-token',
    ...Object.fromEntries(files),
  }
}

function collect(temp: string, log: string, exitCode: number | undefined, seconds: number): Run {
  return {
    exitCode,
    outputs: readFileCommands(path.join(temp, 'GITHUB_OUTPUT')),
    state: readFileCommands(path.join(temp, 'GITHUB_STATE')),
    annotations: readAnnotations(log),
    summary: readIfThere(path.join(temp, 'GITHUB_STEP_SUMMARY')),
    log,
    seconds,
  }
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}

/** Reads `name=value` and `name<<END … END` as the runner does (GitHub docs, "Multiline strings"). */
function readFileCommands(file: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = readIfThere(file).split('\n')
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [, name, delimiter] = /^(.+?)<<(.+)$/.exec(line) ?? []
    if (!name || !delimiter) continue
    const end = lines.indexOf(delimiter)
    values[name] = lines.splice(0, end).join('\n')
    lines.shift()
  }
  return values
}

function readAnnotations(log: string): Annotation[] {
  const commands = log.matchAll(/^::(error|warning|notice)[^:]*::(.*)$/gm)
  return [...commands].map(([, level = '', message = '']) => ({
    level,
    message: message.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%'),
  }))
}
