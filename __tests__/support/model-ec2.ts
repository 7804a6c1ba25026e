import { EC2Client, type Filter, type Image, type ServiceInputTypes, type Tag } from '@aws-sdk/client-ec2'
import type { Ec2 } from '../../src/ec2/client.ts'
import type { makeDice } from './definitions.ts'
import { ACCOUNT } from './ec2.ts'

/**
 * A model of EC2 in the memory of the test, for thousands of schedules: images, their tags and their deprecation. Requests take effect
 * one after the other, in an order that the dice decide.
 */
export interface ModelEc2 {
  readonly images: ReadonlyMap<string, ModelImage>
  /** Adds an available image and returns its id. `described` replaces what EC2 says of it by default. */
  add(region: string, tags: Readonly<Record<string, string>>, described?: Partial<Image>): string
  /** EC2 in a region, for the requests of one actor. */
  connect(actor: Actor, region: string): Ec2
}

export interface ModelImage {
  readonly id: string
  readonly region: string
  readonly tags: Map<string, string>
  /** What EC2 says of it besides its tags. */
  readonly described: Partial<Image>
  deprecationTime: string | undefined
}

/** One run of an action. */
export interface Actor {
  /** How many requests it has sent. */
  sent: number
  /** What happens to one of its requests: EC2 refuses it, or the run is killed once the request has taken effect. */
  readonly cut?: { readonly at: number; readonly how: 'refuse' | 'kill' }
  /** Answers a request in place of EC2, or throws its error; `undefined` lets EC2 answer. */
  readonly answer?: (request: Request) => object | undefined
  /** Settles when the run is killed. */
  readonly killed: Promise<'killed'>
  kill(): void
  isKilled: boolean
}

export interface Request {
  /** The SDK's command: `DescribeImagesCommand`. */
  readonly name: string
  readonly region: string
  readonly input: ServiceInputTypes
}

/** @param interference What happens to its requests. Those that are cut are counted from 0. */
export function makeActor(interference: Pick<Actor, 'cut' | 'answer'> = {}): Actor {
  let kill = () => {}
  const killed = new Promise<'killed'>(resolve => {
    kill = () => resolve('killed')
  })
  const actor: Actor = {
    sent: 0,
    ...interference,
    killed,
    isKilled: false,
    kill: () => {
      actor.isKilled = true
      kill()
    },
  }
  return actor
}

