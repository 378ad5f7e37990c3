import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

import { CancelKeys } from '../gateway/cancel.ts'
import { renderError } from '../gateway/errors.ts'
import { Pools } from '../gateway/pool/pools.ts'
import { startupVariables } from '../gateway/pool/startup-variables.ts'
import { readStartup } from '../gateway/startup-parameters.ts'
import { readBytes } from '../gateway/wire/reader.ts'
import { parseOpeningPacket, parsePacketLength } from '../gateway/wire/startup.ts'
import { createLog } from '../lib/log.ts'
import { keysOfPassword, parseVerifier, type ScramKeys } from '../lib/scram.ts'
import { createFakeControlPlane, type FakeControlPlane } from './fake-control-plane.ts'
import {
  type Installation,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from './throwaway-postgres.ts'

export const poolEndpointId = 'ep-calm-moss-e5f6a7b8'
export const poolRole = 'pooled'
export const poolPassword = 'pool password'
export const poolDatabase = 'pooldb'

/**
 * Pools before a real PostgreSQL, on a plain TCP port of 127.0.0.1 where every client is let in as
 * `poolRole`: what is under test begins after the login.
 */
export interface PoolFixture {
  postgres: ThrowawayPostgres
  controlPlane: FakeControlPlane
  pools: Pools
  port: number
  /** Sets `pgbouncer_settings` for clients from now on. */
  configure(settings: Record<string, string>): Promise<void>
  /** `postgresql://…` of the pool's port. */
  uri: string
  stop(): Promise<void>
}

export async function startPoolFixture(installation: Installation): Promise<PoolFixture> {
  const postgres = await startThrowawayPostgres(installation)
  const controlPlane = createFakeControlPlane(postgres, [poolEndpointId])
  await postgres.sql(`create role ${poolRole} login createrole password '${poolPassword}'`)
  await postgres.sql(`create database ${poolDatabase} owner ${poolRole}`)
  const keys = await keysOf(controlPlane)
  const log = createLog({ level: 'silent', toStderr: false })
  const pools = new Pools({ controlPlane, log })
  const cancelKeys = new CancelKeys()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    admit(socket, pools, cancelKeys, keys).catch((error: unknown) => socket.end(renderError(error)))
  })
  const port = await listen(server)
  return {
    postgres,
    controlPlane,
    pools,
    port,
    configure: async (poolerSettings) => {
      const access = controlPlane.endpoints.get(poolEndpointId)
      if (access) controlPlane.endpoints.set(poolEndpointId, { ...access, poolerSettings })
      await pools.reload({ endpointId: poolEndpointId })
    },
    uri: `postgresql://${poolRole}:x@127.0.0.1:${port}/${poolDatabase}?sslmode=disable`,
    stop: async () => {
      server.close()
      await pools.close()
      await postgres.stop()
    },
  }
}

async function keysOf(controlPlane: FakeControlPlane): Promise<ScramKeys> {
  const verifier = parseVerifier((await controlPlane.findVerifier(poolEndpointId, poolRole)) ?? '')
  const keys = verifier && (await keysOfPassword(poolPassword, verifier))
  if (keys === undefined) throw new Error('the role has no SCRAM password')
  return keys
}

async function listen(server: Server): Promise<number> {
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** As the gateway does after TLS and SCRAM. */
async function admit(
  socket: Socket,
  pools: Pools,
  cancelKeys: CancelKeys,
  keys: ScramKeys,
): Promise<void> {
  const { signal } = new AbortController()
  const packet = parseOpeningPacket(
    await readBytes(socket, parsePacketLength(await readBytes(socket, 4, signal)), signal),
  )
  if (packet.kind === 'cancel_request') {
    await (packet.key && cancelKeys.find(packet.key))?.()
    socket.end()
    return
  }
  if (packet.kind !== 'startup') {
    socket.write('N')
    return admit(socket, pools, cancelKeys, keys)
  }
  const startup = readStartup(packet)
  await pools.serve(
    {
      endpointId: poolEndpointId,
      database: startup.database,
      role: poolRole,
      keys,
      variables: startupVariables(startup.forwarded),
      clientAddress: socket.remoteAddress ?? '',
      clientPort: socket.remotePort ?? 0,
      quiet: startup.quiet,
      via: 'wire',
      stream: socket,
    },
    cancelKeys,
  )
}
