import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { toolPath } from './tools.ts'
import type { Workspace } from './workspace.ts'

const root = path.resolve(import.meta.dirname, '..', '..')

/**
 * Runs a workflow with act on this machine itself, without containers. The repository it runs in is the workspace, and
 * `uses: ./` is this action as it is built. What triggers it is the first of the workflow's own events.
 */
export async function runWorkflow(
  workspace: Workspace,
  workflow: string,
  env: Readonly<Record<string, string>>,
): Promise<{ exitCode: number; log: string }> {
  fs.cpSync(path.join(root, 'dist'), path.join(workspace.directory, 'dist'), { recursive: true })
  workspace.write({
    'action.yml': fs.readFileSync(path.join(root, 'action.yml'), 'utf8'),
    'plan/action.yml': fs.readFileSync(path.join(root, 'plan/action.yml'), 'utf8'),
    'prune/action.yml': fs.readFileSync(path.join(root, 'prune/action.yml'), 'utf8'),
    '.github/workflows/w.yml': workflow,
  })
  commit(workspace.directory)
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const act = spawn(toolPath('act'), ['--detect-event', '-P', 'ubuntu-latest=-self-hosted', ...variables], {
    cwd: workspace.directory,
    env: { ...process.env, ...env },
  })
  let log = ''
  for (const stream of [act.stdout, act.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      log += chunk
    })
  }
  const [exitCode] = await once(act, 'close')
  return { exitCode: Number(exitCode), log }
}

/** A recipe as it can run here: this action as it is built, and without the steps that log in to AWS or install a program. */
export function withoutStepsOfOthers(recipe: string): string {
  const steps = recipe
    .replaceAll('ami-bakery/ami-bakery@v1', './')
    .replaceAll(/ami-bakery\/ami-bakery\/(\w+)@v1/g, './$1')
    .split(/(?=^ {6}- )/m)
  return steps.map(step => (/uses: (aws-actions|hashicorp)\//.test(step) ? afterStep(step) : step)).join('')
}

/** What follows the last step of a job: the next job. */
function afterStep(step: string): string {
  return step
    .split('\n')
    .slice(1)
    .join('\n')
    .replace(/^(?: {8}.*\n)*/, '')
}

function commit(directory: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: directory, stdio: 'ignore' })
  git('init', '--initial-branch=main')
  git('add', '--all', '--force')
  git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--allow-empty', '--message=test')
}