/** Makes a model that is empty. `onChange` is called after each change. */
export function makeModelEc2(dice: ReturnType<typeof makeDice>, onChange: () => void = () => {}): ModelEc2 {
  const images = new Map<string, ModelImage>()
  const copies = new Map<string, string>()
  let count = 0
  const clients = new Map<Actor, Map<string, Ec2>>()

  function add(region: string, tags: Readonly<Record<string, string>>, described: Partial<Image> = {}): string {
    const id = `ami-${(0x10000000 + count++).toString(16)}`
    images.set(id, { id, region, tags: new Map(Object.entries(tags)), described, deprecationTime: undefined })
    return id
  }

  /** Others take their turns in between. */
  async function wait(): Promise<void> {
    for (let turns = dice.below(8); turns >= 0; turns--) await new Promise(resolve => setImmediate(resolve))
  }

  function describe(region: string, input: ServiceInputTypes): object {
    const ids = 'ImageIds' in input ? input.ImageIds : undefined
    const filters = 'Filters' in input ? (input.Filters ?? []) : []
    const isOwn = 'Owners' in input && input.Owners?.includes('self')
    const withDisabled = 'IncludeDisabled' in input && input.IncludeDisabled
    const found = [...images.values()].filter(image => {
      const { OwnerId, State } = toImage(image)
      return (
        image.region === region &&
        (!isOwn || OwnerId === ACCOUNT) &&
        (withDisabled || State !== 'disabled') &&
        (!ids || ids.some(id => id === image.id)) &&
        filters.every(one => matches(image, one))
      )
    })
    if (ids && found.length === 0) throw refusal('InvalidAMIID.NotFound')
    return { Images: found.map(toImage) }
  }

  function tag(resources: readonly string[], tags: readonly Tag[]): object {
    for (const id of resources) for (const { Key = '', Value = '' } of tags) images.get(id)?.tags.set(Key, Value)
    onChange()
    return {}
  }

  function copy(region: string, input: ServiceInputTypes): object {
    const token = 'ClientToken' in input ? `${input.ClientToken}` : ''
    const known = copies.get(token)
    if (known !== undefined) return { ImageId: known }
    const specified = 'TagSpecifications' in input ? input.TagSpecifications?.[0]?.Tags : []
    const tags = Object.fromEntries((specified ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
    const described =
      'SourceImageId' in input
        ? { SourceImageId: `${input.SourceImageId}`, SourceImageRegion: `${input.SourceRegion}` }
        : {}
    const id = add(region, tags, described)
    copies.set(token, id)
    onChange()
    return { ImageId: id }
  }

  function answer(name: string, region: string, input: ServiceInputTypes): object {
    const image = images.get('ImageId' in input ? `${input.ImageId}` : '')
    if (name === 'DescribeImagesCommand') return describe(region, input)
    if (name === 'CopyImageCommand') return copy(region, input)
    if (name === 'CreateTagsCommand' && 'Resources' in input && 'Tags' in input) {
      return tag(input.Resources ?? [], input.Tags ?? [])
    }
    if (name === 'EnableImageDeprecationCommand' && image && 'DeprecateAt' in input) {
      image.deprecationTime = input.DeprecateAt?.toISOString()
      return {}
    }
    if (name === 'DisableImageDeprecationCommand' && image) {
      image.deprecationTime = undefined
      return {}
    }
    if (name === 'DescribeImageAttributeCommand') return { ImageId: image?.id, LaunchPermissions: [] }
    throw new Error(`The model has no ${name}.`)
  }

  async function send(actor: Actor, region: string, { name, input }: { name: string; input: ServiceInputTypes }) {
    await wait()
    const [number, { cut }] = [actor.sent++, actor]
    if (actor.isKilled) await new Promise(() => {})
    if (cut?.at === number && cut.how === 'refuse') throw refusal('UnauthorizedOperation')
    const output = actor.answer?.({ name, region, input }) ?? answer(name, region, input)
    if (cut?.at === number) actor.kill()
    await wait()
    if (actor.isKilled) await new Promise(() => {})
    return output
  }

  function connect(actor: Actor, region: string): Ec2 {
    const ofActor = clients.get(actor) ?? new Map<string, Ec2>()
    clients.set(actor, ofActor)
    const known = ofActor.get(region)
    if (known) return known
    const client = new EC2Client({ region, credentials: { accessKeyId: 'model', secretAccessKey: 'model' } })
    client.middlewareStack.add(
      (_next, { commandName = '' }) =>
        async ({ input }) => ({
          response: {},
          output: { $metadata: {}, ...(await send(actor, region, { name: commandName, input })) },
        }),
      { step: 'initialize', priority: 'high' },
    )
    const ec2 = { client, region, signal: undefined }
    ofActor.set(region, ec2)
    return ec2
  }

  return { images, add, connect }
}

/** An error of EC2 with this code. */
export function refusal(code: string): Error {
  return Object.assign(new Error(`The model says ${code}`), { name: code, Code: code })
}

function matches(image: ModelImage, { Name = '', Values = [] }: Filter): boolean {
  if (Name === 'state') return Values.includes(image.described.State ?? 'available')
  if (Name === 'image-id') return Values.includes(image.id)
  return Values.includes(image.tags.get(Name.replace(/^tag:/, '')) ?? '')
}

function toImage({ id, tags, described, deprecationTime }: ModelImage): Image {
  return {
    ImageId: id,
    Name: id,
    OwnerId: ACCOUNT,
    State: 'available',
    CreationDate: '2026-01-01T00:00:00.000Z',
    Architecture: 'x86_64',
    Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
    ...(deprecationTime && { DeprecationTime: deprecationTime }),
    ...described,
  }
}
