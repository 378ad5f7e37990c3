import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Admission } from '../gateway/admission.ts'
import { createMockVerifiers } from '../gateway/auth/mock-verifier.ts'
import type { AuthenticatedClient } from '../gateway/authenticated-session.ts'
import { CancelKeys, sendCancelRequest } from '../gateway/cancel.ts'
import { readCertificatePair } from '../gateway/certificate-pair.ts'
import { type CertificatePaths, ensureCertificates } from '../gateway/certificates.ts'
import { connectCompute } from '../gateway/connect-compute.ts'
import { createSqlServer, type SqlServer } from '../gateway/http/sql-server.ts'
import { defaultLimits, type GatewayLimits } from '../gateway/limits.ts'
import { Relay } from '../gateway/relay.ts'
import { authenticationOk, backendKeyData, readyForQuery } from '../gateway/wire/messages.ts'
import { createLog } from '../lib/log.ts'
import { createDirectLender, type DirectLender } from './direct-lender.ts'
import { createFakeControlPlane, type FakeControlPlane } from './fake-control-plane.ts'
import { database, domain, endpointId, password, role } from './gateway-fixture.ts'
import { createHttpsClient, type HttpsClient } from './https-client.ts'
import {
  type Installation,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from './throwaway-postgres.ts'

/** The server of the serverless driver before a real PostgreSQL that has one role and one database. */
export interface SqlFixture {
  postgres: ThrowawayPostgres
  controlPlane: FakeControlPlane
  lender: DirectLender
  certificates: CertificatePaths
  ca: Buffer
  server: SqlServer
  /** Of 127.0.0.1. */
  port: number
  https: HttpsClient
  /** Clients of WebSockets that have logged in. */
  webSocketClients: AuthenticatedClient[]
  /** A connection string of the fixture's role, as the platform would print it. */
  connectionString: string
  /** Puts a new certificate of the same authority where the server reads it. */
  renewCertificate(): Promise<void>
  /** Replaces the server by one with other limits. */
  restart(limits?: Partial<GatewayLimits>): Promise<void>
  stop(): Promise<void>
}

export async function startSqlFixture(installation: Installation): Promise<SqlFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'sql-http-'))
  const postgres = await startThrowawayPostgres(installation)
  const controlPlane = createFakeControlPlane(postgres, [endpointId])
  const certificates = await ensureCertificates({ directory, domain })
  const ca = await readFile(certificates.caPath)
  const lender = createDirectLender(controlPlane)
  const cancelKeys = new CancelKeys()
  const webSocketClients: AuthenticatedClient[] = []
  const https = createHttpsClient(ca)
  await postgres.sql(`create role ${role} login password '${password}'`)
  await postgres.sql(`create database ${database} owner ${role}`)

  async function startServer(given: Partial<GatewayLimits> = {}): Promise<SqlServer> {
    // A request that a test has left open shall not hold up its end.
    const limits = { ...defaultLimits, drainGraceMs: 200, ...given }
    const server = createSqlServer({
      controlPlane,
      lender,
      admission: new Admission(limits),
      mockVerifiers: createMockVerifiers('a secret'),
      tls: await readCertificatePair(certificates),
      domain,
      listen: [{ host: '127.0.0.1', port: 0 }],
      log: createLog({ level: 'silent', toStderr: false }),
      limits,
      serveWebSocket: async (client) => {
        webSocketClients.push(client)
        await relay(client, controlPlane, cancelKeys)
      },
      cancel: async (key) => cancelKeys.find(key)?.(),
    })
    await server.start()
    fixture.server = server
    fixture.port = server.addresses()[0]?.port ?? 0
    return server
  }

  const fixture: Omit<SqlFixture, 'server'> & { server?: SqlServer } = {
    postgres,
    controlPlane,
    lender,
    certificates,
    ca,
    port: 0,
    https,
    webSocketClients,
    connectionString: connectionString({}),
    renewCertificate: async () => {
      await rm(certificates.certPath)
      await ensureCertificates({ directory, domain })
    },
    restart: async (limits) => {
      await fixture.server?.stop()
      await startServer(limits)
    },
    stop: async () => {
      https.close()
      await fixture.server?.stop()
      await postgres.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    const server = await startServer()
    return Object.assign(fixture, { server })
  } catch (error) {
    await fixture.stop()
    throw error
  }
}

export function connectionString(given: {
  user?: string
  secret?: string
  host?: string
  name?: string
  query?: string
}): string {
  const { user = role, secret = password, host = `${endpointId}.${domain}` } = given
  const { name = database, query = 'sslmode=require&channel_binding=require' } = given
  return `postgresql://${user}:${encodeURIComponent(secret)}@${host}/${name}?${query}`
}

/** A session without a pool, as short as it can be. */
async function relay(
  { stream, startup, login }: AuthenticatedClient,
  controlPlane: FakeControlPlane,
  cancelKeys: CancelKeys,
): Promise<void> {
  const wake = async () => controlPlane.wake(login.endpointId)
  const { socket, socketPath, greeting, cancelKey } = await connectCompute(
    { address: await wake(), wake, parameters: startup.forwarded, keys: login.keys },
    new AbortController().signal,
  )
  const issued =
    cancelKey && cancelKeys.issue(async () => sendCancelRequest({ socketPath, key: cancelKey }))
  const activity = controlPlane.openSession({
    endpointId: login.endpointId,
    role: startup.user,
    database: startup.database,
    applicationName: startup.applicationName,
    clientAddress: '',
    pooled: login.pooled,
    quiet: startup.quiet,
  })
  try {
    const key = issued ? [backendKeyData(issued.key)] : []
    stream.write(Buffer.concat([authenticationOk(), ...greeting, ...key, readyForQuery()]))
    const countSent = (bytes: number): void => controlPlane.countSent(login.endpointId, bytes)
    await new Relay({ client: stream, compute: socket, activity, countSent }).run()
  } finally {
    activity.end()
    issued?.release()
    socket.destroy()
  }
}
