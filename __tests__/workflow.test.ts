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
  test('passes the ID of the baked image to Terraform, in the same job by the file and in the next job by the output', async () => {
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
})
