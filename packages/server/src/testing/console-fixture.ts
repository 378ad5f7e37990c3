import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

import { serveConsole } from '../gateway/admin/console.ts'
import { Statistics } from '../gateway/admin/statistics.ts'
import type { Visitor } from '../gateway/admin/visitor.ts'
import { CancelKeys } from '../gateway/cancel.ts'
import type { PoolAdmin } from '../gateway/pool/report.ts'
import { defaultPoolSettings, type PoolSettings } from '../gateway/pool/settings.ts'
import { readBytes } from '../gateway/wire/reader.ts'
import { parseOpeningPacket, parsePacketLength } from '../gateway/wire/startup.ts'
import { createLog } from '../lib/log.ts'

export interface ConsoleFixture {
  /** A connection string without TLS, for the user `name`. */
  uri(name?: string): string
  port: number
  statistics: Statistics
  /** Ends consoles as the gateway does when it stops. */
  abort(reason: Error): void
  stop(): Promise<void>
}

export interface ConsoleFixtureOptions {
  admin: PoolAdmin
  /** Who a client is, by the user that it names. */
  visitors: Readonly<Record<string, Visitor>>
  settings?: PoolSettings
}

/** The console on a plain TCP port of 127.0.0.1, where everybody is who they say. */
export async function startConsole(options: ConsoleFixtureOptions): Promise<ConsoleFixture> {
  const { admin, visitors, settings = defaultPoolSettings } = options
  const statistics = new Statistics(admin)
  const cancelKeys = new CancelKeys()
  const ending = new AbortController()
  const sockets = new Set<Socket>()
  const serve = async (socket: Socket) => {
    const { signal } = ending
    const length = await readBytes(socket, 4, signal)
    const packet = parseOpeningPacket(await readBytes(socket, parsePacketLength(length), signal))
    if (packet.kind === 'cancel_request') {
      await (packet.key && cancelKeys.find(packet.key))?.()
      socket.end()
    } else if (packet.kind === 'startup') {
      await serveConsole({
        stream: socket,
        admin,
        visitor: visitors[packet.parameters.get('user') ?? ''] ?? { endpointId: '', canAct: false },
        statistics,
        settings: async () => settings,
        cancelKeys,
        version: '0.0.0',
        log: createLog({ level: 'silent', toStderr: false }),
        signal,
      })
    }
  }
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
    serve(socket).catch(() => socket.destroy())
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    uri: (name = 'coppice') => `postgresql://${name}:x@127.0.0.1:${port}/pgbouncer?sslmode=disable`,
    port,
    statistics,
    abort: (reason) => ending.abort(reason),
    stop: async () => {
      statistics.stop()
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
