import { once } from 'node:events'
import type http from 'node:http'
import type net from 'node:net'

/** A server that has been started. */
export interface Served extends Disposable {
  readonly port: number
}

/** Lets a server listen on a free port of the loopback interface. */
export async function serve(server: http.Server | net.Server): Promise<Served> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  function close(): void {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
  }
  return { port, [Symbol.dispose]: close }
}
