import type { DefinedImage } from '../../src/actions/image-checksum.ts'
import type { ImageSettings } from '../../src/definition/settings.ts'

/** An image of an images file, and what is not as usual about it. */
export interface GivenImage {
  readonly name: string
  readonly checksum: string
  /** The name of its template. */
  readonly template?: string
  readonly parent?: DefinedImage | undefined
  readonly settings?: Partial<ImageSettings>
}

/** An image of an images file with its checksum: it is baked in us-east-1, and has no settings but what is given. */
export function definedImage({ name, checksum, template = 't.pkr.hcl', parent, settings }: GivenImage): DefinedImage {
  const path = `/workspace/${template}`
  return {
    settings: {
      name,
      template: { path, name: template, directory: '/workspace', isDirectory: false, files: [path], language: 'hcl2' },
      definition: ['.'],
      region: 'us-east-1',
      regions: [],
      subnetId: undefined,
      variables: [],
      variableFiles: [],
      only: [],
      baseAmi: undefined,
      extraIngredients: [],
      strict: true,
      candidate: false,
      maxAgeDays: undefined,
      criticalFixDays: undefined,
      tags: new Map(),
      workingDirectory: '/workspace',
      outputFile: '/workspace/.ami_id.json',
      shareWith: [],
      ssmParameter: undefined,
      parent: parent?.settings.name,
      ...settings,
    },
    checksum: { value: checksum, files: [], ingredients: [], definition: [], options: {} },
    parent,
  }
}
