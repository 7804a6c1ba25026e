import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { runWorkflow } from './support/act.ts'
import { startEc2 } from './support/ec2.ts'
import { packerEnvironment } from './support/packer.ts'
import { hasTools } from './support/tools.ts'
import { hclTemplate, makeWorkspace } from './support/workspace.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')

describe.skipIf(!hasTools('act', 'terraform', 'moto_server', 'packer', 'packer_plugins'))('a workflow', () => {
  test('hands the baked id to Terraform, in its own job by the file and in the next by the output', async () => {
    await using ec2 = await startEc2()
    using workspace = makeWorkspace({
      'ami/app.pkr.hcl': hclTemplate(),
      'terraform/main.tf': read('example-app/terraform/check/main.tf'),
    })
    const env = { ...ec2.environment, ...packerEnvironment() }
    const { exitCode, log } = await runWorkflow(workspace, read('__tests__/fixtures/bake-and-deploy.yml'), env)

    expect(exitCode, log).toBe(0)
    const [image, ...others] = (await ec2.inventory()).images
    expect(others).toEqual([])
    expect(log).toMatch(new RegExp(`bake and deploy/bake *\\] .*\\+ input +?= "${image?.ImageId}"`))
    expect(log).toMatch(new RegExp(`bake and deploy/deploy *\\] .*ami_id = "${image?.ImageId}"`))
  })

  test('looks up first, and gets Packer only when there is something to bake', async () => {
    await using ec2 = await startEc2()
    using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
    const recipe = withoutStepsOfOthers(read('docs/recipes/look-up-first.yml'))
    const env = { ...ec2.environment, ...packerEnvironment(), AWS_REGION: 'us-east-1' }
    const first = await runWorkflow(workspace, recipe, env)
    const second = await runWorkflow(workspace, recipe, env)

    expect(first.exitCode, first.log).toBe(0)
    expect(first.log).toContain('Skipped: there is no image')
    expect(first.log).toContain('Baked: ami-')
    expect(second.exitCode, second.log).toBe(0)
    expect(second.log).toContain('Hit: ami-')
    expect(second.log).not.toContain('Main ./ (bake)')
    expect((await ec2.inventory()).images).toHaveLength(1)
  })
})

/** A recipe as it can run here: this action as it is built, and without the steps that log in to AWS or install Packer. */
function withoutStepsOfOthers(recipe: string): string {
  const steps = recipe.replaceAll('ami-bakery/ami-bakery@v1', './').split(/(?=^ {6}- )/m)
  return steps.filter(step => !/uses: (aws-actions|hashicorp)\//.test(step)).join('')
}
