/**
 * The pooler under test in a process of its own, so that its CPU time and memory are its alone, before
 * a PostgreSQL of its own: `serve.ts plain|tls`. Says on stdout where everything is, as one line of
 * JSON, and ends with its stdin.
 */
import { chown, copyFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readCertificatePair } from '../../packages/server/src/gateway/certificate-pair.ts'
import type { CertificatePaths } from '../../packages/server/src/gateway/certificates.ts'
import { createGateway } from '../../packages/server/src/gateway/gateway.ts'
import { createLog } from '../../packages/server/src/lib/log.ts'
import * as gateway from '../../packages/server/src/testing/gateway-fixture.ts'
import * as pool from '../../packages/server/src/testing/pool-fixture.ts'
import {
  findInstallations,
  type Installation,
  type ThrowawayPostgres,
} from '../../packages/server/src/testing/throwaway-postgres.ts'

/** What a leg of the benchmark is told of its processes. */
export interface Served {
  /** Of the process with the pooler. */
  processId: number
  postgresVersion: number
  /** Where PostgreSQL itself listens. */
  postgresHost: string
  socketDirectory: string
  /** Where the pooler listens on 127.0.0.1; by name, for SNI names the endpoint. */
  host: string
  port: number
  role: string
  password: string
  database: string
  /** As PostgreSQL stores it. */
  verifier: string
  certificates: CertificatePaths | undefined
  /** Where SQL over HTTP is served, with TLS. */
  sqlPort: number | undefined
}

type Fixture = pool.PoolFixture | gateway.GatewayFixture
const noTls = { certificates: undefined, sqlPort: undefined }

type Place = Pick<
  Served,
  'host' | 'port' | 'role' | 'password' | 'database' | 'certificates' | 'sqlPort'
>

/** Trusted where there is no TLS: what is measured there begins after the login. */
const hba = `local all postgres trust
local all all scram-sha-256
hostnossl all all 127.0.0.0/8 trust
hostssl all all 127.0.0.0/8 scram-sha-256
`

/** PostgreSQL listens on the port of its socket, 5432; an address of its own keeps that from others. */
const postgresHost = `127.${process.pid % 250}.${(process.pid >> 8) % 250}.53`

const settings = [
  `listen_addresses = '${postgresHost}'`,
  'max_connections = 600',
  `shared_buffers = '256MB'`,
]

const installation = (await findInstallations()).at(-1)
if (installation === undefined) throw new Error('no PostgreSQL found: install postgresql')
const isTls = process.argv[2] === 'tls'
const { fixture, place } = isTls ? await serveTls(installation) : await servePlain(installation)
await openToTcp(fixture.postgres, place.certificates)
process.stdout.write(`${JSON.stringify(await describe(fixture.postgres, place))}\n`)
process.stdin.resume().once('close', () => {
  void fixture.stop().finally(() => process.exit())
})

async function servePlain(found: Installation): Promise<{ fixture: Fixture; place: Place }> {
  const fixture = await pool.startPoolFixture(found)
  const { poolRole: role, poolPassword: password, poolDatabase: database } = pool
  const address = { host: '127.0.0.1', port: fixture.port }
  return { fixture, place: { ...address, role, password, database, ...noTls } }
}

async function serveTls(found: Installation): Promise<{ fixture: Fixture; place: Place }> {
  const fixture = await gateway.startGatewayFixture(found)
  const { role, password, database, endpointId, domain } = gateway
  const { certificates } = fixture
  const address = { host: `${endpointId}.${domain}`, port: fixture.pooledPort }
  const sqlPort = await serveSql(fixture)
  return { fixture, place: { ...address, role, password, database, certificates, sqlPort } }
}

/** By a gateway of its own, whose pools are its own too; it ends with the process. */
async function serveSql({ controlPlane, certificates }: gateway.GatewayFixture): Promise<number> {
  const sql = createGateway({
    controlPlane,
    tls: await readCertificatePair(certificates),
    secret: '',
    domain: gateway.domain,
    listen: [],
    listenSql: [{ host: '127.0.0.1', port: 0 }],
    log: createLog({ level: 'silent', toStderr: false }),
  })
  await sql.start()
  return sql.sqlAddresses()[0]?.port ?? 0
}

/** Lets clients in without the pooler in between, to compare, and as many as the benchmark has. */
async function openToTcp(
  postgres: ThrowawayPostgres,
  certificates: Served['certificates'],
): Promise<void> {
  const { dataDirectory } = postgres
  const extra = certificates ? [...settings, 'ssl = on'] : settings
  for (const setting of extra) await postgres.sql(`alter system set ${setting}`)
  await writeFile(join(dataDirectory, 'pg_hba.conf'), hba)
  if (certificates) {
    const { uid, gid } = await stat(dataDirectory)
    const key = join(dataDirectory, 'server.key')
    await copyFile(certificates.certPath, join(dataDirectory, 'server.crt'))
    await copyFile(certificates.keyPath, key)
    await chown(key, uid, gid)
  }
  await postgres.halt()
  await postgres.start()
}

async function describe(postgres: ThrowawayPostgres, place: Place): Promise<Served> {
  const [row] = await postgres.sql<{ rolpassword: string }>(
    'select rolpassword from pg_authid where rolname = $1',
    [place.role],
  )
  return {
    ...place,
    processId: process.pid,
    postgresVersion: postgres.version,
    postgresHost,
    socketDirectory: postgres.socketDirectory,
    verifier: row?.rolpassword ?? '',
  }
}
