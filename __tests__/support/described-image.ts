import type { Image } from '../../src/ec2/images.ts'
import { ACCOUNT } from './ec2.ts'

/** An image as EC2 describes it: available, with 8 GiB, and nothing else of note but what is given. */
export function describedImage(given: Partial<Image> & Pick<Image, 'id' | 'creationDate'>): Image {
  return {
    name: given.id,
    owner: ACCOUNT,
    description: '',
    state: 'available',
    stateReason: undefined,
    deprecationTime: undefined,
    sourceInstance: undefined,
    sourceImage: undefined,
    sourceRegion: undefined,
    architecture: 'x86_64',
    snapshots: [],
    isEncrypted: false,
    gib: 8,
    lastLaunchedTime: undefined,
    isProtected: false,
    tags: new Map(),
    ...given,
  }
}
