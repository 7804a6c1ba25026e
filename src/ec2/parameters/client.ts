import { SSMClient } from '@aws-sdk/client-ssm'
import { type Connection, connectTo } from '../client.ts'

/** SSM in one region. */
export type Ssm = Connection<SSMClient>

/** Makes the client of SSM for a region; the only place that does. Sends nothing. */
export function connectToSsm(region: string, signal?: AbortSignal): Ssm {
  return connectTo(SSMClient, 'SSM', { region, signal })
}
