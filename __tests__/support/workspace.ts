import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { SOURCE_IMAGE } from './ec2.ts'

/**
 * A checked-out repository with the files given, by their paths, in a real temporary directory. What the steps in it leave
 * among their temporary files is removed with it.
 */
export interface Workspace {
  readonly directory: string
  write(files: Readonly<Record<string, string>>): void
  read(file: string): string
  has(file: string): boolean
  [Symbol.dispose](): void
}

/** Makes a workspace. */
export function makeWorkspace(files: Readonly<Record<string, string>>, name = 'workspace'): Workspace {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'job-'))
  const directory = path.join(parent, name)
  const at = (file: string) => path.join(directory, file)
  function write(contents: Readonly<Record<string, string>>): void {
    for (const [file, content] of Object.entries(contents)) {
      fs.mkdirSync(path.dirname(at(file)), { recursive: true })
      fs.writeFileSync(at(file), content)
    }
  }
  write(files)
  return {
    directory,
    write,
    read: file => fs.readFileSync(at(file), 'utf8'),
    has: file => fs.existsSync(at(file)),
    // A process that was killed just now may still be making files.
    [Symbol.dispose]: () => fs.rmSync(parent, { recursive: true, force: true, maxRetries: 10 }),
  }
}

/** An HCL2 template that bakes without connecting to its instance and tags nothing; `more` goes into its source block. */
export function hclTemplate(more = ''): string {
  return `
packer {
  required_plugins {
    amazon = { source = "github.com/hashicorp/amazon", version = ">= 1.2" }
  }
}
variable "aws_region" { type = string }
source "amazon-ebs" "app" {
  region        = var.aws_region
  source_ami    = "${SOURCE_IMAGE.ami_id}"
  instance_type = "t3.micro"
  communicator  = "none"
  ami_name      = "app-\${uuidv4()}"
  ${more}
}
build { sources = ["source.amazon-ebs.app"] }
`
}

/** The same, but it tags its image with the checksum itself, as the original's templates do. */
export function selfTaggingTemplate(more = ''): string {
  const tags = 'tags = { ami_config_checksum = var.config_checksum }'
  return `variable "config_checksum" { type = string }\n${hclTemplate(`${tags}\n  ${more}`)}`
}

/** The template with provisioners and post-processors in its build block. */
export function withSteps(template: string, ...steps: readonly string[]): string {
  const lines = ['build {', 'sources = ["source.amazon-ebs.app"]', ...steps, '}']
  return template.replace(/^build .*/m, () => lines.join('\n'))
}

/** The template, logging in to an instance that listens on a port of this machine. */
export function withSsh(template: string, port: number): string {
  const login = ['"ssh"', 'ssh_username = "ec2-user"', 'ssh_host = "127.0.0.1"', `ssh_port = ${port}`]
  return template.replace(/(?<=^ +communicator += )"none"/m, login.join('\n  '))
}

/** A legacy JSON template of the kind that the original's users have: it tags its image with the checksum itself. */
export function jsonTemplate(): string {
  return JSON.stringify({
    variables: { aws_region: '', config_checksum: '' },
    builders: [
      {
        type: 'amazon-ebs',
        region: '{{user `aws_region`}}',
        source_ami: SOURCE_IMAGE.ami_id,
        instance_type: 't3.micro',
        communicator: 'none',
        ami_name: 'legacy-{{uuid}}',
        tags: { ami_config_checksum: '{{user `config_checksum`}}' },
      },
    ],
    'post-processors': [{ type: 'manifest', output: '.manifest.json' }],
  })
}
