import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Passes TCP on, and cuts the connections that it is told to. */
export interface CuttingProxy {
  port: number
  /** The next `connections` end after so many bytes of their answers. */
  cut(options: { connections: number; afterBytes: number }): void
  /** How many have been cut. */
  cutCount(): number
  close(): Promise<void>
}

export async function startCuttingProxy(to: { host: string; port: number }): Promise<CuttingProxy> {
  let left = 0
  let limit = 0
  let cuts = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const target = connect(to)
    let passed = 0
    for (const socket of [client, target]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => open.delete(socket))
    }
    client.pipe(target)
    target.on('data', (bytes: Buffer) => {
      passed += bytes.byteLength
      if (left > 0 && passed > limit) {
        left -= 1
        cuts += 1
        client.destroy()
        target.destroy()
        return
      }
      client.write(bytes)
    })
    target.on('end', () => client.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut: ({ connections, afterBytes }) => {
      left = connections
      limit = afterBytes
    },
    cutCount: () => cuts,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
