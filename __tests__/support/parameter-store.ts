import { GetParameterCommand, GetParameterHistoryCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import type { FaultyEc2 } from './proxy.ts'

/** A person with access to the parameters of one region, whose requests are neither recorded nor disturbed. */
export interface ParameterStore {
  value(name: string): Promise<string | undefined>
  /** Writes an image's id. */
  put(name: string, id: string, description?: string): Promise<void>
  /** Value and description of each version, from the oldest to the newest. */
  history(name: string): Promise<readonly (readonly [value: string, description: string])[]>
}

export function openStore(ec2: FaultyEc2, region = 'us-east-1'): ParameterStore {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const ssm = new SSMClient({ region, endpoint: `${ec2.endpoint}/back-door`, credentials })
  return {
    value: async Name => (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value,
    put: async (Name, Value, Description = 'by hand') => {
      const image = { Type: 'String', DataType: 'aws:ec2:image', Overwrite: true } as const
      await ssm.send(new PutParameterCommand({ ...image, Name, Value, Description }))
    },
    history: async Name => {
      const { Parameters = [] } = await ssm.send(new GetParameterHistoryCommand({ Name }))
      return Parameters.map(({ Value = '', Description = '' }) => [Value, Description] as const)
    },
  }
}
