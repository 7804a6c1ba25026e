import http from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { imagesAnswer } from '../support/answers.ts'
import { runAction } from '../support/runner.ts'
import { serve } from '../support/serve.ts'
import { tagSet } from '../support/tags.ts'
import { hclTemplate, makeWorkspace } from '../support/workspace.ts'

const PUBLISHED = { ami_bakery_template: 'ami/app.pkr.hcl', ami_config_checksum: 'f'.repeat(40) }
const [OLD, NEW] = ['ami-11111111', 'ami-22222222']

function image(id: string, month: string, tags: Readonly<Record<string, string>>): string {
  const date = `2026-${month}-01T00:00:00.000Z`
  const ingredients = { ami_bakery_ingredients: 'files=0123456789' }
  return `<item><imageId>${id}</imageId><name>name of ${id}</name><imageState>available</imageState><creationDate>${date}</creationDate>${tagSet({ ...PUBLISHED, ...ingredients, ...tags })}</item>`
}

/** The log of a miss in a region that has these images of the template, all with other checksums. */
async function explain(...images: readonly string[]): Promise<string> {
  using served = await serve(
    http.createServer(async (request, response) => {
      const isOfTemplate = (await text(request)).includes(encodeURIComponent('tag:ami_bakery_template'))
      response.end(imagesAnswer(isOfTemplate ? images.join('') : ''))
    }),
  )
  using workspace = makeWorkspace({ 'ami/app.pkr.hcl': hclTemplate() })
  const run = await runAction({
    workspace: workspace.directory,
    inputs: {
      'packer-template': 'ami/app.pkr.hcl',
      'ami-definition-dirs': 'ami',
      'aws-region': 'us-east-1',
      'on-miss': 'skip',
    },
    env: {
      AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${served.port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  })
  expect([run.exitCode, run.annotations], run.log).toEqual([0, []])
  return run.log
}

describe.concurrent('the explanation of a miss', () => {
  test('the explanation of a miss names the newest image of the template and the ingredients that differ', async () => {
    const log = await explain(image(NEW, '02', {}), image(OLD, '01', {}))
    expect(log).toContain(
      `\nSince the newest image of ami/app.pkr.hcl, ${NEW} (name of ${NEW}), these have changed: files.\n`,
    )
  })

  test.each([
    ['a backup by AWS Backup', { 'aws:backup:source-resource': 'i-1' }],
    ['a backup by Data Lifecycle Manager', { 'aws:dlm:lifecycle-policy-id': 'policy-1' }],
    ['a revoked image', { ami_bakery_revoked: 'boots badly' }],
    ['an image with a revoked checksum', { ami_config_checksum: `revoked:${'0'.repeat(40)}` }],
    ['the image of a failed bake', { ami_config_checksum: `failed:${'0'.repeat(40)}` }],
  ])('the explanation of a miss does not compare with %s, but with the newest other image', async (_, tags) => {
    const log = await explain(image(NEW, '02', tags), image(OLD, '01', {}))
    expect(log).toContain(`Since the newest image of ami/app.pkr.hcl, ${OLD} (`)
    expect(log).not.toContain(NEW)
    expect(await explain(image(NEW, '02', tags))).toContain('There is no image of ami/app.pkr.hcl yet.')
  })
})
