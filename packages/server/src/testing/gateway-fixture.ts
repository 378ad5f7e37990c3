import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { readCertificatePair } from '../gateway/certificate-pair.ts'
import { type CertificatePaths, ensureCertificates } from '../gateway/certificates.ts'
import { createGateway, type Gateway } from '../gateway/gateway.ts'
import type { GatewayLimits } from '../gateway/limits.ts'
import { createLog } from '../lib/log.ts'
import { createFakeControlPlane, type FakeControlPlane } from './fake-control-plane.ts'
import {
  type Installation,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from './throwaway-postgres.ts'
import { until } from './until.ts'

export const domain = 'coppice.localhost'
export const endpointId = 'ep-quiet-fern-a1b2c3d4'
export const role = 'tester'
export const password = 'correct horse; battery $taple'
export const database = 'app'

/** A gateway before a real PostgreSQL that has one role and one database. */
export interface GatewayFixture {
  postgres: ThrowawayPostgres
  controlPlane: FakeControlPlane
  gateway: Gateway
  certificates: CertificatePaths
  /** Ports of 127.0.0.1. */
  port: number
  pooledPort: number
  /** Replaces the gateway by one with other limits. */
  restart(limits?: Partial<GatewayLimits>): Promise<void>
  stop(): Promise<void>
}

export async function startGatewayFixture(installation: Installation): Promise<GatewayFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-'))
  const postgres = await startThrowawayPostgres(installation)
  const controlPlane = createFakeControlPlane(postgres, [endpointId])
  const certificates = await ensureCertificates({ directory, domain })
  await postgres.sql(`create role ${role} login password '${password}'`)
  await postgres.sql(`create database ${database} owner ${role}`)

  async function startGateway(limits: Partial<GatewayLimits> = {}): Promise<Gateway> {
    const gateway = createGateway({
      controlPlane,
      tls: await readCertificatePair(certificates),
      secret: 'a secret',
      domain,
      listen: [
        { host: '127.0.0.1', port: 0, pooled: false },
        { host: '127.0.0.1', port: 0, pooled: true },
      ],
      log: createLog({ level: 'silent', toStderr: false }),
      // A session that a test has left open shall not hold up its end.
      limits: { drainGraceMs: 200, ...limits },
    })
    await gateway.start()
    const [direct, pooled] = gateway.addresses()
    fixture.gateway = gateway
    fixture.port = direct?.port ?? 0
    fixture.pooledPort = pooled?.port ?? 0
    return gateway
  }

  const fixture: Omit<GatewayFixture, 'gateway'> & { gateway?: Gateway } = {
    postgres,
    controlPlane,
    certificates,
    port: 0,
    pooledPort: 0,
    restart: async (limits) => {
      await fixture.gateway?.stop()
      await startGateway(limits)
    },
    stop: async () => {
      await fixture.gateway?.stop()
      await postgres.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    const gateway = await startGateway()
    return Object.assign(fixture, { gateway })
  } catch (error) {
    await fixture.stop()
    throw error
  }
}

/** Forgets what earlier tests have done. Waits for the ends of their sessions. */
export async function resetControlPlane(controlPlane: FakeControlPlane): Promise<void> {
  // A pool keeps its connections when its clients have gone.
  await until(() => controlPlane.sessions.every(({ ends, pooled }) => ends === 1 || pooled))
  controlPlane.sessions.length = 0
  controlPlane.wakes.length = 0
  controlPlane.beforeWake = async () => undefined
  controlPlane.verifierOverride = undefined
}
